"""Boxes, cylinders, balls and sheets, of which rooms and streets are built."""

from __future__ import annotations

import colorsys
from collections import defaultdict
from functools import lru_cache

import numpy as np

from sapiens_mm.synth.mesh import Material, Mesh

Rng = np.random.Generator

# a box's sides: corner directions of the origin, along u and along v; u x v is outward
_SIDES = np.array(
    [
        [[-1, -1, -1], [1, 0, 0], [0, 0, 1]],
        [[1, 1, -1], [-1, 0, 0], [0, 0, 1]],
        [[1, -1, -1], [0, 1, 0], [0, 0, 1]],
        [[-1, 1, -1], [0, -1, 0], [0, 0, 1]],
        [[-1, -1, 1], [1, 0, 0], [0, 1, 0]],
        [[-1, 1, -1], [1, 0, 0], [0, -1, 0]],
    ],
    float,
)


def color(rng: Rng, low: float = 0.05, high: float = 0.75, vivid: float = 0.1) -> tuple:
    """Draw a linear RGB colour as things have them: mostly greys, whites and browns.

    Args:
        rng: Drawn from.
        low: Least brightness (of the display value).
        high: Greatest brightness.
        vivid: Share of strong colours.
    """
    kind = rng.random()
    # violet and turquoise are rare among things
    hue = rng.choice([0.0, 0.04, 0.09, 0.13, 0.27, 0.38, 0.55, 0.6, 0.66, 0.94])
    saturation = rng.uniform(0.35, 0.85) if kind < vivid else rng.uniform(0.1, 0.4)
    if kind > vivid + 0.25:
        # warm more often than cold
        hue = rng.choice([0.08, 0.11, 0.58])
        saturation = rng.exponential(0.12)
    hue += rng.normal(0, 0.025)
    value = rng.uniform(low, high)
    rgb = colorsys.hsv_to_rgb(hue % 1.0, min(saturation, 1.0), value)
    return tuple(float(c) ** 2.0 for c in rgb)


def mixed(first: tuple, second: tuple, share: float) -> tuple:
    """Return a colour between two: ``share`` of the second."""
    return tuple(
        a * (1 - share) + b * share for a, b in zip(first, second, strict=True)
    )


@lru_cache(64)
def grid_faces(columns: int, rows: int) -> np.ndarray:
    """Return the triangles (2 * columns * rows, 3) of a grid, row by row."""
    j, i = np.mgrid[:rows, :columns]
    a = (j * (columns + 1) + i).ravel()
    b, c, d = a + 1, a + columns + 2, a + columns + 1
    return np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])


def turned(points: np.ndarray, yaw: np.ndarray | float) -> np.ndarray:
    """Return points (..., 3) turned about z by ``yaw`` radians (broadcast)."""
    c, s = np.cos(yaw), np.sin(yaw)
    x = c * points[..., 0] - s * points[..., 1]
    y = s * points[..., 0] + c * points[..., 1]
    return np.stack([x, y, np.broadcast_to(points[..., 2], x.shape)], -1)


@lru_cache(16)
def _unit_box(k: int) -> tuple[np.ndarray, ...]:
    """Return a box from -1 to 1 with k x k squares a side, every side on its own.

    Returns:
        (n, 3) points; (n, 3) normals; (n, 2, 3) what share of the edges x, y, z lies
        to the left of a point and below it on its side; (12 k k, 3) triangles.
    """
    t = np.arange(k + 1) / k
    v, u = (q.ravel() for q in np.meshgrid(t, t, indexing='ij'))
    corner, along, up = _SIDES[:, None, 0], _SIDES[:, None, 1], _SIDES[:, None, 2]
    points = corner + 2 * (along * u[:, None] + up * v[:, None])
    normals = np.repeat(np.cross(along, up)[:, 0], len(u), 0)
    share = np.stack([np.abs(along) * u[:, None], np.abs(up) * v[:, None]], 2)
    each = grid_faces(k, k)
    sides = each[None] + np.arange(6)[:, None, None] * len(u)
    return points.reshape(-1, 3), normals, share.reshape(-1, 2, 3), sides.reshape(-1, 3)


def _steps(count: int, size: int) -> np.ndarray:
    """Return (count, 1, 1): 0, size, 2 size, ..."""
    return np.arange(count)[:, None, None] * size


