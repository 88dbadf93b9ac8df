"""Label maps of shapes whose depth, normals and classes are known."""

import numpy as np
import pytest

from sapiens_mm.synth.core.mesh import BODY_PARTS, Material, make_mesh
from sapiens_mm.synth.core.shapes import grid_faces
from sapiens_mm.synth.render.geometry import Triangles, join
from sapiens_mm.synth.render.labels import SkinParts, label_maps, outward_frame
from sapiens_mm.synth.render.raster import EVERYWHERE, empty_buffers, raster

GREY = Material('skin', (0.5,) * 3, (0.5,) * 3)
HW, CAMERA = (160, 200), np.array([240.0, 240.0, 99.5, 79.5])
CENTRE, RADIUS = np.array([0.1, -0.05, 2.0]), 0.5


def ball(centre=CENTRE, radius=RADIUS, rows=40, **kwargs):
    """A ball in the camera frame whose faces turn outwards."""
    turn = np.linspace(0, 2 * np.pi, 2 * rows + 1)
    tilt = np.linspace(np.pi, 0, rows + 1)[:, None]
    unit = [np.sin(tilt) * np.cos(turn), np.sin(tilt) * np.sin(turn)]
    unit = np.stack([*unit, np.cos(tilt) + 0 * turn], -1).reshape(-1, 3)
    faces = grid_faces(2 * rows, rows)
    return make_mesh(
        unit * radius + centre,
        faces,
        GREY,
        kwargs.pop('label', 2),
        normals=unit,
        **kwargs,
    )


def maps(meshes, weights=None, classes=(2,), lips=None):
    g = join(meshes)
    depth, ids = empty_buffers(*HW)
    drawn = Triangles(g.points, g.faces, g.cut, g.face_mesh, g.one_sided)
    raster(drawn, CAMERA, EVERYWHERE, depth, ids)
    weights = np.ones((1, 1), np.float32) if weights is None else weights
    lips = np.zeros((len(weights), 2), np.float32) if lips is None else lips
    parts = SkinParts(weights, np.array(classes, np.int32), lips)
    found = label_maps(g, g.points, g.normals, parts, CAMERA, ids)
    return (*found, depth, ids)


def rays():
    y, x = np.mgrid[: HW[0], : HW[1]]
    return np.stack(
        [(x - CAMERA[2]) / CAMERA[0], (y - CAMERA[3]) / CAMERA[1], 1 + 0.0 * x], -1
    )


def test_ball_depth_and_normals_equal_the_formula():
    classes, persons, normals, depth, _ = maps([ball(person=3)])
    d = rays()
    a, b = (d * d).sum(-1), d @ CENTRE
    disc = b * b - a * (CENTRE @ CENTRE - RADIUS**2)
    hit = disc > 0
    t = (b - np.sqrt(np.maximum(disc, 0))) / a
    want = (t[..., None] * d - CENTRE) / RADIUS
    assert ((classes == 2) == hit).mean() > 0.998
    assert set(persons[classes == 2]) == {3} and persons[classes == 0].max() == 0
    both = hit & (classes == 2) & (disc > 0.02)
    np.testing.assert_allclose(depth[both], t[both], atol=3e-3)
    cosine = (outward_frame(want, hit) * normals).sum(-1)[both]
    assert np.rad2deg(np.arccos(np.clip(cosine, -1, 1))).max() < 2.5
    # the stored frame: x right, y up, z towards the camera
    assert normals[both][:, 2].min() > 0
    assert normals[hit & (classes == 2)][:, 1].max() > 0.9
    top = np.argmax(hit.any(1))
    assert normals[top + 2, 111][1] > 0.8


def test_normals_from_depth_agree_with_the_stored_ones():
    classes, _, normals, depth, _ = maps([ball(rows=60)])
    points = rays() * np.where(np.isfinite(depth), depth, 0)[..., None]
    across = points[1:-1, 2:] - points[1:-1, :-2]
    down = points[2:, 1:-1] - points[:-2, 1:-1]
    flat = np.cross(down, across)
    flat /= np.linalg.norm(flat, axis=-1, keepdims=True) + 1e-12
    whole = classes > 0
    inner = whole[1:-1, 1:-1] & whole[:-2, 1:-1] & whole[2:, 1:-1]
    inner &= whole[1:-1, :-2] & whole[1:-1, 2:]
    cosine = (outward_frame(flat, inner) * normals[1:-1, 1:-1]).sum(-1)[inner]
    angle = np.rad2deg(np.arccos(np.clip(cosine, -1, 1)))
    assert np.median(angle) < 3 and np.percentile(angle, 95) < 8


def test_inside_of_an_open_surface_faces_the_camera():
    half = ball(rows=40)
    keep = half.vertices[half.faces].mean(1)[:, 2] > CENTRE[2]
    bowl = make_mesh(half.vertices, half.faces[keep], GREY, 2, normals=half.normals)
    classes, _, normals, _, _ = maps([bowl])
    assert normals[classes == 2][:, 2].min() > 0


def test_classes_come_from_interpolated_weights_and_lips():
    # one triangle pair over the image; part 0 left, part 1 right, lips in the middle
    corners = np.array([[-1, 1, 2], [1, 1, 2], [1, -1, 2], [-1, -1, 2.0]])
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    sheet = make_mesh(corners, faces, GREY, BODY_PARTS, person=1, ids=np.arange(4))
    weights = np.array([[1, 0], [0, 1], [0, 1], [1, 0]], np.float32)
    classes, *_ = maps([sheet], weights, classes=(2, 21))
    assert (classes[:, :99] == 2).all() and (classes[:, 101:] == 21).all()
    # only the face has lips: right of the middle the class stays
    lip = np.array([0.0, 1.0, 1.0, 0.0])
    lower = np.array([1, 1, -1, -1.0])
    weights[:] = [1, 0]
    lips = np.stack([lip, lower], 1).astype(np.float32)
    classes, *_ = maps([sheet], weights, classes=(2, 21), lips=lips)
    assert (classes[:, :99] == 2).all()
    assert (classes[:79, 101:] == 24).all() and (classes[81:, 101:] == 23).all()
    classes, *_ = maps([sheet], weights, classes=(21, 2), lips=lips)
    assert (classes == 21).all()


def test_things_are_not_labelled_but_hide_people():
    thing = ball(CENTRE - [0.3, 0, 0.6], 0.2, label=0)
    classes, persons, normals, depth, ids = maps([ball(person=1), thing])
    hidden = (ids >= 0) & (classes == 0)
    assert hidden.sum() > 500
    assert persons[hidden].max() == 0 and np.abs(normals[hidden]).max() == 0
    assert depth[hidden].max() < depth[classes == 2].max()
    assert pytest.approx(1) == np.linalg.norm(normals[classes == 2], axis=1).min()
