"""Data sets of depth and normals: folders, lists, SynthHuman."""

import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip('mmseg')

from mmengine.registry import DefaultScope

sys.path.insert(0, str(Path(__file__).parent))
from scenes import draw_scene, write_scenes, write_synth_human

from sapiens_mm.geometry import (
    SapiensMapDataset,
    SapiensMapListDataset,
    SapiensSynthHumanDataset,
)
from sapiens_mm.geometry.axes import parse_axes
from sapiens_mm.geometry.david_dataset import framing_of

HW = (64, 48)
SCENES = [draw_scene(seed, HW) for seed in range(4)]
LOAD = [
    dict(type='sapiens_mm.SapiensLoadImage'),
    dict(type='sapiens_mm.SapiensLoadMap'),
    dict(type='sapiens_mm.SapiensPackMap'),
]


def build(cls, *args, **kwargs):
    with DefaultScope.overwrite_default_scope('mmseg'):
        return cls(*args, **{'pipeline': LOAD, **kwargs})


@pytest.mark.parametrize('kind', ['depth', 'normal'])
def test_folders_as_in_render_people(tmp_path, kind):
    write_scenes(tmp_path, SCENES, kind)
    dataset = build(SapiensMapDataset, kind, data_root=str(tmp_path))
    assert len(dataset) == 4
    for index, scene in enumerate(SCENES):
        packed = dataset[index]
        sample = packed['data_samples']
        assert Path(sample.img_path).name == f'{index:03d}.png'
        np.testing.assert_array_equal(
            packed['inputs'].numpy(), scene.photo.transpose(2, 0, 1)
        )
        np.testing.assert_array_equal(sample.gt_mask.data[0], scene.mask > 0)
        got = sample.gt_map.data.numpy()
        if kind == 'depth':
            np.testing.assert_array_equal(got[0], scene.depth)
        else:
            np.testing.assert_allclose(got, scene.normals.transpose(2, 0, 1), atol=1e-6)


def test_other_folders_suffixes_and_sub_folders(tmp_path, log):
    write_scenes(tmp_path, SCENES, 'depth', ('images', 'masks', 'depths'))
    images, masks, depths = (tmp_path / n for n in ('images', 'masks', 'depths'))
    for folder in (images, masks, depths):
        (folder / 'b').mkdir()
        for path in list(folder.glob('00[01].*')):
            path.rename(folder / 'b' / path.name)
    (images / 'b' / '000.png').unlink()
    cv2.imwrite(str(images / 'b' / '000.JPEG'), SCENES[0].photo)
    cv2.imwrite(str(images / '002.webp'), SCENES[2].photo)
    (images / '002.png').unlink()
    cv2.imwrite(
        str(depths / '002.png'), np.rint(SCENES[2].depth * 5000).astype(np.uint16)
    )
    (depths / '002.npy').unlink()
    (masks / '003.png').unlink()
    (depths / 'note.txt').write_text('not a map')
    dataset = build(
        SapiensMapDataset,
        'depth',
        data_root=str(tmp_path),
        data_prefix=dict(img_path='images', mask_path='masks', map_path='depths'),
        map_scale=1 / 5000,
    )
    names = [
        Path(dataset.get_data_info(i)['img_path']).relative_to(images).as_posix()
        for i in range(len(dataset))
    ]
    assert names == ['002.webp', 'b/000.JPEG', 'b/001.png']
    text = log.text
    assert '2 files' in text and 'no mask' in text
    assert '003.png' in text and '003.npy' in text and 'note' not in text
    got = dataset[0]['data_samples'].gt_map.data[0].numpy()
    np.testing.assert_allclose(got, SCENES[2].depth, atol=1e-4)
    assert dataset[0]['data_samples'].get('depth_unit') is None


def test_without_masks_every_known_pixel_is_a_person(tmp_path):
    for kind in ('depth', 'normal'):
        root = write_scenes(tmp_path / kind, SCENES[:1], kind)
        shutil.rmtree(root / 'mask')
        dataset = build(
            SapiensMapDataset,
            kind,
            data_root=str(root),
            data_prefix=dict(img_path='rgb', map_path=kind),
        )
        mask = dataset[0]['data_samples'].gt_mask.data[0].numpy()
        np.testing.assert_array_equal(mask, SCENES[0].mask > 0)


