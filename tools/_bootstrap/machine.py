"""What bootstrap must know of the machine, and how it talks. Standard library only."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path

_START = time.monotonic()
GIB = 1024**3


class SetupError(Exception):
    """A problem that is told in one sentence, without a traceback."""


class Progress:
    """Steps with their elapsed seconds; on a terminal also a line that changes."""

    def __init__(self) -> None:
        self._live = sys.stdout.isatty()
        self._open = False
        self._last_sign = time.monotonic()

    def step(self, text: str) -> None:
        """Print one step that stays."""
        self._close()
        print(f'[{elapsed_s():.0f} s] {text}', flush=True)
        self._last_sign = time.monotonic()

    def detail(self, text: str) -> None:
        """Show what goes on: at once on a terminal, elsewhere once a minute."""
        if self._live:
            width = max(20, shutil.get_terminal_size().columns - 1)
            line = f'[{elapsed_s():.0f} s]   {text}'[:width]
            print('\r' + line.ljust(width), end='', flush=True)
            self._open = True
        elif time.monotonic() - self._last_sign > 60:
            self.step(f'  {text}')

    def _close(self) -> None:
        if self._open:
            width = max(20, shutil.get_terminal_size().columns - 1)
            print('\r' + ' ' * width + '\r', end='')
            self._open = False


def elapsed_s() -> float:
    """Return the seconds since bootstrap started."""
    return time.monotonic() - _START


def platform_problem() -> str:
    """Say in one sentence why PyTorch has no wheels for this machine, or return ''."""
    machine = platform.machine().lower()
    if platform.python_implementation() != 'CPython':
        name = platform.python_implementation()
        return f'PyTorch has wheels for CPython only, and this is {name}.'
    if sys.maxsize < 2**32:
        return 'This is a 32-bit Python; PyTorch has wheels for 64-bit ones only.'
    if sys.platform == 'darwin' and machine == 'x86_64':
        return (
            'PyTorch stopped making wheels for Intel Macs at 2.2; on an Apple '
            'silicon Mac, start an arm64 Python instead of this x86_64 one.'
        )
    if 'musl' in (sysconfig.get_config_var('HOST_GNU_TYPE') or ''):
        return (
            'This Linux is built on musl (Alpine?), for which PyTorch has no '
            'wheels; use a glibc one such as Debian.'
        )
    return ''


def has_fast_bfloat16(cpu_info: Path = Path('/proc/cpuinfo')) -> bool:
    """Tell whether the processor multiplies bfloat16 matrices in hardware (AMX).

    On others bfloat16 is slower than float32.

    Args:
        cpu_info: Where Linux describes the processor; elsewhere there is none.
    """
    try:
        return 'amx_bf16' in cpu_info.read_text(errors='replace').split()
    except OSError:
        return False


def has_nvidia_gpu() -> bool:
    """Tell whether this machine has an NVIDIA GPU with a driver."""
    if Path('/dev/nvidia0').exists():
        return True
    cards = Path('/proc/driver/nvidia/gpus')
    if cards.is_dir() and any(cards.iterdir()):
        return True
    program = shutil.which('nvidia-smi') or '/usr/lib/wsl/lib/nvidia-smi'
    try:
        answer = subprocess.run(
            [program, '-L'], capture_output=True, text=True, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and 'GPU' in answer.stdout


def require_space(folder: Path, need_gib: float) -> None:
    """Raise unless the disk of ``folder`` has ``need_gib`` GiB free."""
    while not folder.exists():
        folder = folder.parent
    free_gib = shutil.disk_usage(folder).free / GIB
    if free_gib < need_gib:
        raise SetupError(
            f'The environment needs about {need_gib:.1f} GiB on the disk of {folder}, '
            f'and {free_gib:.1f} GiB are free; make room, or choose another place '
            'with --venv PATH.'
        )


def disk_use_bytes(folder: Path) -> int:
    """Return the bytes that the files under ``folder`` take; links count as links."""
    total = 0
    for parent, _, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(parent, name)).st_size
    return total


@contextlib.contextmanager
def exclusive(path: Path, progress: Progress) -> Iterator[None]:
    """Hold the lock file ``path``; the system drops the lock if we are killed."""
    with path.open('a+') as handle:
        waited = False
        while not _try_lock(handle.fileno()):
            if not waited:
                progress.step(f'another bootstrap is at work in {path.parent}; waiting')
                waited = True
            time.sleep(0.5)
        yield


def _try_lock(descriptor: int) -> bool:
    """Lock an open file without waiting; a file system without locks counts as locked.

    Returns:
        False only if another process holds the lock.
    """
    try:
        if os.name == 'nt':
            import msvcrt

            os.lseek(descriptor, 0, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True
    return True
