"""Builds, expressions, gaze and skinning, against formulas and brute force."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sapiens_mm.synth.body.body import (
    BodyShape,
    pose_body,
    sample_expression,
    sample_shape,
    shape_body,
)
from sapiens_mm.synth.body.keypoints import place
from sapiens_mm.synth.body.people import stature
from sapiens_mm.synth.body.shape import corner_weights
from sapiens_mm.synth.core.asset import load_asset
from sapiens_mm.synth.core.rig import Pose, about
from sapiens_mm.synth.scene_settings import SceneSettings
from sapiens_mm.tables import GOLIATH308

FLIP = np.float32([-1, 1, 1])
KEY = {name: k for k, name in enumerate(GOLIATH308.names)}


@pytest.fixture(scope='module')
def asset():
    return load_asset()


def keypoint(body, name):
    return place(body)[KEY[name]]


def test_corner_weights_by_hand():
    mask = np.zeros((3, 26), bool)
    mask[0, [1, 3]] = True  # asian, male
    mask[1, [4, 8]] = True  # female, young
    mask[2, [8, 9, 11]] = True  # young, old, average muscles
    values = [0.25, 0.75, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]
    # age 0.75 is 3/4 young, 1/4 old
    expected = [0.3 * 0.75, 0.25 * 0.75, 0.75 * 0.25]
    found = corner_weights(mask, np.array(values), np.array([0.5, 0.3, 0.2]))
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_neutral_build_is_the_template(asset):
    rest = shape_body(asset, BodyShape())
    np.testing.assert_allclose(rest.vertices, asset.template, atol=1e-6)
    np.testing.assert_allclose(rest.heads, asset.template_heads, atol=1e-6)
    body = pose_body(rest, Pose({'eye.L': np.eye(3), 'eye.R': np.eye(3)}))
    np.testing.assert_allclose(body.vertices, asset.template, atol=1e-6)


def test_builds_without_one_sided_units_are_symmetric(asset):
    shape = BodyShape(0.8, 61.0, 0.2, 0.9, 0.3, african=0.7, asian=0.1)
    rest = shape_body(asset, shape, {'mouthFunnel': 0.0, 'cheekPuff': 1.0})
    np.testing.assert_allclose(
        rest.vertices[asset.mirror] * FLIP, rest.vertices, atol=3e-4
    )
    plain = shape_body(asset, shape)
    assert np.array_equal(plain.vertices[asset.mirror] * FLIP, plain.vertices)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'age_years': 17.9}, 'age_years is 17.9; only adults'),
        ({'weight': 1.2}, 'weight is 1.2'),
        ({'african': 0.0, 'asian': 0.0, 'caucasian': 0.0}, 'all 0'),
        ({'local': {'nose-hump-incr': -2.0}}, 'local nose-hump-incr is -2.0'),
    ],
)
def test_impossible_builds_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        BodyShape(**change)


def test_unknown_units_are_named(asset):
    with pytest.raises(ValueError, match="no local shape unit 'third-ear'"):
        shape_body(asset, BodyShape(local={'third-ear': 0.5}))
    with pytest.raises(ValueError, match="no facial unit 'wink'"):
        shape_body(asset, BodyShape(), {'wink': 0.5})
    with pytest.raises(ValueError, match='jawOpen is 1.5'):
        shape_body(asset, BodyShape(), {'jawOpen': 1.5})
    with pytest.raises(ValueError, match='tail'):
        pose_body(shape_body(asset, BodyShape()), Pose({'tail': np.eye(3)}))


def test_height_is_linear_and_changes_stature(asset):
    low, mid, high = (
        stature(asset, BodyShape(gender=0.1, height=h)) for h in (0.0, 0.5, 1.0)
    )
    assert mid == pytest.approx((low + high) / 2, abs=1e-4) and high - low > 0.4
    body = shape_body(asset, BodyShape(gender=0.1, height=0.5)).vertices[:13380]
    assert np.ptp(body[:, 2]) == pytest.approx(mid, abs=0.004)


def test_the_whole_body_moves_rigidly(asset):
    turn, shift = about([0.3, 1, -0.5], 1.1), np.array([1.0, -2.0, 0.5])
    rest = shape_body(asset, BodyShape(gender=0.9, weight=0.8))
    plain = pose_body(rest, Pose())
    moved = pose_body(rest, Pose(root_rotation=turn, root_shift=shift))
    root = rest.heads[0]
    expected = (plain.vertices - root) @ turn.T + root + shift
    np.testing.assert_allclose(moved.vertices, expected, atol=2e-6)
    knee = (plain.joints['l-knee'] - root) @ turn.T + root + shift
    np.testing.assert_allclose(moved.joints['l-knee'], knee, atol=2e-6)


def test_skinning_matches_blended_matrices(asset):
    rest = shape_body(asset, BodyShape(gender=0.2))
    rng = np.random.default_rng(3)
    names = ['lowerarm01.L', 'head', 'upperleg01.R', 'finger2-2.L', 'spine03']
    pose = Pose({n: about(rng.normal(size=3), rng.uniform(-1, 1)) for n in names})
    body = pose_body(rest, pose)
    some = rng.integers(0, 13380, 400)
    weight = asset.skin_weight[some].astype(np.float64)
    matrix = np.einsum('nk,nkij->nij', weight, body.bone_world[asset.skin_index[some]])
    point = np.concatenate([rest.vertices[some], np.ones((400, 1))], 1)
    expected = np.einsum('nij,nj->ni', matrix, point)[:, :3]
    np.testing.assert_allclose(body.vertices[some], expected, atol=2e-6)


@pytest.mark.parametrize(
    ('unit', 'side', 'yaw', 'pitch'),
    [
        ('eyeLookOutLeft', 'l', 0.60, 0.0),
        ('eyeLookInLeft', 'l', -0.60, 0.0),
        ('eyeLookOutRight', 'r', -0.60, 0.0),
        ('eyeLookUpRight', 'r', 0.0, 0.42),
        ('eyeLookDownLeft', 'l', 0.0, -0.52),
    ],
)
def test_gaze_turns_the_iris(asset, unit, side, yaw, pitch):
    body = pose_body(shape_body(asset, BodyShape(), {unit: 1.0}), Pose())
    head = body.heads[asset.bone_index[f'eye.{side.upper()}']]
    rest = asset.template_heads[asset.bone_index[f'eye.{side.upper()}']]
    still = keypoint_at_rest(asset, f'{side}_center_of_iris') - rest
    seen = keypoint(body, f'{side}_center_of_iris') - head
    # straight ahead is 0.03 rad below the template's gaze
    turned = about([0, 0, 1], yaw) @ about([1, 0, 0], 0.03 - pitch) @ still
    np.testing.assert_allclose(seen, turned, atol=1e-5)
    assert np.sign(yaw) * seen[0] >= 0 and (pitch <= 0 or seen[2] > still[2])


def keypoint_at_rest(asset, name):
    level = {'eye.L': np.eye(3), 'eye.R': np.eye(3)}
    return keypoint(pose_body(shape_body(asset, BodyShape()), Pose(level)), name)


def test_full_blink_closes_the_lids(asset):
    still = pose_body(shape_body(asset, BodyShape()), Pose())
    shut = pose_body(shape_body(asset, BodyShape(), {'eyeBlinkLeft': 1.0}), Pose())

    def gap(body, side):
        upper = keypoint(body, f'{side}_centerpoint_of_upper_eyelid_line')
        return upper[2] - keypoint(body, f'{side}_centerpoint_of_lower_eyelid_line')[2]

    assert gap(still, 'l') > 0.007 and gap(shut, 'r') > 0.007
    assert -0.002 < gap(shut, 'l') < 0.0005


def test_sampled_builds_are_adults_of_plausible_stature(asset):
    settings = SceneSettings(female=0.7, age_years=(20, 60))
    shapes = [
        sample_shape(np.random.default_rng([1, i]), settings, asset) for i in range(120)
    ]
    again = sample_shape(np.random.default_rng([1, 7]), settings, asset)
    assert again == shapes[7]
    female = np.array([shape.gender > 0.5 for shape in shapes])
    tall = np.array([stature(asset, shape) for shape in shapes])
    assert 0.55 < female.mean() < 0.85
    assert abs(tall[female].mean() - 1.62) < 0.025
    assert abs(tall[~female].mean() - 1.755) < 0.045
    ages = [shape.age_years for shape in shapes]
    assert min(ages) >= 20 and max(ages) <= 60 and np.std(ages) > 8
    weights = np.array([shape.weight for shape in shapes])
    assert weights.min() < 0.25 and weights.max() > 0.85


def test_plain_faces_have_no_local_units(asset):
    settings = SceneSettings(face_variety=0.0)
    shape = sample_shape(np.random.default_rng(0), settings, asset)
    assert not any(n.startswith(('nose', 'l-ear', 'chin')) for n in shape.local)
    assert replace(shape, local={}).local == {}


def test_sampled_expressions_are_units_in_range(asset):
    settings = SceneSettings(blink=1.0)
    some = [
        sample_expression(np.random.default_rng([2, i]), settings) for i in range(80)
    ]
    for expression in some:
        shape_body(asset, BodyShape(), expression)
        assert expression['eyeBlinkLeft'] >= 0.35
    assert sample_expression(np.random.default_rng([2, 5]), settings) == some[5]


def test_close_ups_show_open_mouths():
    settings = SceneSettings(open_mouth_close_up=1.0, expression={'neutral': 1})
    rng = np.random.default_rng(4)
    faces = [sample_expression(rng, settings, close_up=True) for _ in range(60)]
    assert all('lipsSeal' not in face for face in faces)
    assert any(face.get('tongueOut', 0) > 0.5 for face in faces)
    far = [sample_expression(rng, settings) for _ in range(60)]
    assert all(face['lipsSeal'] == 1 and 'jawOpen' not in face for face in far)
