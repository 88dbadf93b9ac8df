"""Make many samples: in several processes, resumed where an earlier run stopped."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path

import cv2

from sapiens_mm.files import write_atomically
from sapiens_mm.synth.core import jit
from sapiens_mm.synth.dataset.files import (
    FolderListing,
    encode_sample,
    file_of,
    record_of,
)
from sapiens_mm.synth.dataset.records import describe, sample_name
from sapiens_mm.synth.dataset.settings import DatasetSettings
from sapiens_mm.synth.dataset.shards import Shard, samples_in
from sapiens_mm.synth.sample import render

THREAD_VARIABLES = (
    *('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'),
    'NUMBA_NUM_THREADS',
)
_TRIED, _SMALL_HW = 4, (128, 96)  # samples that are drawn to compile what draws them


def compile_kernels(settings: DatasetSettings) -> None:
    """Compile what renders samples and keep it on disk, where processes find it.

    Else the first samples would take a minute each, in every process, and no rate of
    samples that counts them could tell how long the rest takes.

    Args:
        settings: Of the data set; their ``scene`` says what is drawn how often.
    """
    for index in range(_TRIED):
        # what cannot be drawn is told when the sample's turn comes
        with suppress(ValueError):
            render(settings.seed, index, settings.scene, _SMALL_HW)


def is_compiled() -> bool:
    """Tell whether the disk holds most of what renders samples."""
    return jit.share_compiled() > 0.5


def make_sample(root: Path, settings: DatasetSettings, index: int) -> None:
    """Render a sample and write its files, the record last.

    Raises:
        ValueError: If nobody is in the image, or somebody is too far away.
        OSError: If a file cannot be written.
    """
    sample = render(settings.seed, index, settings.scene, settings.size_hw)
    if not sample.people:
        raise ValueError('nobody is in the image')
    split = settings.split_of(index)
    encoded = encode_sample(sample, settings.kinds(), settings.depth_mm)
    for kind, data in encoded.items():
        write_atomically(file_of(root, kind, split, index), data)
    record = describe(sample, settings.seed, index, split)
    write_atomically(record_of(root, index), json_bytes(record))


def json_bytes(content: object) -> bytes:
    """Return JSON without blanks, and a line feed; numbers of numpy as plain ones."""
    text = json.dumps(content, separators=(',', ':'), default=lambda n: n.item())
    return f'{text}\n'.encode()


def finished_samples(
    root: Path,
    settings: DatasetSettings,
    num: int,
    shards: Sequence[Shard],
    loose: bool,
) -> set[int]:
    """Return the samples whose files are all there.

    Args:
        root: Folder of the data set.
        settings: Its settings.
        num: Samples of the whole set.
        shards: Where samples may be, too.
        loose: Files must be in folders; else the shard of a sample does.
    """
    listing = FolderListing(root)
    packed = set() if loose else set().union(*(samples_in(s.path) for s in shards))
    finished = set()
    for index in range(num):
        if record_of(root, index) not in listing:
            continue
        files = (
            file_of(root, kind, settings.split_of(index), index)
            for kind in settings.kinds()
        )
        if sample_name(index) in packed or all(path in listing for path in files):
            finished.add(index)
    return finished


def make_samples(
    root: Path, settings: DatasetSettings, todo: Sequence[int], workers: int
) -> Iterator[tuple[int, str | None]]:
    """Make samples, and yield each with None, or with what went wrong.

    Args:
        root: Folder of the data set.
        settings: Its settings.
        todo: Indices of the samples.
        workers: Processes; 1 works in this one.

    Raises:
        OSError: If a file cannot be written: the disk is full, say.
        RuntimeError: If the system ended a process.
    """
    if workers == 1:
        yield from _make_here(root, settings, todo)
        return
    context = multiprocessing.get_context('spawn')
    with _single_threads():
        pool = ProcessPoolExecutor(
            workers, mp_context=context, initializer=_begin_worker
        )
        try:
            rest = iter(todo)
            # processes that begin now leave Ctrl-C to this one
            with _interrupts_ignored():
                # a few more than workers: a queue of all would pickle millions of calls
                pending = _submit(pool, root, settings, rest, 2 * workers)
            while pending:
                done, _ = wait(pending, return_when=FIRST_COMPLETED)
                for future in done:
                    yield pending.pop(future), _outcome(future)
                pending |= _submit(pool, root, settings, rest, len(done))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _make_here(
    root: Path, settings: DatasetSettings, todo: Sequence[int]
) -> Iterator[tuple[int, str | None]]:
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        for index in todo:
            try:
                make_sample(root, settings, index)
            except OSError:
                # a full disk, say: the next sample would fail as well
                raise
            except Exception as error:
                yield index, _sentence(error)
            else:
                yield index, None
    finally:
        cv2.setNumThreads(threads)


def _submit(
    pool: ProcessPoolExecutor,
    root: Path,
    settings: DatasetSettings,
    rest: Iterator[int],
    count: int,
) -> dict[Future, int]:
    return {
        pool.submit(make_sample, root, settings, index): index
        for index in islice(rest, count)
    }


def _outcome(future: Future) -> str | None:
    error = future.exception()
    if isinstance(error, OSError):
        raise error
    if isinstance(error, BrokenExecutor):
        raise RuntimeError(f'a process has been ended by the system ({error})')
    return None if error is None else _sentence(error)


def _sentence(error: BaseException) -> str:
    text = ' '.join(str(error).split())
    return text if isinstance(error, ValueError) else f'{type(error).__name__}: {text}'


def _begin_worker() -> None:
    """Leave interrupts to the main process, and end when it has gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    parent = multiprocessing.parent_process()

    def follow() -> None:
        # without this a killed parent would leave its workers behind
        if parent is not None:
            parent.join()
            # _exit: sys.exit would end this thread alone
            os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


@contextmanager
def _single_threads() -> Iterator[None]:
    """Have processes that begin meanwhile compute on one thread each."""
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, '1'))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Ignore Ctrl-C, and so do processes that begin meanwhile."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
