"""What of the light of the surroundings arrives at every vertex."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sapiens_mm.synth.core.jit import kernel, lean_kernel
from sapiens_mm.synth.core.mesh import KIND
from sapiens_mm.synth.render.geometry import Geometry
from sapiens_mm.synth.render.lamp_map import MARGIN, look_along, raster_ortho
from sapiens_mm.synth.render.lighting import Environment
from sapiens_mm.synth.render.textures import HAIR


class Rays(NamedTuple):
    """Directions from which light comes.

    matrices is (D, 3, 4) of ``look_along``; directions (D, 3); colors (D, 3), the light
    that comes from there. All float32.
    """

    matrices: np.ndarray
    directions: np.ndarray
    colors: np.ndarray


class Blockers(NamedTuple):
    """What hides the light: triangles and dots.

    points is (V, 3) float32, the corners of faces (F, 3) int32; cut (V,) float32 of the
    corners; dots (N, 3) float32.
    """

    points: np.ndarray
    cut: np.ndarray
    faces: np.ndarray
    dots: np.ndarray


class Receivers(NamedTuple):
    """Where light is wanted, and what has arrived there so far; all float32.

    places is (M, 3), lifted off the surface; normals (M, 3) of it; falls (M, 2) how
    much light is lost per metre behind what hides it, and the metres that are free;
    light (M, 3) linear RGB; white (M, 2) the light of a white sky: what arrived, and
    all.
    """

    places: np.ndarray
    normals: np.ndarray
    falls: np.ndarray
    light: np.ndarray
    white: np.ndarray


def sphere_directions(count: int) -> np.ndarray:
    """Return (count, 3) unit vectors spread evenly (a Fibonacci spiral)."""
    i = np.arange(count) + 0.5
    z = 1 - 2 * i / count
    flat, turn = np.sqrt(1 - z * z), np.pi * (1 + 5**0.5) * i
    return np.stack([flat * np.cos(turn), flat * np.sin(turn), z], 1)


def bake(
    geometry: Geometry,
    casts: np.ndarray,
    dense: np.ndarray,
    needed: np.ndarray,
    environment: Environment,
    centre: np.ndarray,
    radius: float,
    count: int = 40,
    size: int = 160,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the light of the surroundings on every vertex.

    For each of ``count`` directions, a small depth map tells which vertices see out.

    Args:
        geometry: Everything in the scene.
        casts: (F,) bool, faces that hide the sky and are large: drawn as triangles.
        dense: (V,) bool, vertices that hide it and lie close together: drawn as dots.
        needed: (V,) bool, vertices that want light.
        environment: The light.
        centre: (3,) middle of what hides, metres.
        radius: Of that, metres.
        count: Directions.
        size: Texels along an edge of the maps.

    Returns:
        (V, 3) float32 irradiance over pi (a white, open surface under a white sky of
        radiance 1 gets 1), and (V,) float32 the share of it that is not hidden.
    """
    rows = np.flatnonzero(needed)
    texel = 2 * radius / (size - 2 * MARGIN)
    rays = _rays(environment, centre, radius, count, size)
    faces, corners = compact(geometry.faces, casts, len(geometry.points))
    dots = np.flatnonzero(dense & (geometry.cut < 1))
    blockers = Blockers(
        geometry.points[corners],
        geometry.cut[corners],
        faces,
        _thin_out(geometry.points, dots, np.float32(0.5 * texel)),
    )
    receivers = _receivers(geometry, rows, texel)
    _bake(rays, blockers, receivers, np.empty((size, size), np.float32))
    total = np.zeros((len(needed), 3), np.float32)
    free = np.zeros(len(needed), np.float32)
    total[rows] = receivers.light
    open_, all_ = receivers.white[:, 0], receivers.white[:, 1]
    free[rows] = open_ / np.maximum(all_, 1e-6)
    return total, free


def _rays(
    environment: Environment, centre: np.ndarray, radius: float, count: int, size: int
) -> Rays:
    """Return the directions in which ``bake`` looks; its arguments."""
    directions = sphere_directions(count)
    # each stands for an equal part of the sphere
    # 4 / count: the mean over a sphere of a cosine's positive half is a quarter
    light = environment.radiance(directions) * (4.0 / count)
    views = np.stack([look_along(d, centre, radius, size) for d in directions], 0)
    return Rays(
        views.astype(np.float32),
        directions.astype(np.float32),
        light.astype(np.float32),
    )


