"""Checks of loaded maps and masks: what is wrong, in which file, and what to do."""

from __future__ import annotations

import numpy as np

from sapiens_mm.data.files import BadFileError
from sapiens_mm.geometry.axes import (
    axis_agreement,
    fitting_axes,
    parse_axes,
)

MIN_LENGTH = 0.1  # of a stored normal; shorter ones say nothing
# of one stored as (n + 1) / 2: black and white, of no direction, give 1.73
RGB_LENGTHS = (0.5, 1.5)
# relative depth of near_is_zero: predictions dip a little below 0, never as far as this
NEAREST_RELATIVE = -1.0


def known_pixels(
    values: np.ndarray,
    invalid_value: float | None = None,
    unit: bool = False,
    near_is_zero: bool = False,
    from_rgb: bool = False,
) -> np.ndarray:
    """Tell which pixels of a map say something.

    Args:
        values: Shape (H, W) or (H, W, C).
        invalid_value: A number for "unknown", on the scale of ``values``; in vectors,
            all channels hold it. None means there is none.
        unit: The values are directions, and short ones say nothing.
        near_is_zero: Depth is relative, and about 0 where it is near.
        from_rgb: The directions were (n + 1) / 2, so that far from length 1 they say
            nothing.

    Returns:
        Shape (H, W), bool. Depth is known where it is finite and above 0, with
        ``near_is_zero`` above ``NEAREST_RELATIVE``.
    """
    if values.ndim == 2:
        nothing = NEAREST_RELATIVE if near_is_zero else 0
        known = np.isfinite(values) & (values > nothing)
        return known if invalid_value is None else known & (values != invalid_value)
    squared = squared_lengths(values)  # not finite where a channel is not
    known = np.isfinite(squared)
    if invalid_value is not None:
        known &= (values != invalid_value).any(2)
    if not unit:
        return known
    low, high = RGB_LENGTHS if from_rgb else (MIN_LENGTH, np.inf)
    return known & (squared >= low**2) & (squared <= high**2)


def squared_lengths(vectors: np.ndarray) -> np.ndarray:
    """Return x**2 + y**2 + … of vectors (H, W, C), shape (H, W)."""
    return np.einsum('hwc,hwc->hw', vectors, vectors)


def check_known(
    path: str,
    values: np.ndarray,
    known: np.ndarray,
    mask: np.ndarray,
    max_holes: float,
    near_is_zero: bool = False,
    invalid_value: float | None = None,
) -> None:
    """Refuse a map that is unknown on too many pixels of people.

    Args:
        path: The map's file, for the message.
        values: Shape (H, W) or (H, W, C).
        known: Of :func:`known_pixels`.
        mask: Shape (H, W), > 0 on people.
        max_holes: Share of these pixels that may be unknown.
        near_is_zero: As in :func:`known_pixels`.
        invalid_value: As in :func:`known_pixels`.

    Raises:
        BadFileError: If more are, with what they hold.
    """
    people = mask > 0
    holes = people & ~known
    if holes.sum() <= max_holes * people.sum():
        return
    channels = values[..., None] if values.ndim == 2 else values
    advice = ''
    if np.isnan(channels[holes]).any():
        what = 'NaN'
    elif np.isinf(channels[holes]).any():
        what = 'inf'
    elif invalid_value is not None and (channels[holes] == invalid_value).all(1).any():
        what = f'invalid_value ({invalid_value:g})'
    elif values.ndim == 3 and (squared_lengths(values[holes][None]) > 1).any():
        what = 'no direction (lengths far from 1, read as (n + 1) / 2)'
    elif values.ndim == 3:
        what = 'no direction (vectors of length 0)'
    elif near_is_zero:
        what = f'no relative depth ({NEAREST_RELATIVE:g} or less)'
    else:
        what = 'no depth (0 or less)'
        advice = (
            '. If 0 means near in these files, as in relative depth from 0 to 1, set '
            'near_is_zero=True of the data set'
        )
    share = holes.sum() / people.sum()
    raise BadFileError(
        f'{path} holds {what} on people: {holes.sum()} of {people.sum()} pixels are '
        f'unknown, {percent_beside(share, max_holes)}, where max_holes is '
        f'{100 * max_holes:g}%{advice}'
    )


def percent_beside(share: float, limit: float) -> str:
    """Write a share in percent, with the digits that tell it from a limit.

    Args:
        share: Of 1.
        limit: Another one, which a text names as ``f'{100 * limit:g}%'``.
    """
    for decimals in range(1, 12):
        text = f'{100 * share:.{decimals}f}'
        if abs(float(text) - 100 * share) <= 10 * abs(share - limit):
            break  # a tenth of what they differ by
    return f'{text}%'


def check_mask_shape(
    path: str, shape: tuple[int, ...], image_hw: tuple[int, ...], what: str
) -> None:
    """Refuse a mask or map of another size than its image.

    Raises:
        BadFileError: If the sizes differ.
    """
    if tuple(shape[:2]) != tuple(image_hw[:2]):
        turned = tuple(shape[:2]) == tuple(image_hw[1::-1])
        guess = '; it is transposed: store array.swapaxes(0, 1)' if turned else ''
        raise BadFileError(
            f'{path}: the {what} has {shape[1]} x {shape[0]} pixels, its image '
            f'{image_hw[1]} x {image_hw[0]} (width x height){guess}'
        )


def check_background(path: str, known: np.ndarray, near_is_zero: bool) -> None:
    """Refuse depth without a mask that does not tell people from the rest.

    Raises:
        BadFileError: If it is ``near_is_zero`` and known everywhere.
    """
    if near_is_zero and known.all():
        raise BadFileError(
            f'{path}: with near_is_zero, 0 is a depth, and so every pixel would count '
            'as a person; give masks (mask_path), or NaN or an invalid_value where '
            'nobody is'
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