@lru_cache(16)
def _unit_ball(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a ball of radius 1: a grid (rows + 1, 2 rows + 1, 3) and its faces."""
    turn = np.linspace(0, 2 * np.pi, 2 * rows + 1)
    tilt = np.linspace(np.pi, 0, rows + 1)
    flat = np.sin(tilt)[:, None]
    high = np.cos(tilt)[:, None] + 0 * turn
    unit = np.stack([flat * np.cos(turn), flat * np.sin(turn), high], -1)
    return unit, grid_faces(2 * rows, rows)


class Builder:
    """Collects shapes by material and makes one mesh of each.

    All shapes are stated in the builder's frame; ``meshes`` turns and shifts them.
    """

    def __init__(self) -> None:
        self._parts: dict[Material, list[tuple]] = defaultdict(list)

    def add(
        self,
        material: Material,
        vertices: np.ndarray,
        normals: np.ndarray,
        faces: np.ndarray,
        template: np.ndarray,
        aux: float | np.ndarray = 0.0,
        cut: np.ndarray | None = None,
    ) -> None:
        """Add a shape: (V, 3) vertices, normals, template; (F, 3) faces; (V,) cut."""
        cut = np.zeros(len(vertices)) if cut is None else cut
        shade = np.broadcast_to(aux, len(vertices))
        self._parts[material].append((vertices, normals, faces, template, shade, cut))

    def boxes(
        self,
        material: Material,
        centres: np.ndarray,
        sizes: np.ndarray,
        yaw: np.ndarray | float = 0.0,
        step: float = 0.5,
        aux: float = 0.0,
    ) -> None:
        """Add boxes.

        Args:
            material: Of all of them.
            centres: (n, 3) or (3,) metres.
            sizes: (n, 3) or (3,) edges in metres.
            yaw: (n,) or one, radians about z.
            step: Longest edge of the triangles, which carry the soft shadows.
            aux: See ``Mesh``; -0.3 is 30 % darker.
        """
        centres = np.atleast_2d(np.asarray(centres, float))
        sizes = np.broadcast_to(np.asarray(sizes, float), centres.shape)
        yaw = np.broadcast_to(np.asarray(yaw, float), len(centres))
        pieces = np.clip(np.ceil(sizes.max(1) / step), 1, 10).astype(int)
        if pieces.min() == pieces.max():
            self._boxes(material, centres, sizes, yaw, int(pieces[0]), aux)
            return
        for k in np.unique(pieces):
            rows = pieces == k
            self._boxes(material, centres[rows], sizes[rows], yaw[rows], int(k), aux)

    def _boxes(self, material, centres, sizes, yaw, k, aux) -> None:
        local, normal, share, sides = _unit_box(k)
        count, n = len(centres), len(local)
        points = local * (0.5 * sizes)[:, None]
        normals = np.broadcast_to(normal, points.shape)
        if yaw.any():
            points, normals = (turned(p, yaw[:, None]) for p in (points, normals))
        points = points + centres[:, None]
        template = np.zeros(points.shape)
        template[..., ::2] = (share @ sizes.T).transpose(2, 0, 1)
        # no two boxes show the same piece of a texture
        template[..., 0] += 3.7 * centres[:, :1] + 1.3 * centres[:, 1:2]
        faces = sides if count == 1 else sides[None] + _steps(count, n)
        arrays = (points, normals, faces, template)
        self.add(material, *(a.reshape(-1, 3) for a in arrays), aux)

    def sheet(
        self,
        material: Material,
        origin: np.ndarray,
        along: np.ndarray,
        up: np.ndarray,
        u: np.ndarray,
        v: np.ndarray,
        corners: float = 0.0,
    ) -> None:
        """Add a flat sheet with vertices at origin + u along + v up; it faces u x v.

        Its rim is darker by ``corners``, as where walls meet.
        """
        along, up = np.asarray(along, float), np.asarray(up, float)
        vv, uu = (q.ravel() for q in np.meshgrid(v, u, indexing='ij'))
        points = np.asarray(origin, float) + uu[:, None] * along + vv[:, None] * up
        normals = np.broadcast_to(np.cross(along, up), points.shape)
        template = np.stack([uu, 0 * uu, vv], 1)
        faces = grid_faces(len(u) - 1, len(v) - 1)
        rim = np.minimum(
            np.minimum(uu - u[0], u[-1] - uu), np.minimum(vv - v[0], v[-1] - vv)
        )
        aux = -corners * np.exp(-np.abs(rim) / 0.3)
        self.add(material, points, normals, faces, template, aux)

    def cylinder(
        self,
        material: Material,
        base: np.ndarray,
        height: float,
        bottom: float,
        top: float,
        segments: int = 16,
        aux: float = 0.0,
    ) -> None:
        """Add an upright cylinder or cone with a lid: base (3,), radii in metres."""
        turn = np.linspace(0, 2 * np.pi, segments + 1)
        ring = np.stack([np.cos(turn), np.sin(turn)], 1)
        slope = (bottom - top) / max(height, 1e-6)
        outward = np.c_[ring, np.full(len(ring), slope)] / np.hypot(1, slope)
        low = np.c_[ring * bottom, np.zeros(len(ring))]
        high = np.c_[ring * top, np.full(len(ring), height)]
        around = turn * max(bottom, top)
        side = np.concatenate([np.c_[around, 0 * turn, 0 * turn]] * 2)
        side[len(ring) :, 2] = height
        points = np.concatenate([low, high]) + base
        faces = grid_faces(segments, 1)
        both = np.concatenate([outward, outward])
        self.add(material, points, both, faces, side, aux)
        lid = np.concatenate([high, [[0, 0, height]]]) + base
        i = np.arange(segments)
        fan = np.stack([i, i + 1, np.full(segments, len(ring))], 1)
        flat = lid - base
        flat = np.stack([flat[:, 0], 0 * flat[:, 0], flat[:, 1]], 1)
        self.add(material, lid, np.tile([0.0, 0, 1], (len(lid), 1)), fan, flat, aux)

    def ball(
        self,
        material: Material,
        centre: np.ndarray,
        radii: np.ndarray,
        rng: Rng | None = None,
        rough: float = 0.0,
        holes: float = 0.0,
        detail: int = 18,
    ) -> None:
        """Add an ellipsoid, with lumps and holes if a generator is given.

        Args:
            material: Of the surface.
            centre: (3,) metres.
            radii: (3,) metres.
            rng: Drawn from where it is rough or has holes.
            rough: Height of lumps as a share of the radius.
            holes: Share of the surface that is missing (leaves).
            detail: Rows of triangles.
        """
        unit, faces = _unit_ball(detail)
        radius, cut = np.ones(unit.shape[:2]), None
        if rng is not None:
            lumps = rng.normal(0, 1, unit.shape[:2])
            lumps[:, -1] = lumps[:, 0]
            lumps[[0, -1]] = 0
            radius = 1 + rough * np.clip(lumps, -2, 2)
            cut = rng.random(unit.shape[:2]) + holes
            cut[:, -1] = cut[:, 0]
            cut = np.where(cut > 1, 1.6, 0.4).ravel()
        points = (unit * radius[..., None] * radii).reshape(-1, 3)
        normals = (unit / np.asarray(radii)).reshape(-1, 3)
        normals /= np.sqrt((normals * normals).sum(1, keepdims=True))
        template = points.copy()
        template[:, 0] += points[:, 1]
        self.add(material, points + centre, normals, faces, template, 0.0, cut)

    def meshes(
        self, yaw: float = 0.0, shift: tuple = (0, 0, 0), two_sided: bool = True
    ) -> list[Mesh]:
        """Return one mesh per material, turned about z by ``yaw``, then shifted."""
        out = []
        c, s = np.cos(yaw), np.sin(yaw)
        matrix = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1.0]])
        for material, parts in self._parts.items():
            starts = np.cumsum([0, *(len(p[0]) for p in parts)])
            faces = [p[2] + s for p, s in zip(parts, starts, strict=False)]
            points, normals, template, aux, cut = (
                np.concatenate([p[k] for p in parts]) for k in (0, 1, 3, 4, 5)
            )
            out.append(
                Mesh(
                    vertices=(points @ matrix + shift).astype(np.float32),
                    normals=normals @ matrix.astype(np.float32),
                    faces=np.concatenate(faces).astype(np.int32),
                    cut=cut.astype(np.float32),
                    material=material,
                    template=template.astype(np.float32),
                    aux=aux.astype(np.float32),
                    class_id=0,
                    two_sided=two_sided,
                )
            )
        return out
