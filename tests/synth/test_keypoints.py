"""The 308 keypoints: on the surface they name, ordered, mirrored, hidden or seen."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import numpy as np
import pytest

from sapiens_mm.synth.body.body import BodyShape, pose_body, shape_body
from sapiens_mm.synth.body.keypoints import (
    PLACES,
    facing,
    keypoint_points,
    place,
    visibility,
)
from sapiens_mm.synth.core.asset import load_asset
from sapiens_mm.synth.core.camera import Camera
from sapiens_mm.synth.core.rig import Pose, about
from sapiens_mm.tables import GOLIATH308

TOOLS = Path(__file__).resolve().parents[2] / 'tools/dev'
NAMES = GOLIATH308.names
KEY = {name: k for k, name in enumerate(NAMES)}
FLIP = np.array(GOLIATH308.flip_indices)
LEVEL = {'eye.L': np.eye(3), 'eye.R': np.eye(3)}


@pytest.fixture(scope='module')
def body():
    return pose_body(shape_body(load_asset(), BodyShape()), Pose(LEVEL))


@pytest.fixture(scope='module')
def points(body):
    return place(body)


def test_right_is_the_mirror_image_of_left(points):
    assert points.shape == (308, 3)
    np.testing.assert_allclose(points[FLIP] * [-1, 1, 1], points, atol=1e-9)
    assert np.abs(points[np.arange(308) == FLIP, 0]).max() < 1e-9
    for k, name in enumerate(NAMES):
        left = name.startswith(('left_', 'l_')) or '_l_' in name
        right = name.startswith(('right_', 'r_')) or '_r_' in name
        if left or right:
            assert (points[k, 0] > 0) == left, name


def off_surface(point, corners):
    """Return the distance from a point to the nearest triangle (F, 3, 3) below it."""
    a, ab, ac = (
        corners[:, 0],
        corners[:, 1] - corners[:, 0],
        corners[:, 2] - corners[:, 0],
    )
    normal = np.cross(ab, ac)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-20
    height = ((point - a) * normal).sum(1)
    foot = point - height[:, None] * normal - a
    area = (np.cross(ab, ac) * normal).sum(1) + 1e-20
    s = (np.cross(foot, ac) * normal).sum(1) / area
    t = (np.cross(ab, foot) * normal).sum(1) / area
    inside = (s > -1e-4) & (t > -1e-4) & (s + t < 1 + 1e-4)
    return np.abs(height[inside]).min()


@pytest.mark.parametrize(
    'name',
    [
        'tip_of_nose',
        'center_of_glabella',
        'left_acromion',
        'left_olecranon',
        'left_cubital_fossa',
        'left_heel',
        'left_big_toe',
        'left_pinky_finger4',
        'l_protruding_point_of_tragus',
        'l_midpoint_4_of_upper_crease_line',
        'midpoint_5_of_upper_outer_lip',
        'end_of_l_eyebrow',
    ],
)
def test_surface_keypoints_lie_on_the_skin(body, points, name):
    corners = body.vertices[body.asset.faces['body']].astype(np.float64)
    assert off_surface(points[KEY[name]], corners) < 2e-5


def test_iris_lies_on_the_eyeball_at_its_clock_positions(body, points):
    corners = body.vertices[body.asset.faces['eyes']].astype(np.float64)
    for side in 'lr':
        centre = points[KEY[f'{side}_center_of_iris']]
        for hour, across, up in (('3', 1, 0), ('12', 0, 1), ('9', -1, 0), ('6', 0, -1)):
            spot = points[KEY[f'{side}_border_of_iris_{hour}']]
            assert off_surface(spot, corners) < 2e-5
            away = (spot - centre)[[0, 2]]
            np.testing.assert_allclose(
                away / np.linalg.norm(away), [across, up], atol=0.05
            )
        for quarter, signs in ((1, [1, 1]), (2, [1, -1]), (3, [-1, -1]), (4, [-1, 1])):
            for disc, least in (('iris', 0.003), ('pupil', 0.001)):
                name = f'{side}_border_of_{disc}_midpoint_{quarter}'
                away = (points[KEY[name]] - centre)[[0, 2]] * signs
                assert (away > least).all(), name


@pytest.mark.parametrize(
    'line',
    [
        f'{s}_{{}}_of_{u}_{n}_line'
        for s in 'lr'
        for u, n in (
            ('upper', 'lash'),
            ('upper', 'eyelid'),
            ('upper', 'crease'),
            ('lower', 'lash'),
            ('lower', 'eyelid'),
        )
    ]
    + [f'{{}}_of_{u}_{e}_lip' for u in ('upper', 'lower') for e in ('outer', 'inner')],
)
def test_halved_lines_run_from_left_to_right_of_the_image(points, line):
    middle = 'centerpoint' if 'line' in line else None
    order = ['midpoint_3', 'midpoint_1', 'midpoint_4', middle, 'midpoint_5']
    order += ['midpoint_2', 'midpoint_6']
    across = [points[KEY[line.format(n)], 0] for n in order if n]
    # the camera looks along +y: the person's left is the right of the image
    assert (np.diff(across) > 1e-3).all()
    if 'line' in line:
        steps = np.diff([points[KEY[line.format(n)]] for n in order], axis=0)
        length = np.linalg.norm(steps, axis=1)
        assert length.max() < 1.15 * length.min()


def test_lids_lie_above_one_another(points):
    for name in ('midpoint_1', 'midpoint_4', 'centerpoint', 'midpoint_5', 'midpoint_2'):
        rows = [
            f'l_{name}_of_{line}_line'
            for line in (
                'upper_crease',
                'upper_lash',
                'upper_eyelid',
                'lower_eyelid',
                'lower_lash',
            )
        ]
        assert (np.diff([points[KEY[row], 2] for row in rows]) < -3e-4).all()


def test_brows_and_nose_are_in_order(points):
    for edge in ('upper', 'lower'):
        left = [
            f'{edge}_{n}_of_l_eyebrow'
            for n in ('startpoint', 'midpoint_2', 'midpoint_1', 'midpoint_3')
        ]
        assert (
            np.diff([points[KEY[n], 0] for n in (*left, 'end_of_l_eyebrow')]) > 0
        ).all()
        right = [f'{edge}_midpoint_{k}_of_r_eyebrow' for k in (2, 1, 3)]
        order = ['end_of_r_eyebrow', *right, f'{edge}_startpoint_of_r_eyebrow']
        assert (np.diff([points[KEY[n], 0] for n in order]) > 0).all()
    ridge = ['center_of_glabella', 'center_of_nose_root']
    ridge += [f'midpoint_{k}_of_nose_bridge' for k in (2, 1, 3)]
    ridge += ['tip_of_nose_bridge', 'tip_of_nose', 'bottom_center_of_nose']
    ridge += ['center_of_cupid_bow', 'center_of_upper_inner_lip']
    ridge += [
        'center_of_lower_outer_lip',
        'center_of_labiomental_groove',
        'tip_of_chin',
    ]
    assert (np.diff([points[KEY[n], 2] for n in ridge]) < 0).all()


def test_fingers_run_from_tip_to_base(points):
    for side in ('left', 'right'):
        wrist = points[KEY[f'{side}_wrist']]
        for finger in (
            'thumb',
            'forefinger',
            'middle_finger',
            'ring_finger',
            'pinky_finger',
        ):
            ids = [KEY[f'{side}_{finger}{n}'] for n in ('4', '3', '2', '_third_joint')]
            assert np.diff(ids).tolist() == [1, 1, 1]
            assert (np.diff(np.linalg.norm(points[ids] - wrist, axis=1)) < 0).all()


def test_knees_follow_the_pose(body):
    rest = shape_body(body.asset, BodyShape())
    bent = pose_body(rest, Pose({'lowerleg01.L': about([1, 0, 0], 1.4)}))
    before, after = place(body), place(bent)
    np.testing.assert_allclose(
        after[KEY['left_knee']], before[KEY['left_knee']], atol=0.02
    )
    length = np.linalg.norm(before[KEY['left_ankle']] - before[KEY['left_knee']])
    moved = np.linalg.norm(after[KEY['left_ankle']] - before[KEY['left_ankle']])
    assert moved == pytest.approx(2 * length * np.sin(0.7), rel=0.08)
    np.testing.assert_allclose(after[KEY['right_ankle']], before[KEY['right_ankle']])


def camera_at(y: float, size_hw=(200, 160)) -> Camera:
    """Return a camera at (0, y, 0.87) that looks at the origin's plane."""
    turn = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    if y > 0:
        turn = np.array([[-1.0, 0, 0], [0, 0, -1], [0, -1, 0]])
    k = np.array([[900.0, 0, 79.5], [0, 900, 99.5], [0, 0, 1]])
    return Camera(k, turn, -turn @ np.array([0, y, 0.87]), size_hw)


