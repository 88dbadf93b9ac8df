"""Colour of one point: texture, wrinkles, light and gloss.

All vectors are in the camera frame: x right, y down, z forward. ``s`` and ``lamps`` are
the ``Surfaces`` and ``Lamps`` of shade.py.
"""

from __future__ import annotations

import numpy as np

from sapiens_mm.synth.core.jit import inlined
from sapiens_mm.synth.core.mesh import (
    BUMP,
    BUMP_SCALE,
    COLOR,
    COLOR2,
    DUTY,
    KIND,
    SCALE,
    SEED,
    SHININESS,
    SPECULAR,
)
from sapiens_mm.synth.render.gloss import Point, hair, mirror, uphill
from sapiens_mm.synth.render.raster import ray_weights
from sapiens_mm.synth.render.textures import (
    CLOTH,
    EMITTER,
    EYE,
    FOLIAGE,
    GRASS,
    HAIR,
    KNIT,
    METAL,
    SKIN,
    WINDOW,
    WOOD,
    albedo,
    fade,
    fbm,
    noise_slope,
)

RED_WRAP, LEAF_WRAP = 0.3, 0.45
"""How far light goes on beyond the terminator of skin and leaves, in cosines.

Leaves let light through, so that a crown has no dark side.
"""

OCTAVE_WEIGHT, OCTAVE_STEP = 0.42, 2.3
"""Height and frequency of each octave of wrinkles, over the one before."""


@inlined
def key_visibility(lamps, x, y, z, nx, ny, nz, facing):
    """Return the share of the key light that a point sees, with soft edges.

    The point is lifted off its surface by what the filter's width needs at this slope,
    so that a surface never shadows itself.

    Args:
        lamps: The light.
        x: Camera coordinate of the point; so are ``y`` and ``z``.
        y: See ``x``.
        z: See ``x``.
        nx: Normal of the surface; so are ``ny`` and ``nz``.
        ny: See ``nx``.
        nz: See ``nx``.
        facing: Cosine between normal and light, > 0.
    """
    m, shadow = lamps.matrix, lamps.shadow
    size = shadow.shape[0]
    lift = lamps.texel * (0.5 + 3.2 * np.sqrt(max(0.0, 1 - facing * facing)))
    lift += 0.0015
    x += lift * nx
    y += lift * ny
    z += lift * nz
    u = m[0, 0] * x + m[0, 1] * y + m[0, 2] * z + m[0, 3] - 2.0
    v = m[1, 0] * x + m[1, 1] * y + m[1, 2] * z + m[1, 3] - 2.0
    d = m[2, 0] * x + m[2, 1] * y + m[2, 2] * z + m[2, 3]
    if u < 0 or v < 0 or u >= size - 5 or v >= size - 5:
        return 1.0
    d -= 0.0015 + 0.5 * lamps.texel
    i, j = int(u), int(v)
    a, b = u - i, v - j
    # four corners and the middle alike: no edge of a shadow crosses the filter
    first = shadow[j, i] > d
    if (
        (shadow[j + 4, i + 4] > d) == first
        and (shadow[j, i + 4] > d) == first
        and (shadow[j + 4, i] > d) == first
        and (shadow[j + 2, i + 2] > d) == first
    ):
        return 1.0 if first else 0.0
    total = 0.0
    for q in range(5):
        across = 1 - b if q == 0 else (b if q == 4 else 1.0)
        for p in range(5):
            if shadow[j + q, i + p] > d:
                total += across * (1 - a if p == 0 else (a if p == 4 else 1.0))
    # sixteen texels' worth, as the rim of the 25 counts in part
    return total / 16.0


@inlined
def _slope(table, row, x, y, z, px, out):
    """Write the bump's gradient in template space into out (3,); metres per metre."""
    height, scale, seed = row[BUMP], row[BUMP_SCALE], int(row[SEED]) + 77
    kind = int(row[KIND])
    out[0] = out[1] = out[2] = 0.0
    weight, frequency = 1.0, scale
    for octave in range(2 if kind == SKIN else 3):
        f = fade(frequency, px) * weight * height * frequency
        if f <= 0:
            # what is finer does not show either, so the loop ends
            break
        stretch = 0.45 if kind != SKIN else 1.0
        v, a, b, c = noise_slope(
            table,
            x * frequency,
            y * frequency,
            z * frequency * stretch,
            seed + 5 * octave,
        )
        # folds have ridges, skin has not
        sign = 1.0
        if kind != SKIN and octave == 0:
            sign = -2.0 * np.tanh(9 * (v - 0.5))
        out[0] += sign * f * a
        out[1] += sign * f * b
        out[2] += sign * f * c * stretch
        weight *= OCTAVE_WEIGHT
        frequency *= OCTAVE_STEP


