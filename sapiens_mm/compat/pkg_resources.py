"""mmengine's questions about installed packages, where ``pkg_resources`` is gone.

Host bug: mmengine 0.10.7 asks ``pkg_resources`` whether and where a package is
installed; setuptools 82 removed it, and Python 3.12 and later come without setuptools.
Upstream: https://github.com/open-mmlab/mmengine/pull/1676, merged and not released.
Delete this file when every mmengine that we support has that.

As there, ``importlib.metadata`` answers. No module is put under the name
``pkg_resources``: other packages, pytest among them, change their ways on seeing one.
Where the real one imports, mmengine's own functions run as they are.

Second bug: scripts of the hosts import it themselves (mmpretrain's ``vis_cam.py``)
and end at the top. When ``python -m sapiens_mm`` runs such a script, and only then, the
name is served with what scripts ask: distributions and versions.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import os
import warnings
from collections.abc import Callable
from types import CodeType, ModuleType

from sapiens_mm.compat import hooks, views


def install() -> hooks.Patch:
    """Have mmengine ask ``importlib.metadata`` if it has no ``pkg_resources``.

    Where the real one imports, its notice of the end is silenced: it is for mmengine's
    authors, and shown at every start.
    """
    warnings.filterwarnings('ignore', message='pkg_resources is deprecated')
    hooks.after('mmengine.utils.package_utils', _replace)
    return hooks.Patch(_describe)


def is_installed(package: str) -> bool:
    """Tell whether ``package`` is a distribution, or a module with a file."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        distribution(package)
        return True
    except PackageNotFoundError:
        spec = importlib.util.find_spec(package)
        return spec is not None and spec.origin is not None


def get_installed_path(package: str) -> str:
    """Return the folder of ``package``, named as a distribution or as a module.

    Raises:
        PackageNotFoundError: If it is not installed.
        RuntimeError: If it is a namespace package, which has no folder of its own.
    """
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        location = str(distribution(package).locate_file(''))
    except PackageNotFoundError:
        spec = importlib.util.find_spec(package)
        if spec is None:
            raise
        if spec.origin is None:
            raise RuntimeError(f'{package} is a namespace package') from None
        return os.path.dirname(spec.origin)
    path = os.path.join(location, package)
    return (
        path
        if os.path.exists(path)
        else os.path.join(location, package2module(package))
    )


def package2module(package: str) -> str:
    """Return the module that the distribution ``package`` brings.

    Raises:
        ValueError: If its metadata do not tell.
    """
    from importlib.metadata import distribution

    names = (distribution(package).read_text('top_level.txt') or '').split()
    if not names:
        raise ValueError(f'can not infer the module name of {package}')
    return names[0]


_OURS = (is_installed, get_installed_path, package2module)


def _replace(package_utils: ModuleType) -> None:
    """Put ours, with the original to fall back on, wherever the original went."""
    for ours in _OURS:
        original = getattr(package_utils, ours.__name__)
        views.replace(original, _choosing(original, ours))


def _choosing(original: Callable, ours: Callable) -> Callable:
    @functools.wraps(original)
    def choose(*args: object, **kwargs: object) -> object:
        function = ours if _why_absent() else original
        return function(*args, **kwargs)

    return choose


def serve_to(script: CodeType) -> None:
    """Serve ``pkg_resources`` in this process if ``script`` imports it and it is gone.

    Args:
        script: The compiled script that is about to be run.
    """
    # not for all: pytest and others change their ways on seeing the module
    if 'pkg_resources' in script.co_names and _why_absent():
        hooks.provide('pkg_resources', _make_module)


def _make_module() -> ModuleType:
    """Build what scripts use of ``pkg_resources``; nothing else is in it."""
    from importlib.metadata import PackageNotFoundError

    from packaging.version import parse

    module = ModuleType('pkg_resources', 'A part of it, served by sapiens_mm.')
    module.get_distribution = _Distribution
    module.DistributionNotFound = PackageNotFoundError
    module.parse_version = parse
    return module


class _Distribution:
    """What ``get_distribution`` returns of an installed package.

    Raises:
        PackageNotFoundError: If it is not installed.
    """

    def __init__(self, name: str):
        from importlib.metadata import distribution

        found = distribution(name)
        self.project_name = found.metadata['Name']
        self.key = self.project_name.lower()
        self.version = found.version
        self.location = str(found.locate_file(''))


@functools.cache
def _why_absent() -> str:
    """Return why ``pkg_resources`` does not import; empty if it does."""
    try:
        importlib.import_module('pkg_resources')
    except Exception as error:  # old ones end in AttributeError on new Pythons
        return hooks.summary(error)
    return ''


def _describe() -> str:
    importlib.import_module('mmengine')
    if _why_absent():
        return f'active: mmengine asks importlib.metadata ({_why_absent()})'
    return 'stands aside: the real pkg_resources imports'
