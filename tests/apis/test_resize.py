import pytest
import torch
from torch.nn import functional as F

from sapiens_mm.apis import resize
from sapiens_mm.apis.resize import (
    Enlarged,
    enlarge_best,
    enlarge_labels,
    enlarge_probabilities,
)

SIZES = [((8, 6), (64, 48)), ((64, 48), (37, 91)), ((5, 7), (5, 7)), ((3, 3), (1, 1))]
IMAGE = (301, 203)


def host(maps, *sizes):
    for size in sizes:
        maps = F.interpolate(maps[None], size, mode='bilinear', align_corners=False)[0]
    return maps


def assert_same_labels(labels, logits):
    """Equal wherever the best class leads by more than rounding can make up for."""
    assert labels.dtype == torch.uint8
    first, second = logits.topk(2, dim=0).values
    clear = first - second > 1e-4
    assert clear.float().mean() > 0.99
    assert torch.equal(labels[clear].long(), logits.argmax(0)[clear])


@pytest.mark.parametrize(('source', 'target'), SIZES)
@pytest.mark.parametrize('pixels', [1, 300, 1 << 18])
def test_strips_equal_interpolate(source, target, pixels, monkeypatch):
    monkeypatch.setitem(resize._STRIP_PIXELS, 'cpu', pixels)
    maps = torch.randn(5, *source)
    expected = host(maps, target)
    view = Enlarged(maps, target)
    assert view.shape == (5, *target)
    seen = torch.zeros(target[0], dtype=torch.int)
    for part in view.strips():
        strip = view.rows(part)
        torch.testing.assert_close(strip, expected[:, part], atol=2e-5, rtol=0)
        torch.testing.assert_close(view.rows(part, 3), strip[3], atol=0, rtol=0)
        assert strip.shape[1] * target[1] <= max(pixels, target[1])
        seen[part] += 1
    assert (seen == 1).all()


@pytest.mark.parametrize('pixels', [500, 1 << 18])
@pytest.mark.parametrize('photo', [IMAGE, (20, 31)])
def test_two_resizes_equal_interpolate_twice(photo, pixels, monkeypatch):
    monkeypatch.setitem(resize._STRIP_PIXELS, 'cpu', pixels)
    maps = torch.randn(28, 32, 24) * 3
    twice = host(maps, (64, 48), photo)
    view = Enlarged(Enlarged(maps, (64, 48)), photo)
    whole = torch.cat([view.rows(part) for part in view.strips()], 1)
    torch.testing.assert_close(whole, twice, atol=2e-5, rtol=0)
    assert_same_labels(enlarge_labels(Enlarged(maps, (64, 48)), photo), twice)
    assert_same_labels(enlarge_labels(maps, photo), host(maps, photo))
    # the two differ, or comparing them would show nothing
    assert (twice - host(maps, photo)).abs().max() > 0.1


def test_a_window_is_a_part_of_the_whole():
    maps = torch.randn(4, 9, 7)
    window = slice(40, 111), slice(3, 60)
    whole = Enlarged(Enlarged(maps, (18, 14)), IMAGE).rows(slice(0, IMAGE[0]))
    view = Enlarged(Enlarged(maps, (18, 14)), IMAGE, window)
    assert view.shape == (4, 71, 57)
    part = view.rows(slice(10, 71))
    torch.testing.assert_close(part, whole[:, 50:111, 3:60], atol=1e-6, rtol=0)


def test_labels_and_probabilities():
    logits = torch.randn(28, 32, 24) * 3
    full = host(logits, IMAGE)
    labels, best = enlarge_best(logits, IMAGE)
    assert torch.equal(labels, enlarge_labels(logits, IMAGE))
    assert_same_labels(labels, full)
    torch.testing.assert_close(best.float(), full.softmax(0).amax(0), atol=1e-3, rtol=0)
    probabilities = enlarge_probabilities(logits, IMAGE).float()
    torch.testing.assert_close(probabilities, full.softmax(0), atol=1e-3, rtol=0)
    window = slice(7, 290), slice(1, 9)
    torch.testing.assert_close(
        enlarge_probabilities(logits, IMAGE, window).float(),
        full.softmax(0)[:, 7:290, 1:9],
        **dict(atol=1e-3, rtol=0),
    )


def test_extreme_logits_do_not_overflow():
    logits = torch.tensor([-300.0, 200.0, 199.0])[:, None, None].expand(3, 2, 2)
    labels, best = enlarge_best(logits, (3, 3))
    assert (labels == 1).all()
    expected = 1 / (1 + torch.tensor(-1.0).exp())
    torch.testing.assert_close(best.float(), expected.expand(3, 3), atol=1e-3, rtol=0)


def test_the_first_class_wins_a_tie():
    logits = torch.zeros(4, 2, 2)
    logits[1:3] = 1
    assert (enlarge_labels(logits, (5, 5)) == 1).all()


def test_channels_last_maps():
    maps = torch.randn(1, 6, 8, 9).to(memory_format=torch.channels_last)[0]
    assert_same_labels(enlarge_labels(maps, (31, 17)), host(maps, (31, 17)))
