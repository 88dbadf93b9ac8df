"""Sizes of images by their headers, as the models will see them."""

import io
import json
import resource
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

pytest.importorskip('mmpose')

from mmengine.registry import TRANSFORMS, DefaultScope  # noqa: E402

from sapiens_mm.pose import annotation_images, check_annotations  # noqa: E402
from sapiens_mm.pose.annotation_images import (  # noqa: E402
    missing_files,
    read_header,
    size_faults,
)
from sapiens_mm.pose.annotation_needs import Use  # noqa: E402

WH = (30, 40)


def write(path, orientation=1, wh=WH, padding=0):
    """Write noise with an EXIF orientation, after ``padding`` bytes of a comment."""
    noise = np.random.default_rng(0).integers(0, 255, (wh[1], wh[0], 3), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = 'x' * padding
    Image.fromarray(noise).save(path, exif=exif)
    return str(path)


def decodes(monkeypatch):
    """Return a list that grows with each image that is decoded."""
    calls, decode = [], cv2.imdecode

    def counted(*arguments):
        calls.append(arguments)
        return decode(*arguments)

    monkeypatch.setattr(annotation_images.cv2, 'imdecode', counted)
    return calls


def seen_by_the_model(path, type='LoadImage', **arguments):
    """Return the size that mmpose's reader gives, or another."""
    with DefaultScope.overwrite_default_scope('mmpose'):
        load = TRANSFORMS.build(dict(type=type, **arguments))
    return load(dict(img_path=path))['img_shape'][::-1]


@pytest.mark.parametrize('suffix', ['jpg', 'png', 'webp', 'tif', 'bmp'])
@pytest.mark.parametrize('orientation', [1, 3, 6, 8])
def test_the_size_is_that_which_the_model_sees(tmp_path, suffix, orientation):
    path = write(tmp_path / f'a.{suffix}', orientation)
    assert read_header(path).read_wh == seen_by_the_model(path)
    ours = seen_by_the_model(path, 'sapiens_mm.SapiensLoadImage')
    assert read_header(path).read_wh == ours
    plain = seen_by_the_model(path, color_type='color_ignore_orientation')
    assert read_header(path, turns=False).read_wh == plain


@pytest.mark.parametrize('suffix', ['jpg', 'png', 'webp', 'tif', 'bmp'])
def test_upright_images_are_not_decoded(tmp_path, monkeypatch, suffix):
    path = write(tmp_path / f'a.{suffix}')
    calls = decodes(monkeypatch)
    assert read_header(path).read_wh == WH and not calls


def test_a_long_header_is_read_to_its_end(tmp_path):
    path = write(tmp_path / 'a.jpg', 6, padding=60_000)
    assert read_header(path).read_wh == seen_by_the_model(path) == WH[::-1]


def chunk(kind, data, length=None):
    size = struct.pack('>I', len(data) if length is None else length)
    return size + kind + data + struct.pack('>I', zlib.crc32(kind + data))


def test_a_chunk_that_claims_gigabytes_takes_none(tmp_path):
    """Pillow alone would ask for what a chunk says it holds."""
    whole = io.BytesIO()
    Image.new('RGB', WH).save(whole, 'png')
    head, body = whole.getvalue()[:33], whole.getvalue()[33:]
    path = tmp_path / 'a.png'
    path.write_bytes(head + chunk(b'zzzz', b'', 1 << 31) + body)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    size_faults({1: str(path)}, {1: WH})
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 200 * 1024  # KiB


def test_what_a_decoder_would_believe_is_checked_first(tmp_path, monkeypatch):
    """A palette that claims 4 GB: OpenCV takes them, and 13 seconds."""
    head = struct.pack('>IIBBBBB', 4, 4, 8, 3, 0, 0, 0)
    ihdr = b'IHDR' + head
    data = b'\x89PNG\r\n\x1a\n' + len(head).to_bytes(4, 'big') + ihdr
    data += zlib.crc32(ihdr).to_bytes(4, 'big') + b'\xf0\0\0\0PLTE123\0\0\0\0'
    (tmp_path / 'a.png').write_bytes(data)
    monkeypatch.setattr(annotation_images.cv2, 'imdecode', None)  # never called
    assert read_header(tmp_path / 'a.png') is None


@pytest.mark.parametrize(
    'content', [b'', b'GIF', b'%!PS-Adobe-3.0 EPSF-3.0\n', b'\0' * 99]
)
def test_what_is_no_image(tmp_path, content):
    path = tmp_path / 'a.jpg'
    path.write_bytes(content)
    (fault,) = size_faults({7: str(path)}, {7: WH}).values()
    assert (fault.kind, fault.what) == ('broken_image', f'{path} is no image')


def test_faults_are_told_apart(tmp_path):
    paths = {
        1: write(tmp_path / '1.jpg'),
        2: write(tmp_path / '2.jpg'),
        3: write(tmp_path / '3.jpg', 6),
        4: write(tmp_path / '4.jpg', 6),
        5: write(tmp_path / '5.jpg'),
    }
    stated = {1: WH, 2: WH[::-1], 3: WH, 4: WH[::-1], 5: (60, 80)}
    faults = size_faults(paths, stated)
    assert list(faults) == [2, 3, 5] and {f.kind for f in faults.values()} == {
        'wrong_size'
    }
    assert faults[2].what.endswith('2.jpg is 30 wide and 40 high: they are swapped')
    assert 'its EXIF orientation 6 turns it when it is read' in faults[3].what
    assert faults[5].what.endswith('5.jpg is 30 wide and 40 high')
    unturned = {n: WH for n in paths}
    assert not size_faults(paths, unturned, turns=False)


def test_so_many_are_looked_at(tmp_path, monkeypatch):
    paths = {n: write(tmp_path / f'{n}.png') for n in range(9)}
    monkeypatch.setattr(annotation_images, 'MAX_IMAGES', 3)
    wrong = dict.fromkeys(paths, (1, 1))
    assert sorted(size_faults(paths, wrong)) == [0, 4, 8]


def test_missing_files(tmp_path):
    paths = {1: write(tmp_path / 'a.png'), 2: str(tmp_path / 'b.png'), 3: '/none/c.png'}
    assert missing_files(paths) == {2, 3}


@pytest.mark.parametrize('orientation', [1, 6])
def test_a_file_of_annotations_with_swapped_sizes(keypoint_file, orientation):
    def change(content):
        for image in content['images']:
            image.update(width=image['height'], height=image['width'])

    path = keypoint_file(17, change=change)
    photo = path.parent / 'photos/0.png'
    if orientation == 6:  # turned when it is read: then they fit
        for n in range(3):
            photo = path.parent / f'photos/{n}.png'
            exif = Image.Exif()
            exif[0x0112] = orientation
            Image.open(photo).save(photo, exif=exif)
        assert check_annotations(path, 17, path.parent).counts['used'] == 3
        use = Use(turns_images=False)
        with pytest.raises(ValueError, match='they are swapped'):
            check_annotations(path, 17, path.parent, use=use)
        return
    with pytest.raises(ValueError, match=r'image 10: .*swapped \(3 records have err'):
        check_annotations(path, 17, path.parent)
    assert check_annotations(path, 17).counts['used'] == 3  # not looked for


def test_images_of_nobody_are_not_read(keypoint_file):
    path = keypoint_file(17)
    content = json.loads(path.read_text())
    content['annotations'].pop()
    path.write_text(json.dumps(content))
    (path.parent / 'photos/2.png').write_bytes(b'')
    report = check_annotations(path, 17, path.parent)
    assert report.counts['broken_image'] == 0
    cv2.imwrite(str(path.parent / 'photos/1.png'), np.zeros((9, 9), np.uint8))
    with pytest.raises(ValueError, match='image 11: width and height are 48 and 64, '):
        check_annotations(path, 17, path.parent)