def _receivers(geometry: Geometry, rows: np.ndarray, texel: float) -> Receivers:
    """Return the vertices ``rows`` as receivers, for maps of this texel, metres."""
    normals = geometry.normals[rows]
    # light dies away slowly between strands; a sharp test would speckle them
    hair = (geometry.materials[:, KIND] == HAIR)[geometry.vertex_mesh[rows]]
    soft = np.where(hair, 22, 1 / (1.5 * texel + 0.004))
    bias = np.where(hair, 0, 1.2 * texel + 0.004)
    return Receivers(
        # a map's texel is flat: what is lifted by one does not hide itself
        places=geometry.points[rows] + np.float32(1.2 * texel) * normals,
        normals=normals,
        falls=np.stack([soft, bias], 1).astype(np.float32),
        light=np.zeros((len(rows), 3), np.float32),
        white=np.zeros((len(rows), 2), np.float32),
    )


@kernel
def compact(faces, wanted, count):
    """Return some faces over a list of their corners alone.

    Args:
        faces: (F, 3) int32.
        wanted: (F,) bool.
        count: Of all vertices.

    Returns:
        (f, 3) int32 faces that index the corners, and (v,) int32 the corners.
    """
    place = np.full(count, -1, np.int32)
    out = np.empty((wanted.sum(), 3), np.int32)
    corners = np.empty(min(count, 3 * len(out)), np.int32)
    f = n = 0
    for g in range(len(faces)):
        if not wanted[g]:
            continue
        for c in range(3):
            i = faces[g, c]
            if place[i] < 0:
                place[i] = n
                corners[n] = i
                n += 1
            out[f, c] = place[i]
        f += 1
    return out, corners[:n]


@kernel
def _thin_out(points, dots, cell):
    """Return the first of the dots (n,) in every cube of edge ``cell``, as (m, 3)."""
    room = 16
    # twice as many slots as keys keep the chains short
    while room < 2 * len(dots):
        room *= 2
    table = np.full(room, -1, np.int64)
    out = np.empty((len(dots), 3), np.float32)
    count = 0
    for n in dots:
        key = np.int64(0)
        for c in range(3):
            # 21 bits an axis, offset so that negative cells fit
            key = key * 2097152 + np.int64(np.floor(points[n, c] / cell)) + 1048576
        # multiplied and shifted: neighbours in space must not meet in one slot
        slot = (key * 0x9E3779B97F4A7C1 >> 20) & (room - 1)
        while table[slot] >= 0 and table[slot] != key:
            slot = (slot + 1) & (room - 1)
        if table[slot] < 0:
            table[slot] = key
            out[count] = points[n]
            count += 1
    return out[:count]


@kernel
def _bake(rays, blockers, receivers, depth):
    """Add the light of all directions to the receivers; ``depth`` (S, S) is scratch."""
    for k in range(len(rays.matrices)):
        depth[:] = np.inf
        matrix = rays.matrices[k]
        raster_ortho(blockers.points, blockers.faces, blockers.cut, matrix, depth)
        _splat(blockers.dots, matrix, depth)
        _gather(matrix, rays.directions[k], rays.colors[k], receivers, depth)


@lean_kernel
def _splat(points, matrix, depth):
    """Draw points as dots of 2 x 2 texels."""
    size = depth.shape[0]
    for n in range(points.shape[0]):
        x, y, z = points[n, 0], points[n, 1], points[n, 2]
        u = matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] * z + matrix[0, 3]
        v = matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2] * z + matrix[1, 3]
        if u < 0 or v < 0 or u >= size - 1 or v >= size - 1:
            continue
        d = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2] * z + matrix[2, 3]
        i, j = int(u), int(v)
        for a in range(2):
            for b in range(2):
                depth[j + a, i + b] = min(d, depth[j + a, i + b])


@lean_kernel
def _gather(matrix, direction, color, receivers, depth):
    """Add one direction's light to the receivers that face it and see it."""
    places, normals, falls = receivers.places, receivers.normals, receivers.falls
    total, free = receivers.light, receivers.white
    size = depth.shape[0]
    for n in range(places.shape[0]):
        cosine = normals[n, 0] * direction[0] + normals[n, 1] * direction[1]
        cosine += normals[n, 2] * direction[2]
        if cosine <= 0:
            continue
        x, y, z = places[n, 0], places[n, 1], places[n, 2]
        u = matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] * z + matrix[0, 3]
        v = matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2] * z + matrix[1, 3]
        seen = np.float32(1)
        if u >= 0 and v >= 0 and u < size and v < size:
            d = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2] * z + matrix[2, 3]
            deep = d - depth[int(v), int(u)]
            # a ramp, not a step: hidden by how much, over a texel
            seen = 1 - (deep - falls[n, 1]) * falls[n, 0]
            seen = min(np.float32(1), max(np.float32(0), seen))
        free[n, 0] += cosine * seen
        free[n, 1] += cosine
        for c in range(3):
            total[n, c] += cosine * seen * color[c]
