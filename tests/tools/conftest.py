"""Bootstrap's modules, and an environment whose Python and pip are fake."""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[2]

# what the fake environment's interpreter does: it answers as ours would, and its pip
# writes down what it was told and leaves the marks of an installation
FAKE_PYTHON = """\
import json, os, pathlib, sys

here = pathlib.Path(__file__).resolve().parents[1]
words = [w for w in sys.argv[1:] if w not in ('-I', '-S')]
if words[:2] == ['-m', 'pip']:
    with open(here / 'pip-calls', 'a') as calls:
        calls.write(json.dumps(words[2:]) + '\\n')
    sign = os.environ.get('FAKE_PIP_FAILS', '')
    if sign and any(sign in w for w in words):
        print(os.environ['FAKE_PIP_SAYS'])
        sys.exit(1)
    if '--dry-run' in words:
        sys.exit('+cpu' in ' '.join(words) and 'FAKE_CPU' not in os.environ)
    site = here / 'lib' / 'python' / 'site-packages'
    for word in words:
        name, pinned, version = word.partition('==')
        if pinned:
            info = site / (name.replace('-', '_') + '-' + version + '.dist-info')
            info.mkdir(parents=True, exist_ok=True)
            (info / 'INSTALLER').write_text('pip')
elif words[:1] == ['-c'] and words[1].startswith('import cv2'):
    sys.exit(0)
elif words[:1] == ['-c'] and words[1].startswith('import sys'):
    print(*sys.version_info[:2])
"""


STAGE_SIGNS = {
    'torch==': 'torch',
    'scipy>': 'libraries',
    'mmpose==': 'hosts',
    '--editable': 'sapiens_mm',
    'ruff==': 'tools',
}


@pytest.fixture
def parts(monkeypatch):
    """The modules of tools/_bootstrap, for this test only."""
    monkeypatch.syspath_prepend(str(ROOT / 'tools'))
    names = [
        'cli',
        'install',
        'lint',
        'machine',
        'pip_runner',
        'torch_build',
        'virtual_env',
    ]
    loaded = {name: importlib.import_module(f'_bootstrap.{name}') for name in names}
    yield SimpleNamespace(**loaded)
    for name in [n for n in sys.modules if n.partition('.')[0] == '_bootstrap']:
        del sys.modules[name]


class Sandbox:
    """An installer whose environment is a folder with spaces in its path."""

    def __init__(self, parts: SimpleNamespace, folder: Path):
        self._parts = parts
        self.folder = folder
        self.stamp = folder / 'bootstrap.json'

    def prepare(self, dev: bool = False):
        """Run the installer as bootstrap would; return the environment."""
        venv = self._parts.virtual_env.VirtualEnv(self.folder)
        options = self._parts.install.Options(disk_check=False)
        progress = self._parts.machine.Progress()
        installer = self._parts.install.Installer(ROOT, venv, options, progress)
        installer.prepare(self._parts.cli.SUPPORTED, dev)
        return venv

    def pip_calls(self) -> list[list[str]]:
        """Return what pip was told to change, and forget it."""
        path = self.folder / 'pip-calls'
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        calls = [json.loads(line) for line in lines]
        return [call for call in calls if '--dry-run' not in call]

    def installed_stages(self) -> list[str]:
        """Return the stages that pip was told to install, and forget them."""
        return [
            next(
                stage
                for sign, stage in STAGE_SIGNS.items()
                if any(word.startswith(sign) for word in call)
            )
            for call in self.pip_calls()
        ]


@pytest.fixture
def sandbox(parts, monkeypatch, tmp_path):
    """A ``Sandbox`` on a machine without GPU and without PyTorch's index."""
    if os.name == 'nt':
        pytest.skip('the fake interpreter is a shell script')

    def fake_venv(target):
        code = (
            'import pathlib, sys; here = pathlib.Path(sys.argv[1]);'
            '(here / "bin").mkdir(parents=True, exist_ok=True);'
            '(here / "pyvenv.cfg").write_text("");'
            'fake = here / "bin" / "fake.py"; fake.write_text(sys.argv[2]);'
            'python = here / "bin" / "python"; python.write_text(sys.argv[3]);'
            'python.chmod(0o755)'
        )
        # not a #! line of Python's: those cannot hold spaces
        start = f'#!/bin/sh\nexec "{sys.executable}" "{target}/bin/fake.py" "$@"\n'
        return [sys.executable, '-c', code, str(target), FAKE_PYTHON, start]

    monkeypatch.setattr(parts.virtual_env, 'creation_command', fake_venv)
    monkeypatch.setattr(parts.machine, 'has_nvidia_gpu', lambda: False)
    monkeypatch.setattr(parts.torch_build, 'answers', lambda index: False)
    # the fake pip has no version, which would call for a newer one
    monkeypatch.setattr(parts.install, 'OLDEST_PIP', (0, 0))
    return Sandbox(parts, tmp_path / 'my images' / 'the venv')
