"""Tensors that view a file: pages come into memory when they are first read."""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from sapiens_mm.checkpoints.errors import CheckpointError

_MADV_DONTNEED = 4


def map_file(path: Path) -> torch.UntypedStorage:
    """Map a file privately: reading is lazy, and writes never reach the file."""
    size = os.path.getsize(path)
    return torch.UntypedStorage.from_file(str(path), False, size)  # type: ignore


def map_tensor(
    storage: torch.UntypedStorage,
    dtype: torch.dtype,
    shape: Sequence[int],
    stride: Sequence[int] | None = None,
    offset: int = 0,
) -> Tensor:
    """View bytes as a tensor; copied only where the address is not aligned.

    Args:
        storage: The bytes, as a rule mapped from a file.
        dtype: Type of the elements.
        shape: Shape of the tensor.
        stride: In elements; contiguous where None.
        offset: First element.

    Raises:
        CheckpointError: If the tensor would reach beyond the bytes.
    """
    if not all(type(n) is int and 0 <= n < 2**48 for n in shape) or len(shape) > 16:
        raise CheckpointError('a tensor has a shape that cannot be')
    if stride is None:
        stride = torch.empty(tuple(shape), device='meta').stride()
    if len(stride) != len(shape) or not all(type(n) is int for n in (offset, *stride)):
        raise CheckpointError('a tensor has a layout that cannot be')
    span = sum((size - 1) * step for size, step in zip(shape, stride, strict=True))
    last = offset + span + 1 if all(shape) else 0
    sane = 0 <= offset < 2**48 and all(0 <= n < 2**48 for n in stride)
    if not sane or last * dtype.itemsize > storage.nbytes():
        raise CheckpointError(
            f'a tensor of shape {tuple(shape)} reaches beyond its '
            f'{storage.nbytes()} bytes'
        )
    # a header of any length may stand before the tensors of a safetensors file
    aligned = storage.data_ptr() % dtype.itemsize == 0
    tensor = torch.empty(0, dtype=dtype).set_(
        storage if aligned else storage.clone(), offset, tuple(shape), tuple(stride)
    )
    return mark_mapped(tensor) if aligned else tensor


def mark_mapped(tensor: Tensor) -> Tensor:
    """Note on a tensor that its memory is a mapped file, and return it."""
    tensor._maps_file = True  # type: ignore[attr-defined]
    return tensor


def release_pages(tensor: Tensor) -> None:
    """Let go of the resident pages of a tensor that maps a file, after its use.

    Without this a copied model and the pages it was copied from stay in memory
    together. Does nothing to tensors without :func:`mark_mapped`, whose values
    would be lost, and on systems other than Linux.
    """
    if not getattr(tensor, '_maps_file', False) or sys.platform != 'linux':
        return
    page = mmap.PAGESIZE
    start = tensor.untyped_storage().data_ptr()
    # whole pages only: the first and the last are shared with other tensors
    first = -(-start // page) * page
    size = (start + tensor.untyped_storage().nbytes()) // page * page - first
    if size > 0:
        libc = ctypes.CDLL(None)
        libc.madvise(ctypes.c_void_p(first), ctypes.c_size_t(size), _MADV_DONTNEED)
