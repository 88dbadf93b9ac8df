"""Depth maps as lamps that are far away see a scene."""

from __future__ import annotations

import numpy as np

from sapiens_mm.synth.core.jit import kernel, lean_kernel
from sapiens_mm.synth.render.raster import covered

MARGIN = 4
"""Texels of a map's rim that no receiver is looked up in."""


def look_along(direction: np.ndarray, centre: np.ndarray, radius: float, size: int):
    """Return the map from the world to a far lamp's texels.

    Args:
        direction: (3,) unit vector towards the lamp.
        centre: (3,) world point in the middle of the map.
        radius: Metres from the middle to the rim.
        size: Texels along an edge.

    Returns:
        (3, 4) float64: column, row in texels, distance in metres of x, y, z, 1.
    """
    x, y, z = direction
    # right is level; straight up and down any will do
    flat = np.hypot(x, y)
    right = np.array([y, -x, 0.0]) / flat if flat > 1e-6 else np.array([1.0, 0, 0])
    u, v, _ = right
    # direction x right
    down = np.array([-z * v, z * u, x * v - y * u])
    axes = np.stack([right, down, -direction])
    axes[:2] *= (0.5 * size - MARGIN) / radius
    shift = np.array([0.5 * size, 0.5 * size, 0.0]) - axes @ centre
    return np.concatenate([axes, shift[:, None]], 1)


@kernel
def _seen_from(m, points, cut):
    """Return (V, 4) float32: an affine map (3, 4) of points (V, 3), and their cut."""
    seen = np.empty((points.shape[0], 4), np.float32)
    for n in range(points.shape[0]):
        x, y, z = points[n, 0], points[n, 1], points[n, 2]
        for c in range(3):
            seen[n, c] = m[c, 0] * x + m[c, 1] * y + m[c, 2] * z + m[c, 3]
        seen[n, 3] = cut[n]
    return seen


@kernel
def raster_ortho(points, faces, cut, matrix, depth):
    """Draw the depth of triangles as a far lamp sees them.

    Args:
        points: (V, 3) float32, metres.
        faces: (F, 3) int32.
        cut: (V,) float32; see ``Mesh``.
        matrix: (3, 4) float32 from points to column, row in pixels, distance in metres.
        depth: (H, W) float32, metres, changed in place.
    """
    _raster_ortho(_seen_from(matrix, points, cut), faces, depth)


@lean_kernel
def _raster_ortho(seen, faces, depth):
    """Do what ``raster_ortho`` says, with the rows of ``_seen_from``."""
    height, width = depth.shape
    for f in range(faces.shape[0]):
        p, q, r = seen[faces[f, 0]], seen[faces[f, 1]], seen[faces[f, 2]]
        x0, x1, x2 = p[0], q[0], r[0]
        low, high = min(x0, min(x1, x2)), max(x0, max(x1, x2))
        if low > width - 1 or high < 0:
            continue
        left = int(np.ceil(max(low, np.float32(0))))
        right = int(np.floor(min(high, np.float32(width - 1))))
        y0, y1, y2 = p[1], q[1], r[1]
        low, high = min(y0, min(y1, y2)), max(y0, max(y1, y2))
        if left > right or low > height - 1 or high < 0:
            continue
        top = int(np.ceil(max(low, np.float32(0))))
        bottom = int(np.floor(min(high, np.float32(height - 1))))
        z0, z1, z2 = p[2], q[2], r[2]
        if covered(depth, left, right, top, bottom, min(z0, min(z1, z2))):
            continue
        c0, c1, c2 = p[3], q[3], r[3]
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if abs(area) < 1e-12 or (c0 >= 1 and c1 >= 1 and c2 >= 1):
            continue
        inverse = 1 / area
        partly = c0 >= 1 or c1 >= 1 or c2 >= 1
        for y in range(top, bottom + 1):
            for x in range(left, right + 1):
                a = ((x1 - x) * (y2 - y) - (x2 - x) * (y1 - y)) * inverse
                b = ((x2 - x) * (y0 - y) - (x0 - x) * (y2 - y)) * inverse
                c = 1 - a - b
                if a < 0 or b < 0 or c < 0:
                    continue
                z = a * z0 + b * z1 + c * z2
                if z >= depth[y, x]:
                    continue
                if partly and a * c0 + b * c1 + c * c2 >= 1:
                    continue
                depth[y, x] = z
