"""What surfaces reflect: the sheen of hair, and mirrors of the surroundings.

All vectors are in the camera frame: x right, y down, z forward.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sapiens_mm.synth.core.jit import fast_kernel, inlined
from sapiens_mm.synth.render.textures import noise

STRAND_SPREAD = 0.35
"""How far strands of hair tilt out of the lock's direction."""

SHARP_GLOSS, BROAD_GLOSS = (0.09, 30), (0.05, 7)
"""Strength and sharpness of the two highlights of hair: surface, and depth of it."""

HAIR_SPECULAR = 0.04
"""The ``Material.specular`` for which those strengths are meant."""


class Point(NamedTuple):
    """A point of a face, in the camera frame.

    face is its number; corners (3) the face's vertices; weights (3) of the corners,
    which add up to 1; depth in metres; ray (2) its x and y at z = 1; plane (9) of
    radiance.py; at (3) the template coordinates; smooth and bumped (3) unit normals
    without and with wrinkles; eye (3) the unit vector towards the camera.
    """

    face: int
    corners: tuple
    weights: tuple
    depth: float
    ray: tuple
    plane: tuple
    at: tuple
    smooth: tuple
    bumped: tuple
    eye: tuple


@inlined
def _sky(lamps, x, y, z):
    """Elevation weights (up, level, down) of a camera-space direction."""
    up = x * lamps.above[0] + y * lamps.above[1] + z * lamps.above[2]
    high = max(0.0, up) ** 0.6
    low = min(1.0, max(0.0, -3 * up))
    return high * (1 - low), (1 - high) * (1 - low), low


@fast_kernel
def uphill(plane, d1, d2):
    """Return the gradient (3) in the plane of what grows by d1, d2 along its edges."""
    ex, ey, ez, gx, gy, gz, fx, fy, fz = plane
    # 1e-30: a triangle without area has no gradient
    scale = 1.0 / (fx * fx + fy * fy + fz * fz + 1e-30)
    d1, d2 = d1 * scale, d2 * scale
    x = d1 * (gy * fz - gz * fy) + d2 * (fy * ez - fz * ey)
    y = d1 * (gz * fx - gx * fz) + d2 * (fz * ex - fx * ez)
    z = d1 * (gx * fy - gy * fx) + d2 * (fx * ey - fy * ex)
    return x, y, z


@inlined
def hair(table, s, lamps, point, facing, lift, half, specular):
    """Return the diffuse and the glossy share of the key light on strands.

    Args:
        table: Of ``noise_table``.
        s: ``Surfaces``.
        lamps: ``Lamps``.
        point: ``Point``.
        facing: Cosine between smooth normal and key light.
        lift: Cosine between bumped normal and key light, 0 or more.
        half: (3) unit vector between key light and view.
        specular: Of the material.
    """
    plane, at, n = point.plane, point.at, point.smooth
    i, j, k = point.corners
    d1 = s.template[j, 2] - s.template[i, 2]
    d2 = s.template[k, 2] - s.template[i, 2]
    x, y, z = uphill(plane, d1, d2)
    # across the smooth normal, which changes less from facet to facet
    up = x * n[0] + y * n[1] + z * n[2]
    x, y, z = x - up * n[0], y - up * n[1], z - up * n[2]
    length = 1.0 / np.sqrt(x * x + y * y + z * z + 1e-20)
    # strands do not lie quite in parallel; noise 4 mm across, 12 cm along
    shift = STRAND_SPREAD * (noise(table, at[0] * 260, at[1] * 260, at[2] * 8, 5) - 0.5)
    x, y, z = x * length + shift * n[0], y * length + shift * n[1], z * length
    z += shift * n[2]
    length = 1.0 / np.sqrt(x * x + y * y + z * z + 1e-20)
    # Kajiya and Kay's model: light is scattered around the strand
    along = (x * lamps.key[0] + y * lamps.key[1] + z * lamps.key[2]) * length
    side = np.sqrt(max(0.0, 1 - along * along))
    diffuse = 0.55 * side * min(1.0, max(0.0, 0.6 + facing)) + 0.45 * lift
    along = (x * half[0] + y * half[1] + z * half[2]) * length
    gloss = max(0.0, 1 - along * along)
    edge = min(1.0, max(0.0, 2 * facing + 0.3))
    sharp, broad = SHARP_GLOSS, BROAD_GLOSS
    spec = edge * (
        sharp[0] * np.exp(sharp[1] * (gloss - 1))
        + broad[0] * np.exp(broad[1] * (gloss - 1))
    )
    return diffuse, spec * specular / HAIR_SPECULAR


@inlined
def mirror(lamps, n, v, view, shine, out):
    """Write what a surface of some gloss reflects of the surroundings into out (3,)."""
    x, y, z = 2 * view * n[0] - v[0], 2 * view * n[1] - v[1], 2 * view * n[2] - v[2]
    up, level, down = _sky(lamps, x, y, z)
    for q in range(3):
        out[q] = up * lamps.sky[0, q] + level * lamps.sky[1, q] + down * lamps.sky[2, q]
    for m in range(lamps.lobes.shape[0]):
        cosine = x * lamps.lobes[m, 0] + y * lamps.lobes[m, 1] + z * lamps.lobes[m, 2]
        # two lobes in a row: their widths add
        sharp = 1.0 / (1.0 / lamps.lobes[m, 6] + 1.0 / shine)
        # e**-9 is less than a display can show
        if sharp * (cosine - 1) < -9:
            continue
        power = np.exp(sharp * (cosine - 1)) * sharp / lamps.lobes[m, 6]
        for q in range(3):
            out[q] += lamps.lobes[m, 3 + q] * power
