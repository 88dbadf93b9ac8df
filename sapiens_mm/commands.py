"""How commands end: one sentence for what a user can fix, a traceback for our bugs.

Exit codes: 0; 1 if some of the work failed, or the world let it fail (a full disk, no
memory); 2 for a call that cannot be followed; 130 for Ctrl-C; 141 where the reader of
the output has gone.
"""

from __future__ import annotations

import errno
import functools
import multiprocessing
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from sapiens_mm.hosts import explain_missing

WRONG = (ValueError, ModuleNotFoundError)
FAILED, WRONG_CALL, INTERRUPTED, UNREAD = 1, 2, 130, 141
Main = Callable[[Sequence[str] | None], int]
# of these nothing is wrong with the call, and the same one may work later
_PASSING = {
    *(errno.ENOSPC, getattr(errno, 'EDQUOT', -1), errno.EFBIG),
    *(errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EBUSY),
}


def command(
    name: str = 'error',
    kept: str = '',
    wrong: tuple[type[Exception], ...] = WRONG,
) -> Callable[[Main], Main]:
    """Have the ``main`` of a script end with a sentence and an exit code.

    Sentences are made of what the user or the world did: ``ValueError``, a package
    that is missing, ``OSError``, memory that is used up, Ctrl-C. Any other exception is
    a bug of ours and passes.

    Args:
        name: What a sentence begins with.
        kept: What becomes of work that was stopped or failed on the way.
        wrong: Exceptions whose text is a sentence about the call. A command that runs
            code of hosts, whose ``ValueError`` may be anything, takes none.
    """

    def decorate(main: Main) -> Main:
        @functools.wraps(main)
        def guarded(argv: Sequence[str] | None = None) -> int:
            try:
                return main(argv)
            except KeyboardInterrupt as stop:
                return _interrupted(str(stop), kept)
            except BrokenPipeError:
                _close_output()
                return UNREAD
            except Exception as error:
                # mmengine turns it into a SyntaxError while it prints a config
                if _began_as_interrupt(error):
                    return _interrupted(kept)
                found = explain(error, wrong)
                if found is None:
                    raise
                sentence, code = found
                if code == FAILED and kept:
                    sentence += f'; {kept}'
                _say(f'{name}: {sentence}')
                return code

        return guarded

    return decorate


def _interrupted(*said: str) -> int:
    _say('; '.join(['\nstopped by Ctrl-C', *filter(None, said)]))
    return INTERRUPTED


def _began_as_interrupt(error: BaseException | None) -> bool:
    """Tell whether an error was raised while Ctrl-C was on its way."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, KeyboardInterrupt):
            return True
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return False


def explain(
    error: BaseException, wrong: tuple[type[Exception], ...] = WRONG
) -> tuple[str, int] | None:
    """Return the sentence and the exit code of an error, None if it is a bug of ours.

    Args:
        error: What was raised.
        wrong: As of ``command``.
    """
    if isinstance(error, ModuleNotFoundError):
        sentence = explain_missing(error)
        if sentence is not None:  # of a host's import, too, whose errors are not wrong
            return sentence, WRONG_CALL
    if isinstance(error, wrong):
        return str(error), WRONG_CALL
    if isinstance(error, OSError):
        return reason_of(error), FAILED if error.errno in _PASSING else WRONG_CALL
    if isinstance(error, MemoryError):
        return 'there is not enough memory for this', FAILED
    if type(error).__name__ == 'OutOfMemoryError':  # PyTorch's, of a GPU
        first = str(error).partition('\n')[0].partition('. ')[0]
        return f'{first}: a smaller batch or size needs less', FAILED
    return None


def reason_of(error: OSError, path: Any = None) -> str:
    """Say what went wrong with which file, without the number of the error.

    Args:
        error: Of a file.
        path: Which one, if the error names none, or not the one that a user knows.
    """
    what = error.strerror or str(error) or type(error).__name__
    where = path if path is not None else error.filename
    return what if where is None else f'{where}: {what}'


def quiet_interrupts() -> None:
    """From now on, Ctrl-C outside of a command ends the process with a sentence.

    So does a package that is not installed. Scripts call it before they import what
    takes seconds.
    """
    if multiprocessing.parent_process() is not None:  # a worker, started afresh
        return
    before = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: Any) -> None:
        if issubclass(kind, KeyboardInterrupt):
            _say('\nstopped by Ctrl-C')
            code = INTERRUPTED  # python itself would end by the signal
        elif isinstance(error, ModuleNotFoundError) and explain_missing(error):
            _say(f'error: {explain_missing(error)}')
            code = WRONG_CALL  # python itself would end with 1
        else:
            before(kind, error, trace)
            return
        sys.stdout.flush()
        os._exit(code)

    sys.excepthook = hook


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _close_output() -> None:
    """Keep python from complaining about the closed pipe once more at its end."""
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
    except (OSError, ValueError):  # a stream without a file
        pass
