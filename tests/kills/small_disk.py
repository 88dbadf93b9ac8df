"""A real disk that is too small."""

from __future__ import annotations

import subprocess
from pathlib import Path

PAGE = 4096


def room_for(folder: Path) -> int:
    """Return the bytes that files and folders take on such a disk."""
    paths = [folder, *folder.rglob('*')]
    sizes = (path.stat().st_size if path.is_file() else 1 for path in paths)
    return sum(-(-size // PAGE) * PAGE for size in sizes)


class SmallDisk:
    """A file system in memory, mounted at ``folder``; it wants root, on Linux.

    Args:
        folder: It is made.
        max_bytes: Of all files on it.

    Raises:
        OSError: If nothing can be mounted here.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        folder.mkdir()
        self.folder = folder
        self._mount('-t', 'tmpfs', '-o', f'size={max_bytes}', 'tmpfs')

    def _mount(self, *options: str) -> None:
        command = ['mount', *options, str(self.folder)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise OSError(done.stderr.strip())

    def grow(self) -> None:
        """Give it room enough."""
        self._mount('-o', 'remount,size=500m')

    def close(self) -> None:
        """Unmount it; what is on it is gone."""
        subprocess.run(['umount', str(self.folder)], check=True)
