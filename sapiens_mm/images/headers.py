"""What an image file says of itself, read without decoding it, and held against it."""

from __future__ import annotations

import importlib
import io
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_PLUGINS = {
    'JPEG': 'JpegImagePlugin',
    'PNG': 'PngImagePlugin',
    'WEBP': 'WebPImagePlugin',
    'BMP': 'BmpImagePlugin',
    'TIFF': 'TiffImagePlugin',
    'PPM': 'PpmImagePlugin',
    'GIF': 'GifImagePlugin',
    'AVIF': 'AvifImagePlugin',
    'JPEG2000': 'Jpeg2KImagePlugin',
}
_STARTS = {
    b'\xff\xd8\xff': 'JPEG',
    b'\x89PNG\r\n\x1a\n': 'PNG',
    b'GIF87a': 'GIF',
    b'GIF89a': 'GIF',
    b'BM': 'BMP',
    b'II*\0': 'TIFF',
    b'MM\0*': 'TIFF',
    b'II+\0': 'TIFF',
    b'MM\0+': 'TIFF',
    b'\0\0\0\x0cjP  \r\n\x87\n': 'JPEG2000',
    b'\xff\x4f\xff\x51': 'JPEG2000',
}
_OTHERS = {
    b'%!PS': 'a PostScript document',
    b'%PDF': 'a PDF document',
    b'8BPS': 'a Photoshop document',
    b'PK\x03\x04': 'a zip archive',
    b'\x1f\x8b': 'a gzip archive',
    b'\x00\x00\x01\x00': 'an icon',
    b'v/1\x01': 'an OpenEXR map',
}
_HEIC_BRANDS = (b'heic', b'heix', b'hevc', b'hevx', b'heim', b'heis', b'mif1', b'msf1')
_DEFLATE_RATIO = 1032  # zlib's limit of what a byte can stand for
# how much a byte can stand for, by how a TIFF is packed: not, LZW, deflate, PackBits
_TIFF_RATIOS = {1: 1, 5: 4096, 8: _DEFLATE_RATIO, 32946: _DEFLATE_RATIO, 32773: 128}
_MAX_CHUNKS = 50_000  # writers make parts of 8 KB and more
_JPEG_PIXELS = 512  # a block of 64 takes a bit at least, in one component
_ORIENTATION = 0x0112


class BadFileError(ValueError):
    """A file cannot be used; the message is one sentence naming it."""


class ImageError(BadFileError):
    """An image that cannot be used; the message is one sentence with its name.

    Attributes:
        reason: The sentence without the name; '' where it came from another process.
    """

    reason = ''

    @classmethod
    def of(cls, name: object, reason: str) -> ImageError:
        """Make the error whose sentence is ``name`` and ``reason``."""
        error = cls(f'{name} {reason}')
        error.reason = reason
        return error


@dataclass(frozen=True)
class Header:
    """What a file says of itself.

    Attributes:
        width: Pixels, as stored.
        height: Pixels, as stored.
        is_deep: Its numbers are floats or have bits that are not 8 or 16, which OpenCV
            does not bring to bytes, or without scaling them.
        white: The greatest number it can hold, where OpenCV takes it for 255 or 65535;
            else 0.
    """

    width: int
    height: int
    is_deep: bool
    white: int = 0


def image_kind(data: bytes, name: object) -> str:
    """Tell the format of an image from its first bytes.

    Returns:
        Pillow's name of one of the formats that are read.

    Raises:
        ImageError: If it is none of them; the sentence says what it is, if known.
    """
    for start, kind in _STARTS.items():
        if data.startswith(start):
            return kind
    if data[:4] == b'RIFF' and data[8:12] == b'WEBP':
        return 'WEBP'
    if data[:1] == b'P' and data[1:2] in b'123456' and data[2:3].isspace():
        return 'PPM'
    if data[4:8] == b'ftyp':
        size = min(int.from_bytes(data[:4], 'big'), 128)
        brands = {data[i : i + 4] for i in (8, *range(16, size - 3, 4))}
        if brands & {b'avif', b'avis'}:
            return 'AVIF'
        if brands & set(_HEIC_BRANDS):
            if importlib.util.find_spec('pillow_heif') is None:
                raise ImageError.of(
                    name,
                    'is a HEIC image, which is read where pillow-heif is '
                    'installed: pip install pillow-heif',
                )
            return 'HEIF'
    what = next((w for s, w in _OTHERS.items() if data.startswith(s)), '')
    raise ImageError.of(name, f'is not an image{what and f" but {what}"}')


