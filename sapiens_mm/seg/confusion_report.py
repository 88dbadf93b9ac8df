"""Files about a segmentation's figures: the confusion matrix as image and data."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from sapiens_mm.files import whole_file, write_atomically, write_image

_FONT, _SCALE = cv2.FONT_HERSHEY_SIMPLEX, 0.42
_CELL = 34  # pixels
_GAP = 8
_PAPER, _INK, _EMPTY = (255, 255, 255), (40, 40, 40), (225, 225, 225)
_RIGHT, _WRONG = np.float32([96, 128, 0]), np.float32([32, 48, 200])  # BGR


def write_report(
    folder: str | Path,
    classes: Sequence[str],
    confusion: np.ndarray,
    columns: Mapping[str, np.ndarray],
) -> None:
    """Write ``confusion.png``, ``.csv`` and ``.npz``, and ``classes.csv``.

    Args:
        folder: Made when it does not exist.
        classes: C names.
        confusion: Shape (C, C), pixels; rows labels, columns predictions.
        columns: Figures of the classes, (C,) each, by name.
    """
    folder = Path(folder)
    write_image(folder / 'confusion.png', draw_confusion(confusion, classes))
    with whole_file(folder / 'confusion.npz') as path, path.open('wb') as file:
        names = np.array(list(classes))
        np.savez_compressed(file, confusion=confusion, classes=names, **columns)
    rows = [['label \\ prediction, pixels', *classes]]
    for name, counts in zip(classes, confusion.tolist(), strict=True):
        rows.append([name, *counts])
    _write_csv(folder / 'confusion.csv', rows)
    rows = [['class', 'pixels', *columns]]
    values = np.stack(list(columns.values()), 1).tolist()
    for name, pixels, row in zip(
        classes, confusion.sum(1).tolist(), values, strict=True
    ):
        rows.append([name, pixels, *(f'{value:.6f}' for value in row)])
    _write_csv(folder / 'classes.csv', rows)


def _write_csv(path: Path, rows: list[list]) -> None:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    write_atomically(path, text.getvalue().encode('utf-8'))


def draw_confusion(confusion: np.ndarray, classes: Sequence[str]) -> np.ndarray:
    """Draw a confusion matrix with its rows in percent.

    What is right is green, what is wrong red, deeper with the share; shares below half
    a percent have no number. Rows of classes without a labelled pixel are grey.

    Args:
        confusion: Shape (C, C), pixels; rows labels, columns predictions.
        classes: C names.

    Returns:
        Shape (H, W, 3), uint8, BGR.
    """
    totals = confusion.sum(1)
    shares = confusion / np.maximum(totals, 1)[:, None]
    names = [name.replace('_', ' ') for name in classes]
    margin = max(_text_wh(name)[0] for name in [*names, 'label']) + 3 * _GAP
    side = _CELL * len(names)
    header = _columns_of_names([*names, '% of all pixels'], margin)
    body = np.full((side, margin + side + 2 * _CELL, 3), _PAPER, np.uint8)
    of_all = totals / max(int(totals.sum()), 1)
    for row, name in enumerate(names):
        middle = row * _CELL + _CELL // 2
        _write(body, name, margin - _GAP - _text_wh(name)[0], middle)
        for column in range(len(names)):
            box = _cell_slices(row, column, margin)
            share = shares[row, column] if totals[row] else None
            _fill_cell(body[box], share, right=row == column)
        share = f'{100 * of_all[row]:.2g}' if totals[row] else '-'
        _write(body, share, margin + side + _GAP, middle)
    image = np.concatenate([header, body])
    line = (
        'Rows: labels. Columns: predictions. Percent of the labelled pixels of the row.'
    )
    width = max(image.shape[1], _text_wh(line)[0] + 2 * _GAP)
    page = np.full((2 * _CELL + len(image) + _GAP, width, 3), _PAPER, np.uint8)
    page[2 * _CELL : -_GAP, : image.shape[1]] = image
    _write(page, line, _GAP, _CELL)
    return page


def _cell_slices(row: int, column: int, margin: int) -> tuple[slice, slice]:
    """Return where a cell lies, less a line of paper around it."""
    top, left = row * _CELL, margin + column * _CELL
    return slice(top + 1, top + _CELL), slice(left + 1, left + _CELL)


def _fill_cell(cell: np.ndarray, share: float | None, right: bool) -> None:
    """Colour a cell by its share, and write that as a whole percentage, in place."""
    if share is None:
        cell[:] = _EMPTY
        return
    depth = float(share) ** 0.5  # small confusions stay visible
    color = np.float32(_PAPER) * (1 - depth) + (_RIGHT if right else _WRONG) * depth
    cell[:] = np.rint(color)
    if share >= 0.005:
        text = f'{100 * share:.0f}'
        left = (cell.shape[1] - _text_wh(text)[0]) // 2
        ink = _PAPER if depth > 0.65 else _INK
        _write(cell, text, left, cell.shape[0] // 2, ink)


def _columns_of_names(names: Sequence[str], margin: int) -> np.ndarray:
    """Write names upwards, one above each column of cells."""
    height = max(_text_wh(name)[0] for name in names) + 2 * _GAP
    turned = np.full((_CELL * (len(names) + 1), height, 3), _PAPER, np.uint8)
    for index, name in enumerate(names):
        _write(turned, name, _GAP, index * _CELL + _CELL // 2)
    upright = cv2.rotate(turned, cv2.ROTATE_90_COUNTERCLOCKWISE)
    return np.concatenate(
        [np.full((height, margin, 3), _PAPER, np.uint8), upright], axis=1
    )


def _text_wh(text: str) -> tuple[int, int]:
    return cv2.getTextSize(text, _FONT, _SCALE, 1)[0]


def _write(
    canvas: np.ndarray,
    text: str,
    left: int,
    middle: int,
    ink: tuple[int, int, int] = _INK,
) -> None:
    """Write in place, with the middle of the capitals at a row."""
    baseline = middle + _text_wh('H')[1] // 2
    # putText wants memory of its own
    part = np.ascontiguousarray(canvas)
    cv2.putText(part, text, (left, baseline), _FONT, _SCALE, ink, 1, cv2.LINE_AA)
    if part is not canvas:
        canvas[:] = part
