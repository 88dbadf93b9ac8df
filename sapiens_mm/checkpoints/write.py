"""Write weights: ``.pth`` and ``.safetensors``, complete or not at all."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sapiens_mm.checkpoints.archive import SAFETENSORS_DTYPES
from sapiens_mm.checkpoints.errors import CheckpointError
from sapiens_mm.checkpoints.mapping import release_pages
from sapiens_mm.files import whole_file

_DTYPE_NAMES = {dtype: name for name, dtype in SAFETENSORS_DTYPES.items()}
PTH_SUFFIXES = ('.pth', '.pt')
SAFETENSORS_SUFFIX = '.safetensors'


def write_checkpoint(
    path: str | os.PathLike,
    state_dict: Mapping[str, Tensor],
    meta: Mapping[str, Any] | None,
    *,
    dtype: torch.dtype | None = None,
) -> None:
    """Write weights under a temporary name, then rename.

    Args:
        path: Its suffix decides: ``.pth``, ``.pt`` or ``.safetensors``.
        state_dict: The weights.
        meta: Stands beside them; as text in ``.safetensors``. With None a ``.pth``
            is the bare dict of tensors.
        dtype: For the floating-point weights; as they are where None.

    Raises:
        CheckpointError: On another suffix, or if the disk is full.
    """
    path = Path(path)
    if path.suffix not in (*PTH_SUFFIXES, SAFETENSORS_SUFFIX):
        raise CheckpointError(
            f'{path} must end in .pth, .pt or .safetensors to be written.'
        )

    try:
        with whole_file(path) as partial:
            _require_room(path, _total_bytes(state_dict, dtype))
            if path.suffix == SAFETENSORS_SUFFIX:
                _write_safetensors(partial, state_dict, meta, dtype)
                return
            tensors = {name: _cast(value, dtype) for name, value in state_dict.items()}
            content = tensors if meta is None else {'meta': meta, 'state_dict': tensors}
            torch.save(content, partial)
    except OSError as error:
        why = error.strerror or error
        raise CheckpointError(f'Cannot write {path}: {why}.') from error
    except RuntimeError as error:  # torch's, on a full disk: a page of its own code
        first = str(error).partition('\n')[0]
        raise CheckpointError(f'Cannot write {path}: {first}.') from error


def _require_room(path: Path, size: int) -> None:
    free = shutil.disk_usage(path.parent).free
    if free < size:
        raise CheckpointError(
            f'Cannot write {path}: it takes {size / 1e9:.2f} GB and the disk has '
            f'{free / 1e9:.2f} GB left.'
        )


def _target(tensor: Tensor, dtype: torch.dtype | None) -> torch.dtype:
    return dtype if dtype is not None and tensor.is_floating_point() else tensor.dtype


def _total_bytes(state_dict: Mapping[str, Tensor], dtype: torch.dtype | None) -> int:
    return sum(t.numel() * _target(t, dtype).itemsize for t in state_dict.values())


def _cast(tensor: Tensor, dtype: torch.dtype | None) -> Tensor:
    # contiguous: a slice must not take its whole storage along
    tensor = tensor.detach()
    whole = tensor.untyped_storage().nbytes() == tensor.numel() * tensor.itemsize
    if _target(tensor, dtype) != tensor.dtype:
        return tensor.to(dtype)
    return tensor if whole and tensor.is_contiguous() else tensor.clone()


def _write_safetensors(
    path: Path,
    state_dict: Mapping[str, Tensor],
    meta: Mapping[str, Any] | None,
    dtype: torch.dtype | None,
) -> None:
    # wide types first keeps every tensor aligned, as the format asks for
    names = sorted(state_dict, key=lambda n: -_target(state_dict[n], dtype).itemsize)
    header: dict[str, Any] = {
        '__metadata__': {key: _as_text(value) for key, value in (meta or {}).items()}
    }
    end = 0
    for name in names:
        tensor = state_dict[name]
        target = _target(tensor, dtype)
        if target not in _DTYPE_NAMES:
            raise CheckpointError(f'{name} of type {target} has no place in {path}.')
        start, end = end, end + tensor.numel() * target.itemsize
        header[name] = {
            'dtype': _DTYPE_NAMES[target],
            'shape': list(tensor.shape),
            'data_offsets': [start, end],
        }
    text = json.dumps(header, separators=(',', ':')).encode()
    # so that the tensors behind the header are aligned
    text += b' ' * (-len(text) % 8)
    with path.open('wb') as file:
        file.write(len(text).to_bytes(8, 'little') + text)
        for name in names:
            tensor = state_dict[name]
            values = tensor.detach().to(_target(tensor, dtype)).contiguous()
            file.write(values.reshape(-1).view(torch.uint8).numpy().data)
            release_pages(tensor)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
