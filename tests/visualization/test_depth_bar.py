"""The bar of depth: near above, far below, and the image as it was."""

import cv2
import numpy as np
import pytest

from sapiens_mm.visualization import add_depth_bar, colorize_depth

INFERNO = cv2.applyColorMap(
    np.arange(256, dtype=np.uint8)[:, None], cv2.COLORMAP_INFERNO
)[:, 0]


@pytest.mark.parametrize(
    'grid_hw', [(80, 60), (425, 640), (896, 672), (400, 4000), (4000, 400)]
)
def test_near_is_above_and_far_below(grid_hw):
    picture = colorize_depth(np.random.default_rng(0).normal(size=grid_hw))
    result = add_depth_bar(picture)
    height, width = grid_hw
    assert result.shape[0] == height
    assert np.array_equal(result[:, :width], picture)
    strip = result[:, width:]
    # readable in a thumbnail, and no second image
    assert min(0.11 * min(grid_hw), 30) <= strip.shape[1] <= max(0.25 * width, 40)
    bar = strip[:, strip.shape[1] // 2]
    near = np.flatnonzero((bar == INFERNO[255]).all(-1))
    far = np.flatnonzero((bar == INFERNO[0]).all(-1))
    assert near[0] < 0.3 * height and far[-1] > 0.7 * height
    inside = bar[near[0] : far[-1] + 1].astype(int).sum(-1)
    assert (np.diff(inside) <= 0).all()
    # words above and below, none of their ink cut off
    ink = (strip.max(-1) < 170).astype(int)
    assert ink[: near[0] - 3].sum() > 20 and ink[far[-1] + 4 :].sum() > 20
    assert not ink[0].any() and not ink[-1].any()
    assert not ink[:, 0].any() and not ink[:, -1].any()


def test_a_low_image_gets_room_for_the_words():
    picture = np.full((4, 30, 3), 9, np.uint8)
    result = add_depth_bar(picture)
    assert len(result) == 60
    assert np.array_equal(result[:4, :30], picture) and (result[4:, :30] == 255).all()


def test_no_image():
    with pytest.raises(ValueError, match='image_bgr is an array'):
        add_depth_bar(np.zeros((4, 4), np.uint8))
