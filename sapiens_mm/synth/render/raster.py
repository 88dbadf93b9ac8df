"""Which triangle each pixel sees: a z-buffer that is an exact ray cast.

A pixel's ray d = ((x - cx) / fx, (y - cy) / fy, 1) meets a triangle of camera-space
corners v0, v1, v2 where d = l0 v0 + l1 v1 + l2 v2 with all l >= 0. Each l is affine
in (x, y), so that triangles through the camera plane need no clipping, and
z = 1 / (l0 + l1 + l2) is the depth in metres. Pixel centres are integers.
"""

from __future__ import annotations

import numpy as np

from sapiens_mm.synth.core.jit import inlined, kernel, lean_kernel

NEAR = 0.05
"""Metres before the camera where surfaces begin."""

ALIKE = 0.012
"""Two samples of a mesh are one surface if their depths differ by less than this."""

ROUGH = 0.01
"""Pixels by which a quick bound of a triangle may err; single precision does less."""

EVERYWHERE = np.zeros((0, 0), np.bool_)


def empty_buffers(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a depth buffer (H, W) of infinities and an id buffer (H, W) of -1."""
    depth = np.full((height, width), np.inf, np.float32)
    return depth, np.full((height, width), -1, np.int32)


@lean_kernel
def ray_weights(p0, p1, p2, rx, ry):
    """Return l0, l1, l2 of the ray (rx, ry, 1) and a triangle; see the module.

    They are NaN or infinite where the triangle is seen exactly edge on.
    """
    x0, y0, z0 = np.float64(p0[0]), np.float64(p0[1]), np.float64(p0[2])
    x1, y1, z1 = np.float64(p1[0]), np.float64(p1[1]), np.float64(p1[2])
    x2, y2, z2 = np.float64(p2[0]), np.float64(p2[1]), np.float64(p2[2])
    ax, ay, az = y1 * z2 - z1 * y2, z1 * x2 - x1 * z2, x1 * y2 - y1 * x2
    inverse = 1.0 / (x0 * ax + y0 * ay + z0 * az)
    l0 = (ax * rx + ay * ry + az) * inverse
    l1 = ((y2 * z0 - z2 * y0) * rx + (z2 * x0 - x2 * z0) * ry) * inverse
    l1 += (x2 * y0 - y2 * x0) * inverse
    l2 = ((y0 * z1 - z0 * y1) * rx + (z0 * x1 - x0 * z1) * ry) * inverse
    l2 += (x0 * y1 - y0 * x1) * inverse
    return l0, l1, l2


@lean_kernel
def _crossing(points, i, j, camera, box):
    """Widen ``box`` by where an edge enters the half space before the camera."""
    za, zb = np.float64(points[i, 2]), np.float64(points[j, 2])
    if (za >= NEAR) == (zb >= NEAR):
        return box
    t = (NEAR - za) / (zb - za)
    x = points[i, 0] + t * (points[j, 0] - points[i, 0])
    y = points[i, 1] + t * (points[j, 1] - points[i, 1])
    u, v = camera[0] * x / NEAR + camera[2], camera[1] * y / NEAR + camera[3]
    return min(box[0], u), max(box[1], u), min(box[2], v), max(box[3], v)


@lean_kernel
def _bounds(points, places, i, j, k, camera):
    """Return left, right, top, bottom of a triangle's visible part, pixels."""
    box = (np.inf, -np.inf, np.inf, -np.inf)
    for n in (i, j, k):
        if points[n, 2] >= NEAR:
            u, v = np.float64(places[n, 0]), np.float64(places[n, 1])
            box = min(box[0], u), max(box[1], u), min(box[2], v), max(box[3], v)
    box = _crossing(points, i, j, camera, box)
    box = _crossing(points, j, k, camera, box)
    return _crossing(points, k, i, camera, box)


@kernel
def _project(points, cut, camera):
    """Return (V, 4) float32: column, row, depth and cut; roughly, to sort out faces."""
    fx, fy, cx, cy = camera
    fx, fy, cx, cy = np.float32(fx), np.float32(fy), np.float32(cx), np.float32(cy)
    places = np.empty((points.shape[0], 4), np.float32)
    for n in range(points.shape[0]):
        slope = 1 / points[n, 2]
        places[n, 0] = fx * points[n, 0] * slope + cx
        places[n, 1] = fy * points[n, 1] * slope + cy
        places[n, 2] = points[n, 2]
        places[n, 3] = cut[n]
    return places


@lean_kernel
def _turned_away(p, q, r, wide, high):
    """Whether a triangle's back is seen for sure; p, q, r are rows of ``_project``."""
    area = (q[0] - p[0]) * (r[1] - p[1]) - (r[0] - p[0]) * (q[1] - p[1])
    # more than what rounding does to a triangle of this size
    return area > 0.01 * (wide + high) + 1e-5 * wide * high


@lean_kernel
def covered(depth, left, right, top, bottom, z):
    """Whether all pixels of a small rectangle show something nearer than z."""
    if (right - left + 1) * (bottom - top + 1) > 64:
        return False
    for y in range(top, bottom + 1):
        for x in range(left, right + 1):
            if depth[y, x] > z:
                return False
    return True


@lean_kernel
def _limits(slope):
    """Return how a row's span follows from a weight that grows by ``slope`` a column.

    The weight is above s right of (s - start) * r + o and left of (s - start) * q + p;
    of r, o and q, p one limits nothing. No branches: they would be guessed wrongly.
    """
    # a weight that does not change along a row limits nothing
    steep = abs(slope) > 1e-30
    run = 1.0 / slope if steep else 0.0
    up, down = steep and slope > 0, steep and slope < 0
    return (
        run if up else 0.0,
        0.0 if up else -1e9,
        run if down else 0.0,
        0.0 if down else 1e9,
    )


@lean_kernel
def _wanted(wanted, left, right, top, bottom):
    """Whether a rectangle of pixels meets a wanted pair of rows and columns."""
    # pairs, as the finer buffer has two rows for each
    for y in range(top >> 1, (bottom >> 1) + 1):
        for x in range(left >> 1, (right >> 1) + 1):
            if wanted[y, x]:
                return True
    return False


@kernel
def raster(triangles, camera, wanted, depth, ids):
    """Draw triangles into a depth and an id buffer.

    Of equally near triangles the first wins. Triangles seen edge on are not drawn.

    Args:
        triangles: ``Triangles`` of geometry.py.
        camera: (4,) float64 fx, fy, cx, cy in pixels of the buffers.
        wanted: (H / 2, W / 2) bool, where the result matters, for 2 x 2 pixels each;
            elsewhere nothing is drawn. (0, 0) for everywhere.
        depth: (H, W) float32, metres, changed in place.
        ids: (H, W) int32 face index, changed in place.
    """
    lens = (camera[0], camera[1], camera[2], camera[3])
    places = _project(triangles.points, triangles.cut, lens)
    later = np.empty(triangles.faces.shape[0], np.int32)
    _raster(triangles, places, lens, wanted, later, depth, ids)


@inlined
def _ray_planes(points, i, j, k, camera):
    """Return twice the signed volume below a triangle, and its affine weights.

    The weights (9) are the slopes along x and along y and the value at pixel (0, 0), of
    l0, l1 and l2 of the module's text in turn. They are of use only if the volume is
    not 0, which is what a triangle seen edge on has.
    """
    x0, y0 = np.float64(points[i, 0]), np.float64(points[i, 1])
    x1, y1 = np.float64(points[j, 0]), np.float64(points[j, 1])
    x2, y2 = np.float64(points[k, 0]), np.float64(points[k, 1])
    z0, z1 = np.float64(points[i, 2]), np.float64(points[j, 2])
    z2 = np.float64(points[k, 2])
    fx, fy, cx, cy = camera
    ax, ay, az = y1 * z2 - z1 * y2, z1 * x2 - x1 * z2, x1 * y2 - y1 * x2
    volume = x0 * ax + y0 * ay + z0 * az
    inverse = 1.0 / volume
    bx, by, bz = y2 * z0 - z2 * y0, z2 * x0 - x2 * z0, x2 * y0 - y2 * x0
    dx, dy, dz = y0 * z1 - z0 * y1, z0 * x1 - x0 * z1, x0 * y1 - y0 * x1
    # in pixels
    across, down = inverse / fx, inverse / fy
    ax, bx, dx = ax * across, bx * across, dx * across
    ay, by, dy = ay * down, by * down, dy * down
    az = az * inverse - ax * cx - ay * cy
    bz = bz * inverse - bx * cx - by * cy
    dz = dz * inverse - dx * cx - dy * cy
    return volume, (ax, ay, az, bx, by, bz, dx, dy, dz)


@inlined
def _fill(f, weights, cuts, nearest, box, wanted, depth, ids):
    """Draw face ``f`` where its three weights are positive, row by row.

    Args:
        f: Face.
        weights: Of ``_ray_planes``.
        cuts: (3) cut of its corners.
        nearest: Depth of its nearest corner, metres.
        box: Left, right, top, bottom of the pixels that it may cover.
        wanted: As in ``raster``, like the buffers.
        depth: See ``wanted``.
        ids: See ``wanted``.
    """
    ax, ay, az, bx, by, bz, dx, dy, dz = weights
    c0, c1, c2 = cuts
    left, right, top, bottom = box
    choosy = wanted.shape[0] > 0
    partly = c0 >= 1 or c1 >= 1 or c2 >= 1
    # closes the cracks that rounding opens along shared edges
    slack = -1e-9 / max(NEAR, nearest)
    ra, oa, qa, pa = _limits(ax)
    rb, ob, qb, pb = _limits(bx)
    rd, od, qd, pd = _limits(dx)
    for y in range(top, bottom + 1):
        a, b, d = ay * y + az, by * y + bz, dy * y + dz
        ea, eb, ed = slack - a, slack - b, slack - d
        low = max(max(ea * ra + oa, eb * rb + ob), max(ed * rd + od, left))
        high = min(min(ea * qa + pa, eb * qb + pb), min(ed * qd + pd, right))
        # within the box: the limits may be far outside of what an integer holds
        x = int(np.ceil(min(low, right + 1.0) - ROUGH))
        last = int(np.floor(max(high, left - 1.0) + ROUGH))
        while x <= last:
            if choosy and not wanted[y >> 1, x >> 1]:
                x = (x | 1) + 1
                continue
            l0, l1, l2 = ax * x + a, bx * x + b, dx * x + d
            x += 1
            if l0 < slack or l1 < slack or l2 < slack:
                continue
            total = l0 + l1 + l2
            if total <= 0:
                continue
            # rounded first: equal surfaces compare equal
            z = np.float32(1.0 / total)
            known = depth[y, x - 1]
            if z > known or z < NEAR or (z == known and f > ids[y, x - 1]):
                continue
            if partly and (l0 * c0 + l1 * c1 + l2 * c2) * z >= 1:
                continue
            depth[y, x - 1] = z
            ids[y, x - 1] = f


@lean_kernel
def _raster(triangles, places, camera, wanted, later, depth, ids):
    """Do what ``raster`` says, with the rows of ``_project``.

    Faces that are surely seen from behind wait in ``later`` (F,): what they would draw
    is mostly hidden by fronts, and a depth that is known rejects them quickly.
    """
    points, faces = triangles.points, triangles.faces
    height, width = depth.shape
    choosy = wanted.shape[0] > 0
    count, waiting = faces.shape[0], 0
    for n in range(2 * count):
        if n < count:
            f = count - 1 - n
        elif n - count < waiting:
            f = later[n - count]
        else:
            break
        i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
        p, q, r = places[i], places[j], places[k]
        nearest = min(p[2], min(q[2], r[2]))
        if nearest >= NEAR:
            u0, u1 = min(p[0], min(q[0], r[0])), max(p[0], max(q[0], r[0]))
            v0, v1 = min(p[1], min(q[1], r[1])), max(p[1], max(q[1], r[1]))
        else:
            if p[2] < NEAR and q[2] < NEAR and r[2] < NEAR:
                continue
            u0, u1, v0, v1 = _bounds(points, places, i, j, k, camera)
        if u0 > width or u1 < -1 or v0 > height or v1 < -1:
            continue
        # limits before casts: a huge number has no integer
        left = int(np.ceil(max(u0, 0.0) - ROUGH))
        right = int(np.floor(min(u1, width - 1.0) + ROUGH))
        top = int(np.ceil(max(v0, 0.0) - ROUGH))
        bottom = int(np.floor(min(v1, height - 1.0) + ROUGH))
        # most triangles are so small that they lie between the pixels' centres
        if left > right or top > bottom:
            continue
        if p[3] >= 1 and q[3] >= 1 and r[3] >= 1:
            continue
        hollow = triangles.one_sided[triangles.face_mesh[f]]
        if n < count and nearest >= NEAR and _turned_away(p, q, r, u1 - u0, v1 - v0):
            if not hollow:
                later[waiting] = f
                waiting += 1
            continue
        if choosy and not _wanted(wanted, left, right, top, bottom):
            continue
        # a hair nearer, as the corners are of single precision
        if covered(depth, left, right, top, bottom, nearest * (1 - 1e-5)):
            continue
        volume, weights = _ray_planes(points, i, j, k, camera)
        # edge on: its inverse is not a number
        if abs(volume) < 1e-18 or (volume > 0 and hollow):
            continue
        cuts, box = (p[3], q[3], r[3]), (left, right, top, bottom)
        _fill(f, weights, cuts, nearest, box, wanted, depth, ids)


@lean_kernel
def find_edges(ids, depth, face_mesh, edges):
    """Mark the pixels next to another mesh, to nothing, or to a jump in depth.

    Args:
        ids: (H, W) int32.
        depth: (H, W) float32.
        face_mesh: (F,) int32.
        edges: (H, W) bool, True is written to marked pixels and their neighbours.
    """
    height, width = ids.shape
    for y in range(height):
        for x in range(width):
            f = ids[y, x]
            for q in range(2):
                v, u = y + q, x + 1 - q
                if v >= height or u >= width:
                    continue
                g = ids[v, u]
                if f == g:
                    continue
                other = f < 0 or g < 0 or face_mesh[f] != face_mesh[g]
                if other or abs(depth[y, x] - depth[v, u]) > ALIKE * depth[y, x]:
                    for b in range(max(y - 1, 0), min(v + 2, height)):
                        edges[b, max(x - 1, 0) : u + 2] = True