def test_nothing_there(tmp_path):
    with pytest.raises(ValueError, match='folder of image files does not exist'):
        build(SapiensMapDataset, 'depth', data_root=str(tmp_path))
    write_scenes(tmp_path, SCENES[:1], 'depth')
    (tmp_path / 'depth' / '000.npy').rename(tmp_path / 'depth' / 'other.npy')
    with pytest.raises(ValueError, match='no sample is complete: found 1 of image'):
        build(SapiensMapDataset, 'depth', data_root=str(tmp_path))


@pytest.mark.parametrize(
    ('kind', 'kwargs', 'words'),
    [
        ('pose', {}, 'kind must be one of depth, normal'),
        ('depth', dict(axes='zyx'), 'axes and handedness are for normals'),
        ('normal', dict(axes='zz'), 'axes must name'),
        ('normal', dict(axes='zyx', handedness='right'), 'is a left-handed frame'),
        ('normal', dict(axes='auto', handedness='left'), "none with axes='auto'"),
        ('normal', dict(max_holes=1.0), r'max_holes must be in \[0, 1\)'),
    ],
)
def test_wrong_arguments_raise(kind, kwargs, words):
    with pytest.raises(ValueError, match=words):
        build(SapiensMapDataset, kind, lazy_init=True, **kwargs)
    with pytest.raises(TypeError, match='axis'):
        build(SapiensMapDataset, 'normal', axis='xyz')


@pytest.mark.parametrize('axes', ['z y x', 'x -y -z', '-y z x'])
def test_axes_stated_or_measured(tmp_path, axes, log):
    root = write_scenes(tmp_path, SCENES, 'normal')
    for path in (root / 'normal').glob('*.npy'):
        np.save(path, np.load(path) @ parse_axes(axes))  # ours = matrix @ stored
    for given in (axes, 'auto'):
        dataset = build(SapiensMapDataset, 'normal', data_root=str(root), axes=given)
        got = dataset[1]['data_samples'].gt_map.data.numpy()
        np.testing.assert_allclose(got, SCENES[1].normals.transpose(2, 0, 1), atol=1e-6)
    assert f'axes={axes!r}, measured on 4 samples' in log.text


def test_axes_that_cannot_be_told(tmp_path):
    wall = np.zeros((*HW, 3))
    wall[..., 2] = 1
    root = write_scenes(tmp_path, SCENES[:1], 'normal')
    np.save(root / 'normal' / '000.npy', wall)
    with pytest.raises(ValueError, match='axes cannot be told from 1 samples'):
        build(SapiensMapDataset, 'normal', data_root=str(root), axes='auto')
    (root / 'normal' / '000.npy').write_bytes(b'')
    with pytest.raises(ValueError, match='axes cannot be measured: none of'):
        build(SapiensMapDataset, 'normal', data_root=str(root), axes='auto')


# ---------------------------------------------------------------- lists


