"""Garments as shells around the body.

MakeHuman's helper meshes follow every body: 'tights' wraps it from the neck to wrists
and toes. A shell is such a helper, smoothed once by Loop subdivision, pushed outwards,
relaxed until it spans hollows like cloth, and cut along a line that is stated in
template coordinates. Borders therefore sit at the same place on all bodies and are
exact within triangles.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

from sapiens_mm.synth.core.asset import Asset
from sapiens_mm.synth.core.jit import kernel
from sapiens_mm.synth.core.mesh import smooth_normals

EDGE = 0.02
"""Metres of a border field that make a step of 1 in ``Mesh.cut``."""


@dataclass(frozen=True, eq=False)
class Base:
    """A subdivided helper mesh. N vertices made of n helper vertices.

    Attributes:
        ids: (n,) body vertices that it is made of.
        start, column, weight: The subdivision as rows of a sparse (N, n) matrix.
        faces: (F, 3) int32.
        near_start, near: Neighbours of each vertex, as rows of a sparse matrix.
        template: (N, 3) float32 template coordinates.
    """

    ids: np.ndarray
    start: np.ndarray
    column: np.ndarray
    weight: np.ndarray
    faces: np.ndarray
    near_start: np.ndarray
    near: np.ndarray
    template: np.ndarray

    def field(self, values: np.ndarray) -> np.ndarray:
        """Bring values (V,) or (V, c) of body vertices to the base, float32."""
        flat = np.ascontiguousarray(values, np.float32)
        flat = flat[self.ids].reshape(len(self.ids), -1)
        out = apply_rows(self.start, self.column, self.weight, flat)
        return out[:, 0] if np.ndim(values) == 1 else out


def subdivide(count: int, faces: np.ndarray) -> tuple[np.ndarray, ...]:
    """Subdivide triangles once by Loop's rules.

    Args:
        count: Vertices.
        faces: (F, 3).

    Returns:
        start (N + 1,), column, weight: The new vertices as sums of the old, row by row.
        faces: (4 F, 3) int32. Borders are subdivided as curves of their own.
    """
    faces = np.asarray(faces, np.int64)
    ends = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].transpose(1, 0, 2).reshape(-1, 2))
    opposite = faces[:, [2, 0, 1]].T.ravel()
    edges, which, uses = np.unique(
        ends, axis=0, return_inverse=True, return_counts=True
    )
    which, border = which.ravel(), uses == 1
    rows, cols, vals = [], [], []

    def put(row: np.ndarray, col: np.ndarray, val: np.ndarray | float) -> None:
        rows.append(row)
        cols.append(col)
        vals.append(np.broadcast_to(val, row.shape))

    new = count + np.arange(len(edges))
    for k in (0, 1):
        # Loop's masks: 3/8 and 1/8 inside, 1/2 on a border
        put(new, edges[:, k], np.where(border, 0.5, 0.375))
    inner = ~border[which]
    put(new[which[inner]], opposite[inner], 0.25 / uses[which[inner]])
    valence = np.bincount(edges.ravel(), minlength=count)
    on_border = np.zeros(count, bool)
    on_border[edges[border].ravel()] = True
    # Warren's weights, simpler than Loop's cosine and as smooth
    beta = np.where(valence == 3, 3 / 16, 3 / (8 * np.maximum(valence, 1)))
    every = np.arange(count)
    put(every, every, np.where(on_border, 0.75, 1 - valence * beta))
    for a, b in ((0, 1), (1, 0)):
        here = edges[:, a]
        put(here, edges[:, b], np.where(on_border[here], 0.125 * border, beta[here]))
    row, col, val = map(np.concatenate, (rows, cols, vals))
    keep = val != 0
    order = np.argsort(row[keep], kind='stable')
    row, col, val = (q[keep][order] for q in (row, col, val))
    start = np.searchsorted(row, np.arange(count + len(edges) + 1))
    e = which.reshape(3, -1) + count
    a, b, c = faces.T
    corners = ((a, e[0], e[2]), (b, e[1], e[0]), (c, e[2], e[1]), tuple(e))
    fine = np.concatenate([np.stack(q, 1) for q in corners])
    weight = val.astype(np.float32)
    return start, col.astype(np.int32), weight, fine.astype(np.int32)


def neighbours(count: int, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (start, near): the vertices that share an edge, row by row."""
    pairs = faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
    pairs = np.unique(np.concatenate([pairs, pairs[:, ::-1]]), axis=0)
    start = np.searchsorted(pairs[:, 0], np.arange(count + 1))
    return start.astype(np.int32), pairs[:, 1].astype(np.int32)


