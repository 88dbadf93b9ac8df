"""What a pose training is checked for before it starts; see ``engine.start``."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mmpose.models.heads import HeatmapHead, RTMCCHead, SimCCHead
from mmpose.registry import MODELS

from sapiens_mm.data.files import read_json
from sapiens_mm.engine.start_notes import data_of, metrics_of
from sapiens_mm.pose.annotation_check_hook import (
    SapiensAnnotationCheckHook,
    check_sources,
)
from sapiens_mm.pose.annotation_sources import (
    Leaf,
    Source,
    argument,
    class_name,
    config_leaves,
    evaluation_of,
    file_keypoints,
    read_source,
    sources_of,
)
from sapiens_mm.pose.bbox_file import check_bbox_file, fit_bbox_file
from sapiens_mm.pose.heatmap_head import SapiensHeatmapHead
from sapiens_mm.pose.metric_figures import figures_of
from sapiens_mm.pose.min_keypoints import SapiensMinKeypoints
from sapiens_mm.pose.start_vocabulary import Spoken, spoken_by

if TYPE_CHECKING:
    from sapiens_mm.engine.start_notes import StartNotes

_TOPK_OFFICIAL = (128, 308)  # the worst so many of so many keypoints are trained on

_LARGE = 30_000_000  # bytes; the check of a file takes a second for each four million

__all__ = ['check_files', 'figures_of', 'fit_config']


def fit_config(start: StartNotes) -> None:
    """Compare the keypoints of model, data sets and metrics; fit what is inherited.

    Raises:
        ValueError: If they cannot go together; one sentence.
    """
    head = _head(start.cfg)
    for key, dataset in data_of(start.cfg):
        spoken = spoken_by(key, dataset)
        if spoken is None:
            continue
        _check_number(start, key, spoken, head)
        _check_steps(start, key, spoken, dataset)
        if key == 'train_dataloader':
            start.task = f'{spoken.num_keypoints} keypoints'
            _check_mirrors(start, spoken, dataset)
            _fit_loss(start, head, spoken.num_keypoints)
        else:
            fit_bbox_file(start, dataset)
    _fit_metric_files(start)


def _head(cfg: Any) -> Mapping | None:
    """Return the config of the keypoints' head, one of those whose K we can read."""
    head = (cfg.get('model') or {}).get('head')
    if isinstance(head, Mapping) and isinstance(head.get('pose'), Mapping):
        head = head['pose']  # of several tasks
    if not isinstance(head, Mapping) or not isinstance(head.get('type'), str):
        return None
    with MODELS.switch_scope_and_registry(None) as registry:
        kind = registry.get(head['type'])
    known = (HeatmapHead, SapiensHeatmapHead, SimCCHead, RTMCCHead)
    decoder = head.get('decoder') or {}
    combined = (
        isinstance(decoder, Mapping) and decoder.get('heatmap_type') == 'combined'
    )
    return head if kind in known and not combined else None


def _check_number(
    start: StartNotes, key: str, spoken: Spoken, head: Mapping | None
) -> None:
    """Compare the number of keypoints of a data set with that of the model."""
    if head is None:
        return
    found = channels = head.get('out_channels')
    if key == 'val_dataloader':
        if any(_converts(metric) for metric in metrics_of(start.cfg)):
            return  # a metric of common keypoints
        chosen = (start.cfg.model.get('test_cfg') or {}).get('output_keypoint_indices')
        found = len(chosen) if chosen else found
    if found != spoken.num_keypoints:
        hint = '' if spoken.stated else '; metainfo of the data set names others'
        raise ValueError(
            f'model.head.out_channels is {channels}, {key} has '
            f'{spoken.num_keypoints} keypoints{hint}'
        )


def _converts(metric: Mapping) -> bool:
    names = ('common_keypoints', 'pred_converter', 'gt_converter')
    return any(metric.get(name) for name in names)


def _check_steps(start: StartNotes, key: str, spoken: Spoken, dataset: Mapping) -> None:
    for step in _steps_of(dataset):
        if class_name(step) != SapiensMinKeypoints.__name__:
            continue
        asked = argument(step, 'min_keypoints')
        if isinstance(asked, int) and asked > spoken.num_keypoints:
            raise ValueError(
                f'SapiensMinKeypoints of {key} asks for {asked} of '
                f'{spoken.num_keypoints} keypoints, which no sample has; '
                'min_keypoints=None takes a quarter of them'
            )


def _steps_of(dataset: Mapping) -> Iterator[Any]:
    """Yield the transforms of a data set and of those inside."""
    yield from dataset.get('pipeline') or ()
    inner = dataset.get('datasets') or [dataset.get('dataset')]
    for each in inner:
        if isinstance(each, Mapping):
            yield from _steps_of(each)


def _check_mirrors(start: StartNotes, spoken: Spoken, dataset: Mapping) -> None:
    """Say so if images are mirrored, and left and right have no mirror images."""
    mirrored = [
        name
        for name, used in (
            (
                'RandomFlip of the training',
                any(class_name(step) == 'RandomFlip' for step in _steps_of(dataset)),
            ),
            (
                'flip_test of the model',
                (start.cfg.model.get('test_cfg') or {}).get('flip_test'),
            ),
        )
        if used
    ]
    pairs = [
        (name, twin)
        for name, mirror in zip(spoken.names, spoken.flip_indices, strict=True)
        if spoken.names[mirror] == name
        and name.lower() != (twin := _other_side(name.lower()))
        and twin in {each.lower() for each in spoken.names}
    ]
    if mirrored and pairs:
        name, twin = pairs[0]
        start.remark(
            f'{name!r} has no mirror image (swap) although there is {twin!r}: '
            f'{" and ".join(mirrored)} would take one for the other'
        )


