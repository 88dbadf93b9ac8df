"""Light: a sky or a room all around, one lamp or sun, and what of it arrives where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sapiens_mm.synth.render.geometry import Geometry
from sapiens_mm.synth.render.lamp_map import MARGIN, look_along, raster_ortho
from sapiens_mm.synth.scene_settings import SceneSettings

Rng = np.random.Generator


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


# Spans of radiance, about 1 for a white surface, and of elevations in degrees. The sun
# gives some three times what the sky does, and stands lower than at noon in summer,
# when shadows would be short; a lamp gives about what a room gives.
_STREET = {
    'up': (0.45, 0.9),
    'level': (0.7, 1.1),
    'down': (0.12, 0.35),
    'elevation_deg': (14, 68),
    'sun': (1.2, 2.8),
    'behind clouds': (0.0, 0.3),
}
_ROOM = {
    'base': (0.15, 0.5),
    'ceiling': (0.8, 1.4),
    'elevation_deg': (25, 68),
    'key': (0.25, 1.3),
    'other lamps': (0.2, 1.6),
}
_FLOOR = 0.6
"""What the floor of a room sends back of its light."""

_FROM_THE_CAMERA = 0.7
"""Share of scenes whose key light stands on the camera's side, where lamps are put."""

_SHADOW_EDGES = {'sun': (0.01, 0.03), 'lamp': (0.03, 0.1), 'clouds': 0.12}
"""Width of the edges of shadows, metres."""


def _direction(azimuth: float, elevation: float) -> np.ndarray:
    flat = np.cos(elevation)
    x, y = flat * np.sin(azimuth), -flat * np.cos(azimuth)
    return np.array([x, y, np.sin(elevation)])


def _tint(rng: Rng, warmth: float, spread: float = 0.04) -> np.ndarray:
    """RGB gains of mean 1; warmth > 0 is orange, < 0 blue."""
    color = np.exp(np.array([0.5, 0.05, -0.55]) * warmth + rng.normal(0, spread, 3))
    # the mean stays 1: a tint does not change the exposure
    return color / color.mean()


def sample_environment(rng: Rng, settings: SceneSettings, outdoor: bool) -> Environment:
    """Draw the light of a street or of a room.

    Azimuths are measured from the camera's side of the scene, so that most lamps
    stand before the people and some behind them.
    """
    lobes = []
    front = (
        rng.normal(0, 1.0)
        if rng.random() < _FROM_THE_CAMERA
        else rng.uniform(-np.pi, np.pi)
    )
    if outdoor:
        sunny = rng.random() < settings.sun
        warmth = rng.uniform(-0.8, -0.25) if sunny else rng.normal(-0.05, 0.08)
        up = _tint(rng, warmth) * rng.uniform(*_STREET['up'])
        level = _tint(rng, 0.4 * warmth) * rng.uniform(*_STREET['level'])
        down = _tint(rng, 0.3) * rng.uniform(*_STREET['down'])
        elevation = np.deg2rad(rng.uniform(*_STREET['elevation_deg']))
        key = _direction(front, elevation)
        # a low sun is red
        low = np.clip(1.3 - elevation, 0, 1)
        if sunny:
            color = _tint(rng, 0.15 + 0.6 * low**2) * rng.uniform(*_STREET['sun'])
            # the bright sky around the sun
            lobes.append([*key, *(0.3 * color), 14.0])
        else:
            color = _tint(rng, 0.0) * rng.uniform(*_STREET['behind clouds'])
        edges = _SHADOW_EDGES
        softness = rng.uniform(*edges['sun']) if sunny else edges['clouds']
    else:
        base = _tint(rng, rng.normal(0.15, 0.2)) * rng.uniform(*_ROOM['base'])
        up, level, down = base * rng.uniform(*_ROOM['ceiling']), base, base * _FLOOR
        warmth = rng.normal(0.15, 0.3)
        # in a room the key stands before or beside people, not behind the wall
        front = np.clip(front, -1.9, 1.9)
        key = _direction(front, np.deg2rad(rng.uniform(*_ROOM['elevation_deg'])))
        color = _tint(rng, warmth) * rng.uniform(*_ROOM['key'])
        lobes.append([*key, *(1.2 * color), rng.uniform(3, 20)])
        for _ in range(rng.integers(1, 3)):
            side = _direction(rng.uniform(-np.pi, np.pi), rng.uniform(-0.1, 1.4))
            other = _tint(rng, rng.normal(0.1, 0.3)) * rng.uniform(
                *_ROOM['other lamps']
            )
            lobes.append([*side, *other, rng.uniform(2, 30)])
        softness = rng.uniform(*_SHADOW_EDGES['lamp'])
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
