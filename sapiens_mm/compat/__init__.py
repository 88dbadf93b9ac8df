"""Host patches that make the last host releases run on today's PyTorch. Needs no host.

``activate`` installs import hooks only, so it costs nothing until a host is imported.
Each patch is a file of its own, named below, which states the host bug and the day it
can be deleted; each stands aside when the real part is installed and imports.

The environment variable ``SAPIENS_MM_DISABLE_PATCHES`` switches them off, by name and
separated by commas (``ops,checkpoints``), or all of them (``all``).
"""

from __future__ import annotations

import importlib
import os
from types import CodeType

from sapiens_mm.compat import hooks

PATCHES = (
    *('ops', 'coco_eval', 'checkpoints', 'pkg_resources', 'adafactor', 'multimodal'),
    *('json_bom', 'circles', 'array_copies', 'figures', 'ubody3d', 'numpy_names'),
    *('hue', 'ragged', 'fresh_processes', 'whole_checkpoints', 'image_loaders'),
)
"""Names of the patches: the modules of this package that hold them."""

DISABLE_VARIABLE = 'SAPIENS_MM_DISABLE_PATCHES'
_OLD_VARIABLE = 'SAPIENS_MM_DISABLE_MENDS'  # of earlier versions

_installed: dict[str, hooks.Provision | hooks.Patch] = {}


def activate() -> None:
    """Install every patch that is not switched off. Calling it again does nothing.

    Raises:
        ValueError: If ``SAPIENS_MM_DISABLE_PATCHES`` names a patch that does not exist.
    """
    disabled = _disabled()
    for name in PATCHES:
        if name not in disabled and name not in _installed:
            patch = importlib.import_module(f'sapiens_mm.compat.{name}')
            # once only: a second install would wrap the same function twice
            _installed[name] = patch.install()


def status() -> dict[str, str]:
    """Tell how each patch stands, importing the hosts to find out.

    Returns:
        By patch, one line that begins with ``active``, ``stands aside``, ``idle``
        (what it patches is not installed) or ``disabled``.
    """
    return {name: _line(name) for name in PATCHES}


def prepare_script(script: CodeType) -> None:
    """Patch what only a host's script needs, not its package.

    Args:
        script: The compiled script that this process is about to run as ``__main__``.
    """
    if 'pkg_resources' in _installed:
        importlib.import_module('sapiens_mm.compat.pkg_resources').serve_to(script)


def _line(name: str) -> str:
    if name not in _installed:
        return f'disabled: named in {DISABLE_VARIABLE}'
    try:
        return _installed[name].describe()
    except Exception as error:  # a host that is missing, or broken by itself
        return f'idle: {hooks.summary(error)}'


def _disabled() -> set[str]:
    value = os.environ.get(DISABLE_VARIABLE, os.environ.get(_OLD_VARIABLE, ''))
    names = {name.strip() for name in value.split(',')} - {''}
    if 'all' in names:
        return set(PATCHES)
    unknown = sorted(names - set(PATCHES))
    if unknown:
        raise ValueError(
            f'{DISABLE_VARIABLE} names {", ".join(unknown)}; '
            f'the patches are {", ".join(PATCHES)}, or all of them: all'
        )
    return names


__all__ = ['DISABLE_VARIABLE', 'PATCHES', 'activate', 'prepare_script', 'status']
