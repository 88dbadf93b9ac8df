"""Convert weights between the official files and ours, or say what a file is.

    sapiens convert checkpoint sapiens_1b_….pth --info
    sapiens convert checkpoint sapiens_1b_…_torchscript.pt2 pose_1b.safetensors
    sapiens convert checkpoint work_dirs/…/epoch_9.pth out.pth --to official
    sapiens convert checkpoint pose_1b.pth encoder.pth --part encoder

The source may be a path, an hf:// or https:// address or the name of a released
file. Only weights are written: no optimizer, no schedule, no logs. The key names of
the official code and ours are the same, so the directions differ in what surrounds
the weights. A person detector of mmdet is converted whole. What was written is read
again and compared before it gets its name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sapiens_mm.cli.request import RequestParser
from sapiens_mm.commands import command

DTYPES = ('keep', 'fp32', 'fp16', 'bf16')
PARTS = ('full', 'backbone', 'encoder')


@dataclass(frozen=True)
class CheckpointRequest:
    """What ``sapiens convert checkpoint`` is asked to do.

    Attributes:
        source: Whatever :func:`~sapiens_mm.checkpoints.resolve` takes.
        output: File to write; None with ``info``.
        info: Say what the source is.
        to: ``'ours'`` or ``'official'``, the layout of the released ``.pth`` files.
        part: One of ``PARTS``.
        dtype: Of the weights, one of ``DTYPES``.
        force: Overwrite the output if it is there.

    Raises:
        ValueError: If there is neither an output nor ``info``.
    """

    source: str
    output: str | None = None
    info: bool = False
    to: str = 'ours'
    part: str = 'full'
    dtype: str = 'keep'
    force: bool = False

    def __post_init__(self) -> None:
        """Check that there is something to do."""
        if self.output is None and not self.info:
            raise ValueError('name an output file, or ask for --info')


def parse_args(argv: Sequence[str] | None = None) -> CheckpointRequest:
    """Read the command line."""
    parser = RequestParser(CheckpointRequest, 'convert checkpoint', __doc__)
    add = parser.add_argument
    add('source', help='file, address or name of a released file')
    output_help = '.pth, .pt or .safetensors to write; none with --info'
    add('output', nargs='?', help=output_help)
    add('--info', action='store_true', help='say what the source is')
    to_help = (
        'ours: with a meta that says what it is. official: the layout of the '
        'released .pth files, {meta, state_dict}, and for --part encoder a bare dict'
    )
    add('--to', choices=('ours', 'official'), help=to_help)
    part_help = 'full: all. backbone: keys backbone.*. encoder: the same without prefix'
    add('--part', choices=PARTS, help=part_help)
    add('--dtype', choices=DTYPES, help='of the weights')
    add('--force', action='store_true', help='overwrite the output if it is there')
    return parser.read(argv)


@command()
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; 0 if all went well, 2 after a sentence on stderr."""
    request = parse_args(argv)
    from sapiens_mm.checkpoints import read_checkpoint, resolve
    from sapiens_mm.checkpoints.convert import convert_checkpoint, describe

    checkpoint = read_checkpoint(resolve(request.source))
    if request.info:
        print(describe(checkpoint))
    if request.output is not None:
        options = (request.to, request.part, request.dtype, request.force)
        print(convert_checkpoint(checkpoint, request.output, *options))
    return 0
