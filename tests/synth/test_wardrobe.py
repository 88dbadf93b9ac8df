"""Clothes: subdivision, borders, layers, hanging cloth, and what must stay covered."""

from __future__ import annotations

import numpy as np
import pytest

from sapiens_mm.synth.body.body import BodyShape, pose_body, shape_body
from sapiens_mm.synth.body.flesh import sample_looks
from sapiens_mm.synth.clothes.drape import Cut, drape, skirt_helper
from sapiens_mm.synth.clothes.dresser import Dresser
from sapiens_mm.synth.clothes.fabrics import cloth
from sapiens_mm.synth.clothes.fields import hem, legs, regions, sleeves, waist, within
from sapiens_mm.synth.clothes.shells import (
    make_base,
    make_shell,
    pose_base,
    subdivide,
    tights,
)
from sapiens_mm.synth.core.asset import load_asset
from sapiens_mm.synth.core.mesh import smooth_normals
from sapiens_mm.synth.core.nearest import in_cells, nearest
from sapiens_mm.synth.core.rig import Pose
from sapiens_mm.synth.places.supports import seat_box
from sapiens_mm.synth.posing.poses import sample_pose
from sapiens_mm.synth.scene_settings import SceneSettings
from sapiens_mm.synth.wardrobe import dress
from sapiens_mm.tables.body_parts import PART_IDS_28

ASSET = load_asset()
REST = shape_body(ASSET, BodyShape())
BODY = pose_body(REST, Pose())
SETTINGS = SceneSettings()


def dressed(index: int, settings: SceneSettings = SETTINGS):
    """Return body, outfit and kind of pose of a person drawn from an index."""
    rng = np.random.default_rng([9, index])
    shape = BodyShape(
        gender=float(rng.random() < 0.5), weight=float(rng.uniform(0.2, 0.9))
    )
    pose = sample_pose(shape_body(ASSET, shape), rng, settings)
    body = pose_body(shape_body(ASSET, shape), pose)
    looks = sample_looks(rng, shape)
    outfit = dress(ASSET, body, rng, settings, looks, 3, shape.gender, pose.kind)
    return body, outfit, pose.kind


def dense(count: int, start, column, weight) -> np.ndarray:
    """Return the subdivision as a matrix."""
    out = np.zeros((len(start) - 1, count))
    for row in range(len(out)):
        for k in range(start[row], start[row + 1]):
            out[row, column[k]] += weight[k]
    return out


def test_subdivision_has_loops_weights() -> None:
    # a hexagon around vertex 0: valence 6 inside, a border outside
    faces = np.array([[0, k, k % 6 + 1] for k in range(1, 7)])
    start, column, weight, fine = subdivide(7, faces)
    matrix = dense(7, start, column, weight)
    assert matrix.sum(1) == pytest.approx(1)
    assert matrix[0] == pytest.approx([1 - 6 / 16] + [1 / 16] * 6)
    assert matrix[1] == pytest.approx([0, 0.75, 0.125, 0, 0, 0, 0.125])
    assert len(fine) == 24 and len(matrix) == 7 + 12
    inner = [row for row in matrix[7:] if row[0] > 0.3]
    # an inner edge: 3/8 at its ends, 1/8 at the two opposite corners
    assert sorted(inner[0])[-4:] == pytest.approx([0.125, 0.125, 0.375, 0.375])
    outer = [row for row in matrix[7:] if row[0] == 0]
    assert sorted(outer[0])[-2:] == pytest.approx([0.5, 0.5])
    # each of the old triangles is covered by four of a quarter of its area
    turn = np.arange(6) * np.pi / 3
    flat = np.concatenate([[[0, 0]], np.stack([np.cos(turn), np.sin(turn)], 1)])
    p = matrix @ flat
    a, b = p[fine[:, 1]] - p[fine[:, 0]], p[fine[:, 2]] - p[fine[:, 0]]
    assert (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0] > 0).all()


def test_base_keeps_linear_fields_inside() -> None:
    base = tights(ASSET)
    coordinates = base.field(ASSET.template)
    assert coordinates == pytest.approx(base.template)
    z = base.field(ASSET.template[:, 2].copy())
    assert z == pytest.approx(base.template[:, 2], abs=1e-6)


