"""Which keypoints or classes a model speaks. Needs mmengine, and the config's host.

The one place that answers it, for training checks, inferencers, drawing and saving:

1. what the config's data sets state: ``metainfo``, or the ``parts`` of ours;
2. ``part_table`` of a config of ours, then what the class of a data set states;
3. ``dataset_meta`` of the checkpoint;
4. else numbers, with generated colours, and no links or mirror images.

Training is asked first, then validation and test: a model speaks what it learnt.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from mmengine.config import Config
from mmengine.registry import DATASETS

from sapiens_mm import hosts
from sapiens_mm.tables import (
    KeypointTable,
    PartTable,
    keypoint_table_from_metainfo,
    numbered_keypoints,
    numbered_parts,
    part_table,
    part_table_from_metainfo,
)

LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
_MAX_META_TEXT = 5_000_000  # characters; names, links and colours take less

# one of these is in what names keypoints or classes
_NAMING = {'keypoint_info', 'keypoint_id2name', 'classes'}

Meta = Mapping[str, Any] | str | None
T = TypeVar('T', KeypointTable, PartTable)


class VocabularyWarning(UserWarning):
    """Nothing names the keypoints or classes of a model, so they are numbered."""


def keypoints_of(
    config: Config,
    num_keypoints: int,
    dataset_meta: Meta | Callable[[], Meta] = None,
) -> KeypointTable:
    """Return the keypoint vocabulary of a model.

    Args:
        config: Of the model, with its data sets if it has any.
        num_keypoints: K, the channels of its head.
        dataset_meta: ``meta['dataset_meta']`` of its checkpoint, as a dict or as JSON;
            or what returns it, called only if the config does not tell.

    Returns:
        A table of K keypoints. A numbered one raises a warning.

    Raises:
        ValueError: If what is stated cannot be, or is of another number of keypoints.
    """
    for stated in _stated(config):
        table = _read(stated, _keypoints, num_keypoints, 'keypoints')
        if table is not None:
            return table
    return _from_checkpoint(
        dataset_meta, keypoint_table_from_metainfo, num_keypoints, 'keypoints'
    ) or _numbered(numbered_keypoints(num_keypoints), 'keypoints', 'links')


def parts_of(
    config: Config,
    num_classes: int,
    dataset_meta: Meta | Callable[[], Meta] = None,
) -> PartTable:
    """Return the classes of a segmentation model.

    Args:
        config: As in :func:`keypoints_of`.
        num_classes: C, the channels of its head.
        dataset_meta: As in :func:`keypoints_of`.

    Returns:
        A table of C classes. A numbered one raises a warning.

    Raises:
        ValueError: As :func:`keypoints_of`.
    """
    stated = list(_stated(config))
    if name := config.get('part_table'):
        own = Stated(f'part_table {name!r}', part_table(name).metainfo(), True)
        stated.sort(key=lambda each: not each.explicit)  # stable
        first_class = sum(each.explicit for each in stated)
        stated.insert(first_class, own)
    for each in stated:
        table = _read(each, part_table_from_metainfo, num_classes, 'classes')
        if table is not None:
            return table
    return _from_checkpoint(
        dataset_meta, part_table_from_metainfo, num_classes, 'classes'
    ) or _numbered(numbered_parts(num_classes), 'classes', 'colours')


@dataclass(frozen=True)
class Stated:
    """What a config says of a vocabulary.

    Attributes:
        where: The key that says it.
        metainfo: As the data set takes it.
        explicit: The config says it, not the class of the data set: then it must fit.
    """

    where: str
    metainfo: Mapping[str, Any]
    explicit: bool


def stated_metainfo(config: Config) -> list[Stated]:
    """Return all that the data sets of a config state, training first."""
    return list(_stated(config))


def _stated(config: Config) -> Iterator[Stated]:
    scope = config.get('default_scope') or 'mmengine'
    with hosts.scope(scope):
        # a list, so that the scope is closed before the caller gets anything
        found = [
            each
            for key in LOADERS
            if isinstance(loader := config.get(key), Mapping)
            for each in _of_dataset(loader.get('dataset'), key, inside=False)
        ]
    yield from sorted(found, key=lambda each: not each.explicit)  # stable


def _of_dataset(dataset: Any, where: str, inside: bool) -> Iterator[Stated]:
    """Yield what a data set states, and those that it wraps."""
    if not isinstance(dataset, Mapping):
        return
    kind = class_of(dataset.get('type'))
    own = dataset.get('metainfo')
    of_class = getattr(kind, 'METAINFO', None) or {}
    if hasattr(kind, 'metainfo_for'):
        yield Stated(where, kind.metainfo_for(dataset), bool(own) and not inside)
    elif isinstance(own, Mapping) and own:
        yield Stated(where, _completed(own, of_class), not inside)
    elif of_class:
        yield Stated(where, of_class, False)
    wrapped = dataset.get('datasets') or [dataset.get('dataset')]
    for each in wrapped:
        yield from _of_dataset(each, where, inside or bool(own))


def class_of(kind: Any) -> type | None:
    """Return the class that a data set's ``type`` names; None if there is none."""
    if not isinstance(kind, str):
        return kind if isinstance(kind, type) else None
    with DATASETS.switch_scope_and_registry(None) as registry:
        try:
            return registry.get(kind)
        # a config may name what is not installed here
        except (KeyError, RuntimeError, ImportError):
            return None


