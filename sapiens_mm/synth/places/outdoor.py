"""Streets, parks and squares: ground, and what stands behind people."""

from __future__ import annotations

import numpy as np

from sapiens_mm.synth.core.mesh import Material, Mesh
from sapiens_mm.synth.places.furniture import paint, steel, timber
from sapiens_mm.synth.places.indoor import fine_coordinates
from sapiens_mm.synth.places.props import Builder, chances, color, mixed, pick

Rng = np.random.Generator

# Sizes here and of the furniture are metres, as such things have in Europe. Colours are
# linear RGB: what looks half as bright as white has 0.2.
DRY_GRASS, GRASS = (0.16, 0.15, 0.05), (0.05, 0.11, 0.02)
LEAVES, YELLOW_LEAVES = (0.03, 0.08, 0.02), (0.2, 0.2, 0.04)
SHRUB, YELLOW_SHRUB = (0.03, 0.07, 0.02), (0.12, 0.14, 0.03)
DUST = (0.25, 0.22, 0.18)
"""What all streets are mixed with."""

DARK_PANE, SKY_IN_PANE = (0.05, 0.06, 0.08), (0.25, 0.32, 0.42)
BARK = Material('wood', (0.12, 0.08, 0.05), (0.04, 0.03, 0.02), scale=12.0)
CAR_GLASS = Material('glass', (0.03,) * 3, (0.05,) * 3, specular=0.1, shininess=600.0)
TYRE = Material('rubber', (0.015,) * 3, (0.02,) * 3)
LANTERN = Material('emitter', (1, 0.95, 0.85), (1, 1, 1), scale=1.2)
NEAR_TREE = 12
"""Metres within which crowns of trees have more vertices."""

WITH_ROAD = 0.6
ASIDE, BEFORE, BEHIND = 70.0, 30.0, 130.0
"""How far the ground reaches, metres; hills of the sky hide its end."""


def _ground(rng: Rng) -> Material:
    kind = ('grass', 'asphalt', 'tiles', 'bricks', 'plaster', 'asphalt')[
        rng.integers(6)
    ]
    seed = int(rng.integers(1000))
    if kind == 'grass':
        green = mixed(GRASS, DRY_GRASS, rng.random())
        return Material(kind, mixed(green, (0, 0, 0), 0.5), green, seed=seed)
    base = mixed(color(rng, 0.3, 0.8, 0.0), DUST, 0.5)
    scale = float(rng.uniform(0.8, 3.0))
    return Material(kind, base, mixed(base, (0, 0, 0), 0.45), scale=scale, seed=seed)


def _house(b: Builder, rng: Rng, at: np.ndarray, wide: float) -> None:
    """A block with windows: at (2,) the middle of its front."""
    tall, deep = rng.uniform(4, 20), rng.uniform(6, 12)
    wall = color(rng, 0.3, 0.9, 0.08)
    pane = mixed(DARK_PANE, SKY_IN_PANE, rng.random())
    front = Material(
        'facade',
        wall,
        pane,
        scale=float(rng.uniform(0.3, 0.6)),
        seed=int(rng.integers(1000)),
        duty=float(rng.uniform(0.35, 0.8)),
    )
    centre = (at[0], at[1] + deep / 2, tall / 2)
    # 50 m: a front far away needs no vertices between its corners for the light
    b.boxes(front, centre, (wide, deep, tall), rng.normal(0, 0.08), step=50.0)
    roof = Material('plaster', color(rng, 0.1, 0.5), color(rng, 0.1, 0.4))
    b.boxes(roof, (at[0], at[1] + deep / 2, tall + 0.2), (wide + 0.6, deep + 0.6, 0.4))
    if rng.random() < 0.5:
        b.boxes(paint(rng), (at[0], at[1] - 0.1, 1.3), (0.4 * wide, 0.3, 2.6), aux=-0.4)
        b.boxes(paint(rng), (at[0], at[1] - 0.7, 2.8), (0.5 * wide, 1.4, 0.25))


