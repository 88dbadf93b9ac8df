"""Boxes with the ids of persons, each id in a colour of its own."""

import colorsys

import numpy as np

from .checks import check_image, describe
from .paper import text_width, write_text
from .strokes import BGR, draw_box

_GOLDEN = 0.618034  # steps of the hue: neighbours in number are far apart in colour


def id_color(number: int) -> BGR:
    """Return the colour of an id, the same in every image and video."""
    hue = (number * _GOLDEN) % 1
    # every other round of the wheel is darker
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.75, 1.0 if number % 2 else 0.8)
    return tuple(round(255 * part) for part in (blue, green, red))


def draw_tracks(
    image_bgr: np.ndarray, boxes: np.ndarray, ids: np.ndarray | None
) -> np.ndarray:
    """Draw boxes and, on top of each, its id on a copy of an image.

    Args:
        image_bgr: Shape (H, W, 3), uint8, BGR. Not changed.
        boxes: Shape (P, 4), x1 y1 x2 y2 in pixels.
        ids: Shape (P,), integers; None draws boxes alone, in the colour of id 0.

    Returns:
        Shape (H, W, 3), uint8, BGR.

    Raises:
        ValueError: If an argument has the wrong shape or type.
    """
    check_image(image_bgr)
    boxes = np.asarray(boxes, np.float64)
    if boxes.ndim != 2 or boxes.shape[1] != 4 or not np.isfinite(boxes).all():
        raise ValueError(f'boxes is {describe(boxes)}; expected finite (P, 4), xyxy')
    numbers = np.zeros(len(boxes), int) if ids is None else np.asarray(ids)
    if numbers.shape != (len(boxes),) or numbers.dtype.kind not in 'iu':
        raise ValueError(
            f'ids is {describe(numbers)}; expected integers ({len(boxes)},)'
        )
    canvas = image_bgr.copy()
    line = max(1.0, 0.0025 * max(image_bgr.shape[:2]))
    for box, number in zip(boxes, numbers.tolist(), strict=True):
        draw_box(canvas, box, line, id_color(number))
        if ids is not None:
            _draw_label(canvas, f'#{number}', box, id_color(number))
    return canvas


def _draw_label(canvas: np.ndarray, text: str, box: np.ndarray, color: BGR) -> None:
    """Write on a plate above the box, inside the image, in place."""
    height, width = canvas.shape[:2]
    text_px = int(np.clip(0.025 * max(height, width), 8, 48))
    pad = max(2, text_px // 3)
    plate_wh = np.array([text_width(text, text_px) + 2 * pad, text_px + 2 * pad])
    limit = np.maximum(np.array([width, height]) - plate_wh, 0)
    x, y = np.clip(np.rint(box[:2] - [0, plate_wh[1]]), 0, limit).astype(int).tolist()
    right, bottom = (np.array([x, y]) + plate_wh).tolist()
    canvas[y:bottom, x:right] = color
    ink = (0, 0, 0) if np.dot(color, (0.114, 0.587, 0.299)) > 110 else (255,) * 3
    write_text(canvas, text, x + pad, bottom - pad, text_px, ink)
