"""What a training of parts is checked for before it starts; see ``engine.start``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mmengine.registry import METRICS
from mmseg.datasets import BaseSegDataset

from sapiens_mm.engine.figures import Figures, full_name, with_prefix
from sapiens_mm.engine.start_notes import data_of
from sapiens_mm.tables import PartTable, part_table_from_metainfo
from sapiens_mm.tables.body_parts import PART_TABLES
from sapiens_mm.vocabulary import class_of

if TYPE_CHECKING:
    from sapiens_mm.engine.start_notes import StartNotes

_HEADS = ('decode_head', 'auxiliary_head')
_OTHER_COUNTS = (
    'STDCHead',
    'SideAdapterCLIPHead',
)  # their num_classes is another thing
_MEANS = {
    'mIoU': ('mIoU', 'mAcc'),
    'mDice': ('mDice', 'mAcc'),
    'mFscore': ('mFscore', 'mPrecision', 'mRecall'),
}


def fit_config(start: StartNotes) -> None:
    """Compare the classes of model, losses and data sets; fit what is inherited.

    Raises:
        ValueError: If they cannot go together; one sentence.
    """
    for key, dataset in data_of(start.cfg):
        table = table_of(key, dataset)
        if table is None:
            continue
        classes = table.classes
        for where, head in _heads(start.cfg):
            _check_number(key, classes, where, head)
        if key == 'train_dataloader':
            start.task = f'{len(classes)} classes'
            for where, head in _heads(start.cfg):
                _fit_weights(start, len(classes), where, head)
            for step in _steps_of(dataset):
                if 'swap_seg_labels' in step:
                    _fit_swap(start, table, step)


def table_of(key: str, dataset: Mapping[str, Any]) -> PartTable | None:
    """Return the classes of a data set; None if it is not one of mmseg's.

    Args:
        key: Where it stands in the config, for messages.
        dataset: Its config. Needs the default scope of the whole.

    Raises:
        ValueError: If the classes cannot be: two of one name, more than 255.
    """
    # wrappers want the same metadata of all inside, so the first speaks
    inner = dataset.get('datasets') or [dataset.get('dataset')]
    if isinstance(inner[0], Mapping):
        return table_of(key, inner[0])
    kind = class_of(dataset.get('type'))
    if kind is None or not issubclass(kind, BaseSegDataset):
        return None
    if hasattr(kind, 'metainfo_for'):
        try:
            metainfo = kind.metainfo_for(dataset)
            return part_table_from_metainfo(metainfo)
        except ValueError as error:
            raise ValueError(f'metainfo of {key}: {error}') from error
    stated = (dataset.get('metainfo') or {}).get('classes')
    classes = stated or kind.METAINFO.get('classes')
    if not isinstance(classes, (list, tuple)):
        return None
    # a host's may be more than our labels hold
    return PartTable(kind.__name__, tuple(classes), (), None, (), mirrors_known=False)


def _heads(cfg: Any) -> Iterator[tuple[str, dict]]:
    """Yield the heads of a model and where they stand."""
    for name in _HEADS:
        heads = (cfg.get('model') or {}).get(name)
        several = isinstance(heads, (list, tuple))
        for n, head in enumerate(heads if several else [heads]):
            if isinstance(head, dict) and head.get('type') not in _OTHER_COUNTS:
                yield f'model.{name}' + (f'[{n}]' if several else ''), head


def _check_number(
    key: str, classes: Sequence[str], where: str, head: Mapping[str, Any]
) -> None:
    count = head.get('num_classes')
    if 'num_classes' in head and count != len(classes):
        raise ValueError(
            f'{where}.num_classes is {count}, {key} has {len(classes)} classes'
        )


def _fit_weights(
    start: StartNotes, count: int, where: str, head: dict[str, Any]
) -> None:
    """Leave out inherited weights of other classes."""
    losses = head.get('loss_decode')
    for loss in losses if isinstance(losses, (list, tuple)) else [losses]:
        weights = loss.get('class_weight') if isinstance(loss, dict) else None
        if not isinstance(weights, (list, tuple)) or len(weights) == count:
            continue
        if not start.inherited.anywhere('class_weight', weights):
            raise ValueError(
                f'{where}.loss_decode.class_weight has {len(weights)} weights, there '
                f'are {count} classes'
            )
        loss['class_weight'] = None
        start.remark(
            f'{where}.loss_decode.class_weight is inherited and of {len(weights)} '
            f'classes: the {count} weigh alike'
        )


def _steps_of(dataset: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the transforms of a data set and of those inside."""
    yield from (step for step in dataset.get('pipeline') or () if 'type' in step)
    inner = dataset.get('datasets') or [dataset.get('dataset')]
    for each in inner:
        if isinstance(each, Mapping):
            yield from _steps_of(each)


