"""Names of outputs: those of the images, so that nothing ever meets."""

from __future__ import annotations

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

# what a run puts beside outputs of images, and how its files end
OWN_FOLDERS = frozenset(['pictures', 'persons', 'palette', 'relief', 'clouds'])
OWN_ENDS = ('.json', '.jsonl', '.npy', '.npz', '.png', '.jpg', '.exr', '.ply', '.maps')
# bytes of a name; the rest of 255 is for what is added: '.pose.jsonl', '_2'
MAX_BYTES = 235


def output_names(images: Sequence[Path], inputs: Sequence[str]) -> dict[Path, str]:
    """Name the outputs of each image: its path in its folder, without suffix.

    Images whose names differ only in the suffix keep it (``a.png`` and ``a.jpg``
    become ``a_png`` and ``a_jpg``); those of different folders get a number. Names
    that differ in capitals alone count as equal, as they do on some disks. A name
    that is too long ends in a hash, and a folder called as one of ours gets a ``_``.
    """
    given = tuple(inputs)
    stems = {image: _allowed(plain_name(image, given)) for image in images}
    count = Counter(map(_key, stems.values()))
    names: dict[Path, str] = {}
    taken: set[str] = set()
    numbers: dict[str, int] = {}
    for image, stem in stems.items():
        if count[_key(stem)] > 1:
            stem = f'{stem}_{image.suffix.lstrip(".")[:16]}'
        name, number = stem, numbers.get(_key(stem), 2)
        while _key(name) in taken:
            name, number = f'{stem}_{number}', number + 1
        numbers[_key(stem)] = number
        taken.add(_key(name))
        names[image] = name
    return names


def plain_name(image: Path, inputs: tuple[str, ...]) -> str:
    """Return the path of an image in the first folder given that it is in, or its name.

    Without suffix; outputs may have to be named otherwise.
    """
    order = _folders(inputs)
    inside = [folder for folder in image.parents if folder in order]
    base = min(inside, key=order.__getitem__, default=image.parent)
    return image.relative_to(base).with_suffix('').as_posix()


@lru_cache(maxsize=1)
def _folders(inputs: tuple[str, ...]) -> dict[Path, int]:
    """Return which inputs are folders, and their places."""
    paths = [Path(item) for item in inputs]
    return {p: n for n, p in reversed([*enumerate(paths)]) if p.is_dir()}


def _key(name: str) -> str:
    """Return the same for names that some disks take for one."""
    # NFC: macOS writes accents apart, and takes both for one
    return unicodedata.normalize('NFC', name).casefold()


def _allowed(stem: str) -> str:
    """Change the parts of a name that would meet ours, or lead out of the folder."""
    *folders, last = stem.split('/')
    folders = [part for part in folders if part != '..']
    last = f'_{last}' if last in ('.', '..') else last  # of an image called ...jpg
    parts = [
        f'{part}_'
        if part.casefold() in OWN_FOLDERS or part.casefold().endswith(OWN_ENDS)
        else part
        for part in folders
    ]
    hidden = '.sapiens_mm'  # how files of our own begin
    parts = [
        f'_{part}' if part.casefold().startswith(hidden) else part
        for part in (*parts, last)
    ]
    return '/'.join(map(_short, parts))


def _short(part: str) -> str:
    """Cut a name that leaves no room for an ending, and tell it from others."""
    # surrogateescape: names that are no UTF-8 occur on Linux
    data = part.encode('utf-8', 'surrogateescape')
    if len(data) <= MAX_BYTES:
        return part
    digest = hashlib.sha256(data).hexdigest()[:12]
    # whole characters only
    start = data[: MAX_BYTES - len(digest) - 1].decode('utf-8', 'ignore')
    return f'{start}-{digest}'
