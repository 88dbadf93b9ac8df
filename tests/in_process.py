"""Verbs of the command line without a process of their own.

Starting one costs five to ten seconds of imports. That the command starts and ends as a
process is tested where it is the subject: test_commands.py, test_wheel.py, and one test
of each tool in tests/tools.
"""

from __future__ import annotations

import importlib
import logging
from contextlib import contextmanager


class Verbs:
    """Runs verbs in the current folder.

    Args:
        capsys: pytest's, which holds what they print.
    """

    def __init__(self, capsys):
        self._capsys = capsys

    def __call__(self, verb, *argv, code=0):
        """Run ``sapiens VERB ARGV``.

        Returns:
            What it wrote to its output, then what it wrote to its error stream.
        """
        self._capsys.readouterr()
        module = importlib.import_module(f'sapiens_mm.cli.{verb.replace("-", "_")}')
        with forgetting():
            try:
                status = module.main([str(word) for word in argv])
            except SystemExit as end:  # of argparse
                status = end.code
        shown = ''.join(self._capsys.readouterr())
        assert status == code, shown[-3000:]
        return shown


@contextmanager
def forgetting():
    """Let go of the loggers and visualizers that mmengine keeps by their names.

    The next run would write into the folder of this one.
    """
    from mmengine.utils import ManagerMixin

    before = {kind: dict(kind._instance_dict) for kind in _below(ManagerMixin)}
    try:
        yield
    finally:
        for kind in _below(ManagerMixin):
            known = before.get(kind, {})
            for name in [n for n in kind._instance_dict if n not in known]:
                made = kind._instance_dict.pop(name)
                for handler in getattr(made, 'handlers', ()):
                    if isinstance(handler, logging.FileHandler):
                        handler.close()


def _below(kind):
    for child in kind.__subclasses__():
        yield child
        yield from _below(child)
