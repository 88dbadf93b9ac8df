"""Poses: limits, contact with the ground, self-penetration, reach, hands, seats."""

from __future__ import annotations

import numpy as np
import pytest

from sapiens_mm.synth.body.body import BodyShape, pose_body, shape_body
from sapiens_mm.synth.core.asset import PARTS, load_asset
from sapiens_mm.synth.core.rig import Pose, about, forward, swing, swing_twist
from sapiens_mm.synth.places.supports import seat_box, supports
from sapiens_mm.synth.posing.hands import SHAPES, shape_hand
from sapiens_mm.synth.posing.limbs import (
    FRONT,
    UP,
    Poser,
    bend_wrist,
    flatten_foot,
    orient_hand,
    palm,
    place_leg,
    reach_arm,
)
from sapiens_mm.synth.posing.limits import clamp, flexion, violations
from sapiens_mm.synth.posing.penetration import depths, penetration, rest_normals
from sapiens_mm.synth.posing.poses import penetrates, sample_pose
from sapiens_mm.synth.scene_settings import SceneSettings

ASSET = load_asset()
REST = shape_body(ASSET, BodyShape())
SETTINGS = SceneSettings()


def poser_of(rest=REST) -> Poser:
    return Poser(ASSET.bone_names, ASSET.bone_parents, rest.heads)


def drawn(index: int, settings: SceneSettings = SETTINGS):
    """Return a rest body and a pose of it, drawn from an index."""
    rng = np.random.default_rng([5, index])
    shape = BodyShape(
        gender=float(rng.random() < 0.5),
        weight=float(rng.uniform(0.2, 0.9)),
        height=float(rng.uniform(0.2, 0.8)),
    )
    rest = shape_body(ASSET, shape)
    return rest, sample_pose(rest, rng, settings)


def test_forward_matches_products_of_matrices() -> None:
    rng = np.random.default_rng(0)
    pose = Pose(root_rotation=about([1, 2, 3], 0.4), root_shift=np.array([1.0, 2, 3]))
    for bone in ('spine03', 'upperarm01.L', 'lowerarm01.L', 'wrist.L'):
        pose.rotations[bone] = about(rng.normal(size=3), rng.normal())
    got = forward(ASSET.bone_names, ASSET.bone_parents, REST.heads, pose)

    def local(bone: int) -> np.ndarray:
        out = np.eye(4)
        turn = pose.rotations.get(ASSET.bone_names[bone], np.eye(3))
        out[:3, :3] = turn
        out[:3, 3] = REST.heads[bone] - turn @ REST.heads[bone]
        return out

    bone = ASSET.bone_index['wrist.L']
    want = local(bone)
    while ASSET.bone_parents[bone] >= 0:
        bone = ASSET.bone_parents[bone]
        want = local(bone) @ want
    root = np.eye(4)
    root[:3, :3] = pose.root_rotation
    root[:3, 3] = REST.heads[0] - pose.root_rotation @ REST.heads[0] + pose.root_shift
    assert got[ASSET.bone_index['wrist.L']] == pytest.approx(root @ want, abs=1e-12)
    with pytest.raises(ValueError, match='tail'):
        forward(
            ASSET.bone_names, ASSET.bone_parents, REST.heads, Pose({'tail': np.eye(3)})
        )


def test_swing_and_twist_recompose() -> None:
    axis = np.array([0.3, -1.0, 0.2])
    turn = about([1, 0.2, 0.5], 0.8) @ about(axis, 1.1)
    shortest, twist = swing_twist(turn, axis)
    assert shortest @ about(axis, twist) == pytest.approx(turn, abs=1e-12)
    assert shortest == pytest.approx(swing(axis, turn @ axis), abs=1e-12)
    assert swing(axis, -axis) @ axis == pytest.approx(-axis)


