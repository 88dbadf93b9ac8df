"""Drawing the materials of clothes, shoes and bags."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass, replace

import numpy as np

from sapiens_mm.synth.core.mesh import Material

Rng = np.random.Generator
Color = tuple[float, float, float]


@dataclass(frozen=True)
class _Finish:
    """Spans of a fabric's gloss and wrinkles; see ``Material``."""

    specular: tuple[float, float]
    shininess: tuple[float, float]
    bump: tuple[float, float]
    bump_scale: tuple[float, float]

    def draw(self, rng: Rng, wrinkles: float = 1.0) -> dict[str, float]:
        """Draw the arguments of ``Material``; ``wrinkles`` multiplies their depth."""
        return {
            'specular': rng.uniform(*self.specular),
            'shininess': rng.uniform(*self.shininess),
            'bump': wrinkles * rng.uniform(*self.bump),
            'bump_scale': rng.uniform(*self.bump_scale),
        }


# Cloth reflects 0.04 head on, as most things that do not conduct; threads scatter a
# part of it. Wrinkles are 1 to 3 mm deep and 4 to 14 cm apart, the grain of leather
# is finer.
_COTTON = _Finish((0.02, 0.045), (5, 14), (0.0008, 0.0026), (9, 24))
_SATIN = _Finish((0.08, 0.16), (16, 40), (0.0006, 0.0016), (7, 15))
_LEATHER = _Finish((0.04, 0.09), (18, 70), (0.0003, 0.0007), (60, 160))

# kind -> share; plain cloth is what most people wear
PATTERNS = {'cloth': 0.58, 'stripes': 0.16, 'plaid': 0.12, 'blobs': 0.14}
# bounds of one draw: grey, blue, earth; else any hue, which alone would look like toys
DYES = (0.3, 0.5, 0.65)
INDIGO = (0.035, 0.07, 0.17)
"""Linear RGB of blue jeans that were washed sometimes."""

# black, brown, tan, white leather: linear RGB, share
LEATHERS = (
    ((0.012, 0.011, 0.011), 0.42),
    ((0.09, 0.04, 0.018), 0.26),
    ((0.25, 0.14, 0.07), 0.17),
    ((0.6, 0.58, 0.55), 0.15),
)
# white, black, gum soles
RUBBERS = (((0.7, 0.69, 0.66), 0.5), ((0.015,) * 3, 0.38), ((0.3, 0.17, 0.07), 0.12))
METALS = ((0.55, 0.55, 0.56), (0.65, 0.46, 0.2), (0.03,) * 3)
"""Linear RGB of steel, gold and black metal."""


def dye(rng: Rng, low: float = 0.03, high: float = 0.8) -> Color:
    """Draw a linear RGB colour that clothes have: greys, blues and earth often."""
    pick, (grey, blue, earth) = rng.random(), DYES
    value = rng.uniform(low, high)
    if pick < grey:
        hue, saturation = rng.random(), rng.uniform(0, 0.08)
        value = rng.choice([low, rng.uniform(low, high), high], p=[0.35, 0.35, 0.3])
    elif pick < blue:
        hue, saturation = rng.normal(0.61, 0.03), rng.uniform(0.25, 0.75)
    elif pick < earth:
        hue, saturation = rng.normal(0.09, 0.025), rng.uniform(0.2, 0.6)
    else:
        hue, saturation = rng.random(), rng.beta(2.0, 1.8)
    rgb = colorsys.hsv_to_rgb(hue % 1, saturation, float(value))
    return tuple(float(c) ** 1.8 for c in rgb)


def _tone(rng: Rng, tones: tuple[tuple[Color, float], ...]) -> Color:
    """Draw one of some colours by their shares."""
    return tones[rng.choice(len(tones), p=[share for _, share in tones])][0]


def _shade(color: Color, factor: float) -> Color:
    return tuple(float(min(c * factor, 1.0)) for c in color)


