"""What a training shows on the screen before its first step; the rest is logged.

mmengine prints the environment, the whole config and a table of hooks, some 400 lines.
They go to the log file as before; here the handler of the screen lets through warnings,
errors and what is marked for it, until the first step is taken.
"""

from __future__ import annotations

import logging
import warnings
from typing import Any

from mmengine.hooks import Hook
from mmengine.logging import MMLogger

FOR_SCREEN = {'for_screen': True}
"""``extra`` of a log record that is to be shown before the first step."""


# mmengine on its own checkpoint hook, and on metrics whose figures have no prefix
_OF_HOSTS = (
    '"FileClient" will be deprecated',
    '"HardDiskBackend" is the alias',
    'The prefix is not set in metric class',
)

_WARNINGS_OF_HOSTS = (
    'The metainfo config file',
    '``build_loss`` would be deprecated',
    'The draw is False',
)


def ignore_hosts_on_themselves() -> None:
    """Ignore the warnings of the hosts on their own code."""
    for message in _WARNINGS_OF_HOSTS:
        warnings.filterwarnings('ignore', message=message)


class StartFilter(logging.Filter):
    """Lets through what the start of a training has to say.

    Attributes:
        is_open: Everything passes; set at the first step.
    """

    def __init__(self) -> None:
        super().__init__()
        self.is_open = False

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a record is shown."""
        if self.is_open or getattr(record, 'for_screen', False):
            return True
        own = str(record.msg).startswith(_OF_HOSTS)
        return record.levelno >= logging.WARNING and not own

    def attach(self, logger: logging.Logger) -> None:
        """Filter what a logger shows; its files get all."""
        # a file handler is a stream handler, too
        for handler in logger.handlers:
            stream = isinstance(handler, logging.StreamHandler)
            if stream and not isinstance(handler, logging.FileHandler):
                handler.addFilter(self)


class OpenScreenHook(Hook):
    """Opens the screen at the first step.

    Args:
        start_filter: Of the screen.
    """

    def __init__(self, start_filter: StartFilter) -> None:
        self.start_filter = start_filter

    def before_train_iter(self, runner: Any, batch_idx: int, data_batch: Any) -> None:
        """Let everything through from now on."""
        self.start_filter.is_open = True


def quiet(runner_class: type, start_filter: StartFilter) -> type:
    """Return a runner class whose screen is filtered from its first record on.

    Args:
        runner_class: mmengine's ``Runner``, ``FlexibleRunner``, or a subclass.
        start_filter: What to attach to its logger.
    """

    class QuietRunner(runner_class):
        def build_logger(self, *args: Any, **kwargs: Any) -> MMLogger:
            logger = super().build_logger(*args, **kwargs)
            # attached as soon as there is a logger: the environment is printed next
            start_filter.attach(logger)
            return logger

        def build_strategy(self, *args: Any, **kwargs: Any) -> Any:
            strategy = super().build_strategy(*args, **kwargs)  # it has the logger
            start_filter.attach(strategy.logger)
            return strategy

    QuietRunner.__name__ = runner_class.__name__
    QuietRunner.__qualname__ = runner_class.__qualname__
    return QuietRunner
