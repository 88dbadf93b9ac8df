"""The z-buffer against a brute-force ray cast."""

import numpy as np
import pytest

from sapiens_mm.synth.core.mesh import Material, make_mesh
from sapiens_mm.synth.core.shapes import grid_faces
from sapiens_mm.synth.render.geometry import Triangles, join
from sapiens_mm.synth.render.lamp_map import raster_ortho
from sapiens_mm.synth.render.raster import (
    EVERYWHERE,
    NEAR,
    empty_buffers,
    find_edges,
    raster,
    ray_weights,
)

GREY = Material('plaster', (0.5,) * 3, (0.5,) * 3)
CAMERA = np.array([110.0, 105.0, 63.5, 47.5])
HW = (96, 128)


def ball(centre, radius, rows=14):
    turn = np.linspace(0, 2 * np.pi, 2 * rows + 1)
    tilt = np.linspace(np.pi, 0, rows + 1)[:, None]
    unit = [np.sin(tilt) * np.cos(turn), np.sin(tilt) * np.sin(turn)]
    unit = np.stack([*unit, np.cos(tilt) + 0 * turn], -1).reshape(-1, 3)
    return unit * radius + centre, grid_faces(2 * rows, rows)


def soup(rng, count, near=False):
    """Triangles in view; some reach behind the camera if ``near``."""
    middle = rng.uniform([-1.5, -1.2, 1.0], [1.5, 1.2, 4.0], (count, 1, 3))
    if near:
        middle[: count // 4, 0, 2] = rng.uniform(-0.4, 0.6, count // 4)
    points = middle + rng.normal(0, 0.35, (count, 3, 3))
    return points.reshape(-1, 3), np.arange(3 * count).reshape(-1, 3)


def draw(meshes, camera=CAMERA, hw=HW, wanted=EVERYWHERE):
    g = join(meshes)
    depth, ids = empty_buffers(*hw)
    raster(
        Triangles(g.points, g.faces, g.cut, g.face_mesh, g.one_sided),
        camera,
        wanted,
        depth,
        ids,
    )
    return g, depth, ids


def cast(g, camera=CAMERA, hw=HW):
    """Nearest hit of every pixel's ray, by Moeller and Trumbore, float64."""
    y, x = np.mgrid[: hw[0], : hw[1]].reshape(2, -1)
    rays = np.stack(
        [(x - camera[2]) / camera[0], (y - camera[3]) / camera[1], 1 + 0.0 * x], 1
    )
    best = np.full(len(rays), np.inf)
    found = np.full(len(rays), -1)
    for f, face in enumerate(g.faces):
        a, b, c = g.points[face].astype(np.float64)
        e1, e2 = b - a, c - a
        p = np.cross(rays, e2)
        det = p @ e1
        det = np.where(np.abs(det) < 1e-12, np.nan, det)
        u = (p @ -a) / det
        q = np.cross(-a, e1)
        v = (rays @ q) / det
        t = (e2 @ q) / det
        cut = g.cut[face]
        hit = (u >= 0) & (v >= 0) & (u + v <= 1) & (t >= NEAR) & (t < best)
        hit &= (1 - u - v) * cut[0] + u * cut[1] + v * cut[2] < 1
        if g.one_sided[g.face_mesh[f]]:
            hit &= rays @ np.cross(e1, e2) < 0
        best[hit], found[hit] = t[hit], f
    return best.reshape(hw), found.reshape(hw)


def scenes():
    rng = np.random.default_rng(3)
    balls = [make_mesh(*ball(c, 0.6), GREY, 1) for c in ((0, 0, 2), (0.4, 0.3, 2.3))]
    points, faces = soup(rng, 150)
    cut = rng.uniform(0, 2, len(points))
    yield 'balls', [*balls, make_mesh(*ball((-0.5, 0, 1.8), 0.4), GREY, 1)]
    yield 'soup', [make_mesh(points, faces, GREY, 1)]
    yield 'cut', [make_mesh(points, faces, GREY, 1, cut=cut)]
    yield 'one-sided', [make_mesh(points, faces, GREY, 1, two_sided=False)]
    yield 'near', [make_mesh(*soup(rng, 120, near=True), GREY, 1)]
    yield 'around', [make_mesh(*ball((0, 0, 0), 2.0), GREY, 1)]


@pytest.mark.parametrize('name,meshes', list(scenes()))
def test_raster_equals_a_brute_force_ray_cast(name, meshes):
    g, depth, ids = draw(meshes)
    want_depth, want_ids = cast(g)
    assert (want_ids >= 0).mean() > 0.2
    same = ids == want_ids
    assert same.mean() >= 0.9999
    hit = same & (ids >= 0)
    np.testing.assert_allclose(depth[hit], want_depth[hit], rtol=2e-6)


def test_one_sided_meshes_show_their_front_only():
    square = np.array([[-1, 1, 2], [1, 1, 2], [1, -1, 2], [-1, -1, 2.0]])
    # y points down: counter-clockwise as the camera sees it
    facing = np.array([[0, 1, 2], [0, 2, 3]])
    for faces, seen in ((facing, True), (facing[:, ::-1], False)):
        _, _, ids = draw([make_mesh(square, faces, GREY, 1, two_sided=False)])
        assert (ids >= 0).any() == seen


def test_the_first_of_equal_surfaces_wins_and_seams_do_not_leak():
    square = np.array([[-1, 1, 2], [1, 1, 2], [1, -1, 2], [-1, -1, 2.0]])
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    mesh = make_mesh(square, faces, GREY, 1)
    _, depth, ids = draw([mesh, mesh])
    assert set(np.unique(ids)) == {-1, 0, 1}
    # 2 m away, 2 m wide, 110 pixels per unit of slope: 110 columns, 105 rows of which
    # the image has 96
    assert (ids >= 0).sum() == 110 * 96
    assert np.abs(depth[ids >= 0] - 2).max() < 1e-6


def test_ray_weights_solve_the_linear_system():
    rng = np.random.default_rng(0)
    corners = rng.normal(0, 1, (3, 3)).astype(np.float32)
    ray = np.array([0.3, -0.2, 1.0])
    want = np.linalg.solve(corners.T.astype(np.float64), ray)
    np.testing.assert_allclose(ray_weights(*corners, ray[0], ray[1]), want, rtol=1e-9)


def test_ortho_depth_is_the_nearest_plane():
    points, faces = soup(np.random.default_rng(5), 60)
    g = join([make_mesh(points, faces, GREY, 1)])
    matrix = np.array([[20, 0, 0, 32], [0, 20, 0, 32], [0, 0, 1.0, 0]], np.float32)
    depth = np.full((64, 64), np.inf, np.float32)
    raster_ortho(g.points, g.faces, g.cut, matrix, depth)
    want = np.full((64, 64), np.inf)
    y, x = np.mgrid[:64, :64]
    place = np.stack([(x - 32) / 20, (y - 32) / 20], -1)
    for face in g.faces:
        a, b, c = g.points[face].astype(np.float64)
        base = np.stack([b[:2] - a[:2], c[:2] - a[:2]], 1)
        uv = (place - a[:2]) @ np.linalg.inv(base).T
        inside = (uv >= 0).all(-1) & (uv.sum(-1) <= 1)
        z = a[2] + uv @ np.array([b[2] - a[2], c[2] - a[2]])
        want[inside] = np.minimum(want[inside], z[inside])
    both = np.isfinite(want) & np.isfinite(depth)
    assert (np.isfinite(want) == np.isfinite(depth)).mean() > 0.999
    assert (np.abs(depth[both] - want[both]) < 1e-3).mean() > 0.999


def test_edges_are_where_meshes_meet_and_are_exact_in_twice_the_size():
    name, meshes = next(scenes())
    g, depth, ids = draw(meshes)
    edges = np.zeros(HW, bool)
    find_edges(ids, depth, g.face_mesh, edges)
    mesh = np.where(ids >= 0, g.face_mesh[ids], -1)
    across = mesh[:, 1:] != mesh[:, :-1]
    assert across.sum() > 100
    assert edges[:, 1:][across].all() and edges[:, :-1][across].all()
    assert 0.05 < edges.mean() < 0.4
    camera = np.array([*(2 * CAMERA[:2]), *(2 * CAMERA[2:] + 0.5)])
    twice = (2 * HW[0], 2 * HW[1])
    _, whole_depth, whole = draw(meshes, camera, twice)
    _, part_depth, part = draw(meshes, camera, twice, edges)
    wanted = np.kron(edges, np.ones((2, 2), bool))
    np.testing.assert_array_equal(whole[wanted], part[wanted])
    np.testing.assert_array_equal(whole_depth[wanted], part_depth[wanted])
    assert (whole != part).any()