def test_shell_stays_outside_and_ends_at_its_border() -> None:
    base = tights(ASSET)
    posed = pose_base(base, BODY.vertices)
    at = regions(ASSET, base)
    border = within(sleeves(at, 0.2), hem(at, 0.1))
    count = len(posed.points)
    shell = make_shell(posed, border, np.full(count, 0.006), np.full(count, 0.01))
    rows = shell.rows
    height = ((shell.points - posed.points[rows]) * posed.normals[rows]).sum(1)
    assert height.min() > 0.006 - 1e-5
    # points of the cut: the hem is at z = 0.1, sleeves 0.2 m down the arm
    ends = shell.faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
    a, b = shell.cut[ends].T
    cross = (a < 1) != (b < 1)
    t = ((1 - a[cross]) / (b[cross] - a[cross]))[:, None]
    first, second = (rows[ends[cross, k]] for k in (0, 1))
    z = (at.z[first] * (1 - t[:, 0])) + at.z[second] * t[:, 0]
    arm = at.along_arm[first] * (1 - t[:, 0]) + at.along_arm[second] * t[:, 0]
    error = np.where(at.arm[first] > 0.5, np.abs(arm - 0.2), np.abs(z - 0.1))
    assert np.quantile(error, 0.95) < 2e-3


def test_layers_lie_above_each_other_and_hide_the_skin() -> None:
    d = Dresser(ASSET, BODY, 1, np.random.default_rng(0))
    material = cloth(np.random.default_rng(0))

    def border(r):
        return within(waist(r, 0.25), legs(r, 0.5))

    first = d.wear(border, 'Lower_Clothing', material, thick=0.004)
    second = d.wear(border, 'Lower_Clothing', material, thick=0.004)
    assert np.array_equal(first.rows, second.rows)
    normals = d.posed.normals[first.rows]
    inside = first.cut < 1
    between = ((second.points - first.points) * normals).sum(1)[inside]
    assert between.min() > 0.0035
    skin = regions(ASSET)
    thigh = (skin.leg > 0.9) & (np.abs(skin.along_leg - 0.3) < 0.02)
    shin = (skin.leg > 0.9) & (np.abs(skin.along_leg - 0.6) < 0.02)
    assert d.hidden[thigh].all() and not d.hidden[shin].any()


def test_chest_and_pelvis_are_always_covered() -> None:
    skin = regions(ASSET)
    body = np.zeros(len(skin.x), bool)
    body[np.unique(ASSET.faces['body'])] = True
    chest = body & (np.abs(skin.side - 0.075) < 0.03) & (np.abs(skin.z - 0.5) < 0.02)
    chest &= (skin.y < -0.08) & (skin.arm < 0.2)
    pelvis = body & (skin.side < 0.05) & (skin.z > 0.04) & (skin.z < 0.14)
    assert chest.sum() > 20 and pelvis.sum() > 50
    for outfit in ('casual', 'formal', 'winter', 'sport', 'beach', 'dress'):
        for index in range(4):
            _, got, _ = dressed(index, SceneSettings(outfits={outfit: 1}))
            assert got.hidden[chest].all(), (outfit, index)
            assert got.hidden[pelvis].all(), (outfit, index)


def test_outfits_are_reproducible_and_within_budget() -> None:
    for index in range(6):
        _, outfit, _ = dressed(index)
        _, again, _ = dressed(index)
        assert sum(len(m.faces) for m in outfit.meshes) < 120_000
        assert len(outfit.meshes) == len(again.meshes)
        for mesh, same in zip(outfit.meshes, again.meshes, strict=True):
            assert np.array_equal(mesh.vertices, same.vertices)
            assert mesh.material == same.material
            assert mesh.person == 3 and mesh.faces.max() < len(mesh.vertices)
            assert np.isfinite(mesh.vertices).all() and np.isfinite(mesh.normals).all()


def test_socks_and_shoes_are_left_and_right() -> None:
    seen = set()
    for index in range(10):
        _, outfit, _ = dressed(index, SceneSettings(shoes=0.6, stances={'stand': 1}))
        for mesh in outfit.meshes:
            for side, way in (('Left', 1), ('Right', -1)):
                ids = [PART_IDS_28[f'{side}_{kind}'] for kind in ('Shoe', 'Sock')]
                if mesh.class_id in ids:
                    assert (mesh.template[:, 0] * way > 0).all()
                    seen.add(mesh.class_id)
    assert len(seen) == 4


