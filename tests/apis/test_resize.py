import pytest
import torch
from torch.nn import functional as F

from sapiens_mm.apis.resize import (
    bilinear_strips,
    enlarge_labels,
    enlarge_probabilities,
)

SIZES = [((8, 6), (64, 48)), ((64, 48), (37, 91)), ((5, 7), (5, 7)), ((3, 3), (1, 1))]


@pytest.mark.parametrize(('source', 'target'), SIZES)
@pytest.mark.parametrize('rows', [1, 7, 1000])
def test_strips_equal_interpolate(source, target, rows):
    maps = torch.randn(5, *source)
    expected = F.interpolate(maps[None], target, mode='bilinear')[0]
    seen = torch.zeros(target[0], dtype=torch.int)
    for part, strip in bilinear_strips(maps, target, rows):
        torch.testing.assert_close(strip, expected[:, part], atol=2e-5, rtol=0)
        assert strip.shape[1] <= rows
        seen[part] += 1
    assert (seen == 1).all()


def test_labels_and_probabilities():
    logits = torch.randn(28, 32, 24) * 3
    full = F.interpolate(logits[None], (301, 203), mode='bilinear')[0]
    labels = enlarge_labels(logits, (301, 203))
    assert labels.dtype == torch.uint8
    assert (labels == full.argmax(0)).float().mean() > 0.9999
    probabilities = enlarge_probabilities(logits, (301, 203)).float()
    torch.testing.assert_close(probabilities, full.softmax(0), atol=1e-3, rtol=0)
    torch.testing.assert_close(
        probabilities.sum(0), torch.ones(301, 203), atol=5e-3, rtol=0
    )
