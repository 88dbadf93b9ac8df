"""Images beside each other, with titles."""

import math
from collections.abc import Sequence

import cv2
import numpy as np

from .checks import check_image
from .paper import PAPER, on_paper, text_height, text_width, write_text

# Height of capitals in titles: by the height of the panels, and more in a long row,
# which is shown small, as far as panels are wide and high enough.
_TEXT_OF_HEIGHT, _TEXT_OF_ROW, _MOST_OF_HEIGHT = 0.032, 0.009, 0.07


def side_by_side(
    images: Sequence[np.ndarray],
    titles: Sequence[str] | None = None,
    gap: int = 8,
) -> np.ndarray:
    """Put images in a row, scaled to the height of the tallest.

    Args:
        images: Images (H, W, 3), uint8, BGR, of any sizes.
        titles: One line per image, written above it. An image narrower than its
            title is centred on a wider panel.
        gap: Pixels between panels.

    Returns:
        Shape (H, W, 3), uint8, BGR.

    Raises:
        ValueError: If there is no image, or one is not an image, or titles do not
            match.
    """
    if not len(images):
        raise ValueError('images is empty; expected one image or more')
    for i, image in enumerate(images):
        check_image(image, f'images[{i}]')
    if titles is not None and len(titles) != len(images):
        raise ValueError(f'{len(titles)} titles; expected {len(images)}, one an image')
    if gap < 0:
        raise ValueError(f'gap is {gap!r}; expected pixels >= 0')
    height = max(len(image) for image in images)
    panels = [_to_height(image, height) for image in images]
    if titles is not None:
        text_px = _title_height(panels, titles)
        panels = [
            _with_title(panel, title, text_px)
            for panel, title in zip(panels, titles, strict=True)
        ]
    spacer = np.full((len(panels[0]), gap, 3), PAPER, np.uint8)
    row = [part for panel in panels for part in (panel, spacer)]
    # no gap after the last one
    return np.concatenate(row[:-1], 1)


def contact_sheet(
    cells: Sequence[np.ndarray],
    captions: Sequence[str] | None = None,
    gap: int = 8,
) -> np.ndarray:
    """Put images into rows of a nearly square sheet.

    Args:
        cells: Images (H, W, 3), uint8, BGR, of about one height.
        captions: One line per image, written above it.
        gap: Pixels between images.

    Returns:
        Shape (H, W, 3), uint8, BGR.

    Raises:
        ValueError: As :func:`side_by_side`.
    """
    if not len(cells):
        raise ValueError('cells is empty; expected one image or more')
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
            row, 0, gap, 0, width - row.shape[1], cv2.BORDER_CONSTANT, value=PAPER
        )
        for row in rows
    ]
    return np.concatenate(padded)


def _title_height(panels: list[np.ndarray], titles: Sequence[str]) -> int:
    """Choose the height of capitals, the same for all titles, in pixels."""
    height = len(panels[0])
    least = text_height(_TEXT_OF_HEIGHT * height)
    row = sum(panel.shape[1] for panel in panels)
    fitting = [
        least * panel.shape[1] / (text_width(title, least) + least)
        for panel, title in zip(panels, titles, strict=True)
    ]
    wanted = min(_TEXT_OF_ROW * row, _MOST_OF_HEIGHT * height, *fitting)
    return text_height(max(least, wanted))


def _with_title(panel: np.ndarray, title: str, text_px: int) -> np.ndarray:
    title_px = text_width(title, text_px)
    # a panel grows to its title rather than cutting it
    width = max(panel.shape[1], title_px + text_px)
    bar = np.full((2 * text_px, width, 3), PAPER, np.uint8)
    write_text(bar, title, (width - title_px) // 2, (3 * text_px) // 2, text_px)
    return np.concatenate([bar, on_paper(panel, len(panel), width)])


def _to_height(image: np.ndarray, height: int) -> np.ndarray:
    """Scale an image to a height of at least its own, keeping its aspect."""
    if len(image) == height:
        return image
    width = max(1, round(image.shape[1] * height / len(image)))
    size_wh = (width, height)
    return cv2.resize(image, size_wh, interpolation=cv2.INTER_LINEAR)
