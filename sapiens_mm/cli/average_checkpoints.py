"""Average the weights of checkpoints of one model.

    sapiens convert average epoch_2.pth epoch_3.pth --out mean.pth

Checkpoints of one run, or of runs that started from the same weights, often do better
together than each alone (model soups, Wortsman et al. 2022, section 2). Others average
to noise.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from sapiens_mm import __version__
from sapiens_mm.checkpoints import (
    average_state_dicts,
    carried_meta,
    read_checkpoint,
    write_checkpoint,
)
from sapiens_mm.commands import command


@command()
def main(argv: Sequence[str] | None = None) -> int:
    """Average; return 2 on a wrong call."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('checkpoints', nargs='+', help='two or more')
    parser.add_argument('--out', type=Path, required=True, help='the file to write')
    args = parser.parse_args(argv)
    models = [read_checkpoint(path) for path in args.checkpoints]
    mean = average_state_dicts([model.state_dict for model in models])
    sources = [Path(path).name for path in args.checkpoints]
    meta = {'sapiens_mm': __version__, 'source': sources}
    write_checkpoint(args.out, mean, meta | carried_meta(models[0].meta))
    print(args.out)
    return 0
