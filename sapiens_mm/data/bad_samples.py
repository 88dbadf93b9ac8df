"""Samples whose files cannot be used: leave them out, and say how many."""

from __future__ import annotations

import inspect
import logging
from typing import Any

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.registry import DATASETS

from sapiens_mm import hosts
from sapiens_mm.data.files import BadFileError
from sapiens_mm.registry import HOOKS

_LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


class SkipBadSamples:
    """Goes before mmengine's ``BaseDataset``; names or skips what cannot be read.

    With ``skip_bad``, training logs a bad sample and draws another one in its place;
    in ``test_mode``, where each sample counts, the whole set is read at the start and
    the bad ones are dropped. mmengine draws another one if a pipeline returns None, but
    its readers raise, often without the file's name.

    Attributes:
        skip_bad: Set it before the data set is initialised.
    """

    skip_bad = False
    _num_dropped = 0

    def find_fault(self, idx: int) -> None:
        """Read a sample's files again after a transform has failed.

        Raises:
            BadFileError: If it was a file.
        """
        raise NotImplementedError

    def full_init(self) -> None:
        """Load the list; with ``skip_bad`` in ``test_mode``, drop what is bad."""
        if self._fully_initialized:
            return
        super().full_init()
        # evaluation cannot draw another sample: figures would be of other images
        if self.skip_bad and self.test_mode:
            self._drop_bad()
        # shared with the loader's processes, so that the main one can count
        self._skipped = torch.zeros(len(self), dtype=torch.bool).share_memory_()

    def _drop_bad(self) -> None:
        bad = np.array([self._is_bad(index) for index in range(len(self))], bool)
        self._num_dropped = int(bad.sum())
        if bad.all():
            raise BadFileError(f'all {len(bad)} samples of {self.data_root} are bad')
        if bad.any():
            self.get_subset_(np.flatnonzero(~bad).tolist())
            _warn(f'{bad.sum()} of {len(bad)} samples skipped')

    def _is_bad(self, idx: int) -> bool:
        try:
            self._run(idx)
        except BadFileError as error:
            _warn(f'skipped: {error}')
            return True
        return False

    @property
    def num_bad(self) -> int:
        """Samples skipped so far, by all loader processes of this run."""
        return self._num_dropped + int(self._skipped.sum())

    @property
    def num_samples(self) -> int:
        """Samples, those left out at the start included."""
        return self._num_dropped + len(self)

    def prepare_data(self, idx: int) -> Any:
        """Run the pipeline; None for a bad sample where they may be skipped.

        Raises:
            BadFileError: If a file cannot be used; one sentence names it.
        """
        try:
            return self._run(idx)
        except BadFileError as error:
            if not self.skip_bad or self.test_mode:
                raise
            if not self._skipped[idx]:
                self._skipped[idx] = True
                _warn(f'skipped: {error}')
            return None

    def _run(self, idx: int) -> Any:
        try:
            return super().prepare_data(idx)
        except BadFileError:
            raise
        except Exception:
            # the transform's error seldom names the file: reading again finds it
            self.find_fault(idx)
            raise


def _warn(text: str) -> None:
    print_log(text, logger='current', level=logging.WARNING)


@HOOKS.register_module()
class SapiensSkippedHook(Hook):
    """Log after each epoch how many bad samples ``skip_bad`` has left out so far.

    Data sets count in memory that the loader's processes share; no host counts what its
    data sets reject.
    """

    def after_train_epoch(self, runner: Any) -> None:
        """Log the count of this process's loaders, if there is any."""
        skipped, total = count_skipped(runner.train_dataloader.dataset)
        if skipped:
            _warn(
                f'{skipped} of {total} samples skipped so far, as their files are bad'
            )


def count_skipped(dataset: Any) -> tuple[int, int]:
    """Return how many samples were skipped, and how many there are.

    Args:
        dataset: One with ``num_bad`` and ``num_samples``, or a wrapper of such.
    """
    inner = getattr(dataset, 'datasets', None) or [getattr(dataset, 'dataset', None)]
    counts = [count_skipped(each) for each in inner if each is not None]
    if hasattr(dataset, 'num_bad') and hasattr(dataset, 'num_samples'):
        counts.append((dataset.num_bad, dataset.num_samples))
    return tuple(map(sum, zip(*counts, strict=True))) if counts else (0, 0)


def skip_bad_samples(cfg: Any) -> None:
    """Set ``skip_bad`` in every data set of a config that has the argument.

    Args:
        cfg: A config; changed in place.

    Raises:
        ValueError: If none of its data sets has it.
    """
    with hosts.scope(cfg.get('default_scope') or 'mmengine'):
        found = [
            _set_skip_bad(loader.dataset)
            for loader in map(cfg.get, _LOADERS)
            if loader is not None and 'dataset' in loader
        ]
    if not any(found):
        raise ValueError(f'no data set of {cfg.filename} can skip bad samples')


def _set_skip_bad(dataset: Any) -> bool:
    inner = dataset.get('datasets') or [dataset.get('dataset')]
    found = [_set_skip_bad(each) for each in inner if each is not None]
    cls = dataset['type']
    if isinstance(cls, str):
        with DATASETS.switch_scope_and_registry(None) as registry:
            cls = registry.get(cls)
    bases = cls.__mro__ if inspect.isclass(cls) else ()
    # a subclass may hand it on by **kwargs, so all bases are asked
    if any('skip_bad' in inspect.signature(b.__init__).parameters for b in bases):
        dataset['skip_bad'] = True
        found.append(True)
    return any(found)
