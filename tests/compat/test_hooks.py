"""The import hooks, on modules made up for the purpose."""

import contextlib
import importlib
import importlib.util
import itertools
import sys
from types import ModuleType

import pytest

from sapiens_mm.compat import hooks

_numbers = itertools.count()


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Write a package under a name that no test used before; return its name."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(**files):
        name = f'made_up_{next(_numbers)}'
        folder = tmp_path / name
        folder.mkdir()
        for file, text in {'__init__': '', **files}.items():
            (folder / f'{file}.py').write_text(text)
        importlib.invalidate_caches()
        return name

    return write


def ours(name):
    module = ModuleType(name)
    module.origin = 'ours'
    return lambda: module


def test_provides_what_is_missing():
    name = 'made_up_and_missing'
    provision = hooks.provide(name, ours(name), submodules={'part': ours('part')})
    assert provision.served is None
    part = importlib.import_module(f'{name}.part')
    assert part.origin == sys.modules[name].origin == 'ours'
    assert sys.modules[name].part is part
    assert provision.served
    assert provision.reason == f"ModuleNotFoundError: No module named '{name}'"
    assert provision.describe().startswith(f'active: serves {name}')
    assert importlib.reload(sys.modules[name]).origin == 'ours'
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module(f'{name}.other')


def test_stands_aside_for_the_real_one(package):
    name = package(__init__='runs = []', part='value = 3')
    provision = hooks.provide(name, ours(name), submodules={'part': ours('part')})
    module = importlib.import_module(name)
    assert not hasattr(module, 'origin')
    assert provision.served is False
    assert provision.describe() == f'stands aside: the real {name} imports'
    assert importlib.import_module(f'{name}.part').value == 3
    assert module.__spec__.origin == module.__file__
    assert module.__loader__ is module.__spec__.loader
    assert type(module.__loader__).__module__.startswith('_frozen_importlib')
    assert importlib.reload(module) is module


def test_real_one_runs_once(package, capsys):
    name = package(__init__='print("run")')
    hooks.provide(name, ours(name))
    importlib.import_module(name)
    assert capsys.readouterr().out == 'run\n'


@pytest.mark.parametrize(
    'broken', ['raise ValueError("numpy.dtype size changed")', 'import not_there_1']
)
def test_broken_submodule_counts_as_absent(package, broken):
    name = package(part=broken, fine='value = 1')
    provision = hooks.provide(
        name, ours(name), submodules={'part': ours('part'), 'fine': ours('fine')}
    )
    assert importlib.import_module(name).origin == 'ours'
    assert importlib.import_module(f'{name}.fine').origin == 'ours'
    assert provision.reason.split(':')[0] in ('ValueError', 'ModuleNotFoundError')


def test_probe_rejects(package):
    name = package()

    def probe():
        raise RuntimeError('too old\nand more')

    provision = hooks.provide(name, ours(name), probe=probe)
    assert importlib.import_module(name).origin == 'ours'
    assert provision.reason == 'RuntimeError: too old'


def test_settles_at_once_when_already_imported(package):
    good, bad = package(part=''), package(part='raise ValueError')
    for name in (good, bad):
        importlib.import_module(name)
        hooks.provide(name, ours(name), submodules={'part': ours('part')})
    assert not hasattr(sys.modules[good], 'origin')
    assert sys.modules[bad].origin == 'ours'


def test_finding_does_not_import(package, capsys):
    name = package(__init__='print("run")')
    hooks.provide(name, ours(name))
    assert importlib.util.find_spec(name) is not None
    assert capsys.readouterr().out == ''


def test_around_and_after(package):
    name = package(__init__='import sys\nseen = list(sys.made_up_log)')
    log = sys.made_up_log = []

    @contextlib.contextmanager
    def context():
        log.append('before')
        yield
        log.append('behind')

    hooks.around(name, context)
    hooks.after(name, lambda module: log.append(module.seen))
    assert log == []
    module = importlib.import_module(name)
    assert log == ['before', 'behind', ['before']]
    assert module.__loader__ is module.__spec__.loader
    assert type(module.__loader__).__module__.startswith('_frozen_importlib')
    hooks.after(name, lambda module: log.append('late'))
    assert log[-1] == 'late'
    importlib.reload(module)
    assert log[-3] == 'behind' and log[-1] == 'late'


def test_around_closes_when_the_import_fails(package):
    name = package(__init__='raise KeyError("clash")')
    log = []

    @contextlib.contextmanager
    def context():
        try:
            yield
        finally:
            log.append('closed')

    hooks.around(name, context)
    with pytest.raises(KeyError, match='clash'):
        importlib.import_module(name)
    assert log == ['closed']
    assert name not in sys.modules


def test_after_a_module_that_is_not_there():
    hooks.after('made_up_and_absent', print)
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module('made_up_and_absent')
