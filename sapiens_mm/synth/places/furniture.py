"""Furniture along a wall: each piece in the frame of one who faces the wall.

x runs to the right along the wall, the wall is y = 0 and the room y < 0, z is up.
Every function fills ``width`` metres from x = ``left`` on.
"""

from __future__ import annotations

import numpy as np

from sapiens_mm.synth.core.mesh import Material
from sapiens_mm.synth.places.props import Builder, color, mixed

Rng = np.random.Generator

# linear RGB: oak, walnut, wenge, birch; the pattern's dark lines
WOODS = ((0.5, 0.33, 0.18), (0.33, 0.17, 0.08), (0.1, 0.05, 0.03), (0.6, 0.5, 0.38))
GRAIN = (0.02, 0.01, 0.005)
UPHOLSTERY = ('cloth', 'cloth', 'knit', 'plaid', 'stripes', 'leather')
"""Kinds of cloth; the first stands twice, since it is the most common."""


def paint(rng: Rng, kind: str = 'plaster', **numbers: float) -> Material:
    """Draw a painted or plain surface."""
    base = color(rng, 0.15, 0.92)
    other = mixed(base, color(rng, 0.2, 0.7), 0.15)
    return Material(kind, base, other, seed=int(rng.integers(1000)), **numbers)


def timber(rng: Rng, kind: str = 'wood') -> Material:
    """Draw a kind of wood, pale to dark."""
    tone = WOODS[rng.integers(len(WOODS))]
    scale = float(rng.uniform(3, 9))
    return Material(
        kind,
        tone,
        mixed(tone, GRAIN, 0.45),
        scale=scale,
        seed=int(rng.integers(1000)),
        specular=0.04,
        shininess=float(rng.uniform(15, 90)),
    )


def fabric(rng: Rng) -> Material:
    """Draw an upholstery."""
    base = color(rng, 0.08, 0.8)
    return Material(
        UPHOLSTERY[rng.integers(len(UPHOLSTERY))],
        base,
        mixed(base, color(rng), 0.4),
        scale=float(rng.uniform(6, 25)),
        seed=int(rng.integers(1000)),
        bump=0.004,
        bump_scale=12.0,
    )


def steel(rng: Rng) -> Material:
    """Draw a metal."""
    grey = float(rng.uniform(0.1, 0.6))
    return Material(
        'metal', (grey,) * 3, (0.8 * grey,) * 3, specular=0.5, shininess=120.0
    )


def _x_centres(left: float, width: float, count: int) -> np.ndarray:
    return left + width * (np.arange(count) + 0.5) / count


def bookshelf(b: Builder, rng: Rng, left: float, width: float) -> None:
    """Boards full of books, boxes and vases."""
    wood, height, deep = timber(rng), rng.uniform(1.2, 2.3), 0.3
    rows = int(rng.integers(3, 7))
    gap = height / rows
    mid = left + width / 2
    boards = [(mid, -deep / 2, k * gap) for k in range(rows + 1)]
    b.boxes(wood, boards, (width, deep, 0.025))
    sides = [(x, -deep / 2, height / 2) for x in (left, left + width)]
    b.boxes(wood, sides, (0.03, deep, height))
    b.boxes(wood, (mid, -0.01, height / 2), (width, 0.02, height), aux=-0.5)
    bindings = [paint(rng) for _ in range(7)]
    for k in range(rows):
        _books(b, rng, bindings, left + 0.03, width - 0.06, k * gap + 0.013, gap)


