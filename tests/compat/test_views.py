"""A library as one host module sees it, and functions put in another's place."""

import importlib
import math
import sys
from types import ModuleType

from sapiens_mm.compat import views


def test_a_view_answers_for_its_names_alone():
    view = views.View(math, sqrt=lambda number: 'ours', gone=7)
    assert (view.sqrt(4), view.gone) == ('ours', 7)
    assert view.floor is math.floor
    assert view.__name__ == 'math'
    assert isinstance(view, ModuleType)
    assert {'gone', 'floor'} <= set(dir(view))
    assert math.sqrt(4) == 2
    assert not hasattr(math, 'gone')
    assert not hasattr(view, 'not_there_at_all')


def test_a_view_sees_what_changes_later(monkeypatch):
    view = views.View(math, gone=7)
    monkeypatch.setattr(math, 'tau', 'changed')
    assert view.tau == 'changed'


def test_finding_the_fault(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / 'made_up_fault.py').write_text('def f(x):\n    return int(x)\n')
    module = importlib.import_module('made_up_fault')
    assert views.says(module, 'int(x)')
    assert views.says(module.f, 'int(x)')
    assert not views.says(module, 'float(x)')
    (tmp_path / 'made_up_fault.py').unlink()
    importlib.import_module('linecache').clearcache()
    assert views.says(module, 'float(x)')  # nothing known: patch


def test_replacing_where_it_was_imported(monkeypatch):
    def found():
        """Stand for a function of a host."""

    def other():
        """Stand for another of that name."""

    for name, value in (('mm_a', found), ('mm_b', other), ('user', found)):
        module = ModuleType(name)
        module.found = value
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setitem(sys.modules, 'mm_blocked', None)
    views.replace(found, 'ours')
    assert sys.modules['mm_a'].found == 'ours'
    assert sys.modules['mm_b'].found is other
    assert sys.modules['user'].found is found
