"""Which files are videos: known before anything heavy is imported."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

_NAMES = 'mp4 m4v mov mkv webm avi wmv flv mpg mpeg ts mts m2ts 3gp ogv'
VIDEO_SUFFIXES = frozenset(f'.{name}' for name in _NAMES.split())
# kinds of images in the container that MP4 has too
_IMAGE_BRANDS = (b'heic', b'heix', b'heim', b'mif1', b'msf1', b'avif', b'avis')


def is_video(path: Path) -> bool:
    """Tell whether a file is a video, by its name or its first bytes."""
    if not path.is_file():
        return False
    if path.suffix.lower() in VIDEO_SUFFIXES:
        return True
    try:
        with path.open('rb') as file:
            head = file.read(12)
    except OSError:
        return False
    if head[4:8] == b'ftyp':
        return head[8:12] not in _IMAGE_BRANDS
    return head[:4] == b'\x1aE\xdf\xa3' or (head[:4], head[8:]) == (b'RIFF', b'AVI ')


def videos_sentence(paths: Sequence[Path]) -> str:
    """Say which verb takes these files, if all of them are videos; '' else."""
    if not paths or not all(map(is_video, paths)):
        return ''
    names = shlex.join(map(str, paths))
    return f'{paths[0]} is a video: run sapiens video {names}'