def _books(b, rng, bindings, left, width, z, gap) -> None:
    """A row of books that stops somewhere, then a few other things."""
    full = rng.uniform(0.1, 1.0) * width
    # more than fit, cut off where the shelf is full
    thick = rng.uniform(0.018, 0.06, int(full / 0.03))
    ends = np.cumsum(thick)
    thick, ends = thick[ends < full], ends[ends < full]
    tall = np.minimum(rng.uniform(0.55, 0.9) + rng.normal(0, 0.06, len(ends)), 0.93)
    tall = np.maximum(tall, 0.3) * (gap - 0.03)
    which = rng.integers(len(bindings), size=len(ends))
    for m, binding in enumerate(bindings):
        at = which == m
        if at.any():
            x, h = left + ends[at] - thick[at] / 2, tall[at]
            centres = np.stack([x, 0 * x - 0.14, z + h / 2], 1)
            sizes = np.stack([thick[at] * 0.95, 0 * x + 0.2, h], 1)
            b.boxes(binding, centres, sizes, aux=-0.1)
    objects(b, rng, left + full + 0.05, width - full - 0.05, -0.14, z, gap - 0.05)


def objects(
    b: Builder, rng: Rng, left: float, width: float, y: float, z: float, room: float
) -> None:
    """Small things on a board: boxes, vases, balls and frames.

    Args:
        b: Where they go.
        rng: Drawn from.
        left: Where the board begins.
        width: Of the board, metres; nothing comes below 8 cm.
        y: Middle of the board.
        z: Its top.
        room: Greatest height of a thing.
    """
    x = left
    while x < left + width - 0.08:
        wide = min(rng.uniform(0.06, 0.22), left + width - x)
        tall = min(rng.uniform(0.06, 0.34), room)
        what, spot = rng.integers(5), np.array([x + wide / 2, y, z])
        shiny = Material(
            'leather',
            color(rng, 0.1, 0.95, 0.4),
            color(rng),
            specular=0.05,
            shininess=float(rng.uniform(20, 300)),
        )
        if what == 0:
            size = (0.8 * wide, min(0.18, wide), tall)
            b.boxes(paint(rng), spot + [0, 0, tall / 2], size, rng.normal(0, 0.3))
        elif what == 1:
            top = wide * rng.uniform(0.15, 0.5)
            b.cylinder(shiny, spot, tall, wide * 0.3, top, 12)
        elif what == 2:
            radii = np.array([wide, wide, min(tall, wide)]) / 2
            b.ball(shiny, spot + [0, 0, radii[2]], radii, detail=8)
        elif what == 3:
            size = (wide, 0.02, tall)
            b.boxes(timber(rng), spot + [0, 0.02, tall / 2], size)
            _sheet(b, poster(rng), x + 0.02, wide - 0.04, z + 0.02, tall - 0.04, y)
        else:
            plant(b, rng, spot, wide / 2, tall)
        x += wide + rng.uniform(0.02, 0.3)


def poster(rng: Rng) -> Material:
    """Draw what a picture on the wall shows."""
    return Material(
        'picture',
        color(rng, 0.1, 0.95, 0.6),
        color(rng, 0.1, 0.95, 0.6),
        scale=float(rng.uniform(3, 14)),
        seed=int(rng.integers(1000)),
    )


def _sheet(b, material, left, width, z, height, y) -> None:
    """An upright rectangle that faces the room."""
    ends = np.array([0.0, 1.0])
    origin = (left, y, z)
    b.sheet(material, origin, (1, 0, 0), (0, 0, 1), ends * width, ends * height)


def cabinet(b: Builder, rng: Rng, left: float, width: float) -> None:
    """Drawers or doors with things on top and pictures above."""
    wood = timber(rng) if rng.random() < 0.6 else paint(rng)
    height, deep = rng.uniform(0.5, 1.15), rng.uniform(0.35, 0.55)
    mid = left + width / 2
    b.boxes(wood, (mid, -deep / 2, height / 2), (width, deep, height))
    columns, rows = max(1, int(width / 0.5)), int(rng.integers(1, 4))
    x = np.repeat(_x_centres(left, width, columns), rows)
    z = np.tile(_x_centres(0.06, height - 0.1, rows), columns)
    size = (width / columns - 0.03, 0.02, (height - 0.1) / rows - 0.03)
    b.boxes(wood, np.stack([x, 0 * x - deep - 0.01, z], 1), size, aux=0.12)
    b.boxes(steel(rng), np.stack([x, 0 * x - deep - 0.03, z], 1), (0.1, 0.02, 0.015))
    objects(b, rng, left, width, -deep / 2, height, 0.5)
    if rng.random() < 0.7:
        pictures(b, rng, left, width, height + 0.45)


