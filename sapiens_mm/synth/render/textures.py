"""Noise, and the colour of every material at a point of its template.

Coordinates are metres of the rest pose (people) or of the surface itself (rooms and
streets, which use x and z). Detail finer than a pixel fades into its mean.
"""

from __future__ import annotations

import functools

import numpy as np

from sapiens_mm.synth.core.asset import IRIS_RAD, PUPIL_RAD
from sapiens_mm.synth.core.jit import fast_kernel
from sapiens_mm.synth.core.mesh import (
    COLOR,
    COLOR2,
    DUTY,
    HAIR_COLOR,
    KIND,
    KINDS,
    SCALE,
    SEED,
)

SKIN = KINDS.index('skin')
STRIPES = KINDS.index('stripes')
PLAID = KINDS.index('plaid')
BLOBS = KINDS.index('blobs')
DENIM = KINDS.index('denim')
KNIT = KINDS.index('knit')
HAIR = KINDS.index('hair')
EYE = KINDS.index('eye')
TEETH = KINDS.index('teeth')
METAL = KINDS.index('metal')
WOOD = KINDS.index('wood')
TILES = KINDS.index('tiles')
BRICKS = KINDS.index('bricks')
PLANKS = KINDS.index('planks')
PLASTER = KINDS.index('plaster')
GRASS = KINDS.index('grass')
FOLIAGE = KINDS.index('foliage')
ASPHALT = KINDS.index('asphalt')
PICTURE = KINDS.index('picture')
WINDOW = KINDS.index('window')
EMITTER = KINDS.index('emitter')
FACADE = KINDS.index('facade')
CLOTH = KINDS.index('cloth')
CARPET = KINDS.index('carpet')

SIDE = 32
"""Edge of the noise table, cells; noise repeats after that many."""

_MASK = SIDE - 1

# repeats per metre of what makes a fabric; a pixel that is larger sees their mean
_TWILL, _RIBS, _WEAVE = 500, 220, 420
_CARPET_GRAIN = 220.0
_GRASS_BLADES, _LEAVES = 60.0, 25.0
_BRICK_JOINT, _TILE_JOINT = 0.06, 0.025
"""Share of a brick's or tile's width that is mortar."""


@functools.lru_cache(1)
def noise_table() -> np.ndarray:
    """Return the lattice of all noise: (SIDE, SIDE, SIDE) float32 in [0, 1)."""
    return np.random.default_rng(2718).random((SIDE,) * 3, np.float32)


@fast_kernel
def noise(table, x, y, z, seed):
    """Return smooth value noise in [0, 1], one cell per unit."""
    # seeds move the lattice by shares that do not repeat soon
    x += 0.618 * seed
    y += 0.755 * seed
    z += 0.57 * seed
    fx, fy, fz = np.floor(x), np.floor(y), np.floor(z)
    # a mask instead of a remainder: SIDE is a power of two
    i, j, k = int(fx) & _MASK, int(fy) & _MASK, int(fz) & _MASK
    i1, j1, k1 = (i + 1) & _MASK, (j + 1) & _MASK, (k + 1) & _MASK
    x, y, z = x - fx, y - fy, z - fz
    # smoothstep, so that slopes meet without a crease
    x, y, z = x * x * (3 - 2 * x), y * y * (3 - 2 * y), z * z * (3 - 2 * z)
    a = table[i, j, k] + z * (table[i, j, k1] - table[i, j, k])
    b = table[i, j1, k] + z * (table[i, j1, k1] - table[i, j1, k])
    c = table[i1, j, k] + z * (table[i1, j, k1] - table[i1, j, k])
    d = table[i1, j1, k] + z * (table[i1, j1, k1] - table[i1, j1, k])
    a += y * (b - a)
    c += y * (d - c)
    return a + x * (c - a)


