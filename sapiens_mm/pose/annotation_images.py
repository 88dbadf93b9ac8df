"""Whether the images of an annotation file are there, and as large as it says."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from sapiens_mm.images import MAX_PIXELS, ImageError, image_kind
from sapiens_mm.images.headers import check_size, open_header

MAX_IMAGES = 200_000
"""How many headers are read at most; of more, so many evenly spread."""

_STEPS = (1 << 14, 1 << 18, -1)  # bytes; most headers are in the first
_THREADS = 16
_TURNED = range(5, 9)  # EXIF orientations that swap width and height
_ORIENTATION = 0x0112
_TOLERANCE_PX = 1


@dataclass(frozen=True)
class Fault:
    """What is wrong with an image.

    Attributes:
        kind: ``broken_image`` or ``wrong_size``.
        what: A sentence.
    """

    kind: str
    what: str


@dataclass(frozen=True)
class StoredImage:
    """What the header of an image says.

    Attributes:
        stored_wh: Width and height as stored, pixels.
        read_wh: As the models see it, turned by its EXIF orientation.
        orientation: EXIF's, 1 for upright.
    """

    stored_wh: tuple[int, int]
    read_wh: tuple[int, int]
    orientation: int = 1


def read_header(path: str | os.PathLike, turns: bool = True) -> StoredImage | None:
    """Read the size of an image; the whole is decoded only where a header is odd.

    Args:
        path: Of the file.
        turns: Whether the run's reader applies the EXIF orientation.

    Returns:
        The image, or None if it is none, or one that OpenCV cannot read.
    """
    for size in _STEPS:
        with open(path, 'rb') as file:
            data = file.read(size)
        try:
            # out of memory: chunks of a file may claim more bytes than it has
            drawn = open_header(data, image_kind(data, path))
            orientation = _orientation(drawn)
        except Exception:  # Pillow's readers raise all sorts on a part of a file
            continue
        wh = drawn.size
        if orientation not in _TURNED:
            return StoredImage(wh, wh, orientation)
        turned_wh = wh[::-1] if turns else wh
        if turns and drawn.format != 'JPEG':  # not every OpenCV turns these
            turned_wh = _decoded_wh(data if size < 0 else _all_of(path), True) or wh
        return StoredImage(wh, turned_wh, orientation)
    decoded = _decoded_wh(data, turns)
    return None if decoded is None else StoredImage(decoded, decoded)


def _orientation(drawn: Image.Image) -> int:
    """Return EXIF's orientation; Pillow's ``getexif`` may decode the whole image."""
    data = drawn.info.get('exif')
    if not data:
        return 1
    exif = Image.Exif()
    exif.load(data)
    return exif.get(_ORIENTATION, 1)


def _decoded_wh(data: bytes, turns: bool) -> tuple[int, int] | None:
    flags = cv2.IMREAD_COLOR | (0 if turns else cv2.IMREAD_IGNORE_ORIENTATION)
    try:  # a few bytes may claim gigabytes
        check_size(data, image_kind(data, ''), '', MAX_PIXELS)
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except (ImageError, cv2.error):
        return None
    return None if image is None else (image.shape[1], image.shape[0])


def _all_of(path: str | os.PathLike) -> bytes:
    with open(path, 'rb') as file:
        return file.read()


def missing_files(paths: Mapping[int, str]) -> set[int]:
    """Return the ids whose files do not exist; each folder is listed once.

    Args:
        paths: Path by image id.
    """
    folders: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for image_id, path in paths.items():
        folder, name = os.path.split(path)
        folders[folder].append((name, image_id))
    missing = set()
    for folder, files in folders.items():
        there = set(os.listdir(folder)) if os.path.isdir(folder) else set()
        missing |= {image_id for name, image_id in files if name not in there}
    return missing


def size_faults(
    paths: Mapping[int, str],
    sizes_wh: Mapping[int, tuple[float, float]],
    turns: bool = True,
) -> dict[int, Fault]:
    """Compare the sizes that a file states with the headers of the images.

    Args:
        paths: Path by image id; all exist.
        sizes_wh: Stated width and height by image id, pixels.
        turns: As in :func:`read_header`.

    Returns:
        What is wrong, by image id.
    """
    ids = list(paths)
    if len(ids) > MAX_IMAGES:
        picked = np.linspace(0, len(ids) - 1, MAX_IMAGES).round().astype(int)
        ids = [ids[k] for k in np.unique(picked)]

    def look(image_id: int) -> Fault | None:
        return _fault(paths[image_id], sizes_wh[image_id], turns)

    with ThreadPoolExecutor(_THREADS) as pool:
        found = zip(ids, pool.map(look, ids), strict=True)
        return {image_id: fault for image_id, fault in found if fault}


def _fault(path: str, size_wh: tuple[float, float], turns: bool) -> Fault | None:
    try:
        drawn = read_header(path, turns)
    except OSError as error:
        why = error.strerror or error
        return Fault('broken_image', f'{path} cannot be read: {why}')
    if drawn is None:
        return Fault('broken_image', f'{path} is no image')
    if _alike(drawn.read_wh, size_wh):
        return None
    width, height = drawn.read_wh
    what = (
        f'width and height are {size_wh[0]:g} and {size_wh[1]:g}, {path} is '
        f'{width} wide and {height} high'
    )
    if drawn.read_wh != drawn.stored_wh and _alike(drawn.stored_wh, size_wh):
        what += (
            f': its EXIF orientation {drawn.orientation} turns it when it is read, '
            'and boxes and keypoints must be those of the turned image'
        )
    elif _alike(drawn.read_wh[::-1], size_wh):
        what += ': they are swapped'
    return Fault('wrong_size', what)


def _alike(first: tuple[float, float], second: tuple[float, float]) -> bool:
    return all(abs(a - b) <= _TOLERANCE_PX for a, b in zip(first, second, strict=True))
