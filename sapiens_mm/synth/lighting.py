"""Light: a sky or a room all around, one lamp or sun, and what of it arrives where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sapiens_mm.synth.jit import kernel
from sapiens_mm.synth.knobs import Knobs
from sapiens_mm.synth.raster import Geometry, raster_ortho
from sapiens_mm.synth.textures import HAIR

Rng = np.random.Generator

MARGIN = 4
"""Texels of a shadow map's rim that no receiver is looked up in."""


@dataclass(frozen=True)
class Environment:
    """Light from infinitely far, in linear RGB, about 1 for a white surface.

    Attributes:
        up: (3,) radiance from straight above.
        level: (3,) radiance from the horizon.
        down: (3,) radiance from below: what the ground sends back.
        lobes: (L, 7): direction towards the light (3), radiance (3), sharpness k of
            exp(k (cos - 1)).
        key_direction: (3,) unit vector towards the sun or the brightest lamp.
        key_color: (3,) irradiance of that; zeros without one.
        softness: Width of the shadows' edges in metres.
        outdoor: Whether there is a sky.
    """

    up: np.ndarray
    level: np.ndarray
    down: np.ndarray
    lobes: np.ndarray
    key_direction: np.ndarray
    key_color: np.ndarray
    softness: float
    outdoor: bool

    def radiance(self, directions: np.ndarray) -> np.ndarray:
        """Return what arrives from ``directions`` (N, 3), world, as (N, 3)."""
        z = directions[:, 2:3]
        above = np.clip(z, 0, 1) ** 0.6
        below = np.clip(-3 * z, 0, 1)
        light = self.level * (1 - above) + self.up * above
        light = light * (1 - below) + self.down * below
        cosines = directions @ self.lobes[:, :3].T
        return light + np.exp(self.lobes[:, 6] * (cosines - 1)) @ self.lobes[:, 3:6]


def _direction(azimuth: float, elevation: float) -> np.ndarray:
    flat = np.cos(elevation)
    x, y = flat * np.sin(azimuth), -flat * np.cos(azimuth)
    return np.array([x, y, np.sin(elevation)])


def _tint(rng: Rng, warmth: float, spread: float = 0.04) -> np.ndarray:
    """RGB gains of mean 1; warmth > 0 is orange, < 0 blue."""
    color = np.exp(np.array([0.5, 0.05, -0.55]) * warmth + rng.normal(0, spread, 3))
    return color / color.mean()


def sample_environment(rng: Rng, knobs: Knobs, outdoor: bool) -> Environment:
    """Draw the light of a street or of a room.

    Azimuths are measured from the camera's side of the scene, so that most lamps
    stand before the people and some behind them.
    """
    lobes = []
    front = rng.normal(0, 1.0) if rng.random() < 0.7 else rng.uniform(-np.pi, np.pi)
    if outdoor:
        sunny = rng.random() < knobs.sun
        warmth = rng.uniform(-0.8, -0.25) if sunny else rng.normal(-0.05, 0.08)
        up = _tint(rng, warmth) * rng.uniform(0.45, 0.9)
        level = _tint(rng, 0.4 * warmth) * rng.uniform(0.7, 1.1)
        down = _tint(rng, 0.3) * rng.uniform(0.12, 0.35)
        elevation = np.deg2rad(rng.uniform(14, 68))
        key = _direction(front, elevation)
        low = np.clip(1.3 - elevation, 0, 1)
        if sunny:
            color = _tint(rng, 0.15 + 0.6 * low**2) * rng.uniform(1.2, 2.8)
            lobes.append([*key, *(0.3 * color), 14.0])
        else:
            color = _tint(rng, 0.0) * rng.uniform(0.0, 0.3)
        softness = rng.uniform(0.01, 0.03) if sunny else 0.12
    else:
        base = _tint(rng, rng.normal(0.15, 0.2)) * rng.uniform(0.15, 0.5)
        up, level, down = base * rng.uniform(0.8, 1.4), base, base * 0.6
        warmth = rng.normal(0.15, 0.3)
        front = np.clip(front, -1.9, 1.9)
        key = _direction(front, np.deg2rad(rng.uniform(25, 68)))
        color = _tint(rng, warmth) * rng.uniform(0.25, 1.3)
        lobes.append([*key, *(1.2 * color), rng.uniform(3, 20)])
        for _ in range(rng.integers(1, 3)):
            side = _direction(rng.uniform(-np.pi, np.pi), rng.uniform(-0.1, 1.4))
            other = _tint(rng, rng.normal(0.1, 0.3)) * rng.uniform(0.2, 1.6)
            lobes.append([*side, *other, rng.uniform(2, 30)])
        softness = rng.uniform(0.03, 0.1)
    return Environment(
        up=up,
        level=level,
        down=down,
        lobes=np.array(lobes, np.float64).reshape(-1, 7),
        key_direction=key,
        key_color=color,
        softness=float(softness),
        outdoor=outdoor,
    )


def sphere_directions(count: int) -> np.ndarray:
    """Return (count, 3) unit vectors spread evenly (a Fibonacci spiral)."""
    i = np.arange(count) + 0.5
    z = 1 - 2 * i / count
    flat, turn = np.sqrt(1 - z * z), np.pi * (1 + 5**0.5) * i
    return np.stack([flat * np.cos(turn), flat * np.sin(turn), z], 1)