@fast_kernel
def noise_slope(table, x, y, z, seed):
    """Return value noise and its derivatives along x, y and z."""
    x += 0.618 * seed
    y += 0.755 * seed
    z += 0.57 * seed
    fx, fy, fz = np.floor(x), np.floor(y), np.floor(z)
    i, j, k = int(fx) & _MASK, int(fy) & _MASK, int(fz) & _MASK
    i1, j1, k1 = (i + 1) & _MASK, (j + 1) & _MASK, (k + 1) & _MASK
    x, y, z = x - fx, y - fy, z - fz
    u, v, w = x * x * (3 - 2 * x), y * y * (3 - 2 * y), z * z * (3 - 2 * z)
    a, b = table[i, j, k], table[i1, j, k]
    c, d = table[i, j1, k], table[i1, j1, k]
    e, f = table[i, j, k1], table[i1, j, k1]
    g, h = table[i, j1, k1], table[i1, j1, k1]
    k1_, k2, k3 = b - a, c - a, e - a
    k4, k5, k6 = a - b - c + d, a - c - e + g, a - b - e + f
    k7 = -a + b + c - d + e - f - g + h
    value = a + k1_ * u + k2 * v + k3 * w
    value += k4 * u * v + k5 * v * w + k6 * w * u + k7 * u * v * w
    du, dv, dw = 6 * x * (1 - x), 6 * y * (1 - y), 6 * z * (1 - z)
    return (
        value,
        du * (k1_ + k4 * v + k6 * w + k7 * v * w),
        dv * (k2 + k5 * w + k4 * u + k7 * w * u),
        dw * (k3 + k6 * u + k5 * v + k7 * u * v),
    )


@fast_kernel
def fbm(table, x, y, z, seed, octaves):
    """Return noise of several octaves in [0, 1], half the weight at each."""
    total, weight, value = 0.0, 0.5, 0.0
    for octave in range(octaves):
        value += weight * noise(table, x, y, z, seed + 7 * octave)
        total += weight
        weight *= 0.5
        # not 2: cells of all octaves would begin at the same places
        x, y, z = 2.03 * x, 2.03 * y, 2.03 * z
    return value / total


@fast_kernel
def fade(frequency, footprint):
    """Return the share of a detail's contrast that a pixel can show.

    Args:
        frequency: Repeats per metre.
        footprint: Metres per pixel.
    """
    # a ramp instead of a step: detail must not appear at once as one comes near
    return min(1.0, max(0.0, 1.6 - 2.2 * frequency * footprint))


@fast_kernel
def _cell(table, i, j, seed):
    """A random number of a cell."""
    i, j, seed = int(i), int(j), int(seed)
    a = (i * 7 + seed) & _MASK
    b = (j * 13 + (i >> 5) * 3) & _MASK
    return table[a, b, (seed >> 5) & _MASK]


@fast_kernel
def _edge(u, share, footprint, scale):
    """1 where the fraction of u is below ``share``, with edges a pixel soft."""
    f = u - np.floor(u)
    soft = max(1e-4, footprint * scale)
    rise = min(1.0, max(0.0, (share - f) / soft + 0.5))
    wrap = min(1.0, max(0.0, (f - 1.0) / soft + 0.5))
    return min(1.0, max(rise, wrap))


@fast_kernel
def _fabric(table, kind, row, x, y, z, px):
    """Share of color2 in fabrics."""
    seed, scale, duty = int(row[SEED]), row[SCALE], row[DUTY]
    if kind == STRIPES:
        return 1 - _edge(z * scale, duty, px, scale)
    if kind == PLAID:
        a = 1 - _edge(x * scale, duty, px, scale)
        b = 1 - _edge(z * scale, duty, px, scale)
        thin = _edge((z + 0.37 / scale) * scale, 0.08, px, scale)
        return min(1.0, 0.45 * a + 0.45 * b + 0.25 * thin)
    if kind == BLOBS:
        k = fbm(table, x * scale, y * scale, z * scale, seed, 2)
        soft = max(0.02, 1.5 * scale * px)
        return min(1.0, max(0.0, (k - duty) / soft + 0.5))
    if kind == DENIM:
        k = 0.65 * fbm(table, x * 9, y * 9, z * 9, seed, 3)
        twill = noise(table, x * 900 + z * 500, y * 900, z * 240, seed)
        f = fade(_TWILL, px)
        return k + 0.35 * (0.5 + f * (twill - 0.5))
    if kind == KNIT:
        f = fade(_RIBS, px)
        rib = 0.5 + 0.5 * np.sin(x * 1100 + 2 * np.sin(z * 1400))
        k = fbm(table, x * 30, y * 30, z * 30, seed, 2)
        return 0.5 * k + 0.5 * (0.5 + f * (rib - 0.5))
    k = 0.6 * fbm(table, x * 16, y * 16, z * 16, seed, 2)
    f = fade(_WEAVE, px)
    weave = 0.5 + 0.5 * np.sin(x * 2600) * np.sin(z * 2600)
    return k + 0.4 * (0.5 + f * (weave - 0.5))


