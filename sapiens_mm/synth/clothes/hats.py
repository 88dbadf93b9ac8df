"""Hats: domes that follow the head, with rims, visors and brims."""

from __future__ import annotations

import numpy as np

from sapiens_mm.synth.clothes import fabrics
from sapiens_mm.synth.clothes.dresser import Dresser
from sapiens_mm.synth.clothes.shells import noise
from sapiens_mm.synth.clothes.skull import put_head, ring_faces, skull
from sapiens_mm.synth.core.mesh import Material


def _dome(
    d: Dresser, low: float, front: float, height: float, puff: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return points (r, c, 3) over the head in the rest pose, elevations and more.

    Args:
        d: Who.
        low: Elevation in radians of the rim at the back.
        front: The same in front.
        height: Metres from the skin.
        puff: Metres more at the top.
    """
    head = skull(d.asset)
    middle = head.middle(d.body)
    radius = head.radius(d.body.rest, middle)
    rows, columns = 22, radius.shape[1]
    turn = np.arange(columns) * 2 * np.pi / columns
    # the rim rises to the forehead and falls to the nape
    rim = low + (front - low) * (0.5 + 0.5 * np.cos(turn))
    tilt = rim[None] + np.linspace(0, 1, rows)[:, None] * (np.pi / 2 - rim[None])
    table = np.linspace(-0.6, np.pi / 2, len(radius))
    row = np.interp(tilt, table, np.arange(len(radius)))
    i = np.clip(row.astype(int), 0, len(radius) - 2)
    j = np.broadcast_to(np.arange(columns), i.shape)
    share = row - i
    out = radius[i, j] * (1 - share) + radius[i + 1, j] * share
    out = out + height + puff * np.clip(np.sin(tilt), 0, 1) ** 2
    way = np.stack(
        [np.cos(tilt) * np.sin(turn), -np.cos(tilt) * np.cos(turn), np.sin(tilt)], -1
    )
    return middle + way * out[..., None], way, tilt, turn


def _line(low: float, front: float) -> float:
    """Return z of the template at the lowest rim of a hat, roughly."""
    return 0.915 + 0.09 * np.sin(min(low, front))


def _hide_ears(d: Dresser, low: float) -> None:
    """Leave out the parts of ears and skin under a hat."""
    z = d.asset.template[:, 2]
    ear = d.asset.fields['ear'] > 0.05
    d.hidden |= ear & (z > 0.915 + 0.085 * np.sin(low) - 0.004)


def beanie(d: Dresser) -> float:
    """A knitted hat, close or slouchy, with or without a turned-up rim."""
    rng = d.rng
    low, front = rng.uniform(-0.42, -0.05), rng.uniform(0.28, 0.52)
    material = fabrics.knit(rng)
    points, way, _, turn = _dome(d, low, front, 0.013, rng.uniform(0.0, 0.04))
    rows, columns = points.shape[:2]
    lumps = noise(
        (points.reshape(-1, 3) * 38).astype(np.float32), int(rng.integers(999))
    )
    points = points + way * (0.0025 * lumps.reshape(rows, columns, 1))
    faces = ring_faces(rows, columns)
    put_head(d, points.reshape(-1, 3), faces, material)
    if rng.random() < 0.6:
        band = np.stack([points[k] + way[k] * 0.006 for k in range(6)])
        faces = ring_faces(6, columns)
        put_head(d, band.reshape(-1, 3), faces, fabrics.like(material, 0.85))
    if rng.random() < 0.2:
        _ball(d, points[-1, 0] + [0, 0, 0.02], rng.uniform(0.02, 0.032), material)
    _hide_ears(d, low + 0.3)
    return _line(low, front)


def _ball(d: Dresser, middle: np.ndarray, radius: float, material: Material) -> None:
    """A bobble on a hat."""
    v, u = np.meshgrid(
        np.linspace(0, np.pi, 9), np.arange(16) * np.pi / 8, indexing='ij'
    )
    unit = np.stack([np.sin(v) * np.cos(u), np.sin(v) * np.sin(u), np.cos(v)], -1)
    unit = unit * (1 + 0.12 * d.rng.normal(0, 1, (9, 16, 1)).clip(-1.5, 1.5))
    # one point each, as poles of a grid are
    unit[[0, -1]] = unit[[0, -1], :1]
    points = middle + radius * unit.reshape(-1, 3)
    put_head(d, points, ring_faces(9, 16)[:, ::-1], material)


def cap(d: Dresser) -> float:
    """A baseball cap, visor in front or behind."""
    rng = d.rng
    low, front = 0.05, rng.uniform(0.32, 0.46)
    material = fabrics.canvas(rng)
    points, way, _, turn = _dome(d, low, front, 0.012, 0.012)
    rows, columns = points.shape[:2]
    put_head(d, points.reshape(-1, 3), ring_faces(rows, columns), material)
    visor = material if rng.random() < 0.6 else fabrics.canvas(rng)
    back = rng.random() < 0.15
    middle = columns // 2 if back else 0
    across = np.arange(-10, 11)
    rim = points[0, (across + middle) % columns]
    ahead = np.array([0.0, 1.0 if back else -1.0, -0.22])
    # half an ellipse
    reach = 0.072 * np.sqrt(np.clip(1 - (across / 11.5) ** 2, 0, 1))
    depth = np.linspace(0, 1, 6)[:, None, None]
    drop = -0.012 * (across / 10.0) ** 2
    sheet = rim[None] + depth * (reach[:, None] * ahead)[None]
    sheet = sheet + depth * np.stack([0 * drop, 0 * drop, drop], 1)[None]
    i, j = np.mgrid[:5, :20]
    a = i * 21 + j
    faces = np.stack([a, a + 1, a + 21, a + 1, a + 22, a + 21], -1).reshape(-1, 3)
    both = np.concatenate([sheet, sheet - [0, 0, 0.003]]).reshape(-1, 3)
    faces = np.concatenate([faces, faces[:, ::-1] + sheet.size // 3])
    put_head(d, both, faces, visor)
    _hide_ears(d, 0.4)
    return _line(low, front)


def brim_hat(d: Dresser) -> float:
    """A sun hat, fedora or bucket hat."""
    rng = d.rng
    low, front = rng.uniform(0.15, 0.25), rng.uniform(0.35, 0.5)
    material = fabrics.canvas(rng) if rng.random() < 0.7 else fabrics.knit(rng)
    points, way, _, turn = _dome(d, low, front, 0.012, rng.uniform(0.01, 0.04))
    rows, columns = points.shape[:2]
    put_head(d, points.reshape(-1, 3), ring_faces(rows, columns), material)
    reach, droop = rng.uniform(0.045, 0.11), rng.uniform(-0.2, 0.75)
    flat = np.stack([np.sin(turn), -np.cos(turn), -droop + 0 * turn], -1)
    wave = rng.normal(0, 0.05, columns)
    # a mean of three: the brim waves instead of fluttering
    wave = (wave + np.roll(wave, 1) + np.roll(wave, 2)) / 3
    flat[:, 2] += wave
    depth = np.linspace(0, 1, 5)[:, None, None]
    brim = points[0][None] + depth * reach * flat[None]
    both = np.concatenate([brim, brim - [0, 0, 0.003]]).reshape(-1, 3)
    faces = ring_faces(5, columns)
    faces = np.concatenate([faces[:, ::-1], faces + brim.size // 3])
    put_head(d, both, faces, material)
    band = np.stack([points[k] + way[k] * 0.003 for k in range(4)]).reshape(-1, 3)
    put_head(d, band, ring_faces(4, columns), fabrics.leather(rng))
    return _line(low, front)
