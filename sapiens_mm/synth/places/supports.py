"""Things that people sit on, fitted under a posed body."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from sapiens_mm.synth.body.body import Body
from sapiens_mm.synth.core.asset import PARTS, Asset
from sapiens_mm.synth.core.mesh import Material, Mesh
from sapiens_mm.synth.places.furniture import fabric, paint, steel, timber
from sapiens_mm.synth.places.props import Builder

SINK = 0.014
"""Metres that flesh and cushion give way."""

WOODEN, METAL = 0.5, 0.65
"""Bounds of one draw of frames: wood, metal; else painted."""

UPHOLSTERED, ROUND, ON_A_COLUMN = 0.6, 0.5, 0.5
"""Shares of chairs, of stools, and of round stools."""

SOLID_BACK, WALL = 0.65, 0.35
"""Shares of backs without slats, and of blocks that go on as a wall."""


@lru_cache(maxsize=8)
def _part(asset: Asset, *names: str) -> np.ndarray:
    """Return the body's vertices that belong to parts, by name without side."""
    ids = np.unique(asset.faces['body'])
    part = asset.part_weights[ids].argmax(1)
    # names of the middle have no side, those of limbs have one before
    wanted = [k for k, p in enumerate(PARTS) if p.rpartition('_')[2] in names]
    wanted += [k for k, p in enumerate(PARTS) if p.partition('_')[2] in names]
    return ids[np.isin(part, wanted)]


def seat_box(body: Body) -> tuple[np.ndarray, np.ndarray]:
    """Return the corners (low, high) of the space under a sitting body.

    The top is where the buttocks and thighs rest; the front stays clear of the calves;
    the bottom is the ground, z = 0.
    """
    asset = body.asset
    torso, thigh = _part(asset, 'Torso'), _part(asset, 'Upper_Leg')
    # the upper half of the thighs: knees do not rest on a seat
    thigh = thigh[asset.fields['t_leg'][thigh] < 0.6]
    torso = torso[asset.template[torso, 2] < 0.2]
    bottom = body.vertices[np.concatenate([torso, thigh])]
    # sunk a little, as a body that only touches its seat seems to float
    top = bottom[:, 2].min() + SINK
    touching = bottom[bottom[:, 2] < top + 0.08]
    back = touching[:, 1].max() + 0.02
    calves = body.vertices[_part(asset, 'Lower_Leg')]
    calves = calves[(calves[:, 2] < top) & (calves[:, 2] > top - 0.22)]
    front = touching[:, 1].min()
    if len(calves):
        front = max(front, calves[:, 1].max() + 0.02)
    # 20 cm deep at least, whatever the calves leave
    front = min(front, back - 0.2)
    # the median: a leg that is stretched aside does not move the seat
    middle = np.median(touching[:, 0])
    half = max(0.19, np.abs(touching[:, 0] - middle).max() * 0.85)
    low = np.array([middle - half, front, 0.0])
    return low, np.array([middle + half, back, top])


def supports(body: Body, kind: str, rng: np.random.Generator) -> list[Mesh]:
    """Return what a person sits on.

    Args:
        body: Posed, on the ground z = 0.
        kind: ``Pose.kind``; 'sit:stool', 'sit:chair', 'sit:box' or 'sit:table' need a
            seat.
        rng: For its make.

    Returns:
        Meshes of class 0 and person 0 in the body's frame; none for other kinds.
    """
    if not kind.startswith('sit:'):
        return []
    low, high = seat_box(body)
    builder = Builder()
    {'stool': _stool, 'chair': _chair, 'box': _box, 'table': _table}[
        kind.partition(':')[2]
    ](builder, rng, low, high, body)
    return builder.meshes()


def _solid(rng: np.random.Generator) -> Material:
    pick = rng.random()
    if pick < WOODEN:
        return timber(rng)
    return steel(rng) if pick < METAL else paint(rng)


def _legs(
    b: Builder,
    material: Material,
    low: np.ndarray,
    high: np.ndarray,
    under: float,
    thick: float,
) -> None:
    """Four legs from the ground to the height ``under``."""
    inset = thick / 2 + 0.01
    corners = [
        (x, y, under / 2)
        for x in (low[0] + inset, high[0] - inset)
        for y in (low[1] + inset, high[1] - inset)
    ]
    b.boxes(material, np.array(corners), (thick, thick, under))


