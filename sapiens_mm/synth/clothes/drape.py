"""Hanging cloth: skirts, dresses and the tails of coats.

A grid of particles starts where the skinned 'skirt' helper is and falls into place by
position-based dynamics: threads keep their length, the body, the ground and the seat
keep the cloth out. It spans from leg to leg, lies on thighs and folds by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from sapiens_mm.synth.clothes.shells import apply_rows, neighbours, subdivide
from sapiens_mm.synth.core.asset import Asset
from sapiens_mm.synth.core.jit import kernel
from sapiens_mm.synth.core.mesh import smooth_normals
from sapiens_mm.synth.core.nearest import in_cells, nearest

STEPS = 36
"""Time steps of the fall."""

_COLUMNS = 36
_ROWS = 20


@dataclass(frozen=True, eq=False)
class SkirtHelper:
    """The helper as a grid of 20 rows, waist first, and 36 columns from the front.

    Attributes:
        ids: (20, 36) body vertices; columns turn from the front to the left.
        height: (20,) z of the rows on the template.
        solid: (n,) helper vertices of hips and legs that cloth rests on.
        solid_faces: (f, 3) of ``solid``.
    """

    ids: np.ndarray
    height: np.ndarray
    solid: np.ndarray
    solid_faces: np.ndarray


@lru_cache(maxsize=2)
def skirt_helper(asset: Asset) -> SkirtHelper:
    """Return the skirt's grid and what it falls on."""
    ids = _rings(asset)
    points = asset.template[ids]
    faces = asset.faces['tights']
    # what lies higher no skirt falls on
    low = (asset.template[faces, 2] < 0.4).all(1) & (
        asset.part('Foot')[faces] < 0.5
    ).all(1)
    low &= (asset.part('Upper_Arm', 'Lower_Arm', 'Hand')[faces] < 0.2).all(1)
    solid, local = np.unique(faces[low], return_inverse=True)
    return SkirtHelper(
        ids, points[..., 2].mean(1), solid, local.reshape(-1, 3).astype(np.int32)
    )


def _rings(asset: Asset) -> np.ndarray:
    """Return the helper's vertices (20, 36), following its edges from the top."""
    faces = asset.faces['skirt']
    ids, local = np.unique(faces, return_inverse=True)
    first, near = neighbours(len(ids), local.reshape(-1, 3))
    place = asset.template[ids]
    angle = np.arctan2(place[:, 0], -(place[:, 1] + 0.03)) % (2 * np.pi)
    level = np.full(len(ids), -1)
    pairs = np.sort(local.reshape(-1, 3)[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), 1)
    edges, uses = np.unique(pairs, axis=0, return_counts=True)
    # an edge of one triangle is a rim
    rim = np.unique(edges[uses == 1])
    ring = rim[place[rim, 2] > 0]
    out = []
    while len(ring):
        level[ring] = len(out)
        out.append(ids[ring[np.argsort(angle[ring])]])
        below = np.concatenate([near[first[v] : first[v + 1]] for v in ring])
        ring = np.unique(below[level[below] < 0])
    return np.stack(out)


@dataclass(frozen=True)
class Cut:
    """How a hanging garment is cut.

    Attributes:
        hem: z of the template where it ends, -0.68 (ankle) to 0.1.
        flare: Width at the hem as a share of the helper's, 0.75 to 2.5.
        top: z of the template where it begins, 0.2 to 0.29.
        gap: Metres from the body.
        slit: Whether the front is open.
        spread: Metres by which a slit stands apart at the top; 0 overlaps it.
        pleats: Waves around, 0 for none.
    """

    hem: float
    flare: float = 1.0
    top: float = 0.29
    gap: float = 0.012
    slit: bool = False
    spread: float = 0.02
    pleats: int = 0


@dataclass(frozen=True)
class Grid:
    """Cloth in the world: ``points`` (n, 3), ``faces`` (f, 3), ``template`` (n, 3)."""

    points: np.ndarray
    faces: np.ndarray
    template: np.ndarray


