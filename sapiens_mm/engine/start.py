"""What is looked at and said before the first step of a training, for any task.

Each task's room has a module ``start_check`` with these functions, all optional:

- ``fit_config(start)``: compares what the config says in one place with another, and
  changes inherited defaults that do not fit;
- ``figures_of(start, metric)``: the figures that a metric's config will return, None
  for one that it does not know;
- ``check_files(start)``: reads what the run will read.

They raise ValueError, one sentence, for what would end or spoil the run.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable
from types import ModuleType
from typing import Any

from mmengine.config import Config
from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.registry import DefaultScope

from sapiens_mm.data.files import BadFileError
from sapiens_mm.engine.figures import Figures
from sapiens_mm.engine.run_plan import check_plan
from sapiens_mm.engine.start_notes import StartNotes, metrics_of

_CHECKS = {
    'mmpose': ('sapiens_mm.pose.start_check',),
    'mmseg': ('sapiens_mm.seg.start_check', 'sapiens_mm.geometry.start_check'),
}


class Start(StartNotes):
    """The checks of a training that is about to start, and what they have found.

    Args:
        cfg: Its config, command line included; inherited defaults that do not fit are
            changed in place.
    """

    def __init__(self, cfg: Config) -> None:
        super().__init__(cfg)
        self._rooms = [
            importlib.import_module(name)
            for name in _CHECKS.get(cfg.get('default_scope'), ())
        ]

    def fit(self) -> None:
        """Check the config against itself, and fit inherited defaults to the rest.

        Raises:
            ValueError: If it cannot work; one sentence.
        """
        self._each('fit_config')
        check_plan(self, self._figures())

    def check_files(self) -> None:
        """Read the files that the run will read.

        Raises:
            ValueError: If one is wrong; one sentence.
            OSError: If one cannot be read.
        """
        self._each('check_files')

    def check_files_once(self) -> None:
        """Read the files on the main process, for all of them.

        Raises:
            BadFileError: On every process, if one is wrong.
        """
        error: list[str | None] = [None]
        if is_main_process():
            try:
                self.check_files()
            except (ValueError, OSError) as reason:
                error[0] = str(reason)
        broadcast_object_list(error)
        if error[0] is not None:
            # one error on all ranks: else the others wait for the one that left
            raise BadFileError(error[0])

    def tell(self, logger: logging.Logger) -> None:
        """Log what was found; remarks reach the screen."""
        for text in self.remarks:
            logger.warning(text)
        for text in self.log_lines:
            logger.info(text)

    def _each(self, name: str) -> None:
        for room in self._rooms:
            if hasattr(room, name):
                self._guarded(room, lambda check: check(self), name)

    def _figures(self) -> list[Figures | None]:
        """Return the figures of every metric of the validation."""
        found = []
        for metric in metrics_of(self.cfg):
            asked = (
                self._guarded(room, lambda ask, m=metric: ask(self, m), 'figures_of')
                for room in self._rooms
            )
            found.append(next((each for each in asked if each is not None), None))
        return found

    def _guarded(
        self, room: ModuleType, call: Callable[[Callable], Any], name: str
    ) -> Any:
        """Run a check; what it does not understand is the host's to refuse, not its."""
        # the checks look up types by the config's own scope, as the runner will
        with DefaultScope.overwrite_default_scope(self.cfg.get('default_scope')):
            try:
                return call(getattr(room, name))
            except (ValueError, OSError):
                raise
            except Exception as error:
                what = f'{type(error).__name__}: {error}'
                self.remark(f'{room.__name__}.{name} could not do its check ({what})')
                return None