def _stool(b, rng, low, high, body) -> None:
    """A round or square seat on legs or a column."""
    frame, top = _solid(rng), fabric(rng) if rng.random() < 0.5 else timber(rng)
    thick = rng.uniform(0.025, 0.08)
    middle, size = (low + high) / 2, high - low
    if rng.random() < ROUND:
        radius = max(size[:2].min() / 2 + 0.03, 0.16)
        base = np.array([middle[0], middle[1], high[2] - thick])
        b.cylinder(top, base, thick, radius, radius * 0.98, 28)
        if rng.random() < ON_A_COLUMN:
            b.cylinder(frame, base * [1, 1, 0], base[2], 0.03, 0.03, 14)
            b.cylinder(frame, base * [1, 1, 0], 0.025, radius, radius * 0.9, 28)
            return
        reach = np.array([radius * 0.66, radius * 0.66, 0])
        _legs(b, frame, base - reach, base + reach, base[2], rng.uniform(0.025, 0.045))
        return
    b.boxes(
        top, [middle[0], middle[1], high[2] - thick / 2], [*size[:2], thick], step=0.2
    )
    _legs(b, frame, low, high, high[2] - thick, rng.uniform(0.025, 0.05))


def _chair(b, rng, low, high, body) -> None:
    """A seat with a back behind the torso, with or without arm rests."""
    low, high = low.copy(), high.copy()
    frame = _solid(rng)
    cover = fabric(rng) if rng.random() < UPHOLSTERED else frame
    torso = body.vertices[_part(body.asset, 'Torso')]
    # behind the lower back: shoulders may lean over it
    high[1] = torso[torso[:, 2] < high[2] + 0.4][:, 1].max() + 0.012
    thick = rng.uniform(0.03, 0.1)
    middle, size = (low + high) / 2, high - low
    b.boxes(
        cover, [middle[0], middle[1], high[2] - thick / 2], [*size[:2], thick], step=0.2
    )
    _legs(b, frame, low, high, high[2] - thick, rng.uniform(0.025, 0.05))
    tall, gap = rng.uniform(0.28, 0.55), rng.choice([0.0, 0.1, 0.16])
    behind = 0.02 + rng.uniform(0.01, 0.05)
    y = high[1] + behind / 2
    back = [middle[0], y, high[2] + gap + (tall - gap) / 2]
    if rng.random() < SOLID_BACK:
        b.boxes(cover, back, [size[0], behind, tall - gap], step=0.2)
    else:
        for t in np.linspace(0.06, 0.94, rng.integers(3, 6)):
            x = low[0] + t * size[0]
            b.boxes(frame, [x, y, high[2] + tall / 2], [0.03, behind, tall])
        b.boxes(frame, [middle[0], y, high[2] + tall], [size[0], behind, 0.06])
    for x in (low[0] + 0.02, high[0] - 0.02):
        b.boxes(frame, [x, y, (high[2] + tall) / 2], [0.03, behind, high[2] + tall])


def _box(b, rng, low, high, body) -> None:
    """A crate, a block, a low wall or a pouf."""
    low, high = low.copy(), high.copy()
    if rng.random() < WALL:  # it goes on to both sides
        low[0] -= rng.uniform(0.2, 1.2)
        high[0] += rng.uniform(0.2, 1.2)
    high[1] += rng.uniform(0.0, 0.25)
    material = (timber, paint, fabric)[rng.integers(3)](rng)
    b.boxes(material, (low + high) / 2, high - low, step=0.2)


def _table(b, rng, low, high, body) -> None:
    """A table top or a ledge to sit on with hanging legs."""
    low, high = low.copy(), high.copy()
    low[0] -= rng.uniform(0.1, 0.6)
    high[0] += rng.uniform(0.1, 0.6)
    high[1] += rng.uniform(0.1, 0.6)
    thick = rng.uniform(0.025, 0.05)
    middle, size = (low + high) / 2, high - low
    top = timber(rng)
    b.boxes(
        top, [middle[0], middle[1], high[2] - thick / 2], [*size[:2], thick], step=0.25
    )
    # legs of a table stand back, as the person's hang before it
    back = low.copy()
    back[1] = min(low[1] + 0.14, high[1] - 0.1)
    _legs(b, _solid(rng), back, high, high[2] - thick, rng.uniform(0.04, 0.08))
