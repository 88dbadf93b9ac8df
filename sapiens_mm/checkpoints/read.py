"""Open a weights file of any kind, as data: no code in it ever runs."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from sapiens_mm.checkpoints.archive import (
    ZipRecords,
    read_export,
    read_safetensors,
    read_torchscript,
)
from sapiens_mm.checkpoints.errors import CheckpointError
from sapiens_mm.checkpoints.inert_objects import Opaque
from sapiens_mm.checkpoints.inert_pickle import InertUnpickler, is_harmless
from sapiens_mm.checkpoints.keys import canonical_names
from sapiens_mm.checkpoints.legacy import read_legacy

# where savers put the weights, in the order they are looked for: mmengine and the
# official code, Lightning and timm, DeepSpeed, and averaged weights last
_CONTAINERS = (
    *('state_dict', 'model', 'model_state_dict', 'module'),
    *('state_dict_ema', 'model_ema', 'ema_state_dict', 'ema'),
)
# the first pickle of such files: torch's number 0x1950a86a20f9469cfc6c
_LEGACY_MAGIC = b'\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.'
_HINTS = {
    b'version https://git-lfs': 'it is a git-lfs pointer; fetch it with git lfs pull',
    b'\x1f\x8b': 'it is compressed by gzip; unpack it first',
    b'BZh': 'it is compressed by bzip2; unpack it first',
    b'\xfd7zXZ': 'it is compressed by xz; unpack it first',
    b'\x89HDF': 'it is an HDF5 file',
}


@dataclasses.dataclass
class Checkpoint:
    """Weights as they lie in a file.

    Attributes:
        state_dict: Tensors by the file's own names. They view the file, so they
            take no memory before they are read; do not write to them.
        meta: What the file says of itself; unverified, and ``{}`` at times.
        path: The file.
        format: ``'torch'``, ``'torch-legacy'``, ``'safetensors'``,
            ``'torchscript'`` or ``'export'``.
    """

    state_dict: dict[str, Tensor]
    meta: dict[str, Any]
    path: Path | None
    format: str

    @functools.cached_property
    def names(self) -> dict[str, str]:
        """Our names of the weights and those of the file: ``{ours: theirs}``.

        Raises:
            CheckpointError: If two names become one, so the file holds two models.
        """
        return canonical_names(self.state_dict)

    @property
    def ours(self) -> dict[str, Tensor]:
        """The weights by our names."""
        return {ours: self.state_dict[theirs] for ours, theirs in self.names.items()}


def sniff_format(path: Path) -> str:
    """Tell a file's format from its content; its suffix may lie.

    Raises:
        CheckpointError: If it is no weights file.
    """
    with path.open('rb') as file:
        head = file.read(512)
    if not head:
        raise CheckpointError('it is empty (0 bytes)')
    # the length of the header in 8 bytes, then its JSON
    if head[8:9] == b'{' and int.from_bytes(head[:8], 'little') < 2**32:
        return 'safetensors'
    start = head.lstrip().lower()
    if start.startswith((b'<!doctype', b'<html', b'<?xml')):
        raise CheckpointError(
            'it is a web page saved under that name; download the file itself'
        )
    for magic, hint in _HINTS.items():
        if head.startswith(magic):
            raise CheckpointError(hint)
    if head.startswith(b'PK\x03\x04'):
        return _sniff_zip(ZipRecords(path))
    # torch before 2.6 unpacks tar files before it looks at what is inside them
    if head.startswith(_LEGACY_MAGIC) and not tarfile.is_tarfile(path):
        return 'torch-legacy'
    _refuse_code(path)
    raise CheckpointError(f'its first bytes, {head[:8]!r}, are of no known format')


def _sniff_zip(records: ZipRecords) -> str:
    # torch.load runs such archives, so none may pass for a state dict
    if any(name.split('/')[-1] == 'constants.pkl' for name in records.infos):
        return 'torchscript'
    if 'archive_format' in records or 'serialized_exported_program.json' in records:
        return 'export'
    if 'data.pkl' in records:
        return 'torch'
    raise CheckpointError('it is a zip archive without weights; unpack it first')


def _refuse_code(path: Path) -> None:
    """Name what a pickle at the start of a file wants to run, if anything."""
    with path.open('rb') as file:
        unpickler = InertUnpickler(file)
        # one that breaks off may have named something before
        with contextlib.suppress(CheckpointError):
            unpickler.load()
    _refuse_names(unpickler.names)


def _refuse_names(names: list[str]) -> None:
    for name in names:
        if not is_harmless(name):
            raise CheckpointError(
                f'refused: it is a pickle that wants to run code ({name}), which '
                'weights do not need'
            )


def _read_torch(path: Path) -> Any:
    """Read a zip of ``torch.save``.

    Not by ``torch.load``: with ``mmap`` it takes what a record is for granted.
    """
    records = ZipRecords(path)
    records.check()
    content, names = records.unpickle()
    _refuse_names(names)
    return content


def _read_legacy(path: Path) -> Any:
    content, names = read_legacy(path)
    _refuse_names(names)
    return content


def _find_state_dict(content: Any) -> dict[str, Tensor]:
    for _ in range(3):
        if not isinstance(content, Mapping):
            raise CheckpointError(
                f'it holds an object of type {type(content).__name__}, not weights by '
                'name'
            )
        tensors = {
            name: value
            for name, value in content.items()
            if isinstance(name, str) and isinstance(value, Tensor)
        }
        inner = [key for key in _CONTAINERS if isinstance(content.get(key), Mapping)]
        if not inner:
            break
        content = content[inner[0]]
    for name, value in content.items():
        if isinstance(value, Opaque) and value.name.startswith('torch._utils._rebuild'):
            kind = value.name.removeprefix('torch._utils._rebuild_')
            raise CheckpointError(f'its {name} is no plain tensor ({kind})')
    if not tensors:
        keys = ', '.join(map(repr, list(content)[:5])) or 'nothing at all'
        raise CheckpointError(f'it holds no weights (but {keys})')
    return tensors


def read_checkpoint(path: str | os.PathLike) -> Checkpoint:
    """Open a file of weights, whatever its format; large tensors stay on disk.

    Args:
        path: A ``.pth``, ``.safetensors`` or TorchScript ``.pt2`` file, or one of
            ``torch.export``. The content decides, not the suffix.

    Raises:
        CheckpointError: In one sentence, if the file is missing, truncated, no
            checkpoint, or a pickle that wants to run code.
    """
    try:
        path = Path(path).expanduser()
        if path.is_dir():
            raise CheckpointError(f'{path} is a folder, not a checkpoint file.')
        if not path.is_file():
            raise CheckpointError(f'There is no checkpoint {path}.')
    except CheckpointError:
        raise
    except (OSError, ValueError) as error:  # a name too long, or with a zero byte
        reason = getattr(error, 'strerror', None) or error
        raise CheckpointError(f'Cannot load {str(path)[:200]}: {reason}.') from None
    try:
        return _read(path)
    except (CheckpointError, OSError) as error:
        raise CheckpointError(f'Cannot load {path}: {error}.') from error
    except (Exception, RecursionError) as error:  # whatever a damaged file brings about
        raise CheckpointError(
            f'Cannot load {path}: it is damaged ({type(error).__name__}).'
        ) from error


def _read(path: Path) -> Checkpoint:
    found = sniff_format(path)
    content: Any
    meta: Any = {}
    if found == 'safetensors':
        content, meta = read_safetensors(path)
    elif found == 'torchscript':
        content = read_torchscript(ZipRecords(path))
    elif found == 'export':
        content = read_export(ZipRecords(path))
    else:
        content = _read_torch(path) if found == 'torch' else _read_legacy(path)
        meta = content.get('meta', {}) if isinstance(content, Mapping) else {}
    state_dict = _find_state_dict(content)
    checkpoint = Checkpoint(
        state_dict=state_dict,
        meta=dict(meta) if isinstance(meta, Mapping) else {},
        path=path,
        format=found,
    )
    _ = checkpoint.names  # two models in one file are found out here
    return checkpoint