def cloth(rng: Rng, kind: str = '', wrinkles: float = 1.0) -> Material:
    """Draw a fabric.

    Args:
        rng: Drawn from.
        kind: A cloth kind of ``mesh.KINDS``; drawn if empty.
        wrinkles: Depth of fine wrinkles; 1 is a cotton shirt.
    """
    if not kind:
        kind = str(rng.choice(list(PATTERNS), p=list(PATTERNS.values())))
    first = dye(rng)
    second = _shade(first, rng.uniform(0.55, 0.9))
    scale, duty = rng.uniform(14, 45), rng.uniform(0.35, 0.7)
    if kind in ('stripes', 'plaid', 'blobs'):
        second = dye(rng)
    if kind == 'plaid':
        scale = rng.uniform(8, 26)
    elif kind == 'blobs':
        scale, duty = rng.uniform(10, 70), rng.uniform(0.35, 0.6)
    return Material(
        kind,
        first,
        second,
        scale=scale,
        seed=int(rng.integers(2**20)),
        duty=duty,
        **_COTTON.draw(rng, wrinkles),
    )


def satin(rng: Rng) -> Material:
    """Draw a smooth, shiny fabric."""
    color = dye(rng, 0.1)
    return Material(
        'cloth',
        color,
        _shade(color, 0.85),
        seed=int(rng.integers(2**20)),
        **_SATIN.draw(rng),
    )


def denim(rng: Rng) -> Material:
    """Draw blue, black or pale jeans cloth."""
    blue = np.array(INDIGO) * rng.uniform(0.35, 3.2)
    if rng.random() < 0.25:
        blue = np.full(3, rng.uniform(0.01, 0.12))
    first = tuple(float(c) for c in np.clip(blue, 0.004, 0.7))
    return Material(
        'denim',
        first,
        _shade(first, rng.uniform(1.2, 1.9)),
        scale=20,
        seed=int(rng.integers(2**20)),
        specular=0.03,
        shininess=8,
        bump=rng.uniform(0.001, 0.0024),
        bump_scale=rng.uniform(14, 26),
    )


def knit(rng: Rng) -> Material:
    """Draw wool."""
    first = dye(rng)
    return Material(
        'knit',
        first,
        _shade(first, rng.uniform(0.5, 0.8)),
        scale=rng.uniform(60, 160),
        seed=int(rng.integers(2**20)),
        specular=0.02,
        shininess=5,
        bump=rng.uniform(0.001, 0.002),
        bump_scale=rng.uniform(12, 26),
    )


def leather(rng: Rng) -> Material:
    """Draw leather, mostly black, brown or white."""
    base = np.array(_tone(rng, LEATHERS))
    first = tuple(float(c) for c in np.clip(base * rng.uniform(0.6, 1.4), 0, 0.85))
    if rng.random() < 0.15:
        first = dye(rng)
    return Material(
        'leather',
        first,
        _shade(first, 0.8),
        seed=int(rng.integers(2**20)),
        **_LEATHER.draw(rng),
    )


def canvas(rng: Rng) -> Material:
    """Draw the fabric of sneakers and bags."""
    first = dye(rng)
    return Material(
        'cloth',
        first,
        _shade(first, 0.75),
        seed=int(rng.integers(2**20)),
        specular=0.035,
        shininess=12,
        bump=0.0004,
        bump_scale=90,
    )


def rubber(rng: Rng) -> Material:
    """Draw a sole: white, black or gum."""
    tone = _tone(rng, RUBBERS)
    return Material('rubber', tone, _shade(tone, 0.85), specular=0.04, shininess=20)


def metal(rng: Rng) -> Material:
    """Draw steel, gold or black metal."""
    tone = METALS[rng.integers(len(METALS))]
    return Material('metal', tone, _shade(tone, 0.8), specular=0.5, shininess=160)


def like(material: Material, factor: float) -> Material:
    """Return the material lighter (factor > 1) or darker, without its pattern."""
    kind = 'cloth' if material.kind in ('stripes', 'plaid', 'blobs') else material.kind
    return replace(
        material,
        kind=kind,
        color=_shade(material.color, factor),
        color2=_shade(material.color, factor * 0.85),
    )
