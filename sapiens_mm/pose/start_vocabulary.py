"""Which keypoints a data set speaks, by its config, and whether that can be."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mmpose
from mmengine.config import Config
from mmpose.datasets.datasets import BaseCocoStyleDataset
from mmpose.datasets.datasets.utils import parse_pose_metainfo

from sapiens_mm.pose.annotation_sources import argument, class_name
from sapiens_mm.tables import keypoint_table_from_metainfo, numbered_keypoints
from sapiens_mm.vocabulary import class_of

# what mmpose asserts, without a word, and what to write if there is nothing to say
_NEEDED = {
    'dataset_name': 'a name of your own',
    'keypoint_info': 'a name for each id from 0',
    'skeleton_info': '{} for no links',
    'joint_weights': '[1.0] * {count}',
    'sigmas': '[0.05] * {count}, of the OKS',
}


@dataclass(frozen=True)
class Spoken:
    """The keypoints of a data set's samples.

    Attributes:
        names: K names.
        flip_indices: K ids; entry k is the keypoint that k becomes in a mirror.
        stated: The config names them, not the class of the data set.
    """

    names: tuple[str, ...]
    flip_indices: tuple[int, ...]
    stated: bool

    @property
    def num_keypoints(self) -> int:
        """K."""
        return len(self.names)


def spoken_by(key: str, dataset: Mapping[str, Any]) -> Spoken | None:
    """Return the keypoints of a data set; None if it is not one of mmpose's.

    Args:
        key: Where it stands in the config, for messages.
        dataset: Its config. Needs the default scope of the whole.

    Raises:
        ValueError: If its metainfo cannot be: a mirror image or a link that points
            nowhere, two keypoints of one name, a list of another length.
    """
    stated = dataset.get('metainfo')
    inner = dataset.get('datasets') or [dataset.get('dataset')]
    if isinstance(inner[0], Mapping):
        return _read(key, stated) if stated else spoken_by(key, inner[0])
    kind = class_of(dataset.get('type'))
    if kind is None or not issubclass(kind, BaseCocoStyleDataset):
        return None
    for step in dataset.get('pipeline') or ():
        if class_name(step) == 'KeypointConverter':  # its names are the wrapper's
            table = numbered_keypoints(argument(step, 'num_keypoints'))
            return Spoken(table.names, table.flip_indices, True)
    if hasattr(kind, 'metainfo_for'):
        return _parsed(kind.metainfo_for(dataset), bool(dataset.get('num_keypoints')))
    if stated:
        return _read(key, stated)
    return _parsed(kind.METAINFO, False) if kind.METAINFO else None


def _read(key: str, metainfo: Mapping[str, Any]) -> Spoken:
    """Check what the config states, then read it as mmpose does."""
    file = metainfo.get('from_file')
    where = f'metainfo of {key}'
    if file is not None:
        if not Path(file).is_file() or _is_of_host(file):
            return _parsed(metainfo, True)
        where = f'{where} ({file})'
        metainfo = Config.fromfile(file).get('dataset_info')
        if not isinstance(metainfo, Mapping):
            raise ValueError(f'{where} has no dataset_info')
    info = metainfo.get('keypoint_info')
    count = len(info) if isinstance(info, (Mapping, list, tuple)) else 'K'
    missing = [name for name in _NEEDED if name not in metainfo]
    if missing:
        advice = _NEEDED[missing[0]].replace('{count}', str(count))
        raise ValueError(f'{where} has no {missing[0]}, which mmpose needs: {advice}')
    try:
        table = keypoint_table_from_metainfo(metainfo)
    except ValueError as error:
        raise ValueError(f'{where}: {error}') from error
    if not isinstance(info, Mapping) or list(info) != list(range(count)):
        raise ValueError(
            f'{where}: the keys of keypoint_info must be the integers from 0 to '
            f'{count - 1}, in order, for mmpose'
        )
    return Spoken(table.names, table.flip_indices, True)


def _is_of_host(file: str) -> bool:
    return Path(file).resolve().is_relative_to(Path(mmpose.__file__).resolve().parent)


def _parsed(metainfo: Mapping[str, Any], stated: bool) -> Spoken:
    with warnings.catch_warnings():  # that it takes its own copy of the file
        warnings.simplefilter('ignore')
        parsed = parse_pose_metainfo(dict(metainfo))
    names = tuple(parsed['keypoint_id2name'].values())
    return Spoken(names, tuple(parsed['flip_indices']), stated)
