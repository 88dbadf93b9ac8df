"""Make a data set of synthetic people with every Sapiens label.

    sapiens synth data/synth_humans --num 10000 --workers 8
    sapiens synth faces --num 500 --set framing=face --set hat=0.5
    sapiens synth tars --num 10000 --format shards
    sapiens synth --list-settings

Writes pictures, COCO-style files of 17, 133 and 308 keypoints, part labels, people,
depth and normals in folders, or tar shards for WebDataset, or both; and figures of what
is in them. docs/synth.md describes the layout. A run that was stopped goes on when
it is started again; a larger --num adds samples. The same seed, size and settings give
the same bytes, whatever the number of workers.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from sapiens_mm.commands import WRONG, command

# before numpy: small products are slower, and rounded otherwise, on many threads
for _name in ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'):
    os.environ[_name] = '1'

FORMATS = ('folders', 'shards', 'both')
# what version 0.1.0 called them
RENAMED = {
    '--knob': '--set',
    '--knobs': '--settings',
    '--list-knobs': '--list-settings',
}


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add('out', type=Path, nargs='?', help='folder of the data set')
    add('--num', type=int, default=100, help='samples (default: %(default)s)')
    add('--seed', type=int, default=0, help='default: 0')
    size_help = 'HEIGHTxWIDTH of pictures, pixels (default: %(default)s)'
    add('--size', type=read_size, default='1024x768', help=size_help)
    add('--workers', type=int, default=os.cpu_count(), help='processes; default: cores')
    set_help = 'what is drawn how often; several are allowed'
    add('--set', action='append', default=[], metavar='NAME=VALUE', help=set_help)
    add('--settings', type=Path, metavar='FILE', help='JSON file of settings by name')
    add(
        '--list-settings',
        action='store_true',
        help='print settings and defaults, and end',
    )
    add('--format', choices=FORMATS, default='folders', help='default: folders')
    shares_help = 'shares of train, val and test; default: 0.9 0.05 0.05'
    add(
        '--split',
        type=float,
        nargs=3,
        default=(0.9, 0.05, 0.05),
        metavar=('TRAIN', 'VAL', 'TEST'),
        help=shares_help,
    )
    depth_help = 'unit of stored depth, millimetres (default: %(default)s)'
    add('--depth-mm', type=float, default=0.5, help=depth_help)
    add('--bump', action='store_true', help='store normals with wrinkles, too')
    shard_help = 'samples in a tar file (default: %(default)s)'
    add('--shard-size', type=int, default=500, help=shard_help)
    for word in sys.argv[1:] if argv is None else argv:
        name = word.partition('=')[0]
        if name in RENAMED:
            parser.error(f'{name} is now {RENAMED[name]}')
    args = parser.parse_args(argv)
    if args.out is None and not args.list_settings:
        parser.error('name the folder of the data set')
    for name in ('num', 'workers'):
        if getattr(args, name) < 1:
            parser.error(f'--{name} must be at least 1, got {getattr(args, name)}')
    return args


def read_size(text: str) -> tuple[int, int]:
    """Read ``1024x768``: height and width."""
    parts = text.lower().split('x')
    if len(parts) != 2 or not all(part.isdigit() for part in parts):
        raise argparse.ArgumentTypeError(f'must be like 1024x768, got {text!r}')
    return int(parts[0]), int(parts[1])


def list_settings() -> str:
    """Return settings and defaults, one a line, as ``--set`` takes them."""
    from sapiens_mm.synth.scene_settings import SceneSettings

    lines, default = [], SceneSettings()
    for setting in fields(SceneSettings):
        value = getattr(default, setting.name)
        kind = setting.metadata['kind']
        if kind == 'weights':
            value = ','.join(f'{name}:{weight:g}' for name, weight in value)
        elif kind == 'span':
            value = ','.join(f'{number:g}' for number in value)
        lines.append(f'{setting.name}={value}')
    return '\n'.join(lines)


def synthesize(args: argparse.Namespace) -> int:
    """Make what is missing of the data set; return 1 if samples failed.

    Raises:
        ValueError: If the command line asks for what cannot be.
        OSError: If a file cannot be written.
    """
    from sapiens_mm.synth.dataset.settings import DatasetSettings
    from sapiens_mm.synth.dataset.writer import DatasetWriter
    from sapiens_mm.synth.render.background import check_images
    from sapiens_mm.synth.settings_text import parse_scene_settings

    settings = DatasetSettings(
        seed=args.seed,
        size_hw=args.size,
        scene=parse_scene_settings(args.set, args.settings),
        shares=args.split,
        depth_mm=args.depth_mm,
        bump=args.bump,
        shard_size=args.shard_size,
    )
    if settings.scene.backgrounds:
        check_images(settings.scene.backgrounds)
    writer = DatasetWriter(args.out, settings, args.num, args.format)
    with contextlib.closing(writer):
        return make(writer, args)


def make(writer: Any, args: argparse.Namespace) -> int:
    """Let a writer make what is missing; as ``synthesize``."""
    from sapiens_mm.synth.dataset.generate import compile_kernels, is_compiled

    if writer.done:
        print(f'{len(writer.done)} of {args.num} samples are there already')
    if len(writer.done) < args.num and not is_compiled():
        # before the bar: it would take this for the time of a sample
        print('compiling once, about a minute', flush=True)
        compile_kernels(writer.settings)
    from tqdm import tqdm

    bar = tqdm(total=args.num, initial=len(writer.done), unit='image', smoothing=0.05)
    try:
        with bar, contextlib.closing(writer.run(args.workers)) as outcomes:
            for index, problem in outcomes:
                if problem is None:
                    bar.update()
                else:
                    bar.write(f'sample {index} failed: {problem}', file=sys.stderr)
        stats = writer.finish()
    except KeyboardInterrupt:
        done = f'{writer.count_finished()} of {args.num} samples are finished'
        raise KeyboardInterrupt(done) from None
    except OSError as error:
        done = f'{writer.count_finished()} of {args.num} samples are finished and whole'
        raise OSError(
            error.errno, f'{error.strerror or error} ({error.filename}); {done}'
        ) from error
    print(writer.report(stats))
    return 1 if writer.failed else 0


@command(kept='the same command goes on from there', wrong=(*WRONG, RuntimeError))
def main(argv: Sequence[str] | None = None) -> int:
    """Run; return 1 if samples failed or the disk is full; see ``commands``."""
    args = parse_args(argv)
    with contextlib.suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    from sapiens_mm import hosts

    hosts.require('numba')
    if args.list_settings:
        print(list_settings())
        return 0
    return synthesize(args)
