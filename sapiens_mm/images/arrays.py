"""NumPy files as data from anywhere: held against their bytes before they are read."""

from __future__ import annotations

import io
import math
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from .decode import MAX_PIXELS
from .headers import BadFileError

_MAX_NUMBERS = 4 * MAX_PIXELS
_DEFLATE_RATIO = 1032  # zlib's limit of what a byte can stand for


def read_array(path: str | os.PathLike, wanted: Sequence[str] = ()) -> np.ndarray:
    """Read an NPY file, or the one array of an NPZ file.

    Args:
        path: The file; what it is, is told by its first bytes.
        wanted: Names of the array in an NPZ file, the first that is there; where none
            is, the only array is taken.

    Returns:
        The array, of any shape and type but objects.

    Raises:
        BadFileError: If there is no such file, it is none of these, broken, cut short
            or far too large, or it is not clear which array is meant.
    """
    path = Path(path)
    try:
        with path.open('rb') as file:
            start = file.read(4)
            file.seek(0)
            if start == b'PK\x03\x04':
                return _read_npz(file, path, wanted)
            return _read_npy(file, path.stat().st_size)
    except BadFileError:
        raise
    except FileNotFoundError:
        raise BadFileError(f'{path} does not exist') from None
    except Exception as error:  # numpy and zipfile raise all sorts on broken files
        reason = ' '.join(str(error).split())[:160] or type(error).__name__
        raise BadFileError(f'{path} cannot be read: {reason}') from None


def _read_npy(file: BinaryIO, size: int) -> np.ndarray:
    """Read an array of a file of ``size`` bytes."""
    version = np.lib.format.read_magic(file)
    reader = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if reader is None:
        raise ValueError(f'its version {version[0]}.{version[1]} is unknown')
    shape, by_columns, dtype = reader(file)
    if dtype.hasobject:
        raise ValueError('it holds objects, which are not loaded')
    count = math.prod(shape)
    if count > _MAX_NUMBERS or any(side < 0 for side in shape):
        raise ValueError(f'its shape {shape} is too large for a map')
    there = size - file.tell()
    if count * dtype.itemsize != there:  # more: where it begins is not known either
        raise ValueError(
            f'{dtype} of shape {shape} takes {count * dtype.itemsize} bytes, and there '
            f'are {there}'
        )
    data = file.read(count * dtype.itemsize)
    values = np.frombuffer(data, dtype, count)
    if by_columns:
        return np.array(values.reshape(shape[::-1]).T)
    return np.array(values.reshape(shape))


def _read_npz(file: BinaryIO, path: Path, wanted: Sequence[str]) -> np.ndarray:
    with zipfile.ZipFile(file) as archive:
        members = {
            info.filename.removesuffix('.npy'): info
            for info in archive.infolist()
            if info.filename.endswith('.npy')
        }
        names = [name for name in wanted if name in members] or list(members)
        if len(names) != 1 and not any(name in members for name in wanted):
            advice = f'? Name it {" or ".join(wanted)}' if wanted else '?'
            raise BadFileError(
                f'{path} holds the arrays {sorted(members)}; which one is meant{advice}'
            )
        info = members[names[0]]
        most = _DEFLATE_RATIO * (info.compress_size + 64)
        if info.file_size > min(most, 16 * _MAX_NUMBERS):
            raise ValueError(
                f'{info.filename} cannot have {info.file_size} bytes, packed in '
                f'{info.compress_size}'
            )
        data = archive.read(info)  # checks its sum
    return _read_npy(io.BytesIO(data), len(data))
