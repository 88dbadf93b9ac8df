"""Maps that are stored otherwise than they are read: told, and read by the option."""

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip('mmseg')

from mmengine.registry import DefaultScope

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent))
from scenes import angles_deg, draw_scene, write_scenes

from sapiens_mm.cli import eval_maps
from sapiens_mm.data.files import BadFileError
from sapiens_mm.geometry import SapiensMapDataset, SapiensMapListDataset
from sapiens_mm.geometry.map_encodings import check_encoding
from sapiens_mm.geometry.map_kinds import map_kind

HW = (64, 48)
SCENE = draw_scene(0, HW)
PEOPLE = SCENE.mask > 0
HALF = (SCENE.normals + 1) / 2
PIPELINE = [
    dict(type='LoadImageFromFile'),
    dict(type='sapiens_mm.SapiensLoadMap'),
    dict(type='sapiens_mm.SapiensPackMap'),
]


def write(tmp_path, kind, values, name='000.npy'):
    """Write the scene with other values; return the data set's root."""
    root = write_scenes(tmp_path, [SCENE], kind)
    (root / kind / '000.npy').unlink()
    path = root / kind / name
    if name.endswith('.png'):
        cv2.imwrite(str(path), values)
    else:
        np.save(path, values)
    return root


def load(root, kind, cls=SapiensMapDataset, **options):
    with DefaultScope.overwrite_default_scope('mmseg'):
        dataset = cls(kind, data_root=str(root), pipeline=PIPELINE, **options)
    sample = dataset[0]['data_samples']
    return sample.gt_map.data.numpy(), sample.gt_mask.data[0].numpy() > 0


def whole(values, dtype, top=None):
    return np.rint(values * (top or np.iinfo(dtype).max)).astype(dtype)


ENCODED = {
    'float32': HALF,
    'float16': HALF.astype(np.float16),
    'uint8': whole(HALF, np.uint8),
    'uint16': whole(HALF, np.uint16),
    'bytes in floats': whole(HALF, np.uint8).astype(np.float32),
    'bytes in int64': whole(HALF, np.uint8).astype(np.int64),
    'bytes in uint16': whole(HALF, np.uint8).astype(np.uint16),
}


@pytest.mark.parametrize('case', ENCODED)
def test_normals_of_0_to_1_are_told_and_read(tmp_path, case):
    root = write(tmp_path, 'normal', ENCODED[case])
    for test_mode in (False, True):
        with pytest.raises(BadFileError, match="n \\+ 1\\) / 2.*encoding='rgb'"):
            load(root, 'normal', test_mode=test_mode)
    normals, mask = load(root, 'normal', encoding='rgb')
    np.testing.assert_array_equal(mask, PEOPLE)
    angles = angles_deg(normals.transpose(1, 2, 0)[mask], SCENE.normals[mask])
    assert angles.max() < 0.6  # of bytes, and of half floats


def test_the_list_and_the_measured_axes_tell_as_well(tmp_path):
    root = write(tmp_path, 'normal', HALF.astype(np.float32))
    (root / 'list.txt').write_text('rgb/000.png mask/000.png normal/000.npy\n')
    options = dict(cls=SapiensMapListDataset, ann_file='list.txt')
    with pytest.raises(BadFileError, match="encoding='rgb'"):
        load(root, 'normal', **options)
    with pytest.raises(ValueError, match="cannot be measured.*encoding='rgb'"):
        load(root, 'normal', axes='auto')
    for more in (options, dict(axes='auto')):
        normals, mask = load(root, 'normal', encoding='rgb', **more)
        angles = angles_deg(normals.transpose(1, 2, 0)[mask], SCENE.normals[mask])
        assert angles.max() < 0.01