def pictures(b: Builder, rng: Rng, left: float, width: float, low: float = 1.0) -> None:
    """One to three frames."""
    count = int(rng.integers(1, 4))
    for mid in _x_centres(left, width, count):
        wide = rng.uniform(0.5, 0.95) * width / count
        tall = min(rng.uniform(0.6, 1.5) * wide, 1.0)
        z = max(low, 1.0) + rng.uniform(0, 0.25)
        frame = timber(rng) if rng.random() < 0.5 else paint(rng)
        b.boxes(frame, (mid, -0.015, z + tall / 2), (wide, 0.03, tall))
        rim = rng.uniform(0.02, 0.08)
        x = mid - wide / 2 + rim
        _sheet(b, poster(rng), x, wide - 2 * rim, z + rim, tall - 2 * rim, -0.033)


def sofa(b: Builder, rng: Rng, left: float, width: float) -> None:
    """A sofa or armchair with cushions."""
    cover, mid, deep = fabric(rng), left + width / 2, 0.85
    seat, back = rng.uniform(0.38, 0.46), rng.uniform(0.75, 0.95)
    b.boxes(cover, (mid, -deep / 2, seat / 2), (width, deep, seat), step=0.2)
    b.boxes(cover, (mid, -0.12, back / 2), (width, 0.24, back), step=0.2)
    arms = [(x, -deep / 2, seat * 0.75) for x in (left + 0.1, left + width - 0.1)]
    b.boxes(cover, arms, (0.2, deep, seat * 1.5), step=0.2)
    for x in _x_centres(left + 0.2, width - 0.4, max(1, int(width / 0.6))):
        spot, wide = np.array([x, -0.3, seat + 0.2]), rng.uniform(0.15, 0.25)
        b.ball(fabric(rng), spot, np.array([wide, 0.1, 0.2]), detail=10)


def desk(b: Builder, rng: Rng, left: float, width: float) -> None:
    """A table with a screen, a lamp and things."""
    wood, deep, height, mid = timber(rng), 0.65, 0.74, left + width / 2
    b.boxes(wood, (mid, -deep / 2, height), (width, deep, 0.035))
    corners = [
        (x, y) for x in (left + 0.05, left + width - 0.05) for y in (-0.06, -0.6)
    ]
    legs = [(x, y, height / 2) for x, y in corners]
    b.boxes(steel(rng), legs, (0.05, 0.05, height))
    screen = Material(
        'picture', color(rng, 0.02, 0.9), color(rng), scale=float(rng.uniform(4, 12))
    )
    dark = Material('rubber', (0.02,) * 3, (0.03,) * 3, shininess=60.0)
    wide = min(0.6, 0.6 * width)
    b.boxes(dark, (mid, -0.2, height + 0.3), (wide, 0.04, 0.36))
    b.boxes(dark, (mid, -0.2, height + 0.06), (0.08, 0.06, 0.12))
    # 3 mm before the case
    _sheet(b, screen, mid - wide / 2 + 0.02, wide - 0.04, height + 0.14, 0.32, -0.223)
    objects(b, rng, left, width / 2 - wide / 2, -0.3, height + 0.02, 0.4)
    objects(b, rng, mid + wide / 2, width / 2 - wide / 2, -0.3, height + 0.02, 0.4)


