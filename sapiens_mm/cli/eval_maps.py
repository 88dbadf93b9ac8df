r"""Score folders of depth or normal maps, of any model, under a stated protocol.

    sapiens eval-maps depth --pred out/ --gt data/depth --mask data/mask
    sapiens eval-maps depth --pred out/ --gt data/depth --mask data/mask --protocol david \
        --average pooled --out scores.json
    sapiens eval-maps normal --pred out/ --gt data/normal --mask data/mask \
        --pred-axes opencv

Files pair by their path below the folder, without its suffix. Maps are NPY, NPZ, EXR
or PNG (depth: 16 bits with --pred-scale or --gt-scale; normals: (n + 1) / 2 as RGB);
where a folder has several of one name, the first in that order is taken. Without
--mask, --pixels all takes every pixel that the ground truth has. A file that cannot be
used is named and left out; the exit code is then 1. What its sentence calls encoding,
invalid_value, map_layer and mask_threshold are --gt-encoding, --pred-encoding and so
on. Run with ``python tools/``; the
protocols are in docs/evaluation.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

import sapiens_mm  # noqa: F401  before the hosts: it mends them
from sapiens_mm import hosts
from sapiens_mm.commands import command

NAMED = 20  # of the files that failed


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
    tasks = parser.add_subparsers(dest='task', required=True)
    for task in ('depth', 'normal'):
        command = tasks.add_parser(task, help=f'score {task} maps')
        add = command.add_argument
        add('--pred', type=Path, required=True, help='folder of predictions')
        add('--gt', type=Path, required=True, help='folder of ground truth')
        add('--mask', type=Path, help='folder of masks')
        threshold = 'masks are above it on people (default: %(default)s)'
        add('--mask-threshold', type=float, default=0, help=threshold)
        layer = 'of EXR files, if it is not clear which one'
        add('--pred-layer', help=layer)
        add('--gt-layer', help=layer)
        add('--protocol', default='sapiens', help='preset (default: %(default)s)')
        add('--pixels', help='human or all, in place of the preset')
        add('--average', help='per_image or pooled, in place of the preset')
        add('--out', type=Path, help='JSON file for choices, figures and each image')
        if task == 'normal':
            add('--pred-axes', default='xyz', help='such as opencv or "x -y -z"')
            add('--gt-axes', default='xyz', help='such as opencv or "x -y -z"')
            stored = 'vector or rgb, (n + 1) / 2; default: rgb for PNG'
            add('--pred-encoding', help=stored)
            add('--gt-encoding', help=stored)
            continue
        add('--align', help='none, scale or scale_shift, in place of the preset')
        add('--space', help='depth or inverse, in place of the preset')
        add('--fit', help='least_squares or median, in place of the preset')
        add('--clip', type=_clip, help='a number above 1, or none')
        add('--invert', action='store_true', help='take 1 / prediction first')
        add('--pred-scale', type=float, help='factor of the stored predictions')
        add('--gt-scale', type=float, help='factor of the stored ground truth')
        unknown = 'number for "unknown" in the ground truth, as it is stored'
        add('--gt-invalid-value', type=float, help=unknown)
    return parser.parse_args(argv)


def _clip(text: str) -> float | str:
    return text if text == 'none' else float(text)


def build_metric(args: argparse.Namespace) -> Any:
    """Build the metric that the options describe.

    Raises:
        ValueError: For choices that it does not have.
    """
    from sapiens_mm.geometry import SapiensDepthMetric, SapiensNormalMetric

    names = ('pixels', 'average', 'align', 'space', 'fit', 'clip')
    given = {name: getattr(args, name, None) for name in names}
    choices = {name: value for name, value in given.items() if value is not None}
    if choices.get('clip') == 'none':
        choices['clip'] = None
    out_file = None if args.out is None else str(args.out)
    common = dict(protocol=args.protocol, out_file=out_file, **choices)
    if args.task == 'normal':
        return SapiensNormalMetric(
            pred_axes=args.pred_axes, gt_axes=args.gt_axes, **common
        )
    if args.invert:
        common['invert'] = True
    return SapiensDepthMetric(**common)


def files_by_stem(folder: Path, suffixes: Sequence[str]) -> dict[str, Path]:
    """Find files below a folder.

    Args:
        folder: Searched with its sub-folders; hidden files are skipped.
        suffixes: With dots, lower case; the first wins where stems are equal.

    Returns:
        Paths by the path below ``folder`` without suffix, sorted.

    Raises:
        ValueError: If there is no such folder or no such file in it.
    """
    if not folder.is_dir():
        raise ValueError(f'{folder} is not a folder')
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob('*')):
        suffix = path.suffix.lower()
        if suffix not in suffixes or path.name.startswith('.') or not path.is_file():
            continue
        stem = path.relative_to(folder).with_suffix('').as_posix()
        have = found.get(stem)
        rank = suffixes.index(suffix)
        if have is None or rank < suffixes.index(have.suffix.lower()):
            found[stem] = path
    if not found:
        raise ValueError(f'{folder} has no file of {", ".join(suffixes)}')
    return found


def score(args: argparse.Namespace, metric: Any) -> list[str]:
    """Compare all pairs, adding to the metric; return what went wrong, a line each."""
    import torch

    from sapiens_mm.geometry.map_encodings import check_encoding, read_known
    from sapiens_mm.geometry.map_files import (
        MAP_SUFFIXES,
        check_encoding_name,
        read_mask,
    )
    from sapiens_mm.geometry.map_kinds import map_kind
    from sapiens_mm.pictures import MASK_SUFFIXES

    kind = map_kind(args.task)
    fields = ('scale', 'encoding', 'layer', 'invalid_value')
    pred_form, gt_form = (
        {name: getattr(args, f'{side}_{name}', None) for name in fields}
        for side in ('pred', 'gt')
    )
    for form in (pred_form, gt_form):
        check_encoding_name(form['encoding'])
    if metric.protocol.pixels == 'human' and args.mask is None:
        raise ValueError('human pixels need --mask; or take --pixels all')
    truths = files_by_stem(args.gt, MAP_SUFFIXES)
    preds = files_by_stem(args.pred, MAP_SUFFIXES)
    masks = files_by_stem(args.mask, MASK_SUFFIXES) if args.mask else {}

    def load(path: Path, mask: np.ndarray | None, form: dict) -> torch.Tensor:
        values, known = read_known(str(path), kind, form)
        people = known
        if mask is not None:
            size_wh = values.shape[1::-1]  # predictions may have their own
            resized = cv2.resize(mask, size_wh, interpolation=cv2.INTER_NEAREST)
            people = known & (resized > 0)
        if kind.turns or form is gt_form:  # wild depth of a model is its error
            check_encoding(
                str(path), values, people, kind, form, any_length=form is pred_form
            )
        if form is gt_form:
            values[~known] = 0
            if kind.turns:
                lengths = np.linalg.norm(values[people], axis=1)
                values /= _unit_length(lengths)
        values = values[None] if values.ndim == 2 else values.transpose(2, 0, 1)
        return torch.from_numpy(np.ascontiguousarray(values))

    failed = []
    for stem, truth in tqdm(truths.items(), unit='image', disable=None):
        try:
            if stem not in preds:
                raise ValueError(f'{args.pred} has no prediction {stem}')
            if masks and stem not in masks:
                raise ValueError(f'{args.mask} has no mask {stem}')
            mask = read_mask(masks[stem], args.mask_threshold) if masks else None
            target = load(truth, mask, gt_form)
            pred = load(preds[stem], mask, pred_form)
            if mask is not None:
                mask = torch.from_numpy(mask)
            metric.add(stem, pred, target, mask)
        except (ValueError, OSError) as error:
            failed.append(str(error))
    surplus = len(preds.keys() - truths.keys())
    if surplus:
        print(f'eval_maps: {surplus} predictions have no ground truth', file=sys.stderr)
    failed += [
        f'{r["name"]}: {r["left_out"]}' for r in metric.results if 'left_out' in r
    ]
    return failed


def _unit_length(lengths: np.ndarray) -> float:
    """Return what vectors are divided by: 1 if they are about unit vectors."""
    median = float(np.median(lengths)) if len(lengths) else 1.0
    return 1.0 if 0.5 <= median <= 2 else median


@command('eval_maps')
def main(argv: Sequence[str] | None = None) -> int:
    """Score; 0 if all went well, 1 if in part, 2 after a sentence."""
    args = parse_args(argv)
    hosts.require('mmseg')
    metric = build_metric(args)
    failed = score(args, metric)
    for line in failed[:NAMED]:
        print(f'eval_maps: {line}', file=sys.stderr)
    if len(failed) > NAMED:
        print(f'eval_maps: and {len(failed) - NAMED} more', file=sys.stderr)
    figures, report = metric.summarise(metric.results)
    print(report + '\n')
    for name, value in figures.items():
        shown = f'{value:.6g}' if isinstance(value, float) else value
        print(f'{args.task}/{name} {shown}')
    return 1 if failed else 0
