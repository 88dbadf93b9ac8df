"""What an inert pickle is made of: stand-ins for objects, and limits of their size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from sapiens_mm.checkpoints.errors import CheckpointError

MAX_PARTS = 5_000_000
"""Of an object, shared parts counted as often as they occur."""

_DTYPES = ('b1', 'i1', 'i2', 'i4', 'i8', 'u1', 'u2', 'u4', 'u8', 'f2', 'f4', 'f8')


class Name(str):
    """The dotted name of a class or function that a pickle mentions."""

    __slots__ = ()


class Opaque:
    """Stands for an object that was not built.

    Args:
        name: Dotted name of its class, or of the function that would make it.
        args: What that would be called with.

    Attributes:
        state: What it would be filled with: attributes by name, or anything.
    """

    def __init__(self, name: str, args: Any = ()) -> None:
        self.name = name
        self.args = args
        self.state: Any = {}

    def __repr__(self) -> str:
        return f'<{self.name}, not built>'


class InertArray(Opaque):
    """Stands for an array or a scalar of numpy, and knows its numbers."""

    def tolist(self) -> Any:
        """Return the numbers: nested lists, or one number.

        Raises:
            ValueError: If it is an array of other things, or damaged.
        """
        try:
            if self.name.endswith('scalar'):
                dtype, data = self.args
                shape: tuple = ()
            else:
                _, shape, dtype, is_fortran, data = self.state
            kind, order = str(dtype.args[0]), dtype.state[1]
            if kind not in _DTYPES or not isinstance(data, (bytes, bytearray)):
                raise ValueError(kind)
            if 0 in shape:
                return np.zeros(shape).tolist()
            # numpy's | says that one byte has no order
            found = np.frombuffer(data, f'{order.replace("|", "<")}{kind}')
            if not shape:
                return found[0].item()
            order = 'F' if self.name.endswith('_reconstruct') and is_fortran else 'C'
            return found.reshape(shape, order=order).tolist()
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise ValueError('it holds an array that is not of numbers') from error

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())


def name_of(value: Any) -> str:
    """Return what a pickle calls, which is a name.

    Raises:
        CheckpointError: If it is anything else, which printing might never end.
    """
    if not isinstance(value, str):
        raise CheckpointError('its pickle is damaged (it calls what has no name)')
    return value


_KEYS = (str, bytes, int, float, Opaque)


def plain_dict(keys: list, values: list) -> dict:
    """Build a dict of plain keys; hashing a nested tuple may take for ever.

    Raises:
        CheckpointError: If a key is no text, number or object, or a tuple of these.
    """
    for key in keys:
        parts = key if isinstance(key, tuple) else (key,)
        if not all(isinstance(part, _KEYS) or part is None for part in parts):
            raise CheckpointError('its pickle has keys that no state dict needs')
    return dict(zip(keys, values, strict=True))


def check_extent(content: Any) -> None:
    """Refuse an object that is too large written out in full.

    Shared parts count as often as they occur; a part of itself counts once.

    Raises:
        CheckpointError: If it has more than ``MAX_PARTS`` parts.
    """
    sizes: dict[int, int] = {}
    open_ids: set[int] = set()
    # no recursion, which a nested pickle could drive to Python's limit
    stack: list[tuple[Any, bool]] = [(content, False)]
    while stack:
        value, is_done = stack.pop()
        parts = _parts(value)
        key = id(value)
        if is_done:
            open_ids.discard(key)
            sizes[key] = 1 + sum(sizes.get(id(part), 1) for part in parts)
            if sizes[key] > MAX_PARTS:
                raise CheckpointError('its pickle describes an endless structure')
        elif parts and key not in sizes and key not in open_ids:
            open_ids.add(key)
            stack.append((value, True))
            stack += [(part, False) for part in parts]


def _parts(value: Any) -> list:
    if isinstance(value, dict):
        return [*value, *value.values()]
    if isinstance(value, (list, tuple)):
        return list(value)
    if isinstance(value, Opaque):
        return [value.args, value.state]
    return []
