"""The 308 keypoints on a posed body, and which of them an image shows.

tools/dev/place_keypoints.py chose the places of the left side and the midline and says
what it took each name for; the right side is their mirror image.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from sapiens_mm.synth.body.body import Body
from sapiens_mm.synth.core.asset import DATA, Asset
from sapiens_mm.synth.core.camera import Camera
from sapiens_mm.tables import GOLIATH308

PLACES = DATA / 'keypoints308.json'


@dataclass(frozen=True)
class KeypointPlaces:
    """Where K keypoints are on the asset. M is the most vertices one of them needs.

    Attributes:
        vertices: (K, M) int32; unused columns repeat the first with weight 0.
        weights: (K, M) float64, sum 1.
        surface: (K,) bool, on the skin or an eyeball; joints are inside.
        reach: (K,) metres; surfaces nearer by more hide the keypoint.
        away: (K,) cosine between skin and view below which the skin faces away; -2
            where the normal is not clear.
    """

    vertices: np.ndarray
    weights: np.ndarray
    surface: np.ndarray
    reach: np.ndarray
    away: np.ndarray


@lru_cache(maxsize=2)
def _read(path: str | Path) -> dict[str, dict]:
    places = json.loads(Path(path).read_bytes())
    table = GOLIATH308
    for k, m in enumerate(table.flip_indices):
        given = (table.names[k] in places) + (k != m and table.names[m] in places)
        if given != 1:
            raise ValueError(
                f'{path} has {given} places for {table.names[k]} and its mirror '
                f'image; expected 1'
            )
    return places


@lru_cache(maxsize=4)
def keypoint_points(asset: Asset, path: str | Path = PLACES) -> KeypointPlaces:
    """Return where the 308 keypoints are on the asset, in the order of the table.

    Args:
        asset: From ``load_asset``.
        path: File that tools/dev/place_keypoints.py wrote.

    Returns:
        The places; right ones are the mirror images of left ones.

    Raises:
        ValueError: If the file does not place each pair once.
    """
    places, table = _read(path), GOLIATH308
    rows: list[tuple[np.ndarray, dict]] = []
    for name, other in zip(table.names, table.flip_indices, strict=True):
        mine = places.get(name)
        entry = mine or places[table.names[other]]
        ids = np.array(entry['vertices'], np.int32)
        rows.append((ids if mine else asset.mirror[ids], entry))
    width = max(len(ids) for ids, _ in rows)
    vertices = np.empty((len(rows), width), np.int32)
    weights = np.zeros((len(rows), width))
    for k, (ids, entry) in enumerate(rows):
        # padded with a real vertex of weight 0
        vertices[k, : len(ids)], vertices[k, len(ids) :] = ids, ids[0]
        weights[k, : len(ids)] = np.array(entry['weights']) / sum(entry['weights'])
    return KeypointPlaces(
        vertices=vertices,
        weights=weights,
        surface=np.array([entry['surface'] for _, entry in rows]),
        reach=np.array([entry['reach_m'] for _, entry in rows]),
        away=np.array([entry['away'] for _, entry in rows]),
    )


def place(body: Body) -> np.ndarray:
    """Return the 308 keypoints of a posed body, (308, 3) float64 metres."""
    places = keypoint_points(body.asset)
    points = body.vertices[places.vertices].astype(np.float64)
    return np.einsum('km,kmc->kc', places.weights, points)


def facing(body: Body, eye: np.ndarray) -> np.ndarray:
    """Return how far the skin at each keypoint is turned to a viewer.

    Args:
        body: In its pose.
        eye: (3,) where the viewer is, metres.

    Returns:
        (308,) cosine between the outward normal and the direction to the viewer; 1 for
        joints and edges, which have no clear normal.
    """
    places = keypoint_points(body.asset)
    ids, columns, faces, starts = _fan(body.asset)
    corner = body.vertices[faces].astype(np.float64)
    area = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    normal = np.add.reduceat(area, starts)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    weights = places.weights[ids, : columns.shape[1]]
    normal = np.einsum('km,kmc->kc', weights, normal[columns])
    towards = eye - place(body)[ids]
    length = np.linalg.norm(normal, axis=1) * np.linalg.norm(towards, axis=1)
    out = np.ones(len(places.away))
    out[ids] = (normal * towards).sum(1) / length
    return out


@lru_cache(maxsize=2)
def _fan(asset: Asset) -> tuple[np.ndarray, ...]:
    """Return which keypoints have a normal, and the triangles that make it.

    Returns:
        (N,) keypoints; (N, M) rows of the vertices they need; (T, 3) triangles around
        these vertices, one run after the other; where each run starts.
    """
    places = keypoint_points(asset)
    ids = np.flatnonzero(places.away > -1)
    width = int((places.weights[ids] > 0).sum(1).max())
    used, columns = np.unique(places.vertices[ids, :width], return_inverse=True)
    faces = np.concatenate([asset.faces['body'], asset.faces['eyes']])
    corners = faces.ravel()
    order = np.argsort(corners, kind='stable')
    first = np.searchsorted(corners[order], used)
    last = np.searchsorted(corners[order], used, side='right')
    runs = [faces[order[a:b] // 3] for a, b in zip(first, last, strict=True)]
    starts = np.cumsum(last - first) - (last - first)
    return ids, columns.reshape(len(ids), width), np.concatenate(runs), starts


def visibility(
    points: np.ndarray,
    camera: Camera,
    depth: np.ndarray,
    instances: np.ndarray | None = None,
    number: int = 0,
    body: Body | None = None,
) -> np.ndarray:
    """Return which keypoints an image shows.

    A keypoint is visible if no surface lies in front of it by more than its reach: a
    few millimetres on the face, the thickness of limb and clothes at joints. The
    nearest pixel and its neighbours are asked, the farthest of them counts.

    Args:
        points: (308, 3) from ``place``, metres.
        camera: What took the image.
        depth: (H, W) along the view axis, metres; 0 where nothing is.
        instances: (H, W) person of each pixel; with ``number``, joints seen through
            another person within their reach are hidden.
        number: The person whose keypoints they are.
        body: If given, skin that faces away from the camera is hidden.

    Returns:
        (308,) uint8: 2 visible, 1 hidden, 0 outside the image or behind the camera.
    """
    seen = camera.project(points)
    height, width = depth.shape
    # clipped before the cast: far points overflow an int
    column, row = (np.round(np.clip(seen[:, c], -9, 1e6)).astype(int) for c in (0, 1))
    inside = (seen[:, 2] > 0) & (column >= 0) & (column < width)
    inside &= (row >= 0) & (row < height)
    reach = _reach()
    column, row = column.clip(0, width - 1), row.clip(0, height - 1)
    free = np.zeros(len(points), bool)
    for down in (-1, 0, 1):
        for across in (-1, 0, 1):
            y = np.clip(row + down, 0, height - 1)
            x = np.clip(column + across, 0, width - 1)
            nearest = depth[y, x]
            # 0 in the depth map is "nothing there"
            open_ = (nearest <= 0) | (nearest > seen[:, 2] - reach)
            if instances is not None:
                open_ &= (instances[y, x] == number) | (nearest > seen[:, 2])
            free |= open_
    if body is not None:
        away = keypoint_points(body.asset).away
        free &= facing(body, camera.position) > away
    return np.where(inside, np.where(free, 2, 1), 0).astype(np.uint8)


@lru_cache(maxsize=1)
def _reach() -> np.ndarray:
    """Return (308,) the reaches, which do not depend on the asset."""
    places, table = _read(PLACES), GOLIATH308
    pairs = zip(table.names, table.flip_indices, strict=True)
    found = (places.get(n) or places[table.names[m]] for n, m in pairs)
    return np.array([entry['reach_m'] for entry in found])
