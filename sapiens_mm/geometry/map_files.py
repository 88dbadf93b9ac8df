"""Read maps and masks from files, each mistake in one sentence that names the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from sapiens_mm.data.files import BadFileError
from sapiens_mm.geometry.exr_files import read_exr
from sapiens_mm.images import (
    ImageError,
    decode_color,
    decode_stored,
    read_array,
    read_file,
    read_mask_values,
)

MAP_SUFFIXES = ('.npy', '.npz', '.exr', '.png')
ENCODINGS = ('vector', 'rgb')
"""How normals are stored: x, y, z themselves; or (n + 1) / 2, as images hold them."""

_NAMES = {1: ('depth', 'map'), 3: ('normal', 'normals', 'map')}  # in NPZ files


def check_encoding_name(encoding: str | None) -> None:
    """Raise ``ValueError`` unless it is None or one of ``ENCODINGS``."""
    if encoding is not None and encoding not in ENCODINGS:
        raise ValueError(
            f'encoding must be one of {", ".join(ENCODINGS)} or None; got {encoding!r}'
        )


def read_map(
    path: str | Path,
    channels: int,
    scale: float | None = None,
    encoding: str | None = None,
    layer: str | None = None,
) -> np.ndarray:
    """Read a map of any of the suffixes in ``MAP_SUFFIXES``.

    NPZ files hold one array, or one named ``depth``, ``normal``, ``normals`` or
    ``map``. Which channels of an EXR file are taken is told by
    :func:`~sapiens_mm.geometry.exr_files.read_exr`. PNG of one channel must have 16
    bits and ``scale``; PNG of three channels holds directions as (n + 1) / 2, R first.

    Args:
        path: The file.
        channels: C, 1 or 3.
        scale: Factor of the stored numbers; None stands for 1, and is refused for
            a depth PNG. Directions take none.
        encoding: Of directions: ``'vector'``, or ``'rgb'`` for (n + 1) / 2 in 0 to 1,
            0 to 255 or 0 to 65535; None takes PNG as ``'rgb'`` and others as
            ``'vector'``.
        layer: In EXR files, the layer or channel to take; None looks for it.

    Returns:
        Shape (H, W) for one channel, else (H, W, C); float32.

    Raises:
        BadFileError: If the file is missing, broken, or not of ``channels``, or its
            type cannot hold the encoding.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in MAP_SUFFIXES:
        raise BadFileError(
            f'{path}: maps are read from {", ".join(MAP_SUFFIXES)}, not {suffix!r}'
        )
    if not path.is_file():
        raise BadFileError(f'{path} does not exist')
    if suffix == '.exr':
        values = read_exr(path, channels, layer)
    elif suffix == '.png':
        return _read_png(path, channels, scale, encoding)
    else:
        values = read_array(path, _NAMES[channels])
    # one channel kept as an axis, as many tools write it
    if values.ndim == 3 and values.shape[2] == channels == 1:
        values = values[..., 0]
    _check_shape(path, values, channels)
    is_rgb = channels == 3 and encoding == 'rgb'
    _check_dtype(path, values, signed=channels == 3 and not is_rgb)
    if is_rgb:
        return decode_rgb(values, path)
    with np.errstate(over='ignore'):  # inf is reported where it matters
        values = values.astype(np.float32)
    return values if scale is None else values * np.float32(scale)


def _check_dtype(path: Path, values: np.ndarray, signed: bool) -> None:
    if values.dtype.kind not in 'fiu' or values.size == 0:
        raise BadFileError(
            f'{path} holds {values.dtype} of shape {values.shape}; expected a map of '
            'floats or whole numbers'
        )
    if signed and values.dtype.kind == 'u':
        raise BadFileError(
            f'{path} holds {values.dtype}, which has no negative numbers, so these '
            "are no vectors; if they are (n + 1) / 2, set encoding='rgb'"
        )


def _check_shape(path: Path, values: np.ndarray, channels: int) -> None:
    expected = 2 if channels == 1 else 3
    if values.ndim == expected and (channels == 1 or values.shape[2] == channels):
        return
    shape = '(H, W)' if channels == 1 else f'(H, W, {channels})'
    guess = ''
    if values.ndim == 3 and values.shape[0] == channels:
        guess = '; its channels come first: store it as array.transpose(1, 2, 0)'
    elif values.ndim == 3 and channels == 1 and values.shape[2] in (3, 4):
        guess = '; these are normals or colours, or depth drawn as an image'
    elif values.ndim == 4 and len(values) == 1:
        guess = '; it is a batch of one: store array[0]'
    elif values.ndim == 2 and channels == 3:
        guess = '; this is depth, or one channel of normals'
    raise BadFileError(f'{path} has shape {values.shape}; expected {shape}{guess}')