def test_nearest_agrees_with_brute_force() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(500, 3)) * [1, 0.3, 2]
    cells = in_cells(points)
    rows = cells[1]
    assert (np.sort(rows) == np.arange(500)).all() and (cells[0] == points[rows]).all()
    for query in rng.normal(0, 1.5, (100, 3)):
        want = ((points - query) ** 2).sum(1)
        for guess in (-1, int(rng.integers(500))):
            place, squared = nearest(*query, cells, guess)
            assert rows[place] == want.argmin()
            assert squared == pytest.approx(want.min())
    flat = in_cells(np.zeros((1, 3)))
    assert nearest(50.0, 0.0, 0.0, flat) == (0, 2500.0)


def test_skirt_helper_is_a_grid_from_the_waist_down() -> None:
    helper = skirt_helper(ASSET)
    assert helper.ids.shape == (20, 36)
    assert len(np.unique(helper.ids)) == 720
    assert (np.diff(helper.height) < 0).all()
    points = ASSET.template[helper.ids]
    across = np.linalg.norm(np.roll(points, -1, 1) - points, axis=2)
    assert across.max() < 0.06  # neighbours in the mesh
    # the first column is in front, a quarter on is the left
    assert np.abs(points[:, 0, 0]).max() < 0.02 and (points[5:, 9, 0] > 0.1).all()


@pytest.mark.parametrize('stance', ['stand', 'walk', 'sit', 'lunge'])
def test_skirts_hang_on_the_body(stance) -> None:
    settings = SceneSettings(stances={stance: 1})
    rest = shape_body(ASSET, BodyShape(gender=1.0))
    pose = sample_pose(rest, np.random.default_rng(2), settings)
    body = pose_body(rest, pose)
    seat = seat_box(body) if pose.kind.startswith('sit:') else None
    grid = drape(ASSET, body.rest, body.vertices, Cut(-0.3, 1.2), seat)
    helper = skirt_helper(ASSET)
    solid = body.vertices[helper.solid]
    normals = smooth_normals(solid, helper.solid_faces)
    inside, points = 0, grid.points[::7]
    if seat is not None:  # between flesh and cushion both give way
        points = points[np.abs(points[:, 2] - seat[1][2]) > 0.04]
    for point in points:
        near = ((solid - point) ** 2).sum(1).argmin()
        inside += (point - solid[near]) @ normals[near] < -0.004
    assert inside <= 0.02 * len(points)
    assert grid.points[:, 2].min() > -0.02
    if seat is not None:
        low, high = seat
        within_seat = ((grid.points > low + 0.03) & (grid.points < high - 0.03)).all(1)
        assert within_seat.mean() < 0.01
    # cloth hangs: its hem is lower than its waist, and it has not stretched much
    edges = grid.faces[:, [0, 1]]
    long = np.linalg.norm(grid.points[edges[:, 0]] - grid.points[edges[:, 1]], axis=1)
    assert np.quantile(long, 0.99) < 0.07


def test_a_slit_opens_the_front() -> None:
    closed = drape(ASSET, BODY.rest, BODY.vertices, Cut(-0.2))
    slit = drape(ASSET, BODY.rest, BODY.vertices, Cut(-0.2, slit=True, spread=0.05))

    def front_gap(grid) -> float:
        low = (grid.points[:, 2] < 0.1) & (grid.points[:, 1] < 0)
        x = np.sort(grid.points[low, 0])
        middle = x[np.abs(x) < 0.15]
        return float(np.diff(middle).max())

    assert front_gap(slit) > 0.03 > front_gap(closed)


def test_make_base_renumbers() -> None:
    faces = np.array([[5, 7, 9]])
    base = make_base(np.arange(30, dtype=np.float32).reshape(10, 3), faces)
    assert base.ids.tolist() == [5, 7, 9] and len(base.faces) == 4
    assert base.template[3] == pytest.approx([18, 19, 20])  # middle of 5 and 7
