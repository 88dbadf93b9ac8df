"""A Python of its own for tests of imports, with fakes before the real packages."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sapiens_mm import compat

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run_python(tmp_path):
    """Run code, or a command line, in a fresh interpreter that can import us.

    ``disable`` names patches to switch off; ``fakes`` is a folder whose packages hide
    the installed ones.
    """

    def run(code=None, *arguments, disable='', fakes=None):
        env = dict(os.environ)
        env[compat.DISABLE_VARIABLE] = disable
        env['PYTHONPATH'] = os.pathsep.join(str(p) for p in (fakes, ROOT) if p)
        env['PYTHONWARNINGS'] = 'ignore'
        env['OMP_NUM_THREADS'] = '1'
        program = ['-c', code] if code is not None else []
        return subprocess.run(
            [sys.executable, *program, *map(str, arguments)],
            env=env,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
        )

    return run


@pytest.fixture
def fake_package(tmp_path):
    """Write files, given as text by path, into a folder for ``fakes``."""

    def write(files):
        folder = tmp_path / 'fakes'
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return folder

    return write
