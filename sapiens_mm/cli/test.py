"""Evaluate a checkpoint with a config's test set and metrics.

    sapiens test pose/sapiens_0.3b_coco17-1024x768 checkpoint.pth
    sapiens test work_dirs/mine/best_coco_AP_epoch_9.pth

The command line is that of the hosts' ``sapiens test``. Checkpoints may be anything
that ``sapiens_mm.checkpoints.resolve`` takes; one that does not fit is refused. One
that was trained with our tools holds its config, and is enough.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import sapiens_mm  # before the hosts: it mends them
from sapiens_mm.commands import command


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    from mmengine.config import DictAction

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add('config', help='a config by name or path, or a checkpoint that holds its own')
    add('checkpoint', nargs='?', help='weights')
    add('--work-dir', help='for the log; default: work_dirs/CONFIG')
    add('--out', help='a .pkl file for the figures')
    add('--dump', help='a .pkl file for the raw predictions')
    show_help = 'a folder for a picture of each sample: truth and prediction'
    add('--show-dir', help=show_help)
    add('--skip-bad', action='store_true', help='leave out samples with bad files')
    add('--cfg-options', nargs='+', action=DictAction, help='key=value, as in hosts')
    launchers = ('none', 'pytorch', 'slurm', 'mpi')
    add('--launcher', choices=launchers, default='none')
    add('--local_rank', '--local-rank', type=int, default=0)
    args = parser.parse_args(argv)
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def config_in(source: str) -> object:
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


@command(wrong=())
def main(argv: Sequence[str] | None = None) -> int:
    """Evaluate; return 2 on a wrong call."""
    args = parse_args(argv)
    import torch
    from mmengine.config import Config
    from mmengine.fileio import dump
    from mmengine.runner import Runner

    from sapiens_mm.checkpoints import load_weights, resolve
    from sapiens_mm.data.bad_samples import skip_bad_samples
    from sapiens_mm.data.files import bad_file_sentence
    from sapiens_mm.engine.config_options import merge_options
    from sapiens_mm.engine.cpu_processes import join_on_cpu
    from sapiens_mm.engine.finite_hook import NotFiniteError

    try:
        if args.checkpoint is None:
            args.checkpoint = args.config
            cfg = config_in(args.checkpoint)
        else:
            cfg = Config.fromfile(sapiens_mm.config_path(args.config))
        if cfg.get('test_dataloader') is None or cfg.get('test_evaluator') is None:
            raise ValueError(
                f'{args.config} has no test_dataloader with test_evaluator'
            )
        for name, path in (('--out', args.out), ('--dump', args.dump)):
            if path and not path.endswith(('.pkl', '.pickle')):
                raise ValueError(f'{name} must end in .pkl, got {path}')
        checkpoint = resolve(args.checkpoint)
        cfg.launcher = args.launcher
        name = Path(args.config).name.removesuffix('.py').removesuffix('.pth')
        cfg.work_dir = args.work_dir or cfg.get('work_dir') or f'work_dirs/{name}'
        cfg.load_from, cfg.resume = None, False
        if cfg.model.get('backbone', {}).get('init_cfg'):
            cfg.model.backbone.init_cfg = None  # the checkpoint has it all
        merge_options(cfg, args.cfg_options)
        if args.skip_bad:
            skip_bad_samples(cfg)
        if args.dump:
            metrics = cfg.test_evaluator
            metrics = metrics if isinstance(metrics, (list, tuple)) else [metrics]
            dumper = dict(type='DumpResults', out_file_path=args.dump)
            cfg.test_evaluator = [*metrics, dumper]
        finite = dict(type='sapiens_mm.SapiensFiniteHook', weights=str(checkpoint))
        hooks = [*(cfg.get('custom_hooks') or ()), finite]
        if args.show_dir:
            show = dict(type='sapiens_mm.SapiensShowHook', out_dir=args.show_dir)
            hooks.append(show)
        cfg.custom_hooks = hooks
        joined = join_on_cpu(cfg, args.launcher)
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
    if args.out:
        dump(metrics, args.out)
    return 0
