"""Who is drawn: builds and faces of random adults."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from sapiens_mm.synth.body.shape import BodyShape, shape_coefficients
from sapiens_mm.synth.core.asset import Asset
from sapiens_mm.synth.scene_settings import SceneSettings

# mean and standard deviation of standing height, near those of surveys of adults
_STATURE_M = {'male': (1.755, 0.07), 'female': (1.62, 0.065)}
_HEAVY, _MUSCLE = (0.52, 0.24), (0.5, 0.16)
"""Mean and deviation of weight and muscles, where 0.5 is MakeHuman's average."""

_MIXED = 0.45
"""Dirichlet parameter of the three ancestries; below 1 most people are of one."""

_LOCAL_CHANCE, _LOCAL_SIZE, _LOCAL_MOST = 0.4, 0.28, 0.85
"""Share of local units that differ from the mean, their deviation, and their end.

Of a unit 1 is what MakeHuman's slider reaches; beyond 0.85 faces look broken.
"""
_FACE = ('nose', 'chin', 'mouth', 'cheek', 'eye', 'ear', 'head', 'forehead')
_BUILD = (
    'torso-scale-depth-incr',
    'torso-vshape-incr',
    'hip-scale-horiz-incr',
    'measure-shoulder-dist-incr',
    'stomach-tone-incr',
    'buttocks-volume-incr',
    'measure-upperarm-length-incr',
    'measure-lowerleg-height-incr',
    'neck-scale-vert-incr',
    'neck-double-incr',
)
_ONE_SIDED = ('trans-out', 'head-angle', 'forward', 'age-incr', 'ear-trans-up')
_DAMPED = {
    'nose-scale-depth-incr': 0.5,
    'head-scale-depth-incr': 0.5,
    'neck-scale-vert-incr': 0.3,
}


def sample_shape(
    rng: np.random.Generator, settings: SceneSettings, asset: Asset
) -> BodyShape:
    """Draw an adult.

    Stature follows the sexes' means; heaviness and muscles are drawn apart, heavy
    people have less of the latter; some are of mixed ancestry, most of one.

    Args:
        rng: Source of chance.
        settings: ``female``, ``age_years``, ``stature_m`` and ``face_variety`` matter.
        asset: Says what stature a build has.

    Returns:
        The build.
    """
    female = bool(rng.random() < settings.female)
    # a normal's half: most people are near one end of the slider
    gender = float(np.clip(abs(rng.normal(0, 0.12)), 0, 0.45))
    heavy = float(np.clip(rng.normal(*_HEAVY), 0, 1))
    mean, deviation = _MUSCLE
    muscle = rng.normal(mean - 0.55 * max(heavy - 0.55, 0), deviation)
    races = rng.dirichlet([_MIXED] * 3)
    build = BodyShape(
        gender=1 - gender if female else gender,
        age_years=settings.draw('age_years', rng),
        muscle=float(np.clip(muscle, 0.02, 0.95)),
        weight=heavy,
        proportions=float(rng.uniform(0.25, 0.8)),
        cupsize=float(np.clip(rng.normal(0.45, 0.18), 0, 1)),
        firmness=float(rng.uniform(0.3, 0.8)),
        african=float(races[0]),
        asian=float(races[1]),
        caucasian=float(races[2]),
        local=_sample_locals(rng, asset, settings.face_variety),
    )
    mean, deviation = _STATURE_M['female' if female else 'male']
    wanted = np.clip(rng.normal(mean, deviation), *settings.stature_m)
    # standing height is linear in the slider, so two ends tell the place
    low, high = (stature(asset, replace(build, height=h)) for h in (0.0, 1.0))
    share = (wanted - low) / (high - low)
    return replace(build, height=float(np.clip(share, 0, 1)))


def stature(asset: Asset, shape: BodyShape) -> float:
    """Return the height of a build from sole to crown, metres; locals do not count."""
    (crown, sole), moves = _ends(asset)
    crown_up, sole_up = shape_coefficients(asset, shape) @ moves
    return float(crown + crown_up - sole - sole_up)


