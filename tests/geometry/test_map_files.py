"""Files of maps and masks: what is read, and what is refused in which words."""

import cv2
import numpy as np
import pytest

pytest.importorskip('mmseg')

from sapiens_mm.data.files import BadFileError
from sapiens_mm.geometry.map_files import read_image, read_map, read_mask

RNG = np.random.default_rng(0)
DEPTH = RNG.uniform(1, 4, (6, 5)).astype(np.float32)
VECTORS = RNG.normal(size=(6, 5, 3))
NORMALS = (VECTORS / np.linalg.norm(VECTORS, axis=2, keepdims=True)).astype(np.float32)


def write_exr(path, channels, compression=None):
    openexr = pytest.importorskip('OpenEXR')
    header = {} if compression is None else {'compression': compression(openexr)}
    with openexr.File(header, channels) as file:
        file.write(str(path))


def test_numpy_files(tmp_path):
    np.save(tmp_path / 'a.npy', DEPTH.astype(np.float64))
    np.savez(tmp_path / 'b.npz', DEPTH)
    np.savez_compressed(tmp_path / 'c.npz', depth=DEPTH[..., None], camera=np.eye(3))
    for name in ('a.npy', 'b.npz', 'c.npz'):
        read = read_map(tmp_path / name, 1)
        assert read.dtype == np.float32
        np.testing.assert_array_equal(read, DEPTH)
    np.testing.assert_array_equal(
        read_map(tmp_path / 'a.npy', 1, scale=0.5), DEPTH * np.float32(0.5)
    )
    np.save(tmp_path / 'n.NPY', NORMALS)
    (tmp_path / 'n.NPY.npy').rename(tmp_path / 'n.NPY')
    np.testing.assert_array_equal(read_map(tmp_path / 'n.NPY', 3), NORMALS)


@pytest.mark.parametrize('name', ['Y', 'Z', 'V', 'depth'])
def test_exr_of_one_channel(tmp_path, name):
    write_exr(tmp_path / 'a.exr', {name: DEPTH}, lambda exr: exr.PIZ_COMPRESSION)
    np.testing.assert_array_equal(read_map(tmp_path / 'a.exr', 1, 0.01), DEPTH * 0.01)


@pytest.mark.parametrize('names', ['RGB', 'XYZ'])
def test_exr_of_three_channels_keeps_their_order(tmp_path, names):
    half = NORMALS.astype(np.float16)
    channels = {
        name: np.ascontiguousarray(half[..., i]) for i, name in enumerate(names)
    }
    write_exr(tmp_path / 'n.exr', channels, lambda exr: exr.ZIP_COMPRESSION)
    np.testing.assert_array_equal(
        read_map(tmp_path / 'n.exr', 3), half.astype(np.float32)
    )


def test_png(tmp_path):
    millimetres = np.arange(30, dtype=np.uint16).reshape(6, 5) * 2000
    cv2.imwrite(str(tmp_path / 'd.png'), millimetres)
    read = read_map(tmp_path / 'd.png', 1, 0.001)
    np.testing.assert_allclose(read, millimetres / 1000, rtol=1e-6)
    for dtype, error in ((np.uint8, 1 / 255), (np.uint16, 1 / 65535)):
        stored = np.rint((NORMALS + 1) / 2 * np.iinfo(dtype).max).astype(dtype)
        cv2.imwrite(str(tmp_path / 'n.png'), stored[..., ::-1])  # RGB to BGR
        read = read_map(tmp_path / 'n.png', 3)
        assert np.abs(read - NORMALS).max() <= error * 1.001


def test_masks(tmp_path):
    mask = (np.arange(30).reshape(6, 5) % 3).astype(np.uint8) * 100
    cv2.imwrite(str(tmp_path / 'grey.png'), mask)
    red = np.dstack([255 - mask, 255 - mask, mask])  # BGR: the first channel is red
    cv2.imwrite(str(tmp_path / 'colour.png'), red)
    np.save(tmp_path / 'array.npy', mask > 0)
    for name in ('grey.png', 'colour.png', 'array.npy'):
        read = read_mask(tmp_path / name)
        assert read.dtype == np.uint8
        np.testing.assert_array_equal(read, mask > 0)
    np.testing.assert_array_equal(read_mask(tmp_path / 'grey.png', 127), mask > 127)


def test_what_cannot_be_read_is_named(tmp_path):
    def refuse(name, words, channels=1, reader=read_map, **kwargs):
        args = (channels,) if reader is read_map else ()
        with pytest.raises(BadFileError, match=words) as caught:
            reader(tmp_path / name, *args, **kwargs)
        assert str(tmp_path / name) in str(caught.value)

    refuse('none.npy', 'does not exist')
    refuse('a.tiff', r'maps are read from \.npy.*not .\.tiff.')
    for name in ('broken.npy', 'broken.npz', 'broken.png', 'empty.png'):
        data = b'' if name == 'empty.png' else b'not a map'
        (tmp_path / name).write_bytes(data)
        refuse(name, 'cannot be read')
    refuse('broken.png', 'cannot be read', reader=read_mask)
    refuse('broken.png', 'cannot be read', reader=read_image)
    np.save(tmp_path / 'three.npy', NORMALS)
    refuse('three.npy', r'shape \(6, 5, 3\); expected \(H, W\)')
    refuse('three.npy', r'shape \(6, 5, 3\); expected a mask', reader=read_mask)
    np.save(tmp_path / 'planes.npy', NORMALS.transpose(2, 0, 1))
    refuse('planes.npy', r'\(3, 6, 5\); expected \(H, W, 3\)', channels=3)
    np.save(tmp_path / 'objects.npy', np.array([None]), allow_pickle=True)
    refuse('objects.npy', 'cannot be read')
    np.savez(tmp_path / 'many.npz', a=DEPTH, b=DEPTH)
    refuse('many.npz', r"arrays \['a', 'b'\]; which one .*? Name it depth or map")
    cv2.imwrite(str(tmp_path / '8.png'), np.zeros((4, 4), np.uint8))
    refuse('8.png', '8 bits, too coarse')
    cv2.imwrite(str(tmp_path / '16.png'), np.zeros((4, 4), np.uint16))
    refuse('16.png', 'state map_scale')
    refuse('16.png', '1 channels; expected 3', channels=3)


def test_exr_that_cannot_be_read(tmp_path):
    pytest.importorskip('OpenEXR')
    (tmp_path / 'broken.exr').write_bytes(b'v/1\x01 and no more')
    with pytest.raises(BadFileError, match='broken.exr cannot be read'):
        read_map(tmp_path / 'broken.exr', 1)
    write_exr(tmp_path / 'two.exr', {'A': DEPTH, 'B': DEPTH})
    with pytest.raises(BadFileError, match=r"channels \['A', 'B'\]; expected R, G, B"):
        read_map(tmp_path / 'two.exr', 3)
    with pytest.raises(BadFileError, match=r"\['A', 'B'\]; expected one"):
        read_map(tmp_path / 'two.exr', 1)


def test_exr_without_its_reader(tmp_path, monkeypatch):
    (tmp_path / 'a.exr').write_bytes(b'v/1\x01')
    monkeypatch.setattr('sapiens_mm.hosts.is_installed', lambda name: False)
    with pytest.raises(ModuleNotFoundError, match='OpenEXR is needed .*pip install'):
        read_map(tmp_path / 'a.exr', 1)
