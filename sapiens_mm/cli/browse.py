"""Draw what a config's pipeline really feeds the model.

    sapiens browse pose/sapiens_0.3b_coco17-1024x768 --count 32
    sapiens browse seg/sapiens_0.3b_lip20-1024x768
    sapiens browse my_config.py --split val --out-dir crops

Takes packed samples of the data set, after all augmentation, and draws their image
beside the targets in them. Keypoints are decoded from the target heatmaps, and those
that are not trained on are absent; test pipelines make no targets, and there annotated
keypoints are drawn where the crop moved them. Parts are drawn on the image as it was
read and on the input that became of it; so are depth and normals, the latter beside a
sphere in the same colours and the same light. Writes a PNG a sample and sheet.png.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sapiens_mm.browse.request import BrowseRequest
from sapiens_mm.cli.options import add_config_options
from sapiens_mm.cli.request import RequestParser
from sapiens_mm.commands import command
from sapiens_mm.tasks import SPLITS


def parse_args(argv: Sequence[str] | None = None) -> BrowseRequest:
    """Read the command line."""
    parser = RequestParser(BrowseRequest, 'browse', __doc__)
    add = parser.add_argument
    add_config_options(parser)
    add('--split', choices=SPLITS)
    add('--count', type=int, help='samples')
    out_help = 'for the images; default: work_dirs/CONFIG/browse_SPLIT'
    add('--out-dir', type=Path, help=out_help)
    add('--seed', type=int)
    add('--skip-bad', action='store_true', help='leave out samples with bad files')
    return parser.read(argv)


@command()
def main(argv: Sequence[str] | None = None) -> int:
    """Draw; return 2 on a wrong call."""
    request = parse_args(argv)
    from sapiens_mm.browse.samples import browse

    print(browse(request))
    return 0
