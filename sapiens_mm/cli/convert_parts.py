"""Convert label pictures to the 28 parts of Goliath, and check those of a config.

    sapiens convert parts convert TrainVal_parsing_annotations/ lip28/ --from lip20
    sapiens convert parts convert Annotations_Part/ pascal28/ --from pascal25
    sapiens convert parts check seg/sapiens_0.3b_lip20-1024x768 --report faults.txt

``convert`` writes a grey PNG of the same name for each label picture; classes that the
28 do not have become 255. What is there already is skipped, so a run that was stopped
goes on where it was. Bad files are listed at the end. Photos stay where they are.
``check`` reads every photo and label of a config's data set, names what is wrong, and
says how much of the labelled area each class has.
Run with ``python tools/``; data sets and formats are in docs/seg.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

import sapiens_mm  # before the hosts: it mends them
from sapiens_mm import hosts
from sapiens_mm.commands import command
from sapiens_mm.files import write_atomically

SOURCES = ('lip20', 'cihp20', 'atr18', 'pascal25', 'goliath34')
SPLITS = ('train', 'val', 'test')


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    from mmengine.config import DictAction

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest='command', required=True)
    convert = commands.add_parser('convert', help='to the 28 parts')
    convert.add_argument('folder', type=Path, help='of label pictures')
    convert.add_argument('output', type=Path, help='another folder')
    convert.add_argument(
        '--from', dest='source', choices=SOURCES, required=True, help='their classes'
    )
    convert.add_argument('--force', action='store_true', help='convert all anew')
    check = commands.add_parser('check', help="read all files of a config's data")
    check.add_argument('config', help='a config by name or path')
    check.add_argument('--split', choices=SPLITS, default='train')
    check.add_argument('--report', type=Path, help='name every file at fault there')
    check.add_argument(
        '--cfg-options', nargs='+', action=DictAction, help='key=value, as in hosts'
    )
    for parser_of in (convert, check):
        workers_help = 'threads (default: %(default)s)'
        parser_of.add_argument('--workers', type=int, default=4, help=workers_help)
    args = parser.parse_args(argv)
    if args.workers < 1:
        parser.error(f'--workers must be at least 1, got {args.workers}')
    return args


def run_convert(args: argparse.Namespace) -> int:
    """Convert a folder; 1 if some files could not be."""
    from sapiens_mm.seg.convert_labels import convert_files, list_labels, output_name

    # also below it: a second run would take its own output for labels
    if args.output.resolve().is_relative_to(args.folder.resolve()):
        raise ValueError(
            f'{args.output} is in {args.folder}, which holds the labels; name a folder '
            'outside'
        )
    names = list_labels(args.folder, args.source)
    if args.force:
        left = names
    else:
        left = [n for n in names if not (args.output / output_name(n)).exists()]
    outcomes = convert_files(
        args.folder,
        left,
        args.source,
        lambda name, content: write_atomically(args.output / name, content),
        args.workers,
    )
    failed = []
    for sentence in tqdm(outcomes, total=len(left), unit='file', disable=None):
        if sentence is not None:
            failed.append(sentence)
    for sentence in failed:
        print(f'failed: {sentence}', file=sys.stderr)
    print(
        f'{args.output}: {len(left) - len(failed)} converted, '
        f'{len(names) - len(left)} were there, {len(failed)} failed'
    )
    return 1 if failed else 0


def build_dataset(args: argparse.Namespace) -> tuple[Any, bool]:
    """Build the data set of a config's split, and see if it takes empty labels."""
    from mmengine.config import Config
    from mmengine.registry import DATASETS, init_default_scope

    from sapiens_mm.engine.config_options import merge_options
    from sapiens_mm.seg import SapiensPartDataset

    cfg = Config.fromfile(sapiens_mm.config_path(args.config))
    merge_options(cfg, args.cfg_options)
    loader = cfg.get(f'{args.split}_dataloader')
    if loader is None:
        raise ValueError(f'{args.config} has no {args.split}_dataloader')
    init_default_scope(cfg.get('default_scope') or 'mmseg')
    with DATASETS.switch_scope_and_registry(None) as registry:
        kind = registry.get(loader.dataset.type)
    if not issubclass(kind, SapiensPartDataset):
        raise ValueError(
            f'{args.config} has a {kind.__name__}; only a SapiensPartDataset can be '
            'checked'
        )
    steps = loader.dataset.get('pipeline', ())
    dataset = DATASETS.build(dict(loader.dataset, pipeline=[]))
    return dataset, any(step.get('allow_empty') for step in steps)


def run_check(args: argparse.Namespace) -> int:
    """Check a data set; 1 if a file is bad."""
    from sapiens_mm.data.files import BadFileError
    from sapiens_mm.seg.label_maps import check_sample

    dataset, allow_empty = build_dataset(args)

    def count(n: int) -> np.ndarray | str:
        try:
            info = dataset.get_data_info(n)
            labels = check_sample(info, allow_empty=allow_empty)
        except BadFileError as error:
            return str(error)
        return np.bincount(labels.ravel(), minlength=256)

    pixels, failed = np.zeros(256, np.int64), []
    pool = ThreadPoolExecutor(args.workers)
    try:
        outcomes = pool.map(count, range(len(dataset)))
        for outcome in tqdm(outcomes, total=len(dataset), unit='file', disable=None):
            if isinstance(outcome, str):
                failed.append(outcome)
            else:
                pixels += outcome
    finally:
        pool.shutdown(cancel_futures=True)
    for sentence in failed:
        print(f'failed: {sentence}', file=sys.stderr)
    if args.report is not None:
        lines = [*dataset.matches.report().splitlines(), *failed]
        text = ''.join(f'{line}\n' for line in lines)
        write_atomically(args.report, text.encode())
    print(summary(dataset, pixels, len(failed)))
    return 1 if failed else 0


def summary(dataset: Any, pixels: np.ndarray, num_failed: int) -> str:
    """Say what a data set holds: samples, and the share of each class.

    Args:
        dataset: Of parts.
        pixels: Shape (256,), how many pixels have each id.
        num_failed: Samples that are bad.
    """
    labelled = max(1, pixels[:255].sum())
    lines = [f'{len(dataset)} samples, {num_failed} of them bad']
    if dataset.matches.num_unmatched:
        lines.append(dataset.matches.summary())
    for c, name in enumerate(dataset.metainfo['classes']):
        share = f'{100 * pixels[c] / labelled:8.3f} %' if pixels[c] else '  absent'
        lines.append(f'{c:4d} {name:16s} {share}')
    share = 100 * pixels[255] / max(1, pixels.sum())
    lines.append(f' 255 {"(no label)":16s} {share:8.3f} % of all pixels')
    return '\n'.join(lines)


@command(kept='what is finished stays')
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; 0 if all went well, 1 if in part, 2 after a sentence."""
    args = parse_args(argv)
    hosts.require('mmseg')
    return dict(convert=run_convert, check=run_check)[args.command](args)
