"""Convert checkpoints, keypoint files and part labels.

    sapiens convert sapiens_1b_….pth out.safetensors
    sapiens convert average epoch_7.pth epoch_8.pth epoch_9.pth --out mean.pth
    sapiens convert split multitask.pth folder/
    sapiens convert join multitask.pth pose=pose.pth seg=seg.pth
    sapiens convert keypoints coco_wholebody.json goliath.json --to 308
    sapiens convert captures index.json goliath.json --root captures/
    sapiens convert parts labels/ labels28/ --from lip20

The kinds are checkpoint, average, split, join, keypoints, captures and parts; without
one it is a checkpoint. sapiens convert KIND --help lists the options of a kind.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Sequence

from sapiens_mm.commands import WRONG_CALL

KINDS = ('checkpoint', 'average', 'split', 'join', 'keypoints', 'captures', 'parts')


def main(argv: Sequence[str] | None = None) -> int:
    """Run the converter of a kind; return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in ('-h', '--help'):
        print(inspect.cleandoc(__doc__))
        return 0 if words else WRONG_CALL
    kind = 'checkpoint'
    if words[0] in KINDS:
        kind = words.pop(0)
    return importlib.import_module(f'sapiens_mm.cli.convert_{kind}').main(words)