def _sample(values: np.ndarray, rows: np.ndarray, turns: np.ndarray) -> np.ndarray:
    """Interpolate (20, 36, 3) at fractional rows and columns (both (r, c))."""
    i = np.clip(rows.astype(int), 0, _ROWS - 2)
    j = np.floor(turns).astype(int)
    a, b = (rows - i)[..., None], (turns - j)[..., None]
    left, right = j % _COLUMNS, (j + 1) % _COLUMNS
    upper = values[i, left] * (1 - b) + values[i, right] * b
    lower = values[i + 1, left] * (1 - b) + values[i + 1, right] * b
    return upper * (1 - a) + lower * a


def drape(
    asset: Asset,
    rest: np.ndarray,
    vertices: np.ndarray,
    cut: Cut,
    seat: tuple[np.ndarray, np.ndarray] | None = None,
    ground: float = -0.02,
    columns: int = 60,
) -> Grid:
    """Hang a skirt on a posed body.

    Args:
        asset: The baked human.
        rest: (V, 3) shaped vertices at rest, which give the cloth its size.
        vertices: (V, 3) posed vertices.
        cut: Of the garment.
        seat: Corners (low, high) of a box that keeps the cloth out.
        ground: z below which the cloth cannot go.
        columns: Particles around.

    Returns:
        The cloth at rest, smoothed once; a slit leaves it open in front.
    """
    helper = skirt_helper(asset)
    count = max(4, int(np.ceil((cut.top - cut.hem) / 0.05)) + 1)
    heights = np.linspace(cut.top, cut.hem, count)
    row = np.interp(-heights, -helper.height, np.arange(_ROWS))
    turn = np.arange(columns) * _COLUMNS / columns
    if cut.slit:
        # a buttoned front overlaps, an open one stands apart
        edge = 0.4 if cut.spread > 0.005 else -0.7
        turn = np.linspace(edge, _COLUMNS - edge, columns)
    rows, turns = np.broadcast_arrays(row[:, None], turn[None])
    flat, start, template = (
        _sample(points[helper.ids].astype(np.float64), rows, turns)
        for points in (rest, vertices, asset.template)
    )
    start, wide = _widen(start, flat, cut, turn, count)
    solid = vertices[helper.solid]
    normals = smooth_normals(solid, helper.solid_faces)
    box = np.zeros((2, 3)) if seat is None else np.stack(seat)
    obstacles = Obstacles(
        solid.astype(np.float64),
        normals.astype(np.float64),
        cut.gap,
        box[0],
        box[1],
        ground,
    )
    points = _fall(start.copy(), Threads(*wide, not cut.slit), obstacles, STEPS)
    return _smoothed(points, template, not cut.slit)


