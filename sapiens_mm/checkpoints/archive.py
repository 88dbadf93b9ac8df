"""Zip archives of PyTorch and safetensors files: their tensors, mapped.

Nothing in these files is run: TorchScript code, exported graphs and pickles stay
data. Each reader returns tensors that view the file.
"""

from __future__ import annotations

import io
import itertools
import json
import math
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sapiens_mm.checkpoints.errors import CheckpointError
from sapiens_mm.checkpoints.inert_objects import Opaque, name_of
from sapiens_mm.checkpoints.inert_pickle import STORAGE_DTYPES, InertUnpickler
from sapiens_mm.checkpoints.mapping import map_file, map_tensor

SAFETENSORS_DTYPES: dict[str, torch.dtype] = {
    'F64': torch.float64,
    'F32': torch.float32,
    'F16': torch.float16,
    'BF16': torch.bfloat16,
    'I64': torch.int64,
    'I32': torch.int32,
    'I16': torch.int16,
    'I8': torch.int8,
    'U8': torch.uint8,
    'BOOL': torch.bool,
}
# numbers of torch.export's schema
_EXPORT_DTYPES = {
    **{1: torch.uint8, 2: torch.int8, 3: torch.int16, 4: torch.int32, 5: torch.int64},
    **{6: torch.float16, 7: torch.float32, 8: torch.float64},
    **{12: torch.bool, 13: torch.bfloat16},
}
_MAX_HEADER_BYTES = 25_000_000
_MAX_SMALL_BYTES = 100_000_000  # of a record that is no tensor
_MAX_MODULES = 200_000  # of a script
# what zipfile raises on damage, by the place of the damage
_DAMAGE = (
    *(zipfile.BadZipFile, EOFError, KeyError, OSError, RuntimeError, ValueError),
    *(struct.error, zlib.error),
)


