"""Find a table by its size or name."""

from .body_parts import PART_TABLES
from .coco import COCO17, WHOLEBODY133
from .goliath308 import GOLIATH308
from .schema import KeypointTable, PartTable

_KEYPOINT_TABLES = {
    table.num_keypoints: table for table in (COCO17, WHOLEBODY133, GOLIATH308)
}


def keypoint_table(num_keypoints: int) -> KeypointTable:
    """Return the keypoint vocabulary of a model.

    Args:
        num_keypoints: K of the model: 17 (COCO), 133 (COCO-WholeBody) or 308 (Goliath).

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
