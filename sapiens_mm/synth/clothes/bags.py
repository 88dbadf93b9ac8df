"""Bags on straps and backpacks."""

from __future__ import annotations

import numpy as np

from sapiens_mm.synth.clothes import fabrics
from sapiens_mm.synth.clothes.dresser import Dresser
from sapiens_mm.synth.clothes.fields import FAR, Regions
from sapiens_mm.synth.clothes.skull import ring_faces

APPAREL = 'Apparel'


def _strap(r: Regions, sign: float, half: float) -> np.ndarray:
    """A band over one shoulder and across the trunk."""
    across = (r.x * sign * 0.70 + (r.z - 0.47) * -0.72) - 0.0
    return np.where((r.arm < 0.35) & (r.z > 0.12), np.abs(across) - half, FAR)


def crossbody(d: Dresser) -> None:
    """A bag on a strap across the chest, at the hip."""
    rng = d.rng
    sign, half = rng.choice([-1.0, 1.0]), rng.uniform(0.009, 0.02)
    material = fabrics.leather(rng) if rng.random() < 0.6 else fabrics.canvas(rng)
    d.wear(
        lambda r: _strap(r, -sign, half),
        APPAREL,
        material,
        thick=0.004,
        pull=0.4,
        rounds=8,
        hides=False,
    )
    size = np.array(
        [rng.uniform(0.035, 0.05), rng.uniform(0.1, 0.15), rng.uniform(0.07, 0.11)]
    )
    spot = np.array([sign * 0.17, 0.0, 0.1])
    turn = d.body.bone_world[d.asset.bone_index['root'], :3, :3]
    outside = (d.posed.points + d.posed.normals * d.worn[:, None]) @ turn
    place = outside[((d.base.template - spot) ** 2).sum(1).argmin()].astype(np.float64)
    beside = (np.abs(outside - place)[:, 1:] < size[1:]).all(1) & (d.at_base.arm < 0.3)
    beside &= d.base.template[:, 0] * sign > 0
    # beside the widest that is worn there, so that nothing goes through the bag
    place[0] = sign * ((sign * outside[beside, 0]).max() + size[0] + 0.004)
    place = turn @ place
    points, faces = _pillow(size, rng)
    d.put(points @ turn.T + place, faces, APPAREL, material, template=points + spot)
    flap, faces = _pillow(size * [1.06, 1.03, 0.55], rng)
    flap = flap + [0, 0, 0.48 * size[2]]
    d.put(
        flap @ turn.T + place,
        faces,
        APPAREL,
        fabrics.like(material, 0.8),
        template=flap + spot,
    )


def _pillow(
    size: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return a box with round edges, half sizes ``size``, and its faces."""
    v, u = np.meshgrid(
        np.linspace(-np.pi / 2, np.pi / 2, 15),
        np.arange(32) * np.pi / 16,
        indexing='ij',
    )

    def power(x: np.ndarray, e: float) -> np.ndarray:
        # a superellipse: the lower the exponent, the squarer
        return np.sign(x) * np.abs(x) ** e

    e = rng.uniform(0.25, 0.45)
    unit = np.stack(
        [
            power(np.cos(v), e) * power(np.cos(u), e),
            power(np.cos(v), e) * power(np.sin(u), e),
            power(np.sin(v), e),
        ],
        -1,
    )
    return (unit * size).reshape(-1, 3), ring_faces(15, 32)


def backpack(d: Dresser) -> None:
    """A backpack with two straps."""
    rng = d.rng
    material = fabrics.canvas(rng) if rng.random() < 0.75 else fabrics.leather(rng)
    half = rng.uniform(0.016, 0.026)

    def straps(r: Regions) -> np.ndarray:
        band = np.abs(r.side - 0.105 - 0.03 * np.clip((0.62 - r.z) / 0.2, 0, 1)) - half
        low = np.where(r.y < -0.01, 0.44 - r.z, 0.55 - r.z)
        return np.where(r.arm < 0.35, np.maximum(band, low), FAR)

    d.wear(straps, APPAREL, material, thick=0.005, pull=0.4, rounds=8, hides=False)
    size = np.array(
        [rng.uniform(0.13, 0.16), rng.uniform(0.06, 0.1), rng.uniform(0.17, 0.23)]
    )
    spot = np.array([0.0, 0.09, 0.48])
    back = (np.abs(d.base.template - spot) < [0.1, 0.06, 0.14]).all(1)
    turn = d.body.bone_world[d.asset.bone_index['spine02'], :3, :3]
    # over what is worn: a jacket carries the backpack
    outside = d.posed.points + d.posed.normals * d.worn[:, None]
    place = d.posed.points[((d.base.template - spot) ** 2).sum(1).argmin()] @ turn
    place[1] = (outside[back] @ turn)[:, 1].max() + size[1] - 0.012
    points, faces = _pillow(size, rng)
    d.put((points + place) @ turn.T, faces, APPAREL, material, template=points + spot)
    pocket, faces = _pillow(size * [0.8, 0.35, 0.4], rng)
    pocket = pocket + [0, size[1], -0.4 * size[2]]
    d.put(
        (pocket + place) @ turn.T,
        faces,
        APPAREL,
        fabrics.like(material, 0.75),
        template=pocket + spot,
    )
