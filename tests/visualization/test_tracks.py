"""Boxes with ids."""

import numpy as np
import pytest

from sapiens_mm.visualization import draw_tracks, id_color

IMAGE = np.full((100, 160, 3), 50, np.uint8)


def test_colours_of_the_first_ids_are_far_apart():
    colors = np.array([id_color(number) for number in range(1, 9)])
    distance = abs(colors[:, None] - colors[None]).max(-1)
    assert distance[~np.eye(8, dtype=bool)].min() > 50
    assert id_color(3) == id_color(3) and colors.max() <= 255


def test_box_and_plate():
    picture = draw_tracks(IMAGE, [[40, 50, 80, 90]], np.array([12]))
    assert (IMAGE == 50).all()
    np.testing.assert_allclose(picture[70, 40], id_color(12), atol=20)  # a hairline
    np.testing.assert_array_equal(picture[70, 60], [50] * 3)
    # the plate is above the box: 8 pixels of text and 2 on each side
    np.testing.assert_array_equal(picture[39, 41], id_color(12))
    np.testing.assert_array_equal(picture[36, 41], [50] * 3)


def test_plates_stay_in_the_image():
    boxes = np.array([[-30, -20, 30, 40], [150, 60, 400, 300]], float)
    picture = draw_tracks(IMAGE, boxes, np.array([1, 222]))
    np.testing.assert_array_equal(picture[1, 1], id_color(1))
    np.testing.assert_array_equal(picture[49, 159], id_color(222))


def test_without_ids():
    picture = draw_tracks(IMAGE, [[40, 50, 80, 90]], None)
    np.testing.assert_allclose(picture[70, 40], id_color(0), atol=20)
    assert (picture[:48] == 50).all()
    assert (draw_tracks(IMAGE, np.zeros((0, 4)), None) == IMAGE).all()


@pytest.mark.parametrize(
    ('boxes', 'ids', 'match'),
    [
        ([1, 2, 3, 4], [1], r'boxes is an array of shape \(4,\)'),
        ([[1, 2, np.nan, 4]], [1], 'expected finite'),
        ([[1, 2, 3, 4]], [1, 2], r'expected integers \(1,\)'),
        ([[1, 2, 3, 4]], [1.5], r'expected integers \(1,\)'),
    ],
)
def test_wrong_arguments(boxes, ids, match):
    with pytest.raises(ValueError, match=match):
        draw_tracks(IMAGE, boxes, np.array(ids))
