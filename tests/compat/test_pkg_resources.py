"""What mmengine asks about packages, where setuptools has no ``pkg_resources``."""

import importlib.metadata
import warnings

import pytest

from sapiens_mm.compat import pkg_resources as mend

mmengine = pytest.importorskip('mmengine')

ASK = """
import sys
import sapiens_mm.compat
from mmengine.utils import get_installed_path, is_installed
print(is_installed('mmengine'), is_installed('not-installed-at-all'))
print(get_installed_path('mmengine'))
print(sapiens_mm.compat._installed['pkg_resources'].describe())
import mmengine
"""
EARLY = "print(mmengine.config.config.get_installed_path('mmengine'))"
REAL = """
class DistributionNotFound(Exception): pass
class get_distribution:
    location = '/of/the/real/one'
    def __init__(self, name):
        if name != 'mmengine': raise DistributionNotFound
    def has_metadata(self, name): return True
    def get_metadata(self, name): return 'mmengine'
"""


@pytest.mark.parametrize(
    'absent',
    [
        'raise ModuleNotFoundError("No module named \'pkg_resources\'")',
        "raise AttributeError(\"module 'pkgutil' has no attribute 'ImpImporter'\")",
    ],
)
def test_where_setuptools_has_none(run_python, fake_package, absent):
    fakes = fake_package({'pkg_resources.py': absent})
    without = run_python(ASK, disable='pkg_resources', fakes=fakes)
    assert "'pkg_resources'" in without.stderr or "'pkgutil'" in without.stderr
    out = run_python(ASK, fakes=fakes).stdout.splitlines()
    assert out[:2] == ['True False', *mmengine.__path__]
    assert out[2].startswith('active: mmengine asks importlib.metadata')


def test_reaches_what_was_imported_before(run_python, fake_package):
    fakes = fake_package({'pkg_resources.py': 'raise ImportError'})
    out = run_python(f'import mmengine.config.config\n{ASK}\n{EARLY}', fakes=fakes)
    assert out.stdout.splitlines() == [
        'True False',
        *mmengine.__path__,
        'active: mmengine asks importlib.metadata (ImportError: )',
        *mmengine.__path__,
    ]


def test_stands_aside_for_the_real_one(run_python, fake_package):
    fakes = fake_package({'pkg_resources.py': REAL})
    out = run_python(ASK, fakes=fakes).stdout.splitlines()
    assert out == [
        'True False',
        '/of/the/real/one/mmengine',
        'stands aside: the real pkg_resources imports',
    ]


@pytest.mark.parametrize(
    'name',
    ['mmengine', 'numpy', 'opencv-python', 'opencv-python-headless', 'mmcv-lite'],
)
def test_answers_as_the_original(name):
    from mmengine.utils import package_utils

    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        pytest.importorskip('pkg_resources')
    assert mend.is_installed(name) == package_utils.is_installed.__wrapped__(name)
    for function in (mend.get_installed_path, mend.package2module):
        original = getattr(package_utils, function.__name__).__wrapped__
        try:
            expected = original(name)
        except Exception:
            with pytest.raises((importlib.metadata.PackageNotFoundError, ValueError)):
                function(name)
        else:
            assert function(name) == expected


def test_modules_without_distribution(tmp_path, monkeypatch):
    (tmp_path / 'made_up_space').mkdir()
    (tmp_path / 'made_up_package').mkdir()
    (tmp_path / 'made_up_package' / '__init__.py').touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert mend.is_installed('made_up_package')
    assert not mend.is_installed('made_up_space')
    path = mend.get_installed_path('made_up_package')
    assert path == str(tmp_path / 'made_up_package')
    with pytest.raises(RuntimeError, match='made_up_space is a namespace package'):
        mend.get_installed_path('made_up_space')
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        mend.get_installed_path('not_installed_at_all')
