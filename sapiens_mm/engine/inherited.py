"""What a user's config has from a shipped one without having said it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmengine.config import Config

from sapiens_mm.paths import config_root

# not None: a config may say None
_MISSING = object()


class Inherited:
    """Tells whether a value of a config is that of the shipped configs below it.

    Such a default was chosen for other data: where it does not fit, it may be changed
    and that be said, while a value that the user wrote is taken at its word. Shipped
    are our configs and those of the hosts, ``mmpose::…``; a shipped config that is run
    by itself counts as inherited whole, what ``--cfg-options`` sets does not.

    Args:
        path: Of the config file; None, or a config without such bases, inherits
            nothing.
    """

    def __init__(self, path: str | Path | None) -> None:
        self._bases = [
            Config.fromfile(base, import_custom_modules=False)
            for base in _shipped_bases(path)
        ]

    def __call__(self, key: str, value: Any) -> bool:
        """Tell whether a shipped base has this value.

        Args:
            key: Its place, with dots: ``default_hooks.checkpoint.save_best``.
            value: What the config has there.
        """
        found = (_at(base, key.split('.')) for base in self._bases)
        return any(each is not _MISSING and each == value for each in found)

    def anywhere(self, name: str, value: Any) -> bool:
        """Tell whether a shipped base has this value under this name, at any depth."""
        return any(_holds(base._cfg_dict, name, value) for base in self._bases)


def _at(node: Any, keys: list[str]) -> Any:
    for key in keys:
        if not isinstance(node, (dict, Config)) or key not in node:
            return _MISSING
        node = node[key]
    return node


def _holds(node: Any, name: str, value: Any) -> bool:
    if isinstance(node, dict):
        if name in node and node[name] == value:
            return True
        node = list(node.values())
    if isinstance(node, (list, tuple)):
        return any(_holds(each, name, value) for each in node)
    return False


def _shipped_bases(path: str | Path | None) -> Iterator[str]:
    if path is None or not Path(path).is_file():
        return
    if Path(path).resolve().is_relative_to(config_root().resolve()):
        yield str(path)
        return
    # private, but it is mmengine that knows what its bases are
    for base in Config._get_base_files(str(path)):
        place, scope = Config._get_cfg_path(base, str(path))
        if scope is not None:
            yield place
        else:
            yield from _shipped_bases(place)
