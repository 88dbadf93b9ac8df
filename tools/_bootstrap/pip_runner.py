"""Requirement files, pip in the environment, and what its failures mean."""

from __future__ import annotations

import os
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from _bootstrap.machine import Progress, SetupError

_NO_WHEEL = re.compile(r'No matching distribution found for (\S+)')
_CERTIFICATE = ('CERTIFICATE_VERIFY_FAILED', 'SSLError')
_NO_NETWORK = (
    'NewConnectionError',
    'ConnectTimeoutError',
    'Failed to establish a new connection',
    'Name or service not known',
    'Temporary failure in name resolution',
    'getaddrinfo failed',
    'nodename nor servname',
    'Network is unreachable',
    'Connection refused',
    'Cannot connect to proxy',
    'ProxyError',
    'Read timed out',
    'ReadTimeoutError',
    'IncompleteRead',
    'Connection broken',
)


def read_requirements(*paths: Path) -> list[str]:
    """Return the lines of requirement files without comments or blank lines."""
    lines = []
    for path in paths:
        for line in path.read_text(encoding='utf-8').splitlines():
            requirement = re.split(r'(?:^|\s)#', line)[0].strip()
            if requirement:
                lines.append(requirement)
    return lines


def name_of(requirement: str) -> str:
    """Return the normalised name of ``requirement``: ``'json-tricks'``."""
    name = re.match(r'[A-Za-z0-9._-]+', requirement)
    return re.sub(r'[-_.]+', '-', name.group() if name else '').lower()


def pins_of(requirements: list[str]) -> dict[str, str]:
    """Return name to version for the requirements that are pinned with ``==``."""
    pins = {}
    for requirement in requirements:
        version = re.fullmatch(r'[\w.-]+==([\w.+]+)', requirement)
        if version:
            pins[name_of(requirement)] = version.group(1)
    return pins


def clean_environ() -> dict[str, str]:
    """Return os.environ without what would mix another Python's packages in."""
    strangers = ('PYTHONHOME', 'PYTHONPATH', 'PIP_USER', 'PIP_TARGET', 'PIP_PREFIX')
    environ = {k: v for k, v in os.environ.items() if k not in strangers}
    environ['PYTHONNOUSERSITE'] = '1'
    return environ


class Pip:
    """The pip of one environment: quiet on the screen, complete in a log."""

    def __init__(self, python: Path, log: Path, scratch: Path, progress: Progress):
        """Remember where things are.

        Args:
            python: The environment's interpreter.
            log: File that all output is appended to.
            scratch: Folder for pip's temporary files, which reach 3 GB: /tmp may be
                a small one in memory.
            progress: Where to show what goes on.
        """
        self._python = python
        self._log = log
        self._scratch = scratch
        self._progress = progress

    def install(self, *arguments: str) -> None:
        """Run ``pip install``; raise with a sentence if it fails."""
        code, output = self.run('install', *arguments)
        if code:
            raise SetupError(explain(output, self._log))

    def uninstall(self, *names: str) -> None:
        """Remove packages; it is no mistake if they are missing."""
        self.run('uninstall', '--yes', *names)

    def offers(self, *arguments: str) -> bool:
        """Tell whether ``pip install`` of ``arguments`` would find its wheels."""
        code, _ = self.run('install', '--dry-run', '--no-deps', *arguments)
        return code == 0

    def run(self, *arguments: str) -> tuple[int, str]:
        """Run pip and return its exit code and its output."""
        command = [str(self._python), '-m', 'pip', *arguments]
        self._scratch.mkdir(parents=True, exist_ok=True)
        environ = clean_environ()
        for name in ('TMPDIR', 'TEMP', 'TMP'):
            environ[name] = str(self._scratch)
        environ['PIP_DISABLE_PIP_VERSION_CHECK'] = '1'
        environ['PIP_NO_INPUT'] = '1'
        environ['PIP_PROGRESS_BAR'] = 'off'
        environ['PIP_ROOT_USER_ACTION'] = 'ignore'
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors='replace',
            env=environ,
        )
        with self._log.open('a', encoding='utf-8') as log:
            log.write(f'\n$ pip {" ".join(arguments)}\n')
            lines = []
            for line in self._lines_of(process):
                log.write(line)
                lines.append(line)
        return process.wait(), ''.join(lines)

    def _lines_of(self, process: subprocess.Popen) -> Iterator[str]:
        """Yield output lines while a detail line tells the time in long silences."""
        arrived: queue.Queue[str | None] = queue.Queue()

        def read() -> None:
            for line in process.stdout or ():
                arrived.put(line)
            arrived.put(None)

        threading.Thread(target=read, daemon=True).start()
        doing = 'pip starts'
        while True:
            try:
                line = arrived.get(timeout=1.0)
            except queue.Empty:
                self._progress.detail(doing)
                continue
            if line is None:
                return
            doing = _detail_of(line) or doing
            self._progress.detail(doing)
            yield line


def _detail_of(line: str) -> str:
    """Return what a line of pip's tells a person who waits, or ''."""
    words = line.split()
    if len(words) > 1 and words[0] in ('Downloading', 'Processing', 'Collecting'):
        name = words[1].split('/')[-1].split('-')[0]
        size = ' '.join(words[2:4]) if words[0] == 'Downloading' else ''
        return f'{words[0].lower()} {name} {size}'.rstrip()
    if line.startswith('Installing collected packages'):
        return f'unpacking {line.count(",") + 1} packages'
    return ''


def explain(output: str, log: Path) -> str:
    """Say in one sentence why pip failed; its last lines only if that is unclear."""
    wheel = _NO_WHEEL.search(output)
    if 'No space left on device' in output or 'Errno 28' in output:
        return f'The disk is full: pip could not write its files below {log.parent}.'
    if any(sign in output for sign in _CERTIFICATE):
        return (
            "The package index's certificate was refused; if your network rewrites "
            f'TLS, point PIP_CERT at its certificate (details: {log}).'
        )
    if any(sign in output for sign in _NO_NETWORK):
        return (
            'No package index answered: this step needs a network, or an index or '
            f'folder of wheels named by PIP_INDEX_URL or PIP_FIND_LINKS (details: {log}'
            '). The same command goes on from here.'
        )
    if wheel:
        version = '.'.join(map(str, sys.version_info[:2]))
        return (
            f'Your package index has no wheel of {wheel.group(1)} for Python {version} '
            f'on this machine (details: {log}).'
        )
    if 'Permission denied' in output:
        return f'pip may not write to {log.parent} (details: {log}).'
    tail = [line for line in output.splitlines() if 'is ignored' not in line][-15:]
    return '\n'.join([*tail, f'pip failed, for the reason above (all of it: {log}).'])
