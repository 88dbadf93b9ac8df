"""Average the weights of checkpoints of one model.

    sapiens convert average epoch_2.pth epoch_3.pth --out mean.pth

Checkpoints of one run, or of runs that started from the same weights, often do better
together than each alone (model soups, Wortsman et al. 2022, section 2). Others average
to noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sapiens_mm import __version__
from sapiens_mm.cli.request import RequestParser
from sapiens_mm.commands import command


@dataclass(frozen=True)
class AverageRequest:
    """What ``sapiens convert average`` is asked to do.

    Attributes:
        checkpoints: Two or more.
        out: The file to write.
    """

    checkpoints: tuple[str, ...]
    out: Path


def parse_args(argv: Sequence[str] | None = None) -> AverageRequest:
    """Read the command line."""
    parser = RequestParser(AverageRequest, 'convert average', __doc__)
    parser.add_argument('checkpoints', nargs='+', help='two or more')
    parser.add_argument('--out', type=Path, required=True, help='the file to write')
    return parser.read(argv)


@command()
def main(argv: Sequence[str] | None = None) -> int:
    """Average; return 2 on a wrong call."""
    request = parse_args(argv)
    from sapiens_mm.checkpoints import (
        average_state_dicts,
        carried_meta,
        read_checkpoint,
        write_checkpoint,
    )

    models = [read_checkpoint(path) for path in request.checkpoints]
    mean = average_state_dicts([model.state_dict for model in models])
    sources = [Path(path).name for path in request.checkpoints]
    meta = {'sapiens_mm': __version__, 'source': sources}
    write_checkpoint(request.out, mean, meta | carried_meta(models[0].meta))
    print(request.out)
    return 0
