"""A generator function in a process of its own, which can be ended at any moment.

Python cannot stop a thread that is inside a decoder or a model; a process it can. The
process is started afresh, never forked (a fork has no working GPU), does nothing of
its own accord, and ends when the process that started it does, however that ends.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import sapiens_mm  # noqa: F401  in the new process too, before any host

NEXT = None  # the request for the next item of what was asked for
END = object()
_CONTEXT = multiprocessing.get_context('spawn')
_START_ERRORS = {e.__name__: e for e in (ValueError, ModuleNotFoundError)}


class WorkerError(Exception):
    """A process gave no answer; the message is a part of a sentence."""


class TookTooLongError(WorkerError):
    """It was ended, as its time was over."""


class Worker:
    """Runs requests in one process, one at a time; starts another when that ends.

    Args:
        build: Called in the process with ``arguments``; returns the function that
            makes an iterator of a request, and what :meth:`metadata` returns. It is
            found by its name, and so are the types of requests and items: they are
            pickled.
        arguments: For ``build``.
        leave: A folder that the process deletes should this one be killed.
    """

    def __init__(
        self,
        build: Callable[..., tuple[Callable[[Any], Iterator], Any]],
        arguments: tuple,
        leave: Path | None = None,
    ) -> None:
        self._what = build, arguments, leave
        self._lock = threading.RLock()
        self._closed = False
        self._start()

    @property
    def pid(self) -> int:
        """Of the process at present."""
        return self._process.pid

    def metadata(self, timeout_s: float | None = None) -> Any:
        """Wait until the process is built; return what ``build`` says of it.

        A process that has ended meanwhile is started anew by the call after this.

        Args:
            timeout_s: Give up after this many seconds; None waits for ever.

        Raises:
            ValueError: As ``build`` raised it; likewise ``ModuleNotFoundError``.
            TookTooLongError: If it is not there in time; it goes on.
            WorkerError: If it ended.
        """
        with self._lock:
            if self._is_over or (self._facts and not self._process.is_alive()):
                self._end()
                self._start()
            if not self._facts:
                if not self._ours.poll(timeout_s):
                    raise TookTooLongError('is not ready yet')
                self._is_over = True
                kind, value = self._receive()
                if kind == 'refused':
                    raise _START_ERRORS[value[0]](value[1])
                self._is_over, self._facts = False, (value,)
            return self._facts[0]

    def ask(self, request: Any, timeout_s: float) -> Any:
        """Return the first item of a request, or the next one for ``NEXT``.

        A request that was not finished is dropped by another one. A process that gave
        no answer is started anew at once.

        Args:
            request: What to do.
            timeout_s: The process is ended after this many seconds.

        Returns:
            The item, or ``END`` after the last.

        Raises:
            TookTooLongError: If the time was over.
            WorkerError: If the process ended, or the function failed.
        """
        with self._lock:
            try:
                self._send(request)
                if not self._ours.poll(max(timeout_s, 0)):
                    self._end()
                    raise TookTooLongError('took too long')
                kind, value = self._receive()
            except BaseException:  # what comes now belongs to no request
                self._end()
                with contextlib.suppress(OSError, WorkerError):
                    self._start()
                raise
        if kind == 'failed':
            raise WorkerError(value)
        return value if kind == 'item' else END

    def close(self) -> None:
        """End the process for good, at once, even while it is asked something."""
        self._closed = True
        self._process.kill()
        self._process.join(10)

    def _start(self) -> None:
        if self._closed:
            raise WorkerError('is closed')
        self._facts: tuple = ()
        self._is_over = False
        self._ours, theirs = _CONTEXT.Pipe()
        self._process = _CONTEXT.Process(
            target=_serve, args=(theirs, *self._what), daemon=True
        )
        self._process.start()
        theirs.close()
        if self._closed:  # meanwhile
            self.close()

    def _send(self, request: Any) -> None:
        try:
            self._ours.send(request)
        except OSError:
            self._process.join(10)
            raise WorkerError(_reason(self._process.exitcode)) from None

    def _receive(self) -> tuple[str, Any]:
        try:
            return self._ours.recv()
        except (EOFError, OSError):
            self._process.join(10)
            raise WorkerError(_reason(self._process.exitcode)) from None

    def _end(self) -> None:
        self._process.kill()
        self._process.join(10)
        self._ours.close()


def _reason(code: int | None) -> str:
    if code is not None and -code == getattr(signal, 'SIGKILL', 9):
        return 'was ended by the system, most likely as there was no memory left'
    return f'ended unexpectedly (exit code {code}); more is in the log of sapiens web'


def _serve(
    theirs: Connection, build: Callable, arguments: tuple, leave: Path | None
) -> None:
    """What the process does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C goes to the whole group
    watch = threading.Thread(target=_end_with_parent, args=(leave,), daemon=True)
    watch.start()
    try:
        run, metadata = build(*arguments)
    except tuple(_START_ERRORS.values()) as error:
        kind = next(n for n, e in _START_ERRORS.items() if isinstance(error, e))
        theirs.send(('refused', (kind, str(error))))
        return
    theirs.send(('built', metadata))
    items: Iterator = iter(())
    while True:
        try:
            request = theirs.recv()
        except EOFError:
            watch.join()
        try:
            if request is not NEXT:
                if hasattr(items, 'close'):
                    items.close()
                items = iter(run(request))
            reply = ('item', next(items))
        except StopIteration:
            reply = ('end', None)
        except Exception as error:
            reply = ('failed', f'failed ({type(error).__name__}: {error})')
        theirs.send(reply)


def _end_with_parent(leave: Path | None) -> None:
    wait([multiprocessing.parent_process().sentinel])
    if leave is not None:
        time.sleep(1)  # others are ending too
        shutil.rmtree(leave, ignore_errors=True)
    os._exit(1)
