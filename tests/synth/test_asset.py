"""The baked human: symmetry, weights, fields, units and what is stored of them."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from sapiens_mm.synth.core import asset as module
from sapiens_mm.synth.core.asset import DATA, PARTS, load_asset

TOOLS = Path(__file__).resolve().parents[2] / 'tools/dev'
FLIP = np.float32([-1, 1, 1])


@pytest.fixture(scope='module')
def asset():
    return load_asset()


def moved(asset, name):
    """Return (V, 3) what one facial unit does."""
    out = np.zeros_like(asset.template)
    asset.expressions.add(out, name, 1.0)
    return out


def test_mirror_is_exact(asset):
    assert (asset.mirror[asset.mirror] == np.arange(len(asset.template))).all()
    assert np.array_equal(asset.template[asset.mirror] * FLIP, asset.template)
    for name, faces in asset.faces.items():
        ids = np.unique(faces)
        assert np.array_equal(ids, np.sort(asset.mirror[ids])), name


def test_body_triangles_are_mirrored_and_face_outwards(asset):
    faces = asset.faces['body']
    here = {tuple(sorted(face)) for face in faces.tolist()}
    assert here == {tuple(sorted(face)) for face in asset.mirror[faces].tolist()}
    corner = asset.template[faces].astype(np.float64)
    volume = np.einsum(
        'fc,fc->f', corner[:, 0], np.cross(corner[:, 1], corner[:, 2])
    ).sum()
    # a closed surface whose triangles face outwards encloses a positive volume
    assert 0.05 < volume / 6 < 0.12


def test_weights_sum_to_one_and_mirror(asset):
    np.testing.assert_allclose(asset.skin_weight.sum(1), 1, atol=1e-5)
    np.testing.assert_allclose(asset.part_weights.sum(1), 1, atol=1e-5)
    assert np.diff(asset.skin_weight, axis=1).max() < 2e-4
    swap = [
        PARTS.index(
            p.replace('Left', '#').replace('Right', 'Left').replace('#', 'Right')
        )
        for p in PARTS
    ]
    np.testing.assert_allclose(
        asset.part_weights[asset.mirror][:, swap], asset.part_weights, atol=2e-4
    )


@pytest.mark.parametrize(
    ('bone', 'part'),
    [
        ('upperarm02.R', 'Right_Upper_Arm'),
        ('finger3-2.L', 'Left_Hand'),
        ('toe5-1.R', 'Right_Foot'),
        ('neck02', 'Face_Neck'),
        ('eye.L', 'Face_Neck'),
        ('clavicle.L', 'Torso'),
    ],
)
def test_bone_part(bone, part):
    assert module.bone_part(bone) == part


def test_heads_are_the_joints_they_are_named_for(asset):
    joint = dict(
        zip(
            asset.joint_names,
            asset.template[asset.joint_vertices].astype('f8').mean(1),
            strict=True,
        )
    )
    for bone, name in (
        ('lowerleg01.L', 'l-knee'),
        ('wrist.R', 'r-hand'),
        ('head', 'head'),
    ):
        head = asset.template_heads[asset.bone_index[bone]]
        np.testing.assert_allclose(head, joint[name], atol=1e-6)
    parents = asset.bone_parents
    assert parents[0] == -1 and (parents[1:] < np.arange(1, len(parents))).all()


def test_jaw_takes_lower_teeth_and_tongue_along(asset):
    drop = -moved(asset, 'jawOpen')[:, 2]
    assert drop[np.unique(asset.faces['upper_teeth'])].max() == 0
    assert drop[np.unique(asset.faces['lower_teeth'])].max() > 0.02
    assert drop[np.unique(asset.faces['tongue'])].max() > 0.02
    lip = asset.fields['lip'] > 0.8
    lower = asset.fields['lower_lip'] > 0
    near = np.abs(asset.template[:, 0]) < 0.012
    # the lower lip goes with the jaw, the upper one stays
    assert drop[lip & near & lower].min() > 2 * drop[lip & near & ~lower].max()


def test_blink_takes_the_lashes_along_and_leaves_the_eyeball(asset):
    blink = moved(asset, 'eyeBlinkLeft')
    lashes = np.unique(asset.faces['lashes'])
    left = lashes[asset.template[lashes, 0] > 0]
    assert blink[left, 2].min() < -0.006
    assert not blink[lashes[asset.template[lashes, 0] < 0]].any()
    eyes = np.unique(asset.faces['eyes'])
    assert not blink[eyes].any() and not moved(asset, 'eyeLookOutLeft')[eyes].any()


def test_fields_lie_where_they_are_named_for(asset):
    head = asset.part('Face_Neck') > 0.5
    for name in ('lip', 'ear', 'brow', 'mouth_inside'):
        field = asset.fields[name]
        assert field.max() > 0.5 and (field[~head] < 0.5).all(), name
    ear = asset.template[asset.fields['ear'] > 0.5]
    assert np.abs(ear[:, 0]).min() > 0.06
    crown = asset.template[:13380, 2].argmax()
    assert asset.fields['scalp'][crown] < 0
    nose = asset.template[:13380, 1][asset.template[:13380, 2] > 0.85].argmin()
    nose = np.flatnonzero(asset.template[:13380, 2] > 0.85)[nose]
    assert asset.fields['scalp'][nose] > 1
    hand = asset.part('Hand') > 0.99
    assert asset.fields['t_arm'][hand].min() > 1.8
    assert np.abs(asset.fields['t_leg'][asset.joint_vertices].mean(1)).max() < 2.7
    for joint, place in (('l-upper-leg', 0), ('l-knee', 1), ('r-ankle', 2)):
        cube = asset.joint_vertices[asset.joint_names.index(joint)]
        assert asset.fields['t_leg'][cube].mean() == pytest.approx(place, abs=0.02)


def test_right_local_units_mirror_the_left(asset):
    left = np.zeros_like(asset.template)
    right = np.zeros_like(asset.template)
    asset.locals.add(left, 'l-ear-scale-incr+', 0.5)
    asset.locals.add(right, 'r-ear-scale-incr+', 0.5)
    assert np.abs(left).max() > 0.002
    np.testing.assert_array_equal(right[asset.mirror] * FLIP, left)


def test_seal_closes_the_lips(asset):
    points = asset.template.copy()
    points[asset.fields['lower_lip'] > 0.05] -= np.float32([0, 0, 0.001])
    seal = asset.seal

    def gap():
        first, second = points[seal.opposite[:, 0]], points[seal.opposite[:, 1]]
        other = first + (second - first) * seal.part[:, None]
        return np.abs(other - points[seal.edge]).max(1)

    before = np.median(gap())
    seal.close(points, 1.0)
    assert before > 0.0011
    # each lip overshoots the middle by 0.2 mm
    assert np.median(gap()) < 0.0005


def test_asset_is_read_only_small_and_licensed(asset):
    with pytest.raises(ValueError, match='read-only'):
        asset.template[0] = 0
    assert (DATA / 'human.npz').stat().st_size <= 12e6
    assert 'CC0' in (DATA / 'NOTICE.txt').read_text()
    assert 'CC0 1.0 Universal' in (DATA / 'CC0-1.0.txt').read_text()


def test_load_asset_names_the_file(tmp_path):
    with pytest.raises(ValueError, match='none.npz'):
        load_asset(tmp_path / 'none.npz')
    np.savez(tmp_path / 'other.npz', template=np.zeros((3, 3)))
    with pytest.raises(ValueError, match='other.npz is not a baked human'):
        load_asset(tmp_path / 'other.npz')
    (tmp_path / 'text.npz').write_text('no archive')
    with pytest.raises(ValueError, match='text.npz'):
        load_asset(tmp_path / 'text.npz')


def test_units_survive_packing(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    from _bake.units import pack_units

    rng = np.random.default_rng(0)
    units = {'one+': np.zeros((40, 3)), 'two-': rng.normal(0, 0.01, (40, 3))}
    units['one+'][[3, 7]] = [[0.01, 0, -0.02], [0, 1e-3, 0]]
    read = module._units(pack_units('local', units), 'local')
    assert read.names == ('one+', 'two-') and read.vertices[0].tolist() == [3, 7]
    for name, delta in units.items():
        out = np.zeros((40, 3), np.float32)
        read.add(out, name, 1.0)
        np.testing.assert_allclose(out, delta, atol=np.abs(delta).max() / 60000 + 2e-5)


@pytest.mark.slow
def test_bodies_match_anny(asset, monkeypatch):
    anny = pytest.importorskip('anny', reason='the baked data need no anny')
    torch = pytest.importorskip('torch')
    from sapiens_mm.synth.body.shape import (
        _ADULT_STOPS,
        _ADULT_YEARS,
        BodyShape,
        shape_coefficients,
    )

    monkeypatch.setattr(sys, 'argv', ['test'])
    model = anny.Anny(
        rig='anny', topology='anny-full', phenotypes='all', local_changes='none'
    ).to(dtype=torch.float32)
    teeth = np.unique(
        np.concatenate([asset.faces['upper_teeth'], asset.faces['lower_teeth']])
    )
    kept = np.setdiff1d(np.arange(len(asset.template)), teeth)
    names = [n for n in model.phenotype_labels if n != 'age']
    rng = np.random.default_rng(5)
    for _ in range(10):
        values = dict(zip(names, rng.random(len(names)).tolist(), strict=True))
        shape = BodyShape(age_years=float(rng.uniform(18, 90)), **values)
        age = float(np.interp(shape.age_years, _ADULT_YEARS, _ADULT_STOPS))
        with torch.no_grad():
            truth = model(phenotype_kwargs={**values, 'age': age})['rest_vertices']
        move = shape_coefficients(asset, shape) @ asset.shape_basis.reshape(
            len(asset.shape_basis), -1
        )
        ours = asset.template + asset.unfold(move.reshape(-1, 3).astype(np.float32))
        error = np.linalg.norm(truth[0].numpy() - ours, axis=1)[kept]
        assert error.mean() < 3e-4
