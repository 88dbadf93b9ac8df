"""Legends of classes: colours, names that can be read, and a place for each."""

import numpy as np
import pytest

from sapiens_mm.tables import GOLIATH28
from sapiens_mm.visualization import PartLegend, overlay_labels
from sapiens_mm.visualization.legends import add_legend

PALETTE = [color[::-1] for color in GOLIATH28.palette]  # BGR


def colors_in(picture):
    """The colours of the palette that an image has."""
    found = {
        tuple(int(v) for v in c) for c in np.unique(picture.reshape(-1, 3), axis=0)
    }
    return found & set(PALETTE)


def stripes(height, width, classes):
    """Labels in stripes from left to right."""
    of_column = np.array(classes)[np.arange(width) * len(classes) // width]
    return np.tile(of_column.astype(np.uint8), (height, 1))


def assert_names_are_whole(legend, count):
    """As many swatches as names, letters of 10 pixels, and none of them cut."""
    dark = (legend.max(-1) < 170) & (np.ptp(legend.astype(int), axis=-1) < 20)
    assert not dark[:, -1].any() and not dark[-1].any() and not dark[0].any()
    rows = dark.any(1)
    starts = np.flatnonzero(rows & ~np.r_[False, rows[:-1]])
    ends = np.flatnonzero(rows & ~np.r_[rows[1:], False])
    assert len(starts) == count
    assert (ends - starts + 1).min() >= 8  # capitals of 10, edges are soft


def test_legend_shows_present_classes_only():
    image = np.full((200, 60, 3), 77, np.uint8)
    labels = np.zeros((200, 60), np.uint8)
    labels[:, 30:] = 14
    plain = overlay_labels(image, labels, GOLIATH28)
    result = overlay_labels(image, labels, GOLIATH28, legend=True)
    assert np.array_equal(result[:, :60], plain)
    assert colors_in(result[:, 60:]) - {PALETTE[0]} == {(0, 0, 255)}
    assert_names_are_whole(result[:, 60:], 1)
    labels[:] = 0
    same = overlay_labels(image, labels, GOLIATH28, legend=True)
    assert np.array_equal(same, image)


@pytest.mark.parametrize(
    'grid_hw', [(1, 28), (28, 1), (40, 28), (80, 60), (300, 28), (425, 640), (2000, 28)]
)
def test_legend_has_room_for_all_classes(grid_hw):
    labels = stripes(*grid_hw, range(28))
    if 1 in grid_hw:  # as many rows as columns
        labels = np.arange(28, dtype=np.uint8).reshape(grid_hw)
    image = np.zeros((*grid_hw, 3), np.uint8)
    result = overlay_labels(
        image, labels, GOLIATH28, 1.0, legend=True, tint_background=True
    )
    # the widest name has 15 letters: a column is at least so wide
    width = round(len(result) * grid_hw[1] / grid_hw[0])
    legend = result[:, width:]
    assert legend.shape[1] >= 100
    assert colors_in(legend) == set(PALETTE)


def test_a_small_image_is_enlarged_as_a_whole():
    labels = stripes(80, 60, range(28))
    image = np.full((80, 60, 3), 90, np.uint8)
    image[40:] = 200
    result = overlay_labels(image, labels, GOLIATH28, 0.0, legend=True)
    scale = len(result) / 80
    assert 3 < scale < 7
    width = round(60 * scale)
    assert abs(result[:, :width].astype(int).mean() - image.mean()) < 1.5
    assert abs(int(result[round(20 * scale), width // 2, 0]) - 90) <= 1
    assert (result[:, width + 1 : width + 5] == 255).all()
    # two columns: no wider than the image, no name cut
    assert result.shape[1] - width <= width + 1


@pytest.mark.parametrize('height', [20, 100, 425, 1080])
def test_names_can_be_read(height):
    entries = [(f'Height {i}', PALETTE[i]) for i in range(2, 5)]
    image = np.full((height, height, 3), 128, np.uint8)
    result = add_legend(image, entries)
    legend = result[:, round(len(result)) :]
    assert_names_are_whole(legend[: round(len(legend))], 3)


def test_columns_are_even_and_words_have_no_underscores():
    image = np.zeros((425, 640, 3), np.uint8)
    labels = stripes(425, 640, range(28))
    result = overlay_labels(image, labels, GOLIATH28, legend=True)
    same = add_legend(
        overlay_labels(image, labels, GOLIATH28),
        [(GOLIATH28.classes[c].replace('_', ' '), PALETTE[c]) for c in range(1, 28)],
    )
    assert np.array_equal(result, same)
    legend = result[:, 640:]
    swatch = (legend == PALETTE[15]).all(-1)  # the 15th of 27 opens the second column
    assert np.flatnonzero(swatch.any(1))[0] < 10
    assert np.flatnonzero(swatch.any(0))[0] > legend.shape[1] // 2


def test_the_legend_of_a_video_keeps_size_and_places():
    legend = PartLegend(GOLIATH28, (480, 640))
    frame = np.full((480, 640, 3), 50, np.uint8)
    empty = legend(frame, np.zeros((480, 640), np.uint8))
    assert np.array_equal(empty[:, :640], frame) and (empty[:, 640:] == 255).all()
    first = legend(frame, stripes(480, 640, [0, 14, 255]))
    second = legend(frame, stripes(480, 640, [0, 3, 5]))
    failed = legend(frame, None)
    assert empty.shape == first.shape == second.shape == failed.shape
    assert colors_in(first[:, 640:]) - {PALETTE[0]} == {PALETTE[14]}
    tops = [
        np.flatnonzero((second[:, 640:] == PALETTE[c]).all(-1).any(1))[0]
        for c in (14, 3, 5)
    ]
    assert tops == sorted(tops)  # who came first stays on top
    assert np.array_equal(first[: tops[1] - 5, 640:], second[: tops[1] - 5, 640:])
    assert np.array_equal(second, failed)


@pytest.mark.parametrize(
    ('grid_hw', 'shown'), [((64, 96), 3), ((240, 426), 27), ((360, 640), 27)]
)
def test_the_legend_of_a_small_video_says_how_many_are_missing(grid_hw, shown):
    legend = PartLegend(GOLIATH28, grid_hw)
    frame = np.full((*grid_hw, 3), 128, np.uint8)
    result = legend(frame, stripes(*grid_hw, range(28)))
    assert result.shape[0] == grid_hw[0]
    column = result[:, grid_hw[1] :]
    assert len(colors_in(column) - {PALETTE[0]}) == shown
    if shown < 27:
        assert_names_are_whole(column, shown + 1)  # the last is 'and 24 more'
