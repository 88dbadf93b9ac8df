"""OpenEXR maps: which of a file's channels are the depth or the normals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from sapiens_mm.data.files import BadFileError
from sapiens_mm.hosts import require
from sapiens_mm.images import MAX_PIXELS

# names of the layers that renderers write, lower case
_LAYERS = {1: ('depth', 'z', 'zdepth'), 3: ('normal', 'normals', 'n')}
# for each kind, sets of channels that may hold it, likelier ones first
_SETS = {1: ('Z', 'Y', 'V', 'RGB', 'R'), 3: ('XYZ', 'RGB')}
# beside these a channel is something else: Z of a vector, Y of a brightness
_NOT_BESIDE = {'Z': 'XY', 'Y': ('X', 'RY', 'BY'), 'V': 'HSU', 'R': 'GB'}
# of all channels together: a file may have many layers
_MAX_NUMBERS = 4 * MAX_PIXELS


def read_exr(path: Path, channels: int, layer: str | None = None) -> np.ndarray:
    """Read the depth or the normals of an EXR file, of all its parts.

    A layer named depth or normal, such as ``ViewLayer.Depth``, is taken before others.
    Depth is the channel Z, Y or V, R G B where all three are equal, or the only
    channel; normals are X Y Z or R G B.

    Args:
        path: The file.
        channels: 1 for depth, 3 for normals.
        layer: Name of the layer, or of the one channel of depth; None looks for it.

    Returns:
        Shape (H, W) or (H, W, 3), in the type of the file.

    Raises:
        BadFileError: If it cannot be read, or it is not clear which channels to take.
        ModuleNotFoundError: If OpenEXR is not installed.
    """
    planes = _read_planes(path)
    if layer is not None:
        return _named(path, planes, channels, layer)
    if channels == 1 and len(planes) == 1:
        return next(iter(planes.values()))
    layers = _by_layer(planes)
    named = {n: p for n, p in layers.items() if _last(n) in _LAYERS[channels]}
    for some in (named, layers):
        found = [
            (names, name) for name in some if (names := _best_set(some[name], channels))
        ]
        if not found:
            continue
        rank = min(_SETS[channels].index(names) for names, _ in found)
        found = [(n, name) for n, name in found if _SETS[channels].index(n) == rank]
        if len(found) > 1:
            raise _unclear(path, planes, channels)
        names, name = found[0]
        return _stack(path, layers[name], names, channels)
    raise _unclear(path, planes, channels)


def _read_planes(path: Path) -> dict[str, np.ndarray]:
    """Return every channel of every part by its whole name."""
    require('OpenEXR')
    import OpenEXR

    planes: dict[str, np.ndarray] = {}
    try:
        _check_sizes(path)
        with OpenEXR.File(str(path), separate_channels=True) as file:
            for part in file.parts:
                for name, channel in part.channels.items():
                    # parts of one file may have channels of one name
                    if name in planes or (len(file.parts) > 1 and '.' not in name):
                        name = f'{part.name()}.{name}'
                    planes[name] = np.array(channel.pixels)
    except BadFileError:
        raise
    except Exception as error:  # the reader raises all sorts on broken files
        reason = ' '.join(str(error).split())[:160]
        raise BadFileError(f'{path} cannot be read: {reason}') from None
    if not planes:  # the reader only warns, and leaves such a part without channels
        raise BadFileError(f'{path} holds no channel, or is broken or cut short')
    return planes


def _check_sizes(path: Path) -> None:
    """Refuse a file whose parts say they are too large; they are allocated as said."""
    import OpenEXR

    numbers = 0
    with OpenEXR.File(str(path), header_only=True) as file:
        for part in file.parts:
            # int64: corners are 32-bit and their difference may not be
            low, high = (
                np.asarray(corner, np.int64) for corner in part.header['dataWindow']
            )
            pixels = math.prod((high - low + 1).tolist())
            numbers += pixels * max(1, len(part.header['channels']))
            if pixels > MAX_PIXELS or numbers > _MAX_NUMBERS:
                raise BadFileError(
                    f'{path} has {pixels / 1e6:.0f} megapixels in '
                    f'{len(part.header["channels"])} channels; at most '
                    f'{MAX_PIXELS / 1e6:g} are read, {_MAX_NUMBERS / 1e6:g} in all '
                    'channels of a file'
                )


def _by_layer(planes: Mapping[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    layers: dict[str, dict[str, np.ndarray]] = {}
    for name, plane in planes.items():
        layer, _, channel = name.rpartition('.')
        layers.setdefault(layer, {})[channel] = plane
    return layers


def _last(layer: str) -> str:
    return layer.rpartition('.')[2].lower()


def _best_set(layer: Mapping[str, np.ndarray], channels: int) -> str | None:
    """Return which channels of a layer to take, if one sees it from their names."""
    for names in _SETS[channels]:
        others = _NOT_BESIDE.get(names, ())
        if set(names) <= set(layer) and not any(name in layer for name in others):
            return names
    return None


def _named(
    path: Path, planes: Mapping[str, np.ndarray], channels: int, layer: str
) -> np.ndarray:
    if channels == 1 and layer in planes:
        return planes[layer]
    found = _by_layer(planes).get(layer, {})
    if channels == 1 and len(found) == 1:
        return next(iter(found.values()))
    names = _best_set(found, channels)
    if names is None:
        raise BadFileError(
            f'{path}: map_layer={layer!r} names no {_what(channels)} in it; its '
            f'channels are {sorted(planes)}'
        )
    return _stack(path, found, names, channels)


def _stack(
    path: Path, layer: Mapping[str, np.ndarray], names: str, channels: int
) -> np.ndarray:
    stack = [layer[name] for name in names]
    if len({plane.shape for plane in stack}) > 1:
        raise BadFileError(f'{path}: its channels {", ".join(names)} differ in size')
    if channels == 3:
        return np.dstack(stack)
    if any(not np.array_equal(stack[0], plane, equal_nan=True) for plane in stack[1:]):
        raise BadFileError(
            f'{path}: its channels R, G and B differ, so they are colours or normals '
            'and no depth; name the channel or layer of depth in map_layer'
        )
    return stack[0]


def _what(channels: int) -> str:
    return 'depth' if channels == 1 else 'normals'


def _unclear(path: Path, planes: Mapping[str, object], channels: int) -> BadFileError:
    expected = 'one, or a layer named depth' if channels == 1 else 'R, G, B or X, Y, Z'
    return BadFileError(
        f'{path} has the channels {sorted(planes)}; expected {expected}; name the '
        f'layer of {_what(channels)} in map_layer'
    )
