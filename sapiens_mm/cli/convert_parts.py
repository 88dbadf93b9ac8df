"""Convert label images to the 28 parts of Goliath.

    sapiens convert parts TrainVal_parsing_annotations/ lip28/ --from lip20
    sapiens convert parts Annotations_Part/ pascal28/ --from pascal25

Writes a grey PNG of the same name for each label image; classes that the 28 do not
have become 255. What is there already is skipped, so a run that was stopped goes on
where it was. Bad files are listed at the end. Images stay where they are. sapiens check
CONFIG reads every image and label of a data set; formats are in docs/seg.md.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sapiens_mm import hosts
from sapiens_mm.cli.request import RequestParser
from sapiens_mm.commands import command
from sapiens_mm.files import write_atomically

SOURCES = ('lip20', 'cihp20', 'atr18', 'pascal25', 'goliath34')


@dataclass(frozen=True)
class PartsRequest:
    """What ``sapiens convert parts`` is asked to do.

    Attributes:
        folder: Of label images.
        output: Another folder, outside of that.
        source: Their classes, one of ``SOURCES``.
        force: Convert all anew.
        workers: Threads.

    Raises:
        ValueError: If ``workers`` is below 1.
    """

    folder: Path
    output: Path
    source: str
    force: bool = False
    workers: int = 4

    def __post_init__(self) -> None:
        """Check the number."""
        if self.workers < 1:
            raise ValueError(f'--workers must be at least 1, got {self.workers}')


def parse_args(argv: Sequence[str] | None = None) -> PartsRequest:
    """Read the command line."""
    parser = RequestParser(PartsRequest, 'convert parts', __doc__)
    add = parser.add_argument
    add('folder', type=Path, help='of label images')
    add('output', type=Path, help='another folder')
    classes = dict(dest='source', choices=SOURCES, required=True)
    add('--from', **classes, help='their classes')
    add('--force', action='store_true', help='convert all anew')
    add('--workers', type=int, help='threads')
    return parser.read(argv)


@command(kept='what is finished stays')
def main(argv: Sequence[str] | None = None) -> int:
    """Convert a folder; 1 if some files could not be, 2 after a sentence."""
    request = parse_args(argv)
    hosts.require('mmseg')
    from tqdm import tqdm

    from sapiens_mm.seg.convert_labels import convert_files, list_labels, output_name

    folder, output = request.folder, request.output
    # also below it: a second run would take its own output for labels
    if output.resolve().is_relative_to(folder.resolve()):
        raise ValueError(
            f'{output} is in {folder}, which holds the labels; name a folder outside'
        )
    names = list_labels(folder, request.source)
    left = [n for n in names if request.force or not (output / output_name(n)).exists()]
    outcomes = convert_files(
        folder,
        left,
        request.source,
        lambda name, content: write_atomically(output / name, content),
        request.workers,
    )
    bar = tqdm(outcomes, total=len(left), unit='file', disable=None)
    failed = [sentence for sentence in bar if sentence is not None]
    for sentence in failed:
        print(f'failed: {sentence}', file=sys.stderr)
    print(
        f'{output}: {len(left) - len(failed)} converted, '
        f'{len(names) - len(left)} were there, {len(failed)} failed'
    )
    return 1 if failed else 0