@lru_cache(maxsize=2)
def _ends(asset: Asset) -> tuple[np.ndarray, np.ndarray]:
    """Return z of crown and sole (2,), and how far each shape raises them (R, 2)."""
    on_body = asset.half[asset.half <= asset.faces['body'].max()]
    ends = [asset.template[on_body, 2].argmax(), asset.template[on_body, 2].argmin()]
    return asset.template[on_body[ends], 2], asset.shape_basis[:, ends, 2]


@lru_cache(maxsize=2)
def _drawn_locals(asset: Asset) -> tuple[tuple[str, bool, float], ...]:
    """Return names of the local units that are drawn.

    With each: whether it is of the face, and how strongly it is meant; 0 for units
    that are drawn in vain, so that the draws of others stay as they are.
    """
    out = []
    for signed in asset.locals.names:
        name = signed[:-1]
        # the right side follows the left, and one sign tells both
        if signed.endswith('-') or name.startswith('r-'):
            continue
        on_face = name.removeprefix('l-').startswith(_FACE)
        if not on_face and name not in _BUILD:
            continue
        paired = name.startswith('l-')
        vain = not paired and any(word in name for word in _ONE_SIDED)
        out.append((name, on_face, 0.0 if vain else _DAMPED.get(name, 1.0)))
    return tuple(out)


def _sample_locals(
    rng: np.random.Generator, asset: Asset, variety: float
) -> dict[str, float]:
    """Draw some of the local units; left and right differ a little, and rarely."""
    out: dict[str, float] = {}
    for name, on_face, strength in _drawn_locals(asset):
        chance, size, skew = (
            rng.random(),
            rng.normal(0, _LOCAL_SIZE),
            rng.normal(0, 0.05),
        )
        if strength == 0 or chance > _LOCAL_CHANCE or (on_face and variety == 0):
            continue
        size = size * strength * (variety if on_face else 1.0)
        out[name] = min(max(size, -_LOCAL_MOST), _LOCAL_MOST)
        if name.startswith('l-'):
            # the sides of a face are not quite alike
            out['r-' + name[2:]] = min(max(size + skew * variety, -0.9), 0.9)
    return out


def sample_expression(
    rng: np.random.Generator, settings: SceneSettings, close_up: bool = False
) -> dict[str, float]:
    """Draw what a face does.

    Args:
        rng: Source of chance.
        settings: ``expression``, ``open_mouth_close_up``, ``blink`` and ``gaze_deg``.
        close_up: The framing is a face, whose mouth is open more often.

    Returns:
        Strength from 0 to 1 by name of a facial unit, for ``shape_body``.
    """
    kind = settings.choose('expression', rng)
    if close_up and rng.random() < settings.open_mouth_close_up:
        kind = str(rng.choice(_OPEN_MOUTHS))
    out = _mouth(kind, rng)
    if out.get('jawOpen', 0) <= 0 and kind not in ('laugh', 'bared'):
        out['lipsSeal'] = 1.0
    raised, lowered = rng.normal(0, 0.22, 2)
    if kind == 'surprise':
        raised += 0.7
        _both(out, 'eyeWide', 0.5 * rng.random())
    elif rng.random() < 0.15 and kind != 'frown':
        _both(out, 'eyeWide', rng.uniform(0.2, 1.0))
    if kind in ('frown', 'shout'):
        lowered += 0.5
        _both(out, 'eyeSquint', 0.5 * rng.random())
    _both(out, 'browOuterUp', raised)
    out['browInnerUp'] = raised * rng.uniform(0.4, 1.2)
    _both(out, 'browDown', lowered - max(raised, 0))
    blink = rng.random() < settings.blink
    _both(out, 'eyeBlink', rng.uniform(0.35, 1.0) if blink else rng.normal(0, 0.06))
    if rng.random() < 0.15 * blink:
        out['eyeBlinkRight'] = 0.0
    _look(out, rng, settings.gaze_deg)
    return {n: float(min(v, 1.0)) for n, v in out.items() if v > 0.004}


