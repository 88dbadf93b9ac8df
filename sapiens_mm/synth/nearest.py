"""Nearest point among points sorted by height."""

from __future__ import annotations

import numpy as np

from sapiens_mm.synth.jit import kernel


def by_height(points: np.ndarray, normals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return points and normals (n, 3) as float64 in the order of z."""
    order = np.argsort(points[:, 2], kind='stable')
    return points[order].astype(np.float64), normals[order].astype(np.float64)


@kernel
def nearest(
    x: float, y: float, z: float, points: np.ndarray, guess: int = 0
) -> tuple[int, float]:
    """Find the point nearest to (x, y, z).

    Args:
        x: Metres; so are ``y`` and ``z``.
        y: See ``x``.
        z: See ``x``.
        points: (n, 3) float64, sorted by z; n > 0.
        guess: Row of a point that may be near; the nearer it is, the less is searched.

    Returns:
        Its row and the squared distance. The search goes up and down from the height
        of the query and stops where height alone is farther than the best so far.
    """
    low, high = 0, len(points)
    while low < high:
        middle = (low + high) // 2
        if points[middle, 2] < z:
            low = middle + 1
        else:
            high = middle
    up, down = low, low - 1
    dx, dy, dz = points[guess, 0] - x, points[guess, 1] - y, points[guess, 2] - z
    best, found = dx * dx + dy * dy + dz * dz, guess
    while True:
        moved = False
        if up < len(points):
            dz = points[up, 2] - z
            if dz * dz < best:
                dx, dy = points[up, 0] - x, points[up, 1] - y
                d = dx * dx + dy * dy + dz * dz
                if d < best:
                    best, found = d, up
                up += 1
                moved = True
        if down >= 0:
            dz = points[down, 2] - z
            if dz * dz < best:
                dx, dy = points[down, 0] - x, points[down, 1] - y
                d = dx * dx + dy * dy + dz * dz
                if d < best:
                    best, found = d, down
                down -= 1
                moved = True
        if not moved:
            return found, best
