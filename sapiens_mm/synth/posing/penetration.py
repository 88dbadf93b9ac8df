"""Whether a posed body runs through itself, and where points of its skin lie.

The test is by surface: probe vertices of every limb look for the nearest vertex of the
parts they might enter and take its outward normal. It is exact to about a centimetre,
which capsules around bones are not at hips, breasts and bellies.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from sapiens_mm.synth.core.asset import PARTS, Asset
from sapiens_mm.synth.core.jit import kernel
from sapiens_mm.synth.core.mesh import smooth_normals

# how deep (metres) probes of one part may press into another; flesh gives way
_DEPTH = {
    'Hand': 0.012,
    'Lower_Arm': 0.014,
    'Upper_Arm': 0.035,
    'Foot': 0.02,
    'Lower_Leg': 0.02,
    'Upper_Leg': 0.03,
    'Face_Neck': 0.015,
}
_SOFT = {
    ('Foot', 'Upper_Leg'): 0.05,
    ('Foot', 'Torso'): 0.06,
    ('Upper_Leg', 'Torso'): 0.12,
    ('Lower_Leg', 'Torso'): 0.05,
}
CLUSTER = 16
"""Points that are looked at together or not at all."""
_JOINED = (
    ('Hand', 'Lower_Arm'),
    ('Lower_Arm', 'Upper_Arm'),
    ('Foot', 'Lower_Leg'),
    ('Lower_Leg', 'Upper_Leg'),
    ('Face_Neck', 'Torso'),
)
"""Neighbours that always touch; the upper limbs and the torso are left to _SOFT."""


@kernel
def skin_some(
    points: np.ndarray,
    normals: np.ndarray,
    ids: np.ndarray,
    index: np.ndarray,
    weight: np.ndarray,
    bones: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Skin some vertices and turn their normals along.

    Args:
        points: (V, 3) rest positions, metres.
        normals: (V, 3) rest normals.
        ids: (n,) which vertices.
        index: (V, k) bones of each vertex.
        weight: (V, k).
        bones: (B, 4, 4) of ``forward``.

    Returns:
        Positions (n, 3) and unit normals (n, 3), float64.
    """
    out = np.zeros((len(ids), 3))
    turned = np.zeros((len(ids), 3))
    for i in range(len(ids)):
        v = ids[i]
        x, y, z = points[v, 0], points[v, 1], points[v, 2]
        p, q, r = normals[v, 0], normals[v, 1], normals[v, 2]
        for k in range(index.shape[1]):
            w, b = weight[v, k], index[v, k]
            if w <= 0:  # weights fall
                break
            for c in range(3):
                e, f, g = bones[b, c, 0], bones[b, c, 1], bones[b, c, 2]
                out[i, c] += w * (e * x + f * y + g * z + bones[b, c, 3])
                turned[i, c] += w * (e * p + f * q + g * r)
        p, q, r = turned[i, 0], turned[i, 1], turned[i, 2]
        # weights blend rotations, which shortens normals
        size = np.sqrt(p * p + q * q + r * r) + 1e-12
        for c in range(3):
            turned[i, c] /= size
    return out, turned


@kernel
def lowest(
    points: np.ndarray,
    ids: np.ndarray,
    index: np.ndarray,
    weight: np.ndarray,
    bones: np.ndarray,
) -> float:
    """Return the least z of vertices skinned as by ``skin_some``, metres."""
    least = np.inf
    for i in range(len(ids)):
        v = ids[i]
        x, y, z = points[v, 0], points[v, 1], points[v, 2]
        high = 0.0
        for k in range(index.shape[1]):
            w, b = weight[v, k], index[v, k]
            if w <= 0:
                break
            rise = bones[b, 2, 0] * x + bones[b, 2, 1] * y + bones[b, 2, 2] * z
            high += w * (rise + bones[b, 2, 3])
        least = min(least, high)
    return least


