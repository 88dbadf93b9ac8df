"""Train a model of any task.

    sapiens train pose/sapiens_0.3b_coco17-1024x768 --dry-run
    sapiens train my_config.py --resume --cfg-options train_cfg.max_epochs=10

The command line is that of the hosts' ``sapiens train``. A config may be a name of
ours or a path; configs of mmpose, mmseg, mmdet and mmpretrain run too. What would fail
later is told before the first step; the whole config goes to the log file.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import sapiens_mm  # before the hosts: it mends them
from sapiens_mm.commands import command

if TYPE_CHECKING:
    from mmengine.hooks import Hook

    from sapiens_mm.engine.start import Start

LEFT_OVER_LOADERS_S = 15


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    from mmengine.config import DictAction

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add('config', help='a config by name or path')
    add('--work-dir', help='for logs and checkpoints; default: work_dirs/CONFIG')
    add(
        '--resume',
        nargs='?',
        const='auto',
        help='a checkpoint to go on from; without one, the last of the work dir',
    )
    add(
        '--dry-run',
        action='store_true',
        help='all checks, one training step, one validation sample; saves nothing',
    )
    add(
        '--no-checks',
        action='store_true',
        help='start without looking at config and annotations first',
    )
    add('--amp', action='store_true', help='bfloat16 autocast, on a CPU too')
    add('--compile', action='store_true', help='torch.compile encoder and heads')
    add('--no-validate', action='store_true', help='do not evaluate during training')
    add(
        '--auto-scale-lr',
        action='store_true',
        help='scale the learning rate by the batch size',
    )
    add('--seed', type=int, help='default: 0')
    add('--skip-bad', action='store_true', help='leave out samples with bad files')
    add('--cfg-options', nargs='+', action=DictAction, help='key=value, as in hosts')
    launchers = ('none', 'pytorch', 'slurm', 'mpi')
    add('--launcher', choices=launchers, default='none')
    add('--local_rank', '--local-rank', type=int, default=0)
    args = parser.parse_args(argv)
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def merge_args(cfg: object, args: argparse.Namespace) -> None:
    """Bring the command line into the config.

    Raises:
        ValueError: If the config lacks what an argument needs.
    """
    from sapiens_mm.data.bad_samples import skip_bad_samples
    from sapiens_mm.engine.config_options import merge_options

    for key in ('train_dataloader', 'optim_wrapper', 'train_cfg'):
        if cfg.get(key) is None:
            raise ValueError(f'{args.config} has no {key}: it is not for training')
    if args.no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.launcher = args.launcher
    if args.work_dir is not None:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(
            Path('work_dirs', Path(args.config).name.removesuffix('.py'))
        )
    if args.compile and 'backbone' not in cfg.model:
        raise ValueError(f'{args.config} has no backbone to compile')
    if args.amp:
        cfg.optim_wrapper.type = 'sapiens_mm.SapiensAmpOptimWrapper'
    if args.resume is not None:
        cfg.resume = True
        cfg.load_from = None if args.resume == 'auto' else args.resume
    if args.auto_scale_lr:
        if cfg.get('auto_scale_lr') is None:
            raise ValueError(f'{args.config} has no auto_scale_lr to enable')
        cfg.auto_scale_lr.enable = True
    if args.seed is not None:
        cfg.randomness = dict(cfg.get('randomness') or {}, seed=args.seed)
    merge_options(cfg, args.cfg_options)
    if args.skip_bad:
        skip_bad_samples(cfg)
    if args.no_checks and cfg.get('custom_hooks'):
        cfg.custom_hooks = [
            hook
            for hook in cfg.custom_hooks
            if 'SapiensAnnotationCheckHook' not in str(hook.get('type'))
        ]


@command(wrong=())
def main(argv: Sequence[str] | None = None) -> int:
    """Train; return 2 for what a user can mend, 130 for Ctrl-C."""
    return run(parse_args(argv))


def run(args: argparse.Namespace) -> int:
    """Check, then train; return the exit status."""
    from mmengine.config import Config

    from sapiens_mm.engine.dry_run import OneStepHook, into_folder
    from sapiens_mm.engine.screen import ignore_hosts_on_themselves
    from sapiens_mm.engine.start import Start

    ignore_hosts_on_themselves()
    start = None
    try:
        cfg = Config.fromfile(sapiens_mm.config_path(args.config))
        merge_args(cfg, args)
        start = Start(cfg)
        if not args.no_checks:
            start.fit()
            if args.launcher == 'none':
                start.check_files()
    except (ValueError, OSError) as error:
        for remark in start.remarks if start is not None else ():
            complain(f'note: {remark}')
        complain(f'error: {error}')
        return 2
    if not args.dry_run:
        return train(start, args)
    with tempfile.TemporaryDirectory(prefix='dry_run_') as folder:
        one_step = OneStepHook(into_folder(cfg, folder))
        status = train(start, args, one_step)
        if status == 0 and is_first():
            print(*one_step.lines, 'dry run: nothing was saved', sep='\n')
        return status


def train(start: Start, args: argparse.Namespace, one_step: Hook | None = None) -> int:
    """Train as the config says; return the exit status.

    Args:
        start: Of the run, checked.
        args: Of the command line.
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
    from sapiens_mm.files import FolderLock

    cfg = start.cfg
    lock = None
    try:
        if is_first():
            lock = FolderLock(cfg.work_dir)
            # what a killed training leaves of its loaders holds it for some seconds
            if not lock.try_take(wait_s=LEFT_OVER_LOADERS_S):
                raise ValueError(
                    f'{cfg.work_dir}: another training writes there; let it end, or '
                    'give this one a --work-dir of its own'
                )
    except (ValueError, OSError) as error:
        complain(f'error: {error}')
        return 2
    joined = join_on_cpu(cfg, args.launcher)
    screen = StartFilter()
    kind = RUNNERS.get(cfg.runner_type) if 'runner_type' in cfg else Runner
    try:
        runner = quiet(kind, screen).from_cfg(cfg)
        if args.launcher != 'none' and not args.no_checks:
            start.check_files_once()
        start.tell(runner.logger)
        runner.register_hook(StartSummaryHook(start, saves=one_step is None))
        runner.register_hook(one_step or OpenScreenHook(screen))
        if args.compile:
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


def is_first() -> bool:
    """Tell whether this is the process that speaks for all, before they have met."""
    ranks = map(os.environ.get, ('RANK', 'SLURM_PROCID', 'OMPI_COMM_WORLD_RANK'))
    return all(rank in (None, '0') for rank in ranks)


def complain(text: str) -> None:
    """Print to the error stream, once for all processes."""
    if is_first():
        print(text, file=sys.stderr)
