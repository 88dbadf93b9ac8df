"""Whole samples: the same everywhere, and labels that agree with one another."""

import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

from sapiens_mm.synth.core.asset import load_asset
from sapiens_mm.synth.sample import render
from sapiens_mm.synth.scene import FARTHEST, lay_out
from sapiens_mm.synth.scene_settings import SceneSettings
from sapiens_mm.tables.body_parts import PART_IDS_28

HW = (256, 192)
CODE = """
import hashlib, sys, numpy as np
from sapiens_mm.synth.sample import render
for index in map(int, sys.argv[1:]):
    s = render(7, index, size_hw=(256, 192))
    digest = hashlib.sha256()
    for a in (s.image, s.labels, s.instances, s.depth, s.normals, s.normals_bump):
        digest.update(np.ascontiguousarray(a))
    for p in s.people:
        digest.update(p.keypoints.tobytes() + p.amodal_box_xyxy.tobytes())
    print(index, digest.hexdigest())
"""


@pytest.fixture(scope='module')
def samples():
    mixed = [render(7, k, size_hw=HW) for k in range(6)]
    crowd = SceneSettings(people={'four': 1}, framing={'full': 1})
    close = SceneSettings(
        people={'one': 1}, framing={'face': 1}, open_mouth_close_up=1.0
    )
    return [*mixed, render(1, 0, crowd, HW), render(1, 1, close, HW)]


def test_another_process_in_another_order_makes_the_same_bytes(samples):
    found = []
    for order in ('31', '13'):  # ``samples`` has compiled what they run
        run = subprocess.run(
            [sys.executable, '-c', CODE, *order],
            capture_output=True,
            text=True,
            check=True,
        )
        found.append(dict(line.split() for line in run.stdout.splitlines()))
    assert found[0] == found[1]
    assert set(found[0]) == {'1', '3'}
    assert found[0]['1'] != found[0]['3']


def test_a_scattered_group_is_not_looked_at_from_far_away():
    """From where all three are in view they were 24 m off, beyond stored depth."""
    layout = lay_out(load_asset(), 2026, 1569, SceneSettings(), (512, 384))
    assert len(layout.people) == 3
    for person in layout.people:
        depth = layout.camera.project(person.body.vertices)[:, 2]
        assert depth.max() < FARTHEST


@pytest.mark.slow
def test_the_process_that_compiles_makes_the_same_bytes(tmp_path):
    """An empty cache of kernels, then a full one."""
    env = {**os.environ, 'NUMBA_CACHE_DIR': str(tmp_path)}
    said = [
        subprocess.run(
            [sys.executable, '-c', CODE, *'0123'],
            capture_output=True,
            text=True,
            check=True,
            env=env,
        ).stdout
        for _ in range(2)
    ]
    assert said[0] == said[1]
    assert len(set(said[0].split())) == 8


def test_maps_agree_on_where_people_are(samples):
    for s in samples:
        person = s.labels > 0
        assert s.image.shape == (*HW, 3) and s.image.dtype == np.uint8
        assert person.mean() > 0.03
        np.testing.assert_array_equal(person, s.instances > 0)
        np.testing.assert_array_equal(person, s.depth > 0)
        for normals in (s.normals, s.normals_bump):
            length = np.linalg.norm(normals, axis=2)
            np.testing.assert_allclose(length[person], 1, atol=1e-4)
            assert length[~person].max(initial=0) == 0
        numbers = {p.person for p in s.people}
        assert numbers == set(np.unique(s.instances[person]))
        assert len({p.subject for p in s.people}) == len(s.people)


def test_boxes_hold_the_pixels_and_amodal_ones_hold_the_boxes(samples):
    for s in samples:
        for p in s.people:
            rows, columns = np.nonzero(s.instances == p.person)
            want = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            np.testing.assert_array_equal(p.box_xyxy, want)
            assert (p.amodal_box_xyxy[:2] <= p.box_xyxy[:2] + 1).all()
            assert (p.amodal_box_xyxy[2:] >= p.box_xyxy[2:] - 1).all()


def test_visible_keypoints_are_in_the_image_and_on_their_person(samples):
    on_person, visible = 0, 0
    for s in samples:
        for p in s.people:
            assert p.keypoints.shape == (308, 3)
            assert set(np.unique(p.keypoints[:, 2])) <= {0, 1, 2}
            inside = (p.keypoints[:, :2] >= -0.5).all(1)
            inside &= (p.keypoints[:, :2] < np.array(HW[::-1]) - 0.5).all(1)
            assert (p.keypoints[~inside, 2] == 0).all()
            shown = p.keypoints[p.keypoints[:, 2] == 2, :2]
            x, y = np.clip(np.round(shown), 0, [HW[1] - 1, HW[0] - 1]).astype(int).T
            near = cv2.dilate(
                (s.instances == p.person).astype(np.uint8), np.ones((5, 5))
            )
            on_person += near[y, x].sum()
            visible += len(shown)
    assert visible > 500
    assert on_person / visible > 0.97