def open_header(data: bytes, kind: str) -> Any:
    """Open an image by the one plugin of its format; Pillow's other ones stay out.

    Args:
        data: Content of a file.
        kind: As :func:`image_kind` says.

    Returns:
        Pillow's image, not decoded yet.
    """
    from PIL import Image

    if kind == 'HEIF':
        importlib.import_module('pillow_heif').register_heif_opener()
    else:
        importlib.import_module(f'PIL.{_PLUGINS[kind]}')
    factory, _ = Image.OPEN[kind]
    return factory(io.BytesIO(data), '')


def check_size(data: bytes, kind: str, name: object, max_pixels: int) -> Header:
    """Refuse an image that is too large, or larger than its bytes can be.

    Args:
        data: Content of a file.
        kind: As :func:`image_kind` says.
        name: What to call it in messages.
        max_pixels: Width times height at most.

    Returns:
        What the file says of itself.

    Raises:
        ImageError: If so, or its header is broken.
    """
    try:
        least = 0
        if kind == 'PNG':
            least = _check_png(data)
        if kind == 'WEBP':
            header = Header(*_webp_size(data), False)
        elif kind == 'TIFF' and data[2:4] in (b'*\0', b'\0*'):  # not the 64-bit kind
            header, least = _tiff_header(data)
        else:
            image = open_header(data, kind)
            deep = image.mode.startswith('F') or image.mode == 'I'
            white = _pnm_white(data) if kind == 'PPM' else 0
            header = Header(*image.size, deep, white)
            least = max(least, _least_bytes(image, kind))
    except Exception as error:  # Pillow's plugins raise all sorts on broken headers
        reason = ' '.join(str(error).split())[:120] or type(error).__name__
        raise ImageError.of(
            name, f'is a broken or truncated image ({reason})'
        ) from None
    pixels = header.width * header.height
    if header.width < 1 or header.height < 1:
        raise ImageError.of(name, 'is a broken image of no pixels')
    if pixels > max_pixels:
        raise ImageError.of(
            name,
            f'has {header.width} x {header.height} pixels, which is '
            f'{pixels / 1e6:.0f} megapixels; at most {max_pixels / 1e6:g} are read',
        )
    if least > len(data):
        raise ImageError.of(
            name,
            f'is a broken or truncated image ({header.width} x {header.height} '
            f'pixels cannot be in {len(data)} bytes)',
        )
    return header


def image_size(
    data: bytes, name: object, max_pixels: int = 250_000_000
) -> tuple[int, int]:
    """Return the size of an image as it is seen, after EXIF orientation.

    Args:
        data: Content of a file.
        name: What to call it in messages.
        max_pixels: Refuse images that say they are larger.

    Returns:
        Height and width, pixels.

    Raises:
        ImageError: If it is no image, too large, or its header is broken.
    """
    kind = image_kind(data, name)
    header = check_size(data, kind, name, max_pixels)
    if exif_orientation(data, kind) in (5, 6, 7, 8):
        return header.width, header.height
    return header.height, header.width


def exif_orientation(data: bytes, kind: str) -> int:
    """Return the EXIF orientation of an image, 1 to 8; 1 where there is none."""
    from PIL import Image

    try:
        if kind == 'PNG':  # it may stand behind the pixels
            chunks = (body for name, body, _ in _png_chunks(data) if name == b'eXIf')
            exif = Image.Exif()
            exif.load(b'Exif\0\0' + bytes(next(chunks, b'')))
        else:
            exif = open_header(data, kind).getexif()
        found = exif.get(_ORIENTATION, 1)
    except Exception:  # a broken note about the camera spoils no image
        return 1
    return found if found in range(1, 9) else 1


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, memoryview, int]]:
    """Yield name, body and stated checksum of each chunk.

    Raises:
        ValueError: If one reaches beyond the file, or the last is missing.
    """
    view, at = memoryview(data), 8
    for _ in range(_MAX_CHUNKS):
        if at + 12 > len(data):
            break
        size = int.from_bytes(view[at : at + 4], 'big')
        name = bytes(view[at + 4 : at + 8])
        if at + 12 + size > len(data):
            raise ValueError(f'its part {name!r} of {size} bytes is cut short')
        end = at + 8 + size
        yield name, view[at + 8 : end], int.from_bytes(view[end : end + 4], 'big')
        if name == b'IEND':
            return
        at += 12 + size
    else:
        raise ValueError(f'it has more than {_MAX_CHUNKS} parts')
    raise ValueError('its end is missing')


