"""Samples of a data set as the model gets them, drawn."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import sapiens_mm  # before the hosts: it patches them
from sapiens_mm.browse.drawing import GAP, Drawing, leaves, shrink, transforms_of
from sapiens_mm.browse.maps import MAPS
from sapiens_mm.browse.parts import PARTS
from sapiens_mm.browse.pose import POSE
from sapiens_mm.browse.request import BrowseRequest
from sapiens_mm.files import write_image
from sapiens_mm.visualization import contact_sheet

# class of a sample, or a field that it has -> how it is drawn
KINDS = {'PoseDataSample': POSE, 'gt_sem_seg': PARTS, 'gt_map': MAPS}


class RejectionCounter:
    """Counts the samples that ``SapiensMinKeypoints`` rejects from now on."""

    def __init__(self, transforms: list) -> None:
        self.total = 0
        for step in transforms:
            if type(step).__name__ == 'SapiensMinKeypoints':  # mmpose may be absent
                step.transform = self._counted(step.transform)

    def _counted(self, transform: Callable) -> Callable:
        def counted(results: dict) -> dict | None:
            kept = transform(results)
            self.total += kept is None
            return kept

        return counted


def take_samples(dataset: Any, indices: Sequence[int], rejected: RejectionCounter):
    """Yield packed samples.

    Raises:
        ValueError: If the data set finds none that has enough keypoints.
    """
    for index in indices:
        before = rejected.total
        try:
            packed = dataset[int(index)]
        except Exception as error:
            if rejected.total - before < 1000:  # so often mmengine draws another one
                raise
            raise ValueError(
                f'SapiensMinKeypoints rejected {rejected.total - before} samples in a '
                'row; lower its min_keypoints'
            ) from error
        yield packed


def kind_of(sample: Any) -> str:
    """Return the key of ``KINDS`` that a sample goes by.

    Raises:
        ValueError: If it cannot be drawn.
    """
    names = [type(sample).__name__, *getattr(sample, 'keys', list)()]
    for name in names:
        if name in KINDS:
            return name
    fields = f' with {", ".join(names[1:])}' if names[1:] else ''
    raise ValueError(
        f'samples of type {names[0]}{fields} cannot be drawn yet, only those of '
        f'{", ".join(KINDS)}'
    )


def draw_samples(packed_samples: Any, dataset: Any) -> Iterator[tuple[str, Drawing]]:
    """Draw packed samples of a data set.

    Yields:
        The kind and the drawing of each.

    Raises:
        ValueError: For a kind that cannot be drawn.
    """
    for packed in packed_samples:
        sample = packed['data_samples']
        kind = kind_of(sample)
        image = np.ascontiguousarray(packed['inputs'].numpy().transpose(1, 2, 0))
        yield kind, KINDS[kind].draw(image, sample, dataset)


def choose(length: int, count: int, split: str) -> np.ndarray:
    """Return indices: of training at random and repeating if need be, else the first.

    Args:
        length: Of the data set.
        count: How many are wanted.
        split: One of ``SPLITS``.
    """
    if split != 'train':
        return np.arange(min(count, length))
    rounds = math.ceil(count / length)
    order = [np.random.permutation(length) for _ in range(rounds)]
    return np.concatenate(order)[:count]


def build(cfg: Any, split: str) -> Any:
    """Build the data set of a split.

    Raises:
        ValueError: If the split or its files are not there, or it is empty.
    """
    from mmengine.registry import DATASETS, init_default_scope

    loader = cfg.get(f'{split}_dataloader')
    if loader is None:
        raise ValueError(f'{cfg.filename} has no {split}_dataloader')
    init_default_scope(cfg.get('default_scope') or 'mmengine')
    try:
        dataset = DATASETS.build(loader.dataset)
    except AssertionError as error:  # how mmpose says that a file is not there
        raise ValueError(str(error)) from error
    if not len(dataset):
        raise ValueError(f'the {split} data set is empty')
    return dataset


def draw_split(cfg: Any, split: str, count: int, folder: Path, seed: int) -> str:
    """Draw samples of one split.

    Args:
        cfg: The config.
        split: One of ``SPLITS``.
        count: How many samples.
        folder: For the images.
        seed: Of the choice of samples and of the augmentations.

    Returns:
        What there is to say.

    Raises:
        ValueError: If the split is not there, or cannot be drawn.
    """
    from sapiens_mm.engine.epoch_seed_hook import seed_everything

    seed_everything(seed)
    dataset = build(cfg, split)
    rejected = RejectionCounter(transforms_of(dataset))
    samples = take_samples(dataset, choose(len(dataset), count, split), rejected)
    small: list[Drawing] = []
    by_kind: dict[str, list[Drawing]] = {}
    for number, (kind, drawing) in enumerate(draw_samples(samples, dataset)):
        write_image(folder / f'{number:04d}.png', drawing.image)
        small.append(dataclasses.replace(drawing, image=shrink(drawing.image)))
        by_kind.setdefault(kind, []).append(small[-1])
    cells = [drawing.image for drawing in small]
    captions = [drawing.caption for drawing in small]
    write_image(folder / 'sheet.png', contact_sheet(cells, captions, GAP))
    lines = [f'{len(small)} samples of {len(dataset)} in {split}']
    lines += [KINDS[kind].summarize(some, dataset) for kind, some in by_kind.items()]
    if 'PoseDataSample' in by_kind:
        lines.append(f'{rejected.total} samples rejected by SapiensMinKeypoints')
    bad = sum(getattr(leaf, 'num_bad', 0) for leaf in leaves(dataset))
    if bad:
        lines.append(f'{bad} bad samples skipped')
    return '\n'.join([*lines, str(folder / 'sheet.png')])


def browse(request: BrowseRequest) -> str:
    """Draw what is asked for; return what there is to say.

    Raises:
        ValueError: If the split is not there, or cannot be drawn.
    """
    from mmengine.config import Config

    from sapiens_mm import hosts
    from sapiens_mm.data.bad_samples import skip_bad_samples
    from sapiens_mm.engine.config_options import merge_options, read_options

    cfg = Config.fromfile(sapiens_mm.config_path(request.config))
    hosts.require(cfg.get('default_scope') or 'mmengine')
    merge_options(cfg, read_options(request.cfg_options))
    if request.skip_bad:
        skip_bad_samples(cfg)
    return draw_split(cfg, request.split, request.count, request.folder, request.seed)