@kernel
def _spheres(points: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return centres and radii of balls around runs of points."""
    count = len(starts) - 1
    centre, radius = np.zeros((count, 3)), np.zeros(count)
    for s in range(count):
        first, last = starts[s], starts[s + 1]
        for j in range(first, last):
            for c in range(3):
                centre[s, c] += points[j, c] / (last - first)
        for j in range(first, last):
            x, y = points[j, 0] - centre[s, 0], points[j, 1] - centre[s, 1]
            z = points[j, 2] - centre[s, 2]
            radius[s] = max(radius[s], np.sqrt(x * x + y * y + z * z))
    return centre, radius


@kernel
def _runs(starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Split parts into runs of ``CLUSTER`` points.

    Returns:
        Where each run starts, and the first run of each part.
    """
    # clusters do not cross parts
    firsts = np.zeros(len(starts), np.int64)
    for p in range(len(starts) - 1):
        size = starts[p + 1] - starts[p]
        firsts[p + 1] = firsts[p] + (size + CLUSTER - 1) // CLUSTER
    runs = np.empty(firsts[-1] + 1, np.int64)
    for p in range(len(starts) - 1):
        for k in range(firsts[p], firsts[p + 1]):
            runs[k] = starts[p] + (k - firsts[p]) * CLUSTER
    runs[-1] = starts[-1]
    return runs, firsts


@kernel
def depths(
    probes: np.ndarray,
    probe_part: np.ndarray,
    points: np.ndarray,
    normals: np.ndarray,
    starts: np.ndarray,
    allowed: np.ndarray,
) -> np.ndarray:
    """Return how far each probe lies beyond what is allowed, (n,) metres.

    Args:
        probes: (n, 3) points of the skin.
        probe_part: (n,) their parts.
        points: (m, 3) points of the whole skin, sorted by part.
        normals: (m, 3) outward.
        starts: (parts + 1,) where each part begins in ``points``.
        allowed: (parts, parts) depth that a probe of one part may have in another;
            pairs of infinity are not looked at.

    Returns:
        -1 for a probe outside; else metres, negative if within what is allowed.
    """
    runs, firsts = _runs(starts)
    centre, radius = _spheres(points, starts)
    near_centre, near_radius = _spheres(points, runs)
    out = np.full(len(probes), -1.0)
    for i in range(len(probes)):
        x, y, z = probes[i, 0], probes[i, 1], probes[i, 2]
        # 1e5 metres: the first part is always looked at
        best, reach, near, where = 1e9, 1e5, -1, 0
        for p in range(len(starts) - 1):
            if allowed[probe_part[i], p] > 1.0:
                continue
            if _beyond(x, y, z, centre[p], radius[p] + reach):
                continue
            for k in range(firsts[p], firsts[p + 1]):
                if _beyond(x, y, z, near_centre[k], near_radius[k] + reach):
                    continue
                for j in range(runs[k], runs[k + 1]):
                    u, v, w = x - points[j, 0], y - points[j, 1], z - points[j, 2]
                    d = u * u + v * v + w * w
                    if d < best:
                        best, near, where = d, j, p
                # a hair more: a point at the same distance must not be ruled out
                reach = np.sqrt(best) + 1e-9
        if near < 0:
            continue
        inward = 0.0
        for c in range(3):
            inward -= (probes[i, c] - points[near, c]) * normals[near, c]
        # a probe beside an edge is near and not inside
        if inward > 0.35 * np.sqrt(best):
            out[i] = inward - allowed[probe_part[i], where]
    return out


@kernel
def _beyond(x: float, y: float, z: float, centre: np.ndarray, reach: float) -> bool:
    """Return whether a point is farther than ``reach`` from a centre."""
    u, v, w = x - centre[0], y - centre[1], z - centre[2]
    return u * u + v * v + w * w > reach * reach


def _side_and_name(part: str) -> tuple[str, str]:
    side, _, name = part.partition('_')
    return (side, name) if side in ('Left', 'Right') else ('', part)


def _allowed() -> np.ndarray:
    """Return (14, 14) metres that a probe of the row may press into the column."""
    out = np.full((len(PARTS), len(PARTS)), np.inf)
    for i, probe in enumerate(PARTS):
        side, name = _side_and_name(probe)
        if name not in _DEPTH:
            continue
        for j, target in enumerate(PARTS):
            other, target_name = _side_and_name(target)
            same = side == other or not side or not other
            joined = (name, target_name) in _JOINED or (target_name, name) in _JOINED
            if i == j or (same and joined):
                continue
            if same and (name, target_name) == ('Upper_Arm', 'Torso'):
                out[i, j] = 0.045
            else:
                out[i, j] = _SOFT.get((name, target_name), _DEPTH[name])
            if not same and name == target_name == 'Upper_Leg':
                out[i, j] = 0.045
    return out


ALLOWED = _allowed()


@lru_cache(maxsize=2)
def _samples(asset: Asset) -> tuple[np.ndarray, ...]:
    """Return ids and starts by part of the surface; ids and parts of the probes."""
    surface = np.unique(asset.faces['body'])
    outside = asset.fields['mouth_inside'][surface] < 0.3
    surface = surface[outside]
    weights = asset.part_weights[surface]
    part = weights.argmax(1)
    # points that several parts share belong to no limb for sure
    far = np.isfinite(ALLOWED).any(1)[part] & (weights.max(1) > 0.8)
    upper_arm, upper_leg, hand = (
        np.isin(part, [PARTS.index(f'{side}_{name}') for side in ('Left', 'Right')])
        for name in ('Upper_Arm', 'Upper_Leg', 'Hand')
    )
    # the ends of limbs near the trunk touch it in every pose
    far &= ~upper_arm | (asset.fields['t_arm'][surface] > 0.45)
    far &= ~upper_leg | (asset.fields['t_leg'][surface] > 0.4)
    count = np.arange(len(surface))
    probe = far & (count % np.where(hand, 19, 13) == 0)
    order = np.argsort(part, kind='stable')[::3]
    starts = np.searchsorted(part[order], np.arange(len(PARTS) + 1))
    for first, last in zip(starts[:-1], starts[1:], strict=True):
        mine = order[first:last]
        order[first:last] = mine[_clustered(asset.template[surface[mine]])]
    return surface[order], starts, surface[probe], part[probe]


def _clustered(points: np.ndarray) -> np.ndarray:
    """Return an order of points (n, 3) in which runs of ``CLUSTER`` lie together."""
    if len(points) <= CLUSTER:
        return np.arange(len(points))
    order = points[:, np.ptp(points, axis=0).argmax()].argsort(kind='stable')
    # halves of whole clusters
    half = -(-len(points) // (2 * CLUSTER)) * CLUSTER
    sides = (order[:half], order[half:])
    return np.concatenate([side[_clustered(points[side])] for side in sides])


def rest_normals(asset: Asset, rest: np.ndarray) -> np.ndarray:
    """Return (V, 3) outward normals of the body at rest."""
    return smooth_normals(np.ascontiguousarray(rest, np.float32), asset.faces['body'])


def penetration(
    asset: Asset,
    rest: np.ndarray,
    normals: np.ndarray,
    bones: np.ndarray,
    parts: tuple[str, ...] = PARTS,
) -> dict[str, float]:
    """Return where the posed body runs through itself.

    Args:
        asset: The baked human.
        rest: (V, 3) shaped vertices at rest, metres.
        normals: (V, 3) of ``rest_normals``.
        bones: (B, 4, 4) of ``forward``.
        parts: Which are tested against all others.

    Returns:
        Metres beyond the allowed depth by part; only parts that go too deep.
    """
    surface, starts, probe, probe_part = _samples(asset)
    if parts is not PARTS:
        wanted = np.isin(probe_part, [PARTS.index(part) for part in parts])
        probe, probe_part = probe[wanted], probe_part[wanted]
    skin = (asset.skin_index, asset.skin_weight, bones)
    points, turned = skin_some(rest, normals, surface, *skin)
    probes, _ = skin_some(rest, normals, probe, *skin)
    deep = depths(probes, probe_part, points, turned, starts, ALLOWED)
    found: dict[str, float] = {}
    for i in np.flatnonzero(deep > 0):
        part = PARTS[probe_part[i]]
        found[part] = max(found.get(part, 0.0), float(deep[i]))
    return found
