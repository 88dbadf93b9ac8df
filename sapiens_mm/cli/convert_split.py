"""Make one checkpoint a task out of a training of several.

    sapiens convert split work_dirs/multitask/epoch_9.pth work_dirs/tasks

It writes ``pose.pth``, ``seg.pth``, … with the encoder and the task's own head, under
the names that the configs of single tasks have, for ``load_from``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sapiens_mm import __version__
from sapiens_mm.cli.request import RequestParser
from sapiens_mm.commands import command


@dataclass(frozen=True)
class SplitRequest:
    """What ``sapiens convert split`` is asked to do.

    Attributes:
        checkpoint: Of a config of configs/multitask.
        folder: For one file a task.
    """

    checkpoint: str
    folder: Path


def parse_args(argv: Sequence[str] | None = None) -> SplitRequest:
    """Read the command line."""
    parser = RequestParser(SplitRequest, 'convert split', __doc__)
    parser.add_argument('checkpoint', help='of a config of configs/multitask')
    parser.add_argument('folder', type=Path, help='for one file a task')
    return parser.read(argv)


@command()
def main(argv: Sequence[str] | None = None) -> int:
    """Split; return 2 on a wrong call."""
    request = parse_args(argv)
    from sapiens_mm.checkpoints import read_checkpoint, write_checkpoint
    from sapiens_mm.multitask.split import split_state_dict

    state = read_checkpoint(request.checkpoint).state_dict
    try:
        found = split_state_dict(state)
    except ValueError as error:
        raise ValueError(f'{request.checkpoint}: {error}') from None
    source = Path(request.checkpoint).name
    for task, state_dict in found.items():
        path = request.folder / f'{task}.pth'
        meta = {'sapiens_mm': __version__, 'source': source}
        write_checkpoint(path, state_dict, meta)
        print(path)
    return 0
