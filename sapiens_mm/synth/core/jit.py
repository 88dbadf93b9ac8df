"""How the generator's kernels are compiled."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba import njit

_KERNELS: list[Any] = []


@functools.lru_cache(1)
def room_stamp() -> str:
    """Return a digest of all files of the generator that have kernels."""
    digest = hashlib.sha256()
    # sorted: the order of a folder is the disk's
    for path in sorted(Path(__file__).parents[1].rglob('*.py')):
        text = path.read_bytes()
        if b'.jit import' in text:
            digest.update(text)
    return digest.hexdigest()


def kernel(function: Callable, **options: Any) -> Callable:
    """Compile a function once and keep it on disk, free of the interpreter's lock.

    numba drops what it kept when the function's own file changes; kernels here call
    kernels of other files, so that a change of any of them drops it. A division by 0
    gives inf or nan.
    """
    made = njit(function, cache=True, nogil=True, error_model='numpy', **options)
    # private parts of numba: it has no public way to add to a stamp
    kept = made._cache._cache_file
    kept._source_stamp = (kept._source_stamp, room_stamp())
    _KERNELS.append(made)
    return made


def share_compiled() -> float:
    """Return the share of the kernels imported so far that the disk holds.

    Some are for rare things in images, so that it may stay below 1.
    """
    held = sum(bool(made._cache._cache_file._load_index()) for made in _KERNELS)
    return held / max(1, len(_KERNELS))


lean_kernel = functools.partial(kernel, _nrt=False)
"""As ``kernel``, for what allocates no array: it need not count who uses one."""

fast_kernel = functools.partial(lean_kernel, fastmath=True)
"""As ``lean_kernel``, and free to reorder sums: for colours, not for geometry."""

inlined = functools.partial(njit, inline='always', error_model='numpy', _nrt=False)
"""Copied into its caller: passing many arrays costs more than most functions do."""
