"""Folders of depth or normal maps against their truth: the request and the work."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sapiens_mm  # noqa: F401  before the hosts: it patches them
from sapiens_mm import hosts

if TYPE_CHECKING:
    import numpy as np
    import torch

    from sapiens_mm.geometry.map_kinds import MapKind

NAMED = 20  # of the files that failed
_DEPTH = ('align', 'space', 'fit', 'clip', 'invert', 'pred_scale', 'gt_scale')
_ONLY = {
    'depth': (*_DEPTH, 'gt_invalid_value'),
    'normal': ('pred_axes', 'gt_axes', 'pred_encoding', 'gt_encoding'),
}


@dataclass(frozen=True)
class MapScoreRequest:
    """What ``sapiens eval-maps`` is asked to do.

    Attributes:
        task: ``'depth'`` or ``'normal'``.
        pred: Folder of predictions.
        gt: Folder of ground truth.
        mask: Folder of masks.
        mask_threshold: Masks are above it on people.
        pred_layer: Of EXR files, if it is not clear which one.
        gt_layer: The same of the ground truth.
        protocol: Name of a preset of ``geometry.protocols``.
        pixels: ``'human'`` or ``'all'``; None: as the preset, and so below.
        average: ``'per_image'`` or ``'pooled'``.
        out: JSON file for choices, figures and each image.
        align: Of depth: ``'none'``, ``'scale'`` or ``'scale_shift'``.
        space: Of depth: ``'depth'`` or ``'inverse'``.
        fit: Of depth: ``'least_squares'`` or ``'median'``.
        clip: Of depth: a number above 1, or ``'none'``.
        invert: Of depth: take 1 / prediction first.
        pred_scale: Of depth: factor of the stored predictions.
        gt_scale: Of depth: factor of the stored ground truth.
        gt_invalid_value: Of depth: number for "unknown" in the ground truth, as it is
            stored.
        pred_axes: Of normals, such as ``'opencv'``; None: ``'xyz'``.
        gt_axes: The same of the ground truth.
        pred_encoding: Of normals: ``'vector'`` or ``'rgb'``; None: rgb for PNG.
        gt_encoding: The same of the ground truth.

    Raises:
        ValueError: If an option is one of the other task.
    """

    task: str
    pred: Path
    gt: Path
    mask: Path | None = None
    mask_threshold: float = 0
    pred_layer: str | None = None
    gt_layer: str | None = None
    protocol: str = 'sapiens'
    pixels: str | None = None
    average: str | None = None
    out: Path | None = None
    align: str | None = None
    space: str | None = None
    fit: str | None = None
    clip: float | str | None = None
    invert: bool = False
    pred_scale: float | None = None
    gt_scale: float | None = None
    gt_invalid_value: float | None = None
    pred_axes: str | None = None
    gt_axes: str | None = None
    pred_encoding: str | None = None
    gt_encoding: str | None = None

    def __post_init__(self) -> None:
        """Refuse what the task does not have."""
        for task, names in _ONLY.items():
            given = [name for name in names if getattr(self, name) not in (None, False)]
            if given and task != self.task:
                option = f'--{given[0].replace("_", "-")}'
                raise ValueError(f'{option} is for {task} maps, not for {self.task}')


def build_metric(request: MapScoreRequest) -> Any:
    """Build the metric that the options describe.

    Raises:
        ValueError: For choices that it does not have.
    """
    from sapiens_mm.geometry import SapiensDepthMetric, SapiensNormalMetric

    names = ('pixels', 'average', 'align', 'space', 'fit', 'clip')
    given = {name: getattr(request, name) for name in names}
    choices = {name: value for name, value in given.items() if value is not None}
    if choices.get('clip') == 'none':
        choices['clip'] = None
    out_file = None if request.out is None else str(request.out)
    common = dict(protocol=request.protocol, out_file=out_file, **choices)
    if request.task == 'normal':
        return SapiensNormalMetric(
            pred_axes=request.pred_axes or 'xyz',
            gt_axes=request.gt_axes or 'xyz',
            **common,
        )
    if request.invert:
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


def score(request: MapScoreRequest, metric: Any) -> list[str]:
    """Compare all pairs, adding to the metric; return what went wrong, a line each."""
    import torch
    from tqdm import tqdm

    from sapiens_mm.geometry.map_files import (
        MAP_SUFFIXES,
        check_encoding_name,
        read_mask,
    )
    from sapiens_mm.geometry.map_kinds import map_kind
    from sapiens_mm.images import MASK_SUFFIXES

    kind = map_kind(request.task)
    fields = ('scale', 'encoding', 'layer', 'invalid_value')
    pred_form, gt_form = (
        {name: getattr(request, f'{side}_{name}', None) for name in fields}
        for side in ('pred', 'gt')
    )
    for form in (pred_form, gt_form):
        check_encoding_name(form['encoding'])
    if metric.protocol.pixels == 'human' and request.mask is None:
        raise ValueError('human pixels need --mask; or take --pixels all')
    truths = files_by_stem(request.gt, MAP_SUFFIXES)
    preds = files_by_stem(request.pred, MAP_SUFFIXES)
    masks = files_by_stem(request.mask, MASK_SUFFIXES) if request.mask else {}

    failed = []
    for stem, truth in tqdm(truths.items(), unit='image', disable=None):
        try:
            if stem not in preds:
                raise ValueError(f'{request.pred} has no prediction {stem}')
            if masks and stem not in masks:
                raise ValueError(f'{request.mask} has no mask {stem}')
            mask = read_mask(masks[stem], request.mask_threshold) if masks else None
            target = _load(truth, mask, kind, gt_form, is_truth=True)
            pred = _load(preds[stem], mask, kind, pred_form, is_truth=False)
            if mask is not None:
                mask = torch.from_numpy(mask)
            metric.add(stem, pred, target, mask)
        except (ValueError, OSError) as error:
            failed.append(str(error))
    surplus = len(preds.keys() - truths.keys())
    if surplus:
        print(f'note: {surplus} predictions have no ground truth', file=sys.stderr)
    failed += [
        f'{r["name"]}: {r["left_out"]}' for r in metric.results if 'left_out' in r
    ]
    return failed


def _load(
    path: Path, mask: np.ndarray | None, kind: MapKind, form: dict, is_truth: bool
) -> torch.Tensor:
    """Read a map as (C, H, W), checked as far as its side can be wrong."""
    import cv2
    import numpy as np
    import torch

    from sapiens_mm.geometry.map_encodings import check_encoding, read_known

    values, known = read_known(str(path), kind, form)
    people = known
    if mask is not None:
        size_wh = values.shape[1::-1]  # predictions may have their own
        resized = cv2.resize(mask, size_wh, interpolation=cv2.INTER_NEAREST)
        people = known & (resized > 0)
    if kind.turns or is_truth:  # wild depth of a model is its error
        check_encoding(str(path), values, people, kind, form, any_length=not is_truth)
    if is_truth:
        values[~known] = 0
        if kind.turns:
            lengths = np.linalg.norm(values[people], axis=1)
            values /= _unit_length(lengths)
    values = values[None] if values.ndim == 2 else values.transpose(2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(values))


def _unit_length(lengths: np.ndarray) -> float:
    """Return what vectors are divided by: 1 if they are about unit vectors."""
    import numpy as np

    median = float(np.median(lengths)) if len(lengths) else 1.0
    return 1.0 if 0.5 <= median <= 2 else median


def score_folders(request: MapScoreRequest) -> int:
    """Score, and print the figures; return 1 if some files could not be used.

    Raises:
        ValueError: For choices that there are not, or folders without a file.
    """
    hosts.require('mmseg')
    metric = build_metric(request)
    failed = score(request, metric)
    for line in failed[:NAMED]:
        print(f'failed: {line}', file=sys.stderr)
    if len(failed) > NAMED:
        print(f'failed: and {len(failed) - NAMED} more', file=sys.stderr)
    figures, report = metric.summarise(metric.results)
    print(report + '\n')
    for name, value in figures.items():
        shown = f'{value:.6g}' if isinstance(value, float) else value
        print(f'{request.task}/{name} {shown}')
    return 1 if failed else 0
