"""All models that have a name: those of the package, and released ones."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from pathlib import Path

from sapiens_mm.checkpoints.bundled import BUNDLED
from sapiens_mm.checkpoints.locate import find_here
from sapiens_mm.checkpoints.zoo import APACHE, released_files

_EXPORTS = ('torchscript', 'bfloat16')


@dataclass(frozen=True)
class Entry:
    """A model that ``resolve`` finds by its name.

    Attributes:
        name: What ``resolve`` takes.
        task: ``'pretrain'``, ``'pose'``, ``'seg'``, ``'depth'``, ``'normal'``,
            ``'det'``.
        size: ``'tiny'``, ``'0.3b'`` to ``'2b'``, ``'m'`` for the released detector.
        dataset: What it was trained on, as in the names of configs.
        licence: Of the weights.
        num_bytes: Of the file, approximately.
        metric: Reported figure, in percent but for degrees; ``''`` for none.
        config: Ours that it fits, ``''`` for none.
        is_export: It is another form of a file that has an entry of its own.
        path: Where it is on this machine; None: to be fetched.
        note: What else to know.
    """

    name: str
    task: str
    size: str
    dataset: str
    licence: str
    num_bytes: int
    metric: str
    config: str
    is_export: bool = False
    path: Path | None = None
    note: str = ''


def catalogue() -> list[Entry]:
    """Return all, those of the package first."""
    entries = []
    for model in BUNDLED.values():
        size, dataset = model.config.partition('_')[2].split('-')[0].split('_', 1)
        entries.append(
            Entry(
                *(model.name, model.task, size, dataset, APACHE),
                num_bytes=model.path.stat().st_size if model.path.is_file() else 0,
                metric=model.metric,
                config=model.config,
                path=model.path if model.path.is_file() else None,
                note='in the package',
            )
        )
    originals = {file.config for file in released_files() if file.format == 'pth'}
    for file in released_files():
        entries.append(
            Entry(
                *(file.name, file.task, file.size, file.dataset, file.licence),
                num_bytes=file.num_bytes,
                metric=file.metric,
                config=file.config,
                is_export=file.format in _EXPORTS and file.config in originals,
                path=find_here(file),
                note=file.note,
            )
        )
    return entries


def matching(
    entries: list[Entry],
    pattern: str | None = None,
    task: str | None = None,
    size: str | None = None,
) -> list[Entry]:
    """Return the entries that are asked for.

    Args:
        entries: Some of :func:`catalogue`.
        pattern: Part of a name, config or data set, capitals or not; ``*`` stands for
            anything. None takes all but exports.
        task: Of the entry; None: any.
        size: Of the entry; None: any.
    """

    def fits(entry: Entry) -> bool:
        if task not in (None, entry.task) or size not in (None, entry.size):
            return False
        if pattern is None:
            return not entry.is_export
        texts = (entry.name, entry.config, entry.dataset)
        wanted = f'*{pattern.lower()}*'
        return any(fnmatch.fnmatchcase(text.lower(), wanted) for text in texts)

    return [entry for entry in entries if fits(entry)]
