"""Which keypoint of one vocabulary is which of another, and arrays carried across.

Vocabularies are told by their size: 17 COCO, 133 COCO-WholeBody, 308 Goliath, 25
OpenPose's BODY_25 (a target only), 344 Goliath with teeth (a source only).

53 pairs of 133 and 308 are certain, since their names and sigmas are equal. Ten more,
the finger bases, are inferred: names differ, sigmas and the order of joints agree.
The paper compares on 114 common keypoints whose list its authors never published; 51
of them must be points of the face. Who has a list passes it as ``pairs``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sapiens_mm.data.files import read_json
from sapiens_mm.tables import COCO17, GOLIATH308, WHOLEBODY133, keypoint_table
from sapiens_mm.tables.goliath308 import NUM_SOURCE_KEYPOINTS, SOURCE_IDS
from sapiens_mm.tasks import KEYPOINT_COUNTS

Pairs = tuple[tuple[int, int], ...]
"""(COCO-WholeBody id, Goliath id), sorted."""

BODY25_NAMES = (
    *('nose', 'neck', 'right_shoulder', 'right_elbow', 'right_wrist'),
    *('left_shoulder', 'left_elbow', 'left_wrist', 'mid_hip', 'right_hip'),
    *('right_knee', 'right_ankle', 'left_hip', 'left_knee', 'left_ankle'),
    *('right_eye', 'left_eye', 'right_ear', 'left_ear', 'left_big_toe'),
    *('left_small_toe', 'left_heel', 'right_big_toe', 'right_small_toe', 'right_heel'),
)
# Goliath has a neck of its own, but OpenPose's is the middle of the shoulders.
BODY25_MEANS = {
    'neck': ('left_shoulder', 'right_shoulder'),
    'mid_hip': ('left_hip', 'right_hip'),
}
_MIRROR_SIDE = {'left': 'right', 'right': 'left'}


def _mirror_name(name: str) -> str:
    side, _, rest = name.partition('_')
    return f'{_MIRROR_SIDE[side]}_{rest}' if side in _MIRROR_SIDE else name


BODY25_FLIP_INDICES = tuple(BODY25_NAMES.index(_mirror_name(n)) for n in BODY25_NAMES)

_GOLIATH_ID = {name: k for k, name in enumerate(GOLIATH308.names)}
_WHOLEBODY_ID = {name: k for k, name in enumerate(WHOLEBODY133.names)}

_FINGERS = ('thumb', 'forefinger', 'middle_finger', 'ring_finger', 'pinky_finger')

CERTAIN_PAIRS: Pairs = tuple(
    (k, _GOLIATH_ID[name])
    for k, name in enumerate(WHOLEBODY133.names)
    if name in _GOLIATH_ID
)
FINGER_BASE_PAIRS: Pairs = tuple(
    (
        _WHOLEBODY_ID[f'{side}_{finger}1'],
        _GOLIATH_ID[f'{side}_{finger}_third_joint'],
    )
    for side in ('left', 'right')
    for finger in _FINGERS
)


@dataclass(frozen=True)
class KeypointMap:
    """How to fill one vocabulary from another.

    Attributes:
        source: K of the arrays to read.
        target: K' of the arrays to make.
        entries: ``(source ids, target id)``: one source id is copied, two are
            averaged. Target ids that are not named stay empty.
    """

    source: int
    target: int
    entries: tuple[tuple[tuple[int, ...], int], ...]

    @property
    def filled(self) -> tuple[int, ...]:
        """Target ids that get a value, in order."""
        return tuple(sorted(target for _, target in self.entries))

    def __call__(self, array: np.ndarray) -> np.ndarray:
        """Carry keypoints across.

        Args:
            array: Shape (..., K, 2) or (..., K, 3): x, y and, as third, a score or a
                visibility.

        Returns:
            Shape (..., K', 2 or 3), floating point. Keypoints that the source does
            not have are zero. A mean has the smaller third of its two points, and
            is zero where that is not positive: one point alone has no middle.
        """
        array = np.asarray(array)
        if array.shape[-2:] not in ((self.source, 2), (self.source, 3)):
            raise ValueError(
                f'expected keypoints of the shape (..., {self.source}, 2 or 3), got '
                f'{array.shape}'
            )
        if not np.issubdtype(array.dtype, np.floating):
            array = array.astype(np.float64)
        out = np.zeros((*array.shape[:-2], self.target, array.shape[-1]), array.dtype)
        copies = [(ids[0], t) for ids, t in self.entries if len(ids) == 1]
        if copies:
            source_ids, target_ids = (list(side) for side in zip(*copies, strict=True))
            out[..., target_ids, :] = array[..., source_ids, :]
        for ids, target in self.entries:
            if len(ids) > 1:
                points = array[..., list(ids), :]
                out[..., target, :] = points.mean(axis=-2)
                if array.shape[-1] == 3:
                    third = points[..., 2].min(axis=-1)
                    out[..., target, 2] = third
                    out[..., target, :] *= (third > 0)[..., None]
        return out


def common_pairs(
    include_finger_bases: bool = False, pairs: Iterable[tuple[int, int]] = ()
) -> Pairs:
    """Return the keypoints that COCO-WholeBody and Goliath share.

    Args:
        include_finger_bases: Add the ten finger bases, which are inferred: 63 pairs
            and not 53.
        pairs: More pairs (COCO-WholeBody id, Goliath id), such as a table of 114.
            Pairs known already may be among them.

    Returns:
        The pairs, sorted by COCO-WholeBody id.

    Raises:
        ValueError: If an id is out of range, has two partners, or a pair's mirror
            image is no pair: training with flips would then contradict itself.
    """
    given = tuple((int(a), int(b)) for a, b in pairs)
    for pair in given:
        if not (0 <= pair[0] < 133 and 0 <= pair[1] < 308):
            raise ValueError(
                f'{list(pair)} is no pair of a COCO-WholeBody id (0-132) and a '
                'Goliath id (0-307)'
            )
    bases = FINGER_BASE_PAIRS if include_finger_bases else ()
    found = sorted({*CERTAIN_PAIRS, *bases, *given})
    for side, name in enumerate(('COCO-WholeBody', 'Goliath')):
        seen: dict[int, tuple[int, int]] = {}
        for pair in found:
            other = seen.setdefault(pair[side], pair)
            if other != pair:
                raise ValueError(
                    f'{name} keypoint {pair[side]} has two partners, in '
                    f'{list(other)} and {list(pair)}'
                )
    for a, b in found:
        mirror = WHOLEBODY133.flip_indices[a], GOLIATH308.flip_indices[b]
        if mirror not in found:
            raise ValueError(
                f'[{a}, {b}] ({WHOLEBODY133.names[a]}, {GOLIATH308.names[b]}) is '
                f'listed and its mirror image {list(mirror)} is not'
            )
    return tuple(found)


def read_pairs(path: str | Path) -> Pairs:
    """Read a user's table of common keypoints.

    Args:
        path: JSON: a list of [COCO-WholeBody id, Goliath id].

    Returns:
        The pairs as they stand; :func:`common_pairs` checks and completes them.

    Raises:
        ValueError: If the file holds something else.
    """
    rows = read_json(path)
    rows = rows if isinstance(rows, list) else [rows]
    for n, row in enumerate(rows):
        is_pair = isinstance(row, list) and len(row) == 2
        if not is_pair or not all(type(value) is int for value in row):
            raise ValueError(
                f'{path}: entry {n} is {json.dumps(row)[:60]}, expected '
                '[COCO-WholeBody id, Goliath id]'
            )
    return tuple((a, b) for a, b in rows)


def keypoint_map(
    source: int,
    target: int,
    *,
    include_finger_bases: bool = False,
    pairs: Iterable[tuple[int, int]] = (),
) -> KeypointMap:
    """Return the map from one vocabulary to another.

    Args:
        source: 17, 133, 308 or 344.
        target: 17, 133, 308 or 25.
        include_finger_bases: Between 133 and 308, see :func:`common_pairs`.
        pairs: Between 133 and 308, see :func:`common_pairs`.

    Raises:
        ValueError: If there is no such map.
    """
    if source == NUM_SOURCE_KEYPOINTS and target == 308:
        entries = [((s,), t) for t, s in enumerate(SOURCE_IDS)]
    elif source not in KEYPOINT_COUNTS or target not in (*KEYPOINT_COUNTS, 25):
        raise ValueError(
            f'no map from {source!r} to {target!r} keypoints; there are maps from 17, '
            '133 and 308 to 17, 133, 308 and 25, and from 344 to 308'
        )
    elif source == target:
        entries = [((k,), k) for k in range(source)]
    elif target == 25:
        entries = _body25_entries(source)
    elif {source, target} == {133, 308}:
        common = common_pairs(include_finger_bases, pairs)
        entries = [((a,), b) if source == 133 else ((b,), a) for a, b in common]
    else:
        ids = {name: k for k, name in enumerate(keypoint_table(source).names)}
        names = keypoint_table(target).names
        body = set(COCO17.names)
        entries = [((ids[n],), t) for t, n in enumerate(names) if n in body]
    return KeypointMap(source, target, tuple(entries))


def _body25_entries(source: int) -> list[tuple[tuple[int, ...], int]]:
    ids = {name: k for k, name in enumerate(keypoint_table(source).names)}
    wanted = [BODY25_MEANS.get(name, (name,)) for name in BODY25_NAMES]
    return [
        (tuple(ids[name] for name in names), t)
        for t, names in enumerate(wanted)
        if ids.keys() >= set(names)
    ]


def convert_keypoints(
    array: np.ndarray,
    source: int,
    target: int,
    *,
    include_finger_bases: bool = False,
    pairs: Iterable[tuple[int, int]] = (),
) -> np.ndarray:
    """Carry keypoints from one vocabulary to another.

    Args:
        array: Shape (..., source, 2 or 3): x, y and, as third, a score or a
            visibility.
        source: 17, 133, 308 or 344.
        target: 17, 133, 308 or 25.
        include_finger_bases: Between 133 and 308, see :func:`common_pairs`.
        pairs: Between 133 and 308, see :func:`common_pairs`.

    Returns:
        Shape (..., target, 2 or 3). What the source does not have is zero; without
        a third column only ``keypoint_map(…).filled`` tells which these are.

    Raises:
        ValueError: If the array is not of that shape or there is no such map.
    """
    mapping = keypoint_map(
        source, target, include_finger_bases=include_finger_bases, pairs=pairs
    )
    return mapping(array)


def converter_mapping(
    source: int,
    target: int = 308,
    *,
    include_finger_bases: bool = False,
    pairs: Iterable[tuple[int, int]] = (),
) -> list[tuple[int | tuple[int, int], int]]:
    """Return a map as ``mapping`` of mmpose's ``KeypointConverter``.

    In a pipeline: ``dict(type='KeypointConverter', num_keypoints=308,
    mapping=converter_mapping(17))``. Where a config file cannot call it, and for
    COCO-WholeBody, whose data set in mmpose 1.3.2 makes that transform fail on
    ``keypoints_3d=None``, ``SapiensGoliathDataset(file_keypoints=…)`` does the same.

    Args:
        source: 17, 133, 308 or 344.
        target: 17, 133, 308 or 25.
        include_finger_bases: Between 133 and 308, see :func:`common_pairs`.
        pairs: Between 133 and 308, see :func:`common_pairs`.
    """
    mapping = keypoint_map(
        source, target, include_finger_bases=include_finger_bases, pairs=pairs
    )
    return [(ids[0] if len(ids) == 1 else ids, t) for ids, t in mapping.entries]
