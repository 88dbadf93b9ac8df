"""One virtual environment on disk: what is in it, and making it anew."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from _bootstrap.machine import SetupError
from _bootstrap.pip_runner import clean_environ, name_of

LOCK = 'bootstrap.lock'
LOG = 'bootstrap.log'
STAMP = 'bootstrap.json'


class VirtualEnv:
    """A folder that is, or shall become, a virtual environment."""

    def __init__(self, folder: Path):
        """Remember the folder; nothing is read or written yet."""
        self.folder = folder
        self._version: tuple[int, int] | None = None

    @property
    def python(self) -> Path:
        """The interpreter inside."""
        if os.name == 'nt':
            return self.folder / 'Scripts' / 'python.exe'
        return self.folder / 'bin' / 'python'

    @property
    def log(self) -> Path:
        """The file that holds all that pip said."""
        return self.folder / LOG

    def version(self) -> tuple[int, int] | None:
        """Return the version of the Python inside, None if it does not start."""
        if self._version is None and (self.folder / 'pyvenv.cfg').is_file():
            answer = self.ask('-S', '-c', 'import sys; print(*sys.version_info[:2])')
            if answer:
                major, minor = map(int, answer.split())
                self._version = (major, minor)
        return self._version

    def has_pip(self) -> bool:
        """Tell whether pip is there, bringing it if Python can."""
        if self.ask('-c', 'import pip') is not None:
            return True
        return self.ask('-m', 'ensurepip') is not None

    def ask(self, *arguments: str) -> str | None:
        """Run the interpreter inside; return what it printed, None if it failed."""
        try:
            answer = subprocess.run(
                [self.python, '-I', *arguments],
                capture_output=True,
                text=True,
                timeout=120,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return answer.stdout if answer.returncode == 0 else None

    def installed(self) -> dict[str, str]:
        """Return name to version of the packages that are installed whole."""
        found = {}
        for info in self._package_infos():
            # pip writes INSTALLER after all else, so a killed pip leaves none
            if (info / 'INSTALLER').is_file():
                name, _, version = info.name.removesuffix('.dist-info').partition('-')
                found[name_of(name)] = version
        return found

    def drop_unfinished(self) -> None:
        """Remove the marks of packages that a killed pip left half unpacked."""
        for info in self._package_infos():
            if not (info / 'INSTALLER').is_file():
                shutil.rmtree(info, ignore_errors=True)

    def _package_infos(self) -> list[Path]:
        pattern = 'Lib/site-packages' if os.name == 'nt' else 'lib/*/site-packages'
        return sorted(self.folder.glob(f'{pattern}/*.dist-info'))

    def read_stamp(self) -> dict:
        """Return what earlier runs noted down; empty if nothing or nonsense."""
        try:
            stamp = json.loads((self.folder / STAMP).read_text(encoding='utf-8'))
        except (OSError, ValueError):
            return {}
        return stamp if isinstance(stamp, dict) else {}

    def write_stamp(self, stamp: dict) -> None:
        """Note something down for later runs."""
        draft = self.folder / f'{STAMP}.part'
        draft.write_text(json.dumps(stamp, indent=1), encoding='utf-8')
        draft.replace(self.folder / STAMP)

    def claim(self) -> Path:
        """Make the folder if it is missing, and return its lock file.

        Raises:
            SetupError: If it cannot be written, or holds something else.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            marks = (self.folder / 'pyvenv.cfg', self.folder / LOCK)
            foreign = any(self.folder.iterdir()) and not any(m.exists() for m in marks)
            if not foreign:
                (self.folder / LOCK).touch()
        except OSError as error:
            raise SetupError(
                f'No environment can be made in {self.folder} ({error.strerror}); '
                'choose another place with --venv PATH.'
            ) from None
        if foreign:
            raise SetupError(
                f'{self.folder} holds files and is no virtual environment, so nothing '
                'was touched; choose another place with --venv PATH.'
            )
        return self.folder / LOCK

    def create(self) -> None:
        """Make the environment, in place of a broken one if need be.

        Raises:
            SetupError: If this Python can make none.
        """
        command = creation_command(self.folder)
        for entry in self.folder.iterdir():
            if entry.name == LOCK:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                with contextlib.suppress(OSError):
                    entry.unlink()
        self._version = None
        answer = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=clean_environ(),
        )
        self.log.write_text(answer.stdout, encoding='utf-8')
        if answer.returncode or not self.version() or not self.has_pip():
            raise SetupError(
                f'Python could not make a virtual environment in {self.folder} '
                f'(details: {self.log}).'
            )


def creation_command(folder: Path) -> list[str]:
    """Return the command that makes an environment in ``folder``.

    Raises:
        SetupError: If this Python can make none.
    """
    if _imports('venv') and _imports('ensurepip'):
        return [sys.executable, '-m', 'venv', str(folder)]
    if _imports('virtualenv'):
        return [sys.executable, '-m', 'virtualenv', '--quiet', str(folder)]
    raise SetupError(
        'This Python cannot make virtual environments (it has no ensurepip); on Debian '
        'or Ubuntu run: apt install python3-venv'
    )


def _imports(module: str) -> bool:
    """Tell whether a module imports here."""
    try:
        __import__(module)
    except ImportError:
        return False
    return True
