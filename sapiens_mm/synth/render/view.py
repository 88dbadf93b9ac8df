"""What a camera sees of a stage: the faces behind every pixel, before any light."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from sapiens_mm.synth.core.camera import Camera
from sapiens_mm.synth.core.jit import lean_kernel
from sapiens_mm.synth.core.mesh import KIND, Mesh
from sapiens_mm.synth.render.background import Backdrop
from sapiens_mm.synth.render.geometry import Geometry, Triangles, join
from sapiens_mm.synth.render.raster import EVERYWHERE, find_edges, raster
from sapiens_mm.synth.render.textures import EMITTER, FOLIAGE, WINDOW

_LOCAL = threading.local()


@dataclass(frozen=True)
class Stage:
    """All meshes of a scene, joined: people and their seats before what is behind.

    Attributes:
        geometry: Everything.
        points: (V, 3) float32, camera frame: x right, y down, z forward, metres.
        normals: (V, 3) float32, camera frame.
        front: Faces of people and seats: the first so many.
        front_vertices: Their vertices.
        hides: (F,) bool, large faces that hide the surroundings: drawn as triangles.
        dots: (V,) bool, vertices that hide them and lie close together.
        casts: (F,) bool, faces that throw shadows.
    """

    geometry: Geometry
    points: np.ndarray
    normals: np.ndarray
    front: int
    front_vertices: int
    hides: np.ndarray
    dots: np.ndarray
    casts: np.ndarray


class Layer(NamedTuple):
    """Which faces an image of a part of the stage shows; the buffers are reused.

    Attributes:
        camera: (4,) float64 fx, fy, cx, cy in pixels of the layer.
        ids: (H, W) int32 faces at the pixels' centres, -1 for none.
        depth: (H, W) float32 metres, infinite where nothing is.
        edges: (H, W) bool, which pixels are the mean of four; (0, 0) for none.
        fine_ids: (2H, 2W) int32 faces at the quarter points, right where edges are.
        fine_depth: (2H, 2W) float32, likewise.
        cover: (H, W) float32 share of each pixel that is covered.
    """

    camera: np.ndarray
    ids: np.ndarray
    depth: np.ndarray
    edges: np.ndarray
    fine_ids: np.ndarray
    fine_depth: np.ndarray
    cover: np.ndarray


def set_stage(
    people: list[Mesh], seats: list[Mesh], backdrop: Backdrop, camera: Camera
) -> Stage:
    """Join the meshes of a scene and bring them to the camera."""
    groups = [people, seats, backdrop.things, backdrop.shell]
    geometry = join([mesh for group in groups for mesh in group])
    last = np.cumsum([len(group) for group in groups])
    front = [mesh for group in groups[:2] for mesh in group]
    kinds, number = geometry.materials[:, KIND], np.arange(len(geometry.materials))
    leafy, bright = kinds == FOLIAGE, np.isin(kinds, (WINDOW, EMITTER))
    hides = (number >= last[0]) & (number < last[2]) & ~leafy
    casts = (number < last[2]) & ~bright
    turn = camera.rotation.T.astype(np.float32)
    return Stage(
        geometry=geometry,
        points=geometry.points @ turn + camera.shift.astype(np.float32),
        normals=geometry.normals @ turn,
        front=sum(len(mesh.faces) for mesh in front),
        front_vertices=sum(len(mesh.vertices) for mesh in front),
        hides=hides[geometry.face_mesh],
        dots=(leafy | (number < last[0]))[geometry.vertex_mesh],
        casts=casts[geometry.face_mesh],
    )


def see_people(stage: Stage, camera: Camera) -> Layer:
    """Find which faces of people and seats the pixels see."""
    return _see(stage, slice(0, stage.front), camera, 1.0, camera.size_hw, None, True)


def see_backdrop(
    stage: Stage, camera: Camera, backdrop: Backdrop, cover: np.ndarray
) -> Layer:
    """Find which faces of what is behind people the pixels see.

    Args:
        stage: All meshes.
        camera: The camera.
        backdrop: What is behind people.
        cover: (H, W) float32 of people; what lies well within 1 is not drawn and
            counts as covered.

    Returns:
        A layer smaller than the image.
    """
    height, width = camera.size_hw
    # lenses are not sharp to the pixel, and a blurred image needs fewer
    scale = 0.75 if backdrop.blur < 3 else (0.5 if backdrop.blur < 7 else 0.375)
    size_hw = (round(height * scale), round(width * scale))
    hidden = _well_inside(cover, size_hw, backdrop.blur * scale)
    sharp = backdrop.blur < 3 and backdrop.image is None
    faces = slice(stage.front, None)
    layer = _see(stage, faces, camera, scale, size_hw, hidden, sharp)
    layer.cover[hidden] = 1
    return layer


def _well_inside(cover: np.ndarray, size_hw: tuple, blur: float) -> np.ndarray:
    """Return the pixels (h, w) bool that people hide even after blurring."""
    height, width = size_hw
    full = (cover >= 1).astype(np.uint8)
    # nearest: a pixel is hidden or not
    full = cv2.resize(full, (width, height), interpolation=cv2.INTER_NEAREST)
    reach = 2 * int(np.ceil(1.2 * blur) + 2) + 1
    kernel = np.ones((reach, reach), np.uint8)
    # a border of 1: what lies outside of the image hides as well
    return cv2.erode(full, kernel, borderValue=1) > 0


def _buffers(name: str, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return depth and id buffers, kept from call to call, full of what was there."""
    cache = _LOCAL.__dict__.setdefault('buffers', {})
    if name not in cache or cache[name][0].shape != (height, width):
        shape = (height, width)
        cache[name] = np.empty(shape, np.float32), np.empty(shape, np.int32)
    return cache[name]


