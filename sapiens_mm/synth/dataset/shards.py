"""Tar shards in the layout of WebDataset: samples as runs of files of one name."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from sapiens_mm.files import whole_file
from sapiens_mm.synth.dataset.files import KINDS, file_of, record_of
from sapiens_mm.synth.dataset.records import sample_name
from sapiens_mm.synth.dataset.settings import DatasetSettings
from sapiens_mm.tasks import SPLITS

FOLDER = 'shards'


@dataclass(frozen=True)
class Shard:
    """One tar file.

    Attributes:
        path: Of the file.
        split: Of its samples.
        indices: Its samples, in order.
    """

    path: Path
    split: str
    indices: tuple[int, ...]


def plan_shards(root: Path, settings: DatasetSettings, num: int) -> list[Shard]:
    """Return the shards of a data set of ``num`` samples.

    Each split fills its own in the order of the samples, so that all but the last of a
    split stay as they are when the data set grows.
    """
    shards = []
    for split in SPLITS:
        members = [i for i in range(num) if settings.split_of(i) == split]
        for first in range(0, len(members), settings.shard_size):
            name = f'{split}-{first // settings.shard_size:05d}.tar'
            indices = tuple(members[first : first + settings.shard_size])
            shards.append(Shard(root / FOLDER / name, split, indices))
    return shards


def samples_in(path: Path) -> set[str]:
    """Return the names of the samples of a shard; none if it is not there."""
    if not path.is_file():
        return set()
    with tarfile.open(path) as tar:
        return {name.partition('.')[0] for name in tar.getnames()}


def member_names(index: int, kinds: tuple[str, ...]) -> dict[str, str]:
    """Return kind -> name in the shard of a sample's files; the record is ``json``."""
    name = sample_name(index)
    return {k: f'{name}.{KINDS[k][2]}' for k in kinds} | {'json': f'{name}.json'}


def write_shard(root: Path, shard: Shard, settings: DatasetSettings) -> None:
    """Write a shard from the files of its samples, atomically.

    Headers hold nothing of time or user, so equal samples make equal shards. A sample
    whose files are gone is taken from the shard that is there already.

    Raises:
        ValueError: If a sample is in neither.
    """
    with (
        whole_file(shard.path) as part,
        # USTAR has no extended headers, which hold times
        tarfile.open(part, 'w', format=tarfile.USTAR_FORMAT) as tar,
    ):
        for name, data in _contents(root, shard, settings):
            header = tarfile.TarInfo(name)  # mode 644, time and owner 0
            header.size = len(data)
            tar.addfile(header, io.BytesIO(data))


def _contents(
    root: Path, shard: Shard, settings: DatasetSettings
) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of every file of a shard."""
    with ExitStack() as stack:
        old, stored = None, {}
        if shard.path.is_file():
            old = stack.enter_context(tarfile.open(shard.path))
            stored = {member.name: member for member in old}
        for index in shard.indices:
            for kind, name in member_names(index, settings.kinds()).items():
                if kind == 'json':
                    path = record_of(root, index)
                else:
                    path = file_of(root, kind, shard.split, index)
                if path.is_file():
                    yield name, path.read_bytes()
                    continue
                file = old and name in stored and old.extractfile(stored[name])
                if not file:
                    raise ValueError(f'{path} is gone, and {shard.path} has no {name}')
                yield name, file.read()


def read_shard(path: Path) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Yield the name of every sample of a shard and its files by their suffixes."""
    with tarfile.open(path) as tar:
        current, files = '', {}
        for member in tar:
            name, _, suffix = member.name.partition('.')
            if name != current and files:
                yield current, files
                files = {}
            current = name
            file = tar.extractfile(member)
            if file is not None:
                files[suffix] = file.read()
        if files:
            yield current, files


def remove_files(root: Path, shard: Shard, settings: DatasetSettings) -> None:
    """Remove the files of a shard's samples, their records excepted."""
    for index in shard.indices:
        for kind in settings.kinds():
            file_of(root, kind, shard.split, index).unlink(missing_ok=True)


def remove_empty_folders(root: Path) -> None:
    """Remove the folders that ``remove_files`` has emptied."""
    for folder, _, _ in KINDS.values():
        for path in (*(root / folder / split for split in SPLITS), root / folder):
            if path.is_dir() and not any(path.iterdir()):
                path.rmdir()
