"""EXR layers: the one of depth or normals is found, or the sentence lists them."""

import numpy as np
import pytest

pytest.importorskip('mmseg')
pytest.importorskip('OpenEXR')

import OpenEXR

from sapiens_mm.data.files import BadFileError
from sapiens_mm.geometry.map_files import read_map

RNG = np.random.default_rng(0)
DEPTH = RNG.uniform(1, 4, (6, 5)).astype(np.float32)
OTHER = {name: RNG.uniform(size=(6, 5)).astype(np.float32) for name in 'RGBA'}
NORMALS = RNG.normal(size=(6, 5, 3)).astype(np.float32)
XYZ = {name: np.ascontiguousarray(NORMALS[..., i]) for i, name in enumerate('XYZ')}


def layer(name, channels):
    return {f'{name}.{channel}': plane for channel, plane in channels.items()}


BESIDE = layer('ViewLayer.Combined', OTHER) | layer('ViewLayer.Normal', XYZ)


def write(path, channels):
    with OpenEXR.File({}, dict(channels)) as file:
        file.write(str(path))
    return path


@pytest.mark.parametrize(
    'channels',
    [
        {'ViewLayer.Depth.Z': DEPTH} | BESIDE,
        {'ViewLayer.Depth.V': DEPTH} | BESIDE,
        {'depth.Y': DEPTH} | OTHER,
        {'Z': DEPTH} | OTHER,
        {'View.Z': DEPTH} | BESIDE,
        {'R': DEPTH, 'G': DEPTH, 'B': DEPTH},
        {'R': DEPTH, 'A': OTHER['A']},
        layer('Depth', dict.fromkeys('RGB', DEPTH)) | OTHER,
        {'whatever': DEPTH},
    ],
)
def test_depth_is_found(tmp_path, channels):
    read = read_map(write(tmp_path / 'a.exr', channels), 1)
    np.testing.assert_array_equal(read, DEPTH)


def test_layers_of_normals_are_found(tmp_path):
    position = {name: np.full((6, 5), 7, np.float32) for name in 'XYZ'}
    for channels in (
        BESIDE | {'ViewLayer.Depth.Z': DEPTH},
        layer('Position', position) | layer('Normal', XYZ),
        XYZ | OTHER,
    ):
        read = read_map(write(tmp_path / 'a.exr', channels), 3)
        np.testing.assert_array_equal(read, NORMALS)


@pytest.mark.parametrize(
    ('channels', 'words'),
    [
        (OTHER, 'R, G and B differ'),
        (XYZ, r"channels \['X', 'Y', 'Z'\]; expected one"),
        ({'A.Z': DEPTH, 'B.Z': DEPTH}, r"\['A.Z', 'B.Z'\].*name the layer of depth"),
        (
            {'a.Depth.Z': DEPTH, 'b.Depth.Z': DEPTH},
            r"\['a.Depth.Z', 'b.Depth.Z'\].*in map_layer",
        ),
        ({'Y': DEPTH, 'RY': DEPTH, 'BY': DEPTH}, r"\['BY', 'RY', 'Y'\]"),
    ],
)
def test_what_is_unclear_is_told(tmp_path, channels, words):
    path = write(tmp_path / 'a.exr', channels)
    with pytest.raises(BadFileError, match=words) as told:
        read_map(path, 1)
    assert str(path) in str(told.value)


def test_layers_by_name(tmp_path):
    path = write(tmp_path / 'a.exr', {'left.Z': DEPTH + 1, 'right.Z': DEPTH} | OTHER)
    for name in ('right', 'right.Z'):
        np.testing.assert_array_equal(read_map(path, 1, layer=name), DEPTH)
    np.testing.assert_array_equal(read_map(path, 1, layer='G'), OTHER['G'])
    for channels, name in ((1, 'C'), (3, 'left'), (3, 'G')):
        with pytest.raises(BadFileError, match=f'map_layer={name!r} names no'):
            read_map(path, channels, layer=name)


def test_parts_beside_the_first_are_read(tmp_path):
    parts = [
        OpenEXR.Part({'type': OpenEXR.scanlineimage}, dict(channels), name=name)
        for name, channels in (('rgb', OTHER), ('depth', {'Z': DEPTH}))
    ]
    with OpenEXR.File(parts) as file:
        file.write(str(tmp_path / 'a.exr'))
    np.testing.assert_array_equal(read_map(tmp_path / 'a.exr', 1), DEPTH)


@pytest.mark.parametrize('side', [20_000, 60_000])
def test_a_window_that_is_too_large_is_not_allocated(tmp_path, side):
    path = write(tmp_path / 'a.exr', {'Z': DEPTH})
    data = bytearray(path.read_bytes())
    at = data.find(b'dataWindow\0box2i\0') + len(b'dataWindow\0box2i\0') + 4
    data[at : at + 16] = np.int32([0, 0, side - 1, side - 1]).tobytes()
    path.write_bytes(data)
    with pytest.raises(BadFileError, match=f'has {side**2 // 10**6} megapixels'):
        read_map(path, 1)


def test_a_file_cut_short_is_called_so(tmp_path):
    path = write(tmp_path / 'a.exr', {'Z': DEPTH})
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(BadFileError, match='broken or cut short|cannot be read'):
        read_map(path, 1)
