"""What a wheel holds: every file of the package, not of the checkout only."""

import sys
from pathlib import Path

import pytest

import sapiens_mm

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = pytest.importorskip('tomli')

PACKAGE = Path(sapiens_mm.__file__).resolve().parent
PYPROJECT = PACKAGE.parent / 'pyproject.toml'


def data_files():
    """All files of the package that are no modules; .mim is setup.py's."""
    for path in sorted(PACKAGE.rglob('*')):
        parts = path.relative_to(PACKAGE).parts
        apart = path.suffix in ('.py', '.pyc') or {'.mim', '__pycache__'} & set(parts)
        if path.is_file() and not apart:
            yield path


@pytest.mark.skipif(not PYPROJECT.is_file(), reason='not a checkout')
def test_every_file_of_data_is_packaged():
    settings = tomllib.loads(PYPROJECT.read_text())['tool']['setuptools']
    patterns = settings['package-data']
    assert not settings['packages']['find']['namespaces']
    packaged = set()
    for package, globs in patterns.items():
        folder = PACKAGE.parent.joinpath(*package.split('.'))
        # a pattern does not reach below its own package
        assert (folder / '__init__.py').is_file(), package
        packaged.update(path for glob in globs for path in folder.glob(glob))
    found = set(data_files())
    assert PACKAGE / 'synth/data/human.npz' in found
    assert not found - packaged