_OPEN_MOUTHS = ('laugh', 'talk', 'shout', 'tongue', 'bared')
"""Expressions that show teeth or tongue, which are rare classes."""

# expression -> what is drawn in turn: unit, a method of the generator, its arguments.
# A jaw at 1 is open as wide as it goes; only a shout goes there.
_MOUTHS = {
    'laugh': (
        ('mouthUpperUp', 'uniform', 0.5, 1.0),
        ('mouthLowerDown', 'uniform', 0.0, 0.5),
        ('jawOpen', 'uniform', 0.05, 0.45),
    ),
    'talk': (
        ('jawOpen', 'uniform', 0.08, 0.45),
        ('mouthFunnel', 'normal', 0.1, 0.3),
        ('mouthLowerDown', 'uniform', 0.0, 0.5),
        ('mouthUpperUp', 'uniform', 0.0, 0.6),
    ),
    'shout': (
        ('jawOpen', 'uniform', 0.55, 1.0),
        ('mouthUpperUp', 'uniform', 0.3, 1.0),
        ('mouthLowerDown', 'uniform', 0.0, 0.8),
    ),
    'bared': (
        ('mouthUpperUp', 'uniform', 0.6, 1.0),
        ('mouthLowerDown', 'uniform', 0.6, 1.0),
        ('mouthStretch', 'uniform', 0.0, 0.7),
        ('jawOpen', 'uniform', 0.0, 0.2),
    ),
    'tongue': (
        ('jawOpen', 'uniform', 0.25, 0.7),
        ('tongueOut', 'uniform', 0.5, 1.0),
    ),
    'surprise': (
        ('jawOpen', 'uniform', 0.15, 0.6),
        ('mouthFunnel', 'uniform', 0.0, 0.4),
    ),
}
_PAIRED = ('mouthUpperUp', 'mouthLowerDown', 'mouthStretch')
_EYE_RANGE_DEG = 32
"""How far the units of the eyes turn them at strength 1, about."""


def _both(out: dict[str, float], name: str, strength: float) -> None:
    out[f'{name}Left'] = out[f'{name}Right'] = strength


def _look(out: dict[str, float], rng: np.random.Generator, gaze_deg: float) -> None:
    """Turn both eyes the same way: a share of their range."""
    # eyes turn less up and down than to the sides
    across, up = rng.normal(0, gaze_deg / _EYE_RANGE_DEG, 2) * [1.0, 0.6]
    across, up = np.clip(across, -0.9, 0.9), np.clip(up, -0.6, 0.6)
    for side, sign in (('Left', 1), ('Right', -1)):
        out[f'eyeLookOut{side}'] = sign * across
        out[f'eyeLookIn{side}'] = -sign * across
        out[f'eyeLookUp{side}'] = up
        out[f'eyeLookDown{side}'] = -up


def _mouth(kind: str, rng: np.random.Generator) -> dict[str, float]:
    """Return the units of mouth, cheeks and jaw of an expression."""
    out: dict[str, float] = {}
    much = rng.uniform(0.35, 1.0)
    uneven = rng.normal(0, 0.06)
    if kind in ('smile', 'laugh'):
        _both(out, 'mouthSmile', much)
        out['mouthSmileLeft'] += uneven
        _both(out, 'cheekSquint', 0.6 * much)
        _both(out, 'eyeSquint', 0.35 * much * rng.random())
    for unit, draw, first, second in _MOUTHS.get(kind, ()):
        strength = max(getattr(rng, draw)(first, second), 0)
        _both(out, unit, strength) if unit in _PAIRED else out.update({unit: strength})
    if kind == 'pucker':
        out['mouthPucker'] = much
    elif kind == 'frown':
        _both(out, 'mouthFrown', much)
        out['mouthShrugLower'] = 0.5 * much * rng.random()
    if rng.random() < 0.15:
        out[str(rng.choice(['jawLeft', 'jawRight', 'mouthLeft', 'mouthRight']))] = (
            rng.uniform(0, 0.5)
        )
    return out