@fast_kernel
def _ground(table, kind, row, x, z, px):
    """Share of color2 in floors, walls and plants; above 1 is mortar or joints."""
    seed, scale = int(row[SEED]), row[SCALE]
    if kind in (TILES, BRICKS):
        v = z * scale * (2 if kind == BRICKS else 1)
        u = x * scale
        if kind == BRICKS:
            # every other course is half a brick further
            u += 0.5 * (np.floor(v) % 2)
        joint = _BRICK_JOINT if kind == BRICKS else _TILE_JOINT
        line = max(
            _edge(u, joint, px, scale),
            _edge(v, 2 * joint if kind == BRICKS else joint, px, 2 * scale),
        )
        line *= fade(0.5 * scale, px)
        k = 0.6 * _cell(table, np.floor(u), np.floor(v), seed)
        k += 0.4 * fbm(table, x * 6 * scale, 0.0, z * 6 * scale, seed, 2)
        return k * (1 - line) + 1.35 * line
    if kind in (PLANKS, WOOD):
        wide = scale if kind == PLANKS else 0.5 * scale
        u = x * wide
        board = _cell(table, np.floor(u), np.floor(z * 0.6 + 7 * np.floor(u)), seed)
        grain = fbm(table, x * 9 * scale, 4 * board, z * 1.1, seed, 3)
        line = _edge(u, 0.03, px, wide) * fade(wide, px) if kind == PLANKS else 0.0
        return (0.45 * board + 0.55 * grain) * (1 - line) + 1.3 * line
    if kind in (GRASS, FOLIAGE):
        k = 0.4 * fbm(table, x * 0.7, 0.0, z * 0.7, seed, 3)
        f = _GRASS_BLADES if kind == GRASS else _LEAVES
        return k + 0.6 * (
            0.5 + fade(f, px) * (fbm(table, x * f, 3.0, z * f, seed, 2) - 0.5) * 1.6
        )
    if kind in (ASPHALT, CARPET):
        f = _CARPET_GRAIN
        k = fbm(table, x * 1.3, 0.0, z * 1.3, seed, 3)
        grain = noise(table, x * f, 1.0, z * f, seed) - 0.5
        return 0.6 * k + 0.4 * (0.5 + fade(f, px) * grain)
    return fbm(table, x * 2 * scale, 0.0, z * 2 * scale, seed, 4)


@fast_kernel
def _skin(table, row, x, y, z, aux, px, out):
    seed = int(row[SEED])
    mottle = fbm(table, x * 22, y * 22, z * 22, seed, 2)
    k = mottle
    coarse, fine = fade(160, px), fade(900, px)
    if coarse > 0:
        k += 0.35 * coarse * (noise(table, x * 160, y * 160, z * 160, seed + 3) - 0.5)
    if fine > 0:
        k += 0.3 * fine * (noise(table, x * 900, y * 900, z * 900, seed + 5) - 0.5)
    for c in range(3):
        out[c] = row[COLOR + c] * (1 - k) + row[COLOR2 + c] * k
    # freckles and moles: rare dark dots
    dark = fade(230, px)
    if dark > 0:
        spot = noise(table, x * 230, y * 230, z * 230, seed + 11)
        dark *= max(0.0, spot - 0.9 + 0.1 * row[DUTY]) * 4
    # melanin takes blue most
    out[0] *= 1 - 0.35 * min(dark, 1.0)
    out[1] *= 1 - 0.5 * min(dark, 1.0)
    out[2] *= 1 - 0.55 * min(dark, 1.0)
    if aux > 0:
        # blood takes green most
        red = min(aux, 1.5) * (0.8 + 0.4 * mottle)
        out[0] *= max(0.3, 1 - 0.1 * red)
        out[1] *= max(0.15, 1 - 0.44 * red)
        out[2] *= max(0.15, 1 - 0.36 * red)
    elif aux < 0:
        # hairs: two sets of strands, thinner than a millimetre
        strand = noise(table, x * 1500, y * 1500, z * 420, seed + 1)
        strand += noise(table, x * 3100, y * 3100, z * 700, seed + 2) - 1.0
        share = min(1.0, -aux * (1 + 0.9 * fade(700, px) * strand))
        share = max(0.0, share)
        for c in range(3):
            out[c] = out[c] * (1 - share) + row[HAIR_COLOR + c] * share