def make_base(template: np.ndarray, faces: np.ndarray) -> Base:
    """Subdivide a helper mesh given by template (V, 3) and faces (F, 3)."""
    ids, local = np.unique(faces, return_inverse=True)
    start, column, weight, fine = subdivide(len(ids), local.reshape(-1, 3))
    count = len(start) - 1
    near_start, near = neighbours(count, fine)
    points = apply_rows(start, column, weight, np.ascontiguousarray(template[ids]))
    return Base(
        ids.astype(np.int32), start, column, weight, fine, near_start, near, points
    )


@lru_cache(maxsize=2)
def tights(asset: Asset) -> Base:
    """Return the base of shells on trunk and limbs."""
    return make_base(asset.template, asset.faces['tights'])


@kernel
def apply_rows(start, column, weight, values):
    """Multiply a sparse matrix by values (n, c)."""
    out = np.zeros((len(start) - 1, values.shape[1]), np.float32)
    for i in range(len(out)):
        for k in range(start[i], start[i + 1]):
            for c in range(values.shape[1]):
                out[i, c] += weight[k] * values[column[k], c]
    return out


class Slack(NamedTuple):
    """How a shell stands off its base and hangs; all (N,) float32.

    off is the metres from the base at which it starts; least the metres that it keeps;
    pull 0 to 1, how far a round moves a vertex to its neighbours' middle; sag the
    metres down per round.
    """

    off: np.ndarray
    least: np.ndarray
    pull: np.ndarray
    sag: np.ndarray


@kernel
def relax(
    skin: np.ndarray,
    normals: np.ndarray,
    slack: Slack,
    links: tuple[np.ndarray, np.ndarray],
    rows: np.ndarray,
    rounds: int,
) -> np.ndarray:
    """Smooth a shell and let it hang while it stays outside the body.

    Args:
        skin: (N, 3) the base, posed.
        normals: (N, 3) of the base, outward.
        slack: How the shell stands off and hangs.
        links: ``near_start`` and ``near`` of the base.
        rows: (n,) vertices that move; others stay at the start.
        rounds: Iterations.
    """
    off, least, pull, sag = slack
    start, near = links
    now = np.empty_like(skin)
    for i in range(len(skin)):
        for c in range(3):
            now[i, c] = skin[i, c] + normals[i, c] * off[i]
    last = now.copy()
    for _ in range(rounds):
        last, now = now, last
        for i in rows:
            first, end = start[i], start[i + 1]
            x = y = z = np.float32(0)
            for k in range(first, end):
                j = near[k]
                x += last[j, 0]
                y += last[j, 1]
                z += last[j, 2]
            count = np.float32(end - first)
            dx = pull[i] * (x / count - last[i, 0])
            dy = pull[i] * (y / count - last[i, 1])
            dz = pull[i] * (z / count - last[i, 2])
            # along the surface smoothing would only shift the pattern and the borders:
            # a tenth of it keeps vertices evenly apart
            away = dx * normals[i, 0] + dy * normals[i, 1] + dz * normals[i, 2]
            away *= np.float32(0.9)
            px = last[i, 0] + away * normals[i, 0] + np.float32(0.1) * dx
            py = last[i, 1] + away * normals[i, 1] + np.float32(0.1) * dy
            pz = last[i, 2] + away * normals[i, 2] + np.float32(0.1) * dz - sag[i]
            out = (
                (px - skin[i, 0]) * normals[i, 0]
                + (py - skin[i, 1]) * normals[i, 1]
                + (pz - skin[i, 2]) * normals[i, 2]
            )
            if out < least[i]:
                px += (least[i] - out) * normals[i, 0]
                py += (least[i] - out) * normals[i, 1]
                pz += (least[i] - out) * normals[i, 2]
            now[i, 0], now[i, 1], now[i, 2] = px, py, pz
    return now


