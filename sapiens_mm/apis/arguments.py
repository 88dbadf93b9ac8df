"""Arguments that a class passes on to its base, shown with its own.

The common ones are declared and described once, at the base; a subclass names its own
and takes the others by ``**options``. ``help`` and ``inspect.signature`` show all.
"""

from __future__ import annotations

import inspect
import re
from inspect import Parameter, Signature

_NAMED = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
_ARGS = re.compile(r'^Args:\n((?:[ ]+.*\n?|\n(?=[ ]))+)', re.MULTILINE)
_ITEM = re.compile(r'^    (?=\S)', re.MULTILINE)


def show_inherited_arguments(cls: type) -> None:
    """Put arguments of the base that ``cls`` passes on into its signature and help.

    Args:
        cls: Its ``__init__`` takes ``**options`` for its base, ``*args`` too if it
            likes; its docstring describes its own arguments under ``Args:``.
    """
    base = cls.__mro__[1]
    # signatures are read from __init__ otherwise, where **options hides the names
    if '__init__' in vars(cls):
        cls.__signature__ = _signature(cls, inspect.signature(base))
    if not (cls.__doc__ and base.__doc__):  # python -OO has none
        return
    own, inherited = _descriptions(cls.__doc__), _descriptions(base.__doc__)
    shown = [n for n in inspect.signature(cls).parameters if n in own | inherited]
    text = inspect.cleandoc(cls.__doc__)
    section = ''.join({**inherited, **own}[name] for name in shown)
    found = _ARGS.search(text)
    if found:
        text = text[: found.start()] + f'Args:\n{section}' + text[found.end() :]
    elif section:
        text = f'{text}\n\nArgs:\n{section}'
    cls.__doc__ = f'{text.rstrip()}\n'


def _signature(cls: type, base: Signature) -> Signature:
    _, *own = inspect.signature(cls.__init__).parameters.values()
    names = {each.name for each in own}
    passed_on = [each for each in base.parameters.values() if each.name not in names]
    kinds = {each.kind for each in own}
    found = [each for each in own if each.kind in _NAMED]
    if Parameter.VAR_POSITIONAL in kinds:
        found += [each for each in passed_on if each.kind in _NAMED]
    found += [each for each in own if each.kind is Parameter.KEYWORD_ONLY]
    if Parameter.VAR_KEYWORD in kinds:
        found += [each for each in passed_on if each.kind is Parameter.KEYWORD_ONLY]
    return Signature(found)


def _descriptions(doc: str) -> dict[str, str]:
    """Return the lines of the ``Args:`` of a docstring by argument."""
    found = _ARGS.search(f'{inspect.cleandoc(doc)}\n')
    items = _ITEM.split(found[1].rstrip())[1:] if found else []
    return {
        item.partition(':')[0].lstrip('*'): f'    {item.rstrip()}\n' for item in items
    }
