"""Meshes joined into arrays, as the kernels read them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sapiens_mm.synth.core.mesh import Mesh, pack


class Geometry(NamedTuple):
    """Meshes joined into one, as the kernels read them.

    Attributes:
        points: (V, 3) float32, world, metres.
        normals: (V, 3) float32, world.
        template: (V, 3) float32.
        aux: (V,) float32.
        cut: (V,) float32.
        ids: (V,) int32 vertex of the body's template, -1 where there is none.
        vertex_mesh: (V,) int32, which mesh.
        faces: (F, 3) int32.
        face_mesh: (F,) int32, which mesh.
        materials: (M, ROW) float64, one per mesh.
        classes: (M,) int32; see ``Mesh.class_id``.
        persons: (M,) int32.
        one_sided: (M,) bool.
    """

    points: np.ndarray
    normals: np.ndarray
    template: np.ndarray
    aux: np.ndarray
    cut: np.ndarray
    ids: np.ndarray
    vertex_mesh: np.ndarray
    faces: np.ndarray
    face_mesh: np.ndarray
    materials: np.ndarray
    classes: np.ndarray
    persons: np.ndarray
    one_sided: np.ndarray


class Triangles(NamedTuple):
    """What ``raster`` draws.

    points is (V, 3) float32 in the camera frame: x right, y down, z forward, metres;
    faces (F, 3) int32; cut (V,) float32, see ``Mesh``; face_mesh (F,) int32; one_sided
    (M,) bool, the backs of these meshes are not drawn.
    """

    points: np.ndarray
    faces: np.ndarray
    cut: np.ndarray
    face_mesh: np.ndarray
    one_sided: np.ndarray


def join(meshes: list[Mesh]) -> Geometry:
    """Join meshes; mesh m of the list is mesh m of the result."""
    sizes = [len(m.vertices) for m in meshes]
    counts = [len(m.faces) for m in meshes]
    number = np.arange(len(meshes), dtype=np.int32)
    faces = np.empty((sum(counts), 3), np.int32)
    # -1, no vertex of the body
    ids = np.full(sum(sizes), -1, np.int32)
    vertex = face = 0
    for m, size, count in zip(meshes, sizes, counts, strict=True):
        np.add(m.faces, vertex, out=faces[face : face + count], casting='same_kind')
        if m.ids is not None:
            ids[vertex : vertex + size] = m.ids
        vertex, face = vertex + size, face + count

    def stack(arrays: list, *width: int) -> np.ndarray:
        # an empty one first: concatenate refuses an empty list
        parts = [np.zeros((0, *width), np.float32), *arrays]
        return np.concatenate(parts, dtype=np.float32, casting='same_kind')

    return Geometry(
        points=stack([m.vertices for m in meshes], 3),
        normals=stack([m.normals for m in meshes], 3),
        template=stack([m.template for m in meshes], 3),
        aux=stack([m.aux for m in meshes]),
        cut=stack([m.cut for m in meshes]),
        ids=ids,
        vertex_mesh=np.repeat(number, sizes),
        faces=faces,
        face_mesh=np.repeat(number, counts),
        materials=pack([m.material for m in meshes]),
        classes=np.array([m.class_id for m in meshes], np.int32),
        persons=np.array([m.person for m in meshes], np.int32),
        one_sided=np.array([not m.two_sided for m in meshes], np.bool_),
    )
