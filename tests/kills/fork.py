"""Commands as forks of this process, which has imported all that takes seconds."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from sapiens_mm.cli.main import main


class Fork:
    """A script's ``main`` in a fork of this process; as ``subprocess.Popen``.

    Args:
        argv: The verb and its arguments.
        pipe: Where its words go: one to close, one to write to.
        folder: To work in.
        prepare: Called in the process.
    """

    def __init__(
        self,
        argv: list[str],
        pipe: tuple[int | None, int],
        folder: Path,
        prepare: Callable[[], None],
    ) -> None:
        self.returncode: int | None = None
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid:
            return
        code = 99
        try:
            os.setsid()
            os.chdir(folder)
            os.dup2(pipe[1], 1)
            os.dup2(pipe[1], 2)
            if pipe[0] is not None:
                os.close(pipe[0])
            prepare()
            sys.argv = argv
            code = main(argv)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def poll(self) -> int | None:
        """Return how it ended, None if it has not."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float = 600) -> int:
        """Wait until it has ended."""
        end = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            time.sleep(0.002)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        if self.poll() is None:
            os.kill(self.pid, number)
