"""Find a table by its size, its name, or the names in it."""

from __future__ import annotations

from collections.abc import Sequence

from .body_parts import PART_TABLES
from .coco import COCO17, WHOLEBODY133
from .goliath308 import GOLIATH308
from .schema import KeypointTable, PartTable

_KEYPOINT_TABLES = {
    table.num_keypoints: table for table in (COCO17, WHOLEBODY133, GOLIATH308)
}


def keypoint_table(num_keypoints: int) -> KeypointTable:
    """Return one of the keypoint vocabularies of the released models.

    What a model speaks is told by ``sapiens_mm.vocabulary.keypoints_of``: a number of
    keypoints alone tells nothing of a model that somebody else has trained.

    Args:
        num_keypoints: 17 (COCO), 133 (COCO-WholeBody) or 308 (Goliath).

    Returns:
        The table.

    Raises:
        ValueError: If no vocabulary has that size.
    """
    if num_keypoints not in _KEYPOINT_TABLES:
        raise ValueError(
            f'no keypoint table for {num_keypoints!r} keypoints; '
            f'expected one of {sorted(_KEYPOINT_TABLES)}'
        )
    return _KEYPOINT_TABLES[num_keypoints]


def find_keypoint_table(names: Sequence[str]) -> KeypointTable | None:
    """Return the table that has just these names in this order, or None."""
    table = _KEYPOINT_TABLES.get(len(names))
    return table if table is not None and table.names == tuple(names) else None


def part_table(name: str) -> PartTable:
    """Return the classes of a segmentation model.

    Args:
        name: ``goliath28``, ``lip20``, ``cihp20`` or ``face19``.

    Returns:
        The table.

    Raises:
        ValueError: If no class set has that name.
    """
    if name not in PART_TABLES:
        raise ValueError(
            f'no part table {name!r}; expected one of {sorted(PART_TABLES)}'
        )
    return PART_TABLES[name]


def find_part_table(classes: Sequence[str]) -> PartTable | None:
    """Return the first table that has just these classes in this order, or None."""
    tables = PART_TABLES.values()
    return next((t for t in tables if t.classes == tuple(classes)), None)
