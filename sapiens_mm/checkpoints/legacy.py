"""Files of ``torch.save`` before version 1.6: pickles, then storages one by one.

The third pickle tells of the system, the fourth is the object, the fifth lists the keys
of the storages; each is its number of elements in 8 bytes, then the elements.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch

from sapiens_mm.checkpoints.archive import parse_storage_id
from sapiens_mm.checkpoints.errors import CheckpointError
from sapiens_mm.checkpoints.inert_pickle import STORAGE_DTYPES, InertUnpickler
from sapiens_mm.checkpoints.mapping import map_file

_HEADER_PICKLES = 3  # magic number, version of the protocol, the system


def read_legacy(path: Path) -> tuple[Any, list[str]]:
    """Read an old file inertly; large tensors stay on disk.

    Returns:
        Its object, and the names that its pickles mention.

    Raises:
        CheckpointError: If it is damaged or cut short.
    """
    dtypes: dict[str, torch.dtype] = {}

    def note_storage(storage_id: tuple) -> tuple[None, torch.dtype]:
        kind, key, _ = parse_storage_id(storage_id)
        dtype = STORAGE_DTYPES.get(kind)
        if dtype is None or dtypes.setdefault(key, dtype) != dtype:
            raise CheckpointError(f'its tensors are of the unknown kind {kind}')
        return None, dtype  # its place is known at the end only

    with path.open('rb') as file:
        names = []
        for _ in range(_HEADER_PICKLES):
            header = InertUnpickler(file)
            metadata = header.load()
            names += header.names
        if isinstance(metadata, dict) and metadata.get('little_endian') is False:
            raise CheckpointError('its bytes are in the order of a big-endian machine')
        start = file.tell()
        # a first pass for the types of storages, which tell their sizes and so places
        scout = InertUnpickler(file, note_storage)
        scout.load()
        names += scout.names
        keys = InertUnpickler(file).load()
        places = _find_storages(file, keys, dtypes)
        whole = map_file(path)

        def open_storage(storage_id: tuple) -> tuple[torch.UntypedStorage, torch.dtype]:
            _, key, count = parse_storage_id(storage_id)
            dtype = dtypes[key]
            place = places.get(key)
            if place is None or place[1] != count * dtype.itemsize:
                raise CheckpointError(
                    f'its storage {key} is missing or of another size'
                )
            return whole[place[0] : sum(place)], dtype

        file.seek(start)
        return InertUnpickler(file, open_storage).load(), names


def _find_storages(
    file: Any, keys: Any, dtypes: dict[str, torch.dtype]
) -> dict[str, tuple[int, int]]:
    """Return where the bytes of each storage begin, and how many there are."""
    if not isinstance(keys, list) or len(set(map(id, keys))) < len(keys):
        raise CheckpointError('its list of storages is damaged')
    places: dict[str, tuple[int, int]] = {}
    end = file.seek(0, 1)
    size = file.seek(0, 2)
    for key in keys:
        file.seek(end)
        count = int.from_bytes(file.read(8), sys.byteorder)
        if type(key) is not str or key not in dtypes or key in places:
            raise CheckpointError('its list of storages is damaged')
        length = count * dtypes[key].itemsize
        if end + 8 + length > size:
            raise CheckpointError(
                'it is an old torch file that is truncated or damaged'
            )
        places[key] = end + 8, length
        end += 8 + length
    return places
