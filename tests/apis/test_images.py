import io
import os

import cv2
import numpy as np
import pytest
from PIL import Image

from sapiens_mm.apis.images import (
    ImageError,
    find_images,
    is_single,
    read_image,
    read_mask,
)
from sapiens_mm.testing import fake_person_image


@pytest.fixture
def photo():
    return fake_person_image(0, (96, 64))


def save(path, rgb_image, **options):
    rgb_image.save(path, **options)
    return path


def as_pil(photo):
    return Image.fromarray(photo[:, :, ::-1])


def test_reads_bgr_as_opencv_does(tmp_path, photo):
    path = save(tmp_path / 'a.png', as_pil(photo))
    np.testing.assert_array_equal(read_image(path), photo)
    jpeg = save(tmp_path / 'a.jpg', as_pil(photo))
    np.testing.assert_array_equal(read_image(str(jpeg)), cv2.imread(str(jpeg)))


def test_grey_becomes_three_equal_channels(tmp_path, photo):
    path = save(tmp_path / 'grey.png', as_pil(photo).convert('L'))
    image = read_image(path)
    assert image.shape == photo.shape
    np.testing.assert_array_equal(image[..., 0], image[..., 2])


def test_alpha_is_dropped(tmp_path, photo):
    rgba = np.dstack([photo[:, :, ::-1], np.full(photo.shape[:2], 7, np.uint8)])
    path = save(tmp_path / 'rgba.png', Image.fromarray(rgba))
    np.testing.assert_array_equal(read_image(path), photo)


def test_sixteen_bits_keep_the_upper_eight(tmp_path, photo):
    path = tmp_path / '16.png'
    cv2.imwrite(str(path), photo.astype(np.uint16) * 256 + 200)
    image = read_image(path)
    assert image.dtype == np.uint8
    assert np.abs(image.astype(int) - photo).max() <= 1


def test_cmyk_has_the_colours_of_pillow(tmp_path, photo):
    path = save(tmp_path / 'cmyk.jpg', as_pil(photo).convert('CMYK'), quality=100)
    rgb = np.asarray(Image.open(path).convert('RGB')).astype(int)
    assert np.abs(read_image(path)[:, :, ::-1] - rgb).mean() < 4


@pytest.mark.parametrize('suffix', ['jpg', 'png'])
def test_exif_orientation_turns_the_image(tmp_path, photo, suffix):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    path = save(tmp_path / f'turned.{suffix}', as_pil(photo), exif=exif, quality=98)
    image = read_image(path)
    assert image.shape == (64, 96, 3)
    turned = np.rot90(photo, -1)
    assert (
        np.abs(image.astype(int) - turned).mean()
        < 6
        < np.abs(image.astype(int) - np.rot90(photo)).mean()
    )


def test_one_pixel(tmp_path):
    path = save(tmp_path / 'dot.png', Image.new('RGB', (1, 1), (1, 2, 3)))
    np.testing.assert_array_equal(read_image(path), [[[3, 2, 1]]])


@pytest.mark.parametrize('form', ['JPEG', 'PNG', 'WEBP', 'BMP', 'TIFF'])
@pytest.mark.parametrize('share', [0.3, 0.9])
def test_truncated_files_are_named(tmp_path, form, share):
    noise = np.random.RandomState(0).randint(0, 256, (256, 256, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, form)
    data = buffer.getvalue()
    path = tmp_path / f'cut.{form.lower()}'
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ImageError, match='cut') as caught:
        read_image(path)
    assert 'truncated' in str(caught.value) or 'not an image' in str(caught.value)
    assert '\n' not in str(caught.value)


def test_jpeg_with_bytes_after_its_end_is_fine(tmp_path, photo):
    path = save(tmp_path / 'a.jpg', as_pil(photo))
    whole = read_image(path)
    path.write_bytes(path.read_bytes() + b'appended by a camera')
    np.testing.assert_array_equal(read_image(path), whole)


@pytest.mark.parametrize(
    ('content', 'match'), [(b'', 'is empty'), (b'<html>', 'not an image')]
)
def test_other_files_are_refused(tmp_path, content, match):
    path = tmp_path / 'page.jpg'
    path.write_bytes(content)
    with pytest.raises(ImageError, match=match):
        read_image(path)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(ImageError, match='does not exist'):
        read_image(tmp_path / 'none.jpg')
    with pytest.raises(ImageError, match='is a folder'):
        read_image(tmp_path)


