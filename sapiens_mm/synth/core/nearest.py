"""Nearest point among points sorted into the cells of a grid."""

from __future__ import annotations

import numpy as np

from sapiens_mm.synth.core.jit import inlined, kernel

SIDE = 24
"""Cells of a grid along each axis."""

Cells = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""What ``in_cells`` returns."""


@kernel
def in_cells(points: np.ndarray) -> Cells:
    """Sort points (n, 3), n > 0, into the cells of a grid around them.

    Returns:
        (n, 3) float64, the points in the order of their cells, which run along x, then
        y, then z; (n,) where each of them was; (cells + 1,) the first point of each
        cell; (3,) the grid's corner, metres; (3,) the size of a cell, metres.
    """
    low, high = points[0].copy(), points[0].copy()
    for i in range(len(points)):
        for c in range(3):
            low[c] = min(low[c], points[i, c])
            high[c] = max(high[c], points[i, c])
    # a hair larger, so that the greatest point falls into the last cell
    size = np.maximum(high - low, 1e-3) * ((1 + 1e-9) / SIDE)
    cell = np.empty(len(points), np.int64)
    start = np.zeros(SIDE**3 + 1, np.int64)
    for i in range(len(points)):
        cell[i] = 0
        for c in range(2, -1, -1):
            cell[i] = cell[i] * SIDE + int((points[i, c] - low[c]) / size[c])
        start[cell[i] + 1] += 1
    for k in range(1, len(start)):
        start[k] += start[k - 1]
    rows, free = np.empty(len(points), np.int64), start.copy()
    for i in range(len(points)):
        rows[free[cell[i]]] = i
        free[cell[i]] += 1
    return points[rows], rows, start, low, size


@inlined
def _span(value, reach, low, size):
    """Return the first and the last cell that a reach touches, rounding included."""
    first = int(np.floor((value - reach - low) / size - 1e-6))
    last = int(np.floor((value + reach - low) / size + 1e-6))
    return min(max(first, 0), SIDE - 1), min(max(last, 0), SIDE - 1)


@inlined
def _gap(value, low, size, cell):
    """Return the distance along an axis from a value to a cell, less some rounding."""
    edge = low + cell * size
    return max(max(edge - value, value - edge - size) - 1e-9, 0.0)


@inlined
def _squared(x, y, z, points, i):
    """Return the squared distance from (x, y, z) to a point."""
    dx, dy, dz = points[i, 0] - x, points[i, 1] - y, points[i, 2] - z
    return dx * dx + dy * dy + dz * dz


@kernel
def nearest(
    x: float, y: float, z: float, cells: Cells, guess: int = -1
) -> tuple[int, float]:
    """Find the point nearest to (x, y, z).

    Args:
        x: Metres; so are ``y`` and ``z``.
        y: See ``x``.
        z: See ``x``.
        cells: Of ``in_cells``.
        guess: Place in the cells' points of one that may be near; without it every
            16th is tried.

    Returns:
        Its place in the cells' points, and the squared distance.
    """
    points, _, start, low, size = cells
    best, found = 1e30, 0
    if guess >= 0:
        best, found = _squared(x, y, z, points, guess), guess
    else:
        # every 16th point gives a bound that rules most cells out
        for i in range(0, len(points), 16):
            d = _squared(x, y, z, points, i)
            if d < best:
                best, found = d, i
    reach = np.sqrt(best)
    left, right = _span(x, reach, low[0], size[0])
    front, back = _span(y, reach, low[1], size[1])
    bottom, top = _span(z, reach, low[2], size[2])
    for k in range(bottom, top + 1):
        rise = _gap(z, low[2], size[2], k)
        for j in range(front, back + 1):
            if rise**2 + _gap(y, low[1], size[1], j) ** 2 > best:
                continue
            row = (k * SIDE + j) * SIDE
            for i in range(start[row + left], start[row + right + 1]):
                d = _squared(x, y, z, points, i)
                if d < best:
                    best, found = d, i
    return found, best
