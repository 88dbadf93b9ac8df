"""List the models that have a name, and fetch one.

    sapiens zoo
    sapiens zoo goliath --task pose --size 1b
    sapiens zoo --fetch sapiens_0.3b_goliath_best_goliath_AP_573

Without a pattern, exports of released files are left out; sapiens zoo torchscript and
sapiens zoo bfloat16 list them. Figures are as reported by those who released the
weights, those of the package's as in docs/tiny_models.md. Names work wherever a
checkpoint is asked for. Nothing is fetched but with --fetch.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sapiens_mm.cli.request import RequestParser
from sapiens_mm.commands import command
from sapiens_mm.tasks import SIZES, TASKS

if TYPE_CHECKING:
    from sapiens_mm.checkpoints.catalogue import Entry

HEADINGS = ('name', 'task', 'size', 'data set', 'MB', 'reported', 'here')
HEADINGS += ('licence', 'config')


@dataclass(frozen=True)
class ZooRequest:
    """What ``sapiens zoo`` is asked to do.

    Attributes:
        pattern: Part of a name, config or data set; ``*`` stands for anything.
        task: Of the models that are listed.
        size: Of the models that are listed.
        fetch: Name of a model to download; ``''``: the one that the pattern names.
        offline: List only what is on this machine, and download nothing.

    Raises:
        ValueError: If it is not said what to fetch.
    """

    pattern: str | None = None
    task: str | None = None
    size: str | None = None
    fetch: str | None = None
    offline: bool = False

    def __post_init__(self) -> None:
        """Check that there is something to fetch."""
        if self.fetch == '' and not self.pattern:
            raise ValueError('--fetch wants the name of a model')


def parse_args(argv: Sequence[str] | None = None) -> ZooRequest:
    """Read the command line."""
    parser = RequestParser(ZooRequest, 'zoo', __doc__)
    add = parser.add_argument
    pattern_help = 'part of a name, config or data set; * stands for anything'
    add('pattern', nargs='?', metavar='PATTERN', help=pattern_help)
    add('--task', choices=(*TASKS, 'pretrain', 'det'))
    add('--size', choices=('tiny', *SIZES, 'm'))
    fetch_help = 'download it if it is not here, and print where it is'
    add('--fetch', nargs='?', const='', metavar='NAME', help=fetch_help)
    offline_help = 'only what is on this machine'
    add('--offline', action='store_true', help=offline_help)
    return parser.read(argv)


@command()
def main(argv: Sequence[str] | None = None) -> int:
    """List or fetch; return 2 for a name that there is not."""
    request = parse_args(argv)
    from sapiens_mm.checkpoints.catalogue import catalogue, matching

    if request.fetch is not None:
        print(fetch(request.fetch or request.pattern, request.offline))
        return 0
    entries = catalogue()
    found = matching(entries, request.pattern, request.task, request.size)
    if request.offline:
        found = [entry for entry in found if entry.path is not None]
    if not found:
        names = [entry.name for entry in entries]
        near = difflib.get_close_matches(request.pattern or '', names, n=2, cutoff=0.3)
        hint = f'; near are {" and ".join(near)}' if near else ''
        raise ValueError(f'no model fits{" and is here" * request.offline}{hint}')
    print(table(found))
    others = matching(entries, '*', request.task, request.size)
    exports = sum(entry.is_export for entry in others)
    if exports and request.pattern is None and not request.offline:
        print(f'\nand {exports} exports: sapiens zoo torchscript, sapiens zoo bfloat16')
    return 0


def fetch(name: str, offline: bool) -> str:
    """Return the path of a model, downloaded if need be.

    Args:
        name: Of a model, or any other that ``resolve`` takes.
        offline: Do not download.

    Raises:
        ValueError: If there is none of that name, or it cannot be had.
    """
    from sapiens_mm.checkpoints import find_released, resolve
    from sapiens_mm.checkpoints.fetch import checkpoint_folders
    from sapiens_mm.checkpoints.locate import find_here

    released = find_released(name)
    if offline and released is not None and find_here(released) is None:
        places = ' or '.join(str(f / released.filename) for f in checkpoint_folders())
        raise ValueError(
            f'{released.name} is not on this machine; fetch it elsewhere and put it at '
            f'{places}'
        )
    if offline and '://' in name:
        raise ValueError(f'{name} is an address: --offline fetches none')
    return str(resolve(name))


def table(entries: Sequence[Entry]) -> str:
    """Return a table of models, one a line."""
    rows = [HEADINGS, *map(_row, entries)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        '  '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
    return '\n'.join(line.rstrip() for line in lines)


def _row(entry: Entry) -> tuple[str, ...]:
    return (
        *(entry.name, entry.task, entry.size, entry.dataset),
        f'{entry.num_bytes / 1e6:,.0f}',
        entry.metric or '-',
        'yes' if entry.path is not None else 'no',
        entry.licence.partition(' (')[0],
        entry.config or '-',
    )
