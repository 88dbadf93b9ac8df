"""Depth and normals to files and back."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip('mmseg')

from sapiens_mm.apis.results import DepthResult, NormalResult, PoseResult
from sapiens_mm.data.files import BadFileError
from sapiens_mm.geometry.map_files import read_map
from sapiens_mm.saving.maps import read_saved_map, write_map
from sapiens_mm.saving.results import write_data

HW = (31, 23)


def depth_result(mask=None, **changes):
    rng = np.random.default_rng(0)
    depth = rng.uniform(-0.3, 1.2, HW).astype(np.float32)
    facts = dict(source=Path('in/photo.jpg'), image_hw=HW, mask=mask, depth=depth)
    facts['mask_from'] = 'none' if mask is None else 'caller'
    return DepthResult(**{**facts, **changes})


def normal_result(mask=None, hw=(200, 150)):
    rng = np.random.default_rng(1)
    normals = rng.normal(size=(*hw, 3))
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    return NormalResult(image_hw=hw, mask=mask, normals=normals.astype(np.float32))


def half_mask(hw=HW):
    mask = np.zeros(hw, bool)
    mask[: hw[0] // 2] = True
    return mask


@pytest.mark.parametrize('map_format', ['npy', 'exr'])
def test_float_formats_keep_every_pixel(tmp_path, map_format):
    pytest.importorskip('OpenEXR')
    for result, channels in ((depth_result(half_mask()), 1), (normal_result(), 3)):
        path = write_map(result, tmp_path / 'a.b', map_format)
        assert path == tmp_path / f'a.b.{map_format}'
        values = result.depth if channels == 1 else result.normals
        np.testing.assert_array_equal(read_saved_map(path)[0], values)
        # and so does what reads maps for training and evaluation
        np.testing.assert_array_equal(read_map(path, channels), values)


def test_depth_png_is_off_by_half_a_step(tmp_path):
    result = depth_result()
    path = write_map(result, tmp_path / 'a', 'png')
    stored = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert stored.dtype == np.uint16 and (stored.min(), stored.max()) == (1, 65535)
    facts = json.loads((tmp_path / 'a.png.json').read_text())
    assert facts['scale'] == pytest.approx(np.ptp(result.depth) / 65534, rel=1e-6)
    by_formula = facts['offset'] + facts['scale'] * stored.astype(float)
    assert np.abs(by_formula - result.depth).max() <= facts['scale'] / 2 * 1.001
    depth, again = read_saved_map(path)
    np.testing.assert_allclose(depth, by_formula, rtol=1e-6)
    assert again == facts


def test_the_json_file_says_what_is_there(tmp_path):
    mask = half_mask()
    path = write_map(depth_result(mask, tiles=3), tmp_path / 'a', 'png')
    facts = read_saved_map(path)[1]
    assert facts['kind'] == 'depth' and facts['unit'].startswith('relative, no metres')
    assert (facts['height'], facts['width'], facts['image']) == (31, 23, 'photo.jpg')
    assert facts['mask_from'] == 'caller' and facts['pixels'] == 'people'
    assert facts['people_pixels'] == 15 * 23 and facts['tiles'] == 3
    path = write_map(normal_result(), tmp_path / 'b', 'png16')
    facts = read_saved_map(path)[1]
    assert 'x right, y up, z towards the camera' in facts['frame']
    assert facts['people_pixels'] is None and facts['pixels'] == 'all'


def test_depth_png_with_a_mask_spends_its_bits_on_people(tmp_path):
    mask = half_mask()
    result = depth_result(mask)
    result.depth[~mask] = 500.0
    path = write_map(result, tmp_path / 'a', 'png')
    depth, facts = read_saved_map(path)
    assert np.isnan(depth[~mask]).all()
    assert facts['scale'] < 1.5 / 65534
    np.testing.assert_allclose(depth[mask], result.depth[mask], atol=1.2e-5)


def test_png_of_all_pixels_whatever_the_mask(tmp_path):
    result = depth_result(half_mask())
    depth, facts = read_saved_map(write_data(result, tmp_path / 'a', 'png', True))
    assert facts['pixels'] == 'all' and facts['people_pixels'] == 15 * 23
    np.testing.assert_allclose(depth, result.depth, atol=facts['scale'] * 0.51)
    normals = normal_result(half_mask((200, 150)))
    read, facts = read_saved_map(write_map(normals, tmp_path / 'b', 'png16', True))
    np.testing.assert_allclose(read, normals.normals, atol=1e-4)
    assert facts['pixels'] == 'all'


@pytest.mark.parametrize('value', [0.0, -3.5, 1e-30, 1e30])
def test_constant_depth(tmp_path, value):
    depth = np.full(HW, value, np.float32)
    path = write_map(depth_result(depth=depth), tmp_path / 'a', 'png')
    np.testing.assert_allclose(read_saved_map(path)[0], depth, rtol=1e-6, atol=1e-10)


def test_depth_without_people_and_with_holes(tmp_path):
    nobody = np.zeros(HW, bool)
    path = write_map(depth_result(nobody), tmp_path / 'a', 'png')
    depth, facts = read_saved_map(path)
    assert np.isnan(depth).all() and facts['people_pixels'] == 0
    result = depth_result()
    result.depth[3, 4], result.depth[5, 6] = np.nan, np.inf
    depth, _ = read_saved_map(write_map(result, tmp_path / 'b', 'png'))
    assert list(zip(*np.nonzero(np.isnan(depth)), strict=True)) == [(3, 4), (5, 6)]


@pytest.mark.parametrize(('map_format', 'bound'), [('png', 0.4), ('png16', 0.002)])
def test_normal_png_is_within_its_bound(tmp_path, map_format, bound):
    result = normal_result()
    normals, _ = read_saved_map(write_map(result, tmp_path / 'a', map_format))
    a, b = normals.astype(float), result.normals.astype(float)
    cross = np.linalg.norm(np.cross(a, b), axis=2)
    angles = np.degrees(np.arctan2(cross, (a * b).sum(2)))
    assert bound / 4 < angles.max() < bound
    np.testing.assert_allclose(np.linalg.norm(a, axis=2), 1, atol=1e-6)


@pytest.mark.parametrize('map_format', ['png', 'png16'])
def test_normal_png_by_hand(tmp_path, map_format):
    """Red is x: a normal to the right is red, one to the camera light blue."""
    mask = np.array([[True, True, True, False]])
    normals = np.array([[[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, -1]]], np.float32)
    result = NormalResult(image_hw=(1, 4), normals=normals, mask=mask)
    path = write_map(result, tmp_path / 'a', map_format)
    top = 65535 if map_format == 'png16' else 255
    half = (top + 1) // 2
    rgb = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[..., ::-1]
    expected = [[top, half, half], [half, top, half], [half, half, top], [half] * 3]
    np.testing.assert_array_equal(rgb[0], expected)
    read, _ = read_saved_map(path)
    np.testing.assert_allclose(read[0, :3], np.eye(3), atol=0.006)
    assert np.isnan(read[0, 3]).all()


def test_depth_png_as_training_data(tmp_path):
    """The reader of training data takes the depth, in steps, with a scale."""
    path = write_map(depth_result(), tmp_path / 'a', 'png')
    facts = read_saved_map(path)[1]
    shifted = read_map(path, 1, scale=facts['scale'])
    np.testing.assert_allclose(
        shifted + facts['offset'], depth_result().depth, atol=2e-5
    )


def test_write_data_takes_the_format(tmp_path):
    assert write_data(depth_result(), tmp_path / 'a') == tmp_path / 'a.npy'
    assert write_data(depth_result(), tmp_path / 'b', 'png') == tmp_path / 'b.png'
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ['a.npy', 'a.npy.json', 'b.png', 'b.png.json']


def test_mistakes(tmp_path):
    with pytest.raises(ValueError, match="one of npy, exr, png, png16, got 'tiff'"):
        write_map(depth_result(), tmp_path / 'a', 'tiff')
    with pytest.raises(ValueError, match='PoseResult is no map'):
        write_map(PoseResult(), tmp_path / 'a')
    with pytest.raises(ValueError, match='a.npy.json does not exist'):
        read_saved_map(tmp_path / 'a.npy')
    path = write_map(depth_result(), tmp_path / 'a')
    (tmp_path / 'a.npy.json').write_text('{"kind": "pose"}')
    with pytest.raises(ValueError, match='a.npy.json is no description of a map'):
        read_saved_map(path)
    path = write_map(depth_result(), tmp_path / 'a')
    path.unlink()
    with pytest.raises(BadFileError, match='a.npy does not exist'):
        read_saved_map(path)
