"""Apparel: where glasses, hats, belts, scarves, watches and bags are."""

from __future__ import annotations

import numpy as np
import pytest

from sapiens_mm.synth.body.body import BodyShape, pose_body, shape_body
from sapiens_mm.synth.clothes.apparel import accessorize, belt, scarf, watch
from sapiens_mm.synth.clothes.bags import backpack, crossbody
from sapiens_mm.synth.clothes.dresser import Dresser
from sapiens_mm.synth.clothes.glasses import glasses
from sapiens_mm.synth.clothes.hats import beanie, brim_hat, cap
from sapiens_mm.synth.clothes.skull import CENTRE, skull
from sapiens_mm.synth.core.asset import load_asset
from sapiens_mm.synth.core.rig import Pose, about
from sapiens_mm.synth.scene_settings import SceneSettings
from sapiens_mm.tables.body_parts import PART_IDS_28

ASSET = load_asset()
EYES = np.unique(ASSET.faces['eyes'])


def person(seed: int = 0, pose: Pose | None = None, **shape) -> Dresser:
    rest = shape_body(ASSET, BodyShape(**shape))
    return Dresser(
        ASSET, pose_body(rest, pose or Pose()), 1, np.random.default_rng(seed)
    )


def points(d: Dresser) -> np.ndarray:
    assert d.meshes and all(m.class_id == PART_IDS_28['Apparel'] for m in d.meshes)
    return np.concatenate([m.vertices[m.cut < 1] for m in d.meshes])


@pytest.mark.parametrize('gender', [0.0, 1.0])
def test_glasses_sit_before_the_eyes_and_on_the_ears(gender) -> None:
    for seed in range(5):
        d = person(seed, gender=gender)
        glasses(d)
        got, eyes = points(d), d.body.vertices[EYES]
        before = got[got[:, 1] < eyes[:, 1].min() + 0.02]
        assert before[:, 1].max() < eyes[:, 1].min() + 0.02
        for way in (-1, 1):
            eye = eyes[eyes[:, 0] * way > 0].mean(0)
            ring = before[before[:, 0] * way > 0]
            low, high = ring.min(0), ring.max(0)
            assert low[0] < eye[0] < high[0] and low[2] < eye[2] < high[2]
            # and not inside the ball
            near = np.linalg.norm(ring - eye, axis=1).min()
            ball = np.linalg.norm(eyes[eyes[:, 0] * way > 0] - eye, axis=1).max()
            assert near > ball
        ears = ASSET.fields['ear'] > 0.5
        ear = d.body.vertices[ears]
        assert got[:, 1].max() > ear[:, 1].min()
        assert np.abs(got[:, 0]).max() < np.abs(ear[:, 0]).max() + 0.02


@pytest.mark.parametrize('hat', [beanie, cap, brim_hat])
def test_hats_cover_the_top_of_the_head(hat) -> None:
    for seed in range(4):
        d = person(seed, weight=0.2 + 0.2 * seed)
        line = hat(d)
        got = points(d)
        body = np.unique(ASSET.faces['body'])
        skin = d.body.vertices[body]
        top = skin[skin[:, 2].argmax()]
        assert 0.0 < got[:, 2].max() - top[2] < 0.12
        assert 0.85 < line < 1.0
        # seen from the head's middle, the dome is outside of the skin everywhere
        middle = skull(ASSET).middle(d.body)
        dome = d.meshes[0].vertices
        head = skin[(ASSET.template[body, 2] > 0.95)]
        unit = head - middle
        radius = np.linalg.norm(unit, axis=1)
        unit = unit / radius[:, None]
        out = np.linalg.norm(dome - middle, axis=1)
        way = (dome - middle) / out[:, None]
        near = (unit @ way.T).argmax(1)
        assert (out[near] > radius - 0.002).mean() > 0.98


def test_hats_follow_the_head() -> None:
    turn = about([0, 1, 0], 0.4)
    still, moved = person(1), person(1, Pose({'head': turn}))
    beanie(still)
    beanie(moved)
    head = ASSET.bone_index['head']
    m = moved.body.bone_world[head]
    want = points(still) @ m[:3, :3].T + m[:3, 3]
    assert points(moved) == pytest.approx(want, abs=1e-4)


def test_skull_measures_the_head() -> None:
    dome = skull(ASSET)
    assert dome.at(0.0, 0.6)[1] < CENTRE[1] - 0.05  # azimuth 0 is the face
    assert dome.at(np.pi / 2, 0.3)[0] > 0.05  # and a quarter on the left
    small = person(height=0.0, gender=1.0).body
    large = person(height=1.0, gender=0.0).body
    assert dome.scale(small) < dome.scale(large)
    assert dome.scale(person().body) == pytest.approx(1.0, abs=0.05)


def test_belt_scarf_and_watch_are_where_they_belong() -> None:
    d = person()
    belt(d)
    ring = points(d)
    pelvis = d.body.joints['pelvis']
    assert np.abs(ring[:, 2] - pelvis[2]).max() < 0.2
    assert ring[:, 0].min() < -0.08 and ring[:, 0].max() > 0.08
    angle = np.sort(np.arctan2(ring[:, 0] - pelvis[0], ring[:, 1] - ring[:, 1].mean()))
    assert np.diff(angle).max() < 0.3  # goes all around
    d = person()
    watch(d)
    wrists = [
        np.linalg.norm(points(d) - d.body.joints[f'{s}-hand'], axis=1) for s in 'lr'
    ]
    assert min(w.max() for w in wrists) < 0.12
    d = person()
    scarf(d)
    top = points(d)[:, 2].max()
    assert d.body.joints['neck'][2] - 0.08 < top < d.body.joints['head'][2]


@pytest.mark.parametrize('bag', [crossbody, backpack])
def test_bags_are_outside_the_body(bag) -> None:
    d = person()
    bag(d)
    box = d.meshes[1].vertices
    low, high = box.min(0), box.max(0)
    assert (high - low > 0.05).all()
    body = d.body.vertices[np.unique(ASSET.faces['body'])]
    limb = (
        ASSET.part('Upper_Arm', 'Lower_Arm', 'Hand')[np.unique(ASSET.faces['body'])]
        > 0.5
    )
    inner = (low + high) / 2 + np.array([[-0.4], [0.4]]) * (high - low)
    inside = ((body[~limb] > inner[0]) & (body[~limb] < inner[1])).all(1)
    assert inside.sum() == 0
    if bag is backpack:
        assert low[1] > 0  # behind


def test_settings_say_what_is_worn() -> None:
    none = dict(hat=0, glasses=0, belt=0, bag=0, scarf=0, watch=0)
    d = person()
    assert accessorize(d, SceneSettings(**none), 'casual') is None
    assert d.meshes == []
    d = person()
    line = accessorize(d, SceneSettings(**{**none, 'hat': 1}), 'casual')
    assert line is not None and d.meshes
