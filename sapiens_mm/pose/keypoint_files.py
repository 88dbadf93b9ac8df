"""How each keypoint vocabulary lies in the records of COCO-style files.

A vocabulary is told by its size: 17 COCO, 133 COCO-WholeBody, 308 Goliath; any other
number lies in ``keypoints``, as mmpose's data sets have it. Lists are flat: x1, y1, v1,
x2, … in pixels, and v either a visibility (0 not labelled, 1 labelled and hidden, 2
labelled and visible) or, in result files, a score.
``docs/goliath308_format.md`` describes the 308 files for their users.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sapiens_mm.tables import GOLIATH308, keypoint_table

# field -> number of keypoints in it; joined in this order they are the vocabulary
FIELDS = {
    17: {'keypoints': 17},
    133: {
        'keypoints': 17,
        'foot_kpts': 6,
        'face_kpts': 68,
        'lefthand_kpts': 21,
        'righthand_kpts': 21,
    },
    308: {'goliath_wholebody_kpts': 308},
}
# the same body parts once more, which Goliath's files hold beside the 308
PART_GROUPS = {
    'keypoints': 'body',
    'foot_kpts': 'foot',
    'face_kpts': 'face',
    'lefthand_kpts': 'left_hand',
    'righthand_kpts': 'right_hand',
}
# field of ``info.goliath_info`` -> group of ids in our table
INFO_GROUPS = {
    f'{group}_keypoint_ids': group
    for group in ('body', 'foot', 'face', 'left_hand', 'right_hand')
}
_WHOLEBODY_EXTRAS = {
    'foot_valid': 'foot_kpts',
    'face_valid': 'face_kpts',
    'lefthand_valid': 'lefthand_kpts',
    'righthand_valid': 'righthand_kpts',
}
_WHOLEBODY_BOXES = {
    'face_box': 'face_kpts',
    'lefthand_box': 'lefthand_kpts',
    'righthand_box': 'righthand_kpts',
}
KEYPOINT_FIELDS = frozenset(
    {'num_keypoints', 'goliath_wholebody_kpts'}
    | {*PART_GROUPS, *_WHOLEBODY_EXTRAS, *_WHOLEBODY_BOXES}
)
"""Fields of a record that change with its vocabulary."""

# area of a person over that of its box, where no segmentation tells; mmpose's number
AREA_SHARE = 0.53


def fields_of(num_keypoints: int) -> dict[str, int]:
    """Return the fields of K keypoints, in order, and how many each holds.

    Args:
        num_keypoints: K, any number of at least 1.

    Raises:
        ValueError: If it is none.
    """
    if type(num_keypoints) is not int or num_keypoints < 1:
        raise ValueError(
            f'num_keypoints must be a positive integer, not {num_keypoints!r}'
        )
    return FIELDS.get(num_keypoints, {'keypoints': num_keypoints})


class WrongFieldError(ValueError):
    """A field of a record is wrong; the message begins with the field's name.

    Attributes:
        kind: ``missing``, ``length`` or ``value``.
    """

    def __init__(self, kind: str, message: str):
        super().__init__(message)
        self.kind = kind


def read_flat(record: dict, field: str, count: int) -> np.ndarray:
    """Read one flat list of keypoints.

    Args:
        record: An annotation or a result.
        field: Name of the list.
        count: How many keypoints it must have.

    Returns:
        Shape (count, 3), float64: x and y in pixels, visibility or score.

    Raises:
        WrongFieldError: If the list is missing, has another length or holds
            something that is no finite number.
    """
    if field not in record:
        raise WrongFieldError('missing', f'{field} is missing')
    try:
        values = np.asarray(record[field], dtype=np.float64)
    except (TypeError, ValueError):
        raise WrongFieldError('value', f'{field} is no list of numbers') from None
    if values.ndim != 1 or len(values) != 3 * count:
        found = len(values) if values.ndim == 1 else f'the shape {values.shape}'
        unit = ' numbers' if values.ndim == 1 else ''
        raise WrongFieldError(
            'length',
            f'{field} has {found}{unit}, expected {3 * count}: x, y, visibility of '
            f'each of {count} keypoints',
        )
    if not np.isfinite(values).all():
        where = int(np.flatnonzero(~np.isfinite(values))[0])
        raise WrongFieldError(
            'value', f'{field} holds {values[where]} for keypoint {where // 3}'
        )
    return values.reshape(count, 3)


def read_points(record: dict, num_keypoints: int) -> np.ndarray:
    """Read all keypoints of a record.

    Args:
        record: An annotation or a result.
        num_keypoints: K, of its vocabulary.

    Returns:
        Shape (K, 3), float64: x and y in pixels, visibility or score.

    Raises:
        WrongFieldError: As :func:`read_flat`.
    """
    fields = fields_of(num_keypoints).items()
    return np.concatenate([read_flat(record, name, count) for name, count in fields])


def guess_num_keypoints(record: dict) -> int | None:
    """Tell the number of keypoints of a record, or None if it shows none."""
    if 'goliath_wholebody_kpts' in record:
        return 308
    if record.keys() >= FIELDS[133].keys():
        return 133
    values = record.get('keypoints')
    return len(values) // 3 or None if isinstance(values, list) else None


def point_fields(points: np.ndarray) -> dict[str, list]:
    """Write keypoints as the fields of a record.

    Args:
        points: Shape (K, 3): x and y in pixels, visibility or score.

    Returns:
        The flat lists; for 308 also those of the body parts.
    """
    num = len(points)
    if num == 308:
        whole = {'goliath_wholebody_kpts': numbers(points)}
        parts = {
            field: numbers(points[list(GOLIATH308.groups[group])])
            for field, group in PART_GROUPS.items()
        }
        return {**whole, **parts}
    fields, start = {}, 0
    for name, count in fields_of(num).items():
        fields[name] = numbers(points[start : start + count])
        start += count
    return fields


def annotation_fields(points: np.ndarray) -> dict[str, Any]:
    """Write labelled keypoints as an annotation's fields, with what belongs to them.

    Args:
        points: Shape (K, 3) with K 17, 133 or 308: x and y in pixels, visibility.

    Returns:
        The lists of :func:`point_fields` and ``num_keypoints``, the labelled ones: of
        the body for 133, as COCO-WholeBody counts, and of all otherwise. For 133 also
        validity and box of face and hands.
    """
    fields: dict[str, Any] = point_fields(points)
    # COCO-WholeBody's files count the body alone
    counted = points[:17] if len(points) == 133 else points
    fields['num_keypoints'] = int((counted[:, 2] > 0).sum())
    if len(points) == 133:
        for name, source in _WHOLEBODY_EXTRAS.items():
            fields[name] = any(value > 0 for value in fields[source][2::3])
        for name, source in _WHOLEBODY_BOXES.items():
            flat = np.asarray(fields[source], dtype=np.float64).reshape(-1, 3)
            box = tight_box_xywh(flat)
            fields[name] = [0.0] * 4 if box is None else box
    return fields


def tight_box_xywh(points: np.ndarray) -> list[float] | None:
    """Return the box (x, y, width, height) of the labelled points; None without any."""
    labelled = points[points[:, 2] > 0, :2]
    if not len(labelled):
        return None
    low, high = labelled.min(axis=0), labelled.max(axis=0)
    return numbers(np.concatenate([low, high - low]))


def numbers(values: np.ndarray) -> list:
    """Return a flat list for JSON: whole numbers as such, others with six decimals."""
    flat = np.asarray(values, dtype=np.float64).ravel().tolist()
    return [int(v) if v.is_integer() else round(v, 6) for v in flat]


def category(num_keypoints: int, base: dict | None = None) -> dict[str, Any]:
    """Return the category ``person`` of a vocabulary.

    Args:
        num_keypoints: 17, 133 or 308.
        base: Category to start from; its other fields stay.
    """
    table = keypoint_table(num_keypoints)
    return {
        **(base or dict(id=1, name='person', supercategory='person')),
        'keypoints': list(table.names),
        'skeleton': [[a + 1, b + 1] for a, b in table.links],  # COCO counts from 1
    }


def goliath_info() -> dict[str, list[int]]:
    """Return ``info.goliath_info`` of a 308 file: the ids of each body part."""
    return {name: list(GOLIATH308.groups[g]) for name, g in INFO_GROUPS.items()}
