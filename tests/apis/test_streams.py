"""A bad item never ends a stream, and no output is nonsense without a word."""

import re

import cv2
import numpy as np
import pytest
from PIL import Image

pytest.importorskip('mmpose')
pytest.importorskip('mmseg')

from sapiens_mm.apis import (
    DepthInferencer,
    FeatureInferencer,
    NormalInferencer,
    PoseInferencer,
    SegInferencer,
)
from sapiens_mm.apis.images import ImageError, find_images, is_single, read_image
from sapiens_mm.testing import fake_person_image

HW = (40, 30)


@pytest.fixture(scope='module')
def depth(tiny):
    return DepthInferencer(*tiny('depth'), device='cpu', batch_size=2)


@pytest.fixture
def photo():
    return fake_person_image(0, HW)


def empty(tmp_path):
    (tmp_path / 'empty').mkdir(exist_ok=True)
    return tmp_path / 'empty'


@pytest.mark.parametrize(
    ('bad', 'match'),
    [
        (lambda _: None, 'An image must be a path'),
        (lambda _: 3, 'got int'),
        (lambda _: 2.5, 'got float'),
        (lambda _: b'bytes', 'got bytes'),
        (lambda _: '', 'An empty name'),
        (lambda _: ' ', 'An empty name'),
        (lambda _: 'x' * 300, 'cannot be read|does not exist'),
        (lambda _: 'a\0b.jpg', 'cannot be read|does not exist'),
        (lambda _: 'https://host/a.jpg', 'is an address'),
        (lambda _: np.zeros((4, 4, 3)), 'must be uint8'),
        (lambda _: np.array(None, object), 'must be uint8'),
        (empty, 'holds no image'),
        (lambda path: str(path / '*.jpg'), 'No image matches'),
        (lambda path: path / 'none.jpg', 'does not exist'),
    ],
)
def test_the_others_get_their_results(bad, match, depth, photo, tmp_path):
    item = bad(tmp_path)
    results = list(depth.run([photo, item, photo]))
    assert [r.error is None for r in results] == [True, False, True]
    assert re.search(match, results[1].error)
    assert '\n' not in results[1].error and len(results[1].error) < 400
    with pytest.raises(ValueError, match=match):
        depth(item)


def test_images_of_pillow_are_rgb(depth, photo):
    picture = Image.fromarray(photo[:, :, ::-1])
    np.testing.assert_array_equal(read_image(picture), photo)
    expected = depth(photo).depth
    np.testing.assert_array_equal(depth(picture).depth, expected)
    results = list(depth.run([picture, picture.convert('RGBA')]))
    np.testing.assert_allclose(results[1].depth, expected, atol=1e-5)
    deep = Image.fromarray(photo[..., 0].astype(np.uint16) * 256 + 9)
    np.testing.assert_array_equal(read_image(deep)[..., 1], photo[..., 0])


@pytest.mark.parametrize(
    ('detector', 'match'),
    [
        (lambda image: 1 / 0, 'ZeroDivisionError'),
        (lambda image: None, 'must return boxes .* got None'),
        (lambda image: [1, 2, 30, 40], r'must return boxes .* got \[1, 2, 30, 40\]'),
        (lambda image: 'nobody', "got 'nobody'"),
        (lambda image: np.zeros((2, 3)), 'must return boxes'),
        (lambda image: ([[1, 2, 30, 40]], [1, 1]), '1 boxes and 2 scores'),
        (lambda image: ([1], [2], [3]), 'must return boxes'),
    ],
)
def test_a_detector_that_fails_is_an_error_of_its_image(detector, match, tiny, photo):
    calls = []

    def sometimes(image):
        calls.append(1)
        return detector(image) if len(calls) % 2 else [[2, 2, 28, 38]]

    pose = PoseInferencer(*tiny('pose'), device='cpu', detector=sometimes)
    results = list(pose.run([photo, photo]))
    assert re.search(match, results[0].error)
    assert results[1].error is None and results[1].boxes_from == 'detector'
    with pytest.raises(ValueError, match=match) as caught:
        pose(photo)
    if match == 'ZeroDivisionError':  # the true one is behind it
        assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_a_segmenter_that_fails_is_an_error_of_its_image(tiny, photo):
    def fails(image):
        raise KeyError('no model')

    depth = DepthInferencer(*tiny('depth'), device='cpu', segmenter=fails)
    (result,) = depth.run([photo])
    assert "KeyError: 'no model'" in result.error


@pytest.mark.parametrize(
    ('inferencer', 'task'),
    [
        (PoseInferencer, 'pose'),
        (SegInferencer, 'seg'),
        (DepthInferencer, 'depth'),
        (NormalInferencer, 'normal'),
        (FeatureInferencer, 'pose'),
    ],
)
def test_outputs_are_finite_or_an_error(inferencer, task, tiny, photo):
    model = inferencer(*tiny(task), device='cpu')
    assert model(photo).error is None
    norm = model.backbone.ln1
    norm.weight.data[0] = float('nan')  # as an overflow within would
    (result,) = model.run([photo])
    assert 'the model answers NaN or Inf in float32' in result.error
    assert str(tiny(task)[1]) in result.error
    with pytest.raises(ValueError, match='NaN or Inf'):
        model(photo)


def test_home_brackets_and_lists(tmp_path, monkeypatch, photo):
    folder = tmp_path / 'images [2024]' / 'a'
    folder.mkdir(parents=True)
    cv2.imencode('.png', photo)[1].tofile(folder / 'x.png')
    names = [p.name for p in find_images(str(tmp_path / 'images [2024]' / '*/*.png'))]
    assert names == ['x.png']
    names = [p.name for p in find_images(tmp_path / 'images [2024]' / '**' / '*.png')]
    assert names == ['x.png']
    assert [p.name for p in find_images(folder / 'x.png')] == ['x.png']
    monkeypatch.setenv('HOME', str(folder))
    monkeypatch.setenv('USERPROFILE', str(folder))
    assert read_image('~/x.png').shape == (*HW, 3)
    assert [p.name for p in find_images('~')] == ['x.png']
    assert not is_single('~') and is_single('~/x.png') and is_single('')
    listing = tmp_path / 'list.txt'
    listing.write_text('~/x.png\n')
    assert list(find_images(listing)) == [folder / 'x.png']
    listing.write_text('x.png', encoding='utf-16')
    with pytest.raises(ImageError, match='is a list in UTF-16; save it as UTF-8'):
        list(find_images(listing))
    listing.write_bytes(b'x\xff.png')
    with pytest.raises(ImageError, match=r'no list in UTF-8 \(byte 1\)'):
        list(find_images(listing))
    (error, found) = find_images([listing, folder])
    assert isinstance(error, ImageError) and found.name == 'x.png'
