"""Hair: a cap over the scalp, locks on top, buns, tails and beards.

Hair colours come from the person's looks. Nothing is a bare shell: every style but a
shaved head has locks whose ends break the outline and the hairline.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from sapiens_mm.synth.body.flesh import Looks, skin_aux
from sapiens_mm.synth.clothes.dresser import Dresser
from sapiens_mm.synth.clothes.shells import (
    Base,
    Posed,
    Shell,
    make_base,
    noise,
    pose_base,
)
from sapiens_mm.synth.clothes.skull import skull
from sapiens_mm.synth.core.asset import Asset
from sapiens_mm.synth.core.mesh import Material, smooth_normals
from sapiens_mm.synth.hair.beard import beard, shade_scalp
from sapiens_mm.synth.hair.locks import bun, curl, put_locks, solid, tail, tie_place
from sapiens_mm.synth.hair.strands import Habit, Locks, grow
from sapiens_mm.synth.scene_settings import SceneSettings


@dataclass(frozen=True)
class Style:
    """How a head of hair is made.

    Attributes:
        cap: Metres of the cap's thickness on top.
        bumps: Share of the cap's thickness that is lumpy.
        locks: Number of locks.
        length: Metres, shortest and longest.
        width: Metres of a lock.
        lift: Metres that locks stand off, least and most.
        weight: Of gravity per step.
        comb: Pull along the combed direction.
        rise: Share of the normal in a lock's first direction.
        curl: Metres of curls.
        step: Metres between a lock's points.
    """

    cap: float
    bumps: float
    locks: int
    length: tuple[float, float]
    width: float
    lift: tuple[float, float]
    weight: float
    comb: float
    rise: float
    curl: float = 0.0
    step: float = 0.01


# by eye, against photographs; lengths and widths in metres. A lock of 9 mm is far wider
# than a strand: its texture shows strands, and a thousand locks are quick to draw
STYLES = {
    'buzz': Style(
        cap=0.0035,
        bumps=0.2,
        locks=520,
        length=(0.006, 0.012),
        width=0.0035,
        lift=(0.0012, 0.004),
        weight=0.1,
        comb=0.3,
        rise=0.5,
        step=0.004,
    ),
    'short': Style(
        cap=0.011,
        bumps=0.3,
        locks=820,
        length=(0.025, 0.06),
        width=0.0065,
        lift=(0.007, 0.017),
        weight=0.1,
        comb=0.6,
        rise=0.3,
        step=0.009,
    ),
    'medium': Style(
        cap=0.01,
        bumps=0.25,
        locks=640,
        length=(0.13, 0.24),
        width=0.011,
        lift=(0.008, 0.022),
        weight=0.4,
        comb=1.2,
        rise=0.2,
        step=0.017,
    ),
    'long': Style(
        cap=0.01,
        bumps=0.2,
        locks=640,
        length=(0.28, 0.55),
        width=0.0125,
        lift=(0.008, 0.021),
        weight=0.45,
        comb=1.2,
        rise=0.2,
        step=0.02,
    ),
    'bun': Style(
        cap=0.007,
        bumps=0.15,
        locks=480,
        length=(0.1, 0.17),
        width=0.009,
        lift=(0.006, 0.011),
        weight=0.0,
        comb=1.6,
        rise=0.0,
        step=0.014,
    ),
    'tail': Style(
        cap=0.007,
        bumps=0.15,
        locks=480,
        length=(0.1, 0.17),
        width=0.009,
        lift=(0.006, 0.011),
        weight=0.0,
        comb=1.6,
        rise=0.0,
        step=0.014,
    ),
    'curly': Style(
        cap=0.028,
        bumps=0.5,
        locks=760,
        length=(0.06, 0.17),
        width=0.0075,
        lift=(0.014, 0.036),
        weight=0.3,
        comb=0.5,
        rise=0.5,
        curl=0.008,
        step=0.01,
    ),
    'afro': Style(
        cap=0.05,
        bumps=0.35,
        locks=760,
        length=(0.02, 0.04),
        width=0.0075,
        lift=(0.034, 0.056),
        weight=0.03,
        comb=0.4,
        rise=0.7,
        curl=0.005,
        step=0.008,
    ),
}


def grow_hair(
    d: Dresser, settings: SceneSettings, looks: Looks, gender: float, hat: float | None
) -> np.ndarray:
    """Give a dressed person hair and beard.

    Args:
        d: Who; meshes are appended.
        settings: ``hair_female``, ``hair_male`` and ``beard`` are read.
        looks: Colours.
        gender: 0 male to 1 female.
        hat: z of the template above which a hat is, or None.

    Returns:
        (V,) ``aux`` of the skin with brows, stubble and beard.
    """
    rng = d.rng
    aux = skin_aux(d.asset, looks)
    if gender < 0.5 and rng.random() < settings.beard:
        aux = beard(d, aux)
    style = settings.choose('hair_female' if gender > 0.5 else 'hair_male', rng)
    if style == 'bald':
        return aux
    field = _hairline(d, gender, looks.age_years)
    material = _material(looks, rng)
    aux = shade_scalp(d, aux, field)
    make = STYLES[style]
    tie = tie_place(d, rng) if style in ('bun', 'tail') else None
    base = scalp_base(d.asset)
    posed = pose_base(base, d.body.vertices)
    border = field(base.field(d.asset.fields['scalp']), base.template)
    _cap(d, make, posed, border, material, hat)
    if make.locks:
        _locks(d, make, posed, border, material, style, tie, hat)
    if tie is not None:
        if style == 'bun':
            bun(d, tie, material)
        else:
            tail(d, tie, material)
    return aux


def _strands(template: np.ndarray) -> np.ndarray:
    """Return texture coordinates (n, 3); z runs along hair parted in the middle."""
    x, y, z = template.T
    behind = np.clip((y + 0.02) / 0.07, 0, 1)
    along = np.abs(x) * (1 - behind) - z
    return np.stack([x * behind, y + 0 * x, along], 1).astype(np.float32)


@lru_cache(maxsize=2)
def scalp_base(asset: Asset) -> Base:
    """Return the base of caps: the scalp and a margin around it, subdivided."""
    faces = asset.faces['body']
    scalp = asset.fields['scalp']
    return make_base(asset.template, faces[(scalp[faces] < 1.9).any(1)])


def _material(looks: Looks, rng: np.random.Generator) -> Material:
    tone = np.asarray(looks.hair)
    light = tone * rng.uniform(1.3, 2.2) + 0.004
    return Material(
        'hair',
        tuple(float(c) for c in np.clip(tone * 0.75, 0.002, 0.8)),
        tuple(float(c) for c in np.clip(light, 0.003, 0.9)),
        seed=int(rng.integers(2**20)),
        specular=rng.uniform(0.018, 0.042),
        shininess=rng.uniform(14, 34),
        bump=0.0008,
        bump_scale=160,
    )


def _hairline(d: Dresser, gender: float, age: float):
    """Draw a hairline; the result maps scalp field and template to the final field."""
    rng = d.rng
    shift = rng.normal(0.0, 0.05)
    recede = 0.0
    if gender < 0.5:
        # temples recede from 25 on, by a third of their depth at 60
        recede = max(0.0, rng.normal(0.1 + 0.006 * max(age - 25, 0), 0.15))
    seed = int(rng.integers(2**20))

    def field(scalp: np.ndarray, template: np.ndarray) -> np.ndarray:
        temple = np.exp(-(((np.abs(template[:, 0]) - 0.045) / 0.02) ** 2))
        front = np.clip((-0.06 - template[:, 1]) / 0.04, 0, 1)
        ragged = 0.06 * noise(template * np.float32(160), seed)
        ragged += 0.04 * noise(template * np.float32(420), seed + 1)
        return scalp + shift + recede * temple * front + ragged

    return field


def _cap(
    d: Dresser,
    style: Style,
    posed: Posed,
    border: np.ndarray,
    material: Material,
    hat: float | None,
) -> None:
    """Put the cap on: thick on top, thin at the hairline, lumpy; not under a hat."""
    base = posed.base
    inner = np.clip((1.0 - border) / 0.75, 0, 1)
    top = np.clip((base.template[:, 2] - 0.88) / 0.1, 0, 1)
    height = style.cap * (0.12 + 0.88 * inner**0.7) * (0.55 + 0.45 * top)
    seed = int(d.rng.integers(2**20))
    lumps = noise(base.template * np.float32([70, 70, 45]), seed)
    fine = noise(base.template * np.float32([190, 190, 120]), seed + 1)
    height = height * (1 + style.bumps * (0.7 * lumps + 0.4 * fine)) + 0.0012
    cut = 1 + (border - 1.0) * 6
    # what is thicker would come through the hat
    if hat is not None:
        height = np.minimum(height, 0.008)
        cut = np.maximum(cut, 1 + 30 * (base.template[:, 2] - hat - 0.03))
    points = posed.points + posed.normals * height[:, None].astype(np.float32)
    kept = (cut[base.faces] < 1).any(1)
    shell = Shell(
        points.astype(np.float32),
        base.faces[kept],
        cut.astype(np.float32),
        _strands(base.template),
        np.arange(len(points)),
    )
    shade = (-0.25 + 0.25 * lumps).astype(np.float32)
    d.add(shell, smooth_normals(shell.points, base.faces), 'Hair', material, shade)


def _flow(
    style: str,
    template: np.ndarray,
    rng: np.random.Generator,
    tie: np.ndarray | None,
) -> np.ndarray:
    """Return (s, 3) combed directions in the head's rest axes."""
    x, y, z = template.T
    if tie is not None:
        way = tie - template
        return way / np.linalg.norm(way, axis=1, keepdims=True)
    pick = rng.random()
    part = 0.0 if pick < 0.35 else rng.choice([-1, 1]) * rng.uniform(0.015, 0.035)
    side = np.tanh((x - part) / 0.012)
    if style in ('short', 'curly', 'afro'):
        if pick < 0.4:  # from the crown
            way = template - [0.0, 0.02, 1.02]
        elif pick < 0.7:  # to one side
            way = np.stack([side, 0 * x - 0.3, 0 * x - 0.3], 1)
        else:  # back
            way = np.stack([0.3 * side, 0 * x + 1, 0 * x - 0.2], 1)
    else:
        back = rng.uniform(0.3, 0.8)
        behind = np.clip((y + 0.03) / 0.05, 0, 1)
        way = np.stack(
            [side * (1 - 0.85 * behind), back - 0.4 * behind, -0.4 - behind], 1
        )
        if pick > 0.75:  # a fringe
            front = (y < -0.055) & (z > 0.955)
            way[front] = [0.15, -1.0, -0.5]
    way = way + rng.normal(0, 0.12, way.shape)
    return way / np.linalg.norm(way, axis=1, keepdims=True)


