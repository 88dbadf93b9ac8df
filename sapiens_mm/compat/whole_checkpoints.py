"""Checkpoints of mmengine are whole, and the old one goes when the new one is there.

Host bug: mmengine 0.10.7 writes a checkpoint, and the file ``last_checkpoint`` that
names it, in place, so a run that is killed or meets a full disk leaves half a file
under the final name. Worse, ``CheckpointHook`` removes what ``max_keep_ckpts`` no
longer allows, and the best checkpoint so far, before it writes the next: a run that
ends in between has nothing to go on from, and ``--resume`` looks for a file that is
gone. Upstream: ``# remove other checkpoints before save checkpoint`` in
``mmengine/hooks/checkpoint_hook.py``; no issue is known to us.
Delete this file when mmengine renames what it has written, and removes afterwards.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import IO, Any

from sapiens_mm.compat import hooks

_METHODS = ('_save_checkpoint_with_step', '_save_best_checkpoint')


def install() -> hooks.Patch:
    """Act when mmengine's parts are imported."""
    hooks.after('mmengine.fileio.backends.local_backend', _write_whole)
    hooks.after('mmengine.hooks.checkpoint_hook', _remove_afterwards)
    return hooks.Patch(_describe)


def _write_whole(module: ModuleType) -> None:
    """Have ``LocalBackend`` write under another name first."""
    from sapiens_mm.files import write_atomically

    backend = module.LocalBackend

    @functools.wraps(backend.put)
    def put(self: Any, obj: bytes, filepath: str | Path) -> None:
        write_atomically(os.path.realpath(filepath), obj)

    @functools.wraps(backend.put_text)
    def put_text(
        self: Any, obj: str, filepath: str | Path, encoding: str = 'utf-8'
    ) -> None:
        write_atomically(os.path.realpath(filepath), obj.encode(encoding))

    backend.put, backend.put_text = put, put_text


def _remove_afterwards(module: ModuleType) -> None:
    """Have ``CheckpointHook`` remove files only when those in their place are there."""
    module.open = _open_whole  # of last_checkpoint
    hook = module.CheckpointHook
    for name in _METHODS:
        setattr(hook, name, _patient(getattr(hook, name)))


def _patient(method: Callable) -> Callable:
    @functools.wraps(method)
    def patient(self: Any, *args: Any, **kwargs: Any) -> Any:
        with _removals_put_off(self.file_backend):
            return method(self, *args, **kwargs)

    return patient


@contextmanager
def _removals_put_off(backend: Any) -> Iterator[None]:
    """Remove at the end what is to be removed meanwhile, and nothing on an error."""
    if 'remove' in vars(backend):  # one of the methods calls the other
        yield
        return
    doomed: list[tuple[Callable, Any]] = []
    for name in ('remove', 'rmtree'):
        remove = getattr(backend, name)
        later = functools.partial(lambda how, path: doomed.append((how, path)), remove)
        setattr(backend, name, later)
    try:
        yield
    finally:
        del backend.remove, backend.rmtree
    for remove, path in doomed:
        remove(path)


@contextmanager
def _open_whole(path: str, mode: str = 'r') -> Iterator[IO[str]]:
    """Stand in for ``open``; what is written appears when it is closed."""
    from sapiens_mm.files import whole_file

    if mode != 'w':
        with open(path, mode) as file:
            yield file
        return
    with whole_file(path) as temporary, open(temporary, mode) as file:
        yield file


def _describe() -> str:
    import mmengine.hooks  # noqa: F401

    return "active: mmengine's checkpoints are whole, and removed when replaced"
