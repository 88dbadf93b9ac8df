"""An evaluation from the command line: what is asked for, and the run."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import sapiens_mm  # before the hosts: it patches them

if TYPE_CHECKING:
    from mmengine.config import Config


@dataclass(frozen=True)
class EvaluationRequest:
    """What ``sapiens test`` is asked to do.

    Attributes:
        config: A config by name or path, or a checkpoint that holds its own.
        checkpoint: Weights, with a config: whatever
            :func:`~sapiens_mm.checkpoints.resolve` takes.
        work_dir: For the log; None: that of the config, or ``work_dirs/CONFIG``.
        out: A pickle file for the figures.
        dump: A pickle file for the raw predictions.
        show_dir: A folder for an image of each sample: truth and prediction.
        cfg_options: KEY=VALUE words, changes to the config.
        skip_bad: Leave out samples with bad files.
        launcher: ``'none'``, ``'pytorch'``, ``'slurm'`` or ``'mpi'``.
        local_rank: Of this process on its machine, where no variable says it.
    """

    config: str
    checkpoint: str | None = None
    work_dir: str | None = None
    out: str | None = None
    dump: str | None = None
    show_dir: str | None = None
    cfg_options: tuple[str, ...] = ()
    skip_bad: bool = False
    launcher: str = 'none'
    local_rank: int = 0


def config_in(source: str) -> Config:
    """Return the config that a checkpoint was trained with.

    Raises:
        ValueError: If it holds none, or one that cannot be used without a look at it.
    """
    from sapiens_mm.checkpoints import (
        check_data_sources,
        read_checkpoint,
        resolve,
        trained_config,
    )

    path = resolve(source)
    cfg = trained_config(read_checkpoint(path))
    if cfg is None:
        raise ValueError(f'{path} holds no config of ours: name one before it')
    check_data_sources(cfg)
    for key in ('train_dataloader', 'val_dataloader', 'val_evaluator', 'val_cfg'):
        cfg.pop(key, None)  # of these it holds what names keypoints and classes
    return cfg


def _config_of(request: EvaluationRequest) -> Config:
    """Return the config to evaluate by; ValueError if nothing can come of it."""
    from mmengine.config import Config

    if request.checkpoint is None:
        cfg = config_in(request.config)
    else:
        cfg = Config.fromfile(sapiens_mm.config_path(request.config))
    if cfg.get('test_dataloader') is None or cfg.get('test_evaluator') is None:
        raise ValueError(f'{request.config} has no test_dataloader with test_evaluator')
    for name, path in (('--out', request.out), ('--dump', request.dump)):
        if path and not path.endswith(('.pkl', '.pickle')):
            raise ValueError(f'{name} must end in .pkl, got {path}')
    return cfg


def _fit_config(cfg: Config, request: EvaluationRequest, checkpoint: str) -> None:
    """Bring what is asked for into a config, in place."""
    from sapiens_mm.data.bad_samples import skip_bad_samples
    from sapiens_mm.engine.config_options import merge_options, read_options

    cfg.launcher = request.launcher
    name = Path(request.config).name.removesuffix('.py').removesuffix('.pth')
    cfg.work_dir = request.work_dir or cfg.get('work_dir') or f'work_dirs/{name}'
    cfg.load_from, cfg.resume = None, False
    if cfg.model.get('backbone', {}).get('init_cfg'):
        cfg.model.backbone.init_cfg = None  # the checkpoint has it all
    merge_options(cfg, read_options(request.cfg_options))
    if request.skip_bad:
        skip_bad_samples(cfg)
    if request.dump:
        metrics = cfg.test_evaluator
        metrics = metrics if isinstance(metrics, (list, tuple)) else [metrics]
        dumper = dict(type='DumpResults', out_file_path=request.dump)
        cfg.test_evaluator = [*metrics, dumper]
    finite = dict(type='sapiens_mm.SapiensFiniteHook', weights=checkpoint)
    hooks = [*(cfg.get('custom_hooks') or ()), finite]
    if request.show_dir:
        show = dict(type='sapiens_mm.SapiensShowHook', out_dir=request.show_dir)
        hooks.append(show)
    cfg.custom_hooks = hooks


def run_evaluation(request: EvaluationRequest) -> int:
    """Evaluate; return the exit status, 2 after a sentence."""
    import torch
    from mmengine.fileio import dump
    from mmengine.runner import Runner

    from sapiens_mm.checkpoints import load_weights, resolve
    from sapiens_mm.data.files import bad_file_sentence
    from sapiens_mm.engine.cpu_processes import join_on_cpu
    from sapiens_mm.engine.finite_hook import NotFiniteError

    try:
        cfg = _config_of(request)
        checkpoint = resolve(request.checkpoint or request.config)
        _fit_config(cfg, request, str(checkpoint))
        joined = join_on_cpu(cfg, request.launcher)
        runner = Runner.from_cfg(cfg)
        model = getattr(runner.model, 'module', runner.model)
        load_weights(model, checkpoint)
    except ValueError as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    try:
        metrics = runner.test()
    except ValueError as error:
        reason = bad_file_sentence(error)
        if isinstance(error, NotFiniteError):
            reason = str(error)
        if reason is None:
            raise
        print(f'error: {reason}', file=sys.stderr)
        return 2
    if joined:
        torch.distributed.destroy_process_group()
    if request.out:
        dump(metrics, request.out)
    return 0