def test_visibility_asks_the_depth_map(body, points):
    camera = camera_at(-1.6)
    seen = camera.project(points)
    inside = (np.abs(seen[:, 0] - 79.5) < 79.9) & (np.abs(seen[:, 1] - 99.5) < 99.9)
    empty = np.zeros((200, 160), np.float32)
    assert np.array_equal(visibility(points, camera, empty), np.where(inside, 2, 0))
    assert inside[KEY['tip_of_nose']] and not inside[KEY['left_knee']]
    wall = np.full_like(empty, 1.0)
    assert np.array_equal(visibility(points, camera, wall), np.where(inside, 1, 0))


@pytest.mark.parametrize('name', ['tip_of_nose', 'neck', 'l_border_of_iris_3'])
def test_reach_is_the_tolerance(body, points, name):
    camera = camera_at(-1.6)
    k = KEY[name]
    reach = keypoint_points(body.asset).reach[k]
    depth = camera.project(points)[k, 2]
    for share, expected in ((0.9, 2), (1.1, 1)):
        wall = np.full((200, 160), depth - share * reach, np.float32)
        assert visibility(points, camera, wall)[k] == expected
    # within reach, but of somebody else
    wall = np.full((200, 160), depth - 0.9 * reach, np.float32)
    others = np.full((200, 160), 3, np.uint8)
    assert visibility(points, camera, wall, others, 2)[k] == 1
    assert visibility(points, camera, wall, others, 3)[k] == 2


