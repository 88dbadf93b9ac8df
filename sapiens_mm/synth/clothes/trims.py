"""What tops and jackets are trimmed with: buttons, bands, hoods, collars."""

from __future__ import annotations

import numpy as np

from sapiens_mm.synth.clothes import fabrics
from sapiens_mm.synth.clothes.dresser import UPPER, Border, Dresser
from sapiens_mm.synth.clothes.fields import (
    FAR,
    Regions,
    high_neck,
    opening,
    within,
    yoke,
)
from sapiens_mm.synth.clothes.shells import Shell
from sapiens_mm.synth.core.mesh import Material


def ease(x: np.ndarray, start: float, end: float) -> np.ndarray:
    """Return 0 before ``start``, 1 after ``end``, smooth between."""
    t = np.clip((x - start) / (end - start), 0, 1)
    return t * t * (3 - 2 * t)


def trim_top(
    d: Dresser,
    shell: Shell,
    kind: str,
    material: Material,
    end: float,
    low: float,
    border: Border,
) -> None:
    """Add bands, a placket with buttons, a pocket, a hood or a print."""
    rng = d.rng
    factor = rng.choice([0.7, 0.85, 1.2])
    edge = fabrics.like(material, factor)
    if kind in ('sweater', 'hoodie', 'tee', 'long') and rng.random() < 0.6:
        wide = 0.05 if kind in ('sweater', 'hoodie') else 0.014
        d.patch(shell, lambda r: -wide - border(r), UPPER, edge)
    if kind == 'shirt' or (kind == 'blouse' and rng.random() < 0.4):
        d.patch(shell, lambda r: strip(r, 0.014), UPPER, edge, 0.002)
        buttons(d, shell, UPPER)
        if rng.random() < 0.6:
            d.patch(shell, lambda r: square(r, 0.085, 0.56, 0.045, 0.055), UPPER, edge)
    if kind == 'hoodie':
        hood(d, material)
        d.patch(shell, lambda r: square(r, 0.0, 0.33, 0.12, 0.07), UPPER, edge, 0.004)
    if kind in ('tee', 'hoodie', 'sweater', 'long') and rng.random() < 0.3:
        ink = fabrics.cloth(rng, rng.choice(['blobs', 'stripes', 'plaid', 'cloth']))
        high, wide, tall = (
            rng.uniform(0.48, 0.58),
            rng.uniform(0.04, 0.11),
            rng.uniform(0.03, 0.1),
        )
        d.patch(shell, lambda r: square(r, 0.0, high, wide, tall), UPPER, ink)


def strip(r: Regions, half: float) -> np.ndarray:
    """A vertical strip in the middle of the front."""
    return np.where((r.y < 0.0) & (r.arm < 0.3), r.side - half, FAR)


def square(r: Regions, x: float, z: float, wide: float, tall: float) -> np.ndarray:
    """A rectangle on the front, on the left if ``x`` is positive."""
    field = np.maximum(np.abs(r.x - x) - wide, np.abs(r.z - z) - tall)
    return np.where((r.y < 0.0) & (r.arm < 0.3), field, FAR)


def buttons(d: Dresser, shell: Shell, label: str, x: float = 0.0) -> None:
    """Sew a row of buttons on the front."""
    rng = d.rng
    tone = fabrics.dye(rng)
    material = Material('rubber', tone, tone, specular=0.06, shininess=60)
    front = (shell.template[:, 1] < -0.03) & (shell.cut < 0.9)
    rows = np.flatnonzero(front)
    if not len(rows):
        return
    high, low = shell.template[rows, 2].max() - 0.03, shell.template[rows, 2].min()
    turn = np.arange(8) * np.pi / 4
    disc = np.stack([np.cos(turn), np.sin(turn)], 1) * rng.uniform(0.005, 0.008)
    fan = np.stack([np.full(8, 8), np.arange(8), (np.arange(8) + 1) % 8], 1)
    points, faces = [], []
    for z in np.arange(high, low, -rng.uniform(0.075, 0.11)):
        at = rows[((shell.template[rows] - [x, 0, z])[:, [0, 2]] ** 2).sum(1).argmin()]
        off = np.abs(shell.template[at] - [x, 0, z])
        # no cloth there: an open neck or a short top
        if off[0] > 0.02 or off[2] > 0.03:
            continue
        normal = d.posed.normals[shell.rows[at]].astype(np.float64)
        side = np.cross(normal, [0.1, 0.2, 1.0])
        side /= np.linalg.norm(side)
        over = np.cross(side, normal)
        middle = shell.points[at] + 0.004 * normal
        # sunk by 1.5 mm, so that the rim does not float
        ring = middle + disc[:, :1] * side + disc[:, 1:] * over - 0.0015 * normal
        faces.append(fan + 9 * len(points))
        points.append(np.concatenate([ring, middle[None]]))
    if points:
        d.put(np.concatenate(points), np.concatenate(faces), label, material)


def hood(d: Dresser, material: Material) -> None:
    """Lay a hood that is down around the neck and on the back."""

    def border(r: Regions) -> np.ndarray:
        top = r.z - (0.752 + 0.2 * (r.y + 0.02))
        return within(yoke(r, 0.11) - 0.04 * ease(r.y, 0.0, 0.05), top)

    def slack(r: Regions) -> np.ndarray:
        return 0.01 + 0.045 * ease(r.y, -0.06, 0.06) * ease(0.78 - r.z, 0.0, 0.06)

    d.wear(
        border, UPPER, material, thick=0.006, loose=slack, pull=0.5, rounds=5, folds=0.5
    )


def collar(d: Dresser, material: Material, wide: float, front: float = -1.0) -> None:
    """Stand a collar around the neck.

    Args:
        d: Who.
        material: Of the cloth.
        wide: Metres off the skin at its top.
        front: Half the opening in front, metres; closed if negative.
    """

    def border(r: Regions) -> np.ndarray:
        gap = opening(r, front, front + 0.05) if front >= 0 else -FAR
        return within(yoke(r, 0.092), high_neck(r, 0.775), gap + 0 * r.z)

    def slack(r: Regions) -> np.ndarray:
        return wide * ease(r.z, 0.69, 0.77)

    d.wear(
        border,
        UPPER,
        material,
        thick=0.004,
        loose=slack,
        pull=0.3,
        rounds=3,
        hides=False,
    )
