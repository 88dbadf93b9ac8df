"""Spectacles and sunglasses."""

from __future__ import annotations

import numpy as np

from sapiens_mm.synth.clothes import fabrics
from sapiens_mm.synth.clothes.dresser import Dresser
from sapiens_mm.synth.clothes.skull import put_head, ring_faces
from sapiens_mm.synth.core.mesh import Material


def _tube(
    path: np.ndarray, radius: float, sides: int = 8
) -> tuple[np.ndarray, np.ndarray]:
    """Return a tube (n * sides, 3) along a path (n, 3) and its faces."""
    along = np.gradient(path, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-12
    # any direction across; the one up fails where the path is vertical
    up = np.where(np.abs(along[:, 2:]) < 0.9, [[0.0, 0, 1]], [[1.0, 0, 0]])
    side = np.cross(along, up)
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    over = np.cross(side, along)
    turn = np.arange(sides) * 2 * np.pi / sides
    ring = np.cos(turn)[None, :, None] * side[:, None]
    ring = ring + np.sin(turn)[None, :, None] * over[:, None]
    points = path[:, None] + radius * ring
    return points.reshape(-1, 3), ring_faces(len(path), sides)


def glasses(d: Dresser) -> None:
    """Spectacles or sunglasses that fit eyes, nose and ears."""
    rng, rest, asset = d.rng, d.body.rest.astype(np.float64), d.asset
    eyes = np.unique(asset.faces['eyes'])
    left = rest[eyes[asset.template[eyes, 0] > 0]].mean(0)
    right = rest[eyes[asset.template[eyes, 0] < 0]].mean(0)
    middle = (left + right) / 2
    ball = np.abs(rest[eyes, 1] - middle[1]).max()
    gap = np.linalg.norm(left - right)
    frame = fabrics.metal(rng) if rng.random() < 0.5 else _plastic(rng)
    wide, high = gap * rng.uniform(0.41, 0.47), gap * rng.uniform(0.27, 0.42)
    shape = rng.uniform(2.0, 4.5)
    thick = rng.uniform(0.0009, 0.0022)
    nose = _ahead(d, np.array([middle[0], 0, middle[2] - 0.1 * gap]))
    # before the eyeballs and not inside of the nose
    y = min(left[1] - ball - 0.012, nose - 0.0005)
    turn = np.arange(29) * 2 * np.pi / 28
    cos, sin = np.cos(turn), np.sin(turn)
    power = 2 / shape
    x = wide * np.sign(cos) * np.abs(cos) ** power
    z = high * np.sign(sin) * np.abs(sin) ** power
    dark = rng.random() < 0.3
    for sign, eye in ((1, left), (-1, right)):
        bend = 0.10 * sign * x
        ring = np.stack(
            [eye[0] + x + sign * 0.05 * gap, y + bend * 0.6, eye[2] + z - 0.06 * gap], 1
        )
        put_head(d, *_tube(ring, thick), frame)
        if dark:
            _lens(d, ring, rng)
        _temple(d, ring, sign, frame, thick)
    inner = np.array([0.55 * gap - wide, y, 0.02 * gap])
    share = np.linspace(-1, 1, 9)[:, None]
    bridge = np.concatenate(
        [
            middle[0] + share * inner[0],
            y - 0.002 * (1 - share**2),
            middle[2] + 0.05 * gap * (1 - share**2) + 0 * share,
        ],
        1,
    )
    put_head(d, *_tube(bridge, thick), frame)


def _plastic(rng: np.random.Generator) -> Material:
    tone = fabrics.dye(rng, 0.02, 0.5) if rng.random() < 0.4 else (0.012, 0.01, 0.01)
    return Material('rubber', tone, tone, specular=0.06, shininess=150)


def _ahead(d: Dresser, place: np.ndarray) -> float:
    """Return y of the foremost skin near (x, ., z) in the rest pose."""
    body = d.body.rest
    near = (np.abs(body[:13380, 0] - place[0]) < 0.006) & (
        np.abs(body[:13380, 2] - place[2]) < 0.006
    )
    return float(body[:13380][near, 1].min())


def _lens(d: Dresser, ring: np.ndarray, rng: np.random.Generator) -> None:
    """A dark lens."""
    tone = tuple(float(c) for c in rng.uniform(0.004, 0.03, 3))
    material = Material('glass', tone, tone, specular=0.08, shininess=900)
    middle = ring.mean(0) - [0, 0.002, 0]
    points = np.concatenate([ring, middle[None]])
    n = len(ring)
    i = np.arange(n - 1)
    fan = np.stack([i, i + 1, np.full(n - 1, n)], 1)
    put_head(d, points, fan, material)


def _temple(
    d: Dresser, ring: np.ndarray, sign: int, frame: Material, thick: float
) -> None:
    """The arm of a pair of glasses, over the ear."""
    asset, rest = d.asset, d.body.rest
    ear = asset.fields['ear'] > 0.5
    ear &= np.sign(asset.template[:, 0]) == sign
    top = rest[ear][rest[ear][:, 2].argmax()].astype(np.float64)
    start = ring[(sign * ring[:, 0]).argmax()]
    hinge = np.array([top[0], start[1] + 0.004, start[2]])
    hinge[0] = sign * max(sign * start[0] + 0.003, sign * top[0] - 0.012)
    over = np.array([top[0] - sign * 0.004, top[1], top[2] + 0.002])
    tip = over + [0, 0.028, -0.026]
    put_head(
        d, *_tube(np.stack([start, hinge, over, tip]), max(thick, 0.0014), 6), frame
    )
