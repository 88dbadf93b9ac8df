"""Pose, body parts, depth and surface normals on images.

    sapiens image astronaut
    sapiens image photo.jpg --task all
    sapiens image photos/ --checkpoint sapiens_1b_goliath….pth

A checkpoint says itself what it is for: its task, size and config are read from
its tensors. Without one, the small model of the package runs if it has one for the
task; else, or with --size, one with random weights, which shows the pipeline and
nothing else.
The images of the package go by their names: astronaut, which is taken without an
input, synthetic_two and synthetic_walking.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

from sapiens_mm.cli.options import add_model_options, add_run_options
from sapiens_mm.cli.request import RequestParser
from sapiens_mm.commands import command
from sapiens_mm.runs.media_kinds import videos_sentence
from sapiens_mm.runs.requests import ImageRequest


def parse_args(argv: Sequence[str] | None = None) -> ImageRequest:
    """Read the command line."""
    parser = RequestParser(ImageRequest, 'image', __doc__)
    add = parser.add_argument
    add('inputs', nargs='*', help='images, folders, globs or .txt lists of images')
    add_model_options(parser)
    add('--out-dir', type=Path)
    boxes_help = 'persons for every image in pixels, [[x1, y1, x2, y2], …]'
    add('--boxes', metavar='JSON', help=boxes_help)
    add(
        '--mask',
        metavar='PATH',
        help='people, for depth and normals: a folder of .png or .npy with the '
        "images' names, one file, 'seg' for the parts of this run, or 'none'; default: "
        'the parts of this run, for images and point clouds, if it has them and '
        'their weights are not random',
    )
    add('--seg-checkpoint', metavar='FILE', help='model of parts that makes the masks')
    add('--seg-config', metavar='NAME', help='its config, if it is not one of ours')
    add(
        '--tile',
        **dict(type=int, nargs='?', const=1024, metavar='PIXELS'),
        help='depth and normals in overlapping tiles of this height, 1024 if left '
        'out: for large images, at a cost of one run of the model a tile',
    )
    tile_help = 'share of a tile that the next covers too, 0.1 to 0.5'
    add('--tile-overlap', type=float, help=tile_help)
    add(
        '--map-format',
        choices=('npy', 'exr', 'png', 'png16'),
        help='of depth and normals; png is 16-bit depth and 8-bit normals',
    )
    add(
        '--ply',
        nargs='*',
        metavar='KEY=VALUE',
        help='write a point cloud of relative depth; fov_deg=55 or focal_px, near=1, '
        'span=0.3 (distance = near + span * depth), step=1, max_jump',
    )
    palette_help = 'write class ids as PNG with a palette too'
    add('--palette', action='store_true', help=palette_help)
    add_run_options(parser, 'image')
    return parser.read(argv)


@command(kept='finished images are kept and skipped next time')
def main(argv: Sequence[str] | None = None) -> int:
    """Run the models; return 0, 1 if some images failed; else see ``commands``."""
    request = parse_args(argv)
    warnings.simplefilter('ignore')  # of imports
    if sentence := videos_sentence([Path(item) for item in request.inputs]):
        raise ValueError(sentence)
    # after the command line: a wrong one, or --help, does not wait for torch
    from sapiens_mm.runs.image_run import ImageRun
    from sapiens_mm.runs.jobs import show_notes

    show_notes()
    run = ImageRun(request)
    started = time.perf_counter()
    failures = run()
    run.report(time.perf_counter() - started)
    for source, reason in failures:
        print(f'failed: {source}: {reason}', file=sys.stderr)
    return 1 if failures else 0
