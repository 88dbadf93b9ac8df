"""The checks find what is wrong, and nothing else."""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest

from sapiens_mm.synth.dataset.checks import (
    depth_normal_angles,
    keypoints_on_surfaces,
    normals_from_depth,
    surface_table,
)
from sapiens_mm.tables import GOLIATH28, GOLIATH308

sys.path.insert(0, str(Path(__file__).parent))
from made_samples import draw


def ball(hw=(120, 100), focal=200.0, distance=2.0, radius=0.35):
    """Depth and normals of a ball on the optical axis, by formula."""
    height, width = hw
    k = np.array([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1]])
    rows, columns = np.indices(hw)
    rays = np.dstack(
        [(columns - k[0, 2]) / focal, (rows - k[1, 2]) / focal, np.ones(hw)]
    )
    # |t ray - centre| = radius
    a = (rays**2).sum(2)
    root = distance**2 - a * (distance**2 - radius**2)
    hit = root > 0
    depth = np.where(hit, (distance - np.sqrt(np.abs(root))) / a, 0)
    normals = (rays * depth[..., None] - [0, 0, distance]) / radius
    normals = normals * [1, -1, -1] * hit[..., None]
    return k, depth, normals, hit


def as_sample(k, depth, normals, hit):
    return dataclasses.replace(
        draw(),
        labels=np.where(hit, 22, 0).astype(np.uint8),
        instances=hit.astype(np.uint8),
        depth=depth.astype(np.float32),
        normals=normals.astype(np.float32),
        intrinsics=k,
    )


def test_normals_of_a_ball():
    k, depth, normals, hit = ball()
    found = normals_from_depth(depth, k)
    inner = hit & (normals[..., 2] > 0.6)
    cosine = (found[inner] * normals[inner]).sum(1)
    assert np.degrees(np.arccos(cosine.clip(-1, 1))).max() < 0.5
    # what faces the camera, and a normal on the right side, by hand
    assert found[60, 50] == pytest.approx([0, 0, 1], abs=0.03)
    assert found[60, 70, 0] > 0.4 and found[40, 50, 1] > 0.4


def test_angles_are_small_where_depth_and_normals_agree():
    k, depth, normals, hit = ball()
    angles = depth_normal_angles(as_sample(k, depth, normals, hit))
    assert len(angles) > 500 and angles.max() < 0.5
    for axis in range(2):  # a mirrored axis
        wrong = normals * np.where(np.arange(3) == axis, -1, 1)
        assert np.median(depth_normal_angles(as_sample(k, depth, wrong, hit))) > 20
    turned = normals @ np.array(
        [[np.cos(0.1), 0, np.sin(0.1)], [0, 1, 0], [-np.sin(0.1), 0, np.cos(0.1)]]
    )
    angles = depth_normal_angles(as_sample(k, depth, turned, hit))
    assert angles.max() == pytest.approx(np.degrees(0.1), abs=0.5)


def test_surfaces_of_names():
    table = surface_table()

    def classes(name):
        row = table[GOLIATH308.names.index(name)]
        return {GOLIATH28.classes[c] for c in np.flatnonzero(row)}

    assert classes('left_thumb4') == {'Left_Hand'}
    assert classes('right_pinky_finger_third_joint') == {'Right_Hand'}
    assert classes('right_big_toe') == {'Right_Foot', 'Right_Shoe', 'Right_Sock'}
    assert classes('r_center_of_pupil') == {'Face_Neck', 'Hair'}
    assert 'Upper_Lip' in classes('center_of_cupid_bow')
    assert 'Left_Upper_Leg' in classes('left_knee')
    assert 'Right_Upper_Leg' not in classes('left_knee')
    # the mirror image of a keypoint lies on the mirror image of its classes
    swap = list(range(28))
    for left in range(4, 12):
        swap[left], swap[left + 9] = left + 9, left
    np.testing.assert_array_equal(table[list(GOLIATH308.flip_indices)], table[:, swap])


def test_keypoints_are_told_from_those_beside_the_surface():
    keypoints = np.zeros((308, 3), np.float32)
    names = GOLIATH308.names
    shoulder, eye, thumb = (names.index(n) for n in ('left_shoulder', 'nose', 'neck'))
    keypoints[shoulder] = 12.4, 20, 2  # on upper clothing
    keypoints[eye] = 12, 20, 2  # a nose there is wrong
    keypoints[thumb] = 12, 4.4, 2  # background, beside the face
    keypoints[names.index('left_knee')] = 12, 20, 1  # hidden: not asked
    counts = keypoints_on_surfaces(draw(keypoints))
    assert counts[shoulder].tolist() == [1, 1]
    assert counts[eye].tolist() == [1, 0]
    assert counts[thumb].tolist() == [1, 1]
    assert counts.sum() == 5


def test_rendered_samples_pass(synth_samples):
    counts = sum(map(keypoints_on_surfaces, synth_samples.values()))
    assert counts[:, 0].sum() > 1000
    assert counts[:, 1].sum() / counts[:, 0].sum() > 0.97
    for sample in synth_samples.values():
        angles = depth_normal_angles(sample, margin_px=1)
        if len(angles) > 300:
            assert np.median(angles) < 8  # the pixels are coarse