@inlined
def _window(table, row, x, z, out):
    """What a window shows: sky above, something green or grey below."""
    seed = int(row[SEED])
    line = 0.45 + 0.5 * (fbm(table, x * 1.2, 0.0, 0.5, seed, 3) - 0.5)
    k = fbm(table, x * 5, 0.0, z * 5, seed + 3, 3)
    share = min(1.0, max(0.0, (row[DUTY] * 2.0 - z - line + 0.3 * k) * 4 + 0.5))
    for c in range(3):
        sky, low = row[COLOR + c], row[COLOR2 + c] * (0.4 + 1.1 * k)
        out[c] = row[SCALE] * (sky * (1 - share) + low * share)


@inlined
def _plane(s, i, j, k):
    """Return the two edges of a triangle and their cross product, nine numbers."""
    ex = s.points[j, 0] - s.points[i, 0]
    ey = s.points[j, 1] - s.points[i, 1]
    ez = s.points[j, 2] - s.points[i, 2]
    gx = s.points[k, 0] - s.points[i, 0]
    gy = s.points[k, 1] - s.points[i, 1]
    gz = s.points[k, 2] - s.points[i, 2]
    fx, fy, fz = ey * gz - ez * gy, ez * gx - ex * gz, ex * gy - ey * gx
    return ex, ey, ez, gx, gy, gz, fx, fy, fz


@inlined
def radiance(table, s, lamps, f, rx, ry, pixel, work):
    """Colour one point: face ``f`` along the ray (rx, ry, 1).

    Args:
        table: Of ``noise_table``.
        s: ``Surfaces``.
        lamps: ``Lamps``.
        f: Face.
        rx: Ray's x at z = 1.
        ry: Ray's y at z = 1.
        pixel: Size of a pixel at z = 1, metres.
        work: (12,) float64; [0:3] becomes the linear RGB, [3:6] the bumped normal in
            the camera frame, the rest is scratch.
    """
    i, j, k = s.faces[f, 0], s.faces[f, 1], s.faces[f, 2]
    a, b, c = ray_weights(s.points[i], s.points[j], s.points[k], rx, ry)
    pz = 1.0 / (a + b + c)
    a, b, c = a * pz, b * pz, c * pz
    row = s.materials[s.face_mesh[f]]
    kind = int(row[KIND])
    # towards the camera, as the ray goes away from it
    back = -1.0 / np.sqrt(rx * rx + ry * ry + 1)
    v = (rx * back, ry * back, back)
    nx = a * s.normals[i, 0] + b * s.normals[j, 0] + c * s.normals[k, 0]
    ny = a * s.normals[i, 1] + b * s.normals[j, 1] + c * s.normals[k, 1]
    nz = a * s.normals[i, 2] + b * s.normals[j, 2] + c * s.normals[k, 2]
    length = 1.0 / np.sqrt(nx * nx + ny * ny + nz * nz + 1e-30)
    plane = _plane(s, i, j, k)
    # the triangle's own plane tells back from front; the smooth normal may bend away
    if plane[6] * v[0] + plane[7] * v[1] + plane[8] * v[2] < 0:
        length = -length
    n = (nx * length, ny * length, nz * length)
    at = (
        a * s.template[i, 0] + b * s.template[j, 0] + c * s.template[k, 0],
        a * s.template[i, 1] + b * s.template[j, 1] + c * s.template[k, 1],
        a * s.template[i, 2] + b * s.template[j, 2] + c * s.template[k, 2],
    )
    foot = pixel * pz
    h = n
    # too fine to be seen: its mean is the smooth normal
    if row[BUMP] > 0 and fade(row[BUMP_SCALE], foot) > 0:
        _slope(table, row, at[0], at[1], at[2], foot, work[6:9])
        d1 = d2 = 0.0
        for q in range(3):
            d1 += work[6 + q] * (s.template[j, q] - s.template[i, q])
            d2 += work[6 + q] * (s.template[k, q] - s.template[i, q])
        gx, gy, gz = uphill(plane, d1, d2)
        hx, hy, hz = n[0] - gx, n[1] - gy, n[2] - gz
        length = 1.0 / np.sqrt(hx * hx + hy * hy + hz * hz)
        h = (hx * length, hy * length, hz * length)
    work[3], work[4], work[5] = h
    if kind == EMITTER:
        for q in range(3):
            work[q] = row[COLOR + q] * row[SCALE]
        return
    if kind == WINDOW:
        _window(table, row, at[0], at[2], work)
        return
    aux = a * s.aux[i] + b * s.aux[j] + c * s.aux[k]
    albedo(table, row, at[0], at[1], at[2], aux, foot, work[6:9])
    point = Point(f, (i, j, k), (a, b, c), pz, (rx, ry), plane, at, n, h, v)
    _light(table, s, lamps, point, work)


