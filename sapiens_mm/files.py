"""Files that are whole or not there, and nothing left over of runs that were ended.

A file is written under another name in its own folder and renamed when it is finished.
That name says which process wrote it, so that what a killed one has left is removed as
soon as anybody writes into the folder again, and what a live one writes is left alone.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

PREFIX = '.sapiens_mm-'  # of temporary files; hidden where folders are searched
SUFFIX = '.part'  # and before the suffix that tells a container's format
# a file of another machine is given up after so long without a byte: its processes
# cannot be asked for
FOREIGN_AGE_S = 24 * 3600
# what a run knows of the outputs in a folder; hidden, and no output is named so
RECORD = '.sapiens_mm.json'
OLD_RECORD = 'settings.json'
UNKNOWN = '0'  # when a process began
_numbers = itertools.count()
_swept: set[tuple[int, str]] = set()


def write_atomically(path: str | os.PathLike, data: bytes) -> None:
    """Write a file that is whole or not there; its folder is made if need be.

    Raises:
        OSError: If it cannot be; ``filename`` is ``path``.
    """
    with whole_file(path) as temporary, open(temporary, 'wb') as file:
        file.write(data)


@contextmanager
def whole_file(path: str | os.PathLike) -> Iterator[Path]:
    """Give a name to write to, and rename the file at the end.

    Whatever goes wrong inside, nothing is left and ``path`` stays what it was.

    Args:
        path: Of the file; its folder is made if need be.

    Yields:
        Where to write it: another name in the same folder, with the same suffix.

    Raises:
        OSError: If it cannot be; ``filename`` is ``path``.
    """
    path = Path(path)
    temporary = temporary_for(path)
    try:
        with errors_name(path, temporary):
            prepare_folder(path.parent)
            yield temporary
            os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


@contextmanager
def errors_name(path: Path, temporary: Path) -> Iterator[None]:
    """Have an OSError about a temporary file, or about none, name the file meant."""
    try:
        yield
    except OSError as error:
        unnamed = error.filename in (None, str(temporary), temporary)
        if unnamed and error.errno is not None:
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def temporary_for(path: Path) -> Path:
    """Return a new name in the folder of a file, which tells this process.

    It does not grow with the name of the file, which may be as long as names can be.
    """
    end = f'{next(_numbers)}{SUFFIX}{path.suffix[:16]}'
    return path.with_name(f'{PREFIX}{this_process()}-{end}')


def prepare_folder(folder: Path) -> None:
    """Make a folder, and sweep it when this process comes to it first.

    Raises:
        OSError: If it cannot be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    key = os.getpid(), os.path.abspath(folder)
    if key not in _swept:
        _swept.add(key)
        sweep(folder)


def sweep(folder: str | os.PathLike, deep: bool = False) -> None:
    """Remove what ended processes have left unfinished in a folder.

    Args:
        folder: May be missing.
        deep: In the folders below it, too.
    """
    folders = os.walk(folder) if deep else [next(os.walk(folder), ('', [], []))]
    for where, _, names in folders:
        for name in names:
            path = Path(where, name)
            if is_temporary(name) and _is_left_over(path):
                with suppress(OSError):  # another process was faster, or read-only
                    path.unlink()


def is_temporary(name: str) -> bool:
    """Tell whether a file's name is that of an unfinished file of ours."""
    return name.startswith(PREFIX) and SUFFIX in name


def _is_left_over(path: Path) -> bool:
    """Tell whether the process that wrote a temporary file has ended."""
    process = '-'.join(path.name.removeprefix(PREFIX).split('-')[:3])
    if (ended := has_ended(process)) is not None:
        return ended
    try:
        return time.time() - path.stat().st_mtime > FOREIGN_AGE_S
    except OSError:
        return False


def this_process() -> str:
    """Tell this process from all others, of other machines and other times."""
    return f'{_machine()}-{os.getpid()}-{_own_begin(os.getpid())}'


def has_ended(process: str) -> bool | None:
    """Tell whether a process has ended, of which ``this_process`` was noted.

    Returns:
        None if that cannot be told: it is of another machine, or container.
    """
    machine, _, rest = process.partition('-')
    pid, _, begin = rest.partition('-')
    if machine != _machine() or os.name != 'posix' or not pid.isdecimal():
        return None
    return not _is_alive(int(pid)) or _begin_of(int(pid)) not in (begin, UNKNOWN)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # of another user
        return True
    return True


