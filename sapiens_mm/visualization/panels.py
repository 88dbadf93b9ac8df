"""Pictures beside each other, with titles, and legends."""

import math
from collections.abc import Sequence

import cv2
import numpy as np

from .checks import check_image
from .strokes import BGR

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_PAPER, _INK = (255, 255, 255), (30, 30, 30)
# Text height in pixels: a part of the panel's height, within what can be read.
_TEXT_OF_HEIGHT, _MIN_TEXT, _MAX_TEXT = 0.032, 10, 72


def side_by_side(
    images: Sequence[np.ndarray],
    titles: Sequence[str] | None = None,
    gap: int = 8,
) -> np.ndarray:
    """Put pictures in a row, scaled to the height of the tallest.

    Args:
        images: Pictures (H, W, 3), uint8, BGR, of any sizes.
        titles: One line per picture, written above it. A picture narrower than its
            title is centred on a wider panel.
        gap: Pixels between panels.

    Returns:
        Shape (H, W, 3), uint8, BGR.

    Raises:
        ValueError: If there is no picture, or one is not a picture, or titles do not
            match.
    """
    if not len(images):
        raise ValueError('images is empty; expected one picture or more')
    for i, image in enumerate(images):
        check_image(image, f'images[{i}]')
    if titles is not None and len(titles) != len(images):
        raise ValueError(f'{len(titles)} titles; expected {len(images)}, one a picture')
    if gap < 0:
        raise ValueError(f'gap is {gap!r}; expected pixels >= 0')
    height = max(len(image) for image in images)
    panels = [_to_height(image, height) for image in images]
    if titles is not None:
        text_px = _text_height(height)
        panels = [
            _with_title(panel, title, text_px)
            for panel, title in zip(panels, titles, strict=True)
        ]
    spacer = np.full((len(panels[0]), gap, 3), _PAPER, np.uint8)
    row = [part for panel in panels for part in (panel, spacer)]
    return np.concatenate(row[:-1], 1)


def contact_sheet(
    cells: Sequence[np.ndarray],
    captions: Sequence[str] | None = None,
    gap: int = 8,
) -> np.ndarray:
    """Put pictures into rows of a nearly square sheet.

    Args:
        cells: Pictures (H, W, 3), uint8, BGR, of about one height.
        captions: One line per picture, written above it.
        gap: Pixels between pictures.

    Returns:
        Shape (H, W, 3), uint8, BGR.

    Raises:
        ValueError: As :func:`side_by_side`.
    """
    if not len(cells):
        raise ValueError('cells is empty; expected one picture or more')
    shape = max(cell.shape[1] for cell in cells) / max(map(len, cells))
    columns = min(len(cells), max(1, round(math.sqrt(len(cells) / shape))))
    rows = []
    for start in range(0, len(cells), columns):
        some = slice(start, start + columns)
        titles = None if captions is None else captions[some]
        rows.append(side_by_side(cells[some], titles, gap))
    width = max(row.shape[1] for row in rows)
    padded = [
        cv2.copyMakeBorder(
            row, 0, gap, 0, width - row.shape[1], cv2.BORDER_CONSTANT, value=_PAPER
        )
        for row in rows
    ]
    return np.concatenate(padded)


def add_legend(image: np.ndarray, entries: Sequence[tuple[str, BGR]]) -> np.ndarray:
    """Add columns of colours and names on the right of a picture.

    Args:
        image: Shape (H, W, 3), uint8, BGR.
        entries: Name and colour, **BGR**, of each row.

    Returns:
        Shape (H', W', 3), uint8, BGR: wider than ``image``, and higher only when that
        has no room for one row.
    """
    if not entries:
        return image
    text_px = _text_height(len(image))
    # Shrink the text before opening a second column.
    fitting = int(len(image) / (1.9 * len(entries)))
    text_px = min(text_px, max(fitting, _MIN_TEXT))
    row_px = round(1.9 * text_px)
    height = max(len(image), row_px)
    rows = height // row_px
    parts = [_extend(image, height, image.shape[1])]
    for first in range(0, len(entries), rows):
        parts.append(_legend_column(entries[first : first + rows], text_px, height))
    return np.concatenate(parts, 1)


def _legend_column(
    entries: Sequence[tuple[str, BGR]], text_px: int, height: int
) -> np.ndarray:
    row_px = round(1.9 * text_px)
    width = max(_text_width(name, text_px) for name, _ in entries)
    column = np.full((height, width + 4 * text_px, 3), _PAPER, np.uint8)
    for row, (name, color) in enumerate(entries):
        top = row * row_px + (row_px - text_px) // 2
        left, right = text_px, 2 * text_px + text_px // 4
        column[top : top + text_px, left:right] = color
        _write(column, name, right + text_px // 2, top + text_px, text_px)
    return column


def _with_title(panel: np.ndarray, title: str, text_px: int) -> np.ndarray:
    width = max(panel.shape[1], _text_width(title, text_px) + text_px)
    bar = np.full((2 * text_px, width, 3), _PAPER, np.uint8)
    left = (width - _text_width(title, text_px)) // 2
    _write(bar, title, left, (3 * text_px) // 2, text_px)
    return np.concatenate([bar, _extend(panel, len(panel), width)])


def _extend(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Centre a picture from left to right on paper of a given size."""
    paper = np.full((height, width, 3), _PAPER, np.uint8)
    left = (width - image.shape[1]) // 2
    paper[: len(image), left : left + image.shape[1]] = image
    return paper


def _to_height(image: np.ndarray, height: int) -> np.ndarray:
    """Scale a picture to a height of at least its own, keeping its aspect."""
    if len(image) == height:
        return image
    width = max(1, round(image.shape[1] * height / len(image)))
    size_wh = (width, height)
    return cv2.resize(image, size_wh, interpolation=cv2.INTER_LINEAR)


def _text_height(panel_height: int) -> int:
    return int(np.clip(_TEXT_OF_HEIGHT * panel_height, _MIN_TEXT, _MAX_TEXT))


def _text_scale(text_px: int) -> tuple[float, int]:
    """Scale and stroke of the font that make capitals ``text_px`` high."""
    (_, capital), _ = cv2.getTextSize('H', _FONT, 10.0, 1)
    return 10.0 * text_px / capital, max(1, round(text_px / 9))


def _text_width(text: str, text_px: int) -> int:
    scale, stroke = _text_scale(text_px)
    return cv2.getTextSize(text, _FONT, scale, stroke)[0][0]


def _write(canvas: np.ndarray, text: str, x: int, baseline: int, text_px: int) -> None:
    scale, stroke = _text_scale(text_px)
    cv2.putText(canvas, text, (x, baseline), _FONT, scale, _INK, stroke, cv2.LINE_AA)
