"""Data sets in folders: which files belong together, and which are left over.

Needs: mmengine, for its file backends.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from mmengine import fileio

from sapiens_mm.images import BadFileError


def bad_file_sentence(error: BaseException) -> str | None:
    """Return the sentence of a ``BadFileError``, None for other errors.

    One from a loader's process has the traceback of there in its message, and the
    sentence at the end.
    """
    if not isinstance(error, BadFileError):
        return None
    return str(error).strip().rpartition(f'{type(error).__name__}: ')[2]


@dataclass(frozen=True)
class FileKind:
    """Where the files of one kind lie, images for example.

    Attributes:
        folder: They are in it or in its sub-folders.
        suffixes: In lower case, with the dot; upper case is found too.
        ending: What their names have before the suffix, beyond the sample's name:
            ``_seg`` for ``000007_seg.png`` beside ``000007.png``.
    """

    folder: str
    suffixes: tuple[str, ...]
    ending: str = ''

    def sample_of(self, name: str) -> str | None:
        """Return the sample's name of a file below the folder, or None."""
        stem, suffix = os.path.splitext(name)
        if suffix.lower() not in self.suffixes or not stem.endswith(self.ending):
            return None
        return stem.removesuffix(self.ending) or None


@dataclass(frozen=True)
class FileMatches:
    """Which files belong together.

    Attributes:
        samples: Each the path of every kind; sorted by name, or in the order of a list.
        unmatched: For what is missing, such as ``no label``, the paths left out.
    """

    samples: tuple[dict[str, str], ...]
    unmatched: dict[str, tuple[str, ...]]

    @property
    def num_unmatched(self) -> int:
        """How many files are left out."""
        return sum(map(len, self.unmatched.values()))

    def summary(self, first: int = 3) -> str:
        """Say in a line what is left out, or '' if nothing is.

        Args:
            first: How many files of each sort to name.
        """
        parts = []
        for reason, paths in self.unmatched.items():
            more = ', …' if len(paths) > first else ''
            parts.append(f'{reason} ({len(paths)}): {", ".join(paths[:first])}{more}')
        if not parts:
            return ''
        return f'{self.num_unmatched} files left out: ' + '; '.join(parts)

    def report(self) -> str:
        """Name every file left out, one a line, with what it lacks."""
        return '\n'.join(
            f'{path}: {reason}'
            for reason, paths in self.unmatched.items()
            for path in paths
        )


def match_files(
    kinds: Mapping[str, FileKind],
    listed: Sequence[str] | None = None,
    backend_args: dict | None = None,
) -> FileMatches:
    """Match the files of one sample by their names, sub-folders included.

    The result does not depend on the order in which folders are listed.

    Args:
        kinds: Kind, such as ``image``, to where its files are.
        listed: Samples to take, in this order, with or without a suffix of the first
            kind; None takes all, sorted by name.
        backend_args: Of mmengine's file backends.

    Returns:
        The samples that have every kind, and the rest.

    Raises:
        BadFileError: If a folder is missing, two files of a kind have one name, or no
            sample is complete.
    """
    found = {kind: _list(kind, kinds, backend_args) for kind in kinds}
    first = next(iter(kinds.values()))
    if listed is None:
        names = sorted(set().union(*found.values()))
    else:
        names = [first.sample_of(name) or name for name in listed]
    samples, unmatched = [], {}
    for name in names:
        paths = {kind: found[kind][name] for kind in kinds if name in found[kind]}
        missing = [kind for kind in kinds if kind not in paths]
        if not missing:
            samples.append(paths)
            continue
        reason = 'no ' + ' and no '.join(missing)
        left = [*paths.values()] or [f'{name} (listed)']
        unmatched.setdefault(reason, []).extend(left)
    if not samples:
        there = ', '.join(
            f'{len(found[kind])} of {kind} in {kinds[kind].folder}' for kind in kinds
        )
        wanted = f' of the {len(names)} listed' if listed is not None else ''
        raise BadFileError(f'no sample{wanted} is complete: found {there}')
    return FileMatches(
        tuple(samples), {reason: tuple(left) for reason, left in unmatched.items()}
    )


def _list(
    kind: str, kinds: Mapping[str, FileKind], backend_args: dict | None
) -> dict[str, str]:
    """Return sample name -> path of one kind."""
    this = kinds[kind]
    if not fileio.isdir(this.folder, backend_args=backend_args):
        raise BadFileError(f'the folder of {kind} files does not exist: {this.folder}')
    # in a folder shared with a kind of a longer ending, a file is of that one
    others = [
        other
        for other in kinds.values()
        if _same(other.folder, this.folder) and len(other.ending) > len(this.ending)
    ]
    found: dict[str, str] = {}
    names = fileio.list_dir_or_file(
        this.folder, list_dir=False, recursive=True, backend_args=backend_args
    )
    for name in sorted(names):
        sample = this.sample_of(name)
        if sample is None or any(other.sample_of(name) for other in others):
            continue
        # separators of Windows, so that names of samples are the same everywhere
        sample = PurePosixPath(sample.replace(os.sep, '/')).as_posix()
        path = fileio.join_path(this.folder, name, backend_args=backend_args)
        if sample in found:
            raise BadFileError(
                f'two {kind} files have one name: {found[sample]}, {path}'
            )
        found[sample] = path
    return found


def _same(a: str, b: str) -> bool:
    return os.path.normpath(a) == os.path.normpath(b)


def read_json(path: str | Path) -> Any:
    """Read a JSON file; BadFileError names the file where it is none."""
    try:
        return json.loads(Path(path).read_bytes())
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BadFileError(f'{path} is not JSON: {error}') from None
    except RecursionError:
        raise BadFileError(f'{path} is not read: it is nested too deep') from None


INDEX_FIELDS = ('sample_id', 'session_id', 'camera_id', 'frame_number')


def read_capture_index(path: str | Path) -> list[dict[str, Any]]:
    """Read an index of Goliath's captures.

    Args:
        path: JSON list of records with ``sample_id``, ``session_id``, ``camera_id``
            and ``frame_number``.

    Returns:
        The records, sorted by session, camera and frame **as strings**, which is the
        order of the official code: frame 10 comes before frame 9.

    Raises:
        BadFileError: If a record lacks a field.
    """
    records = read_json(path)
    if not isinstance(records, list):
        raise BadFileError(f'{path} holds no list of samples')
    for n, record in enumerate(records):
        known = record if isinstance(record, dict) else {}
        missing = [name for name in INDEX_FIELDS if name not in known]
        if missing:
            raise BadFileError(f'{path}: sample {n}: {missing[0]} is missing')
    # as texts: numbers and names do not compare
    return sorted(records, key=lambda r: tuple(str(r[f]) for f in INDEX_FIELDS[1:]))


def fill_pattern(pattern: str, sample: dict[str, Any]) -> str:
    """Fill a path's pattern, ``images/{sample_id}.jpg``, from a record of an index.

    Raises:
        ValueError: If the record lacks a field of it.
    """
    try:
        return pattern.format(**sample)
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError(
            f'{pattern!r} asks for {error}, which the index lacks; a sample has '
            f'{", ".join(sample)}'
        ) from None
