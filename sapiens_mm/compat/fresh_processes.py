"""Processes that start afresh: they import sapiens_mm first, so they are patched too.

Not a host's bug but the way of multiprocessing. A child started by ``spawn`` (macOS,
Windows) or ``forkserver`` (Linux from Python 3.14) begins without any of our import
hooks. The first thing it does is to unpickle its work, a data set of mmpose, say, which
imports mmpose, which ends in ``No module named 'xtcocotools'`` or in another fault that
is patched in the parent. Upstream:
https://docs.python.org/3/library/multiprocessing.html#contexts-and-start-methods.
Delete this file when no other patch is left.

What a child gets before its work is a dict of ``get_preparation_data``; both ways of
starting ask that of ``multiprocessing.spawn``. We add a key that nobody reads: to
unpickle its value is to import sapiens_mm. The value names nothing of ours, so a child
that cannot import sapiens_mm (another Python, a path of the parent's only) goes on
without: what it then cannot do, it says itself.
"""

from __future__ import annotations

import functools
import sys
from types import ModuleType

from sapiens_mm.compat import hooks

KEY = 'sapiens_mm'

SOURCE = """
import sys
own_path, sys.path = sys.path, {path!r}
try:
    import sapiens_mm
except ImportError:
    pass
finally:
    sys.path = own_path
"""
"""What the child runs, with the parent's path: it is given that only later."""


def install() -> hooks.Patch:
    """Have every child that starts afresh import sapiens_mm before its work."""
    hooks.after('multiprocessing.spawn', _wrap)
    return hooks.Patch(_describe)


class _ImportUs:
    """Pickles as the work of importing sapiens_mm."""

    def __init__(self, path: list[str]):
        self._source = SOURCE.format(path=path)

    def __reduce__(self) -> tuple:
        return exec, (self._source, {})


def _wrap(spawn: ModuleType) -> None:
    original = spawn.get_preparation_data

    @functools.wraps(original)
    def get_preparation_data(name: str) -> dict:
        prepared = original(name)
        path = prepared.get('sys_path', sys.path)
        # before the rest: the child reads in this order
        return {KEY: _ImportUs([str(entry) for entry in path]), **prepared}

    get_preparation_data.imports_us = True
    spawn.get_preparation_data = get_preparation_data


def _describe() -> str:
    import multiprocessing.spawn

    if hasattr(multiprocessing.spawn.get_preparation_data, 'imports_us'):
        return 'active: processes that start afresh import sapiens_mm first'
    return 'stands aside: multiprocessing has no get_preparation_data of ours'