def test_class_borders_between_a_person_and_the_rest_are_depth_borders(samples):
    for s in samples:
        border = s.instances[:, 1:] != s.instances[:, :-1]
        one = s.depth[:, 1:][border], s.depth[:, :-1][border]
        # another person or nobody: the depth is another, too
        assert (np.abs(one[0] - one[1]) > 1e-4).mean() > 0.99


def test_normals_from_depth_agree_with_the_stored_ones():
    s = render(2, 0, SceneSettings(people={'one': 1}, framing={'upper': 1}), (512, 384))
    k = s.intrinsics
    y, x = np.mgrid[:512, :384]
    rays = np.stack([(x - k[0, 2]) / k[0, 0], (y - k[1, 2]) / k[1, 1], 1 + 0.0 * x], -1)
    points = rays * s.depth[..., None]
    across, down = (
        points[1:-1, 2:] - points[1:-1, :-2],
        points[2:, 1:-1] - points[:-2, 1:-1],
    )
    flat = np.cross(down, across)
    flat /= np.linalg.norm(flat, axis=-1, keepdims=True) + 1e-12
    flat *= [1, -1, -1]
    # smooth areas: one class all around, and no jump in depth
    smooth = np.ones((510, 382), bool)
    middle = s.depth[1:-1, 1:-1]
    for dy in range(3):
        for dx in range(3):
            near = np.s_[dy : dy + 510, dx : dx + 382]
            smooth &= s.labels[near] == s.labels[1:-1, 1:-1]
            smooth &= np.abs(s.depth[near] - middle) < 0.01
    smooth &= (s.labels[1:-1, 1:-1] > 0) & (s.labels[1:-1, 1:-1] != 3)
    cosine = (flat * s.normals[1:-1, 1:-1]).sum(-1)[smooth]
    angle = np.rad2deg(np.arccos(np.clip(cosine, -1, 1)))
    assert smooth.sum() > 5000
    assert np.median(angle) < 3


def test_open_mouths_show_teeth_and_lips(samples):
    seen = np.bincount(samples[-1].labels.ravel(), minlength=28) > 0
    assert seen[PART_IDS_28['Upper_Lip']] and seen[PART_IDS_28['Lower_Lip']]
    inside = ('Upper_Teeth', 'Lower_Teeth', 'Tongue')
    assert any(seen[PART_IDS_28[name]] for name in inside)


def test_people_before_a_image(tmp_path):
    image = np.zeros((120, 90, 3), np.uint8)
    image[..., 1] = 200
    cv2.imwrite(str(tmp_path / 'green.png'), image)
    settings = SceneSettings(
        backgrounds=str(tmp_path), picture=1.0, noise=(0, 0), grayscale=0.0
    )
    s = render(0, 0, settings, HW)
    assert s.metadata['picture']
    behind = s.image[s.labels == 0].astype(int)
    assert (behind[:, 1] >= behind[:, 0]).mean() > 0.95


@pytest.mark.parametrize(
    'arguments, said',
    [
        ((-1, 0), 'seed is -1'),
        ((0, 0.5), 'index is 0.5'),
        ((0, 0, SceneSettings(), (32, 32)), 'size_hw is'),
        ((0, 0, SceneSettings(backgrounds='/nowhere', picture=1.0), HW), '/nowhere'),
    ],
)
def test_impossible_arguments_are_named(arguments, said):
    with pytest.raises(ValueError, match=said):
        render(*arguments)


@pytest.mark.slow
def test_a_crowd_hides_one_another_and_stands_on_the_ground():
    settings, hidden = SceneSettings(people={'five': 1}, framing={'full': 1}), 0
    for index in range(12):
        s = render(5, index, settings, HW)
        assert 1 <= len(s.people) <= 5
        for p in s.people:
            x0, y0, x1, y1 = p.amodal_box_xyxy
            box = (
                (s.instances[max(int(y0), 0) : int(y1), max(int(x0), 0) : int(x1)]) > 0
            )
            hidden += (box.mean() > 0) and (p.keypoints[:, 2] == 1).sum() > 200
    assert hidden > 0
