"""Read maps and masks from files, each mistake in one sentence that names the file."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from sapiens_mm.data_files import BadFileError
from sapiens_mm.hosts import require
from sapiens_mm.pictures import (
    PictureError,
    decode_color,
    decode_stored,
    read_file,
)

MAP_SUFFIXES = ('.npy', '.npz', '.exr', '.png')
MASK_SUFFIXES = ('.png', '.npy', '.jpg', '.jpeg', '.webp')


def read_map(path: str | Path, channels: int, scale: float | None = None) -> np.ndarray:
    """Read a map of any of the suffixes in ``MAP_SUFFIXES``.

    NPZ files hold one array, or one named ``depth``, ``normal``, ``normals`` or
    ``map``. EXR channels are taken in the order R G B or X Y Z; a map of one channel
    takes Y, Z, V, R or the only one. PNG of one channel must have 16 bits and
    ``scale``; PNG of three channels holds directions as (n + 1) / 2, R first.

    Args:
        path: The file.
        channels: C, 1 or 3.
        scale: Factor of the stored numbers; None stands for 1, and is refused for
            a depth PNG. Directions take none.

    Returns:
        Shape (H, W) for one channel, else (H, W, C); float32.

    Raises:
        BadFileError: If the file is missing, broken, or not of ``channels``.
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
        values = _read_exr(path, channels)
    elif suffix == '.png':
        return _read_png(path, channels, scale)
    else:
        values = _read_numpy(path)
    if values.ndim == 3 and values.shape[2] == channels == 1:
        values = values[..., 0]
    expected = 2 if channels == 1 else 3
    if values.ndim != expected or (channels > 1 and values.shape[2] != channels):
        shape = '(H, W)' if channels == 1 else f'(H, W, {channels})'
        raise BadFileError(f'{path} has shape {values.shape}; expected {shape}')
    if values.dtype.kind not in 'fiu' or values.size == 0:
        raise BadFileError(f'{path} holds {values.dtype} of shape {values.shape}')
    with np.errstate(over='ignore'):  # inf is reported where it matters
        values = values.astype(np.float32)
    return values if scale is None else values * np.float32(scale)


def read_mask(path: str | Path, threshold: int = 0) -> np.ndarray:
    """Read a foreground mask: the first channel of a picture, or a NumPy array.

    Args:
        path: The file.
        threshold: Pixels above it are foreground.

    Returns:
        Shape (H, W), uint8, 0 or 1.

    Raises:
        BadFileError: If the file is missing or broken.
    """
    path = Path(path)
    if not path.is_file():
        raise BadFileError(f'{path} does not exist')
    if path.suffix.lower() == '.npy':
        values = _read_numpy(path)
    else:
        values = read_stored(path)
        if values.ndim == 3:
            values = values[..., 0] if values.shape[2] < 3 else values[..., 2]  # red
    if values.ndim != 2 or values.dtype.kind not in 'biuf' or values.size == 0:
        raise BadFileError(
            f'{path} holds {values.dtype} of shape {values.shape}; expected a mask '
            '(H, W)'
        )
    return (values > threshold).astype(np.uint8)


def read_image(path: str | Path) -> np.ndarray:
    """Read a photo, (H, W, 3) uint8 BGR.

    Raises:
        BadFileError: If the file is missing or broken.
    """
    return _decode(Path(path), decode_color)


def _read_numpy(path: Path) -> np.ndarray:
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded
        with loaded:
            known = [n for n in ('depth', 'normal', 'normals', 'map') if n in loaded]
            names = known or loaded.files
            if len(names) != 1:
                raise BadFileError(
                    f'{path} holds the arrays {sorted(loaded.files)}; which one is the '
                    'map? Name it depth, normal, normals or map'
                )
            return loaded[names[0]]
    except BadFileError:
        raise
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise BadFileError(f'{path} cannot be read: {error}') from None


def read_stored(path: Path) -> np.ndarray:
    """Decode a picture as it is stored; channels in OpenCV's order."""
    return _decode(path, decode_stored)


def _decode(path: Path, decode: Callable[[bytes, Path], np.ndarray]) -> np.ndarray:
    if not path.is_file():
        raise BadFileError(f'{path} does not exist')
    try:
        return decode(read_file(path), path)
    except PictureError as error:
        raise BadFileError(f'{path} cannot be read: it {error.reason}') from None


def _read_png(path: Path, channels: int, scale: float | None) -> np.ndarray:
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
    return stored[..., ::-1].astype(np.float32) * (2 / np.iinfo(stored.dtype).max) - 1


def _read_exr(path: Path, channels: int) -> np.ndarray:
    require('OpenEXR')
    import OpenEXR

    try:
        with OpenEXR.File(str(path), separate_channels=True) as file:
            layers = {k: np.array(v.pixels) for k, v in file.channels().items()}
    except (RuntimeError, ValueError) as error:
        raise BadFileError(f'{path} cannot be read: {error}') from None
    if channels == 1:
        names = [n for n in ('Y', 'Z', 'V', 'R') if n in layers][:1] or list(layers)
        if len(names) == 1:
            return layers[names[0]]
    for names in ('RGB', 'XYZ'):
        if channels == 3 and set(names) <= set(layers):
            return np.dstack([layers[name] for name in names])
    raise BadFileError(
        f'{path} has the channels {sorted(layers)}; expected '
        + ('one' if channels == 1 else 'R, G, B or X, Y, Z')
    )
