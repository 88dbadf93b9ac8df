"""Colour of every pixel from the id buffer, with smooth edges.

All vectors are in the camera frame: x right, y down, z forward.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sapiens_mm.synth.core.jit import fast_kernel, inlined
from sapiens_mm.synth.render.lighting import Environment, Shadows
from sapiens_mm.synth.render.radiance import radiance
from sapiens_mm.synth.render.raster import ALIKE
from sapiens_mm.synth.render.view import Layer


class Surfaces(NamedTuple):
    """Geometry in camera coordinates, with the light of the surroundings.

    points, normals, template, irradiance are (V, 3) float32; aux and free (V,);
    faces (F, 3) and face_mesh (F,) int32; materials (M, ROW) float64.
    """

    points: np.ndarray
    normals: np.ndarray
    template: np.ndarray
    aux: np.ndarray
    irradiance: np.ndarray
    free: np.ndarray
    faces: np.ndarray
    face_mesh: np.ndarray
    materials: np.ndarray


class Lamps(NamedTuple):
    """The environment in camera coordinates.

    key (3,) towards the key light and key_color (3,); shadows as in ``Shadows`` with a
    matrix from camera coordinates; lobes (L, 7); sky (3, 3) is up, level, down; above
    (3,) the world's up; bright (3,) where most of the light comes from.
    """

    key: np.ndarray
    key_color: np.ndarray
    shadow: np.ndarray
    matrix: np.ndarray
    texel: float
    lobes: np.ndarray
    sky: np.ndarray
    above: np.ndarray
    bright: np.ndarray


def lamps_to_camera(
    environment: Environment,
    shadows: Shadows,
    rotation: np.ndarray,
    shift: np.ndarray,
) -> Lamps:
    """Bring the light to the camera: x -> rotation @ x + shift."""
    lobes = environment.lobes.copy()
    lobes[:, :3] = lobes[:, :3] @ rotation.T
    # camera -> world -> texels
    linear = shadows.matrix[:, :3] @ rotation.T
    offset = shadows.matrix[:, 3] - linear @ shift
    weights = lobes[:, 3:6].sum(1)
    bright = (weights[:, None] * lobes[:, :3]).sum(0) + 0.5 * rotation[:, 2]
    return Lamps(
        key=rotation @ environment.key_direction,
        key_color=np.asarray(environment.key_color, np.float64),
        shadow=shadows.depth,
        matrix=np.concatenate([linear, offset[:, None]], 1),
        texel=float(shadows.texel),
        lobes=lobes,
        sky=np.stack([environment.up, environment.level, environment.down]),
        above=np.ascontiguousarray(rotation[:, 2]),
        bright=bright / max(np.linalg.norm(bright), 1e-9),
    )


@inlined
def _share_out(face_mesh, faces, depths, weights):
    """Give each quarter of a pixel to the sample that is shaded for it.

    Args:
        face_mesh: (F,) mesh of each face.
        faces: (5,) faces seen at the quarter points and, last, at the centre; or -1.
        depths: (5,) metres.
        weights: (5,) becomes the share of the pixel that each sample stands for.
    """
    weights[4] = 0
    for q in range(4):
        weights[q] = 0
        if faces[q] < 0:
            continue
        # the centre first, then the quarters before this one, else itself
        for p in range(4, -1, -1):
            if p < 4 and (p > q or (p < q and weights[p] == 0)):
                continue
            if faces[p] < 0 or face_mesh[faces[p]] != face_mesh[faces[q]]:
                continue
            if abs(depths[p] - depths[q]) < ALIKE * depths[q]:
                weights[p] += 0.25
                break


def shade(
    table: np.ndarray,
    s: Surfaces,
    lamps: Lamps,
    layer: Layer,
    image: np.ndarray,
    normals: np.ndarray,
) -> None:
    """Colour a layer; edges get the mean of the finer buffer's four samples.

    Args:
        table: Of ``noise_table``.
        s: The stage.
        lamps: Its light.
        layer: Which faces are seen where.
        image: (H, W, 3) float32 linear RGB times coverage, changed in place.
        normals: (H, W, 3) float32 bumped camera-frame normals at the centres, changed
            in place; (0, 0, 3) for none.
    """
    _shade(table, s, lamps, layer, image, normals, np.full(5, -1), np.zeros((3, 12)))


@fast_kernel
def _shade(table, s, lamps, layer, image, normals, faces, scratch):
    """Do what ``shade`` says; ``faces`` (5,) int64 and ``scratch`` (3, 12) are free."""
    ids, depth, edges, camera = layer.ids, layer.depth, layer.edges, layer.camera
    fine_ids, fine_depth = layer.fine_ids, layer.fine_depth
    height, width = ids.shape
    fx, fy, cx, cy = camera[0], camera[1], camera[2], camera[3]
    fine, keep = edges.shape[0] > 0, normals.shape[0] > 0
    depths, weights, work = scratch[0], scratch[1], scratch[2]
    for y in range(height):
        for x in range(width):
            faces[4] = ids[y, x]
            split = fine and edges[y, x]
            if split:
                depths[4] = depth[y, x]
                for q in range(4):
                    # the four samples of the finer buffer, two rows of two
                    v, u = 2 * y + (q >> 1), 2 * x + (q & 1)
                    faces[q], depths[q] = fine_ids[v, u], fine_depth[v, u]
                _share_out(s.face_mesh, faces, depths, weights)
            else:
                weights[4] = 1
            for q in range(0 if split else 4, 5):
                f = faces[q]
                if f < 0 or (weights[q] == 0 and not (q == 4 and keep)):
                    continue
                rx, ry = (x - cx) / fx, (y - cy) / fy
                if q < 4:
                    # a quarter of a pixel each way, where the finer buffer has its
                    # centres
                    rx += (0.5 * (q & 1) - 0.25) / fx
                    ry += (0.5 * (q >> 1) - 0.25) / fy
                radiance(table, s, lamps, f, rx, ry, 1 / fx, work)
                for p in range(3):
                    image[y, x, p] += weights[q] * work[p]
                    if q == 4 and keep:
                        normals[y, x, p] = work[3 + p]