@pytest.mark.parametrize(
    'array',
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_wrong_arrays_are_refused(array):
    with pytest.raises(ImageError, match='shape'):
        read_image(array)


def test_masks(tmp_path):
    mask = np.zeros((6, 4), np.uint8)
    mask[2:, 1:] = 255
    cv2.imwrite(str(tmp_path / 'm.png'), mask)
    np.save(tmp_path / 'm.npy', mask > 0)
    for source in (mask, mask[..., None], tmp_path / 'm.png', tmp_path / 'm.npy'):
        np.testing.assert_array_equal(read_mask(source, (6, 4)), mask > 0)
    with pytest.raises(ImageError, match=r'expected \(4, 6\)'):
        read_mask(mask, (4, 6))
    np.save(tmp_path / 'code.npy', np.array([{}], object), allow_pickle=True)
    with pytest.raises(ImageError, match='code.npy cannot be read: .*objects'):
        read_mask(tmp_path / 'code.npy', (6, 4))


def test_finding_images(tmp_path, photo):
    (tmp_path / 'sub').mkdir()
    (tmp_path / '.hidden').mkdir()
    names = ['b.JPG', 'a.png', 'sub/c.jpeg']
    for name in names:
        cv2.imencode('.png', photo)[1].tofile(tmp_path / name)
    cv2.imencode('.png', photo)[1].tofile(tmp_path / '.hidden/d.png')
    (tmp_path / 'notes.md').write_text('no image')
    found = list(find_images(tmp_path))
    assert [p.relative_to(tmp_path).as_posix() for p in found] == [
        'a.png',
        'b.JPG',
        'sub/c.jpeg',
    ]
    assert [p.name for p in find_images(tmp_path / '*.png')] == ['a.png']
    listing = tmp_path / 'list.txt'
    listing.write_text('a.png\n\nsub/c.jpeg\n')
    assert [p.name for p in find_images(listing)] == ['a.png', 'c.jpeg']
    mixed = list(find_images([tmp_path / 'a.png', photo, tmp_path / 'sub']))
    assert len(mixed) == 3 and mixed[1] is photo
    assert len(list(find_images(np.stack([photo, photo])))) == 2
    for single in (tmp_path / 'a.png', str(tmp_path / 'none.jpg'), photo):
        assert is_single(single)
    for several in (tmp_path, listing, str(tmp_path / '*.png'), [photo], iter([])):
        assert not is_single(several)


def test_folders_and_lists_that_cannot_be_read_end_nothing(tmp_path, photo):
    for name in ('open', 'shut', 'listed'):
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / name / 'a.png'), photo)
    (tmp_path / 'list.txt').write_text('open/a.png')
    (tmp_path / 'open/lost.png').symlink_to(tmp_path / 'nowhere.png')
    (tmp_path / 'shut').chmod(0)
    (tmp_path / 'listed').chmod(0o400)  # its names can be read, its files not
    (tmp_path / 'list.txt').chmod(0)
    if os.access(tmp_path / 'shut', os.R_OK):
        pytest.skip('root may read everything')
    try:
        found = list(find_images([tmp_path, tmp_path / 'list.txt', photo]))
    finally:
        for name in ('shut', 'listed'):
            (tmp_path / name).chmod(0o700)
    *files, error, last = found
    names = [path.relative_to(tmp_path).as_posix() for path in files]
    assert names == ['listed/a.png', 'open/a.png', 'open/lost.png']
    assert isinstance(error, ImageError) and 'list.txt' in str(error)
    assert last is photo


def test_what_can_be_walked_through_and_is_no_collection(photo):
    import torch

    endless = []
    endless.append(endless)

    class Broken:
        def __iter__(self):
            raise RuntimeError('gone')

    for item in (torch.zeros(3, 4, 5), torch.tensor(1), bytearray(b'abc')):
        assert is_single(item)
        before, found, after = find_images([photo, item, photo])
        assert before is after is photo and found is item
        with pytest.raises(ImageError, match=f'got {type(item).__name__}'):
            read_image(item)
    for item in (endless, Broken()):
        before, found, after = find_images([photo, item, photo])
        assert before is after is photo and isinstance(found, ImageError)


def test_nothing_found_is_said(tmp_path):
    with pytest.raises(ImageError, match='holds no image'):
        list(find_images(tmp_path))
    with pytest.raises(ImageError, match='No image matches'):
        list(find_images(tmp_path / '*.jpg'))