@inlined
def _through_skin(q, sun, seen):
    """Return the lit and the unshadowed share of channel ``q`` of R, G, B of skin.

    Blood scatters red light beyond the terminator and into shadows, green and blue
    hardly.

    Args:
        q: 0, 1 or 2.
        sun: Cosine between normal and key light.
        seen: Share of the key light that is not hidden.
    """
    w = RED_WRAP if q == 0 else (0.12 if q == 1 else 0.05)
    direct = max(0.0, (sun + w) / (1 + w))
    return direct, seen + (0.5 if q == 0 else 0.08) * seen * (1 - seen)


@inlined
def _light(table, s, lamps, point, work):
    """Light the point whose albedo is work[6:9]; write its RGB to work[0:3]."""
    i, j, k = point.corners
    a, b, c = point.weights
    n, h, v, pz = point.smooth, point.bumped, point.eye, point.depth
    row = s.materials[s.face_mesh[point.face]]
    kind, shine = int(row[KIND]), row[SHININESS]
    sun = h[0] * lamps.key[0] + h[1] * lamps.key[1] + h[2] * lamps.key[2]
    facing = n[0] * lamps.key[0] + n[1] * lamps.key[1] + n[2] * lamps.key[2]
    leafy = kind in (GRASS, FOLIAGE)
    wrap = RED_WRAP if kind == SKIN else (LEAF_WRAP if leafy else 0.0)
    seen = 0.0
    if facing > -wrap and lamps.key_color[0] + lamps.key_color[1] > 0:
        x, y = point.ray[0] * pz, point.ray[1] * pz
        seen = key_visibility(lamps, x, y, pz, n[0], n[1], n[2], max(facing, 0.0))
    free = a * s.free[i] + b * s.free[j] + c * s.free[k]
    bump = (h[0] - n[0]) * lamps.bright[0] + (h[1] - n[1]) * lamps.bright[1]
    bump = max(0.25, 1 + 0.8 * (bump + (h[2] - n[2]) * lamps.bright[2]))
    view = max(0.0, h[0] * v[0] + h[1] * v[1] + h[2] * v[2])
    lift = max(0.0, sun)
    diffuse, spec, fresnel = lift, 0.0, 0.0
    out = work[9:12]
    # walls and floors without gloss need no reflections
    if kind < WOOD or shine > 25:
        rim = (1 - view) * (1 - view)
        rim = rim * rim * (1 - view)
        # glossy surfaces reflect more where they are seen flat
        fresnel = row[SPECULAR] * (1 + 8 * min(1.0, shine / 120) * rim)
        mx, my, mz = lamps.key[0] + v[0], lamps.key[1] + v[1], lamps.key[2] + v[2]
        length = 1.0 / np.sqrt(mx * mx + my * my + mz * mz + 1e-12)
        half = (mx * length, my * length, mz * length)
        near = h[0] * half[0] + h[1] * half[1] + h[2] * half[2] - 1
        spec = fresnel * (shine + 8) / 8 * np.exp(shine * near) * lift
        if kind == SKIN:
            # oil: a sharper film over the broad gloss
            film = fresnel * (shine + 2) / 2 * np.exp(4 * shine * near)
            spec = 0.65 * spec + 0.35 * film * min(1.0, 4 * lift)
        elif kind == HAIR:
            diffuse, spec = hair(
                table, s, lamps, point, facing, lift, half, row[SPECULAR]
            )
        mirror(lamps, h, v, view, shine, out)
    sheen = 0.25 * (1 - view) ** 3 if kind >= CLOTH and kind <= KNIT else 0.0
    polish = fresnel * free * (0.4 + 0.6 * min(1.0, shine / 400))
    for q in range(3):
        light = a * s.irradiance[i, q] + b * s.irradiance[j, q]
        light += c * s.irradiance[k, q]
        base = work[6 + q]
        # light that bounces within folds takes their colour
        light *= bump * (1 + 0.9 * base * (1 - free))
        direct, shadow = diffuse, seen
        if kind == SKIN:
            direct, shadow = _through_skin(q, sun, seen)
        elif leafy:
            direct = max(0.0, (sun + wrap) / (1 + wrap))
        key = lamps.key_color[q]
        tint = base if kind == METAL else 1.0
        base *= 0.25 if kind == METAL else 1.0 + sheen
        work[q] = base * (light + key * direct * shadow) + tint * spec * key * seen
        if polish > 0:
            work[q] += tint * polish * out[q]
    if kind == EYE:
        for q in range(3):
            work[q] *= 0.35 + 0.65 * free
