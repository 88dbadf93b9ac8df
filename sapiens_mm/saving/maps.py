"""Depth and normals as data files, each with a JSON file that says what it holds."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from sapiens_mm.apis.results import DepthResult, MapResult, NormalResult
from sapiens_mm.files import write_array, write_atomically, write_image
from sapiens_mm.hosts import require

# format -> suffix
MAP_FORMATS = {'npy': '.npy', 'exr': '.exr', 'png': '.png', 'png16': '.png'}
DEPTH_UNIT = (
    'relative, no metres: near 0, far 1 over the people, as the network gives it; '
    'along the viewing direction'
)
NORMAL_FRAME = (
    'unit vectors of the camera, x right, y up, z towards the camera, as our configs '
    'train; weights from elsewhere: as they were trained'
)
_LEVELS = 65534  # of 16 bits; stored 0 is no value


def write_map(
    result: MapResult, stem: Path, map_format: str = 'npy', all_pixels: bool = False
) -> Path:
    """Write depth or normals and, first, their JSON file ``NAME.SUFFIX.json``.

    NPY and EXR hold the float32 values of every pixel. A PNG holds those of people,
    where there is a mask: depth always with 16 bits, 0 for no value, else
    ``offset + scale * stored`` with the numbers of the JSON file, off by half a
    ``scale`` at most; normals as R, G, B = (n + 1) / 2 of x, y, z, with 8 bits
    (``'png'``, off by 0.4 degrees at most) or 16 (``'png16'``, 0.002 degrees), grey
    for no value. :func:`read_saved_map` reads them all.

    Args:
        result: Of depth or normals, without error.
        stem: Path without suffix.
        map_format: One of ``MAP_FORMATS``.
        all_pixels: Whether a PNG holds every pixel, too, whatever the mask.

    Returns:
        Path of the data file.

    Raises:
        ValueError: If there is no such format, or the result is another one.
        ModuleNotFoundError: For EXR, if OpenEXR is not installed.
    """
    check_map_format(map_format)
    if isinstance(result, DepthResult):
        values, metadata = result.depth, dict(kind='depth', unit=DEPTH_UNIT)
    elif isinstance(result, NormalResult):
        values, metadata = result.normals, dict(kind='normal', frame=NORMAL_FRAME)
    else:
        raise ValueError(f'{type(result).__name__} is no map of depth or normals')
    suffix = MAP_FORMATS[map_format]
    path = stem.with_name(stem.name + suffix)
    metadata |= _metadata(result, map_format)
    if suffix == '.png':
        # the sum is not finite if one channel is not
        known = np.isfinite(values if values.ndim == 2 else values.sum(2))
        cut_out = result.mask is not None and not all_pixels
        if cut_out:
            known &= result.mask
        pack = _pack_depth if values.ndim == 2 else _pack_normals
        stored, how = pack(values, known, map_format)
        metadata |= dict(pixels='people' if cut_out else 'all', **how)
    sidecar = json.dumps(metadata, indent=1, allow_nan=False)
    # first: a map without its description could not be read
    write_atomically(sidecar_path(path), sidecar.encode())
    if suffix == '.png':
        write_image(path, stored)
    elif suffix == '.exr':
        write_atomically(path, _exr_bytes(values))
    else:
        write_array(path, values)
    return path


def check_map_format(map_format: str) -> None:
    """Raise unless maps can be written so: ``ValueError``, or what is to install."""
    if map_format not in MAP_FORMATS:
        raise ValueError(
            f'map_format must be one of {", ".join(MAP_FORMATS)}, got {map_format!r}'
        )
    if map_format == 'exr':
        _open_exr()


def sidecar_path(path: Path) -> Path:
    """Return the path of the JSON file that belongs to a map's file."""
    return path.with_name(path.name + '.json')


