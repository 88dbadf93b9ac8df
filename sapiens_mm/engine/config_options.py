"""Bring ``--cfg-options`` of the command line into a config."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from mmengine.config import Config, DictAction

_START = '.init_cfg.checkpoint'
# not None: a config may say None
_MISSING = object()


def read_options(words: Sequence[str]) -> dict[str, Any]:
    """Read ``KEY=VALUE`` words as mmengine's ``DictAction`` does.

    Args:
        words: Of the command line, behind ``--cfg-options``.

    Returns:
        Values by dotted key.

    Raises:
        ValueError: If a word is not KEY=VALUE.
    """
    for word in words:
        if not word.partition('=')[0] or '=' not in word:
            raise ValueError(f'--cfg-options takes KEY=VALUE, got {word!r}')
    place = SimpleNamespace()
    # mmengine's own reader of lists, tuples and numbers, without a parser around it
    DictAction(['--cfg-options'], 'options', nargs='+')(None, place, list(words))
    return place.options


def merge_options(cfg: Config, options: Mapping[str, Any] | None) -> None:
    """Merge options into a config.

    ``Config.merge_from_dict`` does the work. Beyond it, ``X.init_cfg.checkpoint=FILE``
    makes X start from the file whatever the config says there: nothing, None, or
    another kind of initialisation; and a key that leads nowhere is a sentence.

    Args:
        cfg: Changed in place.
        options: By dotted key; None changes nothing.

    Raises:
        ValueError: If a key goes through something that has no such part.
    """
    if not options:
        return
    complete: dict[str, Any] = {}
    for key, value in options.items():
        parent = key.removesuffix('.checkpoint')
        replaced = f'{parent}._delete_' in options or f'{parent}.type' in options
        if key.endswith(_START) and not replaced:
            there = _find(cfg, parent)
            if not _is_pretrained(there):
                complete[f'{parent}.type'] = 'Pretrained'
                # the old kind's keys must go: Pretrained refuses what it does not know
                if there is not _MISSING:
                    complete[f'{parent}._delete_'] = True
        complete[key] = value
    for key in complete:
        _check_key(cfg, key, complete)
    cfg.merge_from_dict(complete)


def _find(cfg: Config, key: str) -> Any:
    there: Any = cfg
    for name in key.split('.'):
        if not isinstance(there, (Config, dict)) or name not in there:
            return _MISSING
        there = there[name]
    return there


def _is_pretrained(init_cfg: Any) -> bool:
    kind = init_cfg.get('type') if isinstance(init_cfg, dict) else None
    return getattr(kind, '__name__', kind) in ('Pretrained', 'PretrainedInit')


def _check_key(cfg: Config, key: str, options: Mapping[str, Any]) -> None:
    """Raise if mmengine would end with an error of its own on the way to ``key``."""
    there: Any = cfg
    names = key.split('.')
    for place, name in enumerate(names):
        above = '.'.join(names[:place])
        if f'{above}._delete_' in options:
            return  # nothing of it stays
        if isinstance(there, (list, tuple)):
            numbered = name.isdigit() and int(name) < len(there)
            if isinstance(there, tuple) or not numbered:
                raise ValueError(
                    f'--cfg-options {key}: {above} is a {type(there).__name__} of '
                    f'{len(there)} in this config, and has no {name}'
                )
            if place == len(names) - 1:
                raise ValueError(
                    f'--cfg-options {key}: single entries of a list cannot be set; '
                    f'give all of {above}'
                )
            there = there[int(name)]
        elif isinstance(there, (Config, dict)):
            if name not in there:
                return  # all behind it is new
            there = there[name]
        else:
            raise ValueError(
                f'--cfg-options {key}: {above} is {there!r} in this config, and has '
                f'no {name}'
            )
