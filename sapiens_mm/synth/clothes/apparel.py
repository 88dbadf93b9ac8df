"""Things that are worn on top: hats, glasses, bags, belts, scarves, watches."""

from __future__ import annotations

import numpy as np

from sapiens_mm.synth.clothes import fabrics
from sapiens_mm.synth.clothes.bags import backpack, crossbody
from sapiens_mm.synth.clothes.dresser import Dresser
from sapiens_mm.synth.clothes.fields import FAR, Regions, high_neck, waist, within, yoke
from sapiens_mm.synth.clothes.glasses import glasses
from sapiens_mm.synth.clothes.hats import beanie, brim_hat, cap
from sapiens_mm.synth.scene_settings import SceneSettings

APPAREL = 'Apparel'

IN_WINTER = 2.2
"""How many times as often hats and scarves are worn in winter clothes."""

# bounds of one draw: beanie, cap; else a hat with a brim
HATS, WINTER_HATS = (0.4, 0.78), (0.8, 0.8)


def accessorize(d: Dresser, settings: SceneSettings, outfit: str) -> float | None:
    """Add accessories.

    Args:
        d: Who; meshes are appended.
        settings: ``hat``, ``glasses``, ``belt``, ``bag``, ``scarf`` and ``watch``.
        outfit: What else is worn; winter brings hats and scarves.

    Returns:
        z of the template above which a hat covers the hair, or None.
    """
    winter = outfit == 'winter'
    rng, warm = d.rng, IN_WINTER if winter else 1.0
    if rng.random() < settings.belt and outfit in ('casual', 'formal'):
        belt(d)
    if rng.random() < settings.scarf * warm:
        scarf(d)
    if rng.random() < settings.bag:
        (crossbody, backpack)[rng.integers(2)](d)
    if rng.random() < settings.watch:
        watch(d)
    line = None
    if rng.random() < settings.hat * warm:
        pick, (beanies, caps) = rng.random(), WINTER_HATS if winter else HATS
        if pick < beanies:
            line = beanie(d)
        elif pick < caps:
            line = cap(d)
        else:
            line = brim_hat(d)
    if rng.random() < settings.glasses:
        glasses(d)
    return line


def belt(d: Dresser) -> None:
    """A belt with a buckle over what is worn at the waist."""
    rng = d.rng
    high, half = rng.uniform(0.22, 0.26), rng.uniform(0.011, 0.02)

    def border(r: Regions) -> np.ndarray:
        return np.abs(waist(r, high)) - half

    material = fabrics.leather(rng)
    shell = d.wear(
        border, APPAREL, material, thick=0.0025, pull=0.4, rounds=6, hides=False
    )

    def buckle(r: Regions) -> np.ndarray:
        plate = np.maximum(r.side - 0.02, np.abs(waist(r, high)) - half - 0.004)
        return np.where(r.y < 0, plate, FAR)

    d.patch(shell, buckle, APPAREL, fabrics.metal(rng), 0.003)


def scarf(d: Dresser) -> None:
    """A scarf around the neck, its ends hanging in front."""
    rng = d.rng
    thick, wide = rng.uniform(0.015, 0.035), rng.uniform(0.09, 0.115)
    material = fabrics.knit(rng) if rng.random() < 0.5 else fabrics.cloth(rng)
    end = rng.uniform(0.36, 0.58) if rng.random() < 0.65 else 0.0

    def ring(r: Regions) -> np.ndarray:
        return within(yoke(r, wide), high_neck(r, 0.785))

    def slack(r: Regions) -> np.ndarray:
        return thick * (0.4 + 0.6 * np.clip((0.8 - r.z) / 0.06, 0, 1))

    if end:
        left = rng.uniform(0.02, 0.06) * rng.choice([-1, 1])

        def tails(r: Regions) -> np.ndarray:
            strip = np.abs(r.x - left * (1 + 0.5 * (0.7 - r.z) / 0.3)) - 0.036
            front = np.where((r.y < 0) & (r.arm < 0.3), strip, FAR)
            return within(front, r.z - 0.69, end - r.z)

        d.wear(
            tails,
            APPAREL,
            material,
            thick=0.005,
            loose=0.006,
            rounds=10,
            hides=False,
            folds=0.6,
        )
    d.wear(
        ring,
        APPAREL,
        material,
        thick=0.006,
        loose=slack,
        pull=0.4,
        rounds=4,
        folds=0.45,
    )


def watch(d: Dresser) -> None:
    """A watch or bracelet on one wrist."""
    rng = d.rng
    sign, half = rng.choice([-1, 1]), rng.uniform(0.007, 0.012)
    at = d.at_base.arm_span[1] - rng.uniform(0.008, 0.02)

    def border(r: Regions) -> np.ndarray:
        band = np.abs(r.along_arm - at) - half
        return np.where((r.arm > 0.6) & (r.x * sign > 0), band, FAR)

    material = fabrics.leather(rng) if rng.random() < 0.6 else fabrics.metal(rng)
    shell = d.wear(
        border, APPAREL, material, thick=0.003, pull=0.2, rounds=3, hides=False
    )

    def dial(r: Regions) -> np.ndarray:
        return np.maximum(border(r) - 0.006, -(r.z + 0.75 * r.side - 0.655))

    d.patch(shell, dial, APPAREL, fabrics.metal(rng), 0.003)
