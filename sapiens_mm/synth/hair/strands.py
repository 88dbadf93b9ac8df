"""Locks of hair as ribbons that follow the scalp, then fall and rest on the body."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sapiens_mm.synth.core.jit import kernel
from sapiens_mm.synth.core.nearest import in_cells, nearest


class Locks(NamedTuple):
    """Where locks begin and how long they are.

    roots is (s, 3) metres; start (s, 3) the unit direction at the root; flow (s, 3) the
    unit direction in which each lock is combed; counts (s,) points of each lock; lifts
    (s,) metres that each keeps from the solid.
    """

    roots: np.ndarray
    start: np.ndarray
    flow: np.ndarray
    counts: np.ndarray
    lifts: np.ndarray


class Habit(NamedTuple):
    """How locks grow.

    step is the metres between points; weight the pull of gravity at each; comb that of
    ``Locks.flow``, at the root; combed the metres along the lock at which that pull has
    faded; cling the share of the height above ``Locks.lifts`` that a step near the
    solid loses.
    """

    step: float
    weight: float
    comb: float
    combed: float
    cling: float


@kernel
def grow(
    locks: Locks, solid: np.ndarray, normals: np.ndarray, habit: Habit
) -> tuple[np.ndarray, np.ndarray]:
    """March locks from their roots.

    Args:
        locks: To grow.
        solid: (m, 3) points of head, neck, clothes.
        normals: (m, 3) outward.
        habit: How.

    Returns:
        Points (s, n, 3), where n is the largest count and shorter locks repeat their
        last point, and (s, n, 3) unit vectors across each lock and along the solid.
    """
    roots, start, flow, counts, lifts = locks
    step, weight, comb, combed, cling = habit
    points = np.empty((len(roots), counts.max(), 3))
    sides = np.empty_like(points)
    cells = in_cells(solid)
    rows = cells[1]
    for s in range(len(roots)):
        place = -1
        px, py, pz = roots[s, 0], roots[s, 1], roots[s, 2]
        dx, dy, dz = start[s, 0], start[s, 1], start[s, 2]
        for k in range(points.shape[1]):
            if k >= counts[s]:
                # a lock that has ended repeats its last point, so that arrays are full
                points[s, k], sides[s, k] = points[s, k - 1], sides[s, k - 1]
                continue
            fade = comb * max(0.0, 1 - k * step / combed)
            dx, dy = dx + fade * flow[s, 0], dy + fade * flow[s, 1]
            dx, dy, dz = _unit(dx, dy, dz + fade * flow[s, 2] - weight)
            qx, qy, qz = px, py, pz
            if k > 0:
                qx, qy, qz = px + step * dx, py + step * dy, pz + step * dz
            place, best = nearest(qx, qy, qz, cells, place)
            near = rows[place]
            nx, ny, nz = normals[near, 0], normals[near, 1], normals[near, 2]
            out = (qx - solid[near, 0]) * nx + (qy - solid[near, 1]) * ny
            move = lifts[s] - (out + (qz - solid[near, 2]) * nz)
            if move < 0:
                # heavy locks do not cling to what is above them
                falls = weight > 0.2 and nz < -0.2
                move *= 0.0 if falls or best > 0.004 else cling
            if move != 0 and best < 0.01:
                # 0.01: what is far from the solid is free
                qx, qy, qz = qx + move * nx, qy + move * ny, qz + move * nz
                if k > 0:
                    dx, dy, dz = _unit(qx - px, qy - py, qz - pz)
            px, py, pz = qx, qy, qz
            points[s, k, 0], points[s, k, 1], points[s, k, 2] = px, py, pz
            x, y, z = _unit(dy * nz - dz * ny, dz * nx - dx * nz, dx * ny - dy * nx)
            sides[s, k, 0], sides[s, k, 1], sides[s, k, 2] = x, y, z
    return points, sides


@kernel
def _unit(x: float, y: float, z: float) -> tuple[float, float, float]:
    """Return a vector at length 1; zeros stay zeros."""
    size = np.sqrt(x * x + y * y + z * z) + 1e-9
    return x / size, y / size, z / size


@kernel
def ribbons(
    points: np.ndarray, sides: np.ndarray, counts: np.ndarray, width: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Make ribbons of locks, with normals bent as if they were round.

    Args:
        points: (s, n, 3).
        sides: (s, n, 3) unit.
        counts: (s,) points in use.
        width: (s,) metres.

    Returns:
        vertices (2 s n, 3), normals, faces (f, 3) and template (2 s n, 3), whose z
        runs along the lock.
    """
    count, n = points.shape[0], points.shape[1]
    vertices = np.empty((count * n * 2, 3), np.float32)
    normals, template = np.empty_like(vertices), np.empty_like(vertices)
    faces = np.empty((2 * (counts - 1).sum(), 3), np.int32)
    f = 0
    for s in range(count):
        along = 0.0
        for k in range(n):
            share = min(k / max(counts[s] - 1, 1), 1.0)
            half = 0.5 * width[s] * (1 - share**2.2 * 0.85)
            before, after = points[s, max(k - 1, 0)], points[s, min(k + 1, n - 1)]
            way = (after - before) * (0.5 if 0 < k < n - 1 else 1.0)
            dx, dy, dz = _unit(way[0], way[1], way[2])
            x, y, z = sides[s, k, 0], sides[s, k, 1], sides[s, k, 2]
            ux, uy, uz = _unit(y * dz - z * dy, z * dx - x * dz, x * dy - y * dx)
            if k > 0:
                step = points[s, k] - points[s, k - 1]
                along += np.sqrt((step**2).sum())
            for edge in range(2):
                v, out = (s * n + k) * 2 + edge, 2.0 * edge - 1
                vertices[v, 0] = points[s, k, 0] + half * out * x
                vertices[v, 1] = points[s, k, 1] + half * out * y
                vertices[v, 2] = points[s, k, 2] + half * out * z
                out *= 0.7
                nx, ny, nz = _unit(ux + out * x, uy + out * y, uz + out * z)
                normals[v, 0], normals[v, 1], normals[v, 2] = nx, ny, nz
                # a place of its own in the texture, by shares that do not repeat soon
                template[v, 0] = s * 0.173 % 3.1 + half * (2.0 * edge - 1)
                template[v, 1] = s * 0.117 % 2.3
                template[v, 2] = along
            if k < counts[s] - 1:
                a = (s * n + k) * 2
                faces[f, 0], faces[f, 1], faces[f, 2] = a, a + 1, a + 2
                faces[f + 1, 0], faces[f + 1, 1], faces[f + 1, 2] = a + 1, a + 3, a + 2
                f += 2
    return vertices, normals, faces, template
