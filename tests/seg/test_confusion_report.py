"""The confusion image: every cell shows its share, at its place."""

import numpy as np
import pytest

pytest.importorskip('mmseg')

from sapiens_mm.seg.confusion_report import _CELL, draw_confusion  # noqa: E402
from sapiens_mm.tables import part_table  # noqa: E402


def corner(picture, num_classes, row, column):
    """The upper left of a cell, counted from the lower right, clear of numbers."""
    bottom = picture.shape[0] - 8 - _CELL * num_classes
    right = picture.shape[1] - 2 * _CELL - _CELL * num_classes
    return picture[bottom + row * _CELL + 3, right + column * _CELL + 3].astype(int)


def test_cells_are_where_they_belong():
    rng = np.random.default_rng(0)
    confusion = rng.integers(0, 5, (28, 28))
    confusion[np.diag_indices(28)] = 400
    confusion[5] = 0
    confusion[3] = 0
    confusion[3, 14] = 90  # all of class 3 is taken for 14
    confusion[7, 16], confusion[7, 7] = 400, 0
    picture = draw_confusion(confusion, part_table('goliath28').classes)
    assert picture.dtype == np.uint8

    def cell(row, column):
        return corner(picture, 28, row, column)

    for index in range(28):
        blue, green, red = cell(index, index)
        if index == 5:
            assert blue == green == red == 225  # no labelled pixel
        elif index not in (3, 7):
            assert green > red + 60  # right
    assert (cell(3, 14) == [32, 48, 200]).all()  # wrong, all of it
    assert (cell(3, 3) == 255).all()
    assert cell(7, 16)[2] > cell(7, 16)[1] + 60
    assert (cell(16, 7) > 200).all()
    assert (cell(5, 20) == 225).all()


def test_more_wrong_is_deeper_red():
    confusion = np.pad([[50, 0, 50], [10, 80, 10], [1, 1, 98]], (0, 17))
    picture = draw_confusion(confusion, [f'class {c}' for c in range(20)])
    cells = [corner(picture, 20, *place) for place in ((2, 0), (1, 0), (0, 2))]
    greens = [green for _, green, _ in cells]
    assert greens == sorted(greens, reverse=True)
    assert len(set(greens)) == 3


def test_numbers_are_the_percentages():
    def draw(confusion):
        return draw_confusion(np.array(confusion), ['one', 'two'])

    picture = draw([[30, 10], [0, 7]])
    assert (picture == draw([[300, 100], [0, 70]])).all()
    assert (picture != draw([[29, 11], [0, 7]])).any()
