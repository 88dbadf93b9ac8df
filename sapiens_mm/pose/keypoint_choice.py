"""Which keypoints COCO-WholeBody and Goliath are compared on."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike

import numpy as np
from numpy.typing import NDArray

from sapiens_mm.pose.keypoint_maps import common_pairs, read_pairs

Choice = str | PathLike | Sequence[Sequence[int]]


def chosen_pairs(choice: Choice) -> NDArray:
    """Return the keypoints that COCO-WholeBody and Goliath have in common.

    Args:
        choice: As ``common_keypoints`` of ``SapiensKeypointMetric``.

    Returns:
        Shape (M, 2), ids of COCO-WholeBody and of Goliath.

    Raises:
        ValueError: If a table is empty or :func:`common_pairs` refuses it.
    """
    if isinstance(choice, str) and choice in ('certain', 'finger_bases'):
        return np.array(common_pairs(choice == 'finger_bases'))
    if isinstance(choice, (str, PathLike)):
        choice = read_pairs(choice)
    # for its checks alone: the table is taken as it stands
    common_pairs(pairs=choice)
    if not len(choice):
        raise ValueError('common_keypoints names no pair')
    return np.unique(choice, axis=0)


def describe_choice(choice: Choice | None) -> str:
    """Say in words which keypoints are evaluated."""
    if choice is None:
        return 'All keypoints'
    if isinstance(choice, (str, PathLike)):
        return f'Common keypoints {str(choice)!r}'
    return 'Common keypoints of a table given'
