"""Clothes for trunk, arms and legs: each function puts one on a ``Dresser``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sapiens_mm.synth.clothes import fabrics
from sapiens_mm.synth.clothes.drape import Cut
from sapiens_mm.synth.clothes.dresser import LOWER, UPPER, Border, Dresser
from sapiens_mm.synth.clothes.fields import (
    FAR,
    Regions,
    armholes,
    briefs,
    hem,
    high_neck,
    legs,
    neckline,
    opening,
    sleeves,
    waist,
    within,
)
from sapiens_mm.synth.clothes.shells import Shell
from sapiens_mm.synth.clothes.trims import (
    buttons,
    collar,
    ease,
    square,
    strip,
    trim_top,
)
from sapiens_mm.synth.core.mesh import Material

# Spans are metres on the mean body at rest. Sleeves: along the arm from the shoulder,
# the elbow is at about 0.28; they end short of the wrist or, the long ones, at it.
SLEEVES = {
    'tee': (0.1, 0.24),
    'shirt': (0.15, 0.26),
    'crop': (0.07, 0.2),
    'other': (0.26, 0.42),
}
LONG_SHIRTS, LONG_OTHERS, SLEEVELESS = 0.6, 0.85, 0.4
"""Shares of shirts and other tops with long sleeves; of dresses and crops with none."""

COLLAR_Z, TURTLENECK_Z = (0.735, 0.755), (0.76, 0.8)
"""Template z of high necks; the chin is at about 0.8."""

V_NECKS = 0.28
HEAVY, LIGHT = 0.007, 0.0045
"""Thickness of knitwear and of shirts; below 3 mm skin would show through."""

# how far trousers stand off at the thigh and at the hem, least and most; none: tight
TROUSERS = {
    'skinny': (),
    'straight': ((0.006, 0.014), (0.012, 0.03)),
    'wide': ((0.012, 0.022), (0.04, 0.075)),
    'sweat': ((0.012, 0.02), (0.015, 0.028)),
    'shorts': ((0.004, 0.012), (0.008, 0.04)),
}
TIGHT = 0.001

CLOSED, PUFFY, WITH_COLLAR = 0.35, 0.25, 0.75
"""Shares of jackets."""


def _top_slack(
    body: float, arm: float, cuff: float, gathered: bool, end: float, low: float
) -> Callable[[Regions], np.ndarray]:
    """Return how loose a top is: little at shoulders, more below and down the arms."""

    # cloth hangs from the shoulders: there it lies close, whatever its width
    def slack(r: Regions) -> np.ndarray:
        trunk = body * ease(0.66 - r.z, 0, 0.3)
        along = np.clip(r.along_arm / max(end, 0.05), 0, 1.1)
        limb = arm * (0.35 + 0.65 * along) + cuff * ease(along, 0.55, 1.0)
        if gathered:
            trunk = trunk * (0.15 + 0.85 * ease(r.z - low, 0.015, 0.07))
            limb = limb * (0.12 + 0.88 * ease(end - r.along_arm, 0.02, 0.09))
        weight = ease(r.arm, 0.3, 0.8)
        return trunk * (1 - weight) + limb * weight

    return slack


def _arm_sag(amount: float) -> Callable[[Regions], np.ndarray]:
    """Let wide sleeves hang from the arm."""
    return lambda r: amount * ease(r.arm, 0.4, 0.9) * ease(r.along_arm, 0.05, 0.3)


def top(
    d: Dresser,
    kind: str,
    material: Material,
    *,
    low: float,
    tight: float | None = None,
) -> Shell:
    """Put on a top.

    Args:
        d: Who.
        kind: 'tee', 'shirt', 'long', 'sweater', 'hoodie', 'tank', 'crop', 'sport',
            'blouse' or 'dress', whose skirt is hung apart.
        material: Of the cloth.
        low: z of the template where it ends.
        tight: 0 (wide) to 1 (tight); drawn if None.
    """
    rng = d.rng
    tight = rng.random() if tight is None else tight
    long = d.at_base.arm_span[1] - rng.uniform(0.0, 0.03)
    # all are drawn, whatever the kind: what is drawn after them depends on it less
    end = {
        'tee': rng.uniform(*SLEEVES['tee']),
        'shirt': long if rng.random() < LONG_SHIRTS else rng.uniform(*SLEEVES['shirt']),
        'crop': rng.uniform(*SLEEVES['crop']),
        'blouse': rng.choice([0.14, 0.3, long]),
    }.get(kind, long if rng.random() < LONG_OTHERS else rng.uniform(*SLEEVES['other']))
    bare = kind in ('tank', 'sport') or (
        kind in ('dress', 'crop') and rng.random() < SLEEVELESS
    )
    if kind == 'dress' and not bare:
        end = rng.choice([0.1, 0.16, 0.3, long])
    neck, wide = _neck(rng, kind)
    # the shoulder edge lies outside the neckline, or a strap would have no width
    width = max(rng.uniform(0.085, 0.135), wide + rng.uniform(0.022, 0.045))
    rise = rng.uniform(-0.02, 0.03) if kind in ('shirt', 'tee', 'tank') else 0.0

    def border(r: Regions) -> np.ndarray:
        arm = armholes(r, width) if bare else sleeves(r, end)
        return within(arm, neck(r), hem(r, low, rise))

    heavy = kind in ('sweater', 'hoodie')
    body = (1 - tight) * rng.uniform(0.012, 0.034) + 0.002
    arm = (1 - tight) * rng.uniform(0.006, 0.016) + 0.002
    cuff = (1 - tight) * rng.uniform(0.0, 0.012)
    if kind == 'blouse' and end > 0.2 and rng.random() < 0.5:
        cuff = rng.uniform(0.02, 0.06)
    gathered = heavy and rng.random() < 0.8
    shell = d.wear(
        border,
        UPPER,
        material,
        thick=HEAVY if heavy else LIGHT,
        loose=_top_slack(body, arm, cuff, gathered, end, low),
        pull=0.25 + 0.5 * (1 - tight),
        rounds=int(5 + 14 * (1 - tight)),
        sag=_arm_sag(0.35 * (arm + cuff)),
        folds=rng.uniform(0.2, 0.7) * (1 - 0.7 * tight),
    )
    trim_top(d, shell, kind, material, end, low, border)
    return shell


def _neck(rng: np.random.Generator, kind: str) -> tuple[Border, float]:
    """Draw a neckline; returns it and half its width in metres."""
    pick = rng.random()
    if kind in ('shirt', 'hoodie') or (kind in ('sweater', 'long') and pick < 0.25):
        height = rng.uniform(*(TURTLENECK_Z if kind == 'sweater' else COLLAR_Z))
        return (lambda r: high_neck(r, height)), 0.06
    wide, front, back = rng.uniform(0.068, 0.1), rng.uniform(0.03, 0.09), 0.025
    point = 1.0 if pick > 1 - V_NECKS else 0.0
    if point:
        front = rng.uniform(0.09, 0.2)
    if kind in ('tank', 'sport', 'dress', 'blouse', 'crop'):
        wide, front = rng.uniform(0.075, 0.12), rng.uniform(0.06, 0.16)
        back = rng.uniform(0.03, 0.14)
    return (lambda r: neckline(r, wide, front, back, point)), wide


def jacket(d: Dresser, material: Material, *, low: float, tails: float | None) -> None:
    """Put on a jacket, cardigan or coat.

    Args:
        d: Who.
        material: Of the cloth.
        low: z of the template where its shell ends.
        tails: z where hanging tails end, for coats; None for none.
    """
    rng = d.rng
    end = d.at_base.arm_span[1] + rng.uniform(-0.03, 0.01)
    top_gap, wide = rng.uniform(0.0, 0.05), rng.uniform(0.01, 0.09)
    closed, deep = rng.random() < CLOSED, rng.uniform(0.12, 0.26)
    lapels = rng.random() < 0.5

    def border(r: Regions) -> np.ndarray:
        parts = [sleeves(r, end), hem(r, low)]
        if lapels and closed:
            parts.append(neckline(r, 0.085, deep, 0.01, 1.0))
        else:
            parts.append(high_neck(r, 0.745))
        if not closed:
            parts.append(opening(r, top_gap, wide))
        return within(*parts)

    puffy = rng.random() < PUFFY and material.kind == 'cloth'
    body = rng.uniform(0.012, 0.03) + 0.012 * puffy
    shell = d.wear(
        border,
        UPPER,
        material,
        thick=0.009,
        loose=_top_slack(body, 0.014 + 0.008 * puffy, 0.004, puffy, end, low),
        pull=0.6,
        rounds=16,
        sag=_arm_sag(0.006),
        folds=rng.uniform(0.35, 0.8),
    )
    if tails is not None:
        # tails start outside of what is worn at the waist
        gap = d.worn[(np.abs(d.at_base.z - 0.28) < 0.03)].mean() + 0.004
        spread = 0.0 if closed else 0.006 + 0.3 * wide
        cut = Cut(tails, rng.uniform(1.0, 1.3), 0.285, gap, True, spread)
        d.hang(cut, UPPER, material)
    edge = fabrics.like(material, rng.choice([0.6, 0.8, 1.2]))
    if closed:
        d.patch(shell, lambda r: strip(r, 0.012), UPPER, edge, 0.002)
        if rng.random() < 0.7:
            buttons(d, shell, UPPER)
    for x in (-0.11, 0.11):
        d.patch(
            shell, lambda r, x=x: square(r, x, 0.27, 0.055, 0.045), UPPER, edge, 0.003
        )
    if rng.random() < WITH_COLLAR:
        cloth = edge if rng.random() < 0.4 else material
        collar(d, cloth, rng.uniform(0.008, 0.03), -1.0 if closed else top_gap)


def trousers(d: Dresser, material: Material, *, kind: str, high: float) -> None:
    """Put on trousers or shorts.

    Args:
        d: Who.
        material: Of the cloth.
        kind: 'skinny', 'straight', 'wide', 'sweat' (gathered) or 'shorts'.
        high: z of the template at the waist.
    """
    rng = d.rng
    thigh, ankle = d.at_base.leg_span
    end = ankle - rng.uniform(-0.01, 0.06)
    if kind == 'skinny' and rng.random() < 0.3:
        end = rng.uniform(thigh + 0.05, ankle - 0.08)
    elif rng.random() < 0.2:
        end = ankle - rng.uniform(0.06, 0.2)
    if kind == 'shorts':
        end = rng.uniform(0.2, thigh + 0.06)
    # all are drawn, whatever the kind, as in ``top``
    loose_of = {k: [rng.uniform(*s) for s in spans] for k, spans in TROUSERS.items()}
    base, at_hem = loose_of[kind] or (TIGHT, TIGHT)

    def border(r: Regions) -> np.ndarray:
        return within(waist(r, high), legs(r, end))

    def slack(r: Regions) -> np.ndarray:
        share = np.clip(r.along_leg / end, 0, 1.05)
        leg = base + (at_hem - base) * share**1.3
        if kind == 'sweat':
            leg = leg * (0.1 + 0.9 * ease(end - r.along_leg, 0.02, 0.09))
        return np.where(r.leg > 0.3, leg, base * 0.5) * ease(high - r.z, -0.02, 0.12)

    loose = kind != 'skinny'
    shell = d.wear(
        border,
        LOWER,
        material,
        thick=0.004,
        loose=slack,
        pull=0.5 if loose else 0.2,
        rounds=14 if loose else 5,
        sag=lambda r: 0.25 * at_hem * ease(r.leg, 0.5, 1) * loose,
        folds=rng.uniform(0.3, 0.8) if loose else 0.0,
    )
    _trouser_trim(d, shell, material, kind, high)


def _trouser_trim(
    d: Dresser, shell: Shell, material: Material, kind: str, high: float
) -> None:
    """Add a waistband, pockets, a fly or a stripe."""
    rng = d.rng
    edge = fabrics.like(material, rng.choice([0.72, 0.85, 1.15]))

    def band(r: Regions) -> np.ndarray:
        return np.maximum(-0.035 - waist(r, high), waist(r, high))

    d.patch(shell, band, LOWER, edge)
    if kind in ('straight', 'wide', 'shorts', 'skinny') and rng.random() < 0.7:

        def back(r: Regions) -> np.ndarray:
            square = np.maximum(
                np.abs(r.side - 0.08) - 0.045, np.abs(r.z - 0.13) - 0.055
            )
            return np.where(r.y > 0.04, square, FAR)

        d.patch(shell, back, LOWER, edge)
    if kind == 'sweat' and rng.random() < 0.4:
        stripe = fabrics.canvas(rng)

        def down(r: Regions) -> np.ndarray:
            middle = 0.115 + 0.11 * np.clip((0.1 - r.z) / 0.9, 0, 1)
            outer = np.where(r.side > middle, np.abs(r.y + 0.01) - 0.014, FAR)
            return np.maximum(outer, waist(r, high))

        d.patch(shell, down, LOWER, stripe)


def underwear(d: Dresser, material: Material, cut: float = 0.04) -> None:
    """Put on briefs that never show skin around the pelvis."""

    def border(r: Regions) -> np.ndarray:
        return within(waist(r, 0.24), briefs(r, cut))

    d.wear(border, LOWER, material, thick=0.003, pull=0.2, rounds=4)


def short_tights(
    d: Dresser, material: Material, end: float, high: float = 0.26
) -> None:
    """Put on tight shorts (below a skirt, or for sport) or leggings."""

    def border(r: Regions) -> np.ndarray:
        return within(waist(r, high), legs(r, end))

    d.wear(border, LOWER, material, thick=0.0025, pull=0.2, rounds=4)


def skirt(d: Dresser, material: Material, label: str, low: float, high: float) -> None:
    """Hang a skirt, or the lower part of a dress, with tights below."""
    rng = d.rng
    flare = rng.uniform(0.82, 1.1) if rng.random() < 0.4 else rng.uniform(1.1, 2.0)
    pleats = int(rng.integers(9, 15)) if flare > 1.3 and rng.random() < 0.4 else 0
    d.hang(Cut(low, flare, high, 0.01, False, 0.0, pleats), label, material)
