"""Boxes, cylinders, balls and sheets, of which rooms and streets are built."""

from __future__ import annotations

import colorsys
from collections import defaultdict

import numpy as np

from sapiens_mm.synth.core import shapes
from sapiens_mm.synth.core.mesh import Material, Mesh
from sapiens_mm.synth.core.shapes import grid_faces

Rng = np.random.Generator

_HUES = (0.0, 0.04, 0.09, 0.13, 0.27, 0.38, 0.55, 0.6, 0.66, 0.94)
_QUIET_HUES = (0.08, 0.11, 0.58)
_STRAIGHT = np.array([[1.0, 0.0]])


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
    hue = _HUES[rng.integers(len(_HUES))]
    saturation = rng.uniform(0.35, 0.85) if kind < vivid else rng.uniform(0.1, 0.4)
    if kind > vivid + 0.25:
        # warm more often than cold
        hue = _QUIET_HUES[rng.integers(len(_QUIET_HUES))]
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


def chances(weights: np.ndarray) -> np.ndarray:
    """Return the limits (n,) that ``pick`` wants of weights (n,)."""
    limits = np.cumsum(weights / np.sum(weights))
    # the last limit is 1, whatever the sum has lost by rounding
    return limits / limits[-1]


def pick(rng: Rng, limits: np.ndarray) -> int:
    """Draw a number from 0 to n - 1 as ``rng.choice`` does, and faster.

    Args:
        rng: Drawn from.
        limits: Of ``chances``.
    """
    return int(limits.searchsorted(rng.random(), side='right'))


def turned(points: np.ndarray, yaw: np.ndarray | float) -> np.ndarray:
    """Return points (..., 3) turned about z by ``yaw`` radians (broadcast)."""
    c, s = np.cos(yaw), np.sin(yaw)
    x = c * points[..., 0] - s * points[..., 1]
    y = s * points[..., 0] + c * points[..., 1]
    return np.stack([x, y, np.broadcast_to(points[..., 2], x.shape)], -1)


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
        template: np.ndarray,
        faces: np.ndarray,
        aux: float | np.ndarray = 0.0,
        cut: np.ndarray | None = None,
    ) -> None:
        """Add a shape: (V, 3) vertices, normals, template; (F, 3) faces; (V,) cut."""
        self._parts[material].append((vertices, normals, template, faces, aux, cut))

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
        centres = np.array(centres, float, ndmin=2)
        sizes = np.array(sizes, float, ndmin=2)
        turns = _STRAIGHT
        if np.ndim(yaw) or yaw:
            yaw = np.atleast_1d(yaw)
            turns = np.stack([np.cos(yaw), np.sin(yaw)], 1)
        pieces, fewest, most = shapes.pieces_of(sizes, len(centres), step)
        # boxes of as many pieces are made in one call
        for k in range(fewest, most + 1):
            rows = pieces == k if fewest < most else slice(None)
            if not len(centres[rows]):
                continue
            some = (
                centres[rows],
                sizes[rows] if len(sizes) > 1 else sizes,
                turns[rows] if len(turns) > 1 else turns,
            )
            self.add(material, *shapes.boxes(shapes.unit_box(k), *some), aux)

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
        u, v = np.asarray(u, float), np.asarray(v, float)
        axes = (tuple(map(float, axis)) for axis in (origin, along, up))
        *flat, aux = shapes.sheet(*axes, u, v, float(corners))
        self.add(material, *flat, grid_faces(len(u) - 1, len(v) - 1), aux)

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
        ring, faces = shapes.unit_cylinder(segments)
        sizes = (float(height), float(bottom), float(top))
        self.add(material, *shapes.cylinder(ring, base, *sizes), faces, aux)

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
        unit = shapes.unit_ball(detail)
        faces = grid_faces(2 * detail, detail)
        radius, cut = np.ones(unit.shape[:2]), None
        if rng is not None:
            lumps = rng.normal(0, 1, unit.shape[:2])
            # the seam: first and last column are one line, and the poles one point
            lumps[:, -1] = lumps[:, 0]
            lumps[[0, -1]] = 0
            radius = 1 + rough * np.clip(lumps, -2, 2)
            cut = rng.random(unit.shape[:2]) + holes
            cut[:, -1] = cut[:, 0]
            # far on either side of 1: the cut runs midway between two vertices
            cut = np.where(cut > 1, 1.6, 0.4).ravel()
        round_ = shapes.ball(unit, radius, centre, np.asarray(radii, float))
        self.add(material, *round_, faces, 0.0, cut)

    def meshes(
        self, yaw: float = 0.0, shift: tuple = (0, 0, 0), two_sided: bool = True
    ) -> list[Mesh]:
        """Return one mesh per material, turned about z by ``yaw``, then shifted."""
        parts = [part for group in self._parts.values() for part in group]
        rows = np.cumsum([0, *(len(part[0]) for part in parts)]).tolist()
        steps = np.cumsum([0, *(len(part[3]) for part in parts)]).tolist()
        points, normals = np.empty((rows[-1], 3)), np.empty((rows[-1], 3))
        template = np.empty((rows[-1], 3), np.float32)
        aux, cut = np.zeros(rows[-1], np.float32), np.zeros(rows[-1], np.float32)
        faces = np.empty((steps[-1], 3), np.int32)
        for n, part in enumerate(parts):
            at = slice(rows[n], rows[n + 1])
            points[at], normals[at], template[at] = part[:3]
            faces[steps[n] : steps[n + 1]] = part[3]
            aux[at] = part[4]
            if part[5] is not None:
                cut[at] = part[5]
        c, s = np.cos(yaw), np.sin(yaw)
        # a row vector times the transposed rotation
        matrix = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1.0]])
        points = (points @ matrix + shift).astype(np.float32)
        normals = (normals @ matrix.astype(np.float32)).astype(np.float32)
        out, n = [], 0
        for material, group in self._parts.items():
            first, n = n, n + len(group)
            for k in range(first, n):
                # faces count from the first vertex of their own mesh
                faces[steps[k] : steps[k + 1]] += rows[k] - rows[first]
            at = slice(rows[first], rows[n])
            out.append(
                Mesh(
                    vertices=points[at],
                    normals=normals[at],
                    faces=faces[steps[first] : steps[n]],
                    cut=cut[at],
                    material=material,
                    template=template[at],
                    aux=aux[at],
                    class_id=0,
                    two_sided=two_sided,
                )
            )
        return out
