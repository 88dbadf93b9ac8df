"""Locks of hair as ribbons that follow the scalp, then fall and rest on the body."""

from __future__ import annotations

import numpy as np
from numba import njit

from sapiens_mm.synth.nearest import nearest


@njit(cache=True, nogil=True)
def grow(
    roots: np.ndarray,
    start: np.ndarray,
    flow: np.ndarray,
    counts: np.ndarray,
    lifts: np.ndarray,
    solid: np.ndarray,
    normals: np.ndarray,
    step: float,
    weight: float,
    comb: float,
    combed: float,
    cling: float,
    points: np.ndarray,
    sides: np.ndarray,
) -> None:
    """March locks from their roots.

    Args:
        roots: (s, 3) metres.
        start: (s, 3) unit, direction at the root.
        flow: (s, 3) unit, direction in which each lock is combed.
        counts: (s,) points of each lock.
        lifts: (s,) metres that each keeps from the solid.
        solid: (m, 3) points of head, neck, clothes, sorted by z.
        normals: (m, 3) outward.
        step: Metres between points.
        weight: Of gravity.
        comb: Of ``flow``, at the root.
        combed: Metres along the lock at which that pull has faded.
        cling: Share of the height above ``lifts`` that a step near the solid loses.
        points: (s, n, 3), written.
        sides: (s, n, 3) unit, across each lock and along the solid, written.
    """
    last = points.shape[1]
    for s in range(len(roots)):
        p = roots[s].copy()
        d = start[s].copy()
        for k in range(last):
            if k < counts[s]:
                fade = comb * max(0.0, 1 - k * step / combed)
                for c in range(3):
                    d[c] += fade * flow[s, c]
                d[2] -= weight
                d /= np.sqrt((d * d).sum()) + 1e-9
                q = p + step * d if k > 0 else p.copy()
                near, best = nearest(q[0], q[1], q[2], solid)
                out = 0.0
                for c in range(3):
                    out += (q[c] - solid[near, c]) * normals[near, c]
                move = lifts[s] - out
                if move < 0:
                    # heavy locks do not cling to what is above them
                    falls = weight > 0.2 and normals[near, 2] < -0.2
                    move *= 0.0 if falls or best > 0.004 else cling
                if move != 0 and best < 0.01:
                    for c in range(3):
                        q[c] += move * normals[near, c]
                    if k > 0:
                        d = q - p
                        d /= np.sqrt((d * d).sum()) + 1e-9
                p = q
                side = np.cross(d, normals[near])
                side /= np.sqrt((side * side).sum()) + 1e-9
                sides[s, k] = side
            else:
                sides[s, k] = sides[s, k - 1]
            points[s, k] = p


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
    s, n = points.shape[:2]
    k = np.arange(n)[None]
    share = np.clip(k / np.maximum(counts[:, None] - 1, 1), 0, 1)
    half = 0.5 * width[:, None] * (1 - share**2.2 * 0.85)
    along = np.gradient(points, axis=1)
    along /= np.linalg.norm(along, axis=2, keepdims=True) + 1e-9
    up = np.cross(sides, along)
    up /= np.linalg.norm(up, axis=2, keepdims=True) + 1e-9
    both = np.stack([-1.0, 1.0])[None, None, :, None]
    edge = sides[:, :, None] * both
    vertices = points[:, :, None] + half[..., None, None] * edge
    normals = up[:, :, None] + 0.7 * edge
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    template = np.empty((s, n, 2, 3))
    template[..., 0] = np.arange(s)[:, None, None] * 0.173 % 3.1
    template[..., 0] += half[..., None] * np.array([-1.0, 1.0])
    template[..., 1] = np.arange(s)[:, None, None] * 0.117 % 2.3
    length = np.linalg.norm(np.diff(points, axis=1), axis=2)
    template[..., 2] = np.pad(np.cumsum(length, 1), ((0, 0), (1, 0)))[..., None]
    a = (np.arange(s)[:, None] * n + np.arange(n - 1)[None]) * 2
    a = a[np.arange(n - 1)[None] < counts[:, None] - 1]
    quads = np.stack([a, a + 1, a + 2, a + 1, a + 3, a + 2], 1).reshape(-1, 3)
    flat = (-1, 3)
    return vertices.reshape(flat), normals.reshape(flat), quads, template.reshape(flat)
