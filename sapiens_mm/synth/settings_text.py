"""Scene settings as a user writes them: a command line, a config, a JSON file."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from sapiens_mm.synth.scene_settings import SceneSettings

_KINDS = {setting.name: setting.metadata['kind'] for setting in fields(SceneSettings)}


def refuse_renamed_arguments(arguments: Mapping[str, Any]) -> None:
    """Name the new spelling of an argument that the config of a data set still has.

    Raises:
        ValueError: If ``knobs`` is among the arguments.
    """
    if 'knobs' in arguments:
        raise ValueError(
            f'the argument knobs is now settings: write settings={arguments["knobs"]!r}'
        )


def scene_settings_from(values: Mapping[str, Any]) -> SceneSettings:
    """Make settings from a dict; those that it does not name keep their defaults.

    Raises:
        ValueError: If there is no such setting, or a value is impossible.
    """
    for name in values:
        if name not in _KINDS:
            near = difflib.get_close_matches(name, _KINDS, n=3, cutoff=0.5)
            hint = f'; did you mean {", ".join(near)}?' if near else ''
            raise ValueError(f'there is no setting {name!r}{hint}')
    return SceneSettings(**values)


def parse_scene_settings(
    words: Iterable[str], path: str | Path | None = None
) -> SceneSettings:
    """Read scene settings from a command line.

    Args:
        words: ``NAME=VALUE`` each. Numbers are written ``hat=0.5``, ranges
            ``fov_deg=20,40``, weights ``framing=face:1,full:3``, where a name alone
            weighs 1, folders and texts as they are.
        path: JSON file with settings by name, which ``words`` override.

    Raises:
        ValueError: If the file or a word cannot be read, there is no such setting, or a
            value is impossible.
    """
    values: dict[str, Any] = {}
    if path is not None:
        try:
            values = json.loads(Path(path).read_bytes())
        except ValueError as error:
            raise ValueError(f'{path} is not JSON: {error}') from None
        if not isinstance(values, dict):
            raise ValueError(f'{path} holds no settings by name')
    for word in words:
        name, equals, text = word.partition('=')
        if not equals:
            raise ValueError(f'settings are written NAME=VALUE, got {word!r}')
        values[name] = _parse(name, text)
    return scene_settings_from(values)


def _parse(name: str, text: str) -> Any:
    """Bring a value into the form of its setting; what cannot be stays a text."""
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
        # what is no number stays text: the check names the setting and what it takes
        pass
    return text
