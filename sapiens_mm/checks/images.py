"""Images, masks, labels and maps: format, size, numbers, and damage."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sapiens_mm import hosts
from sapiens_mm.checks.request import Finding
from sapiens_mm.images import (
    BadFileError,
    decode_ids,
    decode_stored,
    image_kind,
    image_size,
    is_lossy,
    read_array,
    read_file,
)
from sapiens_mm.images.headers import exif_orientation

_NAMED = ('depth', 'normal', 'normals', 'map', 'mask')
_FEW = 64  # different numbers: ids of classes or people, rather than grey values
_SHOWN = 12
_UNIT = 0.1  # how far from 1 the length of a direction may be


def check_image(path: Path) -> Finding:
    """Say what an image is: an image, a mask, labels, or a map in a PNG."""
    try:
        data = read_file(path)
        kind = image_kind(data, path)
        height, width = image_size(data, path)
        values = decode_stored(data, path)
    except BadFileError as error:
        return Finding(f'{error}.', is_faulty=True)
    palette = False
    if kind == 'PNG':  # OpenCV gives the colours of a palette
        ids, mode, _ = decode_ids(data, path)
        palette = mode == 'P'
        values = ids if palette else values
    losses = ', with losses' if is_lossy(data, kind) else ''
    lines = [f'{path} is a {kind} of {width} x {height} pixels{losses}.']
    orientation = exif_orientation(data, kind)
    if orientation != 1:
        turned = 'turned' if orientation > 4 else 'not turned'
        lines.append(f'orientation: EXIF {orientation}; the size is as seen, {turned}')
    lines.append(f'numbers: {_numbers(values)}{", of a palette" if palette else ""}')
    if values.ndim == 2:
        ids = np.unique(values)
        if len(ids) <= _FEW:
            lines.append(_ids(ids, bool(losses)))
    return Finding('\n'.join(lines))


def _ids(ids: np.ndarray, has_losses: bool) -> str:
    shown = ', '.join(map(str, ids[:_SHOWN]))
    more = f' and {len(ids) - _SHOWN} more' if len(ids) > _SHOWN else ''
    if len(ids) == 1:
        what = 'one number everywhere'
    else:
        what = 'a mask' if len(ids) == 2 else 'class ids, or a mask'
    warning = ', but saved with losses' if has_losses else ''
    return f'as labels: {shown}{more}: {what}{warning}'


def _numbers(values: np.ndarray) -> str:
    """Say type, channels and range."""
    channels = values.shape[2] if values.ndim == 3 else 1
    if values.ndim > 3 or channels > 4:  # they do not come last
        channels = 0
    finite = values[np.isfinite(values)] if values.dtype.kind == 'f' else values
    span = f'{finite.min():g} to {finite.max():g}' if finite.size else 'none finite'
    many = f'{channels} channel{"s" if channels > 1 else ""} of ' if channels else ''
    return f'{many}{values.dtype}, {span}'


def check_map(path: Path) -> Finding:
    """Say what a NumPy or EXR file holds: depth, directions, a mask or ids."""
    try:
        if path.suffix.lower() == '.exr':
            values = _read_exr(path)
        else:
            values = read_array(path, _NAMED)
    except BadFileError as error:
        return Finding(f'{error}.', is_faulty=True)
    kind = path.suffix.lower().removeprefix('.').upper()
    shape = ' x '.join(map(str, values.shape)) or 'no'
    first = f'{path} is an {kind} file of the shape {shape}, {values.dtype}.'
    if values.dtype.kind not in 'biuf' or values.size == 0:
        return Finding(f'{first}\nit holds no numbers', is_faulty=True)
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[..., 0]
    lines, faulty = [first, f'numbers: {_numbers(np.atleast_2d(values))}'], False
    if values.dtype.kind == 'f':
        known = np.isfinite(values)
        lines.append(f'finite: {100 * known.mean():.1f} %')
        faulty = not known.any()
    if values.ndim == 2 and values.dtype.kind in 'biu':
        ids = np.unique(values)
        few = len(ids) <= _FEW
        lines.append(_ids(ids, False) if few else 'as a map: depth in whole numbers')
    elif values.ndim == 2:
        lines.append('as a map: depth, H x W')
    elif values.ndim == 3 and values.shape[2] == 3:
        lengths = np.linalg.norm(values.astype(np.float64), axis=2)
        unit = np.abs(lengths - 1) < _UNIT
        share = 100 * unit.sum() / max(1, (lengths > 0).sum())
        lines.append(f'as a map: directions, {share:.1f} % of them of unit length')
    else:
        lines.append(f'as a map: {_complaint(path, values.shape)}')
        faulty = True
    return Finding('\n'.join(lines), faulty)


def _read_exr(path: Path) -> np.ndarray:
    hosts.require('mmseg', 'OpenEXR')
    from sapiens_mm.geometry.map_files import read_map

    try:
        return read_map(path, 1)
    except BadFileError:
        return read_map(path, 3)


def _complaint(path: Path, shape: tuple[int, ...]) -> str:
    """Say what the readers of maps make of a shape that is none."""
    plain = f'neither H x W nor H x W x 3, but {shape}'
    if not hosts.is_installed('mmseg'):
        return plain
    from sapiens_mm.geometry.map_files import read_map

    channels = 3 if 3 in shape[:1] + shape[-1:] else 1
    try:
        read_map(path, channels)
    except BadFileError as error:
        return str(error).removeprefix(f'{path} ')
    return plain
