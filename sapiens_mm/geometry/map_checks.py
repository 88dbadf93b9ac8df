"""Checks of loaded maps and masks: what is wrong, in which file, and what to do."""

from __future__ import annotations

import numpy as np

from sapiens_mm.data_files import BadFileError
from sapiens_mm.geometry.axes import (
    axis_agreement,
    fitting_axes,
    parse_axes,
)

MIN_LENGTH = 0.1  # of a stored normal; shorter ones say nothing


def known_pixels(
    values: np.ndarray, invalid_value: float | None = None, unit: bool = False
) -> np.ndarray:
    """Tell which pixels of a map say something.

    Args:
        values: Shape (H, W) or (H, W, C).
        invalid_value: A number for "unknown", on the scale of ``values``; in vectors,
            all channels hold it. None means there is none.
        unit: The values are directions, and short ones say nothing.

    Returns:
        Shape (H, W), bool. Depth is known where it is finite and above 0.
    """
    if values.ndim == 2:
        known = np.isfinite(values) & (values > 0)
        return known if invalid_value is None else known & (values != invalid_value)
    squared = squared_lengths(values)  # not finite where a channel is not
    known = np.isfinite(squared)
    if invalid_value is not None:
        known &= (values != invalid_value).any(2)
    return known & (squared >= MIN_LENGTH**2) if unit else known


def squared_lengths(vectors: np.ndarray) -> np.ndarray:
    """Return x**2 + y**2 + … of vectors (H, W, C), shape (H, W)."""
    return np.einsum('hwc,hwc->hw', vectors, vectors)


def check_known(
    path: str, values: np.ndarray, known: np.ndarray, mask: np.ndarray, max_holes: float
) -> None:
    """Refuse a map that is unknown on too many pixels of people.

    Args:
        path: The map's file, for the message.
        values: Shape (H, W) or (H, W, C).
        known: Of :func:`known_pixels`.
        mask: Shape (H, W), > 0 on people.
        max_holes: Share of these pixels that may be unknown.

    Raises:
        BadFileError: If more are, with what they hold.
    """
    people = mask > 0
    holes = people & ~known
    if holes.sum() <= max_holes * people.sum():
        return
    channels = values[..., None] if values.ndim == 2 else values
    if np.isnan(channels[holes]).any():
        what = 'NaN'
    elif np.isinf(channels[holes]).any():
        what = 'inf'
    else:
        what = (
            'no depth (0 or less)'
            if values.ndim == 2
            else 'no direction (vectors of length 0)'
        )
    raise BadFileError(
        f'{path} holds {what} on people: {holes.sum()} of {people.sum()} pixels are '
        f'unknown, {holes.sum() / people.sum():.1%}, where max_holes is {max_holes:.1%}'
    )


def check_mask_shape(
    path: str, shape: tuple[int, ...], image_hw: tuple[int, ...], what: str
) -> None:
    """Refuse a mask or map of another size than its image.

    Raises:
        BadFileError: If the sizes differ.
    """
    if tuple(shape[:2]) != tuple(image_hw[:2]):
        raise BadFileError(
            f'{path}: the {what} has {shape[1]} x {shape[0]} pixels, its image '
            f'{image_hw[1]} x {image_hw[0]} (width x height)'
        )


def check_people(path: str, mask: np.ndarray) -> None:
    """Refuse a mask without a person.

    Raises:
        BadFileError: If it is zero everywhere.
    """
    if not mask.any():
        raise BadFileError(f'{path}: the mask is zero everywhere, there is no person')


def check_depth(path: str, depth: np.ndarray, mask: np.ndarray) -> None:
    """Refuse depth that cannot be made relative.

    Args:
        path: The depth's file.
        depth: Shape (H, W), finite.
        mask: Shape (H, W), > 0 on people.

    Raises:
        BadFileError: If it is the same on all of the people.
    """
    values = depth[mask > 0]
    if values.min() == values.max():
        raise BadFileError(
            f'{path}: depth is {values[0]:g} on all {values.size} pixels of people, '
            'so it has no near and far'
        )


def check_normals(
    path: str,
    stored: np.ndarray,
    mask: np.ndarray,
    axes: str,
    min_facing: float,
) -> None:
    """Refuse normals that do not face the camera: their channels are mixed up.

    What a camera sees faces it, so in our frame z is positive.

    Args:
        path: The normals' file.
        stored: Shape (H, W, 3), finite on people, channels as in the file.
        mask: Shape (H, W), > 0 on people.
        axes: As in :func:`parse_axes`, what the channels are said to be.
        min_facing: Least share of these pixels with z > 0; 0 checks nothing.

    Raises:
        BadFileError: If there are less, with the axes that would fit.
    """
    if not min_facing:
        return
    matrix = parse_axes(axes)
    channel = int(np.abs(matrix[2]).argmax())
    facing = (stored[..., channel][mask > 0] * matrix[2, channel] > 0).mean()
    if facing >= min_facing:
        return
    vectors = np.where(mask[..., None] > 0, stored, 0)
    better, _ = fitting_axes(axis_agreement(vectors, mask))
    raise BadFileError(
        f'{path}: only {facing:.0%} of the normals face the camera with axes={axes!r}; '
        f'axes={better!r} fits this file best'
    )
