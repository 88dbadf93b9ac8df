"""Knobs as a user writes them: on a command line, in a config, in a JSON file."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from sapiens_mm.synth.knobs import Knobs

_KINDS = {knob.name: knob.metadata['kind'] for knob in fields(Knobs)}


def knobs_from(values: Mapping[str, Any]) -> Knobs:
    """Make knobs of a dict, those that it does not name at their defaults.

    Raises:
        ValueError: If there is no such knob, or a value is impossible.
    """
    for name in values:
        if name not in _KINDS:
            near = difflib.get_close_matches(name, _KINDS, n=3, cutoff=0.5)
            hint = f'; did you mean {", ".join(near)}?' if near else ''
            raise ValueError(f'there is no knob {name!r}{hint}')
    return Knobs(**values)


def parse_knobs(words: Iterable[str], path: str | Path | None = None) -> Knobs:
    """Read knobs of a command line.

    Args:
        words: ``NAME=VALUE`` each. Numbers are written ``hat=0.5``, ranges
            ``fov_deg=20,40``, weights ``framing=face:1,full:3``, where a name alone
            weighs 1, folders and texts as they are.
        path: JSON file with knobs by name, which ``words`` override.

    Raises:
        ValueError: If the file or a word cannot be read, there is no such knob, or a
            value is impossible.
    """
    values: dict[str, Any] = {}
    if path is not None:
        try:
            values = json.loads(Path(path).read_bytes())
        except ValueError as error:
            raise ValueError(f'{path} is not JSON: {error}') from None
        if not isinstance(values, dict):
            raise ValueError(f'{path} holds no knobs by name')
    for word in words:
        name, equals, text = word.partition('=')
        if not equals:
            raise ValueError(f'knobs are written NAME=VALUE, got {word!r}')
        values[name] = _parse(name, text)
    return knobs_from(values)


def _parse(name: str, text: str) -> Any:
    """Bring a value into the form of its knob; what cannot be stays a text."""
    kind = _KINDS.get(name)
    parts = [part.strip() for part in text.split(',')]
    try:
        if kind == 'number':
            return float(text)
        if kind == 'span':
            return tuple(float(part) for part in parts)
        if kind == 'weights':
            pairs = (part.partition(':') for part in parts)
            return {n.strip(): float(w or 1) for n, _, w in pairs}
    except ValueError:
        pass
    return text