def test_behind_the_camera_is_outside(points):
    camera = camera_at(-0.1)
    behind = camera.project(points)[:, 2] <= 0
    found = visibility(points, camera, np.zeros((200, 160), np.float32))
    assert behind.any() and not found[behind].any()


def test_skin_that_faces_away_is_hidden(body, points):
    empty = np.zeros((200, 160), np.float32)
    back = visibility(points, camera_at(1.6), empty, body=body)
    assert back[KEY['tip_of_nose']] == 1 and back[KEY['neck']] == 2
    front = visibility(points, camera_at(-1.6), empty, body=body)
    assert front[KEY['tip_of_nose']] == 2
    # a triangle's normal, by hand
    places = keypoint_points(body.asset)
    k = KEY['center_of_labiomental_groove']
    assert facing(body, np.array([0, -2.0, 0.8]))[k] > 0.8
    assert facing(body, np.array([0, 2.0, 0.8]))[k] < -0.8
    assert (facing(body, np.array([0, 2.0, 0.8]))[~places.surface] == 1).all()


def test_facing_matches_the_vertex_normals(body):
    places = keypoint_points(body.asset)
    k = KEY['l_tip_of_ear_lobe']
    faces = body.asset.faces['body']
    corner = body.vertices[faces].astype(np.float64)
    area = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    normal = np.zeros(3)
    for vertex, weight in zip(places.vertices[k], places.weights[k], strict=True):
        own = area[(faces == vertex).any(1)].sum(0)
        normal += weight * own / np.linalg.norm(own)
    eye = np.array([1.5, -0.4, 1.0])
    to = eye - place(body)[k]
    expected = normal @ to / np.linalg.norm(normal) / np.linalg.norm(to)
    assert facing(body, eye)[k] == pytest.approx(expected, abs=1e-9)


def test_file_with_a_pair_twice_is_refused(tmp_path):
    places = json.loads(PLACES.read_text())
    places['right_knee'] = places['left_knee']
    (tmp_path / 'twice.json').write_text(json.dumps(places))
    with pytest.raises(ValueError, match=r'twice.json has 2 places for left_knee'):
        keypoint_points(load_asset(), tmp_path / 'twice.json')
    del places['right_knee'], places['neck']
    (tmp_path / 'none.json').write_text(json.dumps(places))
    with pytest.raises(ValueError, match=r'none.json has 0 places for neck'):
        keypoint_points(load_asset(), tmp_path / 'none.json')


def test_the_tool_makes_the_file_anew(tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(TOOLS))
    tool = importlib.import_module('place_keypoints')
    assert tool.main(['--output', str(tmp_path / 'again.json')]) == 0
    assert (tmp_path / 'again.json').read_bytes() == PLACES.read_bytes()
    assert '162 places' in capsys.readouterr().out
