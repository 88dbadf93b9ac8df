"""Errors of depth and of normals on the pixels of one image, and sums of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sapiens_mm.geometry.alignment import valid_depth

DELTAS = (1.25, 1.25**2, 1.25**3)
DEPTH_NAMES = (
    *('rmse', 'abs_rel', 'sq_rel', 'delta1', 'delta2', 'delta3'),
    *('silog', 'rmse_log', 'log10'),
)
FLOOR = 1e-3  # of the nearest target: where ratios and logarithms stop
WITHIN_DEG = (5, 7.5, 11.25, 22.5, 30)
NORMAL_NAMES = ('mean', 'median', 'rmse', *(f'within_{t}' for t in WITHIN_DEG))


def depth_errors(
    depth: NDArray, target: NDArray, mask: NDArray | None = None
) -> dict[str, float]:
    """Compare depths in the same unit, in float64.

    With p the depth, g the target and d = ln(p) - ln(g), over M pixels:
    ``rmse`` sqrt(mean (p - g)**2) in the unit of the maps, ``abs_rel``
    mean |p - g| / g, ``sq_rel`` mean (p - g)**2 / g in that unit,
    ``delta1`` to ``delta3`` the share of max(p / g, g / p) < 1.25, its square and
    its cube, 0 to 1, ``silog`` sqrt(mean d**2 - 0.5 * (mean d)**2), ``rmse_log``
    sqrt(mean d**2), ``log10`` mean |log10(p) - log10(g)|. Ratios and logarithms take
    depths below a thousandth of the nearest target as that thousandth.

    Args:
        depth: Any shape.
        target: Same shape; pixels that are not finite or not positive are invalid.
        mask: Same shape, the pixels to compare; None takes all valid ones.

    Returns:
        The nine figures by name.

    Raises:
        ValueError: If no pixel is valid, or a depth is not finite on one.
    """
    target = np.asarray(target, np.float64)
    valid = valid_depth(target)
    if mask is not None:
        valid = valid & np.asarray(mask, bool)
    return figures_of_depth(depth_sums(np.asarray(depth)[valid], target[valid]))


def depth_sums(depth_M: NDArray, target_M: NDArray) -> dict[str, float]:
    """Sum over the pixels of an image what :func:`figures_of_depth` needs.

    Args:
        depth_M: Shape (M,).
        target_M: Shape (M,), finite and above 0.

    Returns:
        Sums by name; ``pixels`` is M and ``floored`` counts depths below the floor.
    """
    if not len(target_M):
        raise ValueError('there is no valid pixel to compare')
    depth_M = np.asarray(depth_M, np.float64)
    target_M = np.asarray(target_M, np.float64)
    # before the sums: a NaN would vanish in some of them and not in others
    if not np.isfinite(depth_M).all():
        raise ValueError('the depth is not finite on all valid pixels')
    square = (depth_M - target_M) ** 2
    floor = FLOOR * target_M.min()
    ratio = np.maximum(depth_M, floor) / target_M
    log = np.log(ratio)
    sums = {
        'pixels': len(target_M),
        'floored': (depth_M < floor).sum(),
        'square': square.sum(),
        'abs_rel': (np.abs(depth_M - target_M) / target_M).sum(),
        'sq_rel': (square / target_M).sum(),
        'log': log.sum(),
        'log_square': (log**2).sum(),
        'log10': np.abs(log).sum() / np.log(10),
    }
    worst = np.maximum(ratio, 1 / ratio)
    for k, bound in enumerate(DELTAS, 1):
        sums[f'delta{k}'] = (worst < bound).sum()
    return {name: float(value) for name, value in sums.items()}


def figures_of_depth(sums: Mapping[str, float]) -> dict[str, float]:
    """Turn sums, of an image or of many, into the figures of ``depth_errors``."""
    mean = {name: value / sums['pixels'] for name, value in sums.items()}
    inside = mean['log_square'] - 0.5 * mean['log'] ** 2
    figures = {
        **mean,
        'rmse': math.sqrt(mean['square']),
        'rmse_log': math.sqrt(mean['log_square']),
        # rounding can bring the difference below 0
        'silog': math.sqrt(max(inside, 0.0)),
    }
    return {name: figures[name] for name in DEPTH_NAMES}


def angles_between(first: NDArray, second: NDArray) -> NDArray:
    """Return the angle between vectors of any length, in degrees.

    By ``2 atan2(|a - b|, |a + b|)`` of unit vectors (Kahan), which unlike an arc cosine
    keeps its digits near 0 and 180. A vector of length 0 has no direction and counts
    as 90 degrees from any other.

    Args:
        first: Shape (..., 3).
        second: Shape (..., 3).

    Returns:
        Shape (...), float64, 0 to 180.
    """
    first, second = (np.asarray(v, np.float64) for v in (first, second))
    lengths = [np.linalg.norm(v, axis=-1, keepdims=True) for v in (first, second)]
    # tiny, so that a vector of length 0 divides to 0
    tiny = np.finfo(np.float64).tiny
    a, b = (
        v / np.maximum(n, tiny) for v, n in zip((first, second), lengths, strict=True)
    )
    apart, along = (np.linalg.norm(v, axis=-1) for v in (a - b, a + b))
    angles = np.degrees(2 * np.arctan2(apart, along))
    directed = (lengths[0] > 0) & (lengths[1] > 0)
    return np.where(directed[..., 0], angles, 90.0)


def normal_errors(angles_deg: NDArray | Sequence[NDArray]) -> dict[str, float]:
    """Summarise angular errors, exactly.

    Args:
        angles_deg: Any shape, degrees, or a sequence of such arrays to be pooled.

    Returns:
        ``mean``, ``median`` (of the numbers themselves; the mean of the middle two of
        an even count) and ``rmse`` in degrees; ``within_5`` to ``within_30`` the
        percentage of angles below that many degrees.

    Raises:
        ValueError: If there are none, or one is not finite.
    """
    parts = (
        [np.ravel(part) for part in angles_deg]
        if not isinstance(angles_deg, np.ndarray)
        else [angles_deg.ravel()]
    )
    count = sum(len(part) for part in parts)
    if not count:
        raise ValueError('there is no angle to summarise')
    # fsum: the sum does not depend on the order of images
    total = math.fsum(part.sum(dtype=np.float64) for part in parts)
    square = math.fsum(np.square(part, dtype=np.float64).sum() for part in parts)
    if not math.isfinite(total):
        raise ValueError('an angle is not finite')
    figures = {'mean': total / count, 'median': _median(parts, count)}
    figures['rmse'] = math.sqrt(square / count)
    for bound in WITHIN_DEG:
        inside = sum(int((part < bound).sum()) for part in parts)
        figures[f'within_{bound}'] = 100 * inside / count
    return figures


def _median(parts: Sequence[NDArray], count: int) -> float:
    """Select the middle of all numbers without a sorted copy of each."""
    pooled = np.concatenate(parts)
    low, high = (count - 1) // 2, count // 2
    pooled.partition((low, high))
    return (float(pooled[low]) + float(pooled[high])) / 2
