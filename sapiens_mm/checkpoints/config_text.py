"""Read the text of a config as data: no name in it is looked up, nothing is called.

mmengine writes the config of a training into its checkpoints, as Python text. A file
from elsewhere may hold any text there.
"""

from __future__ import annotations

import ast
from typing import Any

from sapiens_mm.checkpoints.errors import CheckpointError

MAX_CHARACTERS = 1_000_000
"""The largest configs of ours take a tenth of it."""

# how mmengine writes the floats that have no literal
_NAMES = {'inf': float('inf'), 'nan': float('nan')}


def read_config_text(text: object) -> dict[str, Any]:
    """Read ``name = value`` lines whose values are literals and ``dict(…)`` of these.

    Args:
        text: What a file gives as the text of its config.

    Returns:
        Values by name.

    Raises:
        CheckpointError: If it is anything else; the message says what, and in which
            line.
    """
    if not isinstance(text, str):
        raise CheckpointError(f'it is a {type(text).__name__}, not text')
    if len(text) > MAX_CHARACTERS:
        raise CheckpointError(
            f'it has {len(text)} characters, more than the {MAX_CHARACTERS} that a '
            'config may have'
        )
    try:
        statements = ast.parse(text).body
        return dict(_assignment(statement) for statement in statements)
    except (SyntaxError, ValueError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(f'it is no Python text ({error})') from None
    except (RecursionError, MemoryError):
        raise CheckpointError('it is nested too deep') from None


def _assignment(statement: ast.stmt) -> tuple[str, Any]:
    if (
        not isinstance(statement, ast.Assign)
        or len(statement.targets) != 1
        or not isinstance(statement.targets[0], ast.Name)
    ):
        raise _refusal(statement, 'is no "name = value"')
    return statement.targets[0].id, _value(statement.value)


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Constant) and node.value is not ...:
        return node.value
    if isinstance(node, ast.List):
        return [_value(item) for item in node.elts]
    if isinstance(node, ast.Tuple):
        return tuple(_value(item) for item in node.elts)
    if isinstance(node, ast.Set):
        return {_hashable(item) for item in node.elts}
    if isinstance(node, ast.Dict):
        return {
            _hashable(key): _value(value)
            for key, value in zip(node.keys, node.values, strict=True)
        }
    if isinstance(node, ast.Name) and node.id in _NAMES:
        return _NAMES[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        value = _value(node.operand)
        if type(value) in (int, float) and not isinstance(node.operand, ast.UnaryOp):
            return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        # mmengine writes dict({0: …}) where a key is no name
        literal = len(node.args) <= 1 and all(
            isinstance(a, ast.Dict) for a in node.args
        )
        names = [keyword.arg for keyword in node.keywords]
        if node.func.id == 'dict' and literal and None not in names:
            found = _value(node.args[0]) if node.args else {}
            own = {keyword.arg: _value(keyword.value) for keyword in node.keywords}
            return {**found, **own}
    raise _refusal(node, 'is more than literals and dict(…)')


def _hashable(node: ast.expr | None) -> Any:
    """Return a key of a dict; ``None`` stands for ``**``."""
    if node is None:
        raise CheckpointError('it unpacks a dict by **')
    value = _value(node)
    try:
        hash(value)
    except TypeError:
        raise _refusal(node, 'cannot be a key') from None
    return value


def _refusal(node: ast.AST, why: str) -> CheckpointError:
    kind = type(node).__name__
    return CheckpointError(f'line {getattr(node, "lineno", "?")} ({kind}) {why}')
