"""Boundary IoU (Cheng et al. 2021) of all classes of a label map at once."""

from __future__ import annotations

import math

import cv2
import numpy as np

IGNORED = 255


def band_width(image_hw: tuple[int, int], dilation_ratio: float = 0.02) -> int:
    """Return the width of the boundary band, pixels: a share of the diagonal, >= 1."""
    return max(1, round(dilation_ratio * math.hypot(*image_hw)))


def boundary_band(labels: np.ndarray, width: int) -> np.ndarray:
    """Mark pixels with another class, or the image's edge, within ``width`` pixels.

    The distance is that of Cheng's code, which erodes the mask of each class with a
    3 x 3 square ``width`` times: the larger of rows and columns. One minimum and one
    maximum over all labels do the same for every class together. Pixels labelled 255
    are of no class and bound none: nobody knows what is there.

    Args:
        labels: Shape (H, W), uint8, below 254, or 255.
        width: Pixels, at least 1.

    Returns:
        Shape (H, W), bool.
    """
    square = np.ones((2 * width + 1, 2 * width + 1), np.uint8)
    shifted = labels + np.uint8(1)  # 255 becomes 0, which no maximum sees
    highest = cv2.dilate(shifted, square)
    shifted[shifted == 0] = 255  # which no minimum sees
    band = cv2.erode(shifted, square) != highest
    band[:width] = band[-width:] = True
    band[:, :width] = band[:, -width:] = True
    return band


def boundary_areas(
    pred: np.ndarray,
    target: np.ndarray,
    num_classes: int,
    dilation_ratio: float = 0.02,
) -> np.ndarray:
    """Count the pixels of the boundary bands of each class.

    Pixels that the ground truth ignores belong to no class in either map.

    Args:
        pred: Shape (H, W), uint8, class ids.
        target: Shape (H, W), uint8, class ids or 255.
        num_classes: C.
        dilation_ratio: Width of the band as a share of the image's diagonal.

    Returns:
        Shape (3, C), int64: pixels in both bands, in that of the prediction, in that
        of the ground truth. Boundary IoU is the first by the sum of the others less
        the first.
    """
    width = band_width(target.shape, dilation_ratio)
    # so that no boundary arises where nobody knows the class
    pred = np.where(target == IGNORED, np.uint8(IGNORED), pred)
    in_pred, in_target = boundary_band(pred, width), boundary_band(target, width)
    both = in_pred & in_target & (pred == target)
    chosen = (target[both], pred[in_pred], target[in_target])
    return np.stack(
        [np.bincount(c, minlength=IGNORED + 1)[:num_classes] for c in chosen]
    )
