"""What the colours of an image mean: classes beside it, near and far of depth."""

from collections.abc import Sequence

import cv2
import numpy as np

from ..tables import PartTable
from .checks import check_image
from .paper import MIN_TEXT, PAPER, on_paper, text_height, text_width, write_text
from .strokes import BGR

Entry = tuple[str, BGR]

_TEXT_OF_HEIGHT = 0.038  # of a legend, height of capitals by that of the image
_ROW = 1.6  # height of a row of it, by that of capitals
_GROWTH = 1.05  # step in which an image too small for its legend is enlarged


def class_title(name: str) -> str:
    """Return the name of a class as people write it: ``Left_Hand``, Left Hand."""
    return name.replace('_', ' ')


def add_legend(image: np.ndarray, entries: Sequence[Entry]) -> np.ndarray:
    """Add columns of colours and names on the right of an image.

    The text shrinks before a second column opens, and columns go on until they are as
    wide as the image. An image too small for all that is enlarged: the names can be
    read and are all there.

    Args:
        image: Shape (H, W, 3), uint8, BGR.
        entries: Name and colour, **BGR**, of each row.

    Returns:
        Shape (H', W', 3), uint8, BGR: wider than ``image``, and higher only when that
        is too small.
    """
    check_image(image)
    if not entries:
        return image
    text_px, rows = _fit(image.shape[:2], entries)
    scale = 1.0
    height, width = image.shape[:2]
    while rows * _columns_beside(width * scale, entries, text_px) < len(entries):
        scale *= _GROWTH
        rows = int(height * scale / _row_height(text_px))
    if scale > 1:
        size_wh = int(np.ceil(width * scale)), int(np.ceil(height * scale))
        image = cv2.resize(image, size_wh, interpolation=cv2.INTER_LINEAR)
    rows = -(-len(entries) // -(-len(entries) // rows))  # as many in each column
    columns = [
        _legend_column(entries[first : first + rows], text_px, len(image))
        for first in range(0, len(entries), rows)
    ]
    return np.concatenate([image, *columns], 1)


class PartLegend:
    """The legend of a video: as wide in every frame, and a class keeps its place.

    It names the classes that were seen so far, in the order in which they appeared. The
    background is none of them. Where there is no room for all, the last row says how
    many are missing.

    Args:
        table: Classes and colours.
        grid_hw: Size of the frames, (H, W) pixels.
    """

    def __init__(self, table: PartTable, grid_hw: tuple[int, int]) -> None:
        self._entries = [
            (class_title(name), color[::-1])
            for name, color in zip(table.classes, table.palette, strict=True)
        ]
        self._height = grid_hw[0]
        others = self._entries[1:] or self._entries
        self._text_px, self._rows = _fit(grid_hw, others)
        self._rows = max(self._rows, 1)
        needed = -(-len(others) // self._rows)
        columns = min(needed, _columns_beside(grid_hw[1], others, self._text_px))
        self._room = self._rows * columns
        self._wide = [*others, (_more(len(others)), PAPER)]
        self._seen: list[int] = []
        self._drawn = self._draw()

    def __call__(self, frame: np.ndarray, labels: np.ndarray | None) -> np.ndarray:
        """Add the legend to the next frame.

        Args:
            frame: Shape (H, W, 3), uint8, BGR.
            labels: Shape (H, W), class ids; None where they are not known.

        Returns:
            Shape (H', W + legend, 3), uint8, BGR; H' is above H only for frames too low
            for a row of text.
        """
        present = [] if labels is None else np.unique(labels).tolist()
        known = set(self._seen)
        new = [c for c in present if 0 < c < len(self._entries) and c not in known]
        if new:
            self._seen += new
            self._drawn = self._draw()
        sheet = on_paper(frame, len(self._drawn), frame.shape[1])
        return np.concatenate([sheet, self._drawn], 1)

    def _draw(self) -> np.ndarray:
        shown = [self._entries[c] for c in self._seen]
        if len(shown) > self._room:
            left_out = len(shown) - self._room + 1
            shown = [*shown[: self._room - 1], (_more(left_out), PAPER)]
        height = max(self._height, _row_height(self._text_px))
        width = _column_width(self._wide, self._text_px)
        columns = [
            _legend_column(shown[k : k + self._rows], self._text_px, height, width)
            for k in range(0, self._room, self._rows)
        ]
        return np.concatenate(columns, 1)


def _more(count: int) -> str:
    return f'and {count} more'


def _fit(grid_hw: tuple[int, int], entries: Sequence[Entry]) -> tuple[int, int]:
    """Height of capitals in a legend of one column, if it can be, and rows of that."""
    text_px = text_height(_TEXT_OF_HEIGHT * grid_hw[0])
    fitting = int(grid_hw[0] / (_ROW * len(entries)))
    text_px = min(text_px, max(fitting, MIN_TEXT))
    return text_px, grid_hw[0] // _row_height(text_px)


def _columns_beside(width: float, entries: Sequence[Entry], text_px: int) -> int:
    """How many columns are no wider than the image; one is always allowed."""
    return max(1, int(width / _column_width(entries, text_px)))


def _row_height(text_px: int) -> int:
    return round(_ROW * text_px)


def _column_width(entries: Sequence[Entry], text_px: int) -> int:
    return max(text_width(name, text_px) for name, _ in entries) + 4 * text_px


def _legend_column(
    entries: Sequence[Entry], text_px: int, height: int, width: int | None = None
) -> np.ndarray:
    row_px = _row_height(text_px)
    width = width or _column_width(entries, text_px)
    column = np.full((height, width, 3), PAPER, np.uint8)
    for row, (name, color) in enumerate(entries):
        top = row * row_px + (row_px - text_px) // 2
        left, right = text_px, 2 * text_px + text_px // 4
        column[top : top + text_px, left:right] = color
        write_text(column, name, right + text_px // 2, top + text_px, text_px)
    return column
