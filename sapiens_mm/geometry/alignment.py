"""Bring relative depth to the scale and shift of a ground truth, per image."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

ALIGNS = ('none', 'scale', 'scale_shift')
SPACES = ('depth', 'inverse')
FITS = ('least_squares', 'median')


@dataclasses.dataclass(frozen=True, eq=False)
class Alignment:
    """An aligned prediction and how it came about.

    Attributes:
        depth: In the unit of the target, float64, of the prediction's shape.
        scale: Factor of the prediction in the space of the fit.
        shift: Added after it; the unit of the target, or 1 by it in inverse space.
        clipped: How many pixels of the fit were clipped, those without a depth (an
            inverse of 0 or less) among them.
        constant: The prediction had one value on all pixels of the fit (or was 0,
            where only a scale is fitted): no scale exists, and the one here is 0.
    """

    depth: NDArray
    scale: float
    shift: float
    clipped: int
    constant: bool


def align_depth(
    prediction: NDArray,
    target: NDArray,
    mask: NDArray | None = None,
    align: str = 'scale_shift',
    space: str = 'depth',
    fit: str = 'least_squares',
    clip: float | None = None,
    invert: bool = False,
) -> Alignment:
    """Fit ``scale * prediction + shift`` to the target, in float64, and apply it.

    In space ``'depth'`` the fit is to the target itself; in space ``'inverse'`` to
    1 / target, and the aligned depth is 1 / (scale * prediction + shift). The
    prediction is taken as it is in both: a scale and a shift make a disparity of a
    depth as well as of a disparity, if only nearly.

    Args:
        prediction: Any shape.
        target: Same shape, depth in any unit; pixels that are not finite or not
            positive are invalid.
        mask: Same shape, the pixels of the fit; None takes all valid ones.
        align: ``'none'``, ``'scale'`` or ``'scale_shift'``.
        space: ``'depth'`` or ``'inverse'``.
        fit: ``'least_squares'``; or ``'median'``: a scale is the ratio of medians
            (Zhou et al. 2017), a scale and shift bring the median and the mean
            absolute deviation from it to those of the target (Ranftl et al. 2020,
            equation 5), and never turn near and far around.
        clip: Confine the aligned depth to [nearest / clip, clip * farthest] of the
            target's pixels in the fit, in any unit; None does not. Inverse space
            needs it: an inverse of 0 or less has no depth and becomes the bound.
        invert: Take 1 / prediction first, such as of a metric depth to be aligned in
            inverse space, or of a disparity in space depth. It must then be positive.

    Returns:
        The aligned map, over all pixels of ``prediction``.

    Raises:
        ValueError: For unknown choices, other shapes, no valid pixel, or a prediction
            that is not finite (with ``invert``, not positive) on one of them.
    """
    check_choices(align, space, fit, clip)
    prediction = np.asarray(prediction, np.float64)
    target = np.asarray(target, np.float64)
    valid = valid_depth(target)
    # asked here: numpy would broadcast a (1, W) mask without a word
    for name, other in (('target', target), ('mask', mask)):
        if other is not None and np.shape(other) != prediction.shape:
            raise ValueError(
                f'{name} has shape {np.shape(other)}, the prediction {prediction.shape}'
            )
    if mask is not None:
        valid &= np.asarray(mask, bool)
    if not valid.any():
        raise ValueError('there is no valid pixel to align')
    if invert:
        if (prediction[valid] <= 0).any():
            raise ValueError('invert needs a prediction above 0 on all valid pixels')
        # inf, not an error: pixels outside the mask may hold 0
        prediction = _inverse(prediction, prediction != 0)
    if not np.isfinite(prediction[valid]).all():
        raise ValueError('the prediction is not finite on all valid pixels')
    goal = target[valid] if space == 'depth' else 1 / target[valid]
    scale, shift, constant = _solve(prediction[valid], goal, align, fit)
    aligned = scale * prediction + shift
    if space == 'inverse':
        # an inverse of 0 or less is farther than all; clip brings it back
        aligned = _inverse(aligned, aligned > 0)
    clipped = 0
    if clip is not None:
        low, high = target[valid].min() / clip, target[valid].max() * clip
        inside = aligned[valid]
        clipped = int(((inside < low) | (inside > high)).sum())
        aligned = aligned.clip(low, high)
    return Alignment(aligned, scale, shift, clipped, constant)


def _inverse(values: NDArray, where: NDArray) -> NDArray:
    """Return 1 / values, infinity elsewhere."""
    return np.divide(1, values, where=where, out=np.full(values.shape, np.inf))


def check_choices(align: str, space: str, fit: str, clip: float | None) -> None:
    """Raise ``ValueError`` unless :func:`align_depth` takes these together."""
    for name, value, known in (
        ('align', align, ALIGNS),
        ('space', space, SPACES),
        ('fit', fit, FITS),
    ):
        if value not in known:
            raise ValueError(f'{name} must be one of {", ".join(known)}; got {value!r}')
    if clip is None:
        if space == 'inverse':
            raise ValueError(
                "space='inverse' needs clip, a number above 1: where the aligned "
                'inverse is 0 or less, there is no depth'
            )
    elif isinstance(clip, bool) or not isinstance(clip, (int, float)) or not clip > 1:
        raise ValueError(f'clip must be a number above 1, or None; got {clip!r}')


def valid_depth(target: NDArray) -> NDArray:
    """Return where a depth is finite and above 0, bool, of its shape."""
    return np.isfinite(target) & (target > 0)


def _solve(x: NDArray, y: NDArray, align: str, fit: str) -> tuple[float, float, bool]:
    """Return scale and shift of M numbers x to y, and whether no scale exists."""
    if align == 'none':
        return 1.0, 0.0, False
    if align == 'scale':
        if fit == 'median':
            # medians are unmoved by the few wild pixels of a scan
            of_x, of_y = np.median(x), np.median(y)
        else:
            of_x, of_y = x @ x, x @ y
        if of_x == 0:
            return 0.0, 0.0, True
        return float(of_y / of_x), 0.0, False
    if fit == 'median':
        center_x, center_y = np.median(x), np.median(y)
        of_x, of_y = np.abs(x - center_x).mean(), np.abs(y - center_y).mean()
    else:
        # about the means the normal equations keep their digits
        center_x, center_y = x.mean(), y.mean()
        of_x, of_y = (x - center_x) @ (x - center_x), (x - center_x) @ (y - center_y)
    # rounding alone spreads equal numbers by some 1e-16 of their size
    if np.ptp(x) <= 1e-12 * np.abs(x).max():
        return 0.0, float(center_y), True
    scale = float(of_y / of_x)
    return scale, float(center_y - scale * center_x), False
