"""Ships configs the way the hosts do, as sapiens_mm/.mim; all else: pyproject.toml."""

import os
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
CONFIGS = ROOT / 'configs'


class BuildWithConfigs(build_py):
    """Adds .mim/configs and .mim/model-index.yml.

    It is where the hosts keep theirs, so tools such as open-mim look there, and where
    sapiens_mm.config_path looks in an installed wheel. A wheel gets copies; an editable
    install gets links inside the checkout, or copies where the system allows no links.
    """

    def run(self) -> None:
        """Build the package, then add the folder."""
        super().run()
        if not CONFIGS.is_dir():
            return
        if self.editable_mode:
            mim = ROOT / 'sapiens_mm' / '.mim'
        else:
            mim = Path(self.build_lib) / 'sapiens_mm' / '.mim'
        mim.mkdir(parents=True, exist_ok=True)
        target = mim / 'configs'
        if target.is_symlink():
            target.unlink()
        shutil.rmtree(target, ignore_errors=True)
        if not self.editable_mode or not link(target):
            unwanted = shutil.ignore_patterns('__pycache__', '*.pyc')
            shutil.copytree(CONFIGS, target, ignore=unwanted)
        (mim / 'model-index.yml').write_text(model_index(), encoding='utf-8')


def link(target: Path) -> bool:
    """Make ``target`` a link to the configs; tell whether the system let us."""
    try:
        target.symlink_to(os.path.relpath(CONFIGS, target.parent), True)
    except OSError:
        return False
    return True


def model_index() -> str:
    """Return a model-index.yml that lists every metafile."""
    metafiles = sorted(CONFIGS.glob('*/metafile.yml'))
    lines = [f'- {path.relative_to(ROOT).as_posix()}\n' for path in metafiles]
    return 'Import:\n' + ''.join(lines) if lines else 'Import: []\n'


setup(cmdclass={'build_py': BuildWithConfigs})
