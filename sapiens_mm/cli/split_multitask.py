"""Make one checkpoint a task out of a training of several.

    sapiens convert split work_dirs/multitask/epoch_9.pth work_dirs/tasks

It writes ``pose.pth``, ``seg.pth``, … with the encoder and the task's own head, under
the names that the configs of single tasks have, for ``load_from``.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from sapiens_mm import __version__
from sapiens_mm.checkpoints import read_checkpoint, write_checkpoint
from sapiens_mm.commands import command
from sapiens_mm.multitask.split import split_state_dict


@command()
def main(argv: Sequence[str] | None = None) -> int:
    """Split; return 2 on a wrong call."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('checkpoint', help='of a config of configs/multitask')
    parser.add_argument('folder', type=Path, help='for one file a task')
    args = parser.parse_args(argv)
    state = read_checkpoint(args.checkpoint).state_dict
    try:
        found = split_state_dict(state)
    except ValueError as error:
        raise ValueError(f'{args.checkpoint}: {error}') from None
    for task, state_dict in found.items():
        path = args.folder / f'{task}.pth'
        meta = {'sapiens_mm': __version__, 'source': Path(args.checkpoint).name}
        write_checkpoint(path, state_dict, meta)
        print(path)
    return 0
