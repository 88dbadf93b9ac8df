"""A sphere, resized, turned, mirrored and cropped, is that of the new scene."""

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('mmseg')

from mmengine.registry import DefaultScope
from mmseg.registry import TRANSFORMS

sys.path.insert(0, str(Path(__file__).parent))
from scenes import angles_deg, draw_scene, draw_sphere

from sapiens_mm.geometry import SapiensMapTarget, SapiensPackMap

HW, CENTRE, RADIUS = (480, 360), (200.0, 210.0), 120.0  # pixels; x, y


def build(**cfg):
    with DefaultScope.overwrite_default_scope('mmseg'):
        return TRANSFORMS.build(cfg)


def results_of(scene, kind='normal'):
    values = scene.normals if kind == 'normal' else scene.depth
    return dict(
        img=scene.photo.copy(),
        gt_map=values.copy(),
        gt_mask=(scene.mask > 0).astype(np.uint8),
        map_kind=kind,
        seg_fields=['gt_map', 'gt_mask'],
        img_shape=scene.mask.shape,
        ori_shape=scene.mask.shape,
    )


def assert_is(results, scene, same_light=True):
    """Compare normals with a scene drawn anew, away from its rim to half a degree."""
    mask, truth = results['gt_mask'] > 0, scene.mask > 0
    assert results['img'].shape[:2] == mask.shape == truth.shape
    assert (mask & truth).sum() / (mask | truth).sum() > 0.99
    both = mask & truth
    errors = angles_deg(results['gt_map'], scene.normals)[both]
    inner = scene.normals[both][:, 2] > 0.3
    assert errors[inner].max() < 0.5
    assert np.percentile(errors, 99) < 0.5
    assert errors.mean() < 0.05
    if not same_light:
        return
    difference = results['img'].astype(int) - scene.photo
    assert np.abs(difference[both][inner]).mean() < 4  # of 255: the noise is 2


@pytest.mark.parametrize('scale', [0.5, 1.5])
def test_resize(scale):
    size = (round(HW[0] * scale), round(HW[1] * scale))
    step = build(
        type='sapiens_mm.SapiensMapResize',
        scale=size[::-1],  # (W, H)
        map_interpolation='linear',
    )
    results = step(results_of(draw_sphere(HW, CENTRE, RADIUS)))
    centre = tuple((c + 0.5) * scale - 0.5 for c in CENTRE)
    assert_is(results, draw_sphere(size, centre, RADIUS * scale))


def test_random_resize_of_the_host_uses_ours():
    step = build(
        type='RandomResize',
        scale=HW[::-1],
        ratio_range=(0.75, 0.75),
        keep_ratio=True,
        resize_type='sapiens_mm.SapiensMapResize',
        map_interpolation='linear',
    )
    results = step(results_of(draw_sphere(HW, CENTRE, RADIUS)))
    centre = tuple((c + 0.5) * 0.75 - 0.5 for c in CENTRE)
    assert_is(results, draw_sphere((360, 270), centre, 90.0))


@pytest.mark.parametrize('clockwise_deg', [30.0, -60.0, 90.0])
def test_rotate(clockwise_deg):
    step = build(
        type='sapiens_mm.SapiensRandomMapRotate',
        prob=1.0,
        degree=(clockwise_deg, clockwise_deg),
        map_interpolation='linear',
    )
    results = step(results_of(draw_sphere(HW, CENTRE, RADIUS)))
    # on the screen: x right, y down, so a clockwise turn is the usual matrix
    angle = np.deg2rad(clockwise_deg)
    middle = np.array([(HW[1] - 1) / 2, (HW[0] - 1) / 2])
    x, y = np.array(CENTRE) - middle
    turned = np.array(
        [x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)]
    )
    new = draw_sphere(HW, tuple(middle + turned), RADIUS)
    assert_is(results, new, same_light=False)
    assert not results['gt_mask'][0, 0]


def test_rotation_turns_the_image_as_the_host_does():
    scene = draw_scene(0, (96, 72))
    cfg = dict(prob=1.0, degree=(25.0, 25.0))
    ours = build(type='sapiens_mm.SapiensRandomMapRotate', **cfg)(results_of(scene))
    host = build(type='RandomRotate', **cfg)(dict(img=scene.photo, seg_fields=[]))
    difference = np.abs(ours['img'].astype(int) - host['img'])
    assert difference.max() <= 1


@pytest.mark.parametrize(
    ('direction', 'signs'),
    [('horizontal', (-1, 1)), ('vertical', (1, -1)), ('diagonal', (-1, -1))],
)
def test_flip(direction, signs):
    step = build(type='sapiens_mm.SapiensRandomMapFlip', prob=1.0, direction=direction)
    results = step(results_of(draw_sphere(HW, CENTRE, RADIUS)))
    centre = (
        CENTRE[0] if signs[0] > 0 else HW[1] - 1 - CENTRE[0],
        CENTRE[1] if signs[1] > 0 else HW[0] - 1 - CENTRE[1],
    )
    assert_is(results, draw_sphere(HW, centre, RADIUS), same_light=False)