@kernel
def select(cut: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the vertices (n,) of faces that ``cut`` leaves some of, and those faces.

    The faces (f, 3) index the n vertices.
    """
    local = np.full(len(cut), -1, np.int32)
    kept = np.empty_like(faces)
    count = 0
    for f in range(len(faces)):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        if cut[a] < 1 or cut[b] < 1 or cut[c] < 1:
            kept[count, 0], kept[count, 1], kept[count, 2] = a, b, c
            local[a] = local[b] = local[c] = 0
            count += 1
    rows = np.flatnonzero(local == 0)
    for k in range(len(rows)):
        local[rows[k]] = k
    for f in range(count):
        for c in range(3):
            kept[f, c] = local[kept[f, c]]
    return rows, kept[:count].copy()


@kernel
# a hash of the lattice, so that noise needs no table and no state
def _hash(x: int, y: int, z: int, seed: int) -> float:
    h = np.uint32(x) * np.uint32(374761393) + np.uint32(y) * np.uint32(668265263)
    h += np.uint32(z) * np.uint32(2246822519) + np.uint32(seed) * np.uint32(3266489917)
    h = (h ^ (h >> np.uint32(13))) * np.uint32(1274126177)
    h = h ^ (h >> np.uint32(16))
    # 24 bits, all that float32 tells apart
    return (h & np.uint32(0xFFFFFF)) / 16777216.0


@kernel
def noise(points: np.ndarray, seed: int) -> np.ndarray:
    """Return smooth noise in [-1, 1] at points (n, 3), one lattice cell per unit."""
    out = np.empty(len(points), np.float32)
    for i in range(len(points)):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        a, b, c = int(np.floor(x)), int(np.floor(y)), int(np.floor(z))
        u, v, w = x - a, y - b, z - c
        # smoothstep: no crease at lattice planes
        u, v, w = u * u * (3 - 2 * u), v * v * (3 - 2 * v), w * w * (3 - 2 * w)
        total = 0.0
        for p in range(2):
            for q in range(2):
                for r in range(2):
                    share = (u if p else 1 - u) * (v if q else 1 - v)
                    share *= w if r else 1 - w
                    total += share * _hash(a + p, b + q, c + r, seed)
        out[i] = 2 * total - 1
    return out


@dataclass(frozen=True)
class Posed:
    """A base on a posed body.

    Attributes:
        base: Its mesh.
        points: (N, 3) float32 metres.
        normals: (N, 3) outward.
    """

    base: Base
    points: np.ndarray
    normals: np.ndarray


def pose_base(base: Base, vertices: np.ndarray) -> Posed:
    """Bring a base to posed body vertices (V, 3)."""
    points = base.field(vertices)
    return Posed(base, points, smooth_normals(points, base.faces))


@dataclass(frozen=True)
class Shell:
    """A finished shell before it gets a material.

    Attributes:
        points: (n, 3) metres.
        faces: (f, 3).
        cut: (n,), see ``Mesh``.
        template: (n, 3).
        rows: (n,) vertices of the base that were kept.
    """

    points: np.ndarray
    faces: np.ndarray
    cut: np.ndarray
    template: np.ndarray
    rows: np.ndarray

    @cached_property
    def normals(self) -> np.ndarray:
        """(n, 3) unit, smooth."""
        return smooth_normals(self.points, self.faces)


def make_shell(
    posed: Posed,
    border: np.ndarray,
    least: np.ndarray,
    loose: np.ndarray,
    *,
    pull: np.ndarray | float = 0.5,
    rounds: int = 12,
    sag: np.ndarray | float = 0.0,
    folds: float = 0.0,
    seed: int = 0,
) -> Shell:
    """Build a shell.

    Args:
        posed: The base on the body.
        border: (N,) metres; the garment is where it is negative.
        least: (N,) metres that the cloth keeps from the base.
        loose: (N,) metres by which it stands off further.
        pull: (N,) or one, stiffness of the smoothing, 0 to 1.
        rounds: Rounds of smoothing.
        sag: (N,) or one, metres down in all.
        folds: Height of folds as a share of ``loose`` (1 is strong).
        seed: Of the folds.
    """
    base = posed.base
    count = len(posed.points)
    # 1 is the border, see Mesh.cut
    cut = (1 + border / EDGE).astype(np.float32)
    rows, faces = select(cut, base.faces)
    least = np.broadcast_to(np.float32(least), count)
    slack = Slack(
        (least + loose).astype(np.float32),
        np.ascontiguousarray(least, np.float32),
        np.ascontiguousarray(np.broadcast_to(np.float32(pull), count)),
        np.ascontiguousarray(np.broadcast_to(np.float32(sag) / rounds, count)),
    )
    links = base.near_start, base.near
    points = relax(posed.points, posed.normals, slack, links, rows, rounds)[rows]
    template = base.template[rows]
    if folds > 0:
        depth = np.float32(folds) * np.asarray(loose, np.float32)[rows]
        points += posed.normals[rows] * _folds(template, depth, seed)
    return Shell(points, faces, cut[rows], template, rows)


def _folds(template: np.ndarray, depth: np.ndarray, seed: int) -> np.ndarray:
    """Return (n, 1) metres of outward folds, slanted across the limbs."""
    x, y, z = template.T
    slant = 0.55 * noise(template * np.float32(3.1), seed + 2)
    bent = np.stack([x, y, z + slant * np.float32(0.09) + 0.5 * x], 1)
    coarse = noise(bent * np.float32([11, 11, 21]), seed)
    fine = noise(bent * np.float32([27, 27, 46]), seed + 1)
    where = np.clip(0.6 + 1.3 * noise(template * np.float32(6.0), seed + 3), 0, 1.3)
    height = where * (0.7 * coarse + 0.3 * fine)
    # folds outward mostly: inward ones would meet the skin
    return (depth * np.maximum(height, -0.3))[:, None]
