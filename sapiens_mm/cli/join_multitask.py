"""Make one checkpoint of several tasks out of one a task.

    sapiens convert join all.pth pose=pose.pth seg=seg.pth depth=depth.pth

The encoder is that of the first one named. For ``load_from`` of a config of
configs/multitask, to train all tasks on; sapiens convert split is the way back.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from sapiens_mm import __version__
from sapiens_mm.checkpoints import read_checkpoint, write_checkpoint
from sapiens_mm.commands import command
from sapiens_mm.multitask.split import join_state_dicts
from sapiens_mm.tasks import TASKS


@command()
def main(argv: Sequence[str] | None = None) -> int:
    """Join; return 2 on a wrong call."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('out', type=Path, help='the file to write, .pth')
    parser.add_argument('tasks', nargs='+', metavar='TASK=FILE', help=', '.join(TASKS))
    args = parser.parse_args(argv)
    paths: dict[str, str] = {}
    for item in args.tasks:
        task, _, path = item.partition('=')
        if task not in TASKS or not path or task in paths:
            raise ValueError(
                f'{item!r} is not TASK=FILE with one of {", ".join(TASKS)}, each once'
            )
        paths[task] = path
    models = {t: read_checkpoint(path).state_dict for t, path in paths.items()}
    joined = join_state_dicts(models)
    sources = {task: Path(path).name for task, path in paths.items()}
    write_checkpoint(args.out, joined, {'sapiens_mm': __version__, 'source': sources})
    print(args.out)
    return 0
