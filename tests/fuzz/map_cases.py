"""Damaged and wrongly encoded maps, masks and labels, deterministic by seed.

Each case is a file, how it is read, and what must come out: the known values within a
tolerance, or one sentence. Some mutations leave the values as they were (another type,
another container), others cannot be read at all, and random damage may do either: what
is read must then be right.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from PIL import Image

from sapiens_mm.testing import fake_person

HW = (64, 48)
PERSON = fake_person(0, HW)
PEOPLE = PERSON.labels > 0


def _surface() -> tuple[np.ndarray, np.ndarray]:
    """Return depth in metres and normals of a bumpy sheet, known exactly."""
    rows, columns = np.mgrid[: HW[0], : HW[1]].astype(np.float64)
    x, y = columns / 7, rows / 9
    depth = 2.2 + 0.3 * np.sin(x) * np.cos(y)
    slope_x, slope_y = 0.9 * np.cos(x) * np.cos(y), 0.9 * np.sin(x) * np.sin(y)
    normals = np.dstack([slope_x, slope_y, np.ones(HW)])
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    return depth.astype(np.float32), normals.astype(np.float32)


DEPTH, NORMALS = _surface()
LABELS = PERSON.labels.astype(np.uint8)
TWO = PEOPLE.astype(np.uint8)


@dataclass(frozen=True)
class Case:
    """A file and what must come of it.

    Attributes:
        name: Unique.
        reader: ``depth``, ``normal``, ``mask``, ``labels`` (28) or ``two`` (classes).
        suffix: Of the file, with the dot.
        data: Its content.
        options: Of the data set.
        right: It must be read; ``False``: it must be told; ``None``: either.
        expected: What is read where ``PEOPLE``, or everywhere for masks and labels.
        atol: Of the comparison; degrees for normals.
    """

    name: str
    reader: str
    suffix: str
    data: bytes
    options: dict[str, Any]
    right: bool | None
    expected: np.ndarray
    atol: float = 0.0


def npy(values: np.ndarray, **options: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values, **options)
    return buffer.getvalue()


def npz(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def picture(values: np.ndarray, kind: str = 'PNG', **options: Any) -> bytes:
    """Encode an image; colours R first."""
    if values.dtype == np.uint16 and values.ndim == 3:
        return cv2.imencode('.png', values[..., ::-1])[1].tobytes()
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, kind, **options)
    return buffer.getvalue()


def cases(seed: int = 0, count: int = 300) -> Iterator[Case]:
    """Yield the named cases, then random damage, until there are ``count``."""
    made = 0
    for case in (*_depths(), *_normals(), *_masks(), *_labels()):
        made += 1
        yield case
    rng = np.random.default_rng(seed)
    while made < count:
        yield _damaged(rng, made)
        made += 1


def _whole(values: np.ndarray, dtype: type, top: float | None = None) -> np.ndarray:
    return np.rint(values * (top or np.iinfo(dtype).max)).astype(dtype)


def _spoilt(values: np.ndarray, value: Any, every: int = 9) -> np.ndarray:
    places = np.argwhere(PEOPLE)[::every]
    spoilt = values.copy()
    spoilt[tuple(places.T)] = value
    return spoilt


def _depths() -> Iterator[Case]:
    def case(name, data, right, suffix='.npy', atol=1e-3, **options):
        return Case(f'depth {name}', 'depth', suffix, data, options, right, DEPTH, atol)

    for dtype in ('f2', '>f4', 'f8', '>f8', 'f4'):
        yield case(f'as {dtype}', npy(DEPTH.astype(dtype)), True, atol=2e-3)
    millimetres = _whole(DEPTH, np.uint16, 1000)
    for dtype in ('u2', 'i4', 'u8', 'i2', '>u2', '>i8'):
        data = npy(millimetres.astype(dtype))
        yield case(f'millimetres {dtype}', data, True, map_scale=0.001)
    yield case('by columns', npy(np.asfortranarray(DEPTH)), True)
    yield case('one channel', npy(DEPTH[..., None]), True)
    yield case('strided', npy(np.repeat(DEPTH, 2, 0)[::2]), True)
    yield case('npz named', npz(depth=DEPTH, normal=NORMALS), True, '.npz')
    yield case('npz any name', npz(x=DEPTH), True, '.npz')
    yield case('npz two names', npz(x=DEPTH, y=DEPTH), False, '.npz')
    yield case('npz of nothing', npz(), False, '.npz')
    yield case('npy named npz', npy(DEPTH), True, '.npz')
    yield case('png 16', picture(millimetres), True, '.png', map_scale=0.001)
    yield case('png 16 without scale', picture(millimetres), False, '.png')
    eight = _whole(DEPTH / 4, np.uint8)
    yield case('png 8', picture(eight), False, '.png', map_scale=0.02)
    yield case('png colours', picture(np.dstack([eight] * 3)), False, '.png')
    for value in (1e10, 65504, 65535, 1e4, 1e5, 1e6, 3.4e38, 1e-5, 1e-9, 1000):
        told = npy(_spoilt(DEPTH, value))
        yield case(f'sentinel {value:g}', told, False)
        invalid = dict(invalid_value=value, max_holes=0.2)
        yield case(f'sentinel {value:g} stated', told, True, **invalid)
    for value in (65535, 10000, 65504):
        stored = _spoilt(millimetres, value)
        for data, suffix in ((npy(stored), '.npy'), (picture(stored), '.png')):
            options = dict(suffix=suffix, map_scale=0.001)
            yield case(f'{value} mm {suffix}', data, False, **options)
            options |= dict(invalid_value=value, max_holes=0.2)
            yield case(f'{value} mm {suffix} stated', data, True, **options)
    for value in (np.nan, np.inf, -np.inf, 0, -1):
        data = npy(_spoilt(DEPTH, value))
        yield case(f'{value} on people', data, False)
        yield case(f'{value} in holes', data, True, max_holes=0.2)
    with np.errstate(over='ignore'):
        yield case('too large for f2', npy((DEPTH * 4e4).astype(np.float16)), False)
    for name, values in {
        'transposed': DEPTH.T,
        'smaller': DEPTH[::2, ::2],
        'channel first': DEPTH[None],
        'three channels': np.dstack([DEPTH] * 3),
        'normals': NORMALS,
        'flat': DEPTH.ravel(),
        'a number': np.float32(2),
        'nothing': DEPTH[:0],
        'bool': DEPTH > 2,
        'complex': DEPTH.astype(np.complex64),
        'text': DEPTH.astype(str),
        'records': np.zeros(HW, [('z', 'f4')]),
        'dates': DEPTH.astype('i8').astype('M8[s]'),
        'one depth': DEPTH * 0 + 2,
        'nan everywhere': DEPTH * np.nan,
    }.items():
        yield case(name, npy(values), False)
    yield case('objects', npy(DEPTH.astype(object), allow_pickle=True), False)


def _normals() -> Iterator[Case]:
    def case(name, data, right, suffix='.npy', atol=1.0, **options):
        return Case(
            f'normal {name}', 'normal', suffix, data, options, right, NORMALS, atol
        )

    half = (NORMALS + 1) / 2
    for dtype in ('f2', '>f4', 'f8'):
        yield case(f'as {dtype}', npy(NORMALS.astype(dtype)), True)
        yield case(f'half {dtype}', npy(half.astype(dtype)), False)
        yield case(
            f'half {dtype} stated', npy(half.astype(dtype)), True, encoding='rgb'
        )
    for dtype in (np.uint8, np.uint16):
        stored = _whole(half, dtype)
        name = np.dtype(dtype).name
        for kind, data, suffix in (
            (name, npy(stored), '.npy'),
            (f'{name} in f4', npy(stored.astype(np.float32)), '.npy'),
            (f'{name} in i8', npy(stored.astype(np.int64)), '.npy'),
        ):
            yield case(f'half {kind}', data, False, suffix)
            yield case(f'half {kind} stated', data, True, suffix, encoding='rgb')
        yield case(f'png {name}', picture(stored), True, '.png')
        yield case(f'png {name} stated', picture(stored), True, '.png', encoding='rgb')
        yield case(
            f'png {name} vector', picture(stored), False, '.png', encoding='vector'
        )
    for dtype in (np.int8, np.int16):
        yield case(f'by {np.iinfo(dtype).max}', npy(_whole(NORMALS, dtype)), True)
    for factor in (0.3, 100, 255, 1e4):
        yield case(f'by {factor}', npy(NORMALS * np.float32(factor)), True)
    yield case('other axes', npy(NORMALS * [1, -1, -1]), False)
    yield case('other axes stated', npy(NORMALS * [1, -1, -1]), True, axes='opencv')
    yield case('z first', npy(NORMALS[..., ::-1]), False)
    yield case('npz', npz(normal=NORMALS, depth=DEPTH), True, '.npz')
    for name, values in {
        'absolute': np.abs(NORMALS),
        'decoded twice': NORMALS * 2 - 1,
        'clipped to int8': (NORMALS * 300).clip(-128, 127).astype(np.int8),
        'tiny': NORMALS * np.float32(1e-3),
        'zeros': NORMALS * 0,
        'nan on people': _spoilt(NORMALS, np.nan),
        'zero on people': _spoilt(NORMALS, 0),
        'channels first': NORMALS.transpose(2, 0, 1),
        'transposed': NORMALS.swapaxes(0, 1),
        'four channels': np.dstack([NORMALS, DEPTH]),
        'two channels': NORMALS[..., :2],
        'one channel': NORMALS[..., 2],
        'bool': NORMALS > 0,
        'batch of one': NORMALS[None],
    }.items():
        yield case(name, npy(values), False)
    gamma = _whole(half ** (1 / 2.2), np.uint8)
    yield case('gamma', picture(gamma), False, '.png')
    grey = picture(_whole(half, np.uint8)[..., 0])
    yield case('grey image', grey, False, '.png')
    alpha = np.dstack([_whole(half, np.uint8), np.full(HW, 255, np.uint8)])
    yield case('with alpha', picture(alpha), False, '.png')


def _masks() -> Iterator[Case]:
    def case(name, data, right, suffix='.png', atol=0.0, **options):
        expected = PEOPLE.astype(np.uint8)
        return Case(
            f'mask {name}', 'mask', suffix, data, options, right, expected, atol
        )

    full = TWO * 255
    for name, values in {
        '255': full,
        '1': TWO,
        '16 bits': TWO.astype(np.uint16) * 65535,
        'red': np.dstack([full, full * 0, full * 0]),
        'colours': np.dstack([full] * 3),
    }.items():
        yield case(name, picture(values), True)
    yield case('1 bit', picture(PEOPLE), True)
    for dtype in ('?', 'u1', 'i8', 'f2', 'f8', '>i4'):
        yield case(f'npy {dtype}', npy(TWO.astype(dtype)), True, '.npy')
    yield case(
        'webp', picture(np.dstack([full] * 3), 'WEBP', lossless=True), True, '.webp'
    )
    wide = np.dstack([full] * 3)
    for kind, suffix in (('JPEG', '.jpg'), ('WEBP', '.webp'), ('JPEG', '.png')):
        data = picture(wide, kind, quality=90)
        yield case(f'{kind} {suffix}', data, False, suffix)
        # a rim may be a pixel off
        stated = dict(mask_threshold=127, atol=0.02)
        yield case(f'{kind} {suffix} stated', data, True, suffix, **stated)
    for name, values in {
        'int8 -1': -TWO.astype(np.int8),
        'nan': np.where(PEOPLE, 1, np.nan),
        'complex': TWO.astype(np.complex64),
        'text': TWO.astype(str),
        'three channels': np.dstack([TWO] * 3),
        'transposed': TWO.T,
        'nobody': TWO * 0,
        'flat': TWO.ravel(),
    }.items():
        yield case(name, npy(values), False, '.npy')
    yield case('below threshold', picture(TWO), False, mask_threshold=127)


def _labels() -> Iterator[Case]:
    def case(name, values, right, reader='labels', expected=LABELS, **options):
        data = values if isinstance(values, bytes) else picture(values)
        return Case(f'{reader} {name}', reader, '.png', data, options, right, expected)

    yield case('grey', LABELS, True)
    yield case('16 bits', LABELS.astype(np.uint16), True)
    palette = Image.fromarray(LABELS)
    palette.putpalette(list(range(255, -1, -1)) * 3)
    buffer = io.BytesIO()
    palette.save(buffer, 'PNG')
    yield case('palette', buffer.getvalue(), True)
    ignored = LABELS.copy()
    ignored[:8] = 255
    yield case('255 above', ignored, True, expected=ignored)
    yield case('jpeg', picture(LABELS, 'JPEG'), False)
    yield case('webp', picture(np.dstack([LABELS] * 3), 'WEBP'), False)
    yield case('colours', np.dstack([LABELS] * 3), False)
    yield case('id 28', np.where(LABELS == 0, 28, LABELS).astype(np.uint8), False)
    yield case('id 300', LABELS.astype(np.uint16) + 273, False)
    yield case('other size', LABELS[:-1], False)
    yield case('transposed', np.ascontiguousarray(LABELS.T), False)
    yield case('background', LABELS * 0, False)
    two = dict(reader='two', expected=TWO)
    yield case('0 and 1', TWO, True, **two)
    yield case('1 bit', picture(PEOPLE), True, **two)
    yield case('0 and 255', TWO * 255, False, **two)
    yield case('0 and 255 stated', TWO * 255, True, label_map={0: 0, 255: 1}, **two)
    yield case('0 and 128', TWO * 128, False, **two)
    yield case('0 and 2', TWO * 2, False, **two)


def _damaged(rng: np.random.Generator, number: int) -> Case:
    """Change bytes of a valid file: cut it, flip bits, or lie about its shape."""
    whole = {
        'depth.npy': npy(DEPTH),
        'depth.npz': npz(depth=DEPTH),
        'normal.npy': npy(NORMALS),
        'mask.png': picture(TWO * 255),
        'mask.npy': npy(TWO),
        'labels.png': picture(LABELS),
        'two.png': picture(TWO),
    }
    name = list(whole)[int(rng.integers(len(whole)))]
    reader, _, suffix = name.partition('.')
    data = bytearray(whole[name])
    damages: list[Callable] = [_cut, _lie]
    # of bare numbers a flipped bit is another number, which nobody can tell
    damages.append(_flip if suffix != 'npy' else _flip_header)
    damage = damages[int(rng.integers(len(damages)))]
    damaged = damage(rng, data)
    expected = {'depth': DEPTH, 'normal': NORMALS, 'mask': TWO, 'labels': LABELS}
    return Case(
        f'{number} {name} {damage.__name__.strip("_")}',
        reader,
        f'.{suffix}',
        damaged,
        {},
        True if damaged == whole[name] else None,
        expected.get(reader, TWO),
        {'depth': 1e-5, 'normal': 0.1}.get(reader, 0.0),
    )


def _cut(rng: np.random.Generator, data: bytearray) -> bytes:
    return bytes(data[: int(rng.integers(0, len(data)))])


def _flip(rng: np.random.Generator, data: bytearray) -> bytes:
    for place in rng.integers(0, len(data), int(rng.integers(1, 9))):
        data[place] ^= 1 << int(rng.integers(8))
    return bytes(data)


def _flip_header(rng: np.random.Generator, data: bytearray) -> bytes:
    for place in rng.integers(0, 100, int(rng.integers(1, 4))):
        data[place] ^= 1 << int(rng.integers(8))
    return bytes(data)


def _lie(rng: np.random.Generator, data: bytearray) -> bytes:
    """State a huge size, where the format keeps it."""
    huge = int(rng.choice([10**5, 10**9, 2**31 - 1]))
    if data[:6] == b'\x93NUMPY':
        text = bytes(data[10:128]).replace(b'(64, 48', b'(%d, 48' % huge)
        return bytes(data[:10]) + text[:118].rjust(118) + bytes(data[128:])
    if data[:4] == b'PK\x03\x04':
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, 'w', zipfile.ZIP_DEFLATED) as archive:
            lie = npy(DEPTH).replace(b'(64, 48), ', b'(%d, 48), ' % huge)
            archive.writestr('depth.npy', lie + bytes(10**6))
        return buffer.getvalue()
    return bytes(data[:16]) + struct.pack('>II', huge, huge) + bytes(data[24:])
