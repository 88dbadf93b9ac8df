"""Every image and label of a data set of body parts, read and counted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from sapiens_mm.files import write_atomically


@dataclass(frozen=True)
class PartData:
    """What a data set of parts holds.

    Attributes:
        classes: Their names.
        samples: How many there are.
        pixels: Shape (256,), how many pixels have each id.
        failed: Sentences about bad files.
        unmatched: Sentence about files without a partner, '' for none.
        unmatched_files: A line for each of them.
    """

    classes: tuple[str, ...]
    samples: int
    pixels: np.ndarray
    failed: tuple[str, ...]
    unmatched: str = ''
    unmatched_files: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Say how many samples there are, and the share of each class."""
        if not self.samples:
            return []
        labelled = max(1, self.pixels[:255].sum())
        lines = [f'{self.samples} samples, {len(self.failed)} of them bad']
        lines += [self.unmatched] if self.unmatched else []
        for c, name in enumerate(self.classes):
            share = 100 * self.pixels[c] / labelled
            shown = f'{share:8.3f} %' if self.pixels[c] else '  absent'
            lines.append(f'{c:4d} {name:16s} {shown}')
        share = 100 * self.pixels[255] / max(1, self.pixels.sum())
        return [*lines, f' 255 {"(no label)":16s} {share:8.3f} % of all pixels']

    def write_report(self, path: Path) -> None:
        """Name every file at fault in a file.

        Raises:
            OSError: If it cannot be written.
        """
        text = ''.join(f'{line}\n' for line in (*self.unmatched_files, *self.failed))
        write_atomically(path, text.encode())


def read_parts(cfg: Any, loader: Any, workers: int) -> PartData | None:
    """Read all of a data set of parts.

    Args:
        cfg: The config.
        loader: One of its loaders.
        workers: Threads.

    Returns:
        What it holds; None if it is not a SapiensPartDataset.
    """
    from mmengine.registry import DATASETS, init_default_scope

    from sapiens_mm.data.files import BadFileError
    from sapiens_mm.seg import SapiensPartDataset
    from sapiens_mm.seg.label_maps import check_sample

    init_default_scope(cfg.get('default_scope'))
    with DATASETS.switch_scope_and_registry(None) as registry:
        kind = registry.get(loader.dataset.type)
    if kind is None or not issubclass(kind, SapiensPartDataset):
        return None
    allow_empty = any(
        step.get('allow_empty') for step in loader.dataset.get('pipeline', ())
    )
    try:
        dataset = DATASETS.build(dict(loader.dataset, pipeline=[]))
    except (ValueError, OSError) as error:
        return PartData((), 0, np.zeros(256, np.int64), (str(error),))

    def count(n: int) -> np.ndarray | str:
        try:
            labels = check_sample(dataset.get_data_info(n), allow_empty=allow_empty)
        except BadFileError as error:
            return str(error)
        return np.bincount(labels.ravel(), minlength=256)

    pixels, failed = np.zeros(256, np.int64), []
    pool = ThreadPoolExecutor(workers)
    try:
        outcomes = pool.map(count, range(len(dataset)))
        for outcome in tqdm(outcomes, total=len(dataset), unit='file', disable=None):
            if isinstance(outcome, str):
                failed.append(outcome)
            else:
                pixels += outcome
    finally:
        # also when interrupted: what still waits is dropped
        pool.shutdown(cancel_futures=True)
    matches = dataset.matches
    return PartData(
        classes=tuple(dataset.metainfo['classes']),
        samples=len(dataset),
        pixels=pixels,
        failed=tuple(failed),
        unmatched=matches.summary() if matches.num_unmatched else '',
        unmatched_files=tuple(matches.report().splitlines()),
    )