def _fit_swap(start: StartNotes, table: PartTable, step: dict[str, Any]) -> None:
    """See that a mirrored image gets the labels of its own classes.

    Raises:
        ValueError: If pairs name ids that there are not, or may be of other classes.
    """
    given = step.get('swap_seg_labels')
    pairs = tuple(tuple(pair) for pair in given or ())
    classes, own = table.classes, _own_pairs(table)
    if not given:
        if own:
            first, second = (classes[c] for c in own[0])
            start.remark(
                f'RandomFlip mirrors images, and swap_seg_labels is {given}: '
                f'{first!r} and {second!r} keep their labels'
            )
        return
    outside = [c for pair in pairs for c in pair if c not in range(len(classes))]
    if not start.inherited.anywhere('swap_seg_labels', given):
        if outside:
            raise ValueError(
                f'swap_seg_labels of RandomFlip names class {outside[0]}, there are '
                f'{len(classes)}: 0 to {len(classes) - 1}'
            )
        return
    origin = [t for t in PART_TABLES.values() if t.swap_pairs == pairs]
    if any(t.classes == classes for t in origin) or pairs == own:
        return
    if any(t.num_classes == len(classes) for t in origin) and not own:
        name = next(t.name for t in origin if t.num_classes == len(classes))
        raise ValueError(
            f'swap_seg_labels of RandomFlip is inherited from {name}, whose classes '
            'are others: state it, None if no classes trade places in a mirror'
        )
    step['swap_seg_labels'] = [list(pair) for pair in own] or None
    named = ', '.join(f'{classes[a]}/{classes[b]}' for a, b in own)
    start.remark(
        'swap_seg_labels of RandomFlip is inherited and of other classes: '
        + (f'{named} trade places in a mirror' if own else 'no classes trade places')
    )


def _own_pairs(table: PartTable) -> tuple[tuple[int, int], ...]:
    """Return the pairs of classes that are one another's left and right."""
    if table.mirrors_known:
        return table.swap_pairs
    ids = {name.lower(): c for c, name in enumerate(table.classes)}
    return tuple(
        (c, ids[twin])
        for name, c in ids.items()
        if 'left' in name and (twin := name.replace('left', 'right')) in ids
    )


def figures_of(start: StartNotes, metric: Mapping[str, Any]) -> Figures | None:
    """Return the figures of mmseg's IoU metric and of ours; None for others."""
    with METRICS.switch_scope_and_registry(None) as registry:
        kind = registry.get(metric['type'])
    name = full_name(kind) if isinstance(kind, type) else ''
    ours = name == 'sapiens_mm.SapiensPartMetric'
    if not ours and name != 'mmseg.IoUMetric':
        return None
    if metric.get('format_only'):
        return Figures(())
    wanted = metric.get('iou_metrics', ['mIoU'])
    wanted = [wanted] if isinstance(wanted, str) else list(wanted)
    names = [mean for each in wanted for mean in _MEANS.get(each, ())]
    names.append('aAcc')
    patterns: list[str] = []
    if ours:
        if 'mIoU' in names:
            names.append('mIoU_foreground')
        if metric.get('boundary', True):
            names += ['mBIoU', 'mBIoU_foreground']
        if metric.get('per_class'):
            patterns = [f'{n.removeprefix("m")}/*' for n in names if n != 'aAcc']
    prefixed = with_prefix(metric, kind.default_prefix, tuple(dict.fromkeys(names)))
    return Figures(prefixed, with_prefix(metric, kind.default_prefix, tuple(patterns)))
