"""Layers of a picture: people over what is behind them, in linear light."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import cv2
import numpy as np

from sapiens_mm.synth.background import Backdrop, defocus, draw_sky
from sapiens_mm.synth.camera import Camera
from sapiens_mm.synth.lighting import Environment, Shadows, bake, cast_shadows
from sapiens_mm.synth.mesh import Mesh
from sapiens_mm.synth.raster import (
    EVERYWHERE,
    TILE,
    Geometry,
    find_edges,
    join,
    raster,
)
from sapiens_mm.synth.shade import Surfaces, lamps_to_camera, shade, to_camera
from sapiens_mm.synth.textures import EMITTER, FOLIAGE, WINDOW, noise_table

_LOCAL = threading.local()


@dataclass(frozen=True)
class Stage:
    """All meshes of a scene, joined: people and their seats before what is behind.

    Attributes:
        geometry: Everything.
        front: Faces of people and seats: the first so many.
        front_vertices: Their vertices.
        hides: (F,) bool, large faces that hide the surroundings: drawn as triangles.
        dots: (V,) bool, vertices that hide them and lie close together.
        casts: (F,) bool, faces that throw shadows.
    """

    geometry: Geometry
    front: int
    front_vertices: int
    hides: np.ndarray
    dots: np.ndarray
    casts: np.ndarray


def set_stage(people: list[Mesh], seats: list[Mesh], backdrop: Backdrop) -> Stage:
    """Join the meshes of a scene."""
    groups = [people, seats, backdrop.things, backdrop.shell]
    geometry = join([mesh for group in groups for mesh in group])
    faces = np.cumsum([sum(len(m.faces) for m in group) for group in groups])
    vertices = np.cumsum([sum(len(m.vertices) for m in group) for group in groups])
    number = np.arange(len(geometry.faces))
    leafy = geometry.materials[:, 0] == FOLIAGE
    dots = leafy[geometry.vertex_mesh]
    dots[: vertices[0]] = True
    bright = np.isin(geometry.materials[:, 0], (WINDOW, EMITTER))
    hides = (number >= faces[0]) & (number < faces[2]) & ~leafy[geometry.face_mesh]
    return Stage(
        geometry=geometry,
        front=int(faces[1]),
        front_vertices=int(vertices[1]),
        hides=hides,
        dots=dots,
        casts=(number < faces[2]) & ~bright[geometry.face_mesh],
    )


@dataclass(frozen=True)
class Lit:
    """A stage with its light, in camera coordinates."""

    surfaces: Surfaces
    environment: Environment
    shadows: Shadows


def light_stage(stage: Stage, camera: Camera, environment: Environment) -> Lit:
    """Compute what light reaches the vertices, and the shadows of the key light."""
    geometry = stage.geometry
    centre, radius, needed = _interest(stage, camera)
    away = np.linalg.norm(geometry.points - centre, axis=1)
    front = np.arange(len(away)) < stage.front_vertices
    near = away < radius + 1
    hides = stage.hides & _touching(geometry, near)
    # a crowd and a small picture need fewer directions
    count = 28 if int(needed.sum()) > 120_000 or camera.size_hw[0] < 640 else 40
    irradiance, free = bake(
        geometry,
        hides,
        stage.dots & near,
        needed & (front | near),
        environment,
        centre,
        radius,
        count,
    )
    _light_back(
        stage, environment, centre, radius, away, irradiance, free, (count + 4) // 2
    )
    # a low sun throws long shadows; in rooms, lamps may hang behind the furniture
    reach = 3 * radius + 2 if environment.outdoor else radius + 0.6
    casts = stage.casts & _touching(geometry, away < reach)
    # shadows fall beyond the people, on ground and walls
    shadows = cast_shadows(geometry, casts, environment, centre, 1.4 * radius, 1200)
    surfaces = to_camera(geometry, irradiance, free, camera.rotation, camera.shift)
    return Lit(surfaces, environment, shadows)


def _touching(geometry: Geometry, rows: np.ndarray) -> np.ndarray:
    """Return (F,) bool, which faces have a corner among the vertices (V,) bool."""
    a, b, c = geometry.faces.T
    return rows[a] | rows[b] | rows[c]


def _light_back(
    stage: Stage,
    environment: Environment,
    centre: np.ndarray,
    radius: float,
    away: np.ndarray,
    irradiance: np.ndarray,
    free: np.ndarray,
    count: int,
) -> None:
    """Light what is behind people, coarsely: furniture shades walls, and so on.

    Args:
        stage: All meshes.
        environment: The light.
        centre: (3,) middle of the people, metres.
        radius: Of them.
        away: (V,) distance from there.
        irradiance: (V, 3), changed in place where less light arrives.
        free: (V,), changed in place.
        count: Directions.
    """
    geometry = stage.geometry
    wide = radius + (9.0 if environment.outdoor else 3.5)
    back = np.arange(len(away)) >= stage.front_vertices
    hides = stage.hides & _touching(geometry, away < wide)
    dots = stage.dots & (np.arange(len(away)) % 3 == 0)
    light, share = bake(
        geometry, hides, dots, back, environment, centre, wide, count, 128
    )
    # near people the finer light stands
    rows = back & (free == 0)
    irradiance[rows] = light[rows]
    free[rows] = share[rows]


def _interest(stage: Stage, camera: Camera) -> tuple[np.ndarray, float, np.ndarray]:
    """Return the middle and radius of the people in view, and which vertices matter."""
    points = stage.geometry.points
    turn = camera.rotation.T.astype(np.float32)
    seen = points[: stage.front_vertices] @ turn + camera.shift.astype(np.float32)
    height, width = camera.size_hw
    # half of the picture, in slopes, and a margin
    half = (0.5 * np.array([width, height]) + 0.06 * height) / camera.intrinsics[0, 0]
    depth = seen[:, 2]
    inside = (np.abs(seen[:, 0]) < half[0] * depth) & (depth > 0)
    inside &= np.abs(seen[:, 1]) < half[1] * depth
    needed = np.ones(len(points), bool)
    needed[: stage.front_vertices] = inside & (
        stage.geometry.cut[: stage.front_vertices] < 2
    )
    shown = points[: stage.front_vertices][inside]
    if not len(shown):
        shown = points[: max(stage.front_vertices, 1)]
    low, high = shown.min(0).astype(float), shown.max(0).astype(float)
    return 0.5 * (low + high), 0.5 * float(np.linalg.norm(high - low)) + 0.08, needed


def _buffers(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return emptied depth and id buffers, kept from call to call."""
    cache = _LOCAL.__dict__.setdefault('buffers', {})
    if (height, width) not in cache:
        cache.clear() if len(cache) > 4 else None
        shape = (height, width)
        cache[shape] = np.empty(shape, np.float32), np.empty(shape, np.int32)
    depth, ids = cache[height, width]
    depth.fill(np.inf)
    ids.fill(-1)
    return depth, ids


