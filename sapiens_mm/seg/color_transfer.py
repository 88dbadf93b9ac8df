"""Colours of some pixels moved towards those of others (Reinhard et al. 2001)."""

from __future__ import annotations

import math

import cv2
import numpy as np

# std of a flat area, Lab units: below it there is no contrast to scale
_FLAT = 1e-3


def to_lab(pixels_bgr: np.ndarray) -> np.ndarray:
    """Convert pixels (M, 3), uint8 BGR, to CIE Lab, float32: L in [0, 100]."""
    # from uint8 OpenCV makes Lab of 8 bits, which loses colours on the way back
    unit = pixels_bgr[None].astype(np.float32) / 255
    return cv2.cvtColor(unit, cv2.COLOR_BGR2Lab)[0]


def from_lab(lab: np.ndarray) -> np.ndarray:
    """Convert (M, 3) CIE Lab, float32, to uint8 BGR; what has no colour is clipped."""
    unit = cv2.cvtColor(lab[None], cv2.COLOR_Lab2BGR)[0]
    unit *= 255
    np.rint(unit, out=unit)
    return np.clip(unit, 0, 255, out=unit).astype(np.uint8)


def transfer_colors(
    pixels_bgr: np.ndarray,
    reference_bgr: np.ndarray,
    strength: float = 1.0,
    max_std_ratio: float | None = None,
    max_shift: tuple[float, float] | None = None,
) -> np.ndarray:
    """Move the mean and spread of pixels towards a reference, each channel of Lab.

    With ``strength`` 1 and no limits this is Reinhard's transfer: afterwards the pixels
    have the mean and standard deviation of the reference, but for clipping. The limits
    keep people believable: a face before a lawn would turn green.

    Args:
        pixels_bgr: Shape (M, 3), uint8.
        reference_bgr: Shape (M', 3), uint8.
        strength: Share of the way, 0 to 1. The shift of the mean is multiplied by it,
            the ratio of the spreads raised to its power.
        max_std_ratio: Limit r, at least 1: spreads change by 1 / r to r; None is none.
        max_shift: Limits of the shift of the mean, Lab units: of the lightness, and of
            the colour as the length of its (a, b); None is none.

    Returns:
        Shape (M, 3), uint8, BGR. The same pixels where either set is empty.
    """
    if strength == 0 or not len(pixels_bgr) or not len(reference_bgr):
        return pixels_bgr
    lab = to_lab(pixels_bgr)
    mean, std = _statistics(lab)
    target_mean, target_std = _statistics(to_lab(reference_bgr))
    shift = target_mean - mean
    # a flat area has nothing to scale
    ratio = np.where(std > _FLAT, target_std / np.maximum(std, _FLAT), 1.0)
    if max_std_ratio is not None:
        ratio = np.clip(ratio, 1 / max_std_ratio, max_std_ratio)
    if max_shift is not None:
        shift = _limited(shift, *max_shift)
    ratio = (ratio**strength).astype(np.float32)
    new_mean = (mean + strength * shift).astype(np.float32)
    lab -= mean.astype(np.float32)
    lab *= ratio
    lab += new_mean
    return from_lab(lab)


def _statistics(lab: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation, (3,) float64 each."""
    mean, std = cv2.meanStdDev(lab[None])  # sums in float64
    return mean[:, 0], std[:, 0]


def _limited(shift: np.ndarray, lightness: float, color: float) -> np.ndarray:
    """Shorten a shift in Lab; the direction in (a, b) stays."""
    length = math.hypot(shift[1], shift[2])
    factor = min(1.0, color / length) if length > 0 else 1.0
    return np.array(
        [np.clip(shift[0], -lightness, lightness), factor * shift[1], factor * shift[2]]
    )
