"""Facial and local units: mended, and in the form that is stored."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from .source import BODY, EYES, MESH_GROUPS, SLIT, Source

MIN_DELTA_M = 2e-5
STEPS = 32000  # of int16
BLINK = 0.77  # of the unit's way, where the lids meet
FLATTER_TONGUE = 0.35  # of its height when the jaw is open
SEAL_FADE_M = 0.004
OVERLAP_M = 0.0002

# the lips' inner edges, from the midline to the left corner
UPPER_EDGE = (520, 7267, 7268, 7261, 7262, 11962, 7263, 7181, 7180, 7196, 10399, 7194)
LOWER_EDGE = (523, 7264, 7265, 7266, 7206, 7205, 10376, 7195)


def mend_expressions(source: Source, template: np.ndarray) -> None:
    """Mend what the units leave undone.

    Lids close at strength 1, lashes go with them, eyeballs are left to their bones, and
    an open jaw takes the tongue off the palate.
    """
    bind_lashes(source, template)
    tongue = np.unique(source.quads('helper-tongue'))
    height = template[tongue, 2] - template[tongue, 2].min()
    source.expressions['jawOpen'][tongue, 2] -= FLATTER_TONGUE * height
    eyes = np.unique(source.quads(*EYES))
    for name, delta in source.expressions.items():
        if name.startswith('eyeLook'):
            delta[eyes] = 0
        if name.startswith('eyeBlink'):
            delta *= BLINK


def lash_roots(distance: np.ndarray) -> np.ndarray:
    """Return which vertices of a strip of lashes, so far from the lid, root in it."""
    return distance < np.quantile(distance, 0.4)


def bind_lashes(source: Source, template: np.ndarray) -> None:
    """Let the lashes follow the lid where a facial unit leaves them behind."""
    for name in MESH_GROUPS['lashes']:
        quads = source.quads(name)
        ids = np.unique(quads)
        distance, near = cKDTree(template[:BODY]).query(template[ids], k=3)
        roots = lash_roots(distance[:, 0])
        weight = 1 / (distance[roots] + 1e-4)
        weight /= weight.sum(1, keepdims=True)
        owner = cKDTree(template[ids[roots]]).query(template[ids])[1]
        for delta in source.expressions.values():
            lid = np.einsum('nk,nkc->nc', weight, delta[near[roots]])
            if np.abs(delta[ids]).max() < 1e-3 <= np.abs(lid).max():
                delta[ids] = lid[owner]


def bake_seal(template: np.ndarray, mirror: np.ndarray) -> dict[str, np.ndarray]:
    """Return how vertices of the lips follow their inner edges when the mouth shuts.

    Each vertex of an edge has its opposite on the other edge, at the same share of the
    length. ``seal_vertices`` move by ``seal_share`` of the gap of ``seal_anchor``.
    """
    edges, opposites, shares = [], [], []
    for edge, other in ((UPPER_EDGE, LOWER_EDGE), (LOWER_EDGE, UPPER_EDGE)):
        across, there = template[list(edge), 0], template[list(other), 0]
        order = np.argsort(there)
        place = np.interp(across, there[order], np.arange(len(other)))
        first = np.minimum(place.astype(int), len(other) - 2)
        pairs = np.array(other)[order[np.stack([first, first + 1], 1)]]
        for vertex, pair, part in zip(edge, pairs, place - first, strict=True):
            sides = {int(vertex): pair, int(mirror[vertex]): mirror[pair]}
            edges += list(sides)
            opposites += list(sides.values())
            shares += [part] * len(sides)
    edge_ids = np.array(edges)
    upper = np.isin(edge_ids, [*UPPER_EDGE, *mirror[list(UPPER_EDGE)]])
    above = template[:BODY, 2] > np.interp(np.abs(template[:BODY, 0]), *SLIT)
    found = {}
    for mine, side in ((upper, above), (~upper, ~above)):
        rows = np.flatnonzero(mine)
        near = np.flatnonzero(side)
        distance, k = cKDTree(template[edge_ids[rows]]).query(template[near])
        share = np.exp(-((distance / SEAL_FADE_M) ** 2))
        for v, s, row in zip(near, share, rows[k], strict=True):
            if s > 0.02:
                found[int(v)] = (row, s)
    for row, v in enumerate(edges):
        found[v] = (row, 1.0)
    anchor, share = zip(*found.values(), strict=True)
    return {
        'seal_edge': edge_ids.astype(np.uint16),
        'seal_opposite': np.array(opposites, np.uint16),
        'seal_part': np.array(shares, np.float32),
        'seal_overlap': np.where(upper, -OVERLAP_M, OVERLAP_M).astype(np.float32),
        'seal_vertices': np.array(list(found), np.uint16),
        'seal_anchor': np.array(anchor, np.uint16),
        'seal_share': np.array(share, np.float32),
    }


def pack_units(kind: str, units: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the stored form of named displacements, each (V, 3)."""
    starts, vertices, deltas, scales = [0], [], [], []
    for delta in units.values():
        moved = np.flatnonzero(np.abs(delta).max(1) > MIN_DELTA_M)
        scale = max(np.abs(delta).max() / STEPS, 1e-12)
        vertices.append(moved)
        deltas.append(np.round(delta[moved] / scale))
        scales.append(scale)
        starts.append(starts[-1] + len(moved))
    return {
        f'{kind}_names': np.array(list(units)),
        f'{kind}_starts': np.array(starts, np.int32),
        f'{kind}_vertices': np.concatenate(vertices).astype(np.uint16),
        f'{kind}_deltas': np.concatenate(deltas).astype(np.int16),
        f'{kind}_scale': np.array(scales, np.float32),
    }
