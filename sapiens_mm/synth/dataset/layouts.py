"""Index files of a data set, in the layouts that the readers of this package take."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from sapiens_mm.files import write_atomically
from sapiens_mm.synth.dataset.files import record_of
from sapiens_mm.synth.dataset.records import (
    Record,
    annotation,
    category,
    image_entry,
)
from sapiens_mm.synth.dataset.settings import DatasetSettings
from sapiens_mm.tasks import KEYPOINT_COUNTS, SPLITS


def read_records(root: Path, indices: Iterable[int]) -> Iterator[Record]:
    """Read the records of samples, one after the other.

    Raises:
        ValueError: If one is no JSON.
    """
    for index in indices:
        path = record_of(root, index)
        try:
            yield json.loads(path.read_bytes())
        except ValueError as error:
            raise ValueError(
                f'{path} is not JSON: {error}; remove it, and its sample is made again'
            ) from None


def annotation_file(root: Path, split: str, count: int) -> Path:
    """Return the path of a COCO-style file of 17, 133 or 308 keypoints."""
    return root / 'annotations' / f'{split}_{count}.json'


def write_annotations(
    root: Path, settings: DatasetSettings, records: Iterable[Record]
) -> list[Path]:
    """Write the COCO-style files of every split and vocabulary; return their paths.

    ``…_17.json`` serves detectors of people as well: boxes hold the visible pixels of
    each person, and areas count them. A split without samples gets no files.
    """
    images: dict[str, list[str]] = {split: [] for split in SPLITS}
    people = {(split, count): [] for split in SPLITS for count in KEYPOINT_COUNTS}
    for record in records:
        split = record['split']
        images[split].append(_line(image_entry(record)))
        for count in KEYPOINT_COUNTS:
            people[split, count] += [
                _line(annotation(record, person, count)) for person in record['people']
            ]
    written = []
    for (split, count), lines in people.items():
        path = annotation_file(root, split, count)
        if not images[split]:
            path.unlink(missing_ok=True)
            continue
        info = {
            'description': f'synthetic people, {count} keypoints, {split}',
            'seed': settings.seed,
        }
        head = {'info': info, 'categories': [category(count)]}
        text = ',\n'.join(f'"{key}": {_line(value)}' for key, value in head.items())
        text += ',\n"images": [\n' + ',\n'.join(images[split])
        text += '\n],\n"annotations": [\n' + ',\n'.join(lines) + '\n]'
        write_atomically(path, ('{' + text + '}\n').encode())
        written.append(path)
    return written


def _line(content: object) -> str:
    return json.dumps(content, separators=(',', ':'))
