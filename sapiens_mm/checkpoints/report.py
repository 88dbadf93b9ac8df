"""What became of every key of a checkpoint and of a model."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from sapiens_mm.checkpoints.identify import Identity

_SHOWN = 4


def some(names: Sequence[str]) -> str:
    """List the first few names, and how many more there are."""
    more = len(names) - _SHOWN
    return ', '.join(names[:_SHOWN]) + (f' and {more} more' if more > 0 else '')


@dataclasses.dataclass
class LoadReport:
    """Every key of the file and of the model, each in one list.

    Names are ours (``backbone.…``), except in ``ignored``.

    Attributes:
        source: The file, for messages.
        identity: What the file is.
        loaded: Taken from the file.
        resized: Those of ``loaded`` that were fitted to another patch grid.
        missing: The model has it, the file does not.
        unexpected: The file has it, the model does not.
        mismatched: ``name: file shape -> model shape`` of those that do not fit.
        skipped: In the file and left aside on purpose: the head where only the
            backbone is wanted, a class token or final norm the model does without.
        ignored: The file's names that are no weights: preprocessor, EMA counters.
    """

    source: str
    identity: Identity
    loaded: list[str] = dataclasses.field(default_factory=list)
    resized: list[str] = dataclasses.field(default_factory=list)
    missing: list[str] = dataclasses.field(default_factory=list)
    unexpected: list[str] = dataclasses.field(default_factory=list)
    mismatched: list[str] = dataclasses.field(default_factory=list)
    skipped: list[str] = dataclasses.field(default_factory=list)
    ignored: list[str] = dataclasses.field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Every key of the model came from the file, and none was left over."""
        return not (self.missing or self.unexpected or self.mismatched)

    def problems(self) -> str:
        """List what does not fit, ``''`` if everything does."""
        parts = []
        for label in ('missing', 'unexpected', 'mismatched'):
            names = getattr(self, label)
            if names:
                parts.append(f'{len(names)} {label} ({some(names)})')
        return ', '.join(parts)

    def __str__(self) -> str:
        text = f'{len(self.loaded)} tensors from {self.source}'
        if self.resized:
            text += f', {some(self.resized)} resized'
        if self.skipped:
            text += f', {len(self.skipped)} skipped ({some(self.skipped)})'
        problems = self.problems()
        return f'{text}, {problems}' if problems else text