@fast_kernel
def _eye(table, row, x, y, z, px, out):
    radius = np.sqrt(x * x + y * y + z * z) + 1e-9
    angle = np.arccos(min(1.0, max(-1.0, -y / radius)))
    around = np.arctan2(z, x)
    soft = max(0.02, 1.5 * px / radius)
    iris = min(1.0, max(0.0, (IRIS_RAD - angle) / soft + 0.5))
    pupil = min(1.0, max(0.0, (PUPIL_RAD - angle) / soft + 0.5))
    rays = noise(
        table, np.cos(around) * 7, np.sin(around) * 7, angle * 6, int(row[SEED])
    )
    ring = max(0.0, 1 - abs(angle - IRIS_RAD + 0.02) / 0.09)
    veins = noise(table, x * 700, y * 700, z * 700, int(row[SEED]) + 2)
    # lids shade the ball; the corners are redder
    shade = 1 - 0.45 * min(1.0, max(0.0, z / radius - 0.1) / 0.5)
    corner = min(1.0, max(0.0, angle - 0.6) / 0.6)
    for c in range(3):
        white = row[COLOR + c] * (1 - 0.12 * veins * (1.0 if c > 0 else 0.3))
        white *= 1 - corner * (0.15 if c == 0 else 0.4)
        colour = row[COLOR2 + c] * (0.55 + 1.0 * rays) * (1 - 0.7 * ring)
        value = white * (1 - iris) + colour * iris
        out[c] = (value * (1 - pupil) + 0.004 * pupil) * shade


@fast_kernel
def _facade(table, row, x, z, px, out):
    """A house front: rows of windows in a wall."""
    scale, seed = row[SCALE], int(row[SEED])
    u, v = x * scale, z * scale
    fu, fv = u - np.floor(u), v - np.floor(v)
    cell = _cell(table, np.floor(u), np.floor(v), seed)
    soft = max(0.01, px * scale)
    inside = min(0.5 * row[DUTY] - abs(fu - 0.5), 0.36 - abs(fv - 0.52)) / soft + 0.5
    inside = min(1.0, max(0.0, inside))
    k = fbm(table, x * 1.5, 0.0, z * 1.5, seed, 3)
    bar = 0.35 if abs(fu - 0.5) < 0.02 or abs(fv - 0.5) < 0.015 else 0.0
    for c in range(3):
        wall = row[COLOR + c] * (0.7 + 0.5 * k)
        pane = row[COLOR2 + c] * (0.3 + 1.2 * cell) + bar * (1 - row[COLOR2 + c])
        out[c] = wall * (1 - inside) + pane * inside


@fast_kernel
def _picture(table, row, x, z, out):
    """A poster: soft shapes of several colours."""
    scale, seed = row[SCALE], int(row[SEED])
    a = fbm(table, x * scale, 0.3, z * scale, seed, 3)
    b = fbm(table, x * scale * 0.7, 5.3, z * scale * 1.3, seed + 5, 2)
    for c in range(3):
        base = row[COLOR + c] if a < 0.5 else row[COLOR2 + c]
        other = _cell(table, int(b * 9), c, seed)
        out[c] = base * 0.6 + 0.4 * other * other


@fast_kernel
def albedo(table, row, x, y, z, aux, px, out):
    """Write the linear RGB of a material into ``out`` (3,).

    Args:
        table: Of ``noise_table``.
        row: (ROW,) one packed material.
        x: Template coordinate in metres; so are ``y`` and ``z``.
        y: See ``x``.
        z: See ``x``.
        aux: The mesh's aux there.
        px: Metres per pixel at the surface.
        out: (3,) float64, changed in place.
    """
    kind = int(row[KIND])
    if kind == SKIN:
        _skin(table, row, x, y, z, aux, px, out)
        return
    if kind == EYE:
        _eye(table, row, x, y, z, px, out)
        return
    if kind == FACADE:
        _facade(table, row, x, z, px, out)
        return
    if kind == PICTURE:
        _picture(table, row, x, z, out)
        return
    if kind == HAIR:
        seed = int(row[SEED])
        k = noise(table, x * 130, y * 130, z * 9, seed)
        fine = noise(table, x * 900, y * 900, z * 30, seed + 4) - 0.5
        k += fade(450, px) * fine
        k = min(1.0, max(0.0, k))
    elif TEETH <= kind < WOOD:
        k = fbm(table, x * 90, y * 90, z * 90, int(row[SEED]), 2)
    elif kind >= WOOD:
        k = _ground(table, kind, row, x, z, px)
    else:
        k = _fabric(table, kind, row, x, y, z, px)
    for c in range(3):
        out[c] = max(0.0, row[COLOR + c] * (1 - k) + row[COLOR2 + c] * k)
        if aux != 0:
            out[c] *= max(0.0, 1 + aux)
