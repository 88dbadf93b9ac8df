"""Rooms: floor, walls, ceiling and what stands along the walls."""

from __future__ import annotations

import numpy as np

from sapiens_mm.synth.core.mesh import Material, Mesh
from sapiens_mm.synth.places.furniture import PIECES, fabric, paint, timber
from sapiens_mm.synth.places.props import Builder, chances, color, mixed, pick, turned

Rng = np.random.Generator

FRONT_M = 6.0
"""From the free space to the end of the room on the camera's side, metres."""

HEIGHT_M = (2.35, 3.3)
PLASTERED, PALE = 0.72, 0.6
"""Shares of walls; others have a pattern or a strong colour."""

ONE_WALL_APART, WITH_RUG = 0.3, 0.35
CEILING = Material('plaster', (0.78,) * 3, (0.7,) * 3)
LAMP_COLORS = (1, 0.93, 0.8), (1, 1, 1)
CORNERS = 0.4
"""How much darker walls are at their rims: the coarse bake does not see corners."""


def fine_coordinates(low: float, high: float, inner: float, step: float) -> np.ndarray:
    """Return coordinates from low to high, ``step`` apart within +-inner of 0."""
    fine = np.arange(-inner, inner + step / 2, step)
    # coarse where no shadow of people falls
    fine = fine[(fine > low) & (fine < high)]
    first, last = (fine[0], fine[-1]) if len(fine) else (high, low)
    before = np.linspace(low, first, 8)[:-1] if first > low else []
    after = np.linspace(last, high, 8)[1:] if high > last else []
    return np.concatenate([before, fine, after])


def _floor(rng: Rng) -> Material:
    kind = ('planks', 'planks', 'tiles', 'carpet', 'plaster')[rng.integers(5)]
    if kind == 'planks':
        return timber(rng, kind)
    return paint(
        rng,
        kind,
        scale=float(rng.uniform(1.2, 4)),
        shininess=float(rng.uniform(10, 200)),
    )


def _wall(rng: Rng) -> Material:
    """Mostly off-white or a pale colour; sometimes bricks, tiles or a wallpaper."""
    kind = ('bricks', 'stripes', 'blobs', 'tiles')[rng.integers(4)]
    if rng.random() < PLASTERED:
        kind = 'plaster'
    pale = rng.random() < PALE
    light = color(rng, 0.7, 0.95, 0.0) if pale else color(rng, 0.25, 0.9, 0.05)
    strength = rng.uniform(0.04, 0.12) if kind == 'plaster' else rng.uniform(0.05, 0.35)
    return Material(
        kind,
        light,
        mixed(light, color(rng, 0.1, 0.9, 0.2), strength),
        scale=float(rng.uniform(2, 8)),
        seed=int(rng.integers(1000)),
        duty=float(rng.uniform(0.3, 0.7)),
    )


def _furnish(b: Builder, rng: Rng, start: float, end: float, clutter: float) -> None:
    """Set pieces along a wall from x = start to x = end."""
    limits = chances([piece[3] for piece in PIECES])
    x = start + rng.uniform(0, 0.4)
    while x < end - 0.5:
        make, least, most, _ = PIECES[pick(rng, limits)]
        width = rng.uniform(least, most)
        if rng.random() < 0.25 + 0.75 * clutter and x + width < end + 0.3:
            make(b, rng, x, width)
        x += width + rng.uniform(0.02, 0.5) * (1.6 - clutter)