def look_along(direction: np.ndarray, centre: np.ndarray, radius: float, size: int):
    """Return the map from the world to a far lamp's texels.

    Args:
        direction: (3,) unit vector towards the lamp.
        centre: (3,) world point in the middle of the map.
        radius: Metres from the middle to the rim.
        size: Texels along an edge.

    Returns:
        (3, 4) float64: column, row in texels, distance in metres of x, y, z, 1.
    """
    x, y, z = direction
    # right is level; straight up and down any will do
    flat = np.hypot(x, y)
    right = np.array([y, -x, 0.0]) / flat if flat > 1e-6 else np.array([1.0, 0, 0])
    u, v, _ = right
    # direction x right
    down = np.array([-z * v, z * u, x * v - y * u])
    axes = np.stack([right, down, -direction])
    axes[:2] *= (0.5 * size - MARGIN) / radius
    shift = np.array([0.5 * size, 0.5 * size, 0.0]) - axes @ centre
    return np.concatenate([axes, shift[:, None]], 1)


class Shadows(NamedTuple):
    """Depth map of the key light.

    depth is (S, S) float32 in metres, matrix (3, 4) maps camera coordinates to
    texels and metres, texel is the size of one in metres.
    """

    depth: np.ndarray
    matrix: np.ndarray
    texel: float


def cast_shadows(
    geometry: Geometry,
    casts: np.ndarray,
    environment: Environment,
    centre: np.ndarray,
    radius: float,
    size: int,
) -> Shadows:
    """Draw the key light's depth map; its matrix starts from world coordinates.

    Args:
        geometry: Everything in the scene.
        casts: (F,) bool, which faces throw shadows.
        environment: Whose key light.
        centre: (3,) middle of what must have sharp shadows.
        radius: Of that, metres.
        size: Texels along an edge; fewer are taken for soft shadows.
    """
    # the shader's filter is some 4 texels wide
    size = int(np.clip(8 * radius / environment.softness, 128, size))
    matrix = look_along(environment.key_direction, centre, radius, size)
    depth = np.full((size, size), np.inf, np.float32)
    if environment.key_color.max() > 0:
        raster_ortho(
            geometry.points,
            geometry.faces[casts],
            geometry.cut,
            matrix.astype(np.float32),
            depth,
        )
    return Shadows(depth, matrix, 2 * radius / (size - 2 * MARGIN))


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
    directions = sphere_directions(count)
    light = environment.radiance(directions) * (4.0 / count)
    total = np.zeros((len(geometry.points), 3), np.float32)
    free = np.zeros((len(geometry.points), 2), np.float32)
    faces = geometry.faces[casts]
    rows = np.flatnonzero(needed).astype(np.int32)
    # light dies away slowly between strands; a sharp test would speckle them
    hair = (geometry.materials[:, 0] == HAIR)[geometry.vertex_mesh]
    dots = np.flatnonzero(dense & (geometry.cut < 1)).astype(np.int32)
    texel = 2 * radius / (size - 2 * MARGIN)
    for direction, color in zip(directions, light, strict=True):
        matrix = look_along(direction, centre, radius, size).astype(np.float32)
        depth = np.full((size, size), np.inf, np.float32)
        raster_ortho(geometry.points, faces, geometry.cut, matrix, depth)
        _splat(geometry.points, dots, matrix, depth)
        _gather(
            geometry.points,
            geometry.normals,
            hair,
            rows,
            matrix,
            direction.astype(np.float32),
            color.astype(np.float32),
            np.float32(texel),
            depth,
            total,
            free,
        )
    return total, free[:, 0] / np.maximum(free[:, 1], 1e-6)


@kernel
def _splat(points, dots, matrix, depth):
    """Draw vertices as dots of 2 x 2 texels."""
    size = depth.shape[0]
    for n in range(dots.shape[0]):
        x, y, z = points[dots[n], 0], points[dots[n], 1], points[dots[n], 2]
        u = matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] * z + matrix[0, 3]
        v = matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2] * z + matrix[1, 3]
        if u < 0 or v < 0 or u >= size - 1 or v >= size - 1:
            continue
        d = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2] * z + matrix[2, 3]
        i, j = int(u), int(v)
        for a in range(2):
            for b in range(2):
                if d < depth[j + a, i + b]:
                    depth[j + a, i + b] = d


@kernel
def _gather(
    points, normals, hair, rows, matrix, direction, color, texel, depth, total, free
):
    """Add one direction's light to the vertices that face it and see it."""
    size = depth.shape[0]
    step = 1.2 * texel
    bias = 1.2 * texel + np.float32(0.004)
    soft = 1 / (1.5 * texel + np.float32(0.004))
    for n in range(rows.shape[0]):
        i = rows[n]
        nx, ny, nz = normals[i, 0], normals[i, 1], normals[i, 2]
        cosine = nx * direction[0] + ny * direction[1] + nz * direction[2]
        if cosine <= 0:
            continue
        x = points[i, 0] + step * nx
        y = points[i, 1] + step * ny
        z = points[i, 2] + step * nz
        u = matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] * z + matrix[0, 3]
        v = matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2] * z + matrix[1, 3]
        seen = np.float32(1)
        if u >= 0 and v >= 0 and u < size and v < size:
            d = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2] * z + matrix[2, 3]
            deep = d - depth[int(v), int(u)]
            fall = np.float32(22) if hair[i] else soft
            seen = 1 - (deep - (np.float32(0) if hair[i] else bias)) * fall
            seen = min(np.float32(1), max(np.float32(0), seen))
        free[i, 0] += cosine * seen
        free[i, 1] += cosine
        for c in range(3):
            total[i, c] += cosine * seen * color[c]