def _completed(own: Mapping[str, Any], of_class: Mapping[str, Any]) -> dict:
    """Do as mmengine and mmseg: read lists of files, pick colours of a subset."""
    own = dict(own)
    classes = own.get('classes')
    if isinstance(classes, str) and Path(classes).is_file():
        own['classes'] = Path(classes).read_text(encoding='utf-8-sig').splitlines()
    known = dict(
        zip(of_class.get('classes', ()), of_class.get('palette', ()), strict=False)
    )
    classes = own.get('classes')
    if 'palette' not in own and classes and set(classes) <= set(known):
        own['palette'] = [known[name] for name in classes]
    return own


def _keypoints(metainfo: Mapping[str, Any]) -> KeypointTable:
    """Read what mmpose's data sets take, a file of theirs included."""
    if 'from_file' in metainfo:
        from mmpose.datasets.datasets.utils import parse_pose_metainfo

        # not that it took its own copy of the file
        with hosts.PROCESS_STATE, warnings.catch_warnings():
            warnings.simplefilter('ignore')
            try:
                metainfo = parse_pose_metainfo(dict(metainfo))
            except (AssertionError, KeyError, OSError, AttributeError) as error:
                raise ValueError(
                    f'{metainfo["from_file"]} is no metainfo of mmpose ({error!r})'
                ) from error
    return keypoint_table_from_metainfo(metainfo)


def _read(stated: Stated, read: Callable[[Any], T], count: int, what: str) -> T | None:
    try:
        table = read(stated.metainfo)
    except ValueError as error:
        if stated.explicit:
            raise ValueError(f'metainfo of {stated.where}: {error}') from error
        return None
    found = len(table.names)
    if found == count:
        return table
    if stated.explicit:
        raise ValueError(f'{stated.where} has {found} {what}, the model {count}')
    return None


def _from_checkpoint(
    meta: Meta | Callable[[], Meta],
    read: Callable[[Any], T],
    count: int,
    what: str,
) -> T | None:
    meta = dataset_meta_of(meta() if callable(meta) else meta)
    if not names_something(meta):
        return None
    try:
        table = read(meta)
    except ValueError as error:
        raise ValueError(f'dataset_meta of the checkpoint: {error}') from error
    if len(table.names) != count:
        raise ValueError(
            f'dataset_meta of the checkpoint names {len(table.names)} {what}, its '
            f'tensors have {count}: give a --config whose metainfo names them'
        )
    return table


def dataset_meta_of(meta: Meta) -> Mapping[str, Any] | None:
    """Return a checkpoint's ``dataset_meta`` as a dict; files of tensors hold JSON.

    Raises:
        ValueError: If it is text that is no JSON object, or far too long.
    """
    if isinstance(meta, str):
        try:
            if len(meta) > _MAX_META_TEXT:
                raise ValueError(f'it has {len(meta)} characters')
            meta = json.loads(meta)
        except (ValueError, RecursionError) as error:
            raise ValueError(f'dataset_meta of the checkpoint: {error}') from None
    return meta if isinstance(meta, Mapping) else None


def names_something(meta: Meta) -> bool:
    """Tell whether a ``dataset_meta`` names keypoints or classes at all."""
    return bool(_NAMING & set(dataset_meta_of(meta) or ()))


def _numbered(table: T, what: str, lacking: str) -> T:
    warnings.warn(
        f'neither config nor checkpoint name the {len(table.names)} {what}: they are '
        f'numbered, {"without links" if lacking == "links" else "in generated colours"}'
        ' and without mirror images',
        VocabularyWarning,
        stacklevel=4,
    )
    return table