def _see(
    stage: Stage,
    faces: slice,
    camera: Camera,
    scale: float,
    size_hw: tuple[int, int],
    hidden: np.ndarray | None,
    sharp: bool,
) -> Layer:
    """Draw the ids of some faces.

    Args:
        stage: All meshes.
        faces: Which.
        camera: The camera.
        scale: Of the layer to the full image.
        size_hw: Of the layer.
        hidden: (H, W) bool, pixels that stay empty.
        sharp: Whether edges are drawn in twice the resolution.
    """
    g = stage.geometry
    which = 'front' if faces.start == 0 else 'behind'
    drawn = Triangles(
        stage.points, g.faces[faces], g.cut, g.face_mesh[faces], g.one_sided
    )
    depth, ids = _buffers(which, *size_hw)
    depth.fill(np.inf)
    ids.fill(-1)
    if hidden is not None:
        # 0 is nearer than all, so nothing is drawn there
        depth[hidden] = 0
    raster(drawn, camera.scaled(scale), EVERYWHERE, depth, ids)
    edges, fine_depth, fine_ids = EVERYWHERE, depth[:0], ids[:0]
    if sharp:
        # only edges are drawn finer, a few pixels of an image
        height, width = 2 * size_hw[0], 2 * size_hw[1]
        edges = np.zeros(size_hw, bool)
        find_edges(ids, depth, drawn.face_mesh, edges)
        fine_depth, fine_ids = _buffers(f'fine {which}', height, width)
        _empty(edges, fine_depth, fine_ids)
        raster(drawn, camera.scaled(2 * scale), edges, fine_depth, fine_ids)
    cover = np.zeros(size_hw, np.float32)
    _shift_and_cover(faces.start, ids, edges, fine_ids, cover)
    return Layer(camera.scaled(scale), ids, depth, edges, fine_ids, fine_depth, cover)


@lean_kernel
def _empty(wanted, depth, ids):
    """Empty buffers (2H, 2W) where they are wanted, (H, W) bool."""
    for y in range(depth.shape[0]):
        for x in range(depth.shape[1]):
            if wanted[y >> 1, x >> 1]:
                depth[y, x] = np.inf
                ids[y, x] = -1


@lean_kernel
def _shift_and_cover(first, ids, edges, fine_ids, cover):
    """Add ``first`` to the ids of faces; write the share of pixels that they cover."""
    sharp = edges.shape[0] > 0
    for y in range(ids.shape[0]):
        for x in range(ids.shape[1]):
            found = ids[y, x] >= 0
            if found:
                ids[y, x] += first
            if not (sharp and edges[y, x]):
                cover[y, x] = 1 if found else 0
                continue
            for q in range(4):
                v, u = 2 * y + (q >> 1), 2 * x + (q & 1)
                if fine_ids[v, u] >= 0:
                    fine_ids[v, u] += first
                    cover[y, x] += np.float32(0.25)


def seen_corners(stage: Stage, layers: tuple[Layer, ...]) -> np.ndarray:
    """Return the vertices (V,) bool of all faces that layers show."""
    seen = np.zeros(len(stage.points), bool)
    for layer in layers:
        _mark(layer.ids, layer.edges, layer.fine_ids, stage.geometry.faces, seen)
    return seen


@lean_kernel
def _mark(ids, edges, fine_ids, faces, seen):
    """Mark the corners of all faces in the buffers."""
    sharp = edges.shape[0] > 0
    last = -1
    for y in range(ids.shape[0]):
        for x in range(ids.shape[1]):
            for q in range(5 if sharp and edges[y, x] else 1):
                f = ids[y, x]
                if q > 0:
                    f = fine_ids[2 * y + ((q - 1) >> 1), 2 * x + ((q - 1) & 1)]
                # neighbours show the same face mostly
                if f >= 0 and f != last:
                    for c in range(3):
                        seen[faces[f, c]] = True
                    last = f
