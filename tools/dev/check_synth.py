"""Check what the generator of synthetic people promises, over many samples.

    python tools/dev/check_synth.py --num 200
    python tools/dev/check_synth.py --num 50 --size 512x384 --set framing=face

Renders samples and measures: which of the 27 foreground classes occur; in what share
of people each keypoint is visible; whether visible keypoints lie on a surface that
bears their name; how far the normals turn from those of the depth; time and size of an
image. Exits with 1 if a promise is broken, and names what breaks it.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

for _name in ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'):
    os.environ[_name] = '1'  # before numpy
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from sapiens_mm.commands import command, quiet_interrupts

quiet_interrupts()
import cv2
import numpy as np

from sapiens_mm.cli.synth import read_size

VISIBLE, ON_SURFACE, ANGLE_DEG, IMAGE_KB = 0.05, 0.95, 3.0, 600


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add('--num', type=int, default=200, help='samples (default: %(default)s)')
    add('--seed', type=int, default=0, help='default: 0')
    size_help = 'HEIGHTxWIDTH, pixels (default: %(default)s)'
    add('--size', type=read_size, default='1024x768', help=size_help)
    add('--set', action='append', default=[], metavar='NAME=VALUE')
    args = parser.parse_args(argv)
    if args.num < 1:
        parser.error(f'--num must be at least 1, got {args.num}')
    return args


class Findings:
    """Sums over samples, and what they say.

    Attributes:
        stats: Figures, as the tool writes them.
        on_surface: (308, 2) keypoints visible, and of these right.
        angles_deg: Median of every sample that has a smooth area.
        bytes: Size of the files.
        seconds: Processor time of rendering.
    """

    def __init__(self) -> None:
        from sapiens_mm.synth.dataset.stats import Stats

        self.stats = Stats()
        self.on_surface = np.zeros((308, 2), np.int64)
        self.angles_deg: list[float] = []
        self.bytes, self.seconds = 0, 0.0

    def problems(self) -> list[str]:
        """Say what breaks a promise, a line each."""
        from sapiens_mm.tables import GOLIATH308

        lines = []
        absent = self.stats.absent_classes()
        if absent:
            lines.append(f'classes without a pixel: {", ".join(absent)}')
        rare = self.stats.rare_keypoints(VISIBLE)
        if rare:
            named = ', '.join(f'{name} {share:.1%}' for name, share in rare.items())
            lines.append(f'{len(rare)} keypoints visible in less than 5%: {named}')
        seen, right = self.on_surface.T
        shares = right / np.maximum(seen, 1)
        wrong = [k for k in np.argsort(shares) if seen[k] and shares[k] < ON_SURFACE]
        if wrong:
            named = ', '.join(f'{GOLIATH308.names[k]} {shares[k]:.1%}' for k in wrong)
            lines.append(f'{len(wrong)} keypoints beside their surface: {named}')
        if self.angles_deg and np.median(self.angles_deg) > ANGLE_DEG:
            lines.append('depth and normals disagree')
        return lines

    def report(self) -> str:
        """Return the figures, a line each."""
        stats, count = self.stats, max(self.stats.images, 1)
        seen, right = self.on_surface.sum(0)
        angles = self.angles_deg or [0.0]
        visible = stats.visibility[:, 2] / max(stats.people, 1)
        return '\n'.join(
            [
                f'{stats.images} images, {stats.people} people',
                f'classes that occur: {27 - len(stats.absent_classes())} of 27',
                f'visible keypoints: the rarest in {visible.min():.1%} of people',
                f'on a surface of their name: {right / max(seen, 1):.2%} of {seen}',
                f'normals against depth: median {np.median(angles):.2f} degrees, '
                f'worst image {np.max(angles):.2f}',
                f'{self.seconds / count:.2f} s of one core and '
                f'{self.bytes / count / 1e3:.0f} KB an image',
            ]
        )


def check(args: argparse.Namespace) -> Findings:
    """Render samples and measure them.

    Raises:
        ValueError: If the command line asks for what cannot be.
    """
    from tqdm import tqdm

    from sapiens_mm.synth.dataset.checks import (
        depth_normal_angles,
        keypoints_on_surfaces,
    )
    from sapiens_mm.synth.dataset.files import encode_sample
    from sapiens_mm.synth.dataset.records import describe
    from sapiens_mm.synth.dataset.settings import DatasetSettings
    from sapiens_mm.synth.sample import render
    from sapiens_mm.synth.settings_text import parse_scene_settings

    settings = DatasetSettings(args.seed, args.size, parse_scene_settings(args.set))
    cv2.setNumThreads(1)
    render(args.seed, 0, settings.scene, args.size)  # compiles
    found = Findings()
    for index in tqdm(range(args.num), unit='image', disable=None):
        start = time.process_time()
        sample = render(args.seed, index, settings.scene, args.size)
        found.seconds += time.process_time() - start
        found.stats.add(describe(sample, args.seed, index, settings.split_of(index)))
        found.on_surface += keypoints_on_surfaces(sample)
        angles = depth_normal_angles(sample)
        if len(angles) > 500:
            found.angles_deg.append(float(np.median(angles)))
        files = encode_sample(sample, settings.kinds(), settings.depth_mm)
        found.bytes += sum(map(len, files.values()))
    return found


@command()
def main(argv: Sequence[str] | None = None) -> int:
    """Run; return 1 if a promise is broken, 2 on a wrong call."""
    args = parse_args(argv)
    from sapiens_mm import hosts

    hosts.require('numba')
    found = check(args)
    print(found.report())
    problems = found.problems()
    for line in problems:
        print(f'broken: {line}')
    return 1 if problems else 0


if __name__ == '__main__':
    sys.exit(main())
