"""White paper around images, and what is written on it."""

import cv2
import numpy as np

from .strokes import BGR

FONT = cv2.FONT_HERSHEY_SIMPLEX
PAPER: BGR = (255, 255, 255)
INK: BGR = (30, 30, 30)
MIN_TEXT, MAX_TEXT = 10, 72  # height of capitals, pixels: what can be read, what looks


def text_height(wanted: float) -> int:
    """Bring a height of capitals, in pixels, to what can be read and looks well."""
    return int(np.clip(wanted, MIN_TEXT, MAX_TEXT))


def text_width(text: str, text_px: int) -> int:
    """Return the width of a line whose capitals are ``text_px`` high, in pixels."""
    scale, stroke = _text_scale(text_px)
    return cv2.getTextSize(text, FONT, scale, stroke)[0][0]


def write_text(
    canvas: np.ndarray, text: str, x: int, baseline: int, text_px: int, ink: BGR = INK
) -> None:
    """Write a line, in place.

    Args:
        canvas: Shape (H, W, 3), uint8, BGR.
        text: To be written.
        x: Its left end, pixels.
        baseline: What its letters stand on, pixels.
        text_px: Height of capitals, pixels.
        ink: BGR.
    """
    scale, stroke = _text_scale(text_px)
    cv2.putText(canvas, text, (x, baseline), FONT, scale, ink, stroke, cv2.LINE_AA)


def on_paper(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Put an image at the top of a larger sheet, in the middle from left to right."""
    paper = np.full((height, width, 3), PAPER, np.uint8)
    left = (width - image.shape[1]) // 2
    paper[: len(image), left : left + image.shape[1]] = image
    return paper


def _text_scale(text_px: int) -> tuple[float, int]:
    """Scale and stroke of the font that make capitals ``text_px`` high."""
    (_, capital), _ = cv2.getTextSize('H', FONT, 10.0, 1)
    return 10.0 * text_px / capital, max(1, round(text_px / 9))