def window(b: Builder, rng: Rng, left: float, width: float) -> None:
    """A bright window with a frame, a sill and perhaps curtains."""
    z, tall = rng.uniform(0.3, 1.0), rng.uniform(1.0, 1.5)
    view = Material(
        'window',
        mixed((0.7, 0.8, 1.0), (1, 1, 1), rng.random()),
        mixed((0.1, 0.2, 0.05), (0.3, 0.3, 0.3), rng.random()),
        scale=float(rng.uniform(0.6, 2.6)),
        seed=int(rng.integers(1000)),
        duty=float(rng.uniform(0.1, 0.5)),
    )
    _sheet(b, view, left + 0.1, width - 0.2, z, tall, -0.01)
    frame = (
        paint(rng)
        if rng.random() < 0.3
        else Material('plaster', (0.75,) * 3, (0.7,) * 3)
    )
    count = int(rng.integers(1, 4))
    posts = left + 0.1 + (width - 0.2) * np.arange(count + 1) / count
    upright = np.stack([posts, 0 * posts - 0.03, 0 * posts + z + tall / 2], 1)
    b.boxes(frame, upright, (0.05, 0.06, tall))
    mid = left + width / 2
    bars = [(mid, -0.03, z + q * tall) for q in (0, rng.uniform(0.3, 0.7), 1)]
    b.boxes(frame, bars, (width - 0.15, 0.06, 0.05))
    b.boxes(frame, (mid, -0.1, z - 0.04), (width, 0.2, 0.03))
    if rng.random() < 0.6:
        cloth = fabric(rng)
        for side in (left, left + width):
            for fold in np.arange(4) * 0.07 - 0.1:
                spot = np.array([side + fold, -0.1, 0.06])
                b.cylinder(cloth, spot, z + tall + 0.1, 0.05, 0.03, 10)
    else:
        objects(b, rng, left, width, -0.12, z - 0.02, 0.4)


def door(b: Builder, rng: Rng, left: float, width: float) -> None:
    """A door in its frame."""
    leaf, frame = (timber(rng), paint(rng)) if rng.random() < 0.5 else (paint(rng),) * 2
    mid, wide = left + width / 2, min(0.9, width)
    b.boxes(leaf, (mid, -0.02, 1.0), (wide, 0.04, 2.0))
    for z, tall in ((0.55, 0.7), (1.45, 0.75)):
        b.boxes(leaf, (mid, -0.045, z), (wide - 0.3, 0.02, tall), aux=-0.15)
    posts = [(mid + s * wide / 2, -0.03, 1.03) for s in (-1, 1)]
    b.boxes(frame, posts, (0.08, 0.08, 2.06))
    b.boxes(frame, (mid, -0.03, 2.05), (wide + 0.08, 0.08, 0.08))
    b.boxes(steel(rng), (mid + 0.38 * wide, -0.07, 1.0), (0.12, 0.04, 0.02))


def plant(b: Builder, rng: Rng, spot: np.ndarray, radius: float, height: float) -> None:
    """A pot with leaves: spot (3,) on the floor, metres."""
    b.cylinder(paint(rng), spot, 0.35 * height, 0.5 * radius, 0.65 * radius, 14)
    green = mixed((0.03, 0.09, 0.02), (0.12, 0.2, 0.04), rng.random())
    leaves = Material(
        'foliage',
        mixed(green, (0, 0, 0), 0.6),
        green,
        scale=10.0,
        bump=0.03,
        bump_scale=18.0,
    )
    for _ in range(int(rng.integers(2, 5))):
        size = radius * rng.uniform(0.5, 0.9, 3)
        size[2] = height * rng.uniform(0.2, 0.35)
        shift = rng.normal(0, 0.35, 3) * [radius, radius, 0]
        shift[2] = rng.uniform(0.6, 0.85) * height
        centre = spot + shift
        b.ball(leaves, centre, size, rng, rough=0.25, holes=0.45, detail=12)


def corner_plant(b: Builder, rng: Rng, left: float, width: float) -> None:
    """A large plant."""
    spot = np.array([left + width / 2, -0.4, 0.0])
    plant(b, rng, spot, rng.uniform(0.25, 0.4), rng.uniform(0.8, 1.8))


