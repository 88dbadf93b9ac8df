"""Figures of a written data set: what is in it, and how often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sapiens_mm.synth.dataset.records import Record, keypoints_of
from sapiens_mm.tables import GOLIATH28, GOLIATH308
from sapiens_mm.tasks import SPLITS

YAW_EDGES = np.arange(-180, 181, 15)  # degrees
SCALE_EDGES = np.round(np.arange(0, 1.01, 0.05), 2)  # box height over the image's

_NUM_CLASSES = len(GOLIATH28.classes)


@dataclass
class Stats:
    """Counts over the samples added so far.

    Attributes:
        images: Samples.
        people: People in them.
        splits: Images, people and subjects of each split.
        class_pixels: (28,) pixels of each class.
        class_images: (28,) images that have a pixel of each class.
        visibility: (308, 3) people whose keypoint is outside the image, hidden,
            visible.
        yaw, head_yaw: (24,) people by turn away from the camera, see ``YAW_EDGES``.
        scale: (20,) people by the height of their box over the image's.
        metadata: Name of what was drawn for samples or people -> how often
            each value.
    """

    images: int = 0
    people: int = 0
    splits: dict[str, Counter] = field(default_factory=dict)
    class_pixels: np.ndarray = field(default_factory=lambda: _zeros(_NUM_CLASSES))
    class_images: np.ndarray = field(default_factory=lambda: _zeros(_NUM_CLASSES))
    visibility: np.ndarray = field(default_factory=lambda: _zeros(308, 3))
    yaw: np.ndarray = field(default_factory=lambda: _zeros(len(YAW_EDGES) - 1))
    head_yaw: np.ndarray = field(default_factory=lambda: _zeros(len(YAW_EDGES) - 1))
    scale: np.ndarray = field(default_factory=lambda: _zeros(len(SCALE_EDGES) - 1))
    metadata: dict[str, Counter] = field(default_factory=dict)

    def add(self, record: Record) -> None:
        """Count a sample, as :func:`.records.describe` says it."""
        people = record['people']
        self.images += 1
        self.people += len(people)
        split = self.splits.setdefault(record['split'], Counter())
        split.update(images=1, people=len(people))
        split['subjects'] += len({person['subject'] for person in people})
        pixels = np.array(record['class_pixels'], np.int64)
        self.class_pixels += pixels
        self.class_images += pixels > 0
        self._count_metadata('people', {'in an image': len(people)})
        self._count_metadata('', record['facts'])
        for person in people:
            self._add_person(person, record['height'])

    def _add_person(self, person: Record, height: int) -> None:
        seen = keypoints_of(person)[:, 2].astype(int)
        self.visibility[np.arange(308), seen] += 1
        self.scale += np.histogram(min(person['bbox'][3] / height, 1), SCALE_EDGES)[0]
        metadata = dict(person['facts'])
        for counts, name in ((self.yaw, 'yaw_deg'), (self.head_yaw, 'head_yaw_deg')):
            if name in metadata:
                counts += np.histogram(metadata.pop(name), YAW_EDGES)[0]
        self._count_metadata('person', metadata)

    def _count_metadata(self, owner: str, metadata: dict[str, Any]) -> None:
        """Count the values of metadata that have few of them."""
        for name, value in metadata.items():
            if isinstance(value, bool | str | int):
                # 'walk:0.274' is a moment of a walk
                text = str(value).partition(':')[0]
                key = f'{owner} {name}'.strip()
                self.metadata.setdefault(key, Counter())[text] += 1

    def as_dict(self) -> dict[str, Any]:
        """Return the figures for JSON: counts and shares."""
        total = max(int(self.class_pixels.sum()), 1)
        classes = {
            name: {
                'pixels': int(pixels),
                'share': _share(pixels, total),
                'images': int(images),
            }
            for name, pixels, images in zip(
                GOLIATH28.classes, self.class_pixels, self.class_images, strict=True
            )
        }
        keypoints = {
            name: {
                word: _share(count, self.people)
                for word, count in zip(
                    ('outside', 'hidden', 'visible'), counts, strict=True
                )
            }
            for name, counts in zip(GOLIATH308.names, self.visibility, strict=True)
        }
        return {
            'images': self.images,
            'people': self.people,
            'splits': {s: dict(self.splits[s]) for s in SPLITS if s in self.splits},
            'classes': classes,
            'keypoints': keypoints,
            'yaw_deg': _histogram(YAW_EDGES, self.yaw),
            'head_yaw_deg': _histogram(YAW_EDGES, self.head_yaw),
            'scale': _histogram(SCALE_EDGES, self.scale),
            'facts': {
                name: dict(sorted(counts.items()))
                for name, counts in sorted(self.metadata.items())
            },
        }

    def absent_classes(self) -> list[str]:
        """Return the foreground classes without a pixel."""
        return [
            name
            for name, pixels in zip(GOLIATH28.classes, self.class_pixels, strict=True)
            if not pixels and name != 'Background'
        ]

    def rare_keypoints(self, share: float) -> dict[str, float]:
        """Return the keypoints visible in less than a share of people, rarest first."""
        visible = self.visibility[:, 2] / max(self.people, 1)
        order = np.argsort(visible, kind='stable')
        return {
            GOLIATH308.names[k]: round(float(visible[k]), 4)
            for k in order
            if visible[k] < share
        }


def collect(records: Iterable[Record]) -> Stats:
    """Count the samples of a data set."""
    stats = Stats()
    for record in records:
        stats.add(record)
    return stats


def _zeros(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.int64)


def _share(count: int, total: int) -> float:
    return round(float(count) / max(total, 1), 6)


def _histogram(edges: np.ndarray, counts: np.ndarray) -> dict[str, list]:
    return {'edges': edges.tolist(), 'counts': counts.tolist()}
