"""Draw the images of README.md and docs/ with the project's own code.

    python tools/dev/make_images.py
    python tools/dev/make_images.py tiny_synth tiny_astronaut

``outputs.jpg`` shows the labels of a drawn figure in the way results are drawn: it
explains the outputs and is no prediction of a model. ``synth_samples.jpg`` is a contact
sheet of synthetic people, ``synth_labels.jpg`` the labels of three of them.
``tiny_synth.jpg`` and ``tiny_astronaut.jpg`` are what ``sapiens image`` makes of
held-out synthetic images and of an image, with the small models of the package.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

os.environ.setdefault('OMP_NUM_THREADS', '1')  # the generator's products are small

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from sapiens_mm.files import write_atomically, write_image
from sapiens_mm.paths import EXAMPLES
from sapiens_mm.synth import render
from sapiens_mm.tables import keypoint_table, part_table
from sapiens_mm.testing import fake_person
from sapiens_mm.visualization import (
    add_depth_bar,
    colorize_depth,
    colorize_normals,
    draw_keypoints,
    overlay_labels,
    side_by_side,
)

LARGEST = 300_000  # bytes of an image
HELD_OUT_SEED, HELD_OUT = 2027, (0, 3, 6)  # of the test set of docs/tiny_models.md


def outputs_image() -> np.ndarray:
    """Draw the four outputs of a figure side by side, (H, W, 3) uint8 BGR."""
    person = fake_person(3, (480, 360))
    mask = person.labels > 0
    pose = draw_keypoints(
        person.image,
        person.keypoints[None],
        np.ones((1, 17)),
        keypoint_table(17),
        boxes=person.box_xyxy[None],
    )
    parts = overlay_labels(
        person.image, person.labels, part_table('goliath28'), 0.6, legend=True
    )
    depth = add_depth_bar(colorize_depth(person.depth, mask))
    normals = colorize_normals(person.normals, mask)
    return side_by_side(
        [person.image, pose, parts, depth, normals],
        ['drawn figure', 'keypoints', 'body parts', 'relative depth', 'normals'],
    )


def synth_samples_image(first: int = 900, columns: int = 6) -> np.ndarray:
    """Render a contact sheet of 24 samples in a row, as they come."""
    tiles = [
        cv2.resize(render(0, index).image, (210, 280), interpolation=cv2.INTER_AREA)
        for index in range(first, first + 24)
    ]
    rows = [np.hstack(tiles[k : k + columns]) for k in range(0, 24, columns)]
    return np.vstack(rows)


def synth_labels_image(indices: tuple[int, ...] = (910, 916, 901)) -> np.ndarray:
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
            sample.image, sample.labels, part_table('goliath28'), 0.7, legend=True
        )
        depth = add_depth_bar(colorize_depth(sample.depth, mask))
        normals = colorize_normals(sample.normals, mask)
        rows.append(
            side_by_side(
                [sample.image, pose, parts, depth, normals],
                ['image', '308 keypoints', '28 parts', 'metric depth', 'normals'],
            )
        )
    return sheet(rows, 1500)


def tiny_synth_image() -> np.ndarray:
    """Draw what the small models make of held-out synthetic images, one a row."""
    images = [render(HELD_OUT_SEED, k, size_hw=(512, 384)).image for k in HELD_OUT]
    return sheet(demo_panels(images), 1500)


def tiny_astronaut_image() -> np.ndarray:
    """Draw what the small models make of an image."""
    source = cv2.imread(str(EXAMPLES / 'astronaut.jpg'))
    return sheet(demo_panels([source]), 1500)


def demo_panels(images: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Run ``sapiens image`` on images; return its panels."""
    from sapiens_mm.cli import image as image_demo

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = [folder / f'{k}.png' for k in range(len(images))]
        for path, image in zip(paths, images, strict=True):
            write_image(path, image)
        argv = [*map(str, paths), '--out-dir', str(folder), '--device', 'cpu']
        if code := image_demo.main(argv):
            raise RuntimeError(f'sapiens image stopped with exit code {code}')
        return [cv2.imread(str(folder / 'panels' / f'{p.stem}.jpg')) for p in paths]


def sheet(rows: Sequence[np.ndarray], width: int) -> np.ndarray:
    """Put rows of any width under one another, and scale them to a width."""
    widest = max(row.shape[1] for row in rows)
    paper = [
        np.pad(row, ((0, 0), (0, widest - row.shape[1]), (0, 0)), constant_values=255)
        for row in rows
    ]
    whole = np.vstack(paper)
    size_wh = (width, round(len(whole) * width / widest))
    return cv2.resize(whole, size_wh, interpolation=cv2.INTER_AREA)


def write_small(path: Path, drawing: np.ndarray) -> None:
    """Write a JPEG of the best quality that is not larger than ``LARGEST``."""
    for quality in range(92, 50, -3):
        data = cv2.imencode('.jpg', drawing, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        if data.size <= LARGEST:
            break
    write_atomically(path, data.tobytes())


IMAGES: dict[str, Callable[[], np.ndarray]] = dict(
    outputs=outputs_image,
    synth_samples=synth_samples_image,
    synth_labels=synth_labels_image,
    tiny_synth=tiny_synth_image,
    tiny_astronaut=tiny_astronaut_image,
)


def main(argv: Sequence[str] | None = None) -> None:
    """Write the images."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names_help = f'of {", ".join(IMAGES)}; default: all'
    parser.add_argument('names', nargs='*', metavar='NAME', help=names_help)
    args = parser.parse_args(argv)
    if unknown := set(args.names) - set(IMAGES):
        parser.error(f'{sorted(unknown)[0]} is none of {", ".join(IMAGES)}')
    for name in args.names or IMAGES:
        path = ROOT / 'docs' / 'images' / f'{name}.jpg'
        write_small(path, IMAGES[name]())
        print(f'{path} ({path.stat().st_size / 1000:.0f} KB)')


if __name__ == '__main__':
    main()