def _check_png(data: bytes) -> int:
    """Walk through the chunks; return how many bytes the file has at the least."""
    parts = list(_png_chunks(data))
    if not parts or parts[0][0] != b'IHDR' or len(parts[0][1]) != 13:
        raise ValueError('it does not begin with its size')
    width, height, bits, color = struct.unpack('>IIBB', parts[0][1][:10])
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(color)
    if channels is None or bits not in (1, 2, 4, 8, 16):
        raise ValueError(f'it has the kind {color} of {bits} bits')
    for name, body, checksum in parts:  # OpenCV returns other pixels without a word
        if name[:1].isupper() and zlib.crc32(body, zlib.crc32(name)) != checksum:
            raise ValueError(f'its part {name!r} was changed: the checksum is wrong')
    packed = sum(len(body) for name, body, _ in parts if name == b'IDAT')
    raw = height * (1 + -(-width * channels * bits // 8))
    return len(data) + 1 if raw > _DEFLATE_RATIO * (packed + 64) else 0


def _webp_size(data: bytes) -> tuple[int, int]:
    """Read width and height; Pillow allocates the canvas before it tells them."""
    kind = data[12:16]
    if kind == b'VP8X' and len(data) >= 30:
        width, height = (
            int.from_bytes(data[i : i + 3], 'little') + 1 for i in (24, 27)
        )
        return width, height
    if kind == b'VP8L' and len(data) >= 25 and data[20] == 0x2F:
        bits = int.from_bytes(data[21:25], 'little')
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b'VP8 ' and len(data) >= 30 and data[23:26] == b'\x9d\x01\x2a':
        width, height = struct.unpack('<HH', data[26:30])
        return width & 0x3FFF, height & 0x3FFF
    raise ValueError('its size is missing')


def _least_bytes(image: Any, kind: str) -> int:
    """Return how many bytes a file with this header has at the least."""
    width, height = image.size
    if kind == 'JPEG':
        return width * height // _JPEG_PIXELS
    tile = image.tile[0][0] if image.tile else ''
    if kind not in ('BMP', 'PPM') or tile != 'raw':
        return 0
    bits = {'1': 1, 'P': 1, 'L': 8, 'RGB': 16}  # RGB: of 15 bits too, in BMP
    return width * height * bits.get(image.mode, 8) // 8


def _pnm_white(data: bytes) -> int:
    """Return what a binary PGM or PPM says is white, if that is not 255 or 65535."""
    if data[1:2] not in b'56':  # bits, and texts, which OpenCV scales
        return 0
    words = re.sub(rb'#[^\r\n]*', b'', data[2:2000]).split(maxsplit=3)
    return int(words[2]) if words[2] not in (b'255', b'65535') else 0


def _tiff_header(data: bytes) -> tuple[Header, int]:
    """Read the first directory; Pillow knows no images of three floats.

    Returns:
        The header, and how many bytes the file has at the least.
    """
    order = '<' if data[:2] == b'II' else '>'
    (start,) = struct.unpack_from(f'{order}I', data, 4)
    (count,) = struct.unpack_from(f'{order}H', data, start)
    sizes = {1: 'B', 3: 'H', 4: 'I'}
    tags = {}
    for n in range(min(count, 200)):
        at = start + 2 + 12 * n
        tag, kind, length = struct.unpack_from(f'{order}HHI', data, at)
        code = sizes.get(kind)
        if code is None or length == 0:
            continue
        many = struct.calcsize(code) * length > 4
        place = struct.unpack_from(f'{order}I', data, at + 8)[0] if many else at + 8
        (tags[tag],) = struct.unpack_from(f'{order}{code}', data, place)  # the first
    bits, channels = tags.get(258, 1), tags.get(277, 1)
    floating = tags.get(339, 1) == 3
    # OpenCV reads 12 bits as 16, but not in colour
    deep = floating or bits > 16 or 8 < bits < 16
    header = Header(tags[256], tags[257], deep)
    size = header.width * header.height * bits * channels // 8
    ratio = _TIFF_RATIOS.get(tags.get(259, 1))
    return header, size // ratio if ratio else 0


def is_lossy(data: bytes, kind: str) -> bool:
    """Tell whether a format changes numbers: a mask or labels in it are not exact.

    Args:
        data: Content of a file.
        kind: As :func:`image_kind` says.
    """
    if kind == 'WEBP':  # VP8L is without losses
        return data[12:16] == b'VP8 ' or (
            data[12:16] == b'VP8X' and b'VP8L' not in data[30:]
        )
    if kind == 'TIFF':
        image = open_header(data, kind)
        return image.info.get('compression') in ('jpeg', 'tiff_jpeg', 'webp')
    return kind in ('JPEG', 'AVIF', 'HEIF', 'JPEG2000')
