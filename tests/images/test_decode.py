"""The one reader of images: formats by name, sizes before belief, right numbers."""

import io
import os
import struct
import subprocess
import sys
import time
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from sapiens_mm.images import (
    ImageError,
    decode_color,
    decode_ids,
    decode_stored,
    image_size,
    read_file,
    scale_to_bytes,
)
from sapiens_mm.testing import fake_person_image


@pytest.fixture
def photo():
    return fake_person_image(0, (96, 64))


def encode(picture, form, **options):
    if isinstance(picture, np.ndarray) and picture.ndim == 3:
        picture = picture[:, :, ::-1]
    if isinstance(picture, np.ndarray):
        picture = Image.fromarray(picture)
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def png_chunk(name, body, size=None):
    length = len(body) if size is None else size
    crc = zlib.crc32(name + body).to_bytes(4, 'big')
    return length.to_bytes(4, 'big') + name + body + crc


def png(width, height, rest, bits=8, color=2):
    head = struct.pack('>IIBBBBB', width, height, bits, color, 0, 0, 0)
    return b'\x89PNG\r\n\x1a\n' + png_chunk(b'IHDR', head) + rest


END = png_chunk(b'IEND', b'')


@pytest.mark.parametrize('form', ['JPEG', 'PNG', 'WEBP', 'TIFF', 'AVIF'])
def test_the_camera_was_turned(form, photo):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    data = encode(photo, form, exif=exif, quality=98)
    image = decode_color(data, 'x')
    assert image.shape == (64, 96, 3) and image_size(data, 'x') == (64, 96)
    turned = np.rot90(photo, -1)
    assert np.abs(image.astype(int) - turned).mean() < 7
    assert np.abs(image.astype(int) - np.rot90(photo)).mean() > 10


@pytest.mark.parametrize('orientation', range(1, 9))
def test_every_orientation(orientation, photo):
    from PIL import ImageOps

    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(photo, 'PNG', exif=exif)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    expected = np.asarray(upright)[:, :, ::-1]
    np.testing.assert_array_equal(decode_color(data, 'x'), expected)
    assert image_size(data, 'x') == expected.shape[:2]


@pytest.mark.parametrize(
    ('form', 'change'),
    [
        ('PNG', lambda grey: grey.astype(np.uint16) * 256 + 7),
        ('TIFF', lambda grey: grey.astype(np.uint16) * 256 + 7),
        ('PPM', lambda grey: grey.astype(np.uint16) * 256 + 7),
        ('JPEG2000', lambda grey: grey.astype(np.uint16) * 256 + 7),
        ('TIFF', lambda grey: grey.astype(np.int32) * 256),
        ('TIFF', lambda grey: np.float32(grey) / 255),
        ('TIFF', np.float32),
    ],
)
def test_deep_images_are_scaled_and_not_clipped(form, change, photo):
    grey = photo[..., 1]
    image = decode_color(encode(change(grey), form), 'x')
    np.testing.assert_array_equal(image, np.repeat(grey[..., None], 3, axis=2))


def test_a_tiff_of_three_floats(photo):
    ok, data = cv2.imencode('.tiff', np.float32(photo) / 255)
    assert ok
    np.testing.assert_array_equal(decode_color(data.tobytes(), 'x'), photo)


@pytest.mark.parametrize('white', [1, 100, 1023, 255, 65535])
@pytest.mark.parametrize('form', ['P5', 'P6'])
def test_what_a_ppm_calls_white_is_white(white, form, photo):
    colors = photo[..., ::-1] if form == 'P6' else photo[..., :1]
    stored = np.rint(colors * (white / 255)).astype('>u2' if white > 255 else np.uint8)
    data = f'{form} # by a scanner\n64 96\n{white}\n'.encode() + stored.tobytes()
    expected = np.rint(stored * (255 / white))[..., ::-1]
    image = decode_color(data, 'x').astype(int)
    assert np.abs(image - np.broadcast_to(expected, image.shape)).max() <= 1
    np.testing.assert_array_equal(
        decode_stored(data, 'x').reshape(stored.shape), stored[..., ::-1]
    )


def test_ids_of_a_pgm_are_not_scaled():
    ids = np.arange(64, dtype=np.uint8).reshape(8, 8) % 28
    found, _, kind = decode_ids(b'P5\n8 8\n27\n' + ids.tobytes(), 'x')
    np.testing.assert_array_equal(found, ids)
    assert kind == 'PPM'


