"""Convert keypoint files between COCO, COCO-WholeBody, Goliath and OpenPose.

    sapiens convert keypoints convert coco_wholebody_train_v1.0.json out.json --to 308
    sapiens convert keypoints convert photo.json photo_body25.json --to openpose
    sapiens convert keypoints convert results.keypoints.json out/ --to openpose
    sapiens convert keypoints captures index.json goliath.json --root captures/
    sapiens convert keypoints check goliath.json --images captures/

``convert`` takes annotation files, result files of evaluations (a list) and the files
that sapiens image writes, and makes the same kind of file. Keypoints that the source
does not have get visibility or score 0. OpenPose's BODY_25 is one file for each image.
``captures`` makes one 308 file of Goliath's captures with 344 keypoints.
``check`` names what is wrong with an annotation file.
Run with ``python tools/``; the format of 308 files is in docs/goliath308_format.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from sapiens_mm import hosts
from sapiens_mm.commands import command
from sapiens_mm.files import write_atomically
from sapiens_mm.tasks import KEYPOINT_COUNTS

OPENPOSE = 25
TARGETS = {'17': 17, '133': 133, '308': 308, 'openpose': OPENPOSE}


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> None:  # type: ignore[override]
        print(f'{self.prog}: {message} (--help lists the options)', file=sys.stderr)
        raise SystemExit(2)


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = _Parser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest='command', required=True)

    convert = commands.add_parser('convert', help='between vocabularies')
    convert.add_argument('source', type=Path, help='JSON file')
    output_help = 'JSON file; a folder for --to openpose of more than one image'
    convert.add_argument('output', type=Path, help=output_help)
    convert.add_argument('--to', choices=list(TARGETS), required=True)
    from_help = 'vocabulary of the source; default: what its records show'
    convert.add_argument(
        '--from', dest='source_k', type=int, choices=KEYPOINT_COUNTS, help=from_help
    )
    bases_help = 'between 133 and 308: 63 pairs with the inferred finger bases, not 53'
    convert.add_argument('--finger-bases', action='store_true', help=bases_help)
    pairs_help = 'between 133 and 308: more pairs, a list of [WholeBody id, Goliath id]'
    convert.add_argument('--pairs', type=Path, metavar='JSON', help=pairs_help)

    captures = commands.add_parser('captures', help='344 keypoints to a 308 file')
    index_help = 'list of sample_id, session_id, camera_id, frame_number'
    captures.add_argument('source', type=Path, metavar='index', help=index_help)
    captures.add_argument('output', type=Path, help='JSON file')
    captures.add_argument('--root', type=Path, required=True, help='folder of the data')
    image_help = 'below the root; fields of the index in braces (default: %(default)s)'
    captures.add_argument(
        '--image', default='images/{sample_id}.jpg', metavar='PATTERN', help=image_help
    )
    captures.add_argument(
        '--keypoints',
        default='keypoints/{sample_id}.npy',
        metavar='PATTERN',
        help='NPY of the shape (3, 344) (default: %(default)s)',
    )
    captures.add_argument('--workers', type=int, default=4, help='threads')

    for parser_of in (convert, captures):
        force_help = 'overwrite the output if it is there'
        parser_of.add_argument('--force', action='store_true', help=force_help)

    check = commands.add_parser('check', help='say what is wrong with a file')
    check.add_argument('source', type=Path, help='annotation file')
    check.add_argument('--images', type=Path, help='folder: look for the images there')
    count_help = 'keypoints of a person; default: what the records show'
    check.add_argument(
        '--from', dest='source_k', type=int, metavar='COUNT', help=count_help
    )
    return parser.parse_args(argv)


def write_json(path: Path, content: Any) -> None:
    """Write a whole file or none."""
    write_atomically(path, json.dumps(content, allow_nan=False).encode())


def refuse_existing(path: Path, force: bool) -> None:
    """Raise ValueError rather than overwrite."""
    if path.is_dir():
        raise ValueError(f'{path} is a folder; name a file in it')
    if path.exists() and not force:
        raise ValueError(f'{path} exists; pass --force to overwrite it')


def run_convert(args: argparse.Namespace) -> int:
    """Convert between vocabularies."""
    from sapiens_mm.data.files import read_json
    from sapiens_mm.pose import convert_files
    from sapiens_mm.pose.keypoint_maps import keypoint_map, read_pairs

    target = TARGETS[args.to]
    content = read_json(args.source)
    mapping = keypoint_map(
        convert_files.find_source(args.source, content, args.source_k),
        target,
        include_finger_bases=args.finger_bases,
        pairs=read_pairs(args.pairs) if args.pairs else (),
    )
    if {mapping.source, target} != {133, 308} and (args.finger_bases or args.pairs):
        raise ValueError('--finger-bases and --pairs are for 133 to 308 and back')
    if target == OPENPOSE:
        files = convert_files.openpose_files(args.source, content, mapping)
        if isinstance(content, list) or convert_files.is_annotation_file(content):
            outputs = {
                args.output / f'{name}_keypoints.json': body
                for name, body in files.items()
            }
        else:
            outputs = {args.output: next(iter(files.values()))}
    else:
        refuse_existing(args.output, args.force)
        body = convert_files.convert_content(args.source, content, mapping)
        outputs = {args.output: body}
    for output in outputs:
        refuse_existing(output, args.force)
    for output, body in tqdm(outputs.items(), unit='file', disable=len(outputs) < 2):
        write_json(output, body)
    written = f'{args.output}: {len(outputs)} file{"s" * (len(outputs) != 1)}'
    print(f'{written}, {len(mapping.entries)} of {target} keypoints filled')
    return 0


def run_captures(args: argparse.Namespace) -> int:
    """Convert captures; 1 if some could not be read."""
    from sapiens_mm.pose.goliath_captures import convert_captures

    refuse_existing(args.output, args.force)
    content, counts = convert_captures(
        args.source,
        args.root,
        args.image,
        args.keypoints,
        workers=args.workers,
        progress=True,
    )
    for line in counts.failed:
        print(f'convert_keypoints: {line}', file=sys.stderr)
    if not counts.kept:
        raise ValueError(f'nothing to write: {counts.summary()}')
    write_json(args.output, content)
    print(f'{args.output}: {counts.summary()}')
    return 1 if counts.failed else 0


def run_check(args: argparse.Namespace) -> int:
    """Check an annotation file; 1 if it has errors."""
    from sapiens_mm.data.files import read_json
    from sapiens_mm.pose.annotation_check import check_annotations
    from sapiens_mm.pose.convert_files import find_source

    num_keypoints = args.source_k
    if num_keypoints is None:
        num_keypoints = find_source(args.source, read_json(args.source), None)
    report = check_annotations(args.source, num_keypoints, args.images, strict=False)
    print(report.summary())
    return 1 if report.error_kinds else 0


@command('convert_keypoints')
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; 0 if all went well, 1 if in part, 2 after a sentence."""
    args = parse_args(argv)
    verbs = dict(convert=run_convert, captures=run_captures, check=run_check)
    hosts.require('mmpose')
    return verbs[args.command](args)
