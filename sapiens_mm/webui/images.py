"""Images of visitors: read, reduced, or refused in one sentence; needs no PyTorch."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np

from sapiens_mm.images import ImageError, decode_color, read_file

REFUSED_MEGAPIXELS = 150  # half a gigabyte as soon as it is decoded


def read_image(path: Path, max_megapixels: float) -> tuple[np.ndarray, str]:
    """Read an image and reduce it if it is large.

    Args:
        path: Of the image.
        max_megapixels: What it is reduced to.

    Returns:
        Shape (H, W, 3), uint8, BGR; and a sentence if it was reduced, else ''.

    Raises:
        ImageError: If it cannot be read, or is too large to be decoded.
    """
    if not path.is_file():
        raise ImageError(f'{path.name} was deleted meanwhile: upload it again')
    image = decode_color(read_file(path), path, round(REFUSED_MEGAPIXELS * 1e6))
    height, width = image.shape[:2]
    if height * width <= max_megapixels * 1e6:
        return image, ''
    factor = math.sqrt(max_megapixels * 1e6 / (height * width))
    size_wh = (max(1, int(width * factor)), max(1, int(height * factor)))
    image = cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA)
    return image, (
        f'The image of {width} x {height} pixels was reduced to {size_wh[0]} x '
        f'{size_wh[1]}, and so are the results: this page works on at most '
        f'{max_megapixels:g} megapixels.'
    )


def check_image(path: Path) -> str:
    """Read an image only to say what is wrong with it.

    Returns:
        One sentence; '' if nothing is wrong.
    """
    try:
        read_image(path, math.inf)
    except ValueError as error:
        return sentence_of(error, path)
    except MemoryError:
        return f'{path.name} takes more memory to be read than this page gives it.'
    return ''


def sentence_of(error: Exception, source: Path | None) -> str:
    """Bring an error into one sentence that names the image as its owner does."""
    text = ' '.join(str(error).split())
    if source is not None:
        text = text.replace(str(source), source.name)
    return text.rstrip('.') + '.'
