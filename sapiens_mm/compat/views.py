"""Patches inside one host module: a view of a library, or a function put in its place.

numpy and matplotlib belong to the user: what they no longer have is never put back
into them. A host module that wants it gets a view under the name by which it knows the
library, ``np`` or ``plt``: the library itself, but for the names given. Everybody else
sees the library as it is.
"""

from __future__ import annotations

import sys
from types import ModuleType


class View(ModuleType):
    """A library as one host module sees it.

    Args:
        library: The module that answers for all other names, always the newest value.
        **ours: What the host module finds under these names instead.
    """

    def __init__(self, library: ModuleType, **ours: object):
        super().__init__(library.__name__, library.__doc__)
        vars(self).update(ours)
        self._library = library

    def __getattr__(self, name: str) -> object:
        return getattr(self._library, name)

    def __dir__(self) -> list[str]:
        return sorted({*vars(self), *dir(self._library)})


def says(part: object, text: str) -> bool:
    """Tell whether the source of ``part`` still has ``text``, the faulty expression.

    This is how a patch finds out that its host has been patched.

    Args:
        part: A module, class or function of a host.
        text: What to look for, as it is written there.

    Returns:
        True also where no source is installed.
    """
    import inspect

    try:
        return text in inspect.getsource(part)
    except OSError:
        return True


def replace(original: object, replacement: object) -> None:
    """Put ``replacement`` wherever the hosts imported before have ``original``.

    Args:
        original: A function of a host, known by its ``__name__`` to who imported it.
        replacement: What they find in its place.
    """
    name = original.__name__
    for module_name, module in list(sys.modules.items()):
        if (
            module_name.startswith('mm')
            and isinstance(module, ModuleType)  # None blocks a name
            and vars(module).get(name) is original
        ):
            setattr(module, name, replacement)
