"""The two Adafactors, with an mmengine that confuses them and one that does not."""

import shutil
from pathlib import Path

import pytest

mmengine = pytest.importorskip('mmengine')

TRANSFORMERS = {'transformers.py': 'class Adafactor: "that of transformers"'}
ASK = """
import sapiens_mm.compat
import mmengine.optim, torch, transformers
from mmengine.registry import OPTIMIZERS
print(OPTIMIZERS.get('Adafactor') is transformers.Adafactor)
print(OPTIMIZERS.get('TorchAdafactor') is torch.optim.Adafactor)
print(sapiens_mm.compat._installed['adafactor'].describe())
"""


@pytest.fixture
def old_mmengine(fake_package):
    """Write mmengine 0.10.5, as far as optimizers go, and a transformers."""
    folder = fake_package(TRANSFORMERS)
    source = Path(mmengine.__file__).parent
    shutil.copytree(
        source, folder / 'mmengine', ignore=shutil.ignore_patterns('.mim', '*.pyc')
    )
    builder = folder / 'mmengine' / 'optim' / 'optimizer' / 'builder.py'
    told_apart = builder.read_text()
    confused = told_apart.replace("if module_name == 'Adafactor':", 'if False:')
    assert confused != told_apart or mmengine.version_info < (0, 10, 6)
    builder.write_text(confused)
    version = folder / 'mmengine' / 'version.py'
    text = version.read_text().replace(mmengine.__version__, '0.10.5')
    version.write_text(text)
    return folder


def test_mmengine_that_confuses_them(run_python, old_mmengine):
    without = run_python(ASK, disable='adafactor', fakes=old_mmengine)
    assert "KeyError: 'Adafactor is already registered" in without.stderr
    lines = run_python(ASK, fakes=old_mmengine).stdout.splitlines()
    assert lines[:2] == ['True', 'True']
    assert lines[2].startswith('active')


def test_stands_aside_for_mmengine_that_does_not(run_python, fake_package):
    fakes = fake_package(TRANSFORMERS)
    lines = run_python(ASK, fakes=fakes).stdout.splitlines()
    assert lines[:2] == ['True', 'True']
    assert lines[2].startswith('stands aside')
