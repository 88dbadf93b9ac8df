"""Axes of surface normals: what a file's channels mean, and a sphere to check it by.

Our frame, everywhere after loading: x to the right of the image, y up, z towards the
camera, so a surface that faces the camera is (0, 0, 1). It is right-handed.
"""

from __future__ import annotations

import functools
import itertools
import re

import cv2
import numpy as np

NAMED_AXES = {
    'opengl': 'x y z',  # y up, z to the camera: ours
    'opencv': 'x -y -z',  # y down, z away from the camera
    'directx': 'x -y z',  # y down, z to the camera; left-handed
}
_AXIS = re.compile(r'[+-]?[xyz]')


def parse_axes(axes: str, handedness: str | None = None) -> np.ndarray:
    """Turn a description of a file's channels into a matrix.

    Args:
        axes: For each stored channel, in order, our axis that it holds, with a minus
            where it points the other way: ``'xyz'`` is our frame, ``'zyx'`` stores z
            first, ``'x -y -z'`` has y down and z away from the camera. Or one of
            ``'opengl'``, ``'opencv'``, ``'directx'``.
        handedness: ``'right'`` or ``'left'`` to check that ``axes`` is a frame of that
            kind; None does not check.

    Returns:
        Shape (3, 3), float32, entries -1, 0, 1: our vector is ``matrix @ stored``.

    Raises:
        ValueError: If it is no such description, or of the other handedness.
    """
    text = NAMED_AXES.get(axes, axes)
    parts = _AXIS.findall(text) if isinstance(text, str) else []
    letters = [part[-1] for part in parts]
    joined = ''.join(parts)
    # joined again, so that no word is left over beside the three axes
    if sorted(letters) != ['x', 'y', 'z'] or joined != re.sub(r'[\s,]', '', text):
        raise ValueError(
            f"axes must name x, y and z once each, such as 'xyz', 'zyx' or 'x -y -z', "
            f'or be one of {", ".join(NAMED_AXES)}; got {axes!r}'
        )
    matrix = np.zeros((3, 3), np.float32)
    for channel, part in enumerate(parts):
        matrix['xyz'.index(part[-1]), channel] = -1 if part[0] == '-' else 1
    if handedness is not None and handedness_of(matrix) != handedness:
        raise ValueError(
            f'axes={axes!r} is a {handedness_of(matrix)}-handed frame; handedness says '
            f'{handedness!r}'
        )
    return matrix


def handedness_of(matrix: np.ndarray) -> str:
    """Return ``'right'`` or ``'left'``: the stored frame of a :func:`parse_axes`."""
    return 'right' if np.linalg.det(matrix) > 0 else 'left'


def to_our_frame(stored: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Bring stored vectors (H, W, 3) into our frame.

    Args:
        stored: Shape (H, W, 3), channels as in the file.
        matrix: Of :func:`parse_axes`.

    Returns:
        Shape (H, W, 3), in the type of ``stored``; itself where the frame is ours.
    """
    if np.array_equal(matrix, np.eye(3)):
        return stored
    channels, signs = np.abs(matrix).argmax(1), matrix.sum(1)
    # a permutation with signs: a product would spread the NaN of one channel
    return stored[..., channels] * signs.astype(stored.dtype)


def axis_agreement(stored: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Measure which stored channel follows which of our axes.

    A visible surface faces the camera, and where it turns away from it, along the
    outline of a body, its normal points out of the outline. So z is what is positive
    on people, and x and y are what follows the outward direction of the mask's edge.
    Where the mask ends at the border of the image there is no outline.

    Args:
        stored: Shape (H, W, 3), unit vectors where ``mask`` is set.
        mask: Shape (H, W), > 0 on people.

    Returns:
        Shape (3, 3): rows are our axes x, y, z, columns the stored channels; about
        0.5 to 1 where they agree, negative where they are opposed, near 0 elsewhere.
    """
    inside = mask > 0
    if not inside.any():
        return np.zeros((3, 3))
    # the outline of a mask is a staircase: blurred, its slopes tell the direction
    soft = cv2.GaussianBlur(
        inside.astype(np.float32), (0, 0), 2.0, borderType=cv2.BORDER_REPLICATE
    )
    slope_x = cv2.Sobel(soft, cv2.CV_32F, 1, 0, borderType=cv2.BORDER_REPLICATE)
    slope_y = cv2.Sobel(soft, cv2.CV_32F, 0, 1, borderType=cv2.BORDER_REPLICATE)
    outward = np.dstack([-slope_x, slope_y])  # y up
    steepness = np.linalg.norm(outward, axis=2)
    edge = inside & (steepness > 0.3 * steepness.max())
    result = np.zeros((3, 3))
    if edge.any() and steepness.max() > 0:
        directions = outward[edge] / steepness[edge][:, None]
        result[:2] = directions.T @ stored[edge] / np.abs(directions).sum(0)[:, None]
    result[2] = stored[inside].mean(0)
    return result


@functools.lru_cache(maxsize=1)
def _all_axes() -> dict[str, np.ndarray]:
    found = {}
    for letters in itertools.permutations('xyz'):
        for signs in itertools.product(('', '-'), repeat=3):
            name = ' '.join(map(''.join, zip(signs, letters, strict=True)))
            found[name] = parse_axes(name)
    return found


def fitting_axes(measured: np.ndarray) -> tuple[str, float]:
    """Find the description of axes that fits a measured :func:`axis_agreement` best.

    Args:
        measured: Shape (3, 3), of one image or the mean of several.

    Returns:
        The ``axes`` and how much better they fit than the next, 0 to about 1; below
        0.2 there is not enough to tell.
    """
    fits = {name: (matrix * measured).sum() for name, matrix in _all_axes().items()}
    best, second = sorted(fits, key=fits.__getitem__)[:-3:-1]
    return best, float(fits[best] - fits[second])


def describe_axes(matrix: np.ndarray) -> str:
    """Return the ``axes`` that :func:`parse_axes` turns into a matrix."""
    letters = ['xyz'[row] for row in np.abs(matrix).argmax(0)]
    signs = ['-' if total < 0 else '' for total in matrix.sum(0)]
    return ' '.join(map(''.join, zip(signs, letters, strict=True)))


def sphere_normals(size: int) -> np.ndarray:
    """Return the normals of a sphere that fills a square image, in our frame.

    Args:
        size: Side of the image, pixels.

    Returns:
        Shape (size, size, 3), float32; zero outside the sphere.
    """
    # pixel centres, so that the sphere touches the borders on both sides
    centre = (size - 1) / 2
    offset = (np.arange(size, dtype=np.float32) - centre) / (size / 2)
    x, y = np.meshgrid(offset, -offset)
    inside = x * x + y * y < 1
    z = np.sqrt(np.where(inside, 1 - x * x - y * y, 0))
    return np.dstack([x, y, z]).astype(np.float32) * inside[..., None]