def test_scores_of_normals_of_0_to_1(tmp_path, capsys):
    root = write(tmp_path, 'normal', SCENE.normals)
    write(tmp_path / 'half', 'normal', HALF.astype(np.float32))
    good, half = root / 'normal', tmp_path / 'half/normal'
    for pred, gt, side in ((half, good, 'pred'), (good, half, 'gt')):
        call = [*('normal', '--pred', pred, '--gt', gt, '--mask', root / 'mask')]
        assert eval_maps.main(list(map(str, call))) == 2
        assert "encoding='rgb'" in capsys.readouterr().err
        call += [f'--{side}-encoding', 'rgb']
        assert eval_maps.main(list(map(str, call))) == 0
        lines = capsys.readouterr().out.splitlines()
        mean = next(line for line in lines if line.startswith('normal/mean '))
        assert float(mean.split()[1]) < 0.01
    assert eval_maps.main([*map(str, call[:-1]), 'unit']) == 2
    assert 'encoding must be one of vector, rgb' in capsys.readouterr().err


@pytest.mark.parametrize(
    'values',
    [
        whole(SCENE.normals, np.int8),
        whole(SCENE.normals, np.int16),
        whole(SCENE.normals, np.int32, 255),
        SCENE.normals * 255,
        SCENE.normals * 0.2,
        np.tile(np.float32([0, 0, 1]), (*HW, 1)),
        SCENE.normals / SCENE.normals[..., 2:].clip(0.05),  # slopes
    ],
)
def test_vectors_of_any_length_are_read_right(tmp_path, values, capsys):
    root = write(tmp_path, 'normal', values)
    normals, mask = load(root, 'normal')
    expected = values / np.linalg.norm(values, axis=2, keepdims=True).clip(1e-9)
    angles = angles_deg(normals.transpose(1, 2, 0)[mask], expected[mask])
    assert angles.max() < 0.05
    both = ['--pred', str(root / 'normal'), '--gt', str(root / 'normal')]
    assert eval_maps.main(['normal', *both, '--mask', str(root / 'mask')]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert float(next(x for x in lines if x.startswith('normal/mean')).split()[1]) < 0.1


@pytest.mark.parametrize(
    ('values', 'words'),
    [
        (whole(SCENE.normals.clip(0), np.uint8), 'uint8, which has no negative'),
        (SCENE.normals.clip(0.06), 'no negative component.*signs were lost'),
        (np.abs(SCENE.normals), 'no negative component.*signs were lost'),
        (SCENE.normals * 2 - 1, 'uneven lengths'),
        ((SCENE.normals * 255).clip(-128, 127).astype(np.int8), 'clipped at 127'),
        (
            (SCENE.normals * 200).astype(np.int16).astype(np.int8),
            'at 127|uneven|axes=',
        ),
        (SCENE.normals * np.float32(1e-3), 'no direction'),
        (SCENE.normals > 0, 'holds bool'),
        (SCENE.normals.astype(np.complex64), 'holds complex64'),
        (SCENE.normals.transpose(2, 0, 1), r'\(H, W, 3\); its channels come first'),
        (SCENE.normals[None], r'expected \(H, W, 3\).*a batch of one'),
        (SCENE.depth, r'expected \(H, W, 3\).*depth, or one channel'),
        (SCENE.normals.swapaxes(0, 1), 'transposed'),
    ],
)
def test_other_encodings_of_normals_are_told(tmp_path, values, words):
    root = write(tmp_path, 'normal', values)
    with pytest.raises(BadFileError, match=words) as told:
        load(root, 'normal')
    assert str(root / 'normal') in str(told.value) and '\n' not in str(told.value)


def test_images_of_normals(tmp_path):
    """Black is no direction; a gamma is told; 16 bits may hold bytes."""
    black = whole(HALF, np.uint8) * PEOPLE[..., None].astype(np.uint8)
    expected = SCENE.normals[PEOPLE]
    for stored in (black, black.astype(np.uint16)):
        root = write(tmp_path / str(stored.dtype), 'normal', stored[..., ::-1], '0.png')
        for folder in ('rgb', 'mask'):
            (root / folder / '000.png').rename(root / folder / '0.png')
        folders = dict(img_path='rgb', map_path='normal')
        normals, mask = load(root, 'normal', data_prefix=folders)
        np.testing.assert_array_equal(mask, PEOPLE)  # without a mask
        got = normals.transpose(1, 2, 0)[mask]
        assert angles_deg(got, expected).max() < 0.6
    gamma = whole(HALF ** (1 / 2.2), np.uint8)[..., ::-1]
    root = write(tmp_path / 'gamma', 'normal', gamma, '000.png')
    with pytest.raises(BadFileError, match='length of 1.* in the median.*a gamma'):
        load(root, 'normal')
    with pytest.raises(BadFileError, match='PNG, which has no negative'):
        load(root, 'normal', encoding='vector')
    white = np.full((*HW, 3), 255, np.uint8)
    whites = write(tmp_path / 'white', 'normal', white, '000.png')
    with pytest.raises(BadFileError, match='no direction .lengths far from 1'):
        load(whites, 'normal')


def rim(depth, value, pixels=7):
    """Put a value on some pixels at the edge of the people."""
    inner = cv2.erode(SCENE.mask, np.ones((3, 3), np.uint8)) > 0
    places = np.argwhere(PEOPLE & ~inner)[::3][:pixels]
    spoilt = depth.copy()
    spoilt[tuple(places.T)] = value
    return spoilt


METRES = np.where(PEOPLE, SCENE.depth + 1, 0).astype(np.float32)
SENTINELS = {
    'metres 1e10': (rim(METRES, 1e10), {}, '1e\\+10'),
    'metres 65504 in half': (rim(METRES, 65504).astype(np.float16), {}, '65504'),
    'metres 1e4': (rim(METRES, 1e4), {}, '10000'),
    'metres 1000': (rim(METRES, 1000), {}, '1000'),
    'metres 100, repeated': (rim(METRES, 100), {}, '100'),
    'one pixel': (rim(METRES, 1e4, 1), {}, '10000'),
    'centimetres 65504': (rim(METRES * 100, 65504), dict(map_scale=0.01), '65504'),
    'millimetres 10000': (rim(METRES * 1000, 10000), dict(map_scale=0.001), '10000'),
    'millimetres 65535': (rim(METRES * 1000, 65535), dict(map_scale=0.001), '65535'),
    'largest float': (rim(METRES, np.finfo(np.float32).max), {}, '3.4028235e\\+38'),
    'tiny': (rim(METRES, 1e-6), {}, '1e-06'),
}


@pytest.mark.parametrize('case', SENTINELS)
def test_numbers_for_unknown_are_told_and_left_out(tmp_path, case):
    stored, options, number = SENTINELS[case]
    root = write(tmp_path, 'depth', stored)
    words = f'holds {number}0* on [17] of .*invalid_value={number}0*, and max_holes='
    with pytest.raises(BadFileError, match=words) as told:
        load(root, 'depth', **options)
    said = str(told.value).partition('set ')[2].replace(' or more', '').split(', ')
    invalid = float(said[0].partition('=')[2])
    holes = float(said[1].rpartition('=')[2])
    with pytest.raises(BadFileError, match='holds invalid_value .* on people'):
        load(root, 'depth', invalid_value=invalid, **options)
    depth, mask = load(root, 'depth', invalid_value=invalid, max_holes=holes, **options)
    changed = np.isclose(stored.astype(np.float32), np.float32(invalid))
    np.testing.assert_array_equal(mask, PEOPLE & ~changed)
    np.testing.assert_allclose(depth[0][mask], METRES[mask], rtol=1e-3)


def test_16_bits_of_millimetres(tmp_path):
    stored = rim(np.rint(METRES * 1000).astype(np.uint16), 65535)
    root = write(tmp_path, 'depth', stored, '000.png')
    with pytest.raises(BadFileError, match='holds 65535 on 7 .*invalid_value=65535'):
        load(root, 'depth', map_scale=0.001)
    options = dict(map_scale=0.001, invalid_value=65535, max_holes=0.01)
    depth, mask = load(root, 'depth', **options)
    assert mask.sum() == PEOPLE.sum() - 7
    np.testing.assert_allclose(depth[0][mask], METRES[mask], atol=6e-4)


def test_rims_that_were_blended_with_a_sentinel(tmp_path):
    soft = rim(METRES, np.float32([2e3, 3e4, 9e4, 2e5, 3e6, 4e7, 5e8]))
    with pytest.raises(BadFileError, match='2000 to 5e.08 on 7 of .*rim.*max_holes='):
        load(write(tmp_path, 'depth', soft), 'depth')


def test_scores_of_depth_with_a_sentinel(tmp_path, capsys):
    root = write(tmp_path, 'depth', METRES)
    gt = write(tmp_path / 'gt', 'depth', rim(METRES, 1e10)) / 'depth'
    call = ['depth', '--pred', str(root / 'depth'), '--gt', str(gt)]
    call += ['--mask', str(root / 'mask'), '--protocol', 'raw']
    assert eval_maps.main(call) == 2
    assert 'invalid_value=1e+10' in capsys.readouterr().err
    assert eval_maps.main([*call, '--gt-invalid-value', '1e10']) == 0
    out = capsys.readouterr().out
    assert 'depth/rmse 0\n' in out and 'depth/num_unknown_pixels 7\n' in out


def test_wide_depth_of_real_people_is_taken():
    rng = np.random.default_rng(0)
    near = rng.normal(1, 0.1, 5000)
    for depth in (
        np.append(near, rng.normal(60, 0.2, 40)),  # somebody far behind
        np.append(near, [2.5, 2.9]),
        np.rint(np.append(near, rng.normal(8, 0.1, 500)) * 1000),
        np.linspace(0.3, 100, 5000),
    ):
        values = depth.astype(np.float32)[None]
        check_encoding('a', values, np.ones_like(values), map_kind('depth'), {})
    relative = np.append(np.linspace(-0.05, 1, 900), 0)[None].astype(np.float32)
    form = dict(near_is_zero=True)
    people = np.ones_like(relative)
    check_encoding('a', relative, people, map_kind('depth'), form)
    relative[0, :9] = 65504
    with pytest.raises(BadFileError, match='holds 65504 on 9 of 901'):
        check_encoding('a', relative, people, map_kind('depth'), form)


@pytest.mark.parametrize(
    ('values', 'words'),
    [
        (rim(METRES, np.inf), 'holds inf on people: 7'),
        (rim(METRES, np.nan), 'holds NaN on people: 7'),
        ((METRES * 40000).astype(np.float16), 'holds inf on people'),
        (METRES.T, r'48 x 64|transposed'),
        (np.dstack([METRES] * 3), r'expected \(H, W\); these are normals or colours'),
        (METRES[None], r'expected \(H, W\); its channels come first'),
        (METRES > 0, 'holds bool'),
        (METRES * 1j, 'holds complex64'),
        (np.zeros(HW, [('z', 'f4')]), 'cannot|holds'),
    ],
)
def test_other_encodings_of_depth_are_told(tmp_path, values, words):
    with np.errstate(over='ignore'):
        root = write(tmp_path, 'depth', values)
    with pytest.raises(BadFileError, match=words) as told:
        load(root, 'depth')
    assert '\n' not in str(told.value)


def test_masks_of_jpeg_need_a_threshold(tmp_path, capsys):
    root = write(tmp_path, 'depth', METRES)
    (root / 'mask/000.png').unlink()
    cv2.imwrite(str(root / 'mask/000.jpg'), SCENE.mask)
    with pytest.raises(BadFileError, match='000.jpg is a JPEG.*mask_threshold.*PNG'):
        load(root, 'depth')
    _, mask = load(root, 'depth', mask_threshold=127)
    np.testing.assert_array_equal(mask, PEOPLE)
    call = ['depth', '--pred', str(root / 'depth'), '--gt', str(root / 'depth')]
    call += ['--mask', str(root / 'mask')]
    assert eval_maps.main(call) == 2
    assert 'mask_threshold' in capsys.readouterr().err
    assert eval_maps.main([*call, '--mask-threshold', '127']) == 0
    assert f'{PEOPLE.sum()} pixels' in capsys.readouterr().out


def test_masks_of_0_and_1_below_a_threshold(tmp_path):
    root = write(tmp_path, 'depth', METRES)
    cv2.imwrite(str(root / 'mask/000.png'), PEOPLE.astype(np.uint8))
    _, mask = load(root, 'depth')
    np.testing.assert_array_equal(mask, PEOPLE)
    with pytest.raises(BadFileError, match='above mask_threshold=127, .* is 1'):
        load(root, 'depth', mask_threshold=127)
