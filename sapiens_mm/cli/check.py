"""Say what a thing is, and what is wrong with it.

    sapiens check                       # this installation
    sapiens check sapiens_1b_….pth photo.jpg depth.npy
    sapiens check annotations.json --images photos/
    sapiens check my_seg.py --report faults.txt
    sapiens check data/synth_humans outputs/image_demo

Things are checkpoints, images, masks and maps, annotation files, configs by name or
path, data sets of sapiens synth and folders of results. Configs get the checks that a
training begins with; of body parts every image and label is read. The exit code is 0 if
all is well, 1 if something is wrong, 2 for what does not exist.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from sapiens_mm.checks.request import CheckRequest
from sapiens_mm.cli.options import add_cfg_options
from sapiens_mm.cli.request import RequestParser
from sapiens_mm.commands import FAILED, WRONG, WRONG_CALL, command
from sapiens_mm.tasks import SPLITS


def parse_args(argv: Sequence[str] | None = None) -> CheckRequest:
    """Read the command line."""
    parser = RequestParser(CheckRequest, 'check', __doc__)
    add = parser.add_argument
    things_help = 'paths, or names of configs and checkpoints; default: the environment'
    add('things', nargs='*', metavar='THING', help=things_help)
    images_help = 'of annotation files: look for the images there'
    add('--images', type=Path, metavar='FOLDER', help=images_help)
    count_help = 'of annotation files: of a person; default: what the records show'
    add('--keypoints', type=int, metavar='COUNT', help=count_help)
    add('--split', choices=SPLITS, help='of configs of parts: what is read')
    report_help = 'of configs of parts: name every file at fault there'
    add('--report', type=Path, metavar='FILE', help=report_help)
    add('--workers', type=int, help='threads')
    add_cfg_options(parser)
    return parser.read(argv)


@command()
def main(argv: Sequence[str] | None = None) -> int:
    """Check; return 0, 1 if something is wrong, 2 for what does not exist."""
    request = parse_args(argv)
    if not request.things:
        from sapiens_mm.checks.environment import describe_environment

        print(describe_environment())
        return 0
    from sapiens_mm.checks.things import check_thing

    code, blank = 0, ''
    for thing in request.things:
        try:
            finding = check_thing(thing, request)
        except WRONG as error:
            print(f'error: {error}', file=sys.stderr)
            code = WRONG_CALL
            continue
        print(f'{blank}{finding.text}', flush=True)
        blank = '\n'
        if finding.is_faulty:
            code = max(code, FAILED)
    return code
