"""Masks of people: which numbers of a file are people, and what is no mask."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np

from .arrays import read_array
from .decode import decode_stored, read_file
from .headers import BadFileError, image_kind, is_lossy

_ADVICE = 'set mask_threshold, such as 127, or save masks as PNG without losses'
_DARK, _BRIGHT = 16, 240  # of 255
# noise: bumps by dark pixels, blocks with one by blocks of the outline; and no fewer
_BUMPS, _BLOCKS, _LEAST = 0.1, 0.35, 16


def read_mask_values(path: str | os.PathLike, threshold: float = 0) -> np.ndarray:
    """Read the numbers of a mask, and refuse those that are none.

    Args:
        path: Of a NumPy file or an image.
        threshold: Numbers above it are going to be people.

    Returns:
        Shape (H, W) or (H, W, C), of numbers or bool; colours in OpenCV's order.

    Raises:
        BadFileError: If it cannot be read, holds no numbers, or its losses would be
            people.
    """
    path = Path(path)
    if path.suffix.lower() in ('.npy', '.npz'):
        return checked_mask(read_array(path, ('mask',)), path)
    data = read_file(path)
    values = decode_stored(data, path)
    # with a threshold the small numbers do not count
    if threshold <= 0:
        kind = image_kind(data, path)
        if is_lossy(data, kind):
            raise BadFileError(
                f'{path} is a {kind} with losses: beside people it holds small numbers '
                f'above 0, which would count as people; {_ADVICE}'
            )
        if is_noisy(values):
            raise BadFileError(
                f'{path} holds the noise of a JPEG, small numbers above 0 beside '
                f'people, which would count as people; {_ADVICE}'
            )
    return checked_mask(values, path)


def checked_mask(values: np.ndarray, name: object) -> np.ndarray:
    """Refuse an array that cannot be a mask.

    Args:
        values: Any array.
        name: What to call it in messages.

    Returns:
        The same array.

    Raises:
        BadFileError: If it is empty, not of numbers, NaN somewhere, or of negative
            whole numbers (255 in int8 is -1).
    """
    if values.dtype.kind not in 'biuf' or values.size == 0:
        raise BadFileError(
            f'{name} holds {values.dtype} of shape {values.shape}; expected a mask '
            '(H, W) of numbers'
        )
    if values.dtype.kind == 'f' and np.isnan(values).any():
        raise BadFileError(f'{name} holds NaN, which is neither people nor background')
    if values.dtype.kind == 'i' and values.min() < 0:
        raise BadFileError(
            f'{name} holds {values.min()} in {values.dtype}; expected a mask of '
            'numbers of 0 or more (255 does not fit into int8)'
        )
    return values


def is_noisy(values: np.ndarray) -> bool:
    """Tell whether a mask was a JPEG once, whatever it is stored as now.

    The rim of a soft mask falls off evenly. A JPEG has bumps, dark pixels brighter than
    all of their neighbours, in most of its blocks of 8 x 8 that an outline crosses;
    single hairs have bumps as well, but in few of those.

    Args:
        values: Shape (H, W) or (H, W, C).
    """
    if values.dtype != np.uint8:
        return False
    # the brightest channel, as masks may be of any colour
    plane = values if values.ndim == 2 else values[..., :3].max(axis=2)
    dark = (plane > 0) & (plane < _DARK)
    count = int(np.count_nonzero(dark))
    if count < _LEAST or plane.max() < _BRIGHT:
        return False
    around = np.ones((3, 3), np.uint8)
    # the middle is left out: a pixel must exceed its neighbours, not itself
    around[1, 1] = 0
    bumps = dark & (plane > cv2.dilate(plane, around))
    if np.count_nonzero(bumps) < max(_LEAST, _BUMPS * count):
        return False
    outline = _in_blocks(plane < _DARK) & _in_blocks(plane >= _BRIGHT)
    return bool(_in_blocks(bumps)[outline].mean() >= _BLOCKS)


def _in_blocks(there: np.ndarray) -> np.ndarray:
    """Tell which blocks of 8 x 8 hold a pixel that is set; the last ones may be cut."""
    rows, columns = (range(0, side, 8) for side in there.shape)
    by_rows = np.logical_or.reduceat(there, rows, axis=0)
    return np.logical_or.reduceat(by_rows, columns, axis=1)
