"""What mmengine asks about packages, where setuptools has no ``pkg_resources``."""

import importlib.metadata
import warnings
from pathlib import Path

import pytest

from sapiens_mm.compat import pkg_resources as patch

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
    assert patch.is_installed(name) == package_utils.is_installed.__wrapped__(name)
    for function in (patch.get_installed_path, patch.package2module):
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
    assert patch.is_installed('made_up_package')
    assert not patch.is_installed('made_up_space')
    path = patch.get_installed_path('made_up_package')
    assert path == str(tmp_path / 'made_up_package')
    with pytest.raises(RuntimeError, match='made_up_space is a namespace package'):
        patch.get_installed_path('made_up_space')
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        patch.get_installed_path('not_installed_at_all')


SCRIPT = """
import pkg_resources
print(pkg_resources.get_distribution('numpy').version)
print(pkg_resources.parse_version('1.10') > pkg_resources.parse_version('1.9'))
try:
    pkg_resources.get_distribution('not_installed_at_all')
except pkg_resources.DistributionNotFound:
    print('not found')
import sapiens_mm.compat
print(sapiens_mm.compat._installed['pkg_resources'].describe())
"""
GRAD_CAM = {  # as far as the script asks for it when it is imported
    'pytorch_grad_cam/__init__.py': """
from . import base_cam
class GradCAMPlusPlus(base_cam.BaseCAM): pass
""",
    'pytorch_grad_cam/base_cam.py': 'class BaseCAM: pass',
    'pytorch_grad_cam/activations_and_gradients.py': 'ActivationsAndGradients = 0',
    'pytorch_grad_cam/utils/__init__.py': '',
    'pytorch_grad_cam/utils/image.py': 'show_cam_on_image = 0',
}
GONE = {'pkg_resources.py': 'raise ModuleNotFoundError("gone")'}


def test_scripts_of_hosts_that_ask_for_it(run_python, fake_package, tmp_path):
    fakes = fake_package(GONE)
    script = tmp_path / 'script.py'
    script.write_text(SCRIPT)
    command = (None, '-m', 'sapiens_mm', script)
    without = run_python(*command, disable='pkg_resources', fakes=fakes)
    assert 'ModuleNotFoundError: gone' in without.stderr
    run = run_python(*command, fakes=fakes)
    assert run.stdout.splitlines() == [
        importlib.metadata.version('numpy'),
        'True',
        'not found',
        'active: mmengine asks importlib.metadata (ModuleNotFoundError: gone)',
    ]


@pytest.mark.slow
def test_mmpretrains_own_script(run_python, fake_package):
    mmpretrain = pytest.importorskip('mmpretrain')
    script = Path(mmpretrain.__file__).parent / '.mim/tools/visualization/vis_cam.py'
    fakes = fake_package(GONE | GRAD_CAM)
    run = run_python(None, '-m', 'sapiens_mm', script, '--help', fakes=fakes)
    assert 'Visualize CAM' in run.stdout, run.stderr


def test_served_to_nobody_else(run_python, fake_package, tmp_path):
    fakes = fake_package(GONE)
    script = tmp_path / 'script.py'
    script.write_text(
        'import importlib\n'
        'try:\n    importlib.import_module("pkg_" + "resources")\n'
        'except ModuleNotFoundError as error:\n    print(error)\n'
    )
    run = run_python(None, '-m', 'sapiens_mm', script, fakes=fakes)
    assert run.stdout == 'gone\n'
