"""Panels side by side: positions, heights and titles that can be read."""

import numpy as np
import pytest

from sapiens_mm.visualization import side_by_side


def solid(height, width, color):
    """Return an image of one colour."""
    return np.full((height, width, 3), color, np.uint8)


def test_places_and_gap():
    row = side_by_side([solid(4, 5, 10), solid(4, 3, 200)], gap=2)
    assert row.shape == (4, 10, 3)
    assert (row[:, :5] == 10).all()
    assert (row[:, 5:7] == 255).all()
    assert (row[:, 7:] == 200).all()


def test_heights_are_matched_to_the_tallest():
    row = side_by_side([solid(40, 30, 10), solid(10, 20, 200)], gap=0)
    assert row.shape == (40, 30 + 80, 3)
    assert (row[:, 30:] == 200).all()


def test_one_image_is_returned_as_it_is():
    image = np.random.default_rng(0).integers(0, 255, (7, 5, 3), np.uint8)
    assert np.array_equal(side_by_side([image]), image)


@pytest.mark.parametrize('height', [1, 48, 480, 4000])
def test_titles_are_written_above_and_fit(height):
    titles = ['input', 'pseudo-normals']
    panels = [solid(height, max(1, height // 2), 90), solid(height, 1, 90)]
    row = side_by_side(panels, titles)
    bar = len(row) - height
    assert 20 <= bar <= 144
    # Ink: of a readable size, and none of it cut off at a border.
    dark = (row[:bar] < 80).all(-1)
    rows, columns = np.flatnonzero(dark.any(1)), np.flatnonzero(dark.any(0))
    assert rows[-1] - rows[0] >= 8
    assert rows[0] > 0 and rows[-1] < bar - 1
    assert columns[0] > 0 and columns[-1] < row.shape[1] - 1
    plain = side_by_side(panels, ['', ''])
    assert (plain[: len(plain) - height] == 255).all()


@pytest.mark.parametrize('hw', [(425, 640), (512, 512), (896, 672)])
def test_titles_of_a_long_row_can_be_read_when_it_is_shown_small(hw):
    """Five panels on a page of 830 pixels: capitals of 5 pixels there, or more."""
    titles = ['photo', 'pose (tiny weights)', 'parts', 'depth', 'normals']
    row = side_by_side([solid(*hw, 128)] * 5, titles)
    assert row.shape[1] == 5 * hw[1] + 4 * 8  # no panel was widened
    bar = len(row) - hw[0]
    ink = np.flatnonzero((row[:bar] < 80).all(-1).any(1))
    assert (ink[-1] - ink[0]) * 830 / row.shape[1] >= 5
    assert bar <= 0.15 * hw[0]


def test_narrow_panels_are_centred_under_their_titles():
    row = side_by_side([solid(48, 1, 0)], ['a long title'])
    columns = np.flatnonzero((row[-1] == 0).all(-1))
    assert len(columns) == 1
    assert abs(columns[0] - row.shape[1] / 2) <= 1


@pytest.mark.parametrize(
    ('images', 'options', 'message'),
    [
        ([], {}, 'images is empty'),
        ([np.zeros((3, 3))], {}, r'images\[0\] .*float64'),
        ([solid(2, 2, 0)], dict(titles=['a', 'b']), '2 titles; expected 1'),
        ([solid(2, 2, 0)], dict(gap=-1), 'gap is -1'),
    ],
)
def test_bad_arguments(images, options, message):
    with pytest.raises(ValueError, match=message):
        side_by_side(images, **options)
