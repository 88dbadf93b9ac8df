"""Draw the pictures of README.md and docs/ with the project's own code.

    python tools/make_pictures.py

``outputs.jpg`` shows the labels of a drawn figure in the way results are drawn: it
explains the outputs and is no prediction of a model.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from sapiens_mm.apis.saving import write_image
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


def main() -> None:
    """Write the pictures."""
    path = ROOT / 'docs' / 'images' / 'outputs.jpg'
    write_image(path, outputs_picture())
    print(path)


if __name__ == '__main__':
    main()
