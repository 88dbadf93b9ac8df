"""Convert keypoint files between COCO, COCO-WholeBody, Goliath and OpenPose.

    sapiens convert keypoints coco_wholebody_train_v1.0.json out.json --to 308
    sapiens convert keypoints photo.json photo_body25.json --to openpose
    sapiens convert keypoints results.keypoints.json out/ --to openpose

It takes annotation files, result files of evaluations (a list) and the files that
sapiens image writes, and makes the same kind of file. Keypoints that the source does
not have get visibility or score 0. OpenPose's BODY_25 is one file for each image.
sapiens check says what is wrong with an annotation file; the format of 308 files is in
docs/goliath308_format.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sapiens_mm import hosts
from sapiens_mm.cli.convert_files import refuse_existing, write_json
from sapiens_mm.cli.request import RequestParser
from sapiens_mm.commands import command
from sapiens_mm.tasks import KEYPOINT_COUNTS

OPENPOSE = 25
TARGETS = {'17': 17, '133': 133, '308': 308, 'openpose': OPENPOSE}


@dataclass(frozen=True)
class KeypointsRequest:
    """What ``sapiens convert keypoints`` is asked to do.

    Attributes:
        source: JSON file.
        output: JSON file; a folder for OpenPose files of more than one image.
        to: A key of ``TARGETS``.
        source_k: Keypoints of the source; None: what its records show.
        finger_bases: Between 133 and 308: with the inferred finger bases.
        pairs: Between 133 and 308: a JSON file of more pairs.
        force: Overwrite the output if it is there.
    """

    source: Path
    output: Path
    to: str
    source_k: int | None = None
    finger_bases: bool = False
    pairs: Path | None = None
    force: bool = False


def parse_args(argv: Sequence[str] | None = None) -> KeypointsRequest:
    """Read the command line."""
    parser = RequestParser(KeypointsRequest, 'convert keypoints', __doc__)
    add = parser.add_argument
    add('source', type=Path, help='JSON file')
    output_help = 'JSON file; a folder for --to openpose of more than one image'
    add('output', type=Path, help=output_help)
    add('--to', choices=list(TARGETS), required=True)
    from_help = 'vocabulary of the source; default: what its records show'
    counts = dict(dest='source_k', type=int, choices=KEYPOINT_COUNTS)
    add('--from', **counts, help=from_help)
    bases_help = 'between 133 and 308: 63 pairs with the inferred finger bases, not 53'
    add('--finger-bases', action='store_true', help=bases_help)
    pairs_help = 'between 133 and 308: more pairs, a list of [WholeBody id, Goliath id]'
    add('--pairs', type=Path, metavar='JSON', help=pairs_help)
    add('--force', action='store_true', help='overwrite the output if it is there')
    return parser.read(argv)


@command()
def main(argv: Sequence[str] | None = None) -> int:
    """Convert between vocabularies; return 2 on a wrong call."""
    request = parse_args(argv)
    hosts.require('mmpose')
    from tqdm import tqdm

    from sapiens_mm.data.files import read_json
    from sapiens_mm.pose import convert_files
    from sapiens_mm.pose.keypoint_maps import keypoint_map, read_pairs

    target = TARGETS[request.to]
    source, output = request.source, request.output
    content = read_json(source)
    mapping = keypoint_map(
        convert_files.find_source(source, content, request.source_k),
        target,
        include_finger_bases=request.finger_bases,
        pairs=read_pairs(request.pairs) if request.pairs else (),
    )
    between = {mapping.source, target} == {133, 308}
    if not between and (request.finger_bases or request.pairs):
        raise ValueError('--finger-bases and --pairs are for 133 to 308 and back')
    if target == OPENPOSE:
        files = convert_files.openpose_files(source, content, mapping)
        if isinstance(content, list) or convert_files.is_annotation_file(content):
            names = {name: output / f'{name}_keypoints.json' for name in files}
            outputs = {names[name]: body for name, body in files.items()}
        else:
            outputs = {output: next(iter(files.values()))}
    else:
        refuse_existing(output, request.force)
        outputs = {output: convert_files.convert_content(source, content, mapping)}
    for path in outputs:
        refuse_existing(path, request.force)
    for path, body in tqdm(outputs.items(), unit='file', disable=len(outputs) < 2):
        write_json(path, body)
    written = f'{output}: {len(outputs)} file{"s" * (len(outputs) != 1)}'
    print(f'{written}, {len(mapping.entries)} of {target} keypoints filled')
    return 0
