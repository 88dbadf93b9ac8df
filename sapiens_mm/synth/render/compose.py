"""Layers of an image: people over what is behind them, in linear light."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from sapiens_mm.synth.core.camera import Camera
from sapiens_mm.synth.core.jit import kernel
from sapiens_mm.synth.render.ambient import bake
from sapiens_mm.synth.render.background import Backdrop, defocus, draw_sky
from sapiens_mm.synth.render.lighting import Environment, Shadows, cast_shadows
from sapiens_mm.synth.render.shade import Surfaces, lamps_to_camera, shade
from sapiens_mm.synth.render.textures import noise_table
from sapiens_mm.synth.render.view import Layer, Stage, seen_corners


@dataclass(frozen=True)
class Lit:
    """A stage with its light, in camera coordinates."""

    surfaces: Surfaces
    environment: Environment
    shadows: Shadows


def light_stage(
    stage: Stage, camera: Camera, environment: Environment, layers: tuple[Layer, ...]
) -> Lit:
    """Compute the light on all vertices that matter, and the key light's shadows.

    Args:
        stage: All meshes.
        camera: The camera.
        environment: The light.
        layers: What the image shows of the stage; nothing else is lit.
    """
    geometry = stage.geometry
    centre, radius, crowd = _interest(stage, camera)
    away = _distances(geometry.points, centre)
    seen = seen_corners(stage, layers)
    # a crowd and a small image need fewer directions
    count = 28 if crowd or camera.size_hw[0] < 640 else 40
    irradiance, free = _surroundings(
        stage, seen, away, environment, (centre, radius), count
    )
    # a low sun throws long shadows; in rooms, lamps may hang behind the furniture
    reach = 3 * radius + 2 if environment.outdoor else radius + 0.6
    casts = _touching(geometry.faces, stage.casts, away < reach)
    # shadows fall beyond the people, on ground and walls
    shadows = cast_shadows(geometry, casts, environment, centre, 1.4 * radius, 1200)
    surfaces = Surfaces(
        points=stage.points,
        normals=stage.normals,
        template=geometry.template,
        aux=geometry.aux,
        irradiance=irradiance,
        free=free,
        faces=geometry.faces,
        face_mesh=geometry.face_mesh,
        materials=geometry.materials,
    )
    return Lit(surfaces, environment, shadows)


def _surroundings(
    stage: Stage,
    seen: np.ndarray,
    away: np.ndarray,
    environment: Environment,
    ball: tuple[np.ndarray, float],
    count: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Bake the light of the surroundings, finely near people and coarsely elsewhere.

    Args:
        stage: All meshes.
        seen: (V,) bool, vertices that the image shows.
        away: (V,) metres from the middle of the people.
        environment: The light.
        ball: Middle (3,) and radius of the people, metres.
        count: Directions for the fine part.

    Returns:
        Irradiance (V, 3) and the open share (V,), as ``bake``.
    """
    geometry, (centre, radius) = stage.geometry, ball
    front = np.arange(len(away)) < stage.front_vertices
    near = away < radius + 1
    irradiance, free = bake(
        geometry,
        _touching(geometry.faces, stage.hides, near),
        stage.dots & near,
        seen & (front | near),
        environment,
        centre,
        radius,
        count,
    )
    # what is behind people is lit coarsely; near them the finer light stands
    wide = radius + (9.0 if environment.outdoor else 3.5)
    rows = seen & ~front & (free == 0)
    light, share = bake(
        geometry,
        _touching(geometry.faces, stage.hides, away < wide),
        # leaves and grass lie close together: a third of their dots hides as much
        stage.dots & (np.arange(len(away)) % 3 == 0),
        rows,
        environment,
        centre,
        wide,
        (count + 4) // 2,
        128,
    )
    irradiance[rows] = light[rows]
    free[rows] = share[rows]
    return irradiance, free


@kernel
def _distances(points, centre):
    """Return the distances (V,) float64 of points (V, 3) from a point (3,)."""
    away = np.empty(len(points))
    for n in range(len(points)):
        x, y, z = (
            points[n, 0] - centre[0],
            points[n, 1] - centre[1],
            points[n, 2] - centre[2],
        )
        away[n] = np.sqrt(x * x + y * y + z * z)
    return away


