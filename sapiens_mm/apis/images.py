"""Reading images of every kind, and finding them: paths, folders, globs, lists."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from sapiens_mm.files import holds_outputs
from sapiens_mm.images import (
    IMAGE_SUFFIXES,
    MAX_PIXELS,
    BadFileError,
    ImageError,
    as_rgb,
    checked_mask,
    decode_color,
    read_file,
    read_mask_values,
)

ImageError = ImageError


def read_image(
    source: str | Path | np.ndarray | Image.Image, max_pixels: int = MAX_PIXELS
) -> np.ndarray:
    """Return an image as the models take it.

    Files are decoded by OpenCV, as the official demos do: EXIF orientation is
    applied, grey and CMYK images become colour, 16-bit ones 8-bit, and an alpha
    channel is dropped. Damaged files and those cut short raise, instead of ending in
    grey rows; see ``sapiens_mm.images``.

    Args:
        source: Path of a file; a uint8 BGR array (H, W, 3), returned as it is; or an
            image of Pillow, which is taken as RGB.
        max_pixels: Refuse files that say they are larger.

    Returns:
        Shape (H, W, 3), uint8, BGR.

    Raises:
        ImageError: If there is no such file, or it is no whole image, or an array
            has another shape or type, or it is none of these.
    """
    if isinstance(source, np.ndarray):
        return _check_array(source)
    if isinstance(source, Image.Image):
        return _check_array(np.ascontiguousarray(as_rgb(source)[:, :, ::-1]))
    if isinstance(source, ImageError):
        raise source
    # Path('') would be the current folder
    if isinstance(source, str) and not source.strip():
        raise ImageError('An empty name is no image')
    if isinstance(source, str) and '://' in source:
        raise ImageError.of(source[:200], 'is an address: download the file first')
    if not isinstance(source, (str, os.PathLike)):
        raise ImageError(
            'An image must be a path, a uint8 BGR array or an image of Pillow, got '
            f'{type(source).__name__} {str(source)[:60]!r}'
        )
    path = _expand(source)
    return decode_color(read_file(path), path, max_pixels)


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
        source: An array (H, W), or a path of a ``.npy`` or image file; people are
            where it is greater than 0, so images with losses, such as JPEG, whose
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
        # the greatest of the channels: a mask may be of any colour
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
    if isinstance(inputs, (str, os.PathLike)):
        path = _expand(inputs)
        listed = path.suffix.lower() == '.txt' and _is(path, os.path.isfile)
        return not (listed or _is_folder(inputs) or _is_pattern(path))
    one = isinstance(inputs, (bytes, bytearray, memoryview, Image.Image))
    # a tensor, which would be walked through row by row
    return one or hasattr(inputs, '__dlpack__') or not isinstance(inputs, Iterable)


def _expand(source: str | os.PathLike) -> Path:
    """Return a path with the home folder in place of ``~``."""
    try:
        return Path(source).expanduser()
    except RuntimeError:  # nobody's home
        return Path(source)


def _is(path: Path, what: Callable[[str], bool]) -> bool:
    """Ask about a path; one that cannot be (too long, a zero byte) is nothing."""
    try:
        return what(str(path))
    except (OSError, ValueError):
        return False


def _is_folder(source: str | os.PathLike) -> bool:
    return bool(os.fspath(source)) and _is(_expand(source), os.path.isdir)


def _is_pattern(path: Path) -> bool:
    return glob.has_magic(str(path)) and not _is(path, os.path.exists)


def find_images(inputs: object) -> Iterator[object]:
    """Yield images from a file, folder, glob, list file, array, or any of these.

    Folders are searched recursively, in sorted order; hidden files are left out, and
    so are folders that sapiens image or video wrote into, unless they are given. A
    ``.txt`` file lists one path a line, relative ones against its own folder. A
    single file is yielded whatever its name, so that reading it can say what is
    wrong; so is anything else that is no collection. ``~`` is the home folder; in a
    glob, folders that exist are taken by their names, brackets included.

    Args:
        inputs: A path, array, image of Pillow, or an iterable of any of these.

    Yields:
        Paths, arrays and images; in an iterable also an ``ImageError`` in place of a
        folder, glob or list that holds no image, as it must not end the others.

    Raises:
        ImageError: If ``inputs`` itself is such a folder, glob or list.
    """
    if isinstance(inputs, np.ndarray):
        yield from inputs if inputs.ndim == 4 else [inputs]
    elif isinstance(inputs, (str, os.PathLike)):
        yield from _images_of(inputs)
    elif is_single(inputs):
        yield inputs
    else:
        for item in inputs:
            try:
                yield from find_images(item)
            except ImageError as error:
                yield error
            except Exception as error:  # a folder or list that cannot be read
                what = ' '.join(f'{type(error).__name__}: {error}'.split())[:200]
                yield ImageError(f'{type(item).__name__} of images: {what}')


def _images_of(source: str | os.PathLike) -> Iterator[Path | str]:
    path = _expand(source)
    if _is_folder(source):
        yield from _images_in(path)
    elif path.suffix.lower() == '.txt' and _is(path, os.path.isfile):
        for line in _read_list(path).splitlines():
            if line.strip():
                yield path.parent / _expand(line.strip())
    elif _is_pattern(path):
        found = sorted(glob.glob(_pattern_of(path), recursive=True))
        paths = [Path(name) for name in found if is_image_name(name)]
        files = _without_outputs(paths, path)
        if not files:
            raise ImageError(f'No image matches {source}')
        yield from files
    else:
        # as a Path, an empty name would be the current folder, and https:// lose a /
        plain = os.fspath(source).strip() and '://' not in os.fspath(source)
        yield path if plain else os.fspath(source)


def _read_list(path: Path) -> str:
    data = path.read_bytes()
    if data[:2] in (b'\xff\xfe', b'\xfe\xff'):
        raise ImageError.of(path, 'is a list in UTF-16; save it as UTF-8')
    try:
        return data.decode('utf-8-sig')
    except UnicodeDecodeError as error:
        reason = f'is no list in UTF-8 (byte {error.start}); save it as UTF-8'
        raise ImageError.of(path, reason) from None


def _pattern_of(path: Path) -> str:
    """Escape the folders of a glob that exist as they are written."""
    base, parts = Path(path.parts[0]), list(path.parts[1:])
    if not _is(base, os.path.exists):
        return str(path)
    while parts and _is(base / parts[0], os.path.exists):
        base /= parts.pop(0)
    return os.path.join(glob.escape(str(base)), *parts)


def is_image_name(path: str | Path) -> bool:
    """Tell whether a file's name is that of an image."""
    return Path(path).suffix.lower() in IMAGE_SUFFIXES


