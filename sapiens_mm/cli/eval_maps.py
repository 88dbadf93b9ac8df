r"""Score folders of depth or normal maps, of any model, under a stated protocol.

    sapiens eval-maps depth --pred out/ --gt data/depth --mask data/mask
    sapiens eval-maps depth --pred out/ --gt data/depth --mask data/mask \
        --protocol david --average pooled --out scores.json
    sapiens eval-maps normal --pred out/ --gt data/normal --mask data/mask \
        --pred-axes opencv

Files pair by their path below the folder, without its suffix. Maps are NPY, NPZ, EXR
or PNG (depth: 16 bits with --pred-scale or --gt-scale; normals: (n + 1) / 2 as RGB);
where a folder has several of one name, the first in that order is taken. Without
--mask, --pixels all takes every pixel that the ground truth has. A file that cannot be
used is named and left out; the exit code is then 1. What its sentence calls encoding,
invalid_value, map_layer and mask_threshold are --gt-encoding, --pred-encoding and so
on. The protocols are in docs/evaluation.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sapiens_mm.cli.request import RequestParser
from sapiens_mm.commands import command
from sapiens_mm.runs.map_scores import MapScoreRequest, score_folders
from sapiens_mm.tasks import MAP_TASKS


def parse_args(argv: Sequence[str] | None = None) -> MapScoreRequest:
    """Read the command line."""
    parser = RequestParser(MapScoreRequest, 'eval-maps', __doc__)
    add = parser.add_argument
    add('task', choices=MAP_TASKS)
    add('--pred', type=Path, required=True, help='folder of predictions')
    add('--gt', type=Path, required=True, help='folder of ground truth')
    add('--mask', type=Path, help='folder of masks')
    threshold_help = 'masks are above it on people; default: 0'
    add('--mask-threshold', type=float, help=threshold_help)
    layer = 'of EXR files, if it is not clear which one'
    add('--pred-layer', help=layer)
    add('--gt-layer', help=layer)
    add('--protocol', help='preset')
    add('--pixels', help='human or all, in place of the preset')
    add('--average', help='per_image or pooled, in place of the preset')
    add('--out', type=Path, help='JSON file for choices, figures and each image')
    depth = parser.add_argument_group('of depth')
    add = depth.add_argument
    add('--align', help='none, scale or scale_shift, in place of the preset')
    add('--space', help='depth or inverse, in place of the preset')
    add('--fit', help='least_squares or median, in place of the preset')
    add('--clip', type=_clip, help='a number above 1, or none')
    add('--invert', action='store_true', help='take 1 / prediction first')
    add('--pred-scale', type=float, help='factor of the stored predictions')
    add('--gt-scale', type=float, help='factor of the stored ground truth')
    unknown = 'number for "unknown" in the ground truth, as it is stored'
    add('--gt-invalid-value', type=float, help=unknown)
    normals = parser.add_argument_group('of normals')
    add = normals.add_argument
    add('--pred-axes', help='such as opencv or "x -y -z"; default: xyz')
    add('--gt-axes', help='such as opencv or "x -y -z"; default: xyz')
    stored = 'vector or rgb, (n + 1) / 2; default: rgb for PNG'
    add('--pred-encoding', help=stored)
    add('--gt-encoding', help=stored)
    return parser.read(argv)


def _clip(text: str) -> float | str:
    return text if text == 'none' else float(text)


@command()
def main(argv: Sequence[str] | None = None) -> int:
    """Score; 0 if all went well, 1 if in part, 2 after a sentence."""
    return score_folders(parse_args(argv))
