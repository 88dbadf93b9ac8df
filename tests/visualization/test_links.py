"""Lines of a skeleton: as thick as a thumbnail, the person and a face want them."""

import cv2
import numpy as np
import pytest

from sapiens_mm.tables import COCO17, GOLIATH308
from sapiens_mm.visualization import draw_keypoints
from sapiens_mm.visualization.keypoints import keypoint_radii
from sapiens_mm.visualization.links import link_widths

HIP, KNEE = (GOLIATH308.names.index(f'left_{name}') for name in ('hip', 'knee'))
FACE = list(GOLIATH308.groups['face'])
THIGH = GOLIATH308.links.index((KNEE, HIP))
GREEN = GOLIATH308.link_colors[THIGH][::-1]


def person(height_px, center=(320, 240)):
    """308 keypoints: a body of a height, its face, and neighbours of hip and knee."""
    points = np.full((308, 2), np.nan)
    points[HIP] = np.array(center, float)
    points[KNEE] = points[HIP] + (0, 0.25 * height_px)
    for k, joint in zip(GOLIATH308.groups['extra'], (HIP, KNEE), strict=False):
        points[k] = points[joint] + (1, 0)
    names = ('left_eye', 'left_ear', 'left_shoulder')
    eye, ear, shoulder = (GOLIATH308.names.index(name) for name in names)
    points[eye] = points[HIP] - (0, 0.45 * height_px)
    points[ear] = points[eye] + (0.07 * height_px, 0)
    points[shoulder] = points[HIP] - (0, 0.3 * height_px)
    grid = np.stack(np.meshgrid(np.arange(16), np.arange(15)), -1).reshape(-1, 2)
    spread = (grid[: len(FACE)] / 15 - 0.5) * 0.17 * height_px
    points[FACE] = points[eye] + (0.035 * height_px, 0) + spread
    return points


def widths_of(points, grid_hw, person_px=0.0):
    shown = np.isfinite(points).all(-1)
    radii = keypoint_radii(points, shown, GOLIATH308, grid_hw)
    return link_widths(points, shown, radii, GOLIATH308, grid_hw, person_px), radii


@pytest.mark.parametrize('grid_hw', [(480, 640), (1200, 1600), (896, 672)])
def test_a_thigh_is_seen_in_a_thumbnail(grid_hw):
    height, width = grid_hw
    points = person(0.9 * height, (0.5 * width, 0.5 * height))
    radii = widths_of(points, grid_hw)[1]
    assert max(radii[[HIP, KNEE]]) < 0.002 * height  # a crowd: discs tell nothing
    photo = np.full((*grid_hw, 3), 128, np.uint8)
    drawn = draw_keypoints(photo, points[None], np.ones((1, 308)), GOLIATH308)
    size_wh = (320, round(320 * height / width))
    small = cv2.resize(drawn, size_wh, interpolation=cv2.INTER_AREA)
    row = round(0.5 * (points[HIP, 1] + points[KNEE, 1]) * 320 / width)
    strip = small[row - 3 : row + 4].astype(int)
    off = np.abs(strip - GREEN).max(-1).min(1)
    assert off.max() < 40  # of 128 between a green line and grey


def test_the_width_is_that_of_the_image_and_its_rim_is_dark():
    points = person(430)
    widths, _ = widths_of(points, (480, 640), 430)
    assert widths[THIGH] == pytest.approx(0.0065 * 640)
    photo = np.full((480, 640, 3), 128, np.uint8)
    drawn = draw_keypoints(photo, points[None], np.ones((1, 308)), GOLIATH308)
    row = drawn[round(240 + 50)].astype(int)
    green = (np.abs(row - GREEN).max(-1) < 60).sum()
    dark = (row.max(-1) < 112).sum()
    assert 3 <= green <= 5 and dark == 2
    # a thickness that was asked for is what there is
    asked = draw_keypoints(
        photo, points[None], np.ones((1, 308)), GOLIATH308, thickness=3
    )
    assert not (asked[290].max(-1) < 100).any()
    assert (asked[290] != 128).any(-1).sum() <= 5


def test_small_people_have_thin_lines():
    """In a crowd of people lines hide nobody."""
    points = person(60)
    widths, _ = widths_of(points, (1080, 1920), 60)
    assert 0.8 < widths[THIGH] <= 0.02 * 60


def test_short_links_are_thin():
    points = person(400)
    points[KNEE] = points[HIP] + (0, 12)
    widths, radii = widths_of(points, (480, 640), 400)
    assert widths[THIGH] <= max(0.16 * 12, 0.9 * radii[HIP]) + 1e-9


def test_a_face_in_detail_is_not_crossed_by_thick_lines():
    grid_hw = (480, 640)
    names = [tuple(GOLIATH308.names[k] for k in link) for link in GOLIATH308.links]
    eye_ear = names.index(('left_eye', 'left_ear'))
    ear_shoulder = names.index(('left_ear', 'left_shoulder'))
    points = person(430)
    widths, radii = widths_of(points, grid_hw, 430)
    a, b = GOLIATH308.links[eye_ear]
    assert widths[eye_ear] == pytest.approx(0.45 * (radii[a] + radii[b]))
    assert widths[ear_shoulder] > 3 * widths[eye_ear]
    # without the 238 points of the face there is nothing to be hidden
    points[FACE] = np.nan
    plain, _ = widths_of(points, grid_hw, 430)
    assert plain[eye_ear] > 2 * widths[eye_ear]


def test_links_that_are_not_shown():
    shown = np.zeros(17, bool)
    shown[[11, 13]] = True
    points = np.random.default_rng(0).uniform(0, 100, (17, 2))
    radii = np.full(17, 2.0)
    widths = link_widths(points, shown, radii, COCO17, (100, 100), 100.0)
    found = [COCO17.links[k] for k in np.flatnonzero(widths)]
    assert [set(link) for link in found] == [{11, 13}]