@kernel
def _touching(faces, wanted, rows):
    """Return (F,) bool, which wanted faces have a corner among the vertices ``rows``.

    Args:
        faces: (F, 3) int32.
        wanted: (F,) bool.
        rows: (V,) bool.
    """
    out = np.zeros(len(faces), np.bool_)
    for f in range(len(faces)):
        if wanted[f]:
            out[f] = rows[faces[f, 0]] or rows[faces[f, 1]] or rows[faces[f, 2]]
    return out


def _interest(stage: Stage, camera: Camera) -> tuple[np.ndarray, float, bool]:
    """Return middle and radius of the people in view, and whether they are a crowd."""
    world = stage.geometry.points[: max(stage.front_vertices, 1)]
    height, width = camera.size_hw
    # half of the image, in slopes, and a margin
    half = (0.5 * np.array([width, height]) + 0.06 * height) / camera.intrinsics[0, 0]
    # the people in view alone: one far aside would coarsen the light for all
    low, high, inside = _box_in_view(world, stage.points, *half)
    if not inside:
        low, high, _ = _box_in_view(world, stage.points, np.inf, np.inf)
    crowd = inside + len(stage.points) - stage.front_vertices > 120_000
    return 0.5 * (low + high), 0.5 * float(np.linalg.norm(high - low)) + 0.08, crowd


@kernel
def _box_in_view(world, seen, across, down):
    """Return the box of the points within a view, and how many they are.

    Args:
        world: (N, 3) float32.
        seen: (N or more, 3) float32, the same in the camera frame.
        across: Half of the view, as a slope; infinite for all points.
        down: Likewise.
    """
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    count = 0
    for n in range(len(world)):
        x, y, z = seen[n, 0], seen[n, 1], seen[n, 2]
        if across < np.inf and not (
            z > 0 and abs(x) < across * z and abs(y) < down * z
        ):
            continue
        count += 1
        for c in range(3):
            low[c] = min(low[c], world[n, c])
            high[c] = max(high[c], world[n, c])
    return low, high, count


def draw_people(
    lit: Lit, camera: Camera, layer: Layer
) -> tuple[np.ndarray, np.ndarray]:
    """Colour people and seats.

    Returns:
        (H, W, 3) float32 linear RGB times cover, and (H, W, 3) float32 normals with
        bumps, camera frame: x right, y down, z forward.
    """
    image = np.zeros((*layer.ids.shape, 3), np.float32)
    normals = np.zeros_like(image)
    _shade(lit, camera, layer, image, normals)
    return image, normals


def _shade(
    lit: Lit, camera: Camera, layer: Layer, image: np.ndarray, normals: np.ndarray
) -> None:
    """Colour a layer into ``image``; see ``shade``."""
    lamps = lamps_to_camera(lit.environment, lit.shadows, camera.rotation, camera.shift)
    shade(noise_table(), lit.surfaces, lamps, layer, image, normals)


def draw_backdrop(
    lit: Lit, camera: Camera, backdrop: Backdrop, layer: Layer
) -> np.ndarray:
    """Return the image without people, (H, W, 3) float32 linear RGB."""
    height, width = camera.size_hw
    scale = layer.camera[0] / camera.intrinsics[0, 0]
    image = np.zeros((*layer.ids.shape, 3), np.float32)
    none = np.zeros((0, 0, 3), np.float32)
    _shade(lit, camera, layer, image, none)
    if backdrop.image is not None:
        bare = np.zeros_like(image)
        _shade(_without_shadows(lit), camera, layer, bare, none)
        # what is not lit at all divides by nothing
        share = np.where(bare > 0, image / np.maximum(bare, 1e-6), 1)
        share = cv2.resize(share, (width, height), interpolation=cv2.INTER_LINEAR)
        far = np.full((height, width), np.inf, np.float32)
        image = defocus(backdrop.image, far, backdrop.focus, 0.5 * backdrop.blur)
        return image * share.astype(np.float32)
    draw_sky(image, layer.cover, camera, scale, lit.environment, backdrop.seed)
    # lights may be a hundred times as bright as walls; a sensor clips them
    np.minimum(image, 12, out=image)
    image = defocus(image, layer.depth, backdrop.focus, backdrop.blur * scale)
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)


def _without_shadows(lit: Lit) -> Lit:
    """Return the light as if nobody were there."""
    surfaces, shadows = lit.surfaces, lit.shadows
    # 0.05: a corner without light would be divided by nothing
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