def test_list_with_groups(tmp_path):
    write_scenes(tmp_path, SCENES, 'depth')
    (tmp_path / 'depth' / 'a b.npy').write_bytes(
        (tmp_path / 'depth' / '002.npy').read_bytes()
    )
    (tmp_path / 'list.txt').write_text(
        '\ufeff# image mask map group\n'  # as editors on Windows begin a file
        'rgb/003.png mask/003.png depth/003.npy face\n'
        '\n'
        'rgb/001.png - depth/001.npy full_body  # no mask\n'
        "rgb/002.png mask/002.png 'depth/a b.npy'\n"
    )
    options = dict(data_root=str(tmp_path), ann_file='list.txt')
    dataset = build(SapiensMapListDataset, 'depth', test_mode=True, **options)
    samples = [dataset[i]['data_samples'] for i in range(3)]
    assert [s.get('group') for s in samples] == ['face', 'full_body', None]
    for sample, scene in zip(samples, (SCENES[3], SCENES[1], SCENES[2]), strict=True):
        np.testing.assert_array_equal(sample.gt_map.data[0], scene.depth)
        np.testing.assert_array_equal(sample.gt_mask.data[0], scene.mask > 0)
    faces = build(SapiensMapListDataset, 'depth', groups=['face'], **options)
    assert len(faces) == 1
    with pytest.raises(ValueError, match=r"groups \['hand'\]; there are face, full_b"):
        build(SapiensMapListDataset, 'depth', groups=['hand'], **options)


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('rgb/000.png depth/000.npy\n', 'line 1 has 2 entries; expected image mask'),
        ('\nrgb/000.png - -\n', 'line 2: only the mask may be -'),
        ("rgb/000.png 'mask\n", 'line 1: No closing quotation'),
        ('a.png b.png rgb/000.png\n', 'names 2 missing files: .*a.png, .*b.png'),
        ('# nothing\n', 'holds no sample'),
    ],
)
def test_wrong_lists(tmp_path, text, words):
    write_scenes(tmp_path, SCENES[:1], 'depth')
    (tmp_path / 'list.txt').write_text(text)
    options = dict(data_root=str(tmp_path), ann_file='list.txt')
    with pytest.raises(ValueError, match=words):
        build(SapiensMapListDataset, 'depth', **options)
    with pytest.raises(ValueError, match='none.txt does not exist'):
        build(SapiensMapListDataset, 'depth', **dict(options, ann_file='none.txt'))


# ---------------------------------------------------------------- SynthHuman

needs_exr = pytest.mark.skipif(
    find_spec('OpenEXR') is None, reason='OpenEXR is not installed'
)


@needs_exr
def test_synth_human(tmp_path, log):
    root = write_synth_human(tmp_path, [3, 98040, 198016, 298000], SCENES)
    depth = build(SapiensSynthHumanDataset, 'depth', data_root=str(root))
    normal = build(SapiensSynthHumanDataset, 'normal', data_root=str(root))
    assert len(depth) == len(normal) == 4
    assert "axes='z y x', measured on 4 samples" in log.text
    groups = ['face', 'full_body', 'upper_body', 'upper_body']
    for index, (scene, group) in enumerate(zip(SCENES, groups, strict=True)):
        sample = depth[index]['data_samples']
        assert (sample.group, sample.depth_unit) == (group, 'm')
        np.testing.assert_array_equal(sample.gt_mask.data[0], scene.mask > 0)
        np.testing.assert_allclose(
            sample.gt_map.data[0], scene.depth, rtol=1e-3
        )  # half precision
        vectors = normal[index]['data_samples'].gt_map.data.numpy()
        np.testing.assert_allclose(vectors, scene.normals.transpose(2, 0, 1), atol=1e-3)


@needs_exr
def test_synth_human_splits_and_framings(tmp_path):
    root = write_synth_human(tmp_path, range(98038, 98043), SCENES)

    def numbers(**kwargs):
        dataset = build(
            SapiensSynthHumanDataset, 'depth', data_root=str(root), **kwargs
        )
        infos = map(dataset.get_data_info, range(len(dataset)))
        return [int(Path(info['img_path']).stem[4:]) for info in infos]

    assert numbers() == [98038, 98039, 98040, 98041, 98042]
    assert numbers(framings=['face']) == [98038, 98039]
    assert numbers(split='val', val_every=7) == [98042]  # 7 * 14006
    assert numbers(split='train', val_every=7) == [98038, 98039, 98040, 98041]
    for kwargs, words in (
        (dict(framings=['legs']), r'framings must be of .* got \[.legs.\]'),
        (dict(split='test'), "split must be 'train', 'val' or None"),
        (dict(val_every=1), 'val_every must be at least 2'),
        (dict(framings=['upper_body']), 'none of 5 samples'),
    ):
        with pytest.raises(ValueError, match=words):
            numbers(**kwargs)
    assert [framing_of(n) for n in (0, 98039, 98040, 198015, 198016, 298007)] == [
        *('face', 'face', 'full_body', 'full_body', 'upper_body', 'upper_body')
    ]
    with pytest.raises(ValueError, match='0 to 298007, not 298008'):
        framing_of(298008)
