"""A training from the command line: what is asked for, the checks, and the run."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import sapiens_mm  # before the hosts: it patches them

if TYPE_CHECKING:
    from mmengine.config import Config
    from mmengine.hooks import Hook

    from sapiens_mm.engine.start import Start
    from sapiens_mm.files import FolderLock

LEFT_OVER_LOADERS_S = 15


@dataclass(frozen=True)
class TrainRequest:
    """What ``sapiens train`` is asked to do.

    Attributes:
        config: A config by name or path.
        work_dir: For logs and checkpoints; None: that of the config, or
            ``work_dirs/CONFIG``.
        resume: A checkpoint to go on from, ``'auto'`` for the last of the work dir;
            None begins anew.
        dry_run: All checks, one step, one validation sample; nothing is saved.
        no_checks: Start without looking at config and annotations first.
        amp: bfloat16 autocast.
        compile: torch.compile encoder and heads.
        no_validate: Do not evaluate during training.
        auto_scale_lr: Scale the learning rate by the batch size.
        seed: Of all random numbers; None: the config's, or 0.
        cfg_options: KEY=VALUE words, changes to the config.
        skip_bad: Leave out samples with bad files.
        launcher: ``'none'``, ``'pytorch'``, ``'slurm'`` or ``'mpi'``.
        local_rank: Of this process on its machine, where no variable says it.
    """

    config: str
    work_dir: str | None = None
    resume: str | None = None
    dry_run: bool = False
    no_checks: bool = False
    amp: bool = False
    compile: bool = False
    no_validate: bool = False
    auto_scale_lr: bool = False
    seed: int | None = None
    cfg_options: tuple[str, ...] = ()
    skip_bad: bool = False
    launcher: str = 'none'
    local_rank: int = 0


def merge_request(cfg: Config, request: TrainRequest) -> None:
    """Bring what is asked for into a config.

    Args:
        cfg: Changed in place.
        request: What is asked for.

    Raises:
        ValueError: If the config lacks what an argument needs.
    """
    from sapiens_mm.data.bad_samples import skip_bad_samples
    from sapiens_mm.engine.config_options import merge_options, read_options

    for key in ('train_dataloader', 'optim_wrapper', 'train_cfg'):
        if cfg.get(key) is None:
            raise ValueError(f'{request.config} has no {key}: it is not for training')
    if request.no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.launcher = request.launcher
    if request.work_dir is not None:
        cfg.work_dir = request.work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(
            Path('work_dirs', Path(request.config).name.removesuffix('.py'))
        )
    if request.compile and 'backbone' not in cfg.model:
        raise ValueError(f'{request.config} has no backbone to compile')
    if request.amp:
        cfg.optim_wrapper.type = 'sapiens_mm.SapiensAmpOptimWrapper'
    if request.resume is not None:
        cfg.resume = True
        cfg.load_from = None if request.resume == 'auto' else request.resume
    if request.auto_scale_lr:
        if cfg.get('auto_scale_lr') is None:
            raise ValueError(f'{request.config} has no auto_scale_lr to enable')
        cfg.auto_scale_lr.enable = True
    if request.seed is not None:
        cfg.randomness = dict(cfg.get('randomness') or {}, seed=request.seed)
    merge_options(cfg, read_options(request.cfg_options))
    if request.skip_bad:
        skip_bad_samples(cfg)
    if request.no_checks and cfg.get('custom_hooks'):
        cfg.custom_hooks = [
            hook
            for hook in cfg.custom_hooks
            if 'SapiensAnnotationCheckHook' not in str(hook.get('type'))
        ]


def run_training(request: TrainRequest) -> int:
    """Check, then train; return the exit status.

    What is wrong with the call, the config or the data is printed, one sentence each.
    """
    from mmengine.config import Config

    from sapiens_mm.engine.dry_run import OneStepHook, into_folder
    from sapiens_mm.engine.screen import ignore_hosts_on_themselves
    from sapiens_mm.engine.start import Start

    ignore_hosts_on_themselves()
    start = None
    try:
        cfg = Config.fromfile(sapiens_mm.config_path(request.config))
        merge_request(cfg, request)
        start = Start(cfg)
        if not request.no_checks:
            start.fit()
            if request.launcher == 'none':
                start.check_files()
    except (ValueError, OSError) as error:
        for remark in start.remarks if start is not None else ():
            complain(f'note: {remark}')
        complain(f'error: {error}')
        return 2
    if not request.dry_run:
        return train(start, request)
    with tempfile.TemporaryDirectory(prefix='dry_run_') as folder:
        one_step = OneStepHook(into_folder(cfg, folder))
        status = train(start, request, one_step)
        if status == 0 and is_first():
            print(*one_step.lines, 'dry run: nothing was saved', sep='\n')
        return status


def train(start: Start, request: TrainRequest, one_step: Hook | None = None) -> int:
    """Train as the config says; return the exit status.

    Args:
        start: Of the run, checked.
        request: What is asked for.
        one_step: Ends the run after one step, for a dry run.
    """
    import torch
    from mmengine.registry import RUNNERS
    from mmengine.runner import Runner

    from sapiens_mm.engine.compilation import compile_for_training
    from sapiens_mm.engine.cpu_processes import join_on_cpu
    from sapiens_mm.engine.screen import OpenScreenHook, StartFilter, quiet
    from sapiens_mm.engine.start_summary import StartSummaryHook
    from sapiens_mm.engine.user_errors import sentence_of

    cfg = start.cfg
    try:
        lock = _take_folder(cfg.work_dir) if is_first() else None
    except (ValueError, OSError) as error:
        complain(f'error: {error}')
        return 2
    joined = join_on_cpu(cfg, request.launcher)
    screen = StartFilter()
    kind = RUNNERS.get(cfg.runner_type) if 'runner_type' in cfg else Runner
    try:
        runner = quiet(kind, screen).from_cfg(cfg)
        if request.launcher != 'none' and not request.no_checks:
            start.check_files_once()
        start.tell(runner.logger)
        runner.register_hook(StartSummaryHook(start, saves=one_step is None))
        runner.register_hook(one_step or OpenScreenHook(screen))
        if request.compile:
            compile_for_training(getattr(runner.model, 'module', runner.model))
        # metrics print tables, which say nothing of a single sample
        tables = io.StringIO() if one_step is not None else sys.stdout
        with contextlib.redirect_stdout(tables):
            runner.train()
    except Exception as error:
        sentence = sentence_of(error, started=screen.is_open)
        if sentence is None:
            raise
        complain(f'error: {sentence}')
        return 2
    finally:
        if lock is not None:
            lock.release()
    if joined:
        torch.distributed.destroy_process_group()
    return 0


def _take_folder(work_dir: str) -> FolderLock:
    """Take a work directory for this training; ValueError if another one has it."""
    from sapiens_mm.files import FolderLock

    lock = FolderLock(work_dir)
    # what a killed training leaves of its loaders holds it for some seconds
    if not lock.try_take(wait_s=LEFT_OVER_LOADERS_S):
        raise ValueError(
            f'{work_dir}: another training writes there; let it end, or give this one '
            'a --work-dir of its own'
        )
    return lock


def is_first() -> bool:
    """Tell whether this is the process that speaks for all, before they have met."""
    ranks = map(os.environ.get, ('RANK', 'SLURM_PROCID', 'OMPI_COMM_WORLD_RANK'))
    return all(rank in (None, '0') for rank in ranks)


def complain(text: str) -> None:
    """Print to the error stream, once for all processes."""
    if is_first():
        print(text, file=sys.stderr)