def _images_in(folder: Path) -> list[Path]:
    files, left_out = [], False
    for where, folders, names in os.walk(folder):
        mine = [name for name in folders if holds_outputs(Path(where, name))]
        left_out |= bool(mine)
        # in place: so os.walk leaves them out
        folders[:] = [f for f in folders if f not in mine and not f.startswith('.')]
        paths = [Path(where, name) for name in names if not name.startswith('.')]
        files += [path for path in paths if is_image_name(path) and _may_be_file(path)]
    if not files:
        outputs = ' and left out what sapiens image has written' if left_out else ''
        suffixes = ', '.join(sorted(IMAGE_SUFFIXES))
        reason = f'holds no image (looked for {suffixes}{outputs})'
        raise ImageError.of(folder, reason)
    return sorted(files)


def _may_be_file(path: Path) -> bool:
    """Tell whether it is a file, or what only reading it can tell: a lost link."""
    return _is(path, os.path.isfile) or not _is(path, os.path.exists)


def _without_outputs(paths: list[Path], pattern: Path) -> list[Path]:
    """Leave out what wildcards have found where sapiens image writes."""
    parts = pattern.parts
    fixed = next(n for n, part in enumerate(parts) if glob.has_magic(part))
    known: dict[Path, bool] = {}

    def inside(path: Path) -> bool:
        for n in range(fixed + 1, len(path.parts)):
            folder = Path(*path.parts[:n])
            if folder not in known:
                known[folder] = holds_outputs(folder)
            if known[folder]:
                return True
        return False

    return [path for path in paths if not inside(path)]
