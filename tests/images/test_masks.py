"""Masks: exact ones are read, those whose losses would be people are told."""

import cv2
import numpy as np
import pytest
from PIL import Image

from sapiens_mm.apis.images import ImageError
from sapiens_mm.apis.images import read_mask as read_mask_of_image
from sapiens_mm.apis.map_masks import find_mask
from sapiens_mm.images import BadFileError, read_mask_values
from sapiens_mm.images.masks import is_noisy
from sapiens_mm.testing import fake_person

HW = (512, 384)
PEOPLE = fake_person(0, HW).labels > 0
MASK = PEOPLE.astype(np.uint8) * 255


def save(path, **options):
    Image.fromarray(MASK).save(path, **options)
    return path


LOSSY = {
    'm.jpg': dict(quality=95),
    'named.png': dict(format='JPEG'),
    'm.webp': dict(quality=90),
    'm.avif': dict(quality=90),
    'm.jp2': {},
}


@pytest.mark.parametrize('name', LOSSY)
def test_losses_are_told_whatever_the_name(tmp_path, name):
    path = save(tmp_path / name, **LOSSY[name])
    with pytest.raises(BadFileError, match='with losses.*mask_threshold.*PNG') as told:
        read_mask_values(path)
    assert str(path) in str(told.value)
    with pytest.raises(ImageError, match='mask_threshold'):
        read_mask_of_image(path, HW)
    values = read_mask_values(path, 127)
    plane = values if values.ndim == 2 else values[..., 0]
    assert ((plane > 127) == PEOPLE).mean() > 0.995


def test_formats_without_losses(tmp_path):
    for name, options in (
        ('m.png', {}),
        ('m.webp', dict(lossless=True)),
        ('m.tif', {}),
        ('m.bmp', {}),
    ):
        path = save(tmp_path / name, **options)
        np.testing.assert_array_equal(read_mask_of_image(path, HW), PEOPLE)


@pytest.mark.parametrize('quality', [80, 90, 95])
def test_noise_that_was_saved_again_is_told(tmp_path, quality):
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    noisy = cv2.imdecode(cv2.imencode('.jpg', MASK, options)[1], cv2.IMREAD_GRAYSCALE)
    assert (noisy[~PEOPLE] > 0).any()
    cv2.imwrite(str(tmp_path / 'm.png'), noisy)
    with pytest.raises(BadFileError, match='noise of a JPEG.*mask_threshold'):
        read_mask_values(tmp_path / 'm.png')
    values = read_mask_values(tmp_path / 'm.png', 127)
    np.testing.assert_array_equal(values > 127, PEOPLE)


def test_soft_rims_are_no_noise():
    soft = [cv2.GaussianBlur(MASK, (0, 0), sigma) for sigma in (0.5, 2, 8)]
    for scale, method in (
        (0.4, cv2.INTER_AREA),
        (1.7, cv2.INTER_LINEAR),
        (3.3, cv2.INTER_CUBIC),
        (2.0, cv2.INTER_LANCZOS4),
    ):
        soft.append(cv2.resize(MASK, None, fx=scale, fy=scale, interpolation=method))
    hair = MASK.copy()
    rng = np.random.default_rng(0)
    for row, column in rng.integers(0, 200, (300, 2)):
        cv2.line(hair, (column, row), (column + 30, row + 9), int(rng.integers(3, 255)))
    for mask in (*soft, hair, fake_person(0, HW).labels):
        assert not is_noisy(mask)


@pytest.mark.parametrize(
    ('values', 'words'),
    [
        (PEOPLE.astype(np.complex64), 'holds complex64'),
        (np.where(PEOPLE, 1, np.nan), 'holds NaN'),
        (-PEOPLE.astype(np.int8), 'holds -1 in int8.*255 does not fit'),
        (np.zeros((0, 4), np.uint8), r'shape \(0, 4\)'),
        (np.full(HW, 'a'), 'holds <U1'),
    ],
)
def test_arrays_that_are_no_masks(tmp_path, values, words):
    np.save(tmp_path / 'm.npy', values)
    with pytest.raises(BadFileError, match=words):
        read_mask_values(tmp_path / 'm.npy')
    for source in (values, tmp_path / 'm.npy'):
        with pytest.raises(ImageError, match=words):
            read_mask_of_image(source, HW)


def test_a_folder_of_jpegs_is_told(tmp_path):
    save(tmp_path / 'a.jpg')
    with pytest.raises(ImageError, match='no mask a.png or .npy in .*but a.jpg'):
        find_mask(tmp_path, 'a')
