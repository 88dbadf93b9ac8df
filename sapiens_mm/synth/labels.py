"""Class, person, depth and normal of every pixel, all from one id buffer."""

from __future__ import annotations

import numpy as np

from sapiens_mm.synth.jit import kernel
from sapiens_mm.synth.mesh import BODY_PARTS
from sapiens_mm.synth.raster import Geometry, ray_weights

UPPER_LIP, LOWER_LIP, FACE = 24, 23, 2


def label_maps(
    geometry: Geometry,
    points: np.ndarray,
    normals: np.ndarray,
    part_weights: np.ndarray,
    part_classes: np.ndarray,
    lips: np.ndarray,
    camera: np.ndarray,
    ids: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read the labels off an id buffer of people.

    Args:
        geometry: What was drawn.
        points: (V, 3) float32, camera frame: x right, y down, z forward.
        normals: (V, 3) float32, camera frame.
        part_weights: (Vb, P) float32 of the body's template.
        part_classes: (P,) class of each part.
        lips: (Vb, 2) float32 of the body's template: above 0.5 on a lip; above 0 on
            the lower one.
        camera: (4,) float64 fx, fy, cx, cy.
        ids: (H, W) int32, face of each pixel or -1.

    Returns:
        (H, W) uint8 classes, (H, W) uint8 persons and (H, W, 3) float32 unit normals
        towards the camera, with x right, y up, z towards the camera; zeros where
        nobody is. Things that are no person are not labelled.
    """
    height, width = ids.shape
    classes = np.zeros((height, width), np.uint8)
    persons = np.zeros((height, width), np.uint8)
    out = np.zeros((height, width, 3), np.float32)
    _labels(
        points,
        normals,
        geometry.faces,
        geometry.face_mesh,
        geometry.classes,
        geometry.persons,
        geometry.ids,
        part_weights,
        np.asarray(part_classes, np.int32),
        lips,
        np.asarray(camera, np.float64),
        ids,
        classes,
        persons,
        out,
    )
    return classes, persons, out


def outward_frame(normals: np.ndarray) -> np.ndarray:
    """Turn camera normals (x right, y down, z forward) into the stored frame."""
    return normals * np.array([1, -1, -1], np.float32)


@kernel
def _part_of(face, a, b, c, faces, ids, part_weights, part_classes, lips):
    """Class of a point of skin from the part weights of the corners."""
    i, j, k = ids[faces[face, 0]], ids[faces[face, 1]], ids[faces[face, 2]]
    best, part = np.float64(-1), 0
    for p in range(part_weights.shape[1]):
        w = a * part_weights[i, p] + b * part_weights[j, p] + c * part_weights[k, p]
        if w > best:
            best, part = w, p
    found = part_classes[part]
    if found == FACE and a * lips[i, 0] + b * lips[j, 0] + c * lips[k, 0] > 0.5:
        lower = a * lips[i, 1] + b * lips[j, 1] + c * lips[k, 1] > 0
        found = LOWER_LIP if lower else UPPER_LIP
    return found


@kernel
def _labels(
    points,
    normals,
    faces,
    face_mesh,
    mesh_class,
    mesh_person,
    body_ids,
    part_weights,
    part_classes,
    lips,
    camera,
    ids,
    classes,
    persons,
    out,
):
    height, width = ids.shape
    fx, fy, cx, cy = camera[0], camera[1], camera[2], camera[3]
    for y in range(height):
        for x in range(width):
            f = ids[y, x]
            if f < 0 or mesh_class[face_mesh[f]] == 0:
                continue
            i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
            rx, ry = (x - cx) / fx, (y - cy) / fy
            a, b, c = ray_weights(points[i], points[j], points[k], rx, ry)
            z = 1.0 / (a + b + c)
            a *= z
            b *= z
            c *= z
            mesh = face_mesh[f]
            found = mesh_class[mesh]
            if found == BODY_PARTS:
                found = _part_of(
                    f, a, b, c, faces, body_ids, part_weights, part_classes, lips
                )
            classes[y, x] = found
            persons[y, x] = mesh_person[mesh]
            nx = a * normals[i, 0] + b * normals[j, 0] + c * normals[k, 0]
            ny = a * normals[i, 1] + b * normals[j, 1] + c * normals[k, 1]
            nz = a * normals[i, 2] + b * normals[j, 2] + c * normals[k, 2]
            # the side that is seen: that of the triangle's own plane
            ex = points[j, 0] - points[i, 0]
            ey = points[j, 1] - points[i, 1]
            ez = points[j, 2] - points[i, 2]
            gx = points[k, 0] - points[i, 0]
            gy = points[k, 1] - points[i, 1]
            gz = points[k, 2] - points[i, 2]
            front = (ey * gz - ez * gy) * rx + (ez * gx - ex * gz) * ry
            front += ex * gy - ey * gx
            length = 1.0 / np.sqrt(nx * nx + ny * ny + nz * nz + 1e-30)
            if front > 0:
                length = -length
            out[y, x, 0] = nx * length
            out[y, x, 1] = -ny * length
            out[y, x, 2] = -nz * length
