"""Train a model of any task.

    python tools/train.py pose/sapiens_0.3b_coco17-1024x768
    python tools/train.py my_config.py --resume --cfg-options train_cfg.max_epochs=10

The command line is that of the hosts' ``tools/train.py``. A config may be a name of
ours or a path; configs of mmpose, mmseg, mmdet and mmpretrain run too.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import sapiens_mm  # before the hosts: it mends them


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
    from sapiens_mm.engine.bad_samples import skip_bad_samples
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


def main(argv: Sequence[str] | None = None) -> int:
    """Train; return 2 on a wrong call."""
    args = parse_args(argv)
    import torch
    from mmengine.config import Config
    from mmengine.registry import RUNNERS
    from mmengine.runner import Runner

    from sapiens_mm.data_files import bad_file_sentence
    from sapiens_mm.engine.compilation import compile_for_training
    from sapiens_mm.engine.cpu_processes import join_on_cpu

    try:
        cfg = Config.fromfile(sapiens_mm.config_path(args.config))
        merge_args(cfg, args)
    except ValueError as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    joined = join_on_cpu(cfg, args.launcher)
    runner = RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)
    if args.compile:
        compile_for_training(getattr(runner.model, 'module', runner.model))
    try:
        runner.train()
    except Exception as error:
        reason = bad_file_sentence(error)
        # the loop is a dict until its data sets are built; asking for it builds them
        started = not isinstance(runner._train_loop, dict) and runner.iter > 0
        if not (reason or started) and cfg.get('default_scope') == 'mmpose':
            from sapiens_mm.pose.annotation_check_hook import explain_failed_start

            reason = explain_failed_start(cfg.to_dict())
        if reason is None:
            raise
        print(f'error: {reason}', file=sys.stderr)
        return 2
    if joined:
        torch.distributed.destroy_process_group()
    return 0


if __name__ == '__main__':
    sys.exit(main())
