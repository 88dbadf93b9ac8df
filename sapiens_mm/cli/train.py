"""Train a model of any task.

    sapiens train pose/sapiens_0.3b_coco17-1024x768 --dry-run
    sapiens train my_config.py --resume --cfg-options train_cfg.max_epochs=10

The command line is that of the hosts' ``tools/train.py``. A config may be a name of
ours or a path; configs of mmpose, mmseg, mmdet and mmpretrain run too. What would fail
later is told before the first step; the whole config goes to the log file.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from sapiens_mm.cli.options import add_config_options, add_launch_options
from sapiens_mm.cli.request import RequestParser
from sapiens_mm.commands import command
from sapiens_mm.runs.training import TrainRequest, run_training


def parse_args(argv: Sequence[str] | None = None) -> TrainRequest:
    """Read the command line."""
    parser = RequestParser(TrainRequest, 'train', __doc__)
    add = parser.add_argument
    add_config_options(parser)
    add('--work-dir', help='for logs and checkpoints; default: work_dirs/CONFIG')
    add(
        '--resume',
        nargs='?',
        const='auto',
        metavar='FILE',
        help='a checkpoint to go on from; without one, the last of the work dir',
    )
    add(
        '--dry-run',
        action='store_true',
        help='all checks, one training step, one validation sample; saves nothing',
    )
    add(
        '--no-checks',
        action='store_true',
        help='start without looking at config and annotations first',
    )
    add('--amp', action='store_true', help='bfloat16 autocast, on a CPU too')
    add('--compile', action='store_true', help='torch.compile encoder and heads')
    add('--no-validate', action='store_true', help='do not evaluate during training')
    scale_help = 'scale the learning rate by the batch size'
    add('--auto-scale-lr', action='store_true', help=scale_help)
    add('--seed', type=int, help='default: 0')
    add_launch_options(parser)
    return parser.read(argv)


@command(wrong=())
def main(argv: Sequence[str] | None = None) -> int:
    """Train; return 2 for what a user can fix, 130 for Ctrl-C."""
    request = parse_args(argv)
    # mmengine reads the environment alone; old launchers pass --local_rank
    os.environ.setdefault('LOCAL_RANK', str(request.local_rank))
    return run_training(request)
