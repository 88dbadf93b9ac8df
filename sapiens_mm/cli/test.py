"""Evaluate a checkpoint with a config's test set and metrics.

    sapiens test pose/sapiens_0.3b_coco17-1024x768 checkpoint.pth
    sapiens test work_dirs/mine/best_coco_AP_epoch_9.pth

The command line is that of the hosts' ``tools/test.py``. Checkpoints may be anything
that ``sapiens_mm.checkpoints.resolve`` takes; one that does not fit is refused. One
that was trained with our tools holds its config, and is enough.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from sapiens_mm.cli.options import add_config_options, add_launch_options
from sapiens_mm.cli.request import RequestParser
from sapiens_mm.commands import command
from sapiens_mm.runs.evaluation import EvaluationRequest, run_evaluation


def parse_args(argv: Sequence[str] | None = None) -> EvaluationRequest:
    """Read the command line."""
    parser = RequestParser(EvaluationRequest, 'test', __doc__)
    add = parser.add_argument
    add_config_options(parser, 'a config, or a checkpoint that holds its own')
    add('checkpoint', nargs='?', help='weights')
    add('--work-dir', help='for the log; default: work_dirs/CONFIG')
    add('--out', help='a .pkl file for the figures')
    add('--dump', help='a .pkl file for the raw predictions')
    show_help = 'a folder for an image of each sample: truth and prediction'
    add('--show-dir', help=show_help)
    add_launch_options(parser)
    return parser.read(argv)


@command(wrong=())
def main(argv: Sequence[str] | None = None) -> int:
    """Evaluate; return 2 on a wrong call."""
    request = parse_args(argv)
    # as in train
    os.environ.setdefault('LOCAL_RANK', str(request.local_rank))
    return run_evaluation(request)
