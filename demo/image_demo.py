"""Pose, body parts, depth and surface normals on photos.

    python demo/image_demo.py photo.jpg --task all
    python demo/image_demo.py photos/ --checkpoint sapiens_1b_goliath….pth

A checkpoint says itself what it is for: its task, size and config are read from
its tensors. Without one, the small models of the package run. With --size, the model
of that size runs with random weights, which shows the pipeline and nothing else.
Without an input, scikit-image's astronaut is used.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

TASKS = ('pose', 'seg', 'depth', 'normal')
SIZES = ('0.3b', '0.6b', '1b', '2b')


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add('inputs', nargs='*', help='photos, folders, globs or .txt lists of photos')
    task_help = 'default: all, or what the checkpoints are for'
    add('--task', nargs='+', choices=(*TASKS, 'all'), help=task_help)
    weights_help = 'weights: files, hf://…, https://… or names of the zoo'
    add('--checkpoint', nargs='+', default=[], metavar='FILE', help=weights_help)
    add('--config', help='a config by name or path, for one task and checkpoint')
    add('--size', choices=SIZES, help='of a model with random weights')
    points = dict(type=int, choices=(17, 133, 308))
    add('--keypoints', **points, help='of a model with random weights')
    add('--out-dir', type=Path, default=Path('outputs/image_demo'))
    add(
        '--detector',
        metavar='FILE',
        help="person detector: 'rtmdet' or the path of its checkpoint, or 'tiny', the "
        'small one of the package; for pose, and parts with --seg-mode person; '
        'default: the whole photo is one person',
    )
    boxes_help = 'persons for every photo in pixels, [[x1, y1, x2, y2], …]'
    add('--boxes', metavar='JSON', help=boxes_help)
    add(
        '--mask',
        metavar='PATH',
        help='people, for depth and normals: a folder of .png or .npy with the '
        "photos' names, one file, or 'seg' for the parts of this run",
    )
    add('--seg-checkpoint', metavar='FILE', help='model of parts that makes the masks')
    add('--seg-config', metavar='NAME', help='its config, if it is not one of ours')
    add(
        '--tile',
        **dict(type=int, nargs='?', const=1024, metavar='PIXELS'),
        help='depth and normals in overlapping tiles of this height, 1024 if left '
        'out: for large photos, at a cost of one run of the model a tile',
    )
    tile_help = 'share of a tile that the next covers too, 0.1 to 0.5'
    add('--tile-overlap', type=float, default=0.25, help=tile_help)
    add(
        '--map-format',
        choices=('npy', 'exr', 'png', 'png16'),
        default='npy',
        help='of depth and normals; png is 16-bit depth and 8-bit normals',
    )
    add(
        '--ply',
        nargs='*',
        metavar='KEY=VALUE',
        help='write a point cloud of relative depth; fov_deg=55 or focal_px, near=1, '
        'span=0.3 (distance = near + span * depth), step=1, max_jump',
    )
    seg_help = 'parts of the whole photo at once, or of each person (boxes as for pose)'
    add('--seg-mode', choices=('whole', 'person'), default='whole', help=seg_help)
    resize_help = 'enlarge logits as the official demos, or as Sapiens-Lite does'
    add('--resize', choices=('twice', 'once'), default='twice', help=resize_help)
    add(
        '--cleanup',
        nargs='*',
        metavar='KEY=VALUE',
        help='remove specks of parts and fill holes; keep=0.05 (share of the largest '
        'piece), min_area=0 (pixels), max_hole=0.05 (share)',
    )
    palette_help = 'write class ids as PNG with a palette too'
    add('--palette', action='store_true', help=palette_help)
    add('--flip', action='store_true', help='average with the mirrored photo')
    add('--kpt-thr', type=float, default=0.3, help='do not draw keypoints below this')
    add('--opacity', type=float, default=0.5, help='of body parts over the photo')
    add('--device', help='default: the GPU if there is one')
    add('--dtype', choices=('float32', 'bfloat16', 'float16'))
    add('--batch-size', type=int)
    add('--compile', action='store_true')
    add('--overwrite', action='store_true', help='redo what is finished')
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo; return 0, 1 if some photos failed, 2 on a wrong call."""
    args = parse_args(argv)
    warnings.simplefilter('ignore')
    try:
        from demo_run import DemoRun

        run = DemoRun(args)
        started = time.perf_counter()
        failures = run()
    except (ValueError, ModuleNotFoundError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print('\nStopped; finished photos are kept and skipped next time.')
        return 130
    run.report(time.perf_counter() - started)
    for source, reason in failures:
        print(f'failed: {source}: {reason}', file=sys.stderr)
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
