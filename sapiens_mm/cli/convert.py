"""Convert checkpoints, keypoint files and part labels.

    sapiens convert checkpoint sapiens_1b_….pth --info
    sapiens convert checkpoint work_dirs/…/epoch_9.pth out.safetensors
    sapiens convert average epoch_7.pth epoch_8.pth epoch_9.pth mean.pth
    sapiens convert split multitask.pth folder
    sapiens convert join multitask.pth pose.pth seg.pth
    sapiens convert keypoints results.json coco17.json --to coco17
    sapiens convert parts lip20 labels/ out/

``sapiens convert KIND --help`` lists the options of a kind. Without a kind it is a
checkpoint.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Sequence

# what is converted -> the module that does it
KINDS = {
    'checkpoint': 'convert_checkpoint',
    'average': 'average_checkpoints',
    'split': 'split_multitask',
    'join': 'join_multitask',
    'keypoints': 'convert_keypoints',
    'parts': 'convert_parts',
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the converter of a kind; return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in ('-h', '--help'):
        print(inspect.cleandoc(__doc__))
        return 0 if words else 2
    kind = 'checkpoint'
    if words[0] in KINDS:
        kind = words.pop(0)
        sys.argv = [f'sapiens convert {kind}', *words]
    return importlib.import_module(f'sapiens_mm.cli.{KINDS[kind]}').main(words)
