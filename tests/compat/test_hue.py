"""Turning the hue to both sides with mmcv."""

import sys

import cv2
import numpy as np
import pytest

from sapiens_mm.compat import hue

mmcv = pytest.importorskip('mmcv')

IMAGE = np.random.default_rng(0).integers(0, 256, (16, 24, 3), dtype=np.uint8)


def turned(steps):
    hsv = cv2.cvtColor(IMAGE, cv2.COLOR_BGR2HSV_FULL).astype(int)
    hsv[..., 0] = (hsv[..., 0] + steps) % 256
    return cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2BGR_FULL)


@pytest.mark.parametrize('factor', [-0.5, -0.03, -0.001, 0, 0.03, 0.5])
def test_steps_of_the_circle(factor):
    result = mmcv.adjust_hue(IMAGE, factor, backend='cv2')
    assert np.array_equal(result, turned(int(factor * 255)))


@pytest.mark.parametrize('factor', [-0.5, -0.03])
def test_pillow_turns_the_same_way(factor):
    result = mmcv.adjust_hue(IMAGE, factor, backend='pillow').astype(int)
    assert np.median(abs(result - turned(int(factor * 255)))) <= 4


def test_what_the_function_refuses_it_still_refuses():
    with pytest.raises(ValueError, match=r'hue_factor:-0\.6 is not in'):
        mmcv.adjust_hue(IMAGE, -0.6)


def test_all_draws_of_a_jitter_run():
    transforms = pytest.importorskip('mmpretrain.datasets.transforms')
    jitter = transforms.ColorJitter(hue=0.3)
    results = [jitter(dict(img=IMAGE.copy()))['img'] for _ in range(12)]
    assert len({result.tobytes() for result in results}) > 6


def test_stands_aside(monkeypatch):
    module = sys.modules['mmcv.image.photometric']
    before = module.adjust_hue
    monkeypatch.setattr(hue, '_numpy_refuses', lambda: False)
    hue._patch(module)
    assert module.adjust_hue is before
    monkeypatch.setattr(hue, '_numpy_refuses', lambda: True)
    monkeypatch.setattr(module, 'adjust_hue', turned)  # says nothing of the fault
    hue._patch(module)
    assert module.adjust_hue is turned
