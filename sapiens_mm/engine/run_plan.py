"""Which checkpoints and which validations a run will have, told before it starts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sapiens_mm.engine.figures import Figures

if TYPE_CHECKING:
    from sapiens_mm.engine.start_notes import StartNotes

_HOOK = 'default_hooks.checkpoint'
_FALLING = ('PolyLR', 'CosineAnnealingLR')


def check_plan(start: StartNotes, figures: Sequence[Figures | None]) -> None:
    """Look at ``save_best``, at the interval of checkpoints and of validations.

    Args:
        start: Of the run; an inherited ``save_best`` is changed in its config.
        figures: Of each metric of the validation, None for an unknown one.

    Raises:
        ValueError: If ``save_best`` names a figure that no metric returns, or there is
            no checkpoint to start from.
    """
    hook = (start.cfg.get('default_hooks') or {}).get('checkpoint')
    if isinstance(hook, dict):
        if hook.get('save_best'):
            _fit_save_best(start, hook, figures)
        _check_interval(start, hook)
    elif start.cfg.get('default_hooks') is not None and hook is None:
        start.remark('this run saves no checkpoint: the config has no checkpoint hook')
    _check_validation(start)
    _check_schedule(start)
    weights = start.cfg.get('load_from')
    if (
        isinstance(weights, str)
        and '://' not in weights
        and not os.path.exists(weights)
    ):
        raise ValueError(f'the checkpoint to start from does not exist: {weights}')


def _fit_save_best(
    start: StartNotes, hook: dict, figures: Sequence[Figures | None]
) -> None:
    wanted = hook['save_best']
    if start.cfg.get('val_evaluator') is None:
        if not start.inherited(f'{_HOOK}.save_best', wanted):
            start.remark(f'save_best={wanted!r} saves nothing: nothing is validated')
        return
    if wanted == 'auto' or not figures:
        return
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    strange = [n for n in names if not any(f and f.has(n) for f in figures)]
    if not strange:
        _fit_rule(start, hook, names, figures)
        return
    if None in figures:
        return  # it may be of the metric that we do not know
    known = [name for each in figures for name in each.names]
    if not known:
        return  # format_only
    if not start.inherited(f'{_HOOK}.save_best', wanted):
        raise ValueError(
            f'save_best is {strange[0]!r}, which no metric returns: they return '
            f'{", ".join(known[:8])}{"…" if len(known) > 8 else ""}'
        )
    first = next(each for each in figures if each.names)
    hook.update(save_best=first.names[0], rule=first.rule(first.names[0]))
    start.remark(
        f'save_best={wanted!r} is of another metric than val_evaluator and inherited: '
        f'the best is told by {first.names[0]!r}'
    )


def _fit_rule(
    start: StartNotes, hook: dict, names: list[str], figures: Sequence[Figures | None]
) -> None:
    """Correct an inherited ``rule`` that would keep the worst checkpoint."""
    rules = [next(f for f in figures if f and f.has(n)).rule(n) for n in names]
    given = hook.get('rule')
    asked = [given] * len(names) if isinstance(given, str) else given
    if asked is None:
        # mmengine guesses of many names, and refuses the others
        hook['rule'] = rules[0] if len(rules) == 1 else rules
        return
    wrong = [n for n, a, b in zip(names, asked, rules, strict=False) if a != b]
    if not wrong:
        return
    better = rules[names.index(wrong[0])]
    if not start.inherited(f'{_HOOK}.rule', given):
        raise ValueError(
            f'rule is {given!r}, which would keep the worst checkpoint by '
            f'{wrong[0]!r}: it is better when {better}'
        )
    hook['rule'] = rules[0] if len(rules) == 1 else rules
    start.remark(
        f'rule={given!r} is inherited and would keep the worst checkpoint by '
        f'{wrong[0]!r}: {better} is taken'
    )


def _check_interval(start: StartNotes, hook: dict) -> None:
    """Say so if nothing is saved, or nothing before the end."""
    length, unit = run_length(start.cfg)
    by_epoch = hook.get('by_epoch', True)
    if length is None or by_epoch != (unit == 'epochs'):
        return  # in another unit than the run, which the data decide
    interval = hook.get('interval', -1)
    if 0 < interval <= length:
        return
    every = f'interval={interval} of {count_of(length, unit)}'
    if hook.get('save_last', True):
        start.remark(f'the only checkpoint is saved at the end ({_HOOK}: {every})')
        return
    best = hook.get('save_best') and start.cfg.get('val_evaluator') is not None
    if best:
        start.remark(f'only the best checkpoints are saved ({_HOOK}: {every})')
    else:
        start.remark(
            f'THIS RUN LEAVES NO CHECKPOINT ({_HOOK}: {every}, save_last=False)'
        )


def _check_validation(start: StartNotes) -> None:
    """Say so if there is only the validation after the last epoch."""
    length, unit = run_length(start.cfg)
    interval = (start.cfg.get('train_cfg') or {}).get('val_interval', 1)
    if start.cfg.get('val_evaluator') is None or length is None:
        return
    if isinstance(interval, int) and interval > length:
        start.remark(
            f'the only validation is at the end (train_cfg: val_interval={interval} of '
            f'{count_of(length, unit)})'
        )


def _check_schedule(start: StartNotes) -> None:
    """Say so if the learning rate never falls, as the run ends before it does."""
    length, unit = run_length(start.cfg)
    for each in _schedulers(start.cfg):
        by_epoch = each.get('by_epoch', True)
        if length is None or by_epoch != (unit == 'epochs'):
            continue
        milestones = each.get('milestones')
        if milestones and min(milestones) >= length:
            what = f'milestones={list(milestones)}'
        elif each.get('type') in _FALLING and each.get('end', 0) > length:
            what = f'end={each["end"]}'
        else:
            continue
        start.remark(
            f'the learning rate does not come down: {each["type"]} of param_scheduler '
            f'has {what}, the run {count_of(length, unit)}'
        )


def long_warm_up(start: StartNotes, epoch_length: int) -> str | None:
    """Return a sentence if the run is over before its warm-up, else None.

    Args:
        start: Of the run.
        epoch_length: Iterations of an epoch.
    """
    length, unit = run_length(start.cfg)
    if length is None:
        return None
    iterations = length * (epoch_length if unit == 'epochs' else 1)
    for each in _schedulers(start.cfg):
        warms = each.get('type') == 'LinearLR' and each.get('start_factor', 1 / 3) < 1
        if warms and not each.get('by_epoch', True):
            end = each.get('end')
            if isinstance(end, int) and end > iterations:
                return (
                    f'the learning rate never gets to its value: the warm-up '
                    f'(LinearLR of param_scheduler) takes {end} iterations, the run '
                    f'has {iterations}'
                )
    return None


def _schedulers(cfg: Any) -> list[dict]:
    found = cfg.get('param_scheduler') or []
    found = found if isinstance(found, (list, tuple)) else [found]
    return [each for each in found if isinstance(each, dict) and 'type' in each]


def run_length(cfg: Any) -> tuple[int | None, str]:
    """Return how long a run is, and in what: ``'epochs'`` or ``'iterations'``."""
    loop = cfg.get('train_cfg') or {}
    for key, unit in (('max_epochs', 'epochs'), ('max_iters', 'iterations')):
        if isinstance(loop.get(key), int):
            return loop[key], unit
    return None, 'epochs'


def count_of(number: int | None, plural: str) -> str:
    """Return ``'1 epoch'``, ``'2 epochs'``."""
    return f'{number} {plural[:-1] if number == 1 else plural}'