def decode_rgb(stored: np.ndarray, name: object) -> np.ndarray:
    """Return directions of (n + 1) / 2.

    Args:
        stored: Shape (H, W, 3), of 0 to 1, 0 to 255 or 0 to 65535, told by the largest.
        name: What to call the file in messages.

    Returns:
        Shape (H, W, 3), float32, about -1 to 1.

    Raises:
        BadFileError: If it holds larger numbers.
    """
    largest = np.max(stored, initial=0, where=np.isfinite(stored))
    # a little more than 1: resampling overshoots; whole numbers are never of 0 to 1
    if stored.dtype.kind == 'f' and largest <= 1.5:
        top = 1
    else:
        top = next((t for t in (255, 65535) if largest <= t * 1.01), 0)
    if not top:
        raise BadFileError(
            f"{name} holds {largest:g}; encoding='rgb' is (n + 1) / 2 in 0 to 1, 0 to "
            '255 or 0 to 65535'
        )
    with np.errstate(over='ignore', invalid='ignore'):
        return stored.astype(np.float32) * np.float32(2 / top) - 1


def read_mask(path: str | Path, threshold: int = 0) -> np.ndarray:
    """Read a foreground mask: the first channel of an image, or a NumPy array.

    Args:
        path: The file.
        threshold: Pixels above it are foreground. With 0 there must be no noise above
            0: images with losses are refused.

    Returns:
        Shape (H, W), uint8, 0 or 1.

    Raises:
        BadFileError: If the file is missing, broken or no mask, or the threshold is
            above all that it holds.
    """
    path = Path(path)
    if not path.is_file():
        raise BadFileError(f'{path} does not exist')
    try:
        values = read_mask_values(path, threshold)
    except ImageError as error:
        raise BadFileError(f'{path} cannot be read: it {error.reason}') from None
    if values.ndim == 3 and path.suffix.lower() not in ('.npy', '.npz'):
        values = values[..., 0] if values.shape[2] < 3 else values[..., 2]  # red
    if values.ndim != 2:
        raise BadFileError(
            f'{path} holds {values.dtype} of shape {values.shape}; expected a mask '
            '(H, W)'
        )
    mask = (values > threshold).astype(np.uint8)
    if threshold > 0 and values.any() and not mask.any():
        raise BadFileError(
            f'{path}: no pixel is above mask_threshold={threshold:g}, the largest is '
            f'{values.max():g}'
        )
    return mask


def read_image(path: str | Path) -> np.ndarray:
    """Read an image, (H, W, 3) uint8 BGR.

    Raises:
        BadFileError: If the file is missing or broken.
    """
    return _decode(Path(path), decode_color)


def read_stored(path: Path) -> np.ndarray:
    """Decode an image as it is stored; channels in OpenCV's order."""
    return _decode(path, decode_stored)


def _decode(path: Path, decode: Callable[[bytes, Path], np.ndarray]) -> np.ndarray:
    if not path.is_file():
        raise BadFileError(f'{path} does not exist')
    try:
        return decode(read_file(path), path)
    except ImageError as error:
        raise BadFileError(f'{path} cannot be read: it {error.reason}') from None


def _read_png(
    path: Path, channels: int, scale: float | None, encoding: str | None
) -> np.ndarray:
    stored = read_stored(path)
    found = 1 if stored.ndim == 2 else stored.shape[2]
    if found != channels:
        raise BadFileError(f'{path} has {found} channels; expected {channels}')
    if channels == 1:
        if stored.dtype != np.uint16:
            raise BadFileError(
                f'{path} has 8 bits, too coarse for depth; expected a 16-bit PNG'
            )
        if scale is None:
            raise BadFileError(
                f'{path} is a 16-bit PNG: state map_scale, the unit of its numbers '
                '(0.001 where they are millimetres)'
            )
        return stored.astype(np.float32) * np.float32(scale)
    if encoding == 'vector':
        raise BadFileError(
            f'{path} is a PNG, which has no negative numbers, so it holds no vectors; '
            "leave encoding out, or set encoding='rgb'"
        )
    # OpenCV gives B first; x is stored as R
    return decode_rgb(stored[..., ::-1], path)
