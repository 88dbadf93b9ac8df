"""Keypoint vocabularies and segmentation classes as plain data. Needs: nothing.

Colours are RGB. ``goliath308`` and ``body_parts`` hold more than is named here: source
ids, dataset metadata for mmpose, maps from other data sets' classes.
"""

from .body_parts import CIHP20, FACE19, GOLIATH28, LIP20
from .coco import COCO17, WHOLEBODY133
from .from_metainfo import (
    guess_keypoints,
    keypoint_table_from_metainfo,
    numbered_keypoints,
    numbered_parts,
    part_table_from_metainfo,
)
from .goliath308 import GOLIATH308
from .lookup import find_keypoint_table, keypoint_table, part_table
from .schema import RGB, KeypointTable, PartTable

__all__ = [
    'RGB',
    'CIHP20',
    'COCO17',
    'FACE19',
    'GOLIATH28',
    'GOLIATH308',
    'LIP20',
    'WHOLEBODY133',
    'KeypointTable',
    'PartTable',
    'find_keypoint_table',
    'guess_keypoints',
    'keypoint_table',
    'keypoint_table_from_metainfo',
    'numbered_keypoints',
    'numbered_parts',
    'part_table',
    'part_table_from_metainfo',
]
