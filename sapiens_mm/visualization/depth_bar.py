"""The bar beside an image of relative depth: which colours are near, which far."""

import numpy as np

from .checks import check_image
from .maps import colorize_depth
from .paper import INK, PAPER, on_paper, text_height, text_width, write_text

# Height of capitals, by the shorter of the sides: read in a thumbnail of 200 pixels.
_TEXT_OF_SIDE = 0.05


def add_depth_bar(image: np.ndarray) -> np.ndarray:
    """Add a strip on the right of an image with the colours of depth, near to far.

    Depth is relative, so the ends have words and no numbers.

    Args:
        image: Shape (H, W, 3), uint8, BGR; of ``colorize_depth``.

    Returns:
        Shape (H', W', 3), uint8, BGR: wider than ``image``, and higher only when that
        has no room for two words and a bar between them.
    """
    check_image(image)
    height, width = image.shape[:2]
    text_px = text_height(_TEXT_OF_SIDE * min(height, width))
    pad = text_px // 2
    words = [text_width(word, text_px) for word in ('near', 'far')]
    strip_px = max(words) + 2 * pad
    height = max(height, 6 * text_px)
    strip = np.full((height, strip_px, 3), PAPER, np.uint8)
    top, bottom = text_px + 2 * pad, height - text_px - 2 * pad
    left, right = strip_px // 2 - text_px // 2, strip_px // 2 + (text_px + 1) // 2
    strip[top - 1 : bottom + 1, left - 1 : right + 1] = INK
    ramp = np.linspace(0, 1, bottom - top, dtype=np.float32)[:, None]
    strip[top:bottom, left:right] = colorize_depth(ramp)
    for word, baseline in (('near', pad + text_px), ('far', height - pad)):
        x = (strip_px - text_width(word, text_px)) // 2
        write_text(strip, word, x, baseline, text_px)
    return np.concatenate([on_paper(image, height, width), strip], 1)