def room(
    rng: Rng, clutter: float, centre: np.ndarray, radius: float, azimuth: float
) -> tuple[list[Mesh], list[Mesh]]:
    """Build a room around people.

    Args:
        rng: Drawn from.
        clutter: How full it is, 0 to 1.
        centre: (2,) where the people are, metres.
        radius: Free space that they need.
        azimuth: Of the camera, whose back is towards the missing wall.

    Returns:
        The shell (floor, walls, ceiling), which lets the light through, and the things
        in the room, which do not. z = 0 is the floor.
    """
    yaw = azimuth + rng.normal(0, 0.3)
    back = radius + rng.uniform(0.7, 1.5) + rng.exponential(0.9)
    # people do not touch the walls; rooms of many sizes, few of them large
    left = radius + rng.uniform(0.9, 1.8) + rng.exponential(0.8)
    right = radius + rng.uniform(0.9, 1.8) + rng.exponential(0.8)
    front = radius + FRONT_M
    height = rng.uniform(*HEIGHT_M)
    spans = (
        (0.0, (0.0, back), -left, right),
        (np.pi / 2, (-left, 0.0), -front, back),
        (-np.pi / 2, (right, 0.0), -back, front),
    )
    shell, things = [], []
    ends = np.linspace(0, 1, 17)
    wall, skirting, other = _wall(rng), paint(rng), _wall(rng)
    for k, (turn, foot, start, end) in enumerate(spans):
        sheet, stuff = Builder(), Builder()
        face = other if k == 0 and rng.random() < ONE_WALL_APART else wall
        u, v = start + ends * (end - start), ends * height
        sheet.sheet(face, (0, 0, 0), (1, 0, 0), (0, 0, 1), u, v, corners=CORNERS)
        middle, long = (start + end) / 2, end - start
        stuff.boxes(skirting, (middle, -0.01, 0.05), (long, 0.02, 0.1), step=2.0)
        # most of a side wall is out of sight
        near, far = (start, end) if k == 0 else (max(start, -back), min(end, back))
        _furnish(stuff, rng, near, far, clutter)
        place = np.append(turned(np.array([*foot, 0.0]), yaw)[:2] + centre, 0.0)
        shell += sheet.meshes(yaw + turn, place, two_sided=False)
        things += stuff.meshes(yaw + turn, place)
    place = (*centre, 0.0)
    edges = (left, right, back, front)
    shell += _ground(rng, radius, edges, height, ends).meshes(yaw, place)
    return shell, things + _lights(rng, edges, height).meshes(yaw, place)


def _ground(
    rng: Rng, radius: float, edges: tuple, height: float, ends: np.ndarray
) -> Builder:
    """Lay the floor, sometimes a rug, and the ceiling.

    Args:
        rng: Drawn from.
        radius: Of the free space, metres.
        edges: Metres from the middle to the left, right, back and front wall.
        height: Of the ceiling.
        ends: Where the ceiling has vertices, from 0 to 1.
    """
    left, right, back, front = edges
    ground = Builder()
    step = max(0.07, radius / 20)
    x = fine_coordinates(-left, right, radius + 0.6, step)
    y = fine_coordinates(-front, back, radius + 0.6, step)
    ground.sheet(_floor(rng), (0, 0, 0), (1, 0, 0), (0, 1, 0), x, y, corners=CORNERS)
    if rng.random() < WITH_RUG:
        rug = fabric(rng)
        spread = rng.uniform(0.7, 1.6, 2) + radius * 0.6
        at = rng.normal(0, 0.3, 2)
        u, v = (np.linspace(-s, s, 24) for s in spread)
        # 4 mm above the floor, or both would be equally near
        ground.sheet(rug, (*at, 0.004), (1, 0, 0), (0, 1, 0), u, v)
    u, v = -left + ends * (left + right), front - ends * (front + back)
    # turned round, so that it faces down
    ground.sheet(CEILING, (0, 0, height), (1, 0, 0), (0, -1, 0), u, -v[::-1], CORNERS)
    return ground


def _lights(rng: Rng, edges: tuple, height: float) -> Builder:
    """Hang lamps under the ceiling; ``edges`` as in ``_ground``."""
    left, right, back, _ = edges
    lights = Builder()
    lamp = Material('emitter', *LAMP_COLORS, scale=float(rng.uniform(1, 4)))
    for x in np.arange(-left + 0.8, right, rng.uniform(1.2, 2.5)):
        spot = (x, rng.uniform(-1, back), height - 0.03)
        lights.boxes(lamp, spot, (rng.uniform(0.1, 1.0), 0.15, 0.04))
    return lights
