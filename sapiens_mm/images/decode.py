"""Decoding of images, by one named decoder each, after their headers were checked."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from .headers import (
    Header,
    ImageError,
    check_size,
    exif_orientation,
    image_kind,
    open_header,
)

MAX_PIXELS = 250_000_000
"""Width times height that is decoded at most, where nobody says otherwise."""

_MAX_BYTES = 2_000_000_000
_OPENCV = ('JPEG', 'PNG', 'WEBP', 'BMP', 'TIFF', 'PPM', 'JPEG2000')
# a JPEG's decoder finds some bytes too many before the end of whole images of cameras
_HARMLESS_BYTES = 16
_TURNS = {
    2: lambda image: image[:, ::-1],
    3: lambda image: image[::-1, ::-1],
    4: lambda image: image[::-1],
    5: lambda image: image.swapaxes(0, 1),
    6: lambda image: image.swapaxes(0, 1)[:, ::-1],
    7: lambda image: image[::-1, ::-1].swapaxes(0, 1),
    8: lambda image: image.swapaxes(0, 1)[::-1],
}


def read_file(path: str | os.PathLike) -> bytes:
    """Return the bytes of a file that may be an image.

    Raises:
        ImageError: If there is no such file, or it is no file, empty, or far too
            large for an image.
    """
    try:
        path = Path(path)
        if path.is_dir():
            raise ImageError.of(path, 'is a folder, not an image')
        if path.exists() and not path.is_file():  # a pipe would never end
            raise ImageError.of(path, 'is no regular file')
        size = path.stat().st_size
        if size > _MAX_BYTES:
            raise ImageError.of(path, f'has {size / 1e9:.1f} GB, too much for an image')
        data = path.read_bytes()
    except FileNotFoundError:
        raise ImageError.of(path, 'does not exist') from None
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        if isinstance(error, ImageError):
            raise
        reason = getattr(error, 'strerror', None) or error
        raise ImageError.of(str(path)[:200], f'cannot be read: {reason}') from None
    if not data:
        raise ImageError.of(path, 'is empty')
    return data


def decode_color(data: bytes, name: object, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Decode an image as the models take it.

    The pixels are OpenCV's, as in the official demos. A JPEG is decoded once, by
    libjpeg-turbo itself, which says what is damaged and gives OpenCV's numbers in the
    time that OpenCV takes; other formats by OpenCV where it can. EXIF orientation is
    applied, grey and CMYK images become colour, an alpha channel is dropped; 16-bit
    images keep the upper eight bits, and those of floats are scaled to 0 to 255.

    Args:
        data: Content of a file.
        name: What to call it in messages.
        max_pixels: Refuse images that say they are larger.

    Returns:
        Shape (H, W, 3), uint8, BGR.

    Raises:
        ImageError: If it is no image, too large, broken or cut short.
    """
    kind = image_kind(data, name)
    header = check_size(data, kind, name, max_pixels)
    image = None
    if kind == 'JPEG':
        image = _by_libjpeg(data, name, header)
    if image is None and kind in _OPENCV:
        plain = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
        stored = header.is_deep or header.white
        image = _by_opencv(data, cv2.IMREAD_UNCHANGED if stored else plain)
    if kind == 'TIFF':
        _check_tiff(data, name)
    if image is None:
        image = as_rgb(_by_pillow(data, kind, name), name)[..., ::-1]
    elif header.white:
        image = np.rint(image * (255 / header.white)).clip(0, 255).astype(np.uint8)
    elif header.is_deep:
        image = scale_to_bytes(image, name)
    if image.ndim == 2:
        image = image[..., None]
    if image.shape[2] != 3:  # grey, with alpha, or four of floats
        image = (
            np.repeat(image[..., :1], 3, 2) if image.shape[2] < 3 else image[..., :3]
        )
    # the decoders of TIFF turn by themselves, OpenCV's even if told not to
    orientation = 1 if kind == 'TIFF' else exif_orientation(data, kind)
    turn = _TURNS.get(orientation)
    return np.ascontiguousarray(image if turn is None else turn(image))


def decode_stored(
    data: bytes, name: object, max_pixels: int = MAX_PIXELS
) -> np.ndarray:
    """Decode an image of numbers, a mask or depth: nothing is scaled or turned.

    Args:
        data: Content of a file.
        name: What to call it in messages.
        max_pixels: As in :func:`decode_color`.

    Returns:
        Shape (H, W) or (H, W, C), as it is stored; colours in OpenCV's order, BGR.

    Raises:
        ImageError: As :func:`decode_color`.
    """
    kind = image_kind(data, name)
    header = check_size(data, kind, name, max_pixels)
    if kind == 'JPEG':
        # an eighth of the size: all is read, little is computed
        _by_libjpeg(data, name, header, 'GRAY', min_height=1, min_width=1)
    elif kind == 'TIFF':
        _check_tiff(data, name)
    image = _by_opencv(data, cv2.IMREAD_UNCHANGED) if kind in _OPENCV else None
    if image is None:
        image = np.asarray(_by_pillow(data, kind, name))
        if image.ndim == 3:
            image = image[..., [2, 1, 0, 3][: image.shape[2]]]
    return image


