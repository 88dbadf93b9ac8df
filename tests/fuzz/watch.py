"""Runs cases in a process of their own: a hang ends it, and memory is measured."""

from __future__ import annotations

import multiprocessing
import os
import random
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

LIMIT_S = 5.0
LIMIT_MB = 1200.0


@dataclass
class Outcome:
    """What came of many cases.

    Attributes:
        words: How often each came: ``read``, ``told``.
        faults: Seed and text of what must not be.
        slowest_s: Of the cases.
        peak_mb: Resident memory of the process at its worst, 0 where it is unknown.
    """

    words: Counter = field(default_factory=Counter)
    faults: list[tuple[int, str]] = field(default_factory=list)
    slowest_s: float = 0.0
    peak_mb: float = 0.0

    def __str__(self) -> str:
        counts = ', '.join(f'{word} {n}' for word, n in sorted(self.words.items()))
        return (
            f'{counts}, faults {len(self.faults)}; slowest {self.slowest_s:.2f} s, '
            f'peak {self.peak_mb:.0f} MB'
        )


def run_cases(kind: str, seeds: Iterable[int], limit_s: float = LIMIT_S) -> Outcome:
    """Make and read cases of a kind of ``kinds.KINDS``, one a seed."""
    outcome = Outcome()
    context = multiprocessing.get_context('spawn')
    worker = pipe = None
    try:
        for seed in seeds:
            if worker is None:
                pipe, other = context.Pipe()
                worker = context.Process(target=_work, args=(kind, other), daemon=True)
                worker.start()
                assert pipe.poll(120) and pipe.recv() == 'ready'
            pipe.send(seed)
            if not pipe.poll(limit_s + 1):
                outcome.faults.append((seed, f'no end after {limit_s:g} s'))
            else:
                try:
                    word, text, seconds, peak_mb = pipe.recv()
                except EOFError:
                    outcome.faults.append((seed, 'the process died'))
                else:
                    outcome.slowest_s = max(outcome.slowest_s, seconds)
                    outcome.peak_mb = max(outcome.peak_mb, peak_mb)
                    outcome.words[word] += word != 'fault'
                    if word == 'fault':
                        outcome.faults.append((seed, text))
                    elif seconds > limit_s or peak_mb > LIMIT_MB:
                        text = f'{seconds:.1f} s, {peak_mb:.0f} MB'
                        outcome.faults.append((seed, text))
                    continue
            worker.kill()
            worker.join()
            worker = None
    finally:
        if worker is not None:
            pipe.send(None)
            worker.join(10)
            worker.kill()
    outcome.words += Counter()  # drops zeros
    return outcome


def _work(kind_name: str, pipe: Connection) -> None:
    from kinds import KINDS
    from mutators import mutate

    kind = KINDS[kind_name]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        files = kind.seeds()
        for number, data in enumerate(files):  # whole ones must be read
            path = Path(f'seed_{number}{kind.suffix}')
            path.write_bytes(data)
            if kind_name != 'annotations':
                assert kind.read(path) == 'read', f'{kind_name} {number}'
        damage = getattr(kind, 'damage', mutate)
        pipe.send('ready')
        while (seed := pipe.recv()) is not None:
            path = Path(f'case{kind.suffix}')
            path.write_bytes(damage(files, seed))
            _forget_peak()
            started = time.perf_counter()
            try:
                word, text = kind.read(path), ''
            except BaseException:
                word, text = 'fault', traceback.format_exc()[-1500:]
            pipe.send((word, text, time.perf_counter() - started, _peak_mb()))
        os.chdir('/')


def _forget_peak() -> None:
    try:
        Path('/proc/self/clear_refs').write_text('5')
    except OSError:  # no Linux, or not allowed: then it is the peak so far
        return


def _peak_mb() -> float:
    try:
        lines = Path('/proc/self/status').read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(w.split()[1]) / 1024 for w in lines if w.startswith('VmHWM')), 0.0)


def seeds_of(count: int, first: int = 0) -> list[int]:
    """Return so many seeds in an order that mixes kinds of damage."""
    found = list(range(first, first + count))
    random.Random(0).shuffle(found)
    return found