def _other_side(name: str) -> str:
    """Return the name with left and right exchanged."""
    if 'left' in name:
        return name.replace('left', 'right')
    return name.replace('right', 'left')


def _fit_loss(start: StartNotes, head: Mapping | None, num_keypoints: int) -> None:
    """Ask a loss of the worst keypoints for no more than there are."""
    loss = head.get('loss') if head else None
    topk = loss.get('topk') if isinstance(loss, Mapping) else None
    if not isinstance(topk, int) or topk <= num_keypoints:
        return
    if not start.inherited('model.head.loss.topk', topk):
        raise ValueError(
            f'model.head.loss.topk is {topk}, there are {num_keypoints} keypoints'
        )
    worst, of = _TOPK_OFFICIAL
    loss['topk'] = max(1, round(num_keypoints * worst / of))
    start.remark(
        f'model.head.loss.topk={topk} is inherited and more than the {num_keypoints} '
        f'keypoints: the worst {loss["topk"]} are trained on, the same share'
    )


def _fit_metric_files(start: StartNotes) -> None:
    """Give a metric the data set's annotations if its own file is not there."""
    val = dict(data_of(start.cfg)).get('val_dataloader')
    for metric in metrics_of(start.cfg):
        path = metric.get('ann_file')
        if val is None or not path or '://' in path or os.path.exists(path):
            continue
        own = os.path.join(val.get('data_root') or '', val.get('ann_file') or '')
        if not (val.get('ann_file') and os.path.exists(own)):
            continue  # that of the data set will be missed first
        if not start.inherited('val_evaluator.ann_file', path):
            raise ValueError(
                f'ann_file of val_evaluator does not exist: {path}; that of '
                f'val_dataloader is {own}'
            )
        metric['ann_file'] = own
        start.remark(
            f'ann_file of val_evaluator is inherited and does not exist ({path}): that '
            f'of val_dataloader is taken, {own}'
        )


def check_files(start: StartNotes) -> None:
    """Check every annotation file, and the boxes of detectors.

    Raises:
        ValueError: If one is wrong; one sentence.
        OSError: If one cannot be read.
    """
    datasets = dict(data_of(start.cfg))
    leaves = {key: list(config_leaves(each)) for key, each in datasets.items()}
    train, val = (leaves.get(f'{split}_dataloader', []) for split in ('train', 'val'))
    metrics = list(metrics_of(start.cfg))
    sources = sources_of(train, val, metrics, _checks_images(start.cfg))
    for path in {source.path for source in sources if isinstance(source, Source)}:
        if os.path.isfile(path) and os.path.getsize(path) > _LARGE:
            print(f'checking {path} …', flush=True)
    start.log_lines += check_sources(sources)
    for source in sources:
        if isinstance(source, Source) and '://' not in source.path:
            for text in read_source(source).remarks():
                start.remark(text)
    for split, group in (('train', train), ('val', val)):
        counts = [_count(leaf, sources) for leaf in group]
        if counts and all(counts):
            start.counts[split] = '; '.join(counts)
    for leaf in val:
        boxes = getattr(leaf.dataset, 'bbox_file', None)
        if boxes and '://' not in boxes:
            check_bbox_file(boxes, leaf.dataset.ann_file)
    _compare_images(start, val)


def _checks_images(cfg: Any) -> bool:
    """Return what the hook of the config says, if it has it."""
    for hook in cfg.get('custom_hooks') or ():
        if class_name(hook) == SapiensAnnotationCheckHook.__name__:
            return argument(hook, 'check_images', True)
    return True


def _count(leaf: Leaf, sources: list[Source | Leaf]) -> str:
    """Say who is in a data set, and who is left out."""
    path = getattr(leaf.dataset, 'ann_file', None)
    for source in sources:
        if isinstance(source, Source) and source.path == path and '://' not in path:
            report = read_source(source)
            counts = report.counts
            people = f'{counts["used"]} people in {counts["images"]} images of {path}'
            left_out = report.left_out()
            return f'{people}; {left_out}' if left_out else people
    return ''


def _compare_images(start: StartNotes, val: list[Leaf]) -> None:
    """Compare the images of the validation with those of a metric's own file."""
    own = {
        os.path.abspath(leaf.dataset.ann_file): leaf.dataset.ann_file
        for leaf in val
        if file_keypoints(leaf.dataset)
    }
    for metric in metrics_of(start.cfg) if own else ():
        path = metric.get('ann_file')
        other = bool(path) and os.path.abspath(path) not in own
        if not other or evaluation_of(metric) is None:
            continue
        needed = set().union(*map(_annotated_images, own.values()))
        content = read_json(path)
        lacking = needed - {image['id'] for image in content['images']}
        names = ', '.join(own.values())
        if lacking:
            raise ValueError(
                f'ann_file of val_evaluator, {path}, does not list image '
                f'{min(lacking)} of val_dataloader, {names} ({len(lacking)} images '
                'are missing there); None takes the file of the data set'
            )
        unseen = _annotated_images(path) - needed
        if unseen:
            start.remark(
                f'ann_file of val_evaluator, {path}, has people in {len(unseen)} '
                f'images that val_dataloader, {names}, has not: nobody will be found '
                'there, and AP will be low'
            )


def _annotated_images(path: str) -> set[int]:
    return {record['image_id'] for record in read_json(path)['annotations']}
