"""Options that several verbs have in common."""

from __future__ import annotations

import argparse

from sapiens_mm.cli.request import RequestParser
from sapiens_mm.tasks import DTYPES, KEYPOINT_COUNTS, SIZES, TASKS


def add_model_options(parser: RequestParser) -> None:
    """Add what ``runs.jobs.plan_jobs`` reads: which models run."""
    add = parser.add_argument
    task_help = 'default: all, or what the checkpoints are for'
    add('--task', nargs='+', choices=(*TASKS, 'all'), help=task_help)
    weights_help = 'weights: files, hf://…, https://… or names of the zoo'
    add('--checkpoint', nargs='+', metavar='FILE', help=weights_help)
    add('--config', help='a config by name or path, for one task and checkpoint')
    add('--size', choices=SIZES, help='of a model with random weights')
    points = dict(type=int, choices=KEYPOINT_COUNTS)
    add('--keypoints', **points, help='of a model with random weights')


def add_run_options(parser: RequestParser, what: str) -> None:
    """Add how the models run and what is drawn.

    Args:
        parser: Of the verb.
        what: Its inputs, ``'image'`` or ``'frame'``, for the help.
    """
    add = parser.add_argument
    add(
        '--detector',
        metavar='FILE',
        help="person detector: 'rtmdet', the path of its checkpoint, 'tiny', the small "
        "one of the package where it has one, or 'none': the whole "
        f'{what} is one person; for pose, and parts with --seg-mode person; default: '
        "'tiny' with the small models of the package, else none",
    )
    seg_help = f'parts of the whole {what} at once, or by person, boxes as for pose'
    add('--seg-mode', choices=('whole', 'person'), help=seg_help)
    resize_help = 'enlarge logits as the official demos, or as Sapiens-Lite does'
    add('--resize', choices=('twice', 'once'), help=resize_help)
    add(
        '--cleanup',
        nargs='*',
        metavar='KEY=VALUE',
        help='remove specks of parts and fill holes; keep=0.05 (share of the largest '
        'piece), min_area=0 (pixels), max_hole=0.05 (share)',
    )
    add(
        '--flip',
        action=argparse.BooleanOptionalAction,
        help=f'average with the mirrored {what}; default: with the small models of the '
        'package',
    )
    add('--kpt-thr', type=float, help='do not draw keypoints below this')
    relief_help = (
        'an image of the surface that relative depth describes, too: true normals '
        'are a task of their own'
    )
    add('--show-relief', action='store_true', help=relief_help)
    add('--opacity', type=float, help=f'of body parts over the {what}')
    add('--device', help='default: the GPU if there is one')
    add('--dtype', choices=DTYPES)
    add('--batch-size', type=int)
    add('--compile', action='store_true')
    add('--overwrite', action='store_true', help='redo what is finished')


def add_config_options(parser: RequestParser, what: str = 'a config') -> None:
    """Add a config, and the changes to it that a command line states.

    Args:
        parser: Of the verb.
        what: What the first word may be.
    """
    parser.add_argument('config', help=f'{what}, by name or path')
    add_cfg_options(parser)


def add_cfg_options(parser: RequestParser) -> None:
    """Add ``--cfg-options``, as the hosts have it."""
    words = dict(nargs='+', metavar='KEY=VALUE')
    parser.add_argument('--cfg-options', **words, help='changes, as in the hosts')


def add_launch_options(parser: RequestParser) -> None:
    """Add what the hosts' launchers pass, and ``--skip-bad``."""
    add = parser.add_argument
    add('--skip-bad', action='store_true', help='leave out samples with bad files')
    add('--launcher', choices=('none', 'pytorch', 'slurm', 'mpi'))
    add('--local_rank', '--local-rank', type=int, help='as torch.distributed sets it')