def _tree(b: Builder, rng: Rng, at: np.ndarray, _: float) -> None:
    """A trunk and a crown of leaves."""
    tall = rng.uniform(2.5, 9)
    thick = 0.03 * tall
    b.cylinder(BARK, np.array([*at, 0.0]), 0.6 * tall, thick, 0.6 * thick, 10)
    green = mixed(LEAVES, YELLOW_LEAVES, rng.random())
    leaves = Material(
        'foliage',
        mixed(green, (0, 0, 0), 0.7),
        green,
        seed=int(rng.integers(1000)),
        scale=3.0,
        bump=0.08,
        bump_scale=6.0,
    )
    # seen near, the facets of a coarse crown show
    detail = 12 if at[1] < NEAR_TREE else 8
    for _ in range(int(rng.integers(4, 9))):
        shift = rng.normal(0, 0.16, 3) * tall
        size = tall * rng.uniform(0.12, 0.26, 3)
        centre = np.array([*at, 0.75 * tall]) + shift * [1, 1, 0.7]
        b.ball(leaves, centre, size, rng, 0.2, 0.35, detail)


def _bush(b: Builder, rng: Rng, at: np.ndarray, wide: float) -> None:
    """A row of shrubs."""
    green = mixed(SHRUB, YELLOW_SHRUB, rng.random())
    leaves = Material(
        'foliage',
        mixed(green, (0, 0, 0), 0.6),
        green,
        scale=4.0,
        bump=0.06,
        bump_scale=9.0,
    )
    for x in np.arange(-wide / 2, wide / 2, 0.7):
        size = rng.uniform([0.4, 0.4, 0.4], [0.8, 0.7, 1.0])
        centre = np.array([at[0] + x, at[1], 0.5 * size[2]])
        b.ball(leaves, centre, size, rng, 0.15, 0.25, detail=11)


def _car(b: Builder, rng: Rng, at: np.ndarray, _: float) -> None:
    """A parked car, seen from its side."""
    body = Material(
        'leather',
        color(rng, 0.03, 0.8, 0.2),
        color(rng),
        specular=0.06,
        shininess=300.0,
    )
    x, y = at
    high = rng.uniform(0.8, 1.3)
    b.boxes(body, (x, y, 0.55), (4.2, 1.7, 0.6))
    b.boxes(CAR_GLASS, (x - 0.2, y, 0.85 + high / 4), (2.3, 1.5, high / 2))
    b.boxes(body, (x - 0.2, y, 0.87 + high / 2), (2.1, 1.45, 0.07))
    # posts before the glass, so that it has windows
    posts = [(x + q, y - 0.75, 0.85 + high / 4) for q in (-1.3, -0.2, 0.9)]
    b.boxes(body, posts, (0.1, 0.03, high / 2))
    for q in (-1.35, 1.35):
        b.ball(TYRE, np.array([x + q, y - 0.82, 0.32]), np.array([0.32, 0.1, 0.32]))
        b.ball(
            steel(rng), np.array([x + q, y - 0.9, 0.32]), np.array([0.19, 0.05, 0.19])
        )


def _fence(b: Builder, rng: Rng, at: np.ndarray, wide: float) -> None:
    """Pales or a low wall."""
    tall = rng.uniform(0.7, 1.9)
    if rng.random() < 0.5:
        wall = paint(rng, ('bricks', 'plaster')[rng.integers(2)], scale=5.0)
        b.boxes(wall, (*at, tall / 2), (wide, 0.25, tall))
        b.boxes(paint(rng), (*at, tall + 0.03), (wide + 0.1, 0.35, 0.07))
        return
    wood = timber(rng)
    x = at[0] + np.arange(-wide / 2, wide / 2, rng.uniform(0.11, 0.3))
    pales = np.stack([x, 0 * x + at[1], 0 * x + tall / 2], 1)
    b.boxes(wood, pales, (0.09, 0.02, tall), step=3.0)
    rails = [(*at, q * tall) for q in (0.25, 0.8)]
    b.boxes(wood, rails, (wide, 0.05, 0.08), step=3.0)