def test_crop():
    step = build(type='RandomCrop', crop_size=(300, 280))
    np.random.seed(3)
    scene = draw_sphere(HW, CENTRE, RADIUS)
    results = step(results_of(scene))
    corner = np.random.RandomState(3)
    top, left = corner.randint(0, 181), corner.randint(0, 81)
    assert (top, left) != (0, 0)
    part = np.s_[top : top + 300, left : left + 280]
    np.testing.assert_array_equal(results['gt_map'], scene.normals[part])
    np.testing.assert_array_equal(results['gt_mask'], scene.mask[part] > 0)
    np.testing.assert_array_equal(results['img'], scene.photo[part])
    cut = (CENTRE[0] - left, CENTRE[1] - top)
    assert_is(results, draw_sphere((300, 280), cut, RADIUS), same_light=False)


@pytest.mark.parametrize('name', ['MapResize', 'RandomMapRotate', 'RandomMapFlip'])
def test_depth_keeps_its_values(name):
    """Depth moves with the image and is neither mixed nor turned."""
    cfg = {
        'MapResize': dict(scale=(54, 77)),
        'RandomMapRotate': dict(prob=1.0, degree=(40.0, 40.0)),
        'RandomMapFlip': dict(prob=1.0),
    }[name]
    scene = draw_scene(1, (96, 72))
    results = build(type=f'sapiens_mm.Sapiens{name}', **cfg)(results_of(scene, 'depth'))
    inside = results['gt_mask'] > 0
    assert set(results['gt_map'][inside]) <= set(scene.depth[scene.mask > 0])
    assert inside.sum() > 100


def test_linear_resampling_never_mixes_in_the_background():
    depth = np.full((40, 40), 3.0, np.float32)
    mask = np.zeros((40, 40), np.uint8)
    mask[:, :21] = 1
    depth[:, 21:] = 1e6
    step = build(
        type='sapiens_mm.SapiensMapResize', scale=(27, 27), map_interpolation='linear'
    )
    results = dict(img=np.zeros((40, 40, 3), np.uint8), gt_map=depth, gt_mask=mask)
    results = step(dict(results, map_kind='depth'))
    np.testing.assert_allclose(results['gt_map'][results['gt_mask'] > 0], 3)
    assert results['gt_mask'].sum(1).tolist() == [14] * 27  # 21 * 27 / 40 = 14.2


def test_depth_target_is_relative_to_the_people_in_the_crop():
    depth = np.array([[2.0, 3.0, 9.0], [2.5, 4.0, 0.1]], np.float32)
    mask = np.array([[1, 1, 0], [1, 1, 0]], np.uint8)
    results = SapiensMapTarget()(dict(gt_map=depth, gt_mask=mask, map_kind='depth'))
    assert results['gt_map'].tolist() == [[0, 0.5, -1], [0.25, 1, -1]]
    assert results['gt_map'].dtype == np.float32
    for values, people in ((depth * 0 + 7, mask), (depth, mask * 0)):
        results = SapiensMapTarget()(
            dict(gt_map=values, gt_mask=people, map_kind='depth')
        )
        expected = np.where(people > 0, 0, -1)  # one depth, or nobody
        assert results['gt_map'].tolist() == expected.tolist()


def test_normal_target_has_length_one():
    normals = np.zeros((1, 4, 3), np.float32)
    normals[0, 0], normals[0, 1], normals[0, 3] = (0, 3, 4), (0, 0, 0.5), (1, 0, 0)
    mask = np.array([[1, 1, 1, 0]], np.uint8)
    results = SapiensMapTarget()(dict(gt_map=normals, gt_mask=mask, map_kind='normal'))
    expected = [[0, 0.6, 0.8], [0, 0, 1], [-1000] * 3, [-1000] * 3]
    np.testing.assert_allclose(results['gt_map'][0], expected, rtol=1e-6)
    assert results['gt_mask'].tolist() == [[1, 1, 0, 0]]  # no direction, no label


@pytest.mark.parametrize('kind', ['depth', 'normal'])
def test_pack(kind):
    scene = draw_scene(0, (32, 24))
    packed = SapiensPackMap()(
        dict(results_of(scene, kind), img_path='a.png', group='g')
    )
    np.testing.assert_array_equal(
        packed['inputs'].numpy(), scene.photo.transpose(2, 0, 1)
    )
    sample = packed['data_samples']
    truth = scene.depth[None] if kind == 'depth' else scene.normals.transpose(2, 0, 1)
    np.testing.assert_array_equal(sample.gt_map.data.numpy(), truth)
    np.testing.assert_array_equal(sample.gt_mask.data.numpy(), scene.mask[None] > 0)
    assert (sample.img_path, sample.group) == ('a.png', 'g')
    bare = SapiensPackMap()(dict(img=scene.photo))['data_samples']
    assert 'gt_map' not in bare and 'gt_mask' not in bare


def test_wrong_arguments_raise():
    with pytest.raises(ValueError, match="of nearest, linear, got 'cubic'"):
        build(
            type='sapiens_mm.SapiensMapResize', scale=(4, 4), map_interpolation='cubic'
        )
    with pytest.raises(ValueError, match='min_facing must be in'):
        build(type='sapiens_mm.SapiensLoadMap', min_facing=2)
    with pytest.raises(ValueError, match="kind must be one of depth, normal; got 'x'"):
        SapiensMapTarget()(dict(map_kind='x'))
