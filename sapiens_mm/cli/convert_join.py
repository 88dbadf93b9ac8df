"""Make one checkpoint of several tasks out of one a task.

    sapiens convert join all.pth pose=pose.pth seg=seg.pth depth=depth.pth

The encoder is that of the first one named. For ``load_from`` of a config of
configs/multitask, to train all tasks on; sapiens convert split is the way back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sapiens_mm import __version__
from sapiens_mm.cli.request import RequestParser
from sapiens_mm.commands import command
from sapiens_mm.tasks import TASKS


@dataclass(frozen=True)
class JoinRequest:
    """What ``sapiens convert join`` is asked to do.

    Attributes:
        out: The file to write.
        tasks: TASK=FILE words, each task once.

    Raises:
        ValueError: If a word is none of these.
    """

    out: Path
    tasks: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check the words."""
        seen = set()
        for item in self.tasks:
            task, _, path = item.partition('=')
            if task not in TASKS or not path or task in seen:
                raise ValueError(
                    f'{item!r} is not TASK=FILE with one of {", ".join(TASKS)}, each '
                    'once'
                )
            seen.add(task)

    @property
    def files(self) -> dict[str, str]:
        """Checkpoints by task, in the order of the words."""
        pairs = (item.partition('=') for item in self.tasks)
        return {task: path for task, _, path in pairs}


def parse_args(argv: Sequence[str] | None = None) -> JoinRequest:
    """Read the command line."""
    parser = RequestParser(JoinRequest, 'convert join', __doc__)
    parser.add_argument('out', type=Path, help='the file to write, .pth')
    parser.add_argument('tasks', nargs='+', metavar='TASK=FILE', help=', '.join(TASKS))
    return parser.read(argv)


@command()
def main(argv: Sequence[str] | None = None) -> int:
    """Join; return 2 on a wrong call."""
    request = parse_args(argv)
    from sapiens_mm.checkpoints import read_checkpoint, write_checkpoint
    from sapiens_mm.multitask.split import join_state_dicts

    files = request.files
    models = {task: read_checkpoint(path).state_dict for task, path in files.items()}
    joined = join_state_dicts(models)
    sources = {task: Path(path).name for task, path in files.items()}
    meta = {'sapiens_mm': __version__, 'source': sources}
    write_checkpoint(request.out, joined, meta)
    print(request.out)
    return 0
