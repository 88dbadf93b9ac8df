"""Whether a posed body runs through itself, and where points of its skin lie.

The test is by surface: probe vertices of every limb look for the nearest vertex of the
parts they might enter and take its outward normal. It is exact to about a centimetre,
which capsules around bones are not at hips, breasts and bellies.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numba import njit

from sapiens_mm.synth.asset import PARTS, Asset
from sapiens_mm.synth.mesh import smooth_normals

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
_JOINED = (
    ('Hand', 'Lower_Arm'),
    ('Lower_Arm', 'Upper_Arm'),
    ('Foot', 'Lower_Leg'),
    ('Lower_Leg', 'Upper_Leg'),
    ('Face_Neck', 'Torso'),
)
"""Neighbours that always touch; the upper limbs and the torso are left to _SOFT."""


@njit(cache=True, nogil=True)
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
    for a in range(len(ids)):
        v = ids[a]
        for k in range(index.shape[1]):
            w = weight[v, k]
            if w <= 0:
                continue
            m = bones[index[v, k]]
            for r in range(3):
                out[a, r] += w * (
                    m[r, 0] * points[v, 0]
                    + m[r, 1] * points[v, 1]
                    + m[r, 2] * points[v, 2]
                    + m[r, 3]
                )
                turned[a, r] += w * (
                    m[r, 0] * normals[v, 0]
                    + m[r, 1] * normals[v, 1]
                    + m[r, 2] * normals[v, 2]
                )
        length = np.sqrt((turned[a] ** 2).sum()) + 1e-12
        turned[a] /= length
    return out, turned


@njit(cache=True, nogil=True)
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
    parts = len(starts) - 1
    centre = np.zeros((parts, 3))
    radius = np.zeros(parts)
    for p in range(parts):
        for j in range(starts[p], starts[p + 1]):
            centre[p] += points[j] / (starts[p + 1] - starts[p])
        for j in range(starts[p], starts[p + 1]):
            radius[p] = max(radius[p], np.sqrt(((points[j] - centre[p]) ** 2).sum()))
    out = np.full(len(probes), -1.0)
    for i in range(len(probes)):
        a = probe_part[i]
        best, near, where = 1e9, -1, 0
        for p in range(parts):
            if allowed[a, p] > 1.0:
                continue
            gap = np.sqrt(((probes[i] - centre[p]) ** 2).sum()) - radius[p]
            if gap > 0 and gap * gap > best:
                continue
            for j in range(starts[p], starts[p + 1]):
                x = probes[i, 0] - points[j, 0]
                y = probes[i, 1] - points[j, 1]
                z = probes[i, 2] - points[j, 2]
                d = x * x + y * y + z * z
                if d < best:
                    best, near, where = d, j, p
        if near < 0:
            continue
        inward = 0.0
        for c in range(3):
            inward -= (probes[i, c] - points[near, c]) * normals[near, c]
        if inward > 0.35 * np.sqrt(best):
            out[i] = inward - allowed[a, where]
    return out


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
    far = np.isfinite(ALLOWED).any(1)[part] & (weights.max(1) > 0.8)
    upper_arm, upper_leg, hand = (
        np.isin(part, [PARTS.index(f'{side}_{name}') for side in ('Left', 'Right')])
        for name in ('Upper_Arm', 'Upper_Leg', 'Hand')
    )
    far &= ~upper_arm | (asset.fields['t_arm'][surface] > 0.45)
    far &= ~upper_leg | (asset.fields['t_leg'][surface] > 0.4)
    count = np.arange(len(surface))
    probe = far & (count % np.where(hand, 19, 13) == 0)
    order = np.argsort(part, kind='stable')[::3]
    starts = np.searchsorted(part[order], np.arange(len(PARTS) + 1))
    return surface[order], starts, surface[probe], part[probe]


def rest_normals(asset: Asset, rest: np.ndarray) -> np.ndarray:
    """Return (V, 3) outward normals of the body at rest."""
    return smooth_normals(np.ascontiguousarray(rest, np.float32), asset.faces['body'])


def penetration(
    asset: Asset, rest: np.ndarray, normals: np.ndarray, bones: np.ndarray
) -> dict[str, float]:
    """Return where the posed body runs through itself.

    Args:
        asset: The baked human.
        rest: (V, 3) shaped vertices at rest, metres.
        normals: (V, 3) of ``rest_normals``.
        bones: (B, 4, 4) of ``forward``.

    Returns:
        Metres beyond the allowed depth by part; only parts that go too deep.
    """
    surface, starts, probe, probe_part = _samples(asset)
    skin = (asset.skin_index, asset.skin_weight, bones)
    points, turned = skin_some(rest, normals, surface, *skin)
    probes, _ = skin_some(rest, normals, probe, *skin)
    deep = depths(probes, probe_part, points, turned, starts, ALLOWED)
    return {
        PARTS[p]: float(deep[probe_part == p].max())
        for p in np.unique(probe_part[deep > 0])
    }
