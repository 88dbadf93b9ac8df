"""What the demos read from the command line: boxes, clean-up, names of outputs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from sapiens_mm.apis.label_cleanup import CleanUp


def parse_boxes(text: str | None) -> np.ndarray | None:
    """Read ``--boxes``.

    Raises:
        ValueError: If it is not a list of lists of four numbers.
    """
    if text is None:
        return None
    try:
        boxes = np.array(json.loads(text), float)
    except ValueError:
        boxes = np.zeros(0)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f'--boxes must look like [[x1, y1, x2, y2], …], got {text}')
    return boxes


def parse_cleanup(words: list[str] | None) -> CleanUp | None:
    """Read ``--cleanup``.

    Raises:
        ValueError: If a word is not KEY=VALUE, or the key or value is wrong.
    """
    if words is None:
        return None
    values = {}
    for word in words:
        key, _, text = word.partition('=')
        try:
            values[key] = int(text) if key == 'min_area' else float(text)
        except ValueError:
            raise ValueError(
                f'--cleanup takes KEY=VALUE like keep=0.1, got {word!r}'
            ) from None
    return CleanUp.from_user(values)


def output_names(photos: list[Path], inputs: list[str]) -> dict[Path, str]:
    """Name the outputs of each photo: its path in its folder, without suffix.

    Photos whose names differ only in the suffix keep it (``a.png`` and ``a.jpg``
    become ``a_png`` and ``a_jpg``); those of different folders get a number.
    """
    folders = [Path(item) for item in inputs if Path(item).is_dir()]
    stems: dict[Path, str] = {}
    for photo in photos:
        base = next((f for f in folders if photo.is_relative_to(f)), photo.parent)
        stems[photo] = photo.relative_to(base).with_suffix('').as_posix()
    taken = list(stems.values())
    names: dict[Path, str] = {}
    for photo, stem in stems.items():
        if taken.count(stem) > 1:
            stem = f'{stem}_{photo.suffix.lstrip(".")}'
        name, number = stem, 2
        while name in names.values():
            name, number = f'{stem}_{number}', number + 1
        names[photo] = name
    return names
