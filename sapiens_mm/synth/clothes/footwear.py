"""Socks and shoes."""

from __future__ import annotations

import numpy as np

from sapiens_mm.synth.clothes import fabrics
from sapiens_mm.synth.clothes.dresser import Dresser
from sapiens_mm.synth.clothes.fields import FAR, Regions, within
from sapiens_mm.synth.clothes.shells import Shell
from sapiens_mm.synth.clothes.trims import ease
from sapiens_mm.synth.core.mesh import Material

SHOES = ('sneaker', 'flat', 'boot', 'high_boot', 'loafer', 'sandal')


def _foot(r: Regions) -> np.ndarray:
    """Negative on feet and shins."""
    return np.where(r.leg > 0.5, -FAR, FAR)


def socks(d: Dresser, height: float, material: Material) -> None:
    """Put on socks that end ``height`` metres above the ankle joint."""

    def border(r: Regions) -> np.ndarray:
        return within(_foot(r), r.z - (r.ankle + height))

    d.wear(border, 'Sock', material, thick=0.0028, pull=0.3, rounds=4, sides=True)


def _shaft(r: Regions, kind: str, height: float) -> np.ndarray:
    """The upper edge of a shoe: sloping on boots and sneakers, low on others."""
    if kind in ('boot', 'high_boot'):
        return r.z - (r.ankle + height)
    if kind == 'sneaker':
        dip = 0.012 * np.exp(-(((r.y - 0.005) / 0.03) ** 2))
        return r.z - (r.ankle + height - dip - 0.15 * (r.y + 0.02))
    reach = 0.125 if kind == 'flat' else 0.1
    toes = ease(-r.y, reach - 0.014, reach + 0.014)
    heel = ease(r.y, 0.0, 0.05)
    return r.z - (r.ankle - 0.02 + 0.06 * toes + 0.018 * heel)


def shoes(d: Dresser, kind: str) -> None:
    """Put shoes on.

    Args:
        d: Who.
        kind: One of ``SHOES``.
    """
    rng = d.rng
    height = {
        'sneaker': rng.choice([0.012, 0.02, 0.055]),
        'boot': rng.uniform(0.07, 0.16),
        'high_boot': rng.uniform(0.2, 0.32),
    }.get(kind, 0.0)
    upper = fabrics.leather(rng) if rng.random() < 0.6 else fabrics.canvas(rng)
    # these are made of leather; the draw above keeps the order of draws
    if kind in ('boot', 'high_boot', 'loafer', 'flat'):
        upper = fabrics.leather(rng)
    thick = {'sandal': 0.003, 'flat': 0.004, 'loafer': 0.006}.get(kind, 0.008)

    def slack(r: Regions) -> np.ndarray:
        toe = np.clip((-0.1 - r.y) / 0.06, 0, 1)
        return 0.004 * toe + 0.008 * np.clip((r.z - r.ankle - 0.04) / 0.2, 0, 1)

    def border(r: Regions) -> np.ndarray:
        edge = _shaft(r, kind, height)
        if kind == 'sandal':
            edge = _straps(r)
        return within(_foot(r), edge)

    shell = d.wear(
        border, 'Shoe', upper, thick=thick, loose=slack, pull=0.5, rounds=8, sides=True
    )
    sole = rng.uniform(0.012, 0.026) if kind != 'flat' else 0.01

    def under(r: Regions) -> np.ndarray:
        heel = 0.008 * np.clip((r.y + 0.02) / 0.06, 0, 1)
        return within(_foot(r), r.z - (r.sole + sole + heel))

    def grow(r: Regions) -> np.ndarray:
        return 0.004 + 0.008 * np.clip((r.sole + 0.022 - r.z) / 0.02, 0, 1)

    d.wear(
        under,
        'Shoe',
        _sole(rng, kind, upper),
        thick=0.003,
        loose=grow,
        pull=0.15,
        rounds=2,
        sides=True,
    )
    if kind == 'sneaker':
        _laces(d, shell, upper)


def _sole(rng: np.random.Generator, kind: str, upper: Material) -> Material:
    """Draw a sole: light rubber under sneakers, mostly dark under the others."""
    if kind in ('sneaker', 'sandal') or rng.random() < 0.12:
        return fabrics.rubber(rng)
    return fabrics.like(upper, 0.5)


def _straps(r: Regions) -> np.ndarray:
    """Two bands over the foot and one around the heel; toes and instep stay bare."""
    front = np.abs(r.y + 0.115) - 0.016
    ankle = np.abs(r.z - r.ankle - 0.35 * (r.y + 0.01)) - 0.009
    bottom = r.z - (r.sole + 0.016)
    return np.minimum(np.minimum(front, ankle), bottom)


def _laces(d: Dresser, shell: Shell, upper: Material) -> None:
    """Lay laces and a stripe on the upper."""
    rng = d.rng
    tone = fabrics.rubber(rng)

    def lace(r: Regions) -> np.ndarray:
        rows = np.abs((r.y / 0.02) % 1 - 0.5) * 0.02 - 0.0055
        top = np.maximum(-0.115 - r.y, r.y + 0.045)
        high = r.sole + 0.052 - 0.25 * (r.y + 0.08) - r.z
        return np.maximum(np.maximum(rows, top), high)

    def stripe(r: Regions) -> np.ndarray:
        slope = np.abs(r.z - r.sole - 0.045 + 0.5 * (r.y + 0.05)) - 0.006
        return np.maximum(slope, np.abs(r.y + 0.055) - 0.04)

    for border, material in ((lace, tone), (stripe, fabrics.like(upper, 1.8))):
        if rng.random() < 0.75:
            d.patch(shell, border, 'Shoe', material, sides=True)
