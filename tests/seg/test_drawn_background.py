"""Drawn backgrounds: repeatable, of any size, and different from each other."""

import cv2
import numpy as np
import pytest

pytest.importorskip('mmseg')

from sapiens_mm.seg import drawn_background as drawn  # noqa: E402
from sapiens_mm.seg.drawn_surfaces import _PATTERNS, any_surface, noise  # noqa: E402


def test_a_seed_is_a_image():
    np.random.seed(1)
    first = [drawn.draw_background(seed, (96, 72)) for seed in range(12)]
    np.random.seed(2)  # the global state does not matter
    again = [drawn.draw_background(seed, (96, 72)) for seed in range(12)]
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert len({picture.tobytes() for picture in first}) == 12
    average = np.stack(first).astype(float)
    assert average.mean((1, 2)).std(0).min() > 15  # grey levels between images
    assert average[..., 0].std((1, 2)).max() > 30  # and within some of them


@pytest.mark.parametrize('hw', [(1, 1), (3, 200), (200, 3), (64, 48), (500, 333)])
def test_any_size(hw, monkeypatch):
    for scene in drawn._SCENES:
        monkeypatch.setattr(drawn, '_SCENES', (scene,))
        for seed in range(6):
            picture = drawn.draw_background(seed, hw)
            assert picture.shape == (*hw, 3)
            assert picture.dtype == np.uint8
            assert min(hw) < 48 or picture.std() > 0.4  # grain at least


@pytest.mark.parametrize('pattern', sorted({p.__name__ for p in _PATTERNS}))
def test_patterns_are_shares(pattern):
    (draw,) = {p for p in _PATTERNS if p.__name__ == pattern}
    for seed in range(8):
        field = draw(np.random.default_rng(seed), (40, 60))
        assert field.shape == (40, 60)
        assert np.isfinite(field).all()
        assert field.min() >= 0
        assert field.max() <= 1
        assert field.std() > 0.02


def test_noise_fills_its_range_and_gets_rougher_with_octaves():
    def roughness(octaves):
        field = noise(np.random.default_rng(0), (64, 64), 3, octaves)
        assert (field.min(), field.max()) == (0, 1)
        return np.abs(np.diff(field, axis=1)).mean()

    assert roughness(4) > 1.5 * roughness(1)


def test_contrast_limits_the_distance_of_two_colours():
    def spread(contrast):
        surface = any_surface(np.random.default_rng(5), (40, 40), contrast)
        return surface.std((0, 1)).mean()

    assert spread(0.1) < 0.7 * spread(1.0)


def test_a_image_is_the_same_scene_at_another_size():
    small = drawn.draw_background(8, (384, 288)).astype(float)
    large = cv2.resize(
        drawn.draw_background(8, (768, 576)), (288, 384), interpolation=cv2.INTER_AREA
    ).astype(float)
    assert np.abs(small - large).mean() < 12
    assert np.corrcoef(small.ravel(), large.ravel())[0, 1] > 0.9