def tiff(width, height, bits, packing, data):
    entries = [(256, width), (257, height), (258, bits), (259, packing), (262, 1)]
    entries += [(273, 8 + 2 + 12 * 8 + 4), (277, 1), (279, len(data))]
    tags = b''.join(struct.pack('<HHII', tag, 4, 1, value) for tag, value in entries)
    return b'II*\0' + struct.pack('<IH', 8, 8) + tags + bytes(4) + data


def test_a_tiff_of_12_bits_is_scaled(photo):
    grey = photo[..., 1]
    bits = ''.join(f'{value * 16:012b}' for value in grey.ravel().tolist())
    data = tiff(64, 96, 12, 1, int(bits, 2).to_bytes(len(bits) // 8, 'big'))
    assert np.abs(decode_color(data, 'x')[..., 0].astype(int) - grey).max() <= 1


@pytest.mark.parametrize('decode', [decode_color, decode_stored])
def test_a_tiff_that_its_decoder_calls_damaged(decode):
    rng = np.random.default_rng(0)
    stored = rng.integers(0, 9, (96, 64), np.uint8)
    packed = zlib.compress(stored.tobytes())
    np.testing.assert_array_equal(
        decode_stored(tiff(64, 96, 8, 8, packed), 'x'), stored
    )
    half = len(packed) // 2
    broken = packed[:half] + b'\xff' * 40 + packed[half + 40 :]
    with pytest.raises(ImageError, match='broken or truncated image'):
        decode(tiff(64, 96, 8, 8, broken), 'x')


@pytest.mark.parametrize('packing', [1, 5, 8, 32946, 32773])
def test_a_tiff_that_cannot_be_so_large(packing):
    with pytest.raises(ImageError, match='15000 x 15000 pixels cannot be in'):
        decode_color(tiff(15000, 15000, 8, packing, b'\x80\0\1'), 'x')


def test_scaling_by_what_the_numbers_can_be():
    def scaled(values, mode=''):
        return scale_to_bytes(np.array(values), 'x', mode).tolist()

    assert scaled([0.0, 0.5, 1.0]) == [0, 128, 255]
    assert scaled([0.0, 100.0, 255.0]) == [0, 100, 255]
    assert scaled([-1.0, 0.0, 1.0]) == [0, 128, 255]
    assert scaled([0, 255, 65535]) == [0, 0, 255]
    assert scaled(np.uint16([255, 256]), 'I;16') == [0, 1]
    assert scaled([0, 0]) == [0, 0]
    with pytest.raises(ImageError, match='not finite'):
        scaled([0.0, float('nan')])


@pytest.mark.parametrize(
    ('data', 'match'),
    [
        (b'%!PS\n{} loop', 'not an image but a PostScript document'),
        (b'%PDF-1.4', 'not an image but a PDF'),
        (b'8BPS\0\1', 'not an image but a Photoshop'),
        (b'<svg/>', 'not an image$'),
        (b'BLP2' + b'\0' * 200, 'not an image$'),  # Pillow knows it
        (b'\0\0\0\x18ftypheic\0\0\0\0heic', 'HEIC image'),
        (b'\x89PNG\r\n\x1a\n', 'broken or truncated'),
        (png(4, 4, png_chunk(b'IDAT', b'', 2**31) + END), '2147483648 bytes is cut'),
        (png(60000, 60000, png_chunk(b'IDAT', b'abc') + END), '3600 megapixels'),
        (png(9000, 9000, png_chunk(b'IDAT', b'abc') + END), 'cannot be in'),
        (png(0, 5, png_chunk(b'IDAT', b'abc') + END), 'broken'),
        (png(4, 4, png_chunk(b'IDAT', b'abc')), 'its end is missing'),
        (png(4, 4, png_chunk(b'tEXt', b'') * 60_000 + END), 'more than 50000 parts'),
        (b'BM' + b'\xff' * 60, 'broken or truncated'),
        (b'P6 99999 2 255\n' + b'abc', 'cannot be in'),
        (b'GIF89a' + b'\xff' * 20, 'broken or truncated'),
        (b'RIFF\0\0\0\0WEBPVP8X', 'its size is missing'),
    ],
)
def test_what_is_no_image_is_one_sentence_at_once(data, match):
    started = time.process_time()  # whatever else the machine does
    for decode in (decode_color, decode_stored, decode_ids):
        with pytest.raises(ImageError, match=match) as caught:
            decode(data, 'x.jpg')
        assert '\n' not in str(caught.value)
        assert str(caught.value) == f'x.jpg {caught.value.reason}'
    assert time.process_time() - started < 2


def test_the_limit_is_an_argument(photo):
    data = encode(photo, 'PNG')
    assert decode_color(data, 'x', max_pixels=96 * 64).shape == photo.shape
    for form in ('PNG', 'JPEG', 'WEBP', 'GIF', 'BMP', 'TIFF', 'AVIF', 'JPEG2000'):
        with pytest.raises(ImageError, match='64 x 96 pixels.*at most'):
            decode_color(encode(photo, form), 'x', max_pixels=96 * 64 - 1)


@pytest.mark.skipif(sys.platform != 'linux', reason='limits of memory are of Linux')
def test_a_small_file_takes_little_memory():
    """Headers that promise gigabytes, in a process that has 1 GB more than it needs."""
    code = """
import io, resource, sys
import numpy as np
from sapiens_mm.images import ImageError, decode_color
import simplejpeg, cv2
from tests_png import cases
used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 2**30,) * 2)
for data in cases:
    try:
        decode_color(data, 'x')
        sys.exit('read')
    except ImageError as error:
        print(error)
"""
    cases = [
        png(16000, 15000, png_chunk(b'IDAT', zlib.compress(b'0' * 999)) + END, 16),
        png(4, 4, png_chunk(b'PLTE', b'123', 0xF0000000)),
        b'RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\xff\x3f\0\xff\x3f\0' + b'\0' * 40,
    ]
    code = code.replace('from tests_png import cases', f'cases = {cases!r}')
    result = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr[-500:]
    assert len(result.stdout.splitlines()) == len(cases)


def test_a_damaged_jpeg_is_an_error_though_its_end_is_there(photo):
    large = cv2.resize(photo, (300, 400))
    data = cv2.imencode('.jpg', large)[1].tobytes()
    start = data.find(b'\xff\xda')
    middle = (start + len(data)) // 2
    assert decode_color(data, 'x').shape == large.shape
    for broken in (data[:middle] + b'\xff\xd9', data[:middle] + data[middle + 400 :]):
        assert broken.endswith(b'\xff\xd9')
        assert cv2.imdecode(np.frombuffer(broken, np.uint8), 1) is not None
        with pytest.raises(ImageError, match='broken or truncated image'):
            decode_color(broken, 'x')
    # what cameras leave before and after the end is no damage
    for fine in (data[:-2] + b'\0\0\xff\xd9', data + b'appended'):
        np.testing.assert_array_equal(decode_color(fine, 'x'), decode_color(data, 'x'))


def test_numbers_stay_as_they_are_stored(photo):
    deep = photo[..., 0].astype(np.uint16) * 257
    np.testing.assert_array_equal(decode_stored(encode(deep, 'PNG'), 'x'), deep)
    np.testing.assert_array_equal(decode_stored(encode(photo, 'PNG'), 'x'), photo)
    gif = decode_stored(encode(Image.fromarray(photo).convert('L'), 'GIF'), 'x')
    assert gif.shape == photo.shape[:2]
    palette = Image.fromarray(photo[:, :, 0] % 28)
    palette.putpalette(list(range(256)) * 3)
    ids, mode, form = decode_ids(encode(palette, 'PNG'), 'x')
    assert (mode, form) == ('P', 'PNG')
    np.testing.assert_array_equal(ids, photo[:, :, 0] % 28)


def test_files(tmp_path):
    (tmp_path / 'empty').write_bytes(b'')
    for name, match in (
        ('none', 'does not exist'),
        ('.', 'is a folder'),
        ('empty', 'is empty'),
        ('x' * 300, 'cannot be read'),
        ('a\0b', 'cannot be read|does not exist'),
    ):
        with pytest.raises(ImageError, match=match):
            read_file(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, 'mkfifo'), reason='no pipes here')
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / 'pipe')
    with pytest.raises(ImageError, match='no regular file'):
        read_file(tmp_path / 'pipe')


def test_only_named_plugins_are_asked(photo, monkeypatch):
    """Pillow's ``open`` would try all it has, of which one starts a program."""
    monkeypatch.setattr(Image, 'open', None)
    for form in ('PNG', 'JPEG', 'GIF', 'AVIF', 'BMP'):
        assert decode_color(encode(photo, form), 'x').shape == photo.shape