def read_saved_map(path: str | Path) -> tuple[np.ndarray, dict[str, Any]]:
    """Read a file of :func:`write_map` back.

    Args:
        path: Of the data file; its JSON file lies beside it.

    Returns:
        Depth (H, W) or normals (H, W, 3), float32; NaN where a PNG has no value.
        Normals of a PNG are made unit length again. And what the JSON file says.

    Raises:
        ValueError: If one of them is missing or broken.
    """
    from sapiens_mm.geometry.map_files import read_map

    path = Path(path)
    sidecar = sidecar_path(path)
    try:
        metadata = json.loads(sidecar.read_text(encoding='utf-8'))
        channels = {'depth': 1, 'normal': 3}[metadata['kind']]
        scale, offset = metadata.get('scale', 1.0), metadata.get('offset', 0.0)
    except FileNotFoundError:
        raise ValueError(
            f'{sidecar} does not exist, which says what {path} holds'
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f'{sidecar} is no description of a map ({error!r})') from None
    if path.suffix != '.png':
        return read_map(path, channels), metadata
    if channels == 1:
        stored = read_map(path, 1, scale=1.0)
        depth = offset + scale * stored.astype(np.float64)
        return np.where(stored > 0, depth, np.nan).astype(np.float32), metadata
    normals = read_map(path, 3)
    length = np.linalg.norm(normals, axis=2, keepdims=True)
    known = length > 0.1  # grey is a vector of length 0.01, or less
    unit = np.divide(normals, length, where=known, out=np.full_like(normals, np.nan))
    return unit, metadata


def _metadata(result: MapResult, map_format: str) -> dict[str, Any]:
    height, width = result.image_hw
    people = None if result.mask is None else int(result.mask.sum())
    return dict(
        format=map_format,
        image=None if result.source is None else result.source.name,
        height=height,
        width=width,
        mask_from=result.mask_from,
        people_pixels=people,
        tiles=result.tiles,
    )


def _pack_depth(
    depth: np.ndarray, known: np.ndarray, map_format: str
) -> tuple[np.ndarray, dict[str, Any]]:
    """Spread the known values over 1 to 65535."""
    values = depth[known].astype(np.float64)
    near, far = (values.min(), values.max()) if values.size else (0.0, 1.0)
    scale = (far - near) / _LEVELS or 1 / _LEVELS  # a constant has no range
    stored = np.zeros(depth.shape, np.uint16)
    stored[known] = np.rint((values - near) / scale).astype(np.uint16) + 1
    how = dict(
        formula='depth = offset + scale * stored; stored 0: no value',
        scale=float(scale),
        offset=float(near - scale),
    )
    return stored, how


def _pack_normals(
    normals: np.ndarray, known: np.ndarray, map_format: str
) -> tuple[np.ndarray, dict[str, Any]]:
    """Bring directions to the range of 8 or 16 bits, channels in OpenCV's order."""
    kind = np.uint16 if map_format == 'png16' else np.uint8
    top = np.iinfo(kind).max
    vectors = np.where(known[..., None], normals, 0).clip(-1, 1)
    stored = np.rint((vectors[..., ::-1].astype(np.float64) + 1) / 2 * top).astype(kind)
    how = dict(
        formula=f'n = 2 * stored / {top} - 1, then unit length; R is x, G is y, B is '
        f'z; stored {(top + 1) // 2} in all three: no value'
    )
    return stored, how


def _open_exr() -> Any:
    require('OpenEXR')
    import OpenEXR

    return OpenEXR


def _exr_bytes(values: np.ndarray) -> bytes:
    """Encode float32 as the channel Z, or as X, Y and Z."""
    exr = _open_exr()
    names = 'Z' if values.ndim == 2 else 'XYZ'
    planes = values[..., None] if values.ndim == 2 else values
    channels = {
        name: np.ascontiguousarray(planes[..., index], np.float32)
        for index, name in enumerate(names)
    }
    # ZIP loses nothing, unlike PXR24, B44 and DWA
    header = dict(compression=exr.ZIP_COMPRESSION, type=exr.scanlineimage)
    # OpenEXR's Python module writes to paths alone
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'map.exr'
        with exr.File(header, channels) as file:
            file.write(str(path))
        return path.read_bytes()