class _Window(io.RawIOBase):
    """A part of a file as a file, for an archive inside an archive."""

    def __init__(self, path: Path, start: int, size: int) -> None:
        self._file = path.open('rb')
        self._start, self._size, self._at = start, size, 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}
        self._at = max(0, base[whence] + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        self._file.seek(self._start + self._at)
        count = max(0, min(len(buffer), self._size - self._at))
        count = self._file.readinto(memoryview(buffer)[:count])
        self._at += count
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


class ZipRecords:
    """The records of a zip archive and where their bytes lie in the file.

    Args:
        path: The file.
        start: First byte of the archive, for one inside another.
        size: Bytes of the archive; to the end of the file where None.

    Raises:
        CheckpointError: If the archive is cut short or damaged.
    """

    def __init__(self, path: Path, start: int = 0, size: int | None = None) -> None:
        size = path.stat().st_size - start if size is None else size
        self.path, self._start, self._size = path, start, size
        with self._open() as archive:
            listed = archive.infolist()
        self.infos = {info.filename: info for info in listed}
        if len(self.infos) < len(listed):
            raise CheckpointError('it has two records of one name, so it is damaged')
        pickles = [name for name in self.infos if name.split('/')[-1] == 'data.pkl']
        shallow = min(pickles, key=lambda name: name.count('/'), default=None)
        folders = {name.partition('/')[0] for name in self.infos}
        # records lie in one folder, named after the file the archive was saved as
        if shallow is not None:
            self.root = shallow.removesuffix('data.pkl')
        else:
            self.root = f'{folders.pop()}/' if len(folders) == 1 else ''
        self._storage: torch.UntypedStorage | None = None

    def _open(self) -> zipfile.ZipFile:
        try:
            return zipfile.ZipFile(_Window(self.path, self._start, self._size))
        except _DAMAGE as error:
            raise CheckpointError(
                'the end of the archive is missing, so the file is truncated or '
                'still being downloaded'
            ) from error

    def __contains__(self, name: str) -> bool:
        return self.root + name in self.infos

    def matching(self, start: str, end: str) -> list[str]:
        """Return the names, without root, with this beginning and this end."""
        names = (name.removeprefix(self.root) for name in sorted(self.infos))
        return [n for n in names if n.startswith(start) and n.endswith(end)]

    def check(self) -> None:
        """Hold every record against the file, as PyTorch writes them.

        Raises:
            CheckpointError: If one is compressed, no plain file, cut short, or shares
                bytes with another.
        """
        places = [
            (*self.locate(name.removeprefix(self.root)), name)
            for name in self.infos
            if name.startswith(self.root) and not name.endswith('/')
        ]
        end, before = 0, ''
        for offset, size, name in sorted(places):
            if offset < end and size:
                raise CheckpointError(f'its records {before} and {name} share bytes')
            end, before = offset + size, name
        if 'byteorder' in self and self.read('byteorder') != b'little':
            raise CheckpointError('its bytes are in the order of a big-endian machine')

    def read(self, name: str) -> bytes:
        """Return the bytes of a small record.

        Raises:
            CheckpointError: If it is absent, damaged or large.
        """
        info = self.infos.get(self.root + name)
        if info is not None and info.file_size > _MAX_SMALL_BYTES:
            raise CheckpointError(f'its record {name} has {info.file_size} bytes')
        try:
            with self._open() as archive:
                return archive.read(self.root + name)
        except _DAMAGE as error:
            raise CheckpointError(f'its record {name} is damaged ({error})') from error

    def locate(self, name: str) -> tuple[int, int]:
        """Return the first byte of a record in the file, and its size.

        Raises:
            CheckpointError: If it is absent, compressed or cut short.
        """
        info = self.infos.get(self.root + name)
        if info is None:
            raise CheckpointError(f'its record {name} is missing')
        if info.compress_type != zipfile.ZIP_STORED:
            raise CheckpointError('its tensors are compressed, so save it anew')
        # bit 0: encrypted
        if info.compress_size != info.file_size or info.flag_bits & 1:
            raise CheckpointError(f'its record {name} is damaged')
        # the upper half holds the mode of Unix
        if stat.S_ISLNK(info.external_attr >> 16):
            raise CheckpointError(f'its record {name} is a link, no data')
        # data begin behind the local header, whose name and extra field may be of
        # another length than those in the list at the end
        with _Window(self.path, self._start, self._size) as file:
            file.seek(info.header_offset)
            header = file.read(30)
            own_name = file.read(int.from_bytes(header[26:28], 'little'))
        as_listed = own_name == info.orig_filename.encode('utf-8', 'surrogateescape')
        if len(header) < 30 or header[:4] != b'PK\x03\x04' or not as_listed:
            raise CheckpointError(f'its record {name} is damaged')
        extra = sum(int.from_bytes(header[i : i + 2], 'little') for i in (26, 28))
        offset = self._start + info.header_offset + 30 + extra
        if offset + info.file_size > self._start + self._size:
            raise CheckpointError(f'its record {name} is cut short')
        return offset, info.file_size

    def map(self, name: str) -> torch.UntypedStorage:
        """Map the bytes of a record; see :meth:`locate` for errors."""
        if self._storage is None:
            self._storage = map_file(self.path)
        offset, size = self.locate(name)
        return self._storage[offset : offset + size]

    def unpickle(self, name: str = 'data.pkl') -> tuple[Any, list[str]]:
        """Read a pickle record inertly: its object, and the names it mentions."""

        def open_storage(
            storage_id: tuple,
        ) -> tuple[torch.UntypedStorage, torch.dtype | None]:
            kind, key, count = parse_storage_id(storage_id)
            storage, dtype = self.map(f'data/{key}'), STORAGE_DTYPES.get(kind)
            if storage.nbytes() != count * (dtype.itemsize if dtype else 1):
                raise CheckpointError(
                    f'its record data/{key} has {storage.nbytes()} bytes, not the '
                    f'{count} numbers it is said to hold'
                )
            return storage, dtype

        unpickler = InertUnpickler(self.read(name), open_storage)
        return unpickler.load(), unpickler.names


def parse_storage_id(storage_id: Any) -> tuple[str, str, int]:
    """Read the persistent id of a storage: kind, key and number of elements.

    Raises:
        CheckpointError: If it is none.
    """
    if not isinstance(storage_id, tuple) or len(storage_id) < 5:
        raise CheckpointError('its pickle is damaged (a storage without an id)')
    kind, key, count = name_of(storage_id[1]), storage_id[2], storage_id[4]
    if kind not in STORAGE_DTYPES and kind != 'torch.storage.UntypedStorage':
        raise CheckpointError(f'its tensors are of the unknown kind {kind[:80]}')
    if type(key) is not str or type(count) is not int or count < 0:
        raise CheckpointError('its pickle is damaged (a storage without a size)')
    return kind, key, count


def _walk(root: Opaque) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors of a module and those inside it, in order."""
    modules, seen = [(root, '')], 0
    while modules:
        module, prefix = modules.pop()
        inner = []
        for name, value in _attributes(module):
            if isinstance(value, Tensor):
                yield prefix + name, value
            elif isinstance(value, Opaque):
                inner.append((value, f'{prefix}{name}.'))
        modules += inner[::-1]
        seen += 1
        if seen + len(modules) > _MAX_MODULES:
            raise CheckpointError('its modules have no end')


def _attributes(module: Opaque) -> list[tuple[str, Any]]:
    state = module.state if isinstance(module.state, dict) else {}
    return [(name, value) for name, value in state.items() if isinstance(name, str)]


def read_torchscript(records: ZipRecords) -> dict[str, Tensor]:
    """Collect the parameters and buffers of a TorchScript archive by name."""
    root, _ = records.unpickle()
    tensors = dict(_walk(root)) if isinstance(root, Opaque) else {}
    if not tensors:
        raise CheckpointError(
            'it is a TorchScript archive without named weights (a frozen one?)'
        )
    return tensors


def read_export(records: ZipRecords) -> Any:
    """Collect the weights of a ``torch.export`` archive of any version."""
    configs = records.matching('data/weights/', '_weights_config.json')
    if configs:
        try:
            return _read_export_weights(records, configs[0])
        except CheckpointError:
            raise
        except (LookupError, TypeError, ValueError) as error:
            raise CheckpointError(
                f'its list of weights is damaged ({error})'
            ) from error
    # older versions hold an archive of torch.save inside this one
    nested = records.matching('serialized_state_dict', '')
    nested += records.matching('data/weights/', '.pt')
    if not nested:
        raise CheckpointError('it is a torch.export archive without weights')
    inner = ZipRecords(records.path, *records.locate(nested[0]))
    return inner.unpickle()[0]


def _read_export_weights(records: ZipRecords, config_name: str) -> dict[str, Tensor]:
    tensors = {}
    for name, entry in json.loads(records.read(config_name))['config'].items():
        meta = entry['tensor_meta']
        dtype = _EXPORT_DTYPES.get(meta['dtype'])
        if dtype is None or entry['use_pickle']:
            raise CheckpointError(f'its tensor {name} is of a kind not read here')
        tensors[name] = map_tensor(
            records.map(f'data/weights/{entry["path_name"]}'),
            dtype,
            [size['as_int'] for size in meta['sizes']],
            [step['as_int'] for step in meta['strides']],
            meta['storage_offset']['as_int'],
        )
    return tensors


def read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read a ``.safetensors`` file: tensors, and the metadata of its header.

    Raises:
        CheckpointError: If the header is damaged or promises more than there is.
    """
    with path.open('rb') as file:
        header_size = int.from_bytes(file.read(8), 'little')
        if header_size > min(_MAX_HEADER_BYTES, path.stat().st_size - 8):
            raise CheckpointError('its header is cut short, so the file is truncated')
        try:
            header = json.loads(
                file.read(header_size), object_pairs_hook=_without_twins
            )
            metadata = header.pop('__metadata__', {})
            tensors = dict(_map_safetensors(path, 8 + header_size, header))
        except CheckpointError:
            raise
        except RecursionError:
            raise CheckpointError('its header is nested too deep') from None
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f'its header is damaged ({error})') from error
    if not isinstance(metadata, dict):
        raise CheckpointError('its header is damaged (metadata)')
    return tensors, metadata


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object of JSON, in which no key may stand twice."""
    # json takes the last of two, another reader may take the first
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError('a name stands in it twice')
    return found


def _map_safetensors(
    path: Path, base: int, header: dict[str, Any]
) -> Iterator[tuple[str, Tensor]]:
    storage = map_file(path)
    taken: list[tuple[int, int, str]] = []
    for name, entry in header.items():
        dtype = SAFETENSORS_DTYPES.get(entry['dtype'])
        if dtype is None:
            raise CheckpointError(f'its tensor {name} is of type {entry["dtype"]}')
        start, end = (base + offset for offset in entry['data_offsets'])
        taken.append((start, end, name))
        if not base <= start <= end:
            raise CheckpointError(f'its header is damaged (the place of {name})')
        if end > storage.nbytes():
            raise CheckpointError(
                f'its tensors end at byte {end} but the file at {storage.nbytes()}, '
                'so it is truncated'
            )
        if end - start != math.prod(entry['shape']) * dtype.itemsize:
            raise CheckpointError(f'its header is damaged (the size of {name})')
        yield name, map_tensor(storage[start:end], dtype, entry['shape'])
    taken.sort()
    for (_, end, name), (start, _, other) in itertools.pairwise(taken):
        if start < end:
            raise CheckpointError(f'its tensors {name} and {other} share bytes')
