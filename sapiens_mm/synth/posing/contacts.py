"""Named places on the body that hands and props go to."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from sapiens_mm.synth.core.asset import Asset
from sapiens_mm.synth.posing.penetration import skin_some

PLACES = {
    'hip': (0.155, -0.03, 0.235),
    'side_pocket': (0.175, -0.04, 0.06),
    'back_pocket': (0.09, 0.13, 0.10),
    'thigh': (0.125, -0.13, -0.12),
    'thigh_low': (0.145, -0.125, -0.20),
    'knee': (0.152, -0.11, -0.285),
    'shin': (0.17, -0.10, -0.42),
    'belly': (0.045, -0.15, 0.30),
    'chest': (0.05, -0.16, 0.58),
    'chin': (0.018, -0.165, 0.792),
    'cheek': (0.052, -0.125, 0.835),
    'ear': (0.085, -0.03, 0.885),
    'temple': (0.07, -0.09, 0.925),
    'forehead': (0.03, -0.15, 0.95),
    'crown': (0.04, -0.01, 1.015),
    'nape': (0.03, 0.08, 0.84),
    'head_back': (0.05, 0.07, 0.93),
    'shoulder': (0.16, -0.02, 0.73),
    'biceps': (0.275, -0.075, 0.56),
    'arm_outer': (0.315, -0.01, 0.54),
    'lower_back': (0.06, 0.11, 0.27),
}
"""Template coordinates of the left side, metres; the nearest skin vertex counts."""


@lru_cache(maxsize=2)
def place_ids(asset: Asset) -> dict[str, int]:
    """Return the vertex of every place; 'hip.L' and 'hip.R', and so on."""
    body = np.unique(asset.faces['body'])
    points = asset.template[body]
    out = {}
    for name, place in PLACES.items():
        nearest = body[((points - np.float32(place)) ** 2).sum(1).argmin()]
        out[f'{name}.L'] = int(nearest)
        out[f'{name}.R'] = int(asset.mirror[nearest])
    return out


def contact(
    asset: Asset, rest: np.ndarray, normals: np.ndarray, bones: np.ndarray, place: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return where a place is in a pose, and its outward normal.

    Args:
        asset: The baked human.
        rest: (V, 3) shaped vertices at rest.
        normals: (V, 3) rest normals.
        bones: (B, 4, 4) of ``forward``.
        place: Such as 'hip.L'.

    Returns:
        (3,) metres and (3,) unit.
    """
    ids = np.array([place_ids(asset)[place]])
    point, normal = skin_some(
        rest, normals, ids, asset.skin_index, asset.skin_weight, bones
    )
    return point[0], normal[0]