@pytest.mark.parametrize('side', ['L', 'R'])
def test_arm_and_leg_reach_their_targets(side) -> None:
    s = 1 if side == 'L' else -1
    poser = poser_of()
    wrist = poser.place(f'upperarm01.{side}') + [s * 0.1, -0.35, -0.1]
    reach_arm(poser, side, wrist, np.array([s, 0.3, -0.5]))
    # twisting helper bones lie millimetres beside the arm
    assert poser.place(f'wrist.{side}') == pytest.approx(wrist, abs=6e-3)
    # an orientation that the wrist has had is found again
    bend_wrist(poser, side, 0.7, -0.4, 0.2)
    normal, fingers = palm(poser, side)
    turn = poser.world(f'wrist.{side}')
    facing, ahead = turn @ normal, turn @ fingers
    bend_wrist(poser, side, 0.0, 0.0, 0.0)
    assert orient_hand(poser, side, facing, ahead) < 0.05
    assert poser.world(f'wrist.{side}') == pytest.approx(turn, abs=0.05)
    # one that it cannot have is missed by what is beyond the limit
    assert orient_hand(poser, side, -facing, ahead) > 1.0
    ankle = poser.place(f'upperleg01.{side}') + [s * 0.05, -0.2, -0.6]
    place_leg(poser, side, ankle, FRONT)
    assert poser.place(f'foot.{side}') == pytest.approx(ankle, abs=6e-3)
    flatten_foot(poser, side, out=0.0)
    assert poser.world(f'foot.{side}') @ UP == pytest.approx(UP, abs=0.02)


def test_wrist_is_held_to_its_limits() -> None:
    poser = poser_of()
    bend_wrist(poser, 'L', np.deg2rad(200), 0.0, 0.0)
    axis = poser.rest('lowerarm01.L', 'wrist.L')
    twist = swing_twist(poser.pose.rotations['lowerarm02.L'], axis)[1]
    assert np.rad2deg(2 * twist) == pytest.approx(85.0)


def test_clamp_removes_violations() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        poser = poser_of()
        for bone in ASSET.bone_names:
            if bone.startswith(('upper', 'lower', 'spine', 'neck', 'foot', 'wrist')):
                poser.pose.rotations[bone] = about(
                    rng.normal(size=3), rng.normal(0, 1.5)
                )
        assert violations(poser)
        clamp(poser)
        assert max(violations(poser).values(), default=0.0) < 0.5
    poser = poser_of()
    assert not violations(poser)
    # the elbow of the rest pose is bent by 42 degrees
    assert flexion(poser, 'lowerarm01', 'L') == pytest.approx(41.7, abs=0.5)


def test_poses_keep_limits_ground_and_body() -> None:
    deep = 0
    for index in range(30):
        rest, pose = drawn(index)
        poser = Poser(ASSET.bone_names, ASSET.bone_parents, rest.heads)
        poser.pose = pose
        assert max(violations(poser).values(), default=0.0) < 0.5, (index, pose.kind)
        body = pose_body(rest, pose)
        skin = body.vertices[np.unique(ASSET.faces['body'])]
        assert abs(skin[:, 2].min()) < 2e-3
        deep += penetrates(body)
    assert deep <= 2


def test_poses_depend_on_the_generator_alone() -> None:
    (_, first), (_, again), (_, other) = drawn(4), drawn(4), drawn(6)
    assert first.kind == again.kind
    for bone, turn in first.rotations.items():
        assert np.array_equal(turn, again.rotations[bone])
    assert any(
        not np.array_equal(turn, other.rotations.get(bone))
        for bone, turn in first.rotations.items()
    )


def test_penetration_finds_a_hand_in_the_thigh() -> None:
    normals = rest_normals(ASSET, REST.vertices)

    def found(poser: Poser) -> dict[str, float]:
        bones = forward(poser.names, poser.parents, REST.heads, poser.pose)
        return penetration(ASSET, REST.vertices, normals, bones)

    assert found(poser_of()) == {}
    poser = poser_of()
    thigh = 0.5 * (poser.place('upperleg01.L') + poser.place('lowerleg01.L'))
    hand = poser.rest('wrist.L', 'finger3-1.L')
    reach_arm(
        poser, 'L', thigh - np.linalg.norm(hand) * 0.9 * -UP, np.array([1.0, 0.2, 0])
    )
    orient_hand(poser, 'L', np.array([-1.0, 0, 0]), -UP)
    assert found(poser)['Left_Hand'] > 0.02


