"""A data set in a folder: what is there, what is missing, and what is in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from sapiens_mm.files import FolderLock, sweep, write_atomically, write_image
from sapiens_mm.synth.dataset.files import RECORDS
from sapiens_mm.synth.dataset.generate import finished_samples, make_samples
from sapiens_mm.synth.dataset.layouts import read_records, write_annotations
from sapiens_mm.synth.dataset.records import sample_name
from sapiens_mm.synth.dataset.settings import DatasetSettings, claim_folder
from sapiens_mm.synth.dataset.shards import (
    Shard,
    plan_shards,
    remove_empty_folders,
    remove_files,
    samples_in,
    write_shard,
)
from sapiens_mm.synth.dataset.stats import Stats, collect
from sapiens_mm.synth.dataset.stats_chart import draw_stats

_HOPELESS = 10  # samples that fail before one succeeds


class DatasetWriter:
    """Makes the samples that a folder lacks, and the files that list them.

    Args:
        root: Folder of the data set.
        settings: What decides its bytes.
        num: Samples of the whole set.
        form: ``'folders'``, ``'shards'`` or ``'both'``.

    Attributes:
        done: Samples that were there at the start.
        made: Samples made since.
        failed: Sample -> why it could not be made.

    Raises:
        ValueError: If the folder holds another data set, or a larger one, or another
            writer is at work in it.
        OSError: If the folder cannot be made or written.
    """

    def __init__(
        self, root: Path, settings: DatasetSettings, num: int, form: str
    ) -> None:
        self.root, self.settings, self.num, self.form = root, settings, num, form
        # two runs would pack and remove each other's files
        self._lock = FolderLock(root)
        if not self._lock.try_take():
            raise ValueError(f'another run is at work in {root}: let it end')
        claim_folder(root, settings)
        # one record is asked for, as names are numbers: larger sets have it
        larger = root / RECORDS / f'{sample_name(num)}.json'
        if larger.is_file():
            there = sum(1 for _ in (root / RECORDS).glob('*.json'))
            raise ValueError(
                f'{root} has {there} samples already, more than the {num} asked for'
            )
        sweep(root, deep=True)
        self.shards = plan_shards(root, settings, num) if form != 'folders' else []
        loose = form != 'shards'
        self.done = finished_samples(root, settings, num, self.shards, loose)
        self.made: set[int] = set()
        self.failed: dict[int, str] = {}

    def run(self, workers: int) -> Iterator[tuple[int, str | None]]:
        """Make what is missing; yield each sample with None or what went wrong.

        Raises:
            OSError: If a file cannot be written.
            RuntimeError: If the system ended a process, or nothing works.
        """
        todo = [index for index in range(self.num) if index not in self.done]
        # counted before the run: finished samples of a shard are not made again
        missing = {shard: len(set(shard.indices) - self.done) for shard in self.shards}
        shard_of = {index: shard for shard in self.shards for index in shard.indices}
        outcomes = make_samples(self.root, self.settings, todo, workers)
        try:
            for index, problem in outcomes:
                if problem is None:
                    self.made.add(index)
                    if index in shard_of:
                        missing[shard_of[index]] -= 1
                        if not missing[shard_of[index]]:
                            self._pack(shard_of[index])
                else:
                    self.failed[index] = problem
                    # a mistake in the settings fails every sample: a million errors say
                    # no more
                    if len(self.failed) >= _HOPELESS and not self.made:
                        raise RuntimeError(
                            f'{len(self.failed)} samples failed, one after the other: '
                            f'{problem}'
                        )
                yield index, problem
        finally:
            outcomes.close()

    def _pack(self, shard: Shard) -> None:
        write_shard(self.root, shard, self.settings)
        if self.form == 'shards':
            remove_files(self.root, shard, self.settings)

    def finish(self) -> Stats:
        """Write shards that are incomplete, annotation files and figures."""
        finished = self.done | self.made
        for shard in self.shards:
            there = tuple(index for index in shard.indices if index in finished)
            # a shard whose samples are the same is left: its bytes would be, too
            if there and samples_in(shard.path) != set(map(sample_name, there)):
                self._pack(Shard(shard.path, shard.split, there))
            elif self.form == 'shards':
                remove_files(self.root, shard, self.settings)
        if self.form == 'shards':
            remove_empty_folders(self.root)
        order = sorted(finished)
        records = read_records(self.root, order)
        write_annotations(self.root, self.settings, records)
        stats = collect(read_records(self.root, order))
        text = json.dumps(stats.as_dict(), indent=1) + '\n'
        write_atomically(self.root / 'stats.json', text.encode())
        write_image(self.root / 'stats.png', draw_stats(stats))
        self.close()
        return stats

    def close(self) -> None:
        """Let others write into the folder."""
        self._lock.release()

    def count_finished(self) -> int:
        """Return how many samples are whole."""
        return len(self.done) + len(self.made)

    def report(self, stats: Stats) -> str:
        """Say in a few lines what is there now."""
        splits = ', '.join(
            f'{name} {counts["images"]}' for name, counts in stats.splits.items()
        )
        size = sum(p.stat().st_size for p in self.root.rglob('*') if p.is_file())
        per_image = size / max(stats.images, 1) / 1e3
        lines = [
            f'{stats.images} images ({splits}) with {stats.people} people in '
            f'{self.root}, {size / 1e6:.1f} MB, {per_image:.0f} KB an image',
            f'figures: {self.root / "stats.json"}, {self.root / "stats.png"}',
        ]
        absent = stats.absent_classes()
        if absent:
            lines.append(f'classes without a pixel: {", ".join(absent)}')
        if self.failed:
            named = [f'  {index}: {why}' for index, why in self.failed.items()]
            lines += [f'{len(self.failed)} samples failed:', *named]
        return '\n'.join(lines)
