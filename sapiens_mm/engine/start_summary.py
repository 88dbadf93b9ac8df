"""What is trained, on how much, from which weights: the first lines of a training."""

from __future__ import annotations

import os
from typing import Any

import torch
from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.runner import find_latest_checkpoint

from sapiens_mm.data.bad_samples import count_skipped
from sapiens_mm.engine.run_plan import count_of, long_warm_up, run_length
from sapiens_mm.engine.screen import FOR_SCREEN
from sapiens_mm.engine.start_notes import StartNotes, metrics_of

_WIDTH = 10  # of the first column


class StartSummaryHook(Hook):
    """Shows and logs the summary once all is built and loaded.

    Args:
        start: Of the run.
        saves: Whether anything is saved; a dry run does not.
    """

    priority = 'LOWEST'

    def __init__(self, start: StartNotes, saves: bool = True) -> None:
        self.start = start
        self.saves = saves

    def before_train(self, runner: Any) -> None:
        """Show the summary."""
        rows = summary_rows(self.start, runner)
        if not self.saves:
            rows = [row for row in rows if row[0] not in ('saved', 'log')]
        remark = long_warm_up(self.start, len(runner.train_dataloader))
        if remark:
            runner.logger.warning(remark)
        lines = [f'{name:<{_WIDTH}}{text}' for name, text in rows if text]
        runner.logger.info('\n' + '\n'.join(lines), extra=FOR_SCREEN)


def summary_rows(start: StartNotes, runner: Any) -> list[tuple[str, str]]:
    """Return what to show, as pairs of name and text.

    Args:
        start: Of the run.
        runner: That is about to train; data sets, optimizer and weights are there.
    """
    return [
        ('training', _model(start, runner)),
        ('config', str(start.cfg.filename or '')),
        ('train on', start.counts.get('train') or _samples(runner.train_dataloader)),
        ('validate', _validation(start, runner)),
        ('weights', _weights(runner)),
        ('run', _run(start, runner)),
        ('saved', _saved(start, runner)),
        ('log', _log_file(runner)),
    ]


def _model(start: StartNotes, runner: Any) -> str:
    # out of DistributedDataParallel and the like
    model = getattr(runner.model, 'module', runner.model)
    backbone = (start.cfg.get('model') or {}).get('backbone') or {}
    arch = backbone.get('arch', backbone.get('type', ''))
    arch = arch if isinstance(arch, str) else 'an encoder of its own size'
    million = sum(p.numel() for p in model.parameters()) / 1e6
    size = f'{million:.1f} M parameters'
    parts = [f'{type(model).__name__} on {arch}', start.task, size]
    return ', '.join(part for part in parts if part)


def _samples(loader: Any) -> str:
    dataset = loader.dataset
    text = count_of(len(dataset), 'samples')
    places = sorted(set(_places(dataset)))
    if places:
        text += f' of {", ".join(places)}'
    skipped, _ = count_skipped(dataset)
    left_over = sum(_left_over(dataset))
    if left_over:
        text += f'; {left_over} files left out, named above'
    return text + (f'; {skipped} left out, as their files are bad' if skipped else '')


def _places(dataset: Any) -> list[str]:
    inner = getattr(dataset, 'datasets', None) or [getattr(dataset, 'dataset', None)]
    if inner != [None]:
        return [place for each in inner for place in _places(each)]
    place = getattr(dataset, 'data_root', None) or getattr(dataset, 'ann_file', None)
    return [str(place)] if place else []


def _left_over(dataset: Any) -> list[int]:
    inner = getattr(dataset, 'datasets', None) or [getattr(dataset, 'dataset', None)]
    if inner != [None]:
        return [count for each in inner for count in _left_over(each)]
    return [getattr(getattr(dataset, 'matches', None), 'num_unmatched', 0)]


def _validation(start: StartNotes, runner: Any) -> str:
    if runner.val_loop is None:
        return 'nothing'
    names = [str(m.get('type')).rpartition('.')[2] for m in metrics_of(start.cfg)]
    length, unit = run_length(start.cfg)
    interval = (start.cfg.get('train_cfg') or {}).get('val_interval', 1)
    every = f'every {unit[:-1]}' if interval == 1 else f'every {interval} {unit}'
    if length is not None and interval > length:
        every = 'at the end'
    data = start.counts.get('val') or _samples(runner.val_dataloader)
    return f'{every} by {", ".join(names) or "its evaluator"}: {data}'


def _weights(runner: Any) -> str:
    if runner._resume:
        if runner.iter > 0:
            file = runner._load_from or find_latest_checkpoint(runner.work_dir)
            return f'{file}, resumed after {count_of(runner.iter, "iterations")}'
        return 'nothing to resume in the work dir: from the start; ' + _initial(runner)
    if runner._load_from:
        return f'all from {runner._load_from}'
    return _initial(runner)


def _initial(runner: Any) -> str:
    found = []
    model = runner.cfg.get('model') or {}
    for name, part in [('model', model), *model.items()]:
        init = part.get('init_cfg') if isinstance(part, dict) else None
        for each in init if isinstance(init, (list, tuple)) else [init]:
            if isinstance(each, dict) and each.get('checkpoint'):
                found.append(f'{name} from {each["checkpoint"]}')
    return f'{", ".join(found)}; the rest is new' if found else 'new, none loaded'


def _run(start: StartNotes, runner: Any) -> str:
    loader = runner.train_dataloader
    length, unit = run_length(start.cfg)
    steps = f' of {count_of(len(loader), "iterations")}' if unit == 'epochs' else ''
    processes = get_world_size()
    batch = getattr(loader, 'batch_size', None) or '?'
    device = next(runner.model.parameters()).device
    name = torch.cuda.get_device_name(device) if device.type == 'cuda' else 'CPU'
    where = f'{processes} processes on {name}' if processes > 1 else f'on {name}'
    return f'{count_of(length, unit)}{steps}, batch {batch}, {where}'


def _saved(start: StartNotes, runner: Any) -> str:
    hook = (start.cfg.get('default_hooks') or {}).get('checkpoint')
    if not isinstance(hook, dict):
        return 'no checkpoint'
    unit = 'epochs' if hook.get('by_epoch', True) else 'iterations'
    interval = hook.get('interval', -1)
    length, length_unit = run_length(start.cfg)
    never = length_unit == unit and length is not None and interval > length
    when = []
    if interval > 0 and not never:
        when.append(
            f'every {interval} {unit}' if interval > 1 else f'every {unit[:-1]}'
        )
    if hook.get('save_last', True) and interval != 1:
        when.append('at the end')
    if hook.get('save_best') and runner.val_loop is not None:
        when.append(f'the best by {hook["save_best"]}')
    return f'{", ".join(when) or "no checkpoint"}, in {runner.work_dir}'


def _log_file(runner: Any) -> str:
    path = getattr(runner.logger, 'log_file', None) or runner.work_dir
    return os.path.relpath(path) if not os.path.relpath(path).startswith('..') else path
