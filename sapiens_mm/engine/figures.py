"""The names of the figures that a metric returns, known before it has run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

GREATER, LESS = 'greater', 'less'


@dataclass(frozen=True)
class Figures:
    """What a metric returns.

    Attributes:
        names: The figures, prefix included; first the one that stands for the rest.
        patterns: Of more, such as ``IoU/*`` for one a class.
        less: Endings of the names of those that are better when less.
    """

    names: tuple[str, ...]
    patterns: tuple[str, ...] = ()
    less: tuple[str, ...] = ()

    def has(self, name: str) -> bool:
        """Tell whether the metric returns a figure of this name."""
        return name in self.names or any(fnmatchcase(name, p) for p in self.patterns)

    def rule(self, name: str) -> str:
        """Return ``'greater'`` or ``'less'``, which is better."""
        return LESS if name.endswith(self.less) else GREATER


def with_prefix(
    metric: Mapping[str, Any], default: str | None, names: tuple[str, ...]
) -> tuple[str, ...]:
    """Return names as mmengine's metrics do, ``prefix/name``.

    Args:
        metric: Config, with ``prefix`` or without.
        default: ``default_prefix`` of the class.
        names: Without prefix.
    """
    prefix = metric.get('prefix') or default
    return tuple(f'{prefix}/{name}' for name in names) if prefix else names


def full_name(kind: type) -> str:
    """Return package and name of a class, ``mmpose.CocoMetric``."""
    return f'{kind.__module__.partition(".")[0]}.{kind.__name__}'