def _draw(
    lit: Lit,
    stage: Stage,
    faces: slice,
    camera: np.ndarray,
    size_hw: tuple[int, int],
    hidden: np.ndarray | None = None,
    tiles: np.ndarray = EVERYWHERE,
) -> tuple[np.ndarray, np.ndarray]:
    """Return depth and ids of some faces; ids count from the first of them."""
    depth, ids = _buffers(*size_hw)
    if hidden is not None:
        depth[hidden] = 0
    s, g = lit.surfaces, stage.geometry
    raster(
        s.points,
        g.faces[faces],
        g.cut,
        g.face_mesh[faces],
        g.one_sided,
        camera,
        tiles,
        depth,
        ids,
    )
    return depth, ids


def _draw_edges(
    lit: Lit,
    stage: Stage,
    faces: slice,
    camera: Camera,
    scale: float,
    depth: np.ndarray,
    ids: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return edges (h, w) bool, and depth and ids (2h, 2w) that are whole there."""
    height, width = ids.shape
    edges = np.zeros((height, width), bool)
    tiles = np.zeros((-(-2 * height // TILE), -(-2 * width // TILE)), bool)
    find_edges(ids, depth, stage.geometry.face_mesh[faces], edges, tiles)
    place = camera.scaled(2 * scale)
    fine = _draw(lit, stage, faces, place, (2 * height, 2 * width), tiles=tiles)
    return edges, *fine


@dataclass(frozen=True)
class People:
    """The layer of people and their seats.

    Attributes:
        ids: (H, W) int32 faces at the pixels' centres, -1 for none.
        depth: (H, W) float32 metres, infinite where nobody is.
        image: (H, W, 3) float32 linear RGB times ``cover``.
        cover: (H, W) float32, 0 to 1.
        normals: (H, W, 3) float32 with bumps, camera frame x right, y down, z forward.
    """

    ids: np.ndarray
    depth: np.ndarray
    image: np.ndarray
    cover: np.ndarray
    normals: np.ndarray


def draw_people(stage: Stage, lit: Lit, camera: Camera) -> People:
    """Draw people and seats, with smooth edges."""
    height, width = camera.size_hw
    faces = slice(0, stage.front)
    depth, ids = _draw(lit, stage, faces, camera.scaled(1), camera.size_hw)
    edges, fine_depth, fine_ids = _draw_edges(lit, stage, faces, camera, 1, depth, ids)
    image = np.zeros((height, width, 3), np.float32)
    cover = np.zeros((height, width), np.float32)
    normals = np.zeros((height, width, 3), np.float32)
    lamps = lamps_to_camera(lit.environment, lit.shadows, camera.rotation, camera.shift)
    shade(
        noise_table(),
        lit.surfaces,
        lamps,
        ids,
        depth,
        edges,
        fine_ids,
        fine_depth,
        camera.scaled(1),
        image,
        cover,
        normals,
    )
    return People(ids.copy(), depth.copy(), image, cover, normals)


def draw_backdrop(
    stage: Stage, lit: Lit, camera: Camera, backdrop: Backdrop, cover: np.ndarray
) -> np.ndarray:
    """Return the picture without people, (H, W, 3) float32 linear RGB.

    Args:
        stage: All meshes.
        lit: Their light.
        camera: The camera.
        backdrop: What is behind people.
        cover: (H, W) float32; what lies well within 1 is not drawn.
    """
    height, width = camera.size_hw
    # lenses are not sharp to the pixel, and a blurred picture needs fewer
    scale = 0.75 if backdrop.blur < 3 else (0.5 if backdrop.blur < 7 else 0.375)
    size_hw = (round(height * scale), round(width * scale))
    image = np.zeros((*size_hw, 3), np.float32)
    hidden = _well_inside(cover, size_hw, backdrop.blur * scale)
    sharp = backdrop.blur < 3 and backdrop.picture is None
    depth, cover = _shade_back(stage, lit, camera, scale, image, hidden, sharp)
    cover[hidden] = 1
    if backdrop.picture is not None:
        clean = _without_shadows(stage, lit)
        bare = np.zeros_like(image)
        _shade_back(stage, clean, camera, scale, bare, hidden)
        share = np.where(bare > 0, image / np.maximum(bare, 1e-6), 1)
        share = cv2.resize(share, (width, height), interpolation=cv2.INTER_LINEAR)
        far = np.full((height, width), np.inf, np.float32)
        picture = defocus(backdrop.picture, far, backdrop.focus, 0.5 * backdrop.blur)
        return picture * share.astype(np.float32)
    draw_sky(image, cover, camera, scale, lit.environment, backdrop.seed)
    # lights may be a hundred times as bright as walls; a sensor clips them
    np.minimum(image, 12, out=image)
    image = defocus(image, depth, backdrop.focus, backdrop.blur * scale)
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)


def _well_inside(cover: np.ndarray, size_hw: tuple, blur: float) -> np.ndarray:
    """Return the pixels (h, w) bool that people hide even after blurring."""
    height, width = size_hw
    full = (cover >= 1).astype(np.uint8)
    full = cv2.resize(full, (width, height), interpolation=cv2.INTER_NEAREST)
    reach = 2 * int(np.ceil(1.2 * blur) + 2) + 1
    kernel = np.ones((reach, reach), np.uint8)
    return cv2.erode(full, kernel, borderValue=1) > 0


def _shade_back(
    stage: Stage,
    lit: Lit,
    camera: Camera,
    scale: float,
    image: np.ndarray,
    hidden: np.ndarray,
    sharp: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Colour everything but people into ``image``; return its depth and cover."""
    place = camera.scaled(scale)
    faces = slice(stage.front, None)
    depth, ids = _draw(lit, stage, faces, place, image.shape[:2], hidden)
    cover = np.zeros(image.shape[:2], np.float32)
    edges, fine_depth, fine_ids = EVERYWHERE, np.zeros_like(depth[:0]), ids[:0]
    if sharp:
        found = _draw_edges(lit, stage, faces, camera, scale, depth, ids)
        edges, fine_depth, fine_ids = found
        fine_ids[fine_ids >= 0] += stage.front
    ids[ids >= 0] += stage.front
    lamps = lamps_to_camera(lit.environment, lit.shadows, camera.rotation, camera.shift)
    shade(
        noise_table(),
        lit.surfaces,
        lamps,
        ids,
        depth,
        edges,
        fine_ids,
        fine_depth,
        place,
        image,
        cover,
        np.zeros((0, 0, 3), np.float32),
    )
    return depth, cover


def _without_shadows(stage: Stage, lit: Lit) -> Lit:
    """Return the light as if nobody were there."""
    surfaces, shadows = lit.surfaces, lit.shadows
    open_sky = np.maximum(surfaces.free, 0.05)
    surfaces = surfaces._replace(
        irradiance=(surfaces.irradiance / open_sky[:, None]).astype(np.float32),
        free=np.ones_like(surfaces.free),
    )
    return Lit(
        surfaces,
        lit.environment,
        shadows._replace(depth=np.full_like(shadows.depth, np.inf)),
    )
