"""Images of the samples of a test."""

from types import SimpleNamespace

import numpy as np
import pytest

from sapiens_mm.engine import SapiensShowHook, show_hook
from sapiens_mm.engine.preview_images import Preview


def test_every_sample_has_a_image_of_its_own(tmp_path, monkeypatch):
    drawn = []

    def draw(sample, cfg, metainfo, height):
        drawn.append((sample.img_path, metainfo, height))
        return Preview(np.zeros((height, 40, 3), np.uint8), {})

    monkeypatch.setattr(show_hook, 'draw_preview', draw)
    dataset = SimpleNamespace(metainfo={'classes': ('a',)})
    loop = SimpleNamespace(dataloader=SimpleNamespace(dataset=dataset))
    runner = SimpleNamespace(cfg={}, test_loop=loop)
    hook = SapiensShowHook(str(tmp_path / 'out'), height=64)
    samples = [SimpleNamespace(img_path=f'in/{name}') for name in ('a.jpg', 'b.png')]
    hook.after_test_iter(runner, 0, outputs=samples)
    hook.after_test_iter(runner, 1, outputs=samples[:1])  # the next person of a.jpg
    names = sorted(path.name for path in (tmp_path / 'out').iterdir())
    assert names == ['a.jpg', 'a_1.jpg', 'b.jpg']
    assert drawn[0] == ('in/a.jpg', dataset.metainfo, 64)


@pytest.mark.parametrize('height', [31, 64.0, True])
def test_wrong_heights(tmp_path, height):
    with pytest.raises(ValueError, match=f'whole number of 32 or more, got {height}'):
        SapiensShowHook(str(tmp_path), height)