def _widen(
    start: np.ndarray, flat: np.ndarray, cut: Cut, turn: np.ndarray, count: int
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Return the flared start and threads' lengths: across (r, c), down (r-1, c)."""
    share = np.linspace(0, 1, count)[:, None]
    # below 1: cloth widens soon below the waist
    flare = 1 + (cut.flare - 1) * share**0.8
    across = np.linalg.norm(np.roll(flat, -1, 1) - flat, axis=2) * flare
    down = np.linalg.norm(np.diff(flat, axis=0), axis=2)
    middle = start.mean(1, keepdims=True)
    outward = start - middle
    length = np.linalg.norm(outward, axis=2, keepdims=True)
    unit = outward / np.maximum(length, 1e-6)
    wave = 0.0
    if cut.pleats:
        wave = (
            0.035 * share[..., None] * np.cos(cut.pleats * turn * np.pi / 18)[:, None]
        )
    start = start + unit * (cut.gap + 0.25 * (flare[..., None] - 1) * length + wave)
    if cut.slit:  # both edges meet the jacket's opening
        edge = np.exp(-(np.minimum(turn, _COLUMNS - turn) ** 2) / 3)[:, None]
        side = np.where(turn < _COLUMNS / 2, 1.0, -1.0)[:, None]
        across_front = start[0, 0] - start[0, -1]
        across_front = across_front / max(np.linalg.norm(across_front), 1e-6)
        start = start + cut.spread * edge * side * across_front
    return start, (across, down)


@kernel
def _hold(x, a, b, c, d, length, share, fixed_first):
    """Bring particles (a, b) and (c, d) to a distance, ``share`` of the error."""
    dx = x[c, d, 0] - x[a, b, 0]
    dy = x[c, d, 1] - x[a, b, 1]
    dz = x[c, d, 2] - x[a, b, 2]
    now = np.sqrt(dx * dx + dy * dy + dz * dz) + 1e-12
    move = share * (now - length) / now
    first = 0.0 if fixed_first else 0.5
    x[a, b, 0] += first * move * dx
    x[a, b, 1] += first * move * dy
    x[a, b, 2] += first * move * dz
    x[c, d, 0] -= (1 - first) * move * dx
    x[c, d, 1] -= (1 - first) * move * dy
    x[c, d, 2] -= (1 - first) * move * dz


class Threads(NamedTuple):
    """Lengths of a cloth's threads, metres.

    across is (r, c), each to the next particle of its row; down (r - 1, c); ring tells
    whether the last column is tied to the first.
    """

    across: np.ndarray
    down: np.ndarray
    ring: bool


class Obstacles(NamedTuple):
    """What keeps a cloth out.

    solid is (m, 3) points of the body and normals (m, 3) theirs, outward; gap the
    metres that the cloth keeps from it; low and high (3,) the corners of a seat, equal
    if there is none; ground the height of the ground.
    """

    solid: np.ndarray
    normals: np.ndarray
    gap: float
    low: np.ndarray
    high: np.ndarray
    ground: float


# per step, in metres and shares: what is left of a particle's speed, the most that it
# moves (a body is thicker than that, so nothing falls through), and how far it falls
_KEPT_SPEED, _FASTEST, _FALL = 0.86, 0.02, 0.0016
_ROUNDS = 3
_SHEAR, _ACROSS = 0.12, 0.9
"""Stiffness of cloth along its diagonals, which give way, and around the body."""

_BENDING = 0.8
"""Share of its length below which a bend of two threads is pushed apart."""

_PAD = 0.004
"""Metres that cloth keeps from ground and seat."""


@kernel
def _fall(
    x: np.ndarray, threads: Threads, obstacles: Obstacles, steps: int
) -> np.ndarray:
    """Let the particles x (r, c, 3) fall; the first row is fixed."""
    across, down, ring = threads
    solid, normals, gap, box_low, box_high, ground = obstacles
    rows, columns = x.shape[0], x.shape[1]
    before = x.copy()
    near = np.full((rows, columns), -1)
    cells = in_cells(solid)
    last = columns if ring else columns - 1
    diagonal = np.zeros((rows, columns))
    for i in range(1, rows):
        for j in range(columns):
            diagonal[i, j] = np.sqrt(across[i, j] ** 2 + down[i - 1, j] ** 2)
    for step in range(steps):
        for i in range(1, rows):
            for j in range(columns):
                for k in range(3):
                    speed = _KEPT_SPEED * (x[i, j, k] - before[i, j, k])
                    before[i, j, k] = x[i, j, k]
                    x[i, j, k] += min(max(speed, -_FASTEST), _FASTEST)
                x[i, j, 2] -= _FALL
        for _ in range(_ROUNDS):
            for i in range(1, rows):
                for j in range(columns):
                    _hold(x, i - 1, j, i, j, down[i - 1, j], 1.0, i == 1)
                    if ring or j + 1 < columns:
                        q = (j + 1) % columns
                        _hold(x, i - 1, j, i, q, diagonal[i, j], _SHEAR, i == 1)
                        _hold(x, i - 1, q, i, j, diagonal[i, j], _SHEAR, i == 1)
                for j in range(last):
                    _hold(x, i, j, i, (j + 1) % columns, across[i, j], _ACROSS, False)
                for j in range(columns if ring else columns - 2):
                    q = (j + 2) % columns
                    _stretch(
                        x,
                        i,
                        j,
                        q,
                        _BENDING * (across[i, j] + across[i, (j + 1) % columns]),
                    )
        for i in range(1, rows):
            for j in range(columns):
                # what is nearest changes slowly, and must be right at the end
                if step % 6 == 0 or step > steps - 3:
                    p, q, r = x[i, j, 0], x[i, j, 1], x[i, j, 2]
                    near[i, j] = nearest(p, q, r, cells, near[i, j])[0]
                row = cells[1][near[i, j]]
                _push(x[i, j], before[i, j], solid, normals, row, gap)
                _keep_out(x[i, j], box_low, box_high, gap)
                if x[i, j, 2] < ground + _PAD:
                    x[i, j, 2] = ground + _PAD
    return x


@kernel
def _stretch(x, i, j, q, least):
    """Push two particles of a row apart if they are closer than ``least``."""
    dx = x[i, q, 0] - x[i, j, 0]
    dy = x[i, q, 1] - x[i, j, 1]
    dz = x[i, q, 2] - x[i, j, 2]
    now = np.sqrt(dx * dx + dy * dy + dz * dz) + 1e-12
    if now >= least:
        return
    move = 0.15 * (least - now) / now
    x[i, j, 0] -= move * dx
    x[i, j, 1] -= move * dy
    x[i, j, 2] -= move * dz
    x[i, q, 0] += move * dx
    x[i, q, 1] += move * dy
    x[i, q, 2] += move * dz


@kernel
def _push(point, before, solid, normals, s, gap):
    """Push a particle out of the body, with friction."""
    out = 0.0
    for k in range(3):
        out += (point[k] - solid[s, k]) * normals[s, k]
    if out >= gap:
        return
    for k in range(3):
        point[k] += (gap - out) * normals[s, k]
    # friction: half of the push is no speed
    for k in range(3):
        before[k] += 0.5 * (point[k] - before[k])


@kernel
def _keep_out(point, low, high, gap):
    """Push a particle out of the seat, upwards or forwards."""
    if low[2] >= high[2]:
        return
    for k in range(2):
        if point[k] <= low[k] - gap or point[k] >= high[k] + gap:
            return
    if point[2] >= high[2] + _PAD:
        return
    to_top, to_front = high[2] + _PAD - point[2], point[1] - (low[1] - gap)
    to_left, to_right = high[0] + gap - point[0], point[0] - (low[0] - gap)
    least = min(min(to_top, to_front), min(to_left, to_right))
    if least == to_top:
        point[2] += to_top
    elif least == to_front:
        point[1] -= to_front
    elif least == to_left:
        point[0] += to_left
    else:
        point[0] -= to_right


@lru_cache(maxsize=64)
def _grid(rows: int, columns: int, ring: bool) -> tuple[np.ndarray, ...]:
    """Return the subdivision of a grid: start, column, weight, faces."""
    i, j = np.mgrid[: rows - 1, : columns if ring else columns - 1]
    a, b = i * columns + j, i * columns + (j + 1) % columns
    c, d = a + columns, b + columns
    faces = np.stack([np.stack([a, c, b], -1), np.stack([b, c, d], -1)], 2)
    return subdivide(rows * columns, faces.reshape(-1, 3))


def _smoothed(points: np.ndarray, template: np.ndarray, ring: bool) -> Grid:
    """Subdivide the particles' grid once."""
    start, column, weight, faces = _grid(*points.shape[:2], ring)
    smooth = apply_rows(start, column, weight, points.reshape(-1, 3).astype(np.float32))
    rest = apply_rows(start, column, weight, template.reshape(-1, 3).astype(np.float32))
    return Grid(smooth, faces, rest)
