"""Draw the pictures of README.md and docs/ with the project's own code.

    python tools/make_pictures.py

``outputs.jpg`` shows the labels of a drawn figure in the way results are drawn: it
explains the outputs and is no prediction of a model. ``synth_samples.jpg`` is a contact
sheet of synthetic people, ``synth_labels.jpg`` the labels of three of them.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault('OMP_NUM_THREADS', '1')  # the generator's products are small

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from sapiens_mm.apis.saving import write_image
from sapiens_mm.synth import render
from sapiens_mm.tables import keypoint_table, part_table
from sapiens_mm.testing import fake_person
from sapiens_mm.visualization import (
    colorize_depth,
    colorize_normals,
    draw_keypoints,
    overlay_labels,
    side_by_side,
)


def outputs_picture() -> np.ndarray:
    """Draw the four outputs of a figure side by side, (H, W, 3) uint8 BGR."""
    person = fake_person(3, (480, 360))
    mask = person.labels > 0
    pose = draw_keypoints(
        person.photo,
        person.keypoints[None],
        np.ones((1, 17)),
        keypoint_table(17),
        boxes=person.box_xyxy[None],
    )
    parts = overlay_labels(person.photo, person.labels, part_table('goliath28'), 0.6)
    depth = colorize_depth(person.depth, mask)
    normals = colorize_normals(person.normals, mask)
    return side_by_side(
        [person.photo, pose, parts, depth, normals],
        ['drawn figure', 'keypoints', 'body parts', 'relative depth', 'normals'],
    )


def synth_samples_picture(first: int = 900, columns: int = 6) -> np.ndarray:
    """Render a contact sheet of 24 samples in a row, as they come."""
    tiles = [
        cv2.resize(render(0, index).image, (210, 280), interpolation=cv2.INTER_AREA)
        for index in range(first, first + 24)
    ]
    rows = [np.hstack(tiles[k : k + columns]) for k in range(0, 24, columns)]
    return np.vstack(rows)


def synth_labels_picture(indices: tuple[int, ...] = (910, 916, 901)) -> np.ndarray:
    """Draw all labels of some samples, one sample a row."""
    rows = []
    for index in indices:
        sample = render(0, index, size_hw=(640, 480))
        mask = sample.labels > 0
        keypoints = np.stack([person.keypoints for person in sample.people])
        pose = draw_keypoints(
            sample.image,
            keypoints[..., :2],
            keypoints[..., 2] / 2,
            keypoint_table(308),
            score_threshold=0.4,
            boxes=np.stack([person.box_xyxy for person in sample.people]),
        )
        parts = overlay_labels(
            sample.image, sample.labels, part_table('goliath28'), 0.7
        )
        depth = colorize_depth(sample.depth, mask)
        normals = colorize_normals(sample.normals, mask)
        rows.append(
            side_by_side(
                [sample.image, pose, parts, depth, normals],
                ['image', '308 keypoints', '28 parts', 'metric depth', 'normals'],
            )
        )
    sheet = np.vstack(rows)
    return cv2.resize(sheet, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)


def main() -> None:
    """Write the pictures."""
    pictures = dict(
        outputs=outputs_picture,
        synth_samples=synth_samples_picture,
        synth_labels=synth_labels_picture,
    )
    for name, draw in pictures.items():
        path = ROOT / 'docs' / 'images' / f'{name}.jpg'
        write_image(path, draw())
        print(path)


if __name__ == '__main__':
    main()
