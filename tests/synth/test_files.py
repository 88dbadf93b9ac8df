"""How maps are stored, read back with OpenCV."""

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from sapiens_mm.synth.dataset import files
from sapiens_mm.synth.dataset.files import (
    FolderListing,
    depth_to_numbers,
    encode_sample,
    normals_to_bytes,
)

sys.path.insert(0, str(Path(__file__).parent))
from made_samples import draw


def decode(data):
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)


def test_every_map_comes_back():
    sample = draw()
    encoded = encode_sample(sample, files.KINDS, 0.25)
    assert list(encoded) == list(files.KINDS)
    np.testing.assert_array_equal(decode(encoded['labels']), sample.labels)
    np.testing.assert_array_equal(decode(encoded['instances']), sample.instances)
    depth = decode(encoded['depth'])
    assert depth.dtype == np.uint16
    np.testing.assert_array_equal(depth, sample.instances * np.uint16(10000))
    # red is x, green y, blue z; OpenCV has blue first
    normal, bump = decode(encoded['normal']), decode(encoded['normal_bump'])
    assert normal[10, 15].tolist() == [255, 128, 128]
    assert bump[10, 15].tolist() == [128, 255, 128]
    assert normal[0, 0].tolist() == [128, 128, 128]
    assert decode(encoded['image']).shape == sample.image.shape


def test_depth_is_rounded_to_its_unit():
    depth = np.array([[0, 0.0001, 0.0002, 0.00029, 1.000124, 1.000126]], np.float32)
    found = depth_to_numbers(depth, 0.25)
    assert found.tolist() == [[0, 1, 1, 1, 4000, 4001]]


def test_depth_beyond_16_bits_is_refused():
    assert depth_to_numbers(np.full((1, 1), 65.535, np.float32), 1.0)[0, 0] == 65535
    with pytest.raises(ValueError, match=r'17\.0 m away; 16 bits of 0\.25 mm reach 16'):
        depth_to_numbers(np.full((1, 1), 17, np.float32), 0.25)


def test_normals_lose_less_than_half_a_step():
    rng = np.random.default_rng(0)
    normals = rng.normal(size=(50, 40, 3)).astype(np.float32)
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    back = normals_to_bytes(normals).astype(np.float64) / 127.5 - 1
    assert np.abs(back - normals).max() <= 0.5 / 127.5 + 1e-6
    assert (normals_to_bytes(np.zeros((2, 2, 3), np.float32)) == 128).all()


def test_listing_knows_the_files_that_were_there(tmp_path):
    (tmp_path / 'a').mkdir()
    (tmp_path / 'a' / 'x').write_bytes(b'')
    listing = FolderListing(tmp_path)
    assert tmp_path / 'a' / 'x' in listing
    assert tmp_path / 'a' / 'y' not in listing
    assert tmp_path / 'b' / 'x' not in listing
