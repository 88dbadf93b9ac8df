"""Resample maps and masks at the places where the image is sampled."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

METHODS = ('nearest', 'linear')


def check_method(interpolation: str) -> str:
    """Return ``interpolation``; ValueError unless it is one of ``METHODS``."""
    if interpolation not in METHODS:
        raise ValueError(
            f'interpolation must be one of {", ".join(METHODS)}, got {interpolation!r}'
        )
    return interpolation


def resize_map(
    values: np.ndarray, mask: np.ndarray, size_hw: tuple[int, int], interpolation: str
) -> tuple[np.ndarray, np.ndarray]:
    """Resize a map and its mask.

    Args:
        values: Shape (H, W) or (H, W, C), float32.
        mask: Shape (H, W), uint8, > 0 on people.
        size_hw: New size.
        interpolation: ``'nearest'`` takes the value of the source pixel below the
            centre of the new one; ``'linear'`` mixes the four around it, those of
            people only.

    Returns:
        Both, in the new size.
    """
    dsize = size_hw[::-1]  # (W, H)

    def sample(array: np.ndarray, linear: bool) -> np.ndarray:
        # INTER_NEAREST would take the top left pixel of each block
        method = cv2.INTER_LINEAR if linear else cv2.INTER_NEAREST_EXACT
        return cv2.resize(array, dsize, interpolation=method)

    return _resample(values, mask, sample, interpolation)


def turn_map(
    values: np.ndarray, mask: np.ndarray, angle_deg: float, interpolation: str
) -> tuple[np.ndarray, np.ndarray]:
    """Turn a map and its mask about the centre of the image, counterclockwise.

    Args:
        values: Shape (H, W) or (H, W, C), float32.
        mask: Shape (H, W), uint8, > 0 on people.
        angle_deg: Degrees.
        interpolation: As in :func:`resize_map`.

    Returns:
        Both, in the same size; 0 where the image had nothing.
    """
    height, width = mask.shape
    matrix = rotation_matrix((height, width), angle_deg)

    def sample(array: np.ndarray, linear: bool) -> np.ndarray:
        method = cv2.INTER_LINEAR if linear else cv2.INTER_NEAREST
        return cv2.warpAffine(array, matrix, (width, height), flags=method)  # (W, H)

    return _resample(values, mask, sample, interpolation)


def rotation_matrix(image_hw: tuple[int, int], angle_deg: float) -> np.ndarray:
    """Return the (2, 3) matrix that turns an image counterclockwise on its centre."""
    height, width = image_hw
    # (size - 1) / 2: centres of pixels are whole numbers
    return cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle_deg, 1.0)


def _resample(
    values: np.ndarray,
    mask: np.ndarray,
    sample: Callable[[np.ndarray, bool], np.ndarray],
    interpolation: str,
) -> tuple[np.ndarray, np.ndarray]:
    # always nearest: a mask has no values between
    new_mask = sample(mask, False)
    if interpolation == 'nearest':
        return sample(values, False), new_mask
    weights = (mask > 0).astype(np.float32)
    # a pixel without a known neighbour: what it holds is masked out anyway
    share = np.maximum(sample(weights, True), 1e-3)
    if values.ndim == 3:
        weights, share = weights[..., None], share[..., None]
    mixed = sample(values * weights, True)
    mixed /= share
    return mixed, new_mask
