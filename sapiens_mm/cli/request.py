"""From a command line to a request."""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import sys
from collections.abc import Sequence
from typing import Any, Generic, NoReturn, TypeVar

from sapiens_mm.commands import WRONG_CALL

Request = TypeVar('Request')


class RequestParser(argparse.ArgumentParser, Generic[Request]):
    """Reads a command line into a frozen dataclass, whose defaults hold.

    Options state no defaults of their own; the help shows those of the dataclass.

    Args:
        kind: The dataclass; its fields are the destinations of the options.
        words: Of the command: the verb, and what it works on if that is a word.
        doc: Docstring of the command's module, for the help.
    """

    def __init__(self, kind: type[Request], words: str, doc: str) -> None:
        self._kind = kind
        self._of_kind = {
            field.name: field.default for field in dataclasses.fields(kind)
        }
        super().__init__(
            prog=f'sapiens {words}',
            description=inspect.cleandoc(doc),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            # what is not given must not hide the default of the dataclass
            argument_default=argparse.SUPPRESS,
        )

    def add_argument(self, *names: str, **options: Any) -> argparse.Action:
        """Add an option; its help ends with the default, if that says anything.

        A help that states what the default comes to keeps its own words.
        """
        action = super().add_argument(*names, **options)
        default = self._of_kind.get(action.dest)
        says = (
            default not in (None, False, (), '') and default is not dataclasses.MISSING
        )
        stated = 'default: ' in (action.help or '')
        if says and not stated and action.help is not argparse.SUPPRESS:
            shown = f'default: {default}'
            action.help = f'{action.help}; {shown}' if action.help else shown
        return action

    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one line, and end the process with code 2."""
        print(f'error: {message} ({self.prog} --help lists all)', file=sys.stderr)
        raise SystemExit(WRONG_CALL)

    def read(self, argv: Sequence[str] | None = None) -> Request:
        """Return the request; a wrong command line ends the process with code 2.

        Args:
            argv: The words; None takes the process's own.
        """
        given = {
            # a frozen request holds nothing that can be changed
            name: tuple(value) if isinstance(value, list) else value
            for name, value in vars(self.parse_args(argv)).items()
        }
        try:
            return self._kind(**given)
        except ValueError as error:
            self.error(str(error))
