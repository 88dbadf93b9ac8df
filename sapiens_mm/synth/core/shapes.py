"""Points, normals and texture coordinates of boxes, sheets, balls and cylinders.

Every kernel returns (V, 3) float64 points, normals and template coordinates, metres.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from sapiens_mm.synth.core.jit import kernel

# a box's sides: corner directions of the origin, along u and along v; u x v is outward
_SIDES = np.array(
    [
        [[-1, -1, -1], [1, 0, 0], [0, 0, 1]],
        [[1, 1, -1], [-1, 0, 0], [0, 0, 1]],
        [[1, -1, -1], [0, 1, 0], [0, 0, 1]],
        [[-1, 1, -1], [0, -1, 0], [0, 0, 1]],
        [[-1, -1, 1], [1, 0, 0], [0, 1, 0]],
        [[-1, 1, -1], [1, 0, 0], [0, -1, 0]],
    ],
    float,
)


@lru_cache(64)
def grid_faces(columns: int, rows: int) -> np.ndarray:
    """Return the triangles (2 * columns * rows, 3) of a grid, row by row."""
    j, i = np.mgrid[:rows, :columns]
    a = (j * (columns + 1) + i).ravel()
    b, c, d = a + 1, a + columns + 2, a + columns + 1
    return np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])


@lru_cache(16)
def unit_box(k: int) -> tuple[np.ndarray, ...]:
    """Return a box from -1 to 1 with k x k squares a side, every side on its own.

    Returns:
        (n, 3) points; (n, 3) normals; (n, 2, 3) what share of the edges x, y, z lies
        to the left of a point and below it on its side; (12 k k, 3) triangles.
    """
    t = np.arange(k + 1) / k
    v, u = (q.ravel() for q in np.meshgrid(t, t, indexing='ij'))
    corner, along, up = _SIDES[:, None, 0], _SIDES[:, None, 1], _SIDES[:, None, 2]
    points = corner + 2 * (along * u[:, None] + up * v[:, None])
    normals = np.repeat(np.cross(along, up)[:, 0], len(u), 0)
    share = np.stack([np.abs(along) * u[:, None], np.abs(up) * v[:, None]], 2)
    each = grid_faces(k, k)
    sides = each[None] + np.arange(6)[:, None, None] * len(u)
    return points.reshape(-1, 3), normals, share.reshape(-1, 2, 3), sides.reshape(-1, 3)


@lru_cache(16)
def unit_ball(rows: int) -> np.ndarray:
    """Return a ball of radius 1: a grid (rows + 1, 2 rows + 1, 3)."""
    turn = np.linspace(0, 2 * np.pi, 2 * rows + 1)
    tilt = np.linspace(np.pi, 0, rows + 1)
    flat = np.sin(tilt)[:, None]
    high = np.cos(tilt)[:, None] + 0 * turn
    return np.stack([flat * np.cos(turn), flat * np.sin(turn), high], -1)


@lru_cache(16)
def unit_cylinder(segments: int) -> tuple[np.ndarray, np.ndarray]:
    """Return angles, cosines and sines (segments + 1, 3), and the faces with a lid."""
    turn = np.linspace(0, 2 * np.pi, segments + 1)
    i = np.arange(segments) + 2 * (segments + 1)
    fan = np.stack([i, i + 1, np.full(segments, 3 * (segments + 1))], 1)
    faces = np.concatenate([grid_faces(segments, 1), fan])
    return np.stack([turn, np.cos(turn), np.sin(turn)], 1), faces


@kernel
def pieces_of(sizes, count, step):
    """Return into how many squares a side boxes are split, the fewest and the most.

    Args:
        sizes: (count or 1, 3) edges, metres.
        count: Of boxes.
        step: Longest edge of a square.
    """
    pieces = np.empty(count, np.int64)
    for n in range(count):
        size = sizes[min(n, len(sizes) - 1)]
        edge = max(size[0], max(size[1], size[2]))
        pieces[n] = int(min(10.0, max(1.0, np.ceil(edge / step))))
    return pieces, pieces.min(), pieces.max()


@kernel
def boxes(unit, centres, sizes, turns):
    """Return points, normals, template and faces of n boxes.

    Args:
        unit: Of ``unit_box``.
        centres: (n, 3).
        sizes: (n or 1, 3) edges.
        turns: (n or 1, 2) cosine and sine of the angle about z.
    """
    local, normal, share, sides = unit
    count, each = len(centres), len(local)
    points = np.empty((count * each, 3))
    normals, template = np.empty_like(points), np.zeros_like(points)
    faces = np.empty((count * len(sides), 3), np.int64)
    for n in range(count):
        size, turn = sizes[min(n, len(sizes) - 1)], turns[min(n, len(turns) - 1)]
        c, s = turn[0], turn[1]
        # no two boxes show the same piece of a texture
        offset = 3.7 * centres[n, 0] + 1.3 * centres[n, 1]
        for m in range(each):
            i = n * each + m
            x, y = local[m, 0] * (0.5 * size[0]), local[m, 1] * (0.5 * size[1])
            points[i, 0] = c * x - s * y + centres[n, 0]
            points[i, 1] = s * x + c * y + centres[n, 1]
            points[i, 2] = local[m, 2] * (0.5 * size[2]) + centres[n, 2]
            normals[i, 0] = c * normal[m, 0] - s * normal[m, 1]
            normals[i, 1] = s * normal[m, 0] + c * normal[m, 1]
            normals[i, 2] = normal[m, 2]
            for q in range(3):
                template[i, 0] += share[m, 0, q] * size[q]
                template[i, 2] += share[m, 1, q] * size[q]
            template[i, 0] += offset
        for m in range(len(sides)):
            for q in range(3):
                faces[n * len(sides) + m, q] = sides[m, q] + n * each
    return points, normals, template, faces


@kernel
def sheet(origin, along, up, u, v, corners):
    """Return points, normals, template and (V,) aux of a flat grid.

    Args:
        origin: Three numbers; so are ``along`` and ``up``.
        along: Direction of u.
        up: Direction of v.
        u: (n,) coordinates.
        v: (m,) likewise.
        corners: How much darker the rim is.
    """
    points = np.empty((len(u) * len(v), 3))
    normals, template = np.empty_like(points), np.zeros_like(points)
    aux = np.zeros(len(points))
    for j in range(len(v)):
        for i in range(len(u)):
            n = j * len(u) + i
            for q in range(3):
                points[n, q] = origin[q] + u[i] * along[q] + v[j] * up[q]
                a, b = (q + 1) % 3, (q + 2) % 3
                normals[n, q] = along[a] * up[b] - along[b] * up[a]
            template[n, 0], template[n, 2] = u[i], v[j]
            if corners > 0:
                rim = min(
                    min(u[i] - u[0], u[-1] - u[i]), min(v[j] - v[0], v[-1] - v[j])
                )
                aux[n] = -corners * np.exp(-abs(rim) / 0.3)
    return points, normals, template, aux


@kernel
def ball(unit, radius, centre, radii):
    """Return points, normals and template of an ellipsoid.

    Args:
        unit: Of ``unit_ball``.
        radius: (h, w) factors of its points' distance from the middle.
        centre: (3,).
        radii: (3,).
    """
    height, width = unit.shape[:2]
    points = np.empty((height * width, 3))
    normals, template = np.empty_like(points), np.empty_like(points)
    for j in range(height):
        for i in range(width):
            n, long = j * width + i, 0.0
            for q in range(3):
                template[n, q] = unit[j, i, q] * radius[j, i] * radii[q]
                points[n, q] = template[n, q] + centre[q]
                # normals of an ellipsoid are those of its gradient
                normals[n, q] = unit[j, i, q] / radii[q]
                long += normals[n, q] * normals[n, q]
            for q in range(3):
                normals[n, q] /= np.sqrt(long)
            template[n, 0] += template[n, 1]
    return points, normals, template


@kernel
def cylinder(ring, base, height, bottom, top):
    """Return points, normals and template of an upright cylinder or cone with a lid.

    Args:
        ring: Of ``unit_cylinder``.
        base: (3,) middle of its foot.
        height: Metres.
        bottom: Radius at the foot.
        top: Radius at the lid.
    """
    count = len(ring)
    points = np.empty((3 * count + 1, 3))
    normals, template = np.zeros_like(points), np.zeros_like(points)
    slope = (bottom - top) / max(height, 1e-6)
    steep = np.hypot(1.0, slope)
    for n in range(3 * count):
        turn, c, s = ring[n % count]
        radius, high = bottom if n < count else top, 0.0 if n < count else height
        points[n, 0], points[n, 1] = radius * c + base[0], radius * s + base[1]
        points[n, 2] = high + base[2]
        if n < 2 * count:
            normals[n, 0], normals[n, 1] = c / steep, s / steep
            normals[n, 2] = slope / steep
            template[n, 0], template[n, 2] = turn * max(bottom, top), high
        else:
            normals[n, 2] = 1.0
            template[n, 0], template[n, 2] = radius * c, radius * s
    points[-1, 0], points[-1, 1], points[-1, 2] = base[0], base[1], base[2] + height
    normals[-1, 2] = 1.0
    return points, normals, template
