"""Hair: locks stay on head and clothes, beards, and how many people are bald."""

from __future__ import annotations

import numpy as np
import pytest

from sapiens_mm.synth.body.body import BodyShape, pose_body, shape_body
from sapiens_mm.synth.body.flesh import sample_looks, skin_aux
from sapiens_mm.synth.clothes.dresser import Dresser
from sapiens_mm.synth.core.asset import load_asset
from sapiens_mm.synth.core.rig import Pose, about
from sapiens_mm.synth.hair.hair import STYLES, grow_hair
from sapiens_mm.synth.hair.locks import solid
from sapiens_mm.synth.hair.strands import Habit, Locks, grow, ribbons
from sapiens_mm.synth.scene_settings import SceneSettings
from sapiens_mm.tables.body_parts import PART_IDS_28

ASSET = load_asset()
SHAPE = BodyShape(gender=1.0)
REST = shape_body(ASSET, SHAPE)
LOOKS = sample_looks(np.random.default_rng(0), SHAPE)


def haired(
    style: str, pose: Pose | None = None, hat: float | None = None, seed: int = 0
):
    """Return a dresser with hair of one style."""
    rng = np.random.default_rng(seed)
    d = Dresser(ASSET, pose_body(REST, pose or Pose()), 1, rng)
    grow_hair(d, SceneSettings(hair_female={style: 1}), LOOKS, 1.0, hat)
    return d


@pytest.mark.parametrize('style', sorted(STYLES))
def test_hair_is_outside_the_head(style) -> None:
    d = haired(style)
    assert d.meshes and all(m.class_id == PART_IDS_28['Hair'] for m in d.meshes)
    points, normals = solid(d)
    hair = np.concatenate([m.vertices[m.cut < 1] for m in d.meshes])[::5]
    deep = 0
    for point in hair:
        near = ((points - point) ** 2).sum(1).argmin()
        deep += (point - points[near]) @ normals[near] < -0.004
    assert deep <= 0.04 * len(hair)


def test_styles_differ_in_length_and_volume() -> None:
    heads = {s: np.concatenate([m.vertices for m in haired(s).meshes]) for s in STYLES}
    low = {s: v[:, 2].min() for s, v in heads.items()}
    assert low['long'] < low['medium'] - 0.05 < low['short'] - 0.1
    wide = {
        s: np.ptp(v[v[:, 2] > REST.vertices[:, 2].max() - 0.1][:, 0])
        for s, v in heads.items()
    }
    assert wide['afro'] > wide['short'] + 0.03 > wide['buzz'] + 0.03


def test_long_hair_hangs_down_whatever_the_pose() -> None:
    upside = Pose(root_rotation=about([1, 0, 0], np.pi))
    d = haired('long', upside)
    top = d.body.joints['head'][2]
    hair = np.concatenate([m.vertices for m in d.meshes])
    # the head is below the trunk; hair falls further down, away from the shoulders
    assert hair[:, 2].min() < top - 0.25
    assert hair[:, 2].max() < top + 0.2


def test_hair_under_a_hat_is_cut_off() -> None:
    d = haired('short', hat=0.93)
    for mesh in d.meshes:
        kept = mesh.vertices[mesh.cut < 1]
        # rest pose: the world is the shaped template
        assert kept[:, 2].max() < REST.vertices[:, 2].max() - 0.02


def test_locks_fall_straight_in_free_air() -> None:
    far = np.array([[50.0, 0, 0]]), np.array([[1.0, 0, 0]])
    roots = np.zeros((1, 3))
    way = np.array([[1.0, 0, 0]])
    locks = Locks(roots, way, way, np.array([20]), np.array([0.0]))
    habit = Habit(0.02, weight=0.5, comb=0.0, combed=1.0, cling=0.0)
    points, _ = grow(locks, *far, habit)
    assert points.shape == (1, 20, 3)
    steps = np.diff(points[0], axis=0)
    assert np.linalg.norm(steps, axis=1) == pytest.approx(0.02)
    # direction d(k) = normalise(d(k - 1) - 0.5 z), by hand for the first two
    d = np.array([1.0, 0, 0])
    for k in range(2):
        d = d - [0, 0, 0.5]
        d /= np.linalg.norm(d)
        if k:
            assert steps[0] == pytest.approx(0.02 * d)
    assert steps[-1] == pytest.approx([0, 0, -0.02], abs=1e-3)


def test_ribbons_are_as_wide_as_asked_and_face_out() -> None:
    points = np.zeros((1, 4, 3))
    points[0, :, 2] = -np.arange(4) * 0.1
    sides = np.tile([1.0, 0, 0], (1, 4, 1))
    vertices, normals, faces, template = ribbons(
        points, sides, np.array([4]), np.array([0.02])
    )
    assert vertices.shape == (8, 3) and faces.shape == (6, 3)
    assert np.linalg.norm(vertices[1] - vertices[0]) == pytest.approx(0.02)
    assert np.linalg.norm(vertices[7] - vertices[6]) == pytest.approx(0.02 * 0.15)
    assert template[:, 2] == pytest.approx(np.repeat([0, 0.1, 0.2, 0.3], 2))
    a, b, c = vertices[faces].transpose(1, 0, 2)
    flat = np.cross(b - a, c - a)
    assert (np.abs(flat[:, 1]) > 0).all()
    assert (np.sign(flat[:, 1]) == np.sign(normals[faces[:, 0], 1])).all()


def test_a_beard_darkens_only_the_lower_face() -> None:
    aux = skin_aux(ASSET, LOOKS)
    seen = 0
    for seed in range(12):
        d = Dresser(ASSET, pose_body(REST, Pose()), 1, np.random.default_rng(seed))
        settings = SceneSettings(beard=1.0, hair_male={'bald': 1})
        got = grow_hair(d, settings, LOOKS, 0.0, None)
        changed = got != aux
        seen += changed.any()
        assert not d.meshes
        assert (got[changed] < aux[changed]).all()
        assert (ASSET.template[changed, 2] < 0.87).all()
        assert (ASSET.fields['lip'][changed] < 0.5).all()
    assert seen == 12


def test_few_are_bald() -> None:
    settings = SceneSettings()
    for name in ('hair_female', 'hair_male'):
        names, shares = settings.weights(name)
        assert dict(zip(names, shares, strict=True))['bald'] < 0.08
        assert set(names) - {'bald'} == set(STYLES)
