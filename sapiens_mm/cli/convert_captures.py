"""Make one 308 file of Goliath's captures with 344 keypoints.

    sapiens convert captures index.json goliath.json --root captures/

The index is a list of sample_id, session_id, camera_id and frame_number; their fields
stand in braces in the places of images and keypoints below the root.
docs/goliath308_format.md describes both.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sapiens_mm import hosts
from sapiens_mm.cli.convert_files import refuse_existing, write_json
from sapiens_mm.cli.request import RequestParser
from sapiens_mm.commands import command


@dataclass(frozen=True)
class CapturesRequest:
    """What ``sapiens convert captures`` is asked to do.

    Attributes:
        index: JSON file, a list of records.
        output: JSON file.
        root: Folder of the data.
        image: Place of an image below the root, fields of the index in braces.
        keypoints: Place of an NPY of the shape (3, 344), likewise.
        workers: Threads.
        force: Overwrite the output if it is there.

    Raises:
        ValueError: If ``workers`` is below 1.
    """

    index: Path
    output: Path
    root: Path
    image: str = 'images/{sample_id}.jpg'
    keypoints: str = 'keypoints/{sample_id}.npy'
    workers: int = 4
    force: bool = False

    def __post_init__(self) -> None:
        """Check the number."""
        if self.workers < 1:
            raise ValueError(f'--workers must be at least 1, got {self.workers}')


def parse_args(argv: Sequence[str] | None = None) -> CapturesRequest:
    """Read the command line."""
    parser = RequestParser(CapturesRequest, 'convert captures', __doc__)
    add = parser.add_argument
    index_help = 'list of sample_id, session_id, camera_id, frame_number'
    add('index', type=Path, help=index_help)
    add('output', type=Path, help='JSON file')
    add('--root', type=Path, required=True, help='folder of the data')
    image_help = 'below the root; fields of the index in braces'
    add('--image', metavar='PATTERN', help=image_help)
    add('--keypoints', metavar='PATTERN', help='NPY of the shape (3, 344)')
    add('--workers', type=int, help='threads')
    add('--force', action='store_true', help='overwrite the output if it is there')
    return parser.read(argv)


@command()
def main(argv: Sequence[str] | None = None) -> int:
    """Convert captures; 1 if some could not be read, 2 after a sentence."""
    request = parse_args(argv)
    hosts.require('mmpose')
    from sapiens_mm.pose.goliath_captures import convert_captures

    # before the images are read, and not when they are to be written
    refuse_existing(request.output, request.force)
    content, counts = convert_captures(
        request.index,
        request.root,
        request.image,
        request.keypoints,
        workers=request.workers,
        progress=True,
    )
    for line in counts.failed:
        print(f'failed: {line}', file=sys.stderr)
    if not counts.kept:
        raise ValueError(f'nothing to write: {counts.summary()}')
    write_json(request.output, content)
    print(f'{request.output}: {counts.summary()}')
    return 1 if counts.failed else 0