@lru_cache(maxsize=1)
def _machine() -> str:
    """Tell machines, and containers on them, apart."""
    space = ''
    with suppress(OSError):  # process ids are those of a container, on Linux
        space = os.readlink('/proc/self/ns/pid')
    return hashlib.sha256(f'{platform.node()}|{space}'.encode()).hexdigest()[:8]


def _begin_of(pid: int) -> str:
    """Tell a process from others of the same id, later or before the last boot."""
    try:
        stat = Path(f'/proc/{pid}/stat').read_bytes()
        boot = Path('/proc/sys/kernel/random/boot_id').read_bytes()
    except OSError:  # no Linux: the process id alone has to do
        return UNKNOWN
    ticks = stat.rpartition(b')')[2].split()[19]  # since the boot, when it began
    return hashlib.sha256(boot + ticks).hexdigest()[:8]


_own_begin = lru_cache(maxsize=1)(_begin_of)


def holds_outputs(folder: str | os.PathLike) -> bool:
    """Tell whether a folder is one that image and video write into, and they alone.

    Its images are none to begin with when images are looked for.
    """
    # not Path.is_file, which raises where the folder cannot be looked into
    record = os.path.join(folder, RECORD)
    return os.path.isfile(record) or read_old_record(folder) is not None


def read_old_record(folder: str | os.PathLike) -> dict | list | None:
    """Return the record of a folder of outputs as older versions wrote it, if any.

    Its name may be that of an image's output, too.
    """
    try:
        metadata = json.loads(Path(folder, OLD_RECORD).read_bytes())
    except (OSError, ValueError):
        return None
    if isinstance(metadata, dict):
        ours = {'config', 'checkpoint'} <= metadata.keys() or 'cloud' in metadata
    else:
        ours = isinstance(metadata, list) and Path(folder).name == 'panels'
    return metadata if ours else None


class FolderLock:
    """Tells live runs in one folder of each other; it leaves nothing behind.

    The system ends it with the process. Where folders cannot be locked (Windows, some
    network drives) it is always granted.

    Args:
        folder: It is made.
    """

    def __init__(self, folder: str | os.PathLike) -> None:
        self._handle: int | None = None
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        if os.name == 'posix':
            self._handle = os.open(self.folder, os.O_RDONLY)

    def share(self) -> None:
        """Hold it with others; wait while somebody has it alone."""
        self._lock('LOCK_SH')

    def take(self) -> None:
        """Hold it alone; wait until nobody else holds it."""
        self._lock('LOCK_EX')

    def try_take(self, wait_s: float = 0) -> bool:
        """Hold it alone if nobody else holds it, and tell whether so.

        If not, it is not held at all, not with others either.

        Args:
            wait_s: Try again for so long.
        """
        end = time.monotonic() + wait_s
        while not (taken := self._lock('LOCK_EX', 'LOCK_NB')):
            if time.monotonic() >= end:
                break
            time.sleep(0.1)
        return taken

    def _lock(self, *names: str) -> bool:
        if self._handle is None:
            return True
        import fcntl

        flags = sum(getattr(fcntl, name) for name in names)
        try:
            fcntl.flock(self._handle, flags)
        except BlockingIOError:
            return False
        except OSError:  # a file system without locks
            return True
        return True

    def release(self) -> None:
        """Give it back."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def __del__(self) -> None:
        self.release()

    def __enter__(self) -> FolderLock:
        return self

    def __exit__(self, *error: object) -> None:
        self.release()


def write_image(path: str | os.PathLike, image_bgr: np.ndarray) -> None:
    """Encode by the suffix of ``path`` and write atomically.

    Raises:
        ValueError: If OpenCV cannot encode it so.
        OSError: If it cannot be written.
    """
    import cv2  # here, so that checkpoints are written without it

    path = Path(path)
    options = [cv2.IMWRITE_JPEG_QUALITY, 92] if path.suffix == '.jpg' else []
    ok, data = cv2.imencode(path.suffix, image_bgr, options)
    if not ok:
        raise ValueError(f'Cannot encode an image as {path.suffix!r}')
    write_atomically(path, data.tobytes())


def write_array(path: str | os.PathLike, array: np.ndarray) -> None:
    """Write an NPY file atomically.

    Raises:
        OSError: If it cannot be written.
    """
    import numpy as np

    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    write_atomically(path, buffer.getvalue())
