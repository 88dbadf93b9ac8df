"""Outfits: what a person wears from head to toe."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sapiens_mm.synth.body.body import Body
from sapiens_mm.synth.body.flesh import Looks
from sapiens_mm.synth.clothes import fabrics, garments
from sapiens_mm.synth.clothes.apparel import accessorize
from sapiens_mm.synth.clothes.dresser import Dresser
from sapiens_mm.synth.clothes.footwear import shoes, socks
from sapiens_mm.synth.core.asset import Asset
from sapiens_mm.synth.core.mesh import Material, Mesh
from sapiens_mm.synth.hair.hair import grow_hair
from sapiens_mm.synth.places.supports import seat_box
from sapiens_mm.synth.scene_settings import SceneSettings

Rng = np.random.Generator

# Shares below are chosen by eye, for variety rather than after a count of what people
# wear: each of the 28 classes must be seen often enough to be learned. What a user may
# want otherwise is a scene setting; these stay fixed, so that a seed stays what it is.
BUILDS_OF_DRESSES = 0.25
"""Share of male builds that keep a dress where the settings draw one."""

SKIRTS_OF_MALE_BUILDS = 0.12
"""What is left of the setting ``skirts`` for them."""

# metres above the ankle joint -> share: in the shoe, low, up the calf, to the knee
SOCK_HEIGHTS = {0.03: 0.25, 0.12: 0.45, 0.2: 0.2, 0.33: 0.1}
WHITE, BLACK = (0.7,) * 3, (0.015,) * 3
"""Linear RGB of sports socks."""

BOTTOMS = {
    'skinny': 0.22,
    'straight': 0.36,
    'wide': 0.12,
    'sweat': 0.12,
    'shorts': 0.18,
}
CASUAL_TOPS = {
    'tee': 0.3,
    'long': 0.12,
    'shirt': 0.15,
    'sweater': 0.12,
    'hoodie': 0.12,
    'tank': 0.07,
}
FEMALE_TOPS = {'crop': 0.07, 'blouse': 0.12}
"""Further casual tops of female builds."""

# template z of the hem, metres -> share; the knee is at about -0.29
SKIRT_HEMS = {-0.1: 0.28, -0.22: 0.32, -0.35: 0.22, -0.58: 0.18}
DRESS_HEMS = {-0.12: 0.25, -0.25: 0.33, -0.38: 0.22, -0.6: 0.2}
HEM_SPREAD = 0.03
"""Standard deviation of a hem around those, metres."""

UNDER_SKIRTS = 0.2
"""Metres along the leg at which short tights under a skirt end: half the thigh."""

WAIST = 0.278
"""Template z at which skirts hang; trousers and tops overlap it."""

# bounds of one draw: leather, denim, wool; else cloth
OUTER_CLOTHS = (0.25, 0.45, 0.6)
OUTER_OVER_CASUAL = 0.22
"""Share of jackets over casual tops that are not warm themselves."""


@dataclass(frozen=True)
class Outfit:
    """What is worn.

    Attributes:
        meshes: Clothes, shoes, hair and apparel, in the body's frame.
        hidden: (V,) bool, skin that is covered and should not be drawn.
        aux: (V,) float32 for the skin: brows, beard, lips.
    """

    meshes: list[Mesh]
    hidden: np.ndarray
    aux: np.ndarray


def dress(
    asset: Asset,
    body: Body,
    rng: Rng,
    settings: SceneSettings,
    looks: Looks,
    person: int = 1,
    gender: float = 0.5,
    kind: str = '',
) -> Outfit:
    """Dress a posed body; trunk and pelvis are always covered.

    Args:
        asset: The baked human.
        body: Posed.
        rng: Drawn from.
        settings: ``outfits``, ``skirts``, ``shoes``, ``shoe_kinds``, ``socks``, and
            those of hair and accessories.
        looks: Colours of hair and skin.
        person: Number that the meshes carry.
        gender: Of the build, 0 male to 1 female; shifts what is likely.
        kind: ``Pose.kind``; sitters' skirts lie on the seat.
    """
    seat = seat_box(body) if kind.startswith('sit:') else None
    d = Dresser(asset, body, person, rng, seat)
    outfit = settings.choose('outfits', rng)
    if outfit == 'dress' and rng.random() > BUILDS_OF_DRESSES + (
        1 - BUILDS_OF_DRESSES
    ) * (gender > 0.5):
        outfit = 'casual'
    _OUTFITS[outfit](d, settings, gender)
    covered_head = accessorize(d, settings, outfit)
    aux = grow_hair(d, settings, looks, gender, covered_head)
    return Outfit(d.meshes, d.hidden, aux)


def pick(rng: Rng, shares: dict[Any, float]) -> Any:
    """Draw one of the keys by their shares, which need not add up to 1."""
    weights = np.array(list(shares.values()))
    return rng.choice(list(shares), p=weights / weights.sum())


def _feet(
    d: Dresser, settings: SceneSettings, kind: str = '', low: bool = False
) -> None:
    """Draw socks and shoes; ``low`` allows none above the ankle."""
    rng = d.rng
    wears_shoes = rng.random() < settings.shoes
    kind = kind or settings.choose('shoe_kinds', rng)
    bare = kind in ('sandal', 'flat') and rng.random() < 0.85
    if rng.random() < (settings.socks if wears_shoes else 0.5) and not bare:
        height = pick(rng, SOCK_HEIGHTS)
        material = fabrics.knit(rng) if rng.random() < 0.4 else fabrics.cloth(rng)
        if rng.random() < 0.4:
            tone = WHITE if rng.random() < 0.6 else BLACK
            material = replace(material, kind='knit', color=tone, color2=tone)
        material = replace(material, bump=0.0006, scale=material.scale * 2)
        socks(d, 0.02 if low else height, material)
    if wears_shoes:
        shoes(d, kind)


def _bottom_material(rng: Rng) -> tuple[str, Material]:
    """Draw a kind of trousers and its cloth."""
    kind = str(pick(rng, BOTTOMS))
    if kind in ('skinny', 'straight', 'wide') and rng.random() < 0.5:
        return kind, fabrics.denim(rng)
    pattern = '' if kind == 'shorts' or rng.random() < 0.15 else 'cloth'
    return kind, fabrics.cloth(rng, pattern)


def _legs(
    d: Dresser, settings: SceneSettings, gender: float, high: float, skirts: float
) -> None:
    """Draw trousers or a skirt, with shoes in the right order."""
    rng = d.rng
    if rng.random() < skirts * (1.0 if gender > 0.5 else SKIRTS_OF_MALE_BUILDS):
        _feet(d, settings)
        below = fabrics.cloth(rng, 'cloth')
        end = UNDER_SKIRTS if rng.random() < 0.75 else d.at_base.leg_span[1] - 0.02
        garments.short_tights(d, below, end)
        material = _skirt_cloth(rng)
        low = pick(rng, SKIRT_HEMS) + rng.normal(0, HEM_SPREAD)
        garments.skirt(d, material, 'Lower_Clothing', low, WAIST)
        return
    kind, material = _bottom_material(rng)
    over = kind == 'skinny' and rng.random() < 0.5
    if not over:
        _feet(d, settings)
    garments.trousers(d, material, kind=kind, high=high)
    if over:
        # over the trousers, so it is drawn after them
        _feet(d, settings, ('boot', 'high_boot', 'sneaker')[rng.integers(3)])


def _skirt_cloth(rng: Rng) -> Material:
    drawn = rng.random()
    if drawn < 0.2:
        return fabrics.denim(rng)
    return fabrics.satin(rng) if drawn < 0.4 else fabrics.cloth(rng)


def _casual(d: Dresser, settings: SceneSettings, gender: float) -> None:
    rng = d.rng
    high = rng.uniform(0.21, 0.29)
    female = float(gender > 0.5)
    kind = str(pick(rng, CASUAL_TOPS | {k: w * female for k, w in FEMALE_TOPS.items()}))
    heavy = kind in ('sweater', 'hoodie')
    material = fabrics.cloth(rng, wrinkles=1.3)
    if kind == 'sweater' or (kind == 'long' and rng.random() < 0.3):
        material = fabrics.knit(rng)
    elif kind == 'hoodie':
        material = fabrics.cloth(rng, 'cloth')
    elif kind == 'blouse' and rng.random() < 0.5:
        material = fabrics.satin(rng)
    low = rng.uniform(0.34, 0.42) if kind == 'crop' else rng.uniform(0.07, 0.2)
    tucked = not heavy and kind != 'crop' and rng.random() < 0.3
    tight = rng.beta(0.9, 1.3)
    if tucked:
        garments.top(d, kind, material, low=0.12, tight=max(tight, 0.5))
        _legs(d, settings, gender, max(high, 0.255), settings.skirts)
    else:
        _legs(d, settings, gender, high, settings.skirts)
        garments.top(d, kind, material, low=low, tight=tight)
    if not heavy and rng.random() < OUTER_OVER_CASUAL:
        _outer(d, long=rng.random() < 0.2)


def _outer(d: Dresser, long: bool) -> None:
    """Put a jacket, cardigan or coat over the rest."""
    rng = d.rng
    drawn, (leather, denim, wool) = rng.random(), OUTER_CLOTHS
    if drawn < leather:
        material = fabrics.leather(rng)
    elif drawn < denim:
        material = fabrics.denim(rng)
    elif drawn < wool:
        material = fabrics.knit(rng)
    else:
        material = fabrics.cloth(rng, 'plaid' if rng.random() < 0.2 else 'cloth', 1.4)
    if long:
        tails = rng.uniform(-0.5, -0.05)
        garments.jacket(d, material, low=0.25, tails=tails)
    else:
        garments.jacket(d, material, low=rng.uniform(0.1, 0.24), tails=None)


def _formal(d: Dresser, settings: SceneSettings, gender: float) -> None:
    rng = d.rng
    suit = fabrics.cloth(rng, 'cloth' if rng.random() < 0.8 else 'stripes')
    suit = replace(suit, scale=160.0, duty=0.9, bump=suit.bump * 0.6)
    shirt = fabrics.cloth(rng, 'cloth' if rng.random() < 0.6 else '', 0.8)
    if rng.random() < 0.5:
        shirt = replace(shirt, kind='cloth', color=(0.72,) * 3, color2=(0.66,) * 3)
    garments.top(d, 'shirt', shirt, low=0.12, tight=0.6)
    if gender > 0.5 and rng.random() < 0.4:
        _feet(d, settings, ('flat', 'loafer', 'boot')[rng.integers(3)])
        garments.short_tights(d, fabrics.cloth(rng, 'cloth'), UNDER_SKIRTS)
        garments.skirt(d, suit, 'Lower_Clothing', rng.uniform(-0.35, -0.15), WAIST)
    else:
        _feet(d, settings, ('loafer', 'loafer', 'boot')[rng.integers(3)])
        garments.trousers(d, suit, kind='straight', high=0.27)
    if rng.random() < 0.7:
        garments.jacket(d, suit, low=rng.uniform(0.08, 0.14), tails=None)


def _winter(d: Dresser, settings: SceneSettings, gender: float) -> None:
    rng = d.rng
    kind = ('sweater', 'long', 'hoodie')[rng.integers(3)]
    material = fabrics.knit(rng) if kind == 'sweater' else fabrics.cloth(rng)
    _legs(d, settings, gender, rng.uniform(0.22, 0.28), 0.5 * settings.skirts)
    garments.top(d, kind, material, low=rng.uniform(0.1, 0.18))
    _outer(d, long=rng.random() < 0.6)


def _sport(d: Dresser, settings: SceneSettings, gender: float) -> None:
    rng = d.rng
    female = gender > 0.5
    _feet(d, settings, 'sneaker')
    if rng.random() < 0.5:
        thigh, ankle = d.at_base.leg_span
        end = rng.choice([0.22, thigh + 0.12, ankle - 0.04])
        garments.short_tights(d, fabrics.satin(rng), end, rng.uniform(0.22, 0.3))
    else:
        kind = 'shorts' if rng.random() < 0.6 else 'sweat'
        garments.trousers(d, fabrics.cloth(rng, 'cloth'), kind=kind, high=0.24)
    if female and rng.random() < 0.45:
        garments.top(
            d, 'sport', fabrics.satin(rng), low=rng.uniform(0.42, 0.47), tight=1
        )
        return
    kind = 'tank' if rng.random() < 0.5 else 'tee'
    low = rng.uniform(0.08, 0.18) if rng.random() < 0.8 or not female else 0.36
    garments.top(d, kind, fabrics.cloth(rng), low=low)


def _beach(d: Dresser, settings: SceneSettings, gender: float) -> None:
    """Swimwear that covers chest and pelvis: a tank or sports top and shorts."""
    rng = d.rng
    if rng.random() < 0.3:
        _feet(d, settings, 'sandal')
    material = fabrics.cloth(rng)
    if gender > 0.5 and rng.random() < 0.6:
        garments.underwear(d, material, rng.uniform(0.02, 0.06))
        low = rng.choice([0.44, 0.2])
        garments.top(d, 'sport', material, low=low, tight=1)
        return
    garments.trousers(d, material, kind='shorts', high=rng.uniform(0.2, 0.25))
    low = 0.4 if gender > 0.5 else rng.choice([0.4, 0.15])
    garments.top(d, 'tank', fabrics.cloth(rng), low=low)


def _dress(d: Dresser, settings: SceneSettings, gender: float) -> None:
    """A dress: its top as a shell, its skirt hung from the waist."""
    rng = d.rng
    _feet(d, settings, ('flat', 'sandal', 'boot', 'sneaker', 'loafer')[rng.integers(5)])
    below = fabrics.cloth(rng, 'cloth')
    end = UNDER_SKIRTS if rng.random() < 0.8 else d.at_base.leg_span[1] - 0.02
    garments.short_tights(d, below, end)
    material = fabrics.satin(rng) if rng.random() < 0.3 else fabrics.cloth(rng)
    garments.top(d, 'dress', material, low=0.255, tight=rng.uniform(0.6, 1))
    low = pick(rng, DRESS_HEMS) + rng.normal(0, HEM_SPREAD)
    garments.skirt(d, material, 'Upper_Clothing', low, WAIST)
    if rng.random() < 0.2:
        garments.jacket(d, fabrics.cloth(rng, 'cloth'), low=0.24, tails=None)


_OUTFITS = {
    'casual': _casual,
    'formal': _formal,
    'winter': _winter,
    'sport': _sport,
    'beach': _beach,
    'dress': _dress,
}