def floor_lamp(b: Builder, rng: Rng, left: float, width: float) -> None:
    """A lamp on a pole, lit."""
    spot, tall = np.array([left + width / 2, -0.35, 0.0]), rng.uniform(1.2, 1.7)
    b.cylinder(steel(rng), spot, 0.03, 0.14, 0.13, 16)
    b.cylinder(steel(rng), spot, tall, 0.012, 0.012, 8)
    glow = mixed((1.0, 0.8, 0.55), (1, 1, 1), rng.random())
    shade = Material('emitter', glow, glow, scale=float(rng.uniform(0.8, 3.0)))
    b.cylinder(shade, spot + [0, 0, tall], 0.28, 0.2, 0.13, 18)


def radiator(b: Builder, rng: Rng, left: float, width: float) -> None:
    """Ribs of white iron, a picture above."""
    white = Material('plaster', (0.7,) * 3, (0.65,) * 3, shininess=60.0)
    x = _x_centres(left + 0.1, width - 0.2, int(width / 0.06))
    b.boxes(white, np.stack([x, 0 * x - 0.08, 0 * x + 0.4], 1), (0.04, 0.1, 0.6))
    pictures(b, rng, left, width)


def counter(b: Builder, rng: Rng, left: float, width: float) -> None:
    """A kitchen: cupboards below and above, tiles and things between."""
    front, top = paint(rng), paint(rng, shininess=80.0)
    tiles = paint(rng, 'tiles', scale=float(rng.uniform(4, 10)))
    mid, count = left + width / 2, max(1, int(width / 0.55))
    x = _x_centres(left, width, count)
    _sheet(b, tiles, left, width, 0.9, 0.6, -0.004)
    b.boxes(top, (mid, -0.3, 0.89), (width, 0.62, 0.04))
    for y, z, tall, deep in ((-0.28, 0.44, 0.82, 0.56), (-0.17, 1.85, 0.7, 0.34)):
        cells = np.stack([x, 0 * x + y, 0 * x + z], 1)
        b.boxes(front, cells, (width / count - 0.012, deep, tall))
        handles = cells + [0, -deep / 2 - 0.015, 0.3 if z < 1 else -0.3]
        b.boxes(steel(rng), handles, (0.14, 0.02, 0.012))
    objects(b, rng, left, width, -0.25, 0.91, 0.4)


def boxes_pile(b: Builder, rng: Rng, left: float, width: float) -> None:
    """Cartons and crates."""
    x, z, base = left, 0.0, 0.6 * width
    for _ in range(int(rng.integers(3, 7))):
        size = rng.uniform([0.25, 0.25, 0.2], [0.55, 0.5, 0.45])
        if x + size[0] > left + base:
            x, z = left, z + 0.36
        carton = (0.33, 0.22, 0.12) if rng.random() < 0.7 else color(rng)
        card = Material('plaster', carton, mixed(carton, (0.1, 0.06, 0.03), 0.2))
        middle = (x + size[0] / 2, -0.32, z + size[2] / 2)
        b.boxes(card, middle, size, rng.normal(0, 0.15))
        x += size[0] + 0.03


# piece, least and greatest width in metres, weight
PIECES = (
    (bookshelf, 0.7, 1.9, 3.0),
    (cabinet, 0.6, 1.9, 3.0),
    (sofa, 0.9, 2.3, 1.4),
    (desk, 1.0, 1.7, 1.4),
    (window, 0.9, 2.2, 3.0),
    (door, 1.0, 1.1, 1.4),
    (pictures, 0.5, 1.6, 3.0),
    (corner_plant, 0.7, 0.9, 1.4),
    (floor_lamp, 0.5, 0.6, 1.0),
    (radiator, 0.7, 1.4, 0.7),
    (counter, 1.6, 3.4, 1.2),
    (boxes_pile, 0.9, 1.5, 0.7),
)
