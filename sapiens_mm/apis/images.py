"""Reading photos of every kind, and finding them: paths, folders, globs, lists."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from sapiens_mm.pictures import (
    MAX_PIXELS,
    BadFileError,
    PictureError,
    as_rgb,
    checked_mask,
    decode_color,
    read_file,
    read_mask_values,
)

ImageError = PictureError

_NAMES = 'jpg jpeg jpe jfif png webp bmp dib tif tiff ppm pgm pbm gif avif jp2'
IMAGE_SUFFIXES = frozenset(f'.{name}' for name in _NAMES.split())


def read_image(
    source: str | Path | np.ndarray | Image.Image, max_pixels: int = MAX_PIXELS
) -> np.ndarray:
    """Return a photo as the models take it.

    Files are decoded by OpenCV, as the official demos do: EXIF orientation is
    applied, grey and CMYK pictures become colour, 16-bit ones 8-bit, and an alpha
    channel is dropped. Damaged files and those cut short raise, instead of ending in
    grey rows; see ``sapiens_mm.pictures``.

    Args:
        source: Path of a file; a uint8 BGR array (H, W, 3), returned as it is; or a
            picture of Pillow, which is taken as RGB.
        max_pixels: Refuse files that say they are larger.

    Returns:
        Shape (H, W, 3), uint8, BGR.

    Raises:
        ImageError: If there is no such file, or it is no whole picture, or an array
            has another shape or type, or it is none of these.
    """
    if isinstance(source, np.ndarray):
        return _check_array(source)
    if isinstance(source, Image.Image):
        return _check_array(np.ascontiguousarray(as_rgb(source)[:, :, ::-1]))
    if not isinstance(source, (str, os.PathLike)):
        raise ImageError(
            'An image must be a path, a uint8 BGR array or a picture of Pillow, got '
            f'{type(source).__name__} {str(source)[:60]!r}'
        )
    return decode_color(read_file(source), source, max_pixels)


def _check_array(image: np.ndarray) -> np.ndarray:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ImageError(
            'An image array must be uint8 BGR of shape (H, W, 3), got '
            f'{image.dtype} of shape {image.shape}'
        )
    if image.size == 0:
        raise ImageError(f'An image array of shape {image.shape} has no pixels')
    return image


def read_mask(source: str | Path | np.ndarray, image_hw: tuple[int, int]) -> np.ndarray:
    """Return a foreground mask of an image.

    Args:
        source: An array (H, W), or a path of a ``.npy`` or picture file; people are
            where it is greater than 0, so pictures with losses, such as JPEG, whose
            noise is greater than 0, are refused.
        image_hw: Size of the image, (H, W).

    Returns:
        Shape (H, W), bool.

    Raises:
        ImageError: If it cannot be read or has another size.
    """
    try:
        if isinstance(source, np.ndarray):
            name, mask = 'The mask', checked_mask(source, 'The mask')
        else:
            name, mask = f'The mask {source}', read_mask_values(source)
    except ImageError:
        raise
    except BadFileError as error:
        raise ImageError(str(error)) from None
    is_array = isinstance(source, np.ndarray) or Path(source).suffix == '.npy'
    if not is_array and mask.ndim == 3:  # a mask in colours; alpha is no part of it
        mask = mask[..., : 1 if mask.shape[2] == 2 else 3].max(axis=2)
    if mask.ndim == 3 and mask.shape[2] == 1:
        mask = mask[:, :, 0]
    if mask.shape != tuple(image_hw):
        raise ImageError(
            f'{name} has shape {mask.shape}, expected {tuple(image_hw)}, the (H, W) '
            'of its image'
        )
    return mask > 0


def is_single(inputs: object) -> bool:
    """Tell whether ``inputs`` is one image rather than a collection of them."""
    if isinstance(inputs, np.ndarray):
        return inputs.ndim != 4
    if isinstance(inputs, (str, Path)):
        path = Path(inputs)
        listed = path.suffix.lower() == '.txt' and path.is_file()
        return not (listed or path.is_dir() or _is_pattern(path))
    return False


def _is_pattern(path: str | Path) -> bool:
    return glob.has_magic(str(path)) and not Path(path).exists()


def find_images(
    inputs: str | Path | np.ndarray | Iterable[str | Path | np.ndarray],
) -> Iterator[Path | np.ndarray]:
    """Yield images from a file, folder, glob, list file, array, or any of these.

    Folders are searched recursively, hidden files left out, in sorted order. A
    ``.txt`` file lists one path a line, relative ones against its own folder. A
    single file is yielded whatever its name, so that reading it can say what is
    wrong.

    Raises:
        ImageError: If a folder or glob holds no image.
    """
    if isinstance(inputs, np.ndarray):
        yield from inputs if inputs.ndim == 4 else [inputs]
    elif isinstance(inputs, (str, Path)):
        path = Path(inputs)
        if path.is_dir():
            yield from _images_in(path)
        elif path.suffix.lower() == '.txt' and path.is_file():
            for line in path.read_text(encoding='utf-8-sig').splitlines():
                if line.strip():
                    yield path.parent / line.strip()
        elif _is_pattern(inputs):
            found = sorted(glob.glob(str(inputs), recursive=True))
            files = [Path(name) for name in found if is_image_name(name)]
            if not files:
                raise ImageError(f'No image matches {inputs}')
            yield from files
        else:
            yield path
    else:
        for item in inputs:
            yield from find_images(item)


def is_image_name(path: str | Path) -> bool:
    """Tell whether a file's name is that of a picture."""
    return Path(path).suffix.lower() in IMAGE_SUFFIXES


def _images_in(folder: Path) -> list[Path]:
    files = sorted(
        path
        for path in folder.rglob('*')
        if is_image_name(path)
        and path.is_file()
        and not any(part.startswith('.') for part in path.relative_to(folder).parts)
    )
    if not files:
        raise ImageError(
            f'{folder} holds no image (looked for {", ".join(sorted(IMAGE_SUFFIXES))})'
        )
    return files
