"""Import hooks for the patches: supply a module, or act around the import of one.

Nothing here imports a host. A patch states what it wants; the work happens when,
and only when, somebody imports the module concerned:

- ``provide`` supplies a module when the real one cannot be imported;
- ``around`` holds a context manager open while a module is executed;
- ``after`` calls back with a module once it has been imported.

One finder at the front of ``sys.meta_path`` serves all three. (It and its loaders do
not inherit from ``importlib.abc``, which costs 30 ms to import.) It leaves no trace on
real modules: their ``__spec__`` and ``__loader__`` are what Python would have set.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from types import ModuleType
from typing import Any

Factory = Callable[[], ModuleType]
Context = Callable[[], AbstractContextManager]


def summary(error: BaseException) -> str:
    """Return the type and the first line of ``error``, for one-line reports."""
    first_line = (str(error).splitlines() or [''])[0]
    return f'{type(error).__name__}: {first_line}'


@dataclass(frozen=True)
class Patch:
    """What ``install()`` of a patch returns when it supplies no module.

    Args:
        describe: Says in one line whether the patch is active; may import hosts.
    """

    describe: Callable[[], str]


class Provision:
    """A module that we can supply, and what became of it in this process.

    Args:
        name: Full module name.
        factory: Builds the replacement of ``name``.
        submodules: Factories of ``name.<key>``.
        probe: Called after the real modules were imported; raises if they are unfit.

    Attributes:
        served: True if ours is in use, False if the real one is, None before anyone
            asked.
        reason: One line: why the real module was not used; empty when it is.
    """

    def __init__(
        self,
        name: str,
        factory: Factory,
        submodules: Mapping[str, Factory],
        probe: Callable[[], object] | None,
    ):
        self.name = name
        self.probe = probe
        self.factories = {name: factory}
        self.factories |= {f'{name}.{key}': sub for key, sub in submodules.items()}
        self.served: bool | None = None
        self.reason = ''
        self.importing_real = False

    def resolve(self) -> bool:
        """Try the real modules once; return whether ours must be served."""
        if self.served is None:
            # set before the import: find_spec would otherwise answer it with ours
            self.importing_real = True
            try:
                for name in self.factories:
                    importlib.import_module(name)
                if self.probe is not None:
                    self.probe()
                self.served = False
            except Exception as error:  # a broken binary raises nearly anything
                self.reason = summary(error)
                self.served = True
                self._forget()
            finally:
                self.importing_real = False
        return self.served

    def describe(self) -> str:
        """Say in one line whether ours is in use, importing the module to know."""
        importlib.import_module(self.name)
        if self.served:
            return f'active: serves {self.name} ({self.reason})'
        return f'stands aside: the real {self.name} imports'

    def _forget(self) -> None:
        """Drop the half-imported real modules, so that ours can take their names."""
        for name in list(sys.modules):
            if name == self.name or name.startswith(f'{self.name}.'):
                del sys.modules[name]


class _ProvisionLoader:
    """Hands over the real module, already imported, or builds ours."""

    def __init__(self, provision: Provision):
        self.provision = provision
        self.real_spec: importlib.machinery.ModuleSpec | None = None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        if self.provision.resolve():
            module = self.provision.factories[spec.name]()
            if spec.submodule_search_locations is not None:
                # empty, but there: Python then asks finders for its submodules
                module.__path__ = []
            return module
        module = importlib.import_module(spec.name)
        self.real_spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        if self.real_spec is not None:
            # importlib has set our spec on it; reload and inspect want the real one
            module.__spec__ = self.real_spec


class _AroundLoader:
    """Runs the real loader inside the contexts and callbacks asked for."""

    def __init__(self, loader: Any):
        self._loader = loader

    def __getattr__(self, name: str) -> object:
        return getattr(self._loader, name)  # get_code, get_source, … for runpy, inspect

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        spec = module.__spec__
        # back to the real loader first: the module's code may look at it
        spec.loader = module.__loader__ = self._loader
        with ExitStack() as stack:
            for context in _contexts.get(spec.name, ()):
                stack.enter_context(context())
            self._loader.exec_module(module)
        for callback in _callbacks.get(spec.name, ()):
            # from sys.modules: a module may replace itself there while it is executed
            callback(sys.modules[spec.name])


class _Finder:
    """Answers for the names that a patch asked about, and for no others."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        provision = _provisions.get(fullname)
        if (
            provision is not None
            and provision.served is not False
            and not provision.importing_real
        ):
            is_package = any(n.startswith(f'{fullname}.') for n in provision.factories)
            return importlib.machinery.ModuleSpec(
                fullname,
                _ProvisionLoader(provision),
                origin='sapiens_mm.compat',
                is_package=is_package,
            )
        if fullname in _contexts or fullname in _callbacks:
            # not importlib.util.find_spec: that would ask this finder again, for ever
            spec = self._find_elsewhere(fullname, path, target)
            if spec is not None and hasattr(spec.loader, 'exec_module'):
                spec.loader = _AroundLoader(spec.loader)
            return spec
        return None

    def _find_elsewhere(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None,
    ) -> importlib.machinery.ModuleSpec | None:
        for finder in sys.meta_path:
            if finder is not self and hasattr(finder, 'find_spec'):
                spec = finder.find_spec(fullname, path, target)
                if spec is not None:
                    return spec
        return None


_provisions: dict[str, Provision] = {}
_contexts: dict[str, list[Context]] = {}
_callbacks: dict[str, list[Callable[[ModuleType], object]]] = {}
_finder = _Finder()


def _activate_finder() -> None:
    if _finder not in sys.meta_path:
        # at the front: PathFinder would find the real module before us
        sys.meta_path.insert(0, _finder)


def provide(
    name: str,
    factory: Factory,
    *,
    submodules: Mapping[str, Factory] | None = None,
    probe: Callable[[], object] | None = None,
) -> Provision:
    """Supply module ``name`` if, when first asked for, the real one cannot be imported.

    The real module, then each real submodule listed, is imported first; any exception
    at all (not installed, built for another numpy, a missing symbol) counts as absent,
    and then ours stand in for all of them. If they import, we stand aside for good.
    When ``name`` has been imported already, this is settled at once.

    Example::

        provide('xtcocotools', make_package, submodules={'coco': make_coco})

    Args:
        name: Full module name: ``'xtcocotools'``, ``'mmcv._ext'``.
        factory: Returns the replacement, a finished module; called when it is imported.
        submodules: Factories by relative name. Given any, ours is a package.
        probe: Called once the real modules were imported; raise to reject them.

    Returns:
        The provision; ``served`` and ``reason`` tell what became of it.
    """
    provision = Provision(name, factory, submodules or {}, probe)
    _provisions.update(dict.fromkeys(provision.factories, provision))
    _activate_finder()
    if sys.modules.get(name) is not None and provision.resolve():
        importlib.import_module(name)
    return provision


def around(name: str, context: Context) -> None:
    """Hold ``context()`` open while module ``name`` is executed.

    Does nothing when ``name`` has been imported already.

    Args:
        name: Full module name.
        context: Called without arguments at each import; returns a context manager.
    """
    _contexts.setdefault(name, []).append(context)
    _activate_finder()


def after(name: str, callback: Callable[[ModuleType], object]) -> None:
    """Call ``callback(module)`` once module ``name`` is imported; now, if it is.

    Args:
        name: Full module name.
        callback: Gets the imported module. What it raises reaches the importer.
    """
    _callbacks.setdefault(name, []).append(callback)
    _activate_finder()
    if sys.modules.get(name) is not None:
        callback(sys.modules[name])