def test_depths_against_a_ball() -> None:
    rng = np.random.default_rng(0)
    normals = rng.normal(size=(4000, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    probes = np.array([[0, 0, 0.9], [0, 0, 1.1], [0.5, 0, 0]])
    allowed = np.full((2, 2), np.inf)
    allowed[0, 1] = 0.02
    starts = np.array([0, 0, 4000])
    got = depths(probes, np.zeros(3, int), normals, normals, starts, allowed)
    assert got[[0, 2]] == pytest.approx([0.1 - 0.02, 0.5 - 0.02], abs=0.01)
    assert got[1] == -1


def test_hand_shapes_bend_the_fingers_as_named() -> None:
    rng = np.random.default_rng(0)

    def tip(shape: str, finger: int) -> float:
        """Return the finger tip's distance from the wrist over that at rest."""
        poser = poser_of()
        shape_hand(poser, 'L', shape, rng)
        end = f'finger{finger}-3.L'
        now = poser.place(end) - poser.place('wrist.L')
        return np.linalg.norm(now) / np.linalg.norm(poser.rest('wrist.L', end))

    for finger in (2, 3, 4, 5):
        assert tip('fist', finger) < 0.8
        assert tip('flat', finger) > 0.98
    assert tip('point', 2) > 0.98 and tip('point', 4) < 0.8
    assert tip('peace', 3) > 0.98 and tip('peace', 5) < 0.8
    with pytest.raises(ValueError, match='no hand shape'):
        shape_hand(poser_of(), 'L', 'paw', rng)
    assert set(SHAPES) >= {'relaxed', 'fist', 'point', 'spread', 'grip'}


def test_sitters_sit_on_something_that_touches_them() -> None:
    settings = SceneSettings(stances={'sit': 1})
    seen = set()
    for index in range(8):
        rest, pose = drawn(index, settings)
        body = pose_body(rest, pose)
        things = supports(body, pose.kind, np.random.default_rng(0))
        seen.add(pose.kind)
        assert all(m.class_id == 0 and m.person == 0 for m in things)
        low, high = seat_box(body)
        part = ASSET.part_weights.argmax(1)
        trunk = (part == 0) & np.isin(np.arange(len(part)), ASSET.faces['body'])
        bottom = body.vertices[trunk]
        # the seat's top is at the trunk's lowest point, and below the person
        assert high[2] - bottom[:, 2].min() == pytest.approx(0.014, abs=0.045)
        below = bottom[bottom[:, 2].argmin()]
        assert (below[:2] > low[:2]).all() and (below[:2] < high[:2]).all()
        points = np.concatenate([m.vertices for m in things])
        assert points[:, 2].min() == pytest.approx(0.0, abs=1e-4)
        near = np.abs(points[:, 2] - high[2]) < 0.005
        assert near.any()
    assert len(seen) > 1
    _, pose = drawn(0, SceneSettings(stances={'stand': 1}))
    assert supports(body, pose.kind, np.random.default_rng(0)) == []


def test_stances_follow_their_setting() -> None:
    for stance in ('walk', 'crouch', 'kneel', 'lie', 'sit_ground'):
        _, pose = drawn(1, SceneSettings(stances={stance: 1}))
        assert pose.kind.partition(':')[0] in (stance, 'stand')
    heights = {}
    for stance in ('stand', 'crouch', 'lie'):
        rest, pose = drawn(2, SceneSettings(stances={stance: 1}))
        heights[stance] = pose_body(rest, pose).joints['head'][2]
    assert heights['stand'] > heights['crouch'] > heights['lie']
    assert 'Left_Hand' in PARTS