def decode_ids(
    data: bytes, name: object, max_pixels: int = MAX_PIXELS
) -> tuple[np.ndarray, str, str]:
    """Decode an image of one channel of ids; of a palette, the indices.

    Args:
        data: Content of a file.
        name: What to call it in messages.
        max_pixels: As in :func:`decode_color`.

    Returns:
        The array as Pillow has it, (H, W) or (H, W, C); Pillow's mode; the format.

    Raises:
        ImageError: As :func:`decode_color`.
    """
    kind = image_kind(data, name)
    header = check_size(data, kind, name, max_pixels)
    drawn = _by_pillow(data, kind, name)
    ids = np.asarray(drawn)
    if header.white and kind == 'PPM':  # Pillow scales them; OpenCV's are as stored
        stored = _by_opencv(data, cv2.IMREAD_UNCHANGED)
        ids = ids if stored is None else stored
    return ids, drawn.mode, kind


def _by_opencv(data: bytes, flags: int) -> np.ndarray | None:
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        return None


def _by_pillow(data: bytes, kind: str, name: object) -> Any:
    """Decode by the one plugin of this format."""
    try:
        drawn = open_header(data, kind)
        drawn.load()
    except Exception as error:  # Pillow's decoders raise all sorts on broken files
        reason = ' '.join(str(error).split())[:120]
        raise ImageError.of(
            name, f'is a broken or truncated image ({reason})'
        ) from None
    return drawn


def _check_tiff(data: bytes, name: object) -> None:
    """Refuse a TIFF whose packed data end in an error.

    OpenCV leaves the rest of the strip black; Pillow passes on what libtiff says.
    """
    try:
        drawn = open_header(data, 'TIFF')
        if drawn.tile and drawn.tile[0][0] == 'libtiff':  # it is packed
            drawn.load()
    except OSError as error:
        if str(error).startswith('decoder error'):
            raise ImageError.of(
                name, f'is a broken or truncated image ({error})'
            ) from None
    except Exception:  # a kind of TIFF that Pillow does not know; OpenCV may
        return


def _by_libjpeg(
    data: bytes, name: object, header: Header, colors: str = 'BGR', **options: int
) -> np.ndarray | None:
    """Decode a JPEG, and refuse one that its decoder had to make up in part.

    OpenCV and Pillow return grey or shifted blocks without a word; libjpeg knows.

    Returns:
        The image; None if it is for others: of colours that libjpeg does not convert,
        or with a harmless fault.
    """
    simplejpeg = importlib.import_module('simplejpeg')
    try:
        height, width = simplejpeg.decode_jpeg_header(data)[:2]
        if (width, height) != (header.width, header.height):
            raise ValueError('it states two sizes')  # and one was not checked
        return simplejpeg.decode_jpeg(data, colors, strict=True, **options)
    except ValueError as error:
        reason = str(error)
        if 'unsupported color' in reason.lower() or _is_harmless(reason):
            return None
        raise ImageError.of(
            name, f'is a broken or truncated image ({reason})'
        ) from None


def _is_harmless(reason: str) -> bool:
    words = reason.split()
    # at the end of the file alone: in the middle it could hide what follows
    at_end = 'extraneous bytes' in reason and reason.rstrip('.').endswith('0xd9')
    extra = at_end and next(w for w in words if w.isdigit())
    return bool(extra) and int(extra) < _HARMLESS_BYTES


def as_rgb(drawn: Any, name: object = 'The image') -> np.ndarray:
    """Return an image of Pillow as RGB, (H, W, 3) uint8; deep ones are scaled.

    Raises:
        ImageError: If its numbers are not finite.
    """
    if not drawn.mode.startswith(('I', 'F')):
        return np.asarray(drawn.convert('RGB'))
    grey = scale_to_bytes(np.asarray(drawn), name, drawn.mode)
    return np.repeat(grey[..., None], 3, axis=2)


def scale_to_bytes(values: np.ndarray, name: object, mode: str = '') -> np.ndarray:
    """Scale numbers of a deep image to 0 to 255.

    Args:
        values: Any shape.
        name: What to call it in messages.
        mode: Pillow's: ``I;16`` and its like hold 16 bits whatever the values.

    Returns:
        uint8, in the shape of ``values``: 16 bits lose the lower eight, floats of 0 to
        1 are multiplied, numbers up to 255 are kept, and any others are stretched.

    Raises:
        ImageError: If a number is not finite.
    """
    if not np.isfinite(values).all():
        raise ImageError.of(name, 'holds numbers that are not finite')
    low, high = float(values.min()), float(values.max())
    floating = values.dtype.kind == 'f'
    if '16' in mode or (not floating and low >= 0 and 255 < high <= 65535):
        return (values.astype(np.int64) >> 8).astype(np.uint8)
    if low >= 0 and high <= (1 if floating else 0):
        scaled = values * 255.0
    elif low >= 0 and high <= 255:
        scaled = values
    else:
        scaled = (values.astype(np.float64) - low) * (255 / max(high - low, 1e-30))
    return np.rint(scaled).astype(np.uint8)
