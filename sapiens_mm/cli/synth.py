"""Make a data set of synthetic people with every Sapiens label.

    sapiens synth data/synth_humans --num 10000 --workers 8
    sapiens synth faces --num 500 --set framing=face --set hat=0.5
    sapiens synth tars --num 10000 --format shards
    sapiens synth --list-settings

Writes images, COCO-style files of 17, 133 and 308 keypoints, part labels, people,
depth and normals in folders, or tar shards for WebDataset, or both; and figures of what
is in them. docs/synth.md describes the layout. A run that was stopped goes on when
it is started again; a larger --num adds samples. The same seed, size and settings
give the same bytes, whatever the number of workers.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from sapiens_mm.cli.request import RequestParser
from sapiens_mm.commands import WRONG, command
from sapiens_mm.runs.synthesis import FORMATS, SynthRequest, list_settings, synthesize

# before numpy: small products are slower, and rounded otherwise, on many threads
for _name in ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'):
    os.environ[_name] = '1'

# earlier names of options
RENAMED = {
    '--knob': '--set',
    '--knobs': '--settings',
    '--list-knobs': '--list-settings',
}


def parse_args(argv: Sequence[str] | None = None) -> SynthRequest:
    """Read the command line."""
    parser = RequestParser(SynthRequest, 'synth', __doc__)
    add = parser.add_argument
    add('out', type=Path, nargs='?', help='folder of the data set')
    add('--num', type=int, help='samples')
    add('--seed', type=int, help='default: 0')
    size_help = 'of images, pixels; default: 1024x768'
    add('--size', type=read_size, metavar='HEIGHTxWIDTH', help=size_help)
    add('--workers', type=int, help='processes; default: cores')
    set_help = 'what is drawn how often; several are allowed'
    add('--set', action='append', metavar='NAME=VALUE', help=set_help)
    add('--settings', type=Path, metavar='FILE', help='JSON file of settings by name')
    list_help = 'print settings and defaults, and end'
    add('--list-settings', action='store_true', help=list_help)
    add('--format', choices=FORMATS)
    shares = dict(type=float, nargs=3, metavar=('TRAIN', 'VAL', 'TEST'))
    add('--split', **shares, help='shares of train, val and test')
    add('--depth-mm', type=float, help='unit of stored depth, millimetres')
    add('--bump', action='store_true', help='store normals with wrinkles, too')
    add('--shard-size', type=int, help='samples in a tar file')
    for word in sys.argv[1:] if argv is None else argv:
        name = word.partition('=')[0]
        if name in RENAMED:
            parser.error(f'{name} is now {RENAMED[name]}')
    return parser.read(argv)


def read_size(text: str) -> tuple[int, int]:
    """Read ``1024x768``: height and width."""
    parts = text.lower().split('x')
    if len(parts) != 2 or not all(part.isdigit() for part in parts):
        raise argparse.ArgumentTypeError(f'must be like 1024x768, got {text!r}')
    return int(parts[0]), int(parts[1])


@command(kept='the same command goes on from there', wrong=(*WRONG, RuntimeError))
def main(argv: Sequence[str] | None = None) -> int:
    """Run; return 1 if samples failed or the disk is full; see ``commands``."""
    request = parse_args(argv)
    # batch systems stop by SIGTERM, which then ends as Ctrl-C does
    with contextlib.suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    from sapiens_mm import hosts

    hosts.require('numba')
    if request.list_settings:
        print(list_settings())
        return 0
    return synthesize(request)
