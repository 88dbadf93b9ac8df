"""Class, person, depth and normal of every pixel, all from one id buffer."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sapiens_mm.synth.core.camera import Camera
from sapiens_mm.synth.core.jit import kernel, lean_kernel
from sapiens_mm.synth.core.mesh import BODY_PARTS
from sapiens_mm.synth.render.geometry import Geometry
from sapiens_mm.synth.render.raster import ray_weights
from sapiens_mm.tables.body_parts import PART_IDS_28

UPPER_LIP, LOWER_LIP = PART_IDS_28['Upper_Lip'], PART_IDS_28['Lower_Lip']
FACE = PART_IDS_28['Face_Neck']


class SkinParts(NamedTuple):
    """What tells the class of a point of bare skin.

    Of each of the Vb vertices of the body's template: weights (Vb, P) float32, the
    share of each part; lips (Vb, 2) float32, above 0.5 on a lip, and above 0 on the
    lower one. classes (P,) int32 is the class of each part.
    """

    weights: np.ndarray
    classes: np.ndarray
    lips: np.ndarray


class LabelMaps(NamedTuple):
    """Labels of all pixels.

    classes and persons are (H, W) uint8; normals (H, W, 3) float32 unit vectors towards
    the camera, with x right, y up, z towards the camera; zeros where nobody is. Things
    that are no person are not labelled.
    """

    classes: np.ndarray
    persons: np.ndarray
    normals: np.ndarray


def label_maps(
    geometry: Geometry,
    points: np.ndarray,
    normals: np.ndarray,
    parts: SkinParts,
    camera: np.ndarray,
    ids: np.ndarray,
) -> LabelMaps:
    """Read the labels off an id buffer of people.

    Args:
        geometry: What was drawn.
        points: (V, 3) float32, camera frame: x right, y down, z forward.
        normals: (V, 3) float32, camera frame.
        parts: Of the body's template.
        camera: (4,) float64 fx, fy, cx, cy.
        ids: (H, W) int32, face of each pixel or -1.
    """
    height, width = ids.shape
    maps = LabelMaps(
        np.zeros((height, width), np.uint8),
        np.zeros((height, width), np.uint8),
        np.zeros((height, width, 3), np.float32),
    )
    _labels(geometry, points, normals, parts, np.asarray(camera, np.float64), ids, maps)
    return maps


@kernel
def outward_frame(normals, people):
    """Turn camera normals (x right, y down, z forward) into the stored frame.

    Args:
        normals: (H, W, 3) float32.
        people: (H, W) bool.

    Returns:
        (H, W, 3) float32, x right, y up, z towards the camera; zeros elsewhere.
    """
    out = np.zeros(normals.shape, np.float32)
    for y in range(normals.shape[0]):
        for x in range(normals.shape[1]):
            if people[y, x]:
                out[y, x, 0] = normals[y, x, 0]
                out[y, x, 1] = -normals[y, x, 1]
                out[y, x, 2] = -normals[y, x, 2]
    return out


@kernel
def visible_boxes(instances, count):
    """Return the boxes of all persons' pixels.

    Args:
        instances: (H, W) uint8, the person's number, 1 to ``count``, or 0.
        count: Persons.

    Returns:
        (count, 4) int64 left, top, right, bottom, the last two exclusive; left is not
        less than right where a person has no pixel.
    """
    height, width = instances.shape
    boxes = np.zeros((count, 4), np.int64)
    boxes[:, 0], boxes[:, 1] = width, height
    for y in range(height):
        for x in range(width):
            if instances[y, x] > 0:
                box = boxes[instances[y, x] - 1]
                box[0], box[1] = min(box[0], x), min(box[1], y)
                # one past the last pixel, as x2 and y2 are
                box[2], box[3] = max(box[2], x + 1), max(box[3], y + 1)
    return boxes


def whole_boxes(geometry: Geometry, camera: Camera, count: int) -> np.ndarray:
    """Return the boxes of all that is before the camera of persons 1 to ``count``.

    Returns:
        (count, 4) float64 left, top, right, bottom, the last two exclusive, pixels.
    """
    lens = camera.intrinsics @ np.column_stack([camera.rotation, camera.shift])
    persons = geometry.persons[geometry.vertex_mesh]
    return _whole_boxes(geometry.points, geometry.cut, persons, lens, count)


@kernel
def _whole_boxes(points, cut, persons, lens, count):
    boxes = np.empty((count, 4))
    boxes[:, :2], boxes[:, 2:] = np.inf, -np.inf
    for n in range(len(points)):
        # what is cut away is no part of anybody
        if persons[n] == 0 or cut[n] >= 1:
            continue
        x, y, z = points[n, 0], points[n, 1], points[n, 2]
        depth = lens[2, 0] * x + lens[2, 1] * y + lens[2, 2] * z + lens[2, 3]
        # behind or in the lens there is no place in the image
        if depth <= 0.05:
            continue
        u = (lens[0, 0] * x + lens[0, 1] * y + lens[0, 2] * z + lens[0, 3]) / depth
        v = (lens[1, 0] * x + lens[1, 1] * y + lens[1, 2] * z + lens[1, 3]) / depth
        box = boxes[persons[n] - 1]
        box[0], box[1] = min(box[0], u), min(box[1], v)
        box[2], box[3] = max(box[2], u + 1), max(box[3], v + 1)
    return boxes


@lean_kernel
def _part_of(corners, a, b, c, parts):
    """Class of a point of skin from the part weights of the corners.

    Args:
        corners: Three template vertices.
        a: Weight of the first corner; ``b`` and ``c`` are those of the others.
        b: See ``a``.
        c: See ``a``.
        parts: ``SkinParts``.
    """
    i, j, k = corners
    weights, lips = parts.weights, parts.lips
    best, part = np.float64(-1), 0
    for p in range(weights.shape[1]):
        w = a * weights[i, p] + b * weights[j, p] + c * weights[k, p]
        if w > best:
            best, part = w, p
    found = parts.classes[part]
    if found == FACE and a * lips[i, 0] + b * lips[j, 0] + c * lips[k, 0] > 0.5:
        lower = a * lips[i, 1] + b * lips[j, 1] + c * lips[k, 1] > 0
        found = LOWER_LIP if lower else UPPER_LIP
    return found


@lean_kernel
def _labels(geometry, points, normals, parts, camera, ids, maps):
    """Do what ``label_maps`` says."""
    faces, face_mesh = geometry.faces, geometry.face_mesh
    mesh_class, body = geometry.classes, geometry.ids
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
                found = _part_of((body[i], body[j], body[k]), a, b, c, parts)
            maps.classes[y, x] = found
            maps.persons[y, x] = geometry.persons[mesh]
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
            maps.normals[y, x, 0] = nx * length
            maps.normals[y, x, 1] = -ny * length
            maps.normals[y, x, 2] = -nz * length
