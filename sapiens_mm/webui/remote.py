"""The page's models, and its reader of uploads, each in a process that can be ended.

The page itself holds no model and reads no image: it waits. An image is first read by
a small process with little memory; the process of the models sees it only if that went
well, since to end that one costs loading the models again. There is one process of
models, so that they are in memory once; requests take their turns.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
import traceback
import warnings
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sapiens_mm.runs.requests import WebRequest
from sapiens_mm.webui.images import check_image
from sapiens_mm.webui.request import Answer, Menu, PageRequest
from sapiens_mm.webui.worker import END, NEXT, TookTooLongError, Worker, WorkerError

READ_S = 20  # for one upload
LOAD_S = 1800  # for one model
READER_BYTES = 4 << 30  # of addresses; an image of 150 megapixels takes a quarter
REMEMBERED = 500  # images that were read


def build_models(request: WebRequest, folder: Path) -> tuple[Any, Menu]:
    """Load the small models; called in the process of the models."""
    warnings.simplefilter('ignore')
    import torch

    from sapiens_mm.runs.jobs import show_notes
    from sapiens_mm.webui.models import ModelStore
    from sapiens_mm.webui.page_run import PageRun

    if request.threads:
        torch.set_num_threads(request.threads)
    show_notes()
    run = PageRun(ModelStore(request), folder, request.max_megapixels)
    run.preload()
    return run, run.menu


def build_reader() -> tuple[Any, None]:
    """Limit the memory and say nothing; called in the process that reads uploads."""
    # libpng prints a line for each oddity of a file, and there may be millions
    with open(os.devnull, 'wb') as nothing:
        os.dup2(nothing.fileno(), 2)
    with contextlib.suppress(ImportError, ValueError, OSError):  # where there is none
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (READER_BYTES, READER_BYTES))
    return lambda path: iter([check_image(path)]), None


class RemoteRun:
    """Turns requests into answers as ``PageRun`` does, in processes of their own.

    Args:
        models: The process of the models; its metadata are the menu.
        reader: The process that reads uploads.
        time_limit_s: Of one request, loading of models left out.
    """

    def __init__(self, models: Worker, reader: Worker, time_limit_s: float) -> None:
        self.models = models
        self.reader = reader
        self.time_limit_s = time_limit_s
        self._lock = threading.Lock()  # of a step, not of a request: visitors go away
        self._turn: object = None
        self._reading = threading.Lock()
        self._verdicts: OrderedDict[tuple, str] = OrderedDict()

    @property
    def menu(self) -> Menu:
        """The models to choose from; waits until they are there."""
        return self.models.metadata()

    def check(self, image: Path) -> str:
        """Return what is wrong with an image, in one sentence, or ''.

        Nothing is said, for now, where others' images are being read for long.
        """
        return self._verdict(image, patience_s=5) or ''

    def _verdict(self, image: Path, patience_s: float) -> str | None:
        try:
            stat = image.stat()
        except OSError:
            return f'{image.name} was deleted meanwhile: upload it again.'
        key = str(image), stat.st_size, stat.st_mtime_ns
        if not self._reading.acquire(timeout=patience_s):
            return None
        try:
            if key not in self._verdicts:
                self._verdicts[key] = self._read(image)
                if len(self._verdicts) > REMEMBERED:
                    self._verdicts.popitem(last=False)
            return self._verdicts[key]
        finally:
            self._reading.release()

    def _read(self, image: Path) -> str:
        try:
            self.reader.metadata(READ_S)
            return self.reader.ask(image, READ_S)
        except TookTooLongError:
            return f'{image.name} could not be read within {READ_S} s.'
        except WorkerError:
            return f'{image.name} cannot be read: its decoder broke down.'

    def __call__(self, asked: PageRequest) -> Iterator[Answer]:
        """Yield the answer again and again as it grows; never raises."""
        started = time.perf_counter()
        answer = Answer()
        yield answer
        error = ''
        if asked.image is not None:
            error = self._verdict(asked.image, patience_s=2 * READ_S)
            if error is None:
                error = 'Others have images read that take long: try again in a minute.'
        if not error:
            try:
                for answer in self._steps(asked):
                    if not answer.doing:
                        break
                    yield answer
            except TookTooLongError:
                error = (
                    f'{_title(answer)} took too long: this page gives an image '
                    f'{self.time_limit_s:g} s (--time-limit), without loading models.'
                )
            except WorkerError as failure:
                error = f'{_title(answer)}: the process of the models {failure}.'
            except (ValueError, ModuleNotFoundError) as failure:
                error = f'The models cannot be started again: {failure}.'
            except Exception as failure:
                traceback.print_exception(failure)
                error = (
                    f'Something unforeseen happened ({type(failure).__name__}); '
                    'more is in the log of sapiens web.'
                )
        answer.doing, answer.loading = '', False
        answer.errors += [error] if error else []
        answer.seconds = time.perf_counter() - started
        yield answer

    def _steps(self, asked: PageRequest) -> Iterator[Answer]:
        turn = self._turn = object()
        answer = Answer()
        while not self._are_ready():
            answer.doing = 'Starting the models again'
            yield answer
        left, request = self.time_limit_s, asked
        while True:
            started = time.perf_counter()
            with self._lock:
                if self._turn is not turn:
                    raise WorkerError('has begun with another request')
                if left <= 0:
                    raise TookTooLongError
                item = self.models.ask(request, LOAD_S if answer.loading else left)
            if not answer.loading:
                left -= time.perf_counter() - started
            if item is END:
                return
            answer, request = item, NEXT
            yield answer

    def _are_ready(self) -> bool:
        try:
            self.models.metadata(timeout_s=1.0)
        except TookTooLongError:
            return False
        return True

    def close(self) -> None:
        """End both processes."""
        self.models.close()
        self.reader.close()


def _title(answer: Answer) -> str:
    """Return what was being done: ``'Depth'`` of ``'Depth: running'``."""
    return answer.doing.partition(':')[0]
