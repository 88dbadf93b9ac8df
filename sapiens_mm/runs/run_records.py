"""What is known of the outputs in a folder: options, and the images they are of."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from sapiens_mm.files import (
    OLD_RECORD,
    RECORD,
    FolderLock,
    holds_outputs,
    is_temporary,
    read_old_record,
    sweep,
    write_atomically,
)

_PATIENCE_S = 5.0  # with another run that begins, too
Identity = list[list[int]]


def identity_of_files(paths: Iterable[Path]) -> Identity:
    """Tell files from others, and from later ones of the same name; [] if one lacks."""
    try:
        stats = [path.stat() for path in paths]
    except OSError:
        return []
    return [[each.st_size, each.st_mtime_ns] for each in stats]


class RunRecord:
    """The record of a folder of outputs, and the lock that live runs share on it.

    Outputs are finished if they are there and the record says that they were made
    with these options from these files. It is written before they are, so a run that
    is killed leaves none behind that it does not vouch for.

    Args:
        root: Folder of the run.
        name: Of the folder in it for these outputs; nobody else writes into that.
        settings: What decides them, for JSON.

    Raises:
        ValueError: If the folder holds files of somebody else.
        OSError: If it cannot be made.
    """

    def __init__(self, root: Path, name: str, settings: object) -> None:
        self.root, self.folder = root, root / name
        self.path = self.folder / RECORD
        # through JSON, so that tuples compare as the lists that were read
        self.settings = json.loads(json.dumps(settings))
        self._lock: FolderLock | None = None
        if not self.folder.is_dir():
            return
        sweep(self.folder, deep=True)
        there = (path.name for path in self.folder.rglob('*') if path.is_file())
        if not holds_outputs(self.folder) and not all(map(is_temporary, there)):
            raise ValueError(
                f'{self.folder} holds files of somebody else, and results would be '
                'written among them: name another --out-dir'
            )
        self._hold()

    def _hold(self) -> FolderLock:
        """Hold the folder with other runs."""
        self._lock = self._lock or FolderLock(self.folder)
        self._lock.share()
        return self._lock

    def todo(
        self,
        sources: Mapping[str, Identity],
        outputs: Mapping[str, list[Path]],
        overwrite: bool = False,
    ) -> list[str]:
        """Return the names whose outputs are to be made.

        Args:
            sources: Name to what its outputs are made of.
            outputs: Name to its files.
            overwrite: All of them.
        """
        settings, known = self._read()
        if overwrite or settings != self.settings:
            return list(sources)
        return [
            name
            for name, identity in sources.items()
            if _differs(known, name, identity)
            or not all(path.is_file() for path in outputs[name])
        ]

    def claim(
        self,
        sources: Mapping[str, Identity],
        outputs: Mapping[str, list[Path]],
        overwrite: bool = False,
    ) -> None:
        """Note that the outputs of these names are being made, and remove wrong ones.

        Raises:
            ValueError: If another run makes outputs of other options there just now.
        """
        # a short lock on the root: two runs that begin at once would both read and
        # write
        with FolderLock(self.root) as brief:
            brief.take()
            settings, known = self._read()
            was_old = known is None
            if settings != self.settings:
                if settings is not None:
                    self._wait_for_others()
                known = {}
            for name, identity in sources.items():
                if overwrite or _differs(known, name, identity):
                    for path in outputs[name]:
                        path.unlink(missing_ok=True)
            content = dict(settings=self.settings, sources={**(known or {}), **sources})
            write_atomically(self.path, json.dumps(content).encode())
            self._hold()
            if was_old:
                (self.folder / OLD_RECORD).unlink(missing_ok=True)

    def release(self) -> None:
        """Tell other runs that this one has finished here."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _wait_for_others(self) -> None:
        """Have the folder alone for a moment."""
        lock, end = self._hold(), time.monotonic() + _PATIENCE_S
        while not lock.try_take():
            if time.monotonic() > end:
                raise ValueError(
                    f'another run with other options is at work in {self.folder}: let '
                    'it end, or name another --out-dir'
                )
            time.sleep(0.05)

    def _read(self) -> tuple[object, dict[str, Identity] | None]:
        """Return the settings on record, and of what each name's outputs were made.

        None in place of the latter where an older version has written the record.
        """
        try:
            content = json.loads(self.path.read_bytes())
            return content['settings'], dict(content['sources'])
        except FileNotFoundError:
            old = read_old_record(self.folder)
            return (None, {}) if old is None else (old, None)
        except (ValueError, KeyError, TypeError):  # not as we write it
            return '', {}


def _differs(known: dict[str, Identity] | None, name: str, identity: Identity) -> bool:
    """Tell whether outputs were made of something else.

    A source that is gone does not, and older versions noted none.
    """
    return known is not None and bool(identity) and known.get(name) != identity