def _locks(
    d: Dresser,
    style: Style,
    posed: Posed,
    border: np.ndarray,
    material: Material,
    name: str,
    tie: np.ndarray | None,
    hat: float | None,
) -> None:
    """Grow locks all over the scalp."""
    rng, base = d.rng, posed.base
    inside = border < 1.0
    if hat is not None:
        inside &= base.template[:, 2] < hat - 0.01
    rows = np.flatnonzero(inside)
    if not len(rows):
        return
    # more locks at the hairline, where one sees their roots
    density = 1 + 1.2 * (border[rows] > 0.8)
    rows = rng.choice(rows, style.locks, p=density / density.sum())
    template = base.template[rows].astype(np.float64)
    normal = posed.normals[rows].astype(np.float64)
    turn = d.body.bone_world[d.asset.bone_index['head'], :3, :3]
    way = _flow(name, template, rng, tie) @ turn.T
    # flat on the scalp, but for a fifth
    way -= (way * normal).sum(1, keepdims=True) * normal * 0.8
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    first = way + style.rise * normal
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    step = style.step
    length = rng.uniform(*style.length) * rng.uniform(0.82, 1.05, len(rows))
    front = (template[:, 1] < -0.05) & (template[:, 2] > 0.94)
    if name in ('medium', 'long') and rng.random() < 0.3:  # a fringe is short
        length = np.where(front, rng.uniform(0.06, 0.09), length)
    counts = np.clip((length / step).astype(np.int64) + 1, 3, 30)
    inner = np.clip((1.05 - border[rows]) / 0.5, 0.15, 1)
    lifts = rng.uniform(*style.lift, len(rows)) * inner
    roots = posed.points[rows] + normal * lifts[:, None] * 0.8
    habit = Habit(
        step,
        style.weight,
        style.comb,
        combed=0.16 if tie is not None else 0.1,
        cling=0.5 if style.curl == 0 else 0.1,
    )
    locks = Locks(roots.astype(np.float64), first, way, counts, lifts)
    points, sides = grow(locks, *solid(d), habit)
    # a strand before the face now and then, as on photographs
    keep = ~_veils(d, points, counts) | (rng.random(len(rows)) < 0.015)
    points, sides, counts = points[keep], sides[keep], counts[keep]
    if style.curl:
        curl(points, sides, style.curl, rng)
    width = style.width * rng.uniform(0.6, 1.3, len(points))
    put_locks(d, points, sides, counts, width, material)


def _veils(d: Dresser, points: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return (s,) whether locks (s, n, 3) hang before the eyes or the mouth."""
    x, y, z = np.moveaxis(skull(d.asset).to_template(d.body, points), -1, 0)
    used = np.arange(points.shape[1])[None] < counts[:, None]
    before = (np.abs(x) < 0.056) & (y < -0.085) & (z < 0.928) & (z > 0.78)
    return (before & used).any(1)
