"""Shared fixtures."""

import logging

import pytest


class Lines(logging.Handler):
    """Keeps what mmengine logs, which pytest's ``caplog`` does not see."""

    def __init__(self):
        super().__init__()
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())

    @property
    def text(self):
        return '\n'.join(self.lines)


@pytest.fixture
def log():
    from mmengine.logging import MMLogger

    MMLogger.get_instance('geometry tests')
    logger, handler = MMLogger.get_current_instance(), Lines()
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)
