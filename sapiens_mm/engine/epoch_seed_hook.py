"""Randomness of an epoch as a function of seed, epoch and rank alone."""

from __future__ import annotations

import random
from functools import partial
from typing import Any

import numpy as np
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner

from sapiens_mm.registry import HOOKS


def epoch_seed(seed: int, epoch: int, rank: int, worker: int) -> int:
    """Return a seed in [0, 2**32) for one process of one epoch.

    Args:
        seed: Of the run.
        epoch: From 0.
        rank: Of the training process.
        worker: 0 for the training process itself, 1 and up for its loaders.
    """
    # SeedSequence mixes its words: neighbours in epoch or rank share nothing
    return int(np.random.SeedSequence([seed, epoch, rank, worker]).generate_state(1)[0])


def seed_everything(value: int) -> None:
    """Seed Python, numpy and torch on every device."""
    random.seed(value)
    np.random.seed(value)
    torch.manual_seed(value)


def seed_worker(worker_id: int, seed: int, epoch: int, rank: int) -> None:
    """Seed a loader process; a ``worker_init_fn``."""
    # worker 0 is the main process
    seed_everything(epoch_seed(seed, epoch, rank, worker_id + 1))
    torch.set_num_threads(1)
    try:
        import cv2

        cv2.setNumThreads(0)
    except ImportError:
        pass


def set_epoch(dataset: Any, epoch: int) -> None:
    """Tell the epoch to a data set that asks for it, wrapped or not.

    Args:
        dataset: One with ``set_epoch``, a wrapper of such, or any other.
        epoch: From 0.
    """
    inner = getattr(dataset, 'datasets', None) or [getattr(dataset, 'dataset', None)]
    for each in inner:
        if each is not None:
            set_epoch(each, epoch)
    if hasattr(dataset, 'set_epoch'):
        dataset.set_epoch(epoch)


@HOOKS.register_module()
class SapiensEpochSeedHook(Hook):
    """Seeds every process anew at the start of each epoch.

    A run that was killed and resumed from the last epoch then draws the same
    augmentations, drop paths and dropouts as the uninterrupted one, and ends with
    the same weights. mmengine seeds the loaders with the same numbers each epoch
    (so each epoch repeats its augmentations) and the main process only once, and
    no config changes either. The order of samples is the sampler's, which depends
    on seed and epoch already. Data sets that render their images learn the epoch.

    Raises:
        ValueError: If the loader keeps its workers from epoch to epoch.
    """

    priority = 'VERY_HIGH'

    def before_train_epoch(self, runner: Runner) -> None:
        """Seed this process now and the loaders when they start."""
        loader = runner.train_dataloader
        if loader.persistent_workers:
            raise ValueError(
                'train_dataloader has persistent_workers=True; '
                'SapiensEpochSeedHook needs False, to seed the workers each epoch'
            )
        place = dict(seed=runner.seed, epoch=runner.epoch, rank=get_rank())
        loader.worker_init_fn = partial(seed_worker, **place)
        seed_everything(epoch_seed(worker=0, **place))
        set_epoch(loader.dataset, runner.epoch)
