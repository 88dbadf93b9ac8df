"""Configs: what a training with them is checked for before its model is built."""

from __future__ import annotations

from typing import Any

import sapiens_mm  # before the hosts: it patches them
from sapiens_mm import hosts
from sapiens_mm.checks.request import CheckRequest, Finding

_TRAINING = ('train_dataloader', 'optim_wrapper', 'train_cfg')


def check_config(name: str, request: CheckRequest) -> Finding:
    """Say what a config is for, and what would end a training with it.

    The files of its data sets are read as before a training; those of body parts to
    the last pixel of ``request.split``.

    Raises:
        ValueError: If ``cfg_options`` or ``split`` are not for this config.
        ModuleNotFoundError: If its host is missing.
    """
    from mmengine.config import Config

    from sapiens_mm.engine.config_options import merge_options, read_options

    path = sapiens_mm.config_path(name)
    try:
        cfg = Config.fromfile(path)
    except ModuleNotFoundError:
        raise
    except Exception as error:  # it is a program, which may fail anyhow
        reason = ' '.join(str(error).split()) or type(error).__name__
        return Finding(f'{path} cannot be read as a config: {reason}', True)
    merge_options(cfg, read_options(request.cfg_options))
    hosts.require(cfg.get('default_scope') or 'mmengine')
    lines = [f'{name} is a config for {_purpose(cfg)}.', f'model: {_model(cfg)}']
    try:
        lines += _start_lines(cfg)
        lines += _part_lines(name, cfg, request)
    except _FaultError as fault:
        return Finding('\n'.join([*lines, *fault.lines]), True)
    return Finding('\n'.join(lines))


class _FaultError(Exception):
    """Something is wrong; the lines say what was found up to it, and what it is."""

    def __init__(self, *lines: str) -> None:
        super().__init__(*lines)
        self.lines = lines


def _purpose(cfg: Any) -> str:
    uses = []
    if all(cfg.get(key) is not None for key in _TRAINING):
        uses.append('training')
    if cfg.get('test_dataloader') is not None:
        uses.append('evaluation')
    return ' and '.join(uses) or 'inference'


def _model(cfg: Any) -> str:
    model = cfg.get('model') or {}
    backbone = model.get('backbone') or {}
    arch = backbone.get('arch', backbone.get('type', 'no backbone'))
    kind = getattr(model.get('type'), '__name__', model.get('type'))
    return f'{kind} on {arch if isinstance(arch, str) else "a width of its own"}'


def _start_lines(cfg: Any) -> list[str]:
    """Make the checks of a start; return what they found."""
    if any(cfg.get(key) is None for key in _TRAINING):
        return []
    from sapiens_mm.engine.start import Start

    start = Start(cfg)
    try:
        start.fit()
        start.check_files()
    except (ValueError, OSError) as error:
        notes = [f'note: {remark}' for remark in start.remarks]
        raise _FaultError(*notes, f'wrong: {error}') from None
    lines = [f'learns: {start.task}'] if start.task else []
    if (scope := cfg.get('default_scope')) not in ('mmpose', 'mmseg'):
        lines.append(f'files: not read; the data sets of {scope} are not known here')
    lines += [f'{split}: {count}' for split, count in start.counts.items()]
    return lines + [f'note: {remark}' for remark in start.remarks]


def _part_lines(name: str, cfg: Any, request: CheckRequest) -> list[str]:
    """Read all of a data set of body parts; nothing for others."""
    loader = cfg.get(f'{request.split}_dataloader')
    if loader is None:
        if request.split == 'train':
            return []
        raise ValueError(f'{name} has no {request.split}_dataloader')
    if cfg.get('default_scope') != 'mmseg':
        return []
    from sapiens_mm.checks.part_data import read_parts

    found = read_parts(cfg, loader, request.workers)
    if found is None:
        return []
    if request.report is not None:
        found.write_report(request.report)
    if found.failed:
        raise _FaultError(*found.lines(), *(f'failed: {line}' for line in found.failed))
    return found.lines()
