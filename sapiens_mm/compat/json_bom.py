"""JSON files that begin with a byte order mark, for mmengine.

Host bug: ``mmengine.load`` reads text as UTF-8 and hands the mark on to Python's JSON
reader, which refuses it: ``Unexpected UTF-8 BOM (decode using utf-8-sig)``. Editors
and scripts on Windows write the mark, so annotation files and lists of boxes have it.
No upstream thread known. Delete this file when mmengine reads such a file.

mmengine keeps a table of readers by format; ours of ``json`` leaves the mark out and is
mmengine's otherwise.
"""

from __future__ import annotations

from types import ModuleType
from typing import IO, Any

from sapiens_mm.compat import hooks

_TABLE = 'mmengine.fileio.handlers.registry_utils'
_MARK = '\ufeff'


def install() -> hooks.Patch:
    """Replace the reader once mmengine has made its table."""
    hooks.after(_TABLE, _replace)
    return hooks.Patch(_describe)


def _replace(module: ModuleType) -> None:
    base = type(module.file_handlers['json'])

    class JsonHandler(base):
        """mmengine's, which also reads files with a byte order mark."""

        def load_from_fileobj(self, file: IO, **kwargs: Any) -> Any:
            # seekable is asked for: a stream that cannot go back is left to mmengine
            if getattr(file, 'seekable', bool)():
                start = file.tell()
                if file.read(1) != _MARK:
                    file.seek(start)
            return super().load_from_fileobj(file, **kwargs)

    module.file_handlers['json'] = JsonHandler()


def _describe() -> str:
    import mmengine.fileio  # noqa: F401

    return 'active: mmengine reads JSON files that begin with a byte order mark'
