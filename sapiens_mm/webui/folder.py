"""The folder of uploads and results: what is in it, and what goes when."""

from __future__ import annotations

import time
from pathlib import Path

YOUNG_S = 60  # a file of this age is in use, however full the folder is
MAX_FILES = 20_000


class Folder:
    """Where everything lies that the page writes; it is deleted with the page.

    Args:
        path: Of the folder.
        max_bytes: Of all files together; the oldest go first.
        max_files: How many they may be; likewise.

    Attributes:
        path: Without links.
        served: Uploads and results: who knows the name of a file can have it.
        results: In ``served``.
        temporary: Files on their way, of any library.
    """

    def __init__(
        self, path: Path, max_bytes: float = 8e9, max_files: int = MAX_FILES
    ) -> None:
        self.path = path.resolve()
        self.max_bytes = max_bytes
        self.max_files = max_files
        self.served = self.path / 'files'
        self.results = self.served / 'results'
        self.temporary = self.path / 'tmp'
        for folder in (self.results, self.temporary):
            folder.mkdir(parents=True, exist_ok=True)
        self._keep: frozenset[Path] = frozenset()
        self.keep_these()

    def keep_these(self) -> None:
        """Keep for good what is there now."""
        self._keep = frozenset(self.path.rglob('*'))

    def sweep(self, older_than_s: float) -> int:
        """Delete what is old, and the oldest beyond the limits; then empty folders.

        Args:
            older_than_s: Age of a file that goes, in seconds since it was written.

        Returns:
            How many files went.
        """
        gone, now = 0, time.time()
        files = self._files()
        size = sum(size for _, size, _ in files)
        for count, (written, bytes_, path) in enumerate(files):
            full = size > self.max_bytes or len(files) - count > self.max_files
            if now - written <= (min(YOUNG_S, older_than_s) if full else older_than_s):
                break  # the others are younger
            try:
                path.unlink()
            except OSError:  # in use, or gone already
                continue
            gone, size = gone + 1, size - bytes_
        for path in sorted(self.path.rglob('*'), reverse=True):  # contents first
            try:
                old = now - path.lstat().st_mtime > older_than_s
                if old and path not in self._keep and path.is_dir():
                    path.rmdir()
            except OSError:  # not empty, or gone already
                continue
        return gone

    def has_room(self, older_than_s: float) -> bool:
        """Tell whether another upload fits in, after a sweep if it does not."""
        for _ in range(2):
            files = self._files()
            size = sum(size for _, size, _ in files)
            if size <= self.max_bytes and len(files) <= self.max_files:
                return True
            self.sweep(older_than_s)
        return False

    def _files(self) -> list[tuple[float, int, Path]]:
        """Return time, size and path of the files that may go, the oldest first."""
        found = []
        for path in self.path.rglob('*'):
            try:
                stat = path.lstat()
                if path not in self._keep and (path.is_symlink() or path.is_file()):
                    found.append((stat.st_mtime, stat.st_size, path))
            except OSError:  # gone already
                continue
        return sorted(found)