def _post(b: Builder, rng: Rng, at: np.ndarray, _: float) -> None:
    """A street lamp or a sign."""
    tall = rng.uniform(2.4, 5.5)
    foot = np.array([*at, 0.0])
    b.cylinder(steel(rng), foot, tall, 0.06, 0.04, 12)
    if rng.random() < 0.5:
        b.ball(LANTERN, foot + [0, 0, tall], np.array([0.2, 0.2, 0.22]), detail=10)
    else:
        size = rng.uniform(0.4, 0.9)
        sign = Material(
            'picture', color(rng, 0.3, 1, 0.8), color(rng, 0.3, 1, 0.8), scale=3.0
        )
        b.boxes(sign, foot + [0, -0.06, tall - 0.3], (size, 0.03, size))


def _bench(b: Builder, rng: Rng, at: np.ndarray, _: float) -> None:
    """A bench or a litter bin."""
    wood, x, y = timber(rng), *at
    slats = [(x, y - 0.1 * k, 0.45) for k in range(4)]
    slats += [(x, y + 0.12, 0.6 + 0.12 * k) for k in range(3)]
    b.boxes(wood, slats, (1.6, 0.08, 0.05), step=2.0)
    b.boxes(
        steel(rng), [(x + q, y - 0.1, 0.22) for q in (-0.65, 0.65)], (0.06, 0.4, 0.44)
    )
    b.cylinder(paint(rng), np.array([x + 1.3, y, 0.0]), 0.8, 0.2, 0.24, 16)


# thing, least and greatest metres behind people, width, weight
_THINGS = (
    (_house, 9.0, 70.0, 14.0, 3.0),
    (_tree, 3.0, 45.0, 4.0, 2.5),
    (_bush, 2.5, 30.0, 4.0, 1.2),
    (_car, 4.0, 30.0, 4.4, 1.0),
    (_fence, 2.0, 25.0, 7.0, 1.2),
    (_post, 2.0, 30.0, 0.8, 1.0),
    (_bench, 1.2, 14.0, 2.4, 1.2),
)


def street(
    rng: Rng,
    clutter: float,
    centre: np.ndarray,
    radius: float,
    azimuth: float,
    half_view: float,
    distance: float,
) -> tuple[list[Mesh], list[Mesh]]:
    """Build a place outdoors behind people.

    Args:
        rng: Drawn from.
        clutter: How full it is, 0 to 1.
        centre: (2,) where the people are, metres.
        radius: Free space that they need.
        azimuth: Of the camera; things stand where it looks.
        half_view: Half of its horizontal angle of view, radians.
        distance: From the camera to the people, metres.

    Returns:
        The ground, which lets the light through, and the things on it.
    """
    place = (*centre, 0.0)
    ground, things = Builder(), Builder()
    # finer under people, whose shadows fall there
    step = max(0.07, radius / 20)
    x = fine_coordinates(-ASIDE, ASIDE, radius + 0.6, step)
    y = fine_coordinates(-BEFORE, BEHIND, radius + 0.6, step)
    ground.sheet(_ground(rng), (0, 0, 0), (1, 0, 0), (0, 1, 0), x, y)
    if rng.random() < WITH_ROAD:
        road, near = _ground(rng), radius + rng.uniform(0.5, 5)
        u, v = (
            np.linspace(-ASIDE, ASIDE, 20),
            np.linspace(near, near + rng.uniform(3, 9), 5),
        )
        # 1 cm above the ground, or both would be equally near
        ground.sheet(road, (0, 0, 0.01), (1, 0, 0), (0, 1, 0), u, v)
        kerb = paint(rng)
        things.boxes(kerb, (0, near, 0.05), (140, 0.18, 0.12), step=20.0)
    weights = np.array([thing[4] for thing in _THINGS])
    # places differ: here a row of trees, there houses and cars
    weights *= rng.dirichlet(np.full(len(_THINGS), 0.7)) + 0.03
    limits = chances(weights)
    for _ in range(int(6 + 34 * clutter)):
        make, least, most, wide, _ = _THINGS[pick(rng, limits)]
        # denser near the people, where things are seen
        behind = radius + least + (most - least) * rng.beta(1.2, 1.8)
        # wider than the view, so that things are cut by the image's edge
        reach = np.tan(half_view) * (distance + behind) * 1.2 + wide / 2
        make(things, rng, np.array([rng.uniform(-reach, reach), behind]), wide)
    yaw = azimuth
    return ground.meshes(yaw, place), things.meshes(yaw, place)
