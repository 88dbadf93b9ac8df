"""Ends runs at random moments and compares what becomes of them, for hand use.

    python tests/kills/run.py --kills 25
    python tests/kills/run.py --only image_demo video_demo --kills 5 --seed 3

For each command: a run that nobody disturbs; then runs that are killed (SIGKILL), up to
five times in one folder, and end in the same state; two with Ctrl-C; one on a disk that
is too small and one that may write small files only; and two at once in one folder. It
prints what it counted and exits with 1 if something was not as it must be. Commands
begin as forks of this process, so most of their time is work.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / 'tests'), str(Path(__file__).parent)]

from cases import Case, State, make_cases  # noqa: E402
from fork import Fork  # noqa: E402
from small_disk import SmallDisk, room_for  # noqa: E402

import sapiens_mm  # noqa: E402, F401  before the hosts: it patches them

CHAIN = 5  # kills in one folder


class Runner:
    """Starts processes of a case and counts what goes wrong.

    Args:
        folder: For logs and outputs.
        seed: Of the moments.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.random = random.Random(seed)
        self.wrong: list[str] = []

    def start(
        self, argv: list[str], log: Path, max_bytes: int | None = None
    ) -> Fork | subprocess.Popen:
        """Start a command that may write files of ``max_bytes`` only."""

        def prepare() -> None:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            if max_bytes is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (max_bytes, max_bytes))

        with log.open('w') as file:
            # a log may grow as it likes
            pipe = os.pipe() if max_bytes else (None, file.fileno())
            if 'synth' not in argv:
                process = Fork(argv[3:], pipe, self.folder, prepare)
            else:  # it starts processes by itself, afresh
                process = subprocess.Popen(
                    argv,
                    cwd=self.folder,
                    stdout=pipe[1],
                    stderr=pipe[1],
                    start_new_session=True,
                    preexec_fn=prepare,
                )
        if max_bytes:
            os.close(pipe[1])
            with os.fdopen(pipe[0], 'rb') as said:
                log.write_bytes(said.read())
            process.wait()
        return process

    def check(self, good: bool, what: str) -> None:
        """Note what is not as it must be."""
        if not good:
            self.wrong.append(what)
            print(f'WRONG: {what}', flush=True)

    def run(self, case: Case, kills: int) -> None:
        """Do all that is done to a case."""
        log = self.folder / f'{case.name}.log'
        for name in ('warm_up', 'reference'):
            reference = self.folder / f'{case.name}_{name}'
            begun = time.monotonic()
            process = self.start(case.argv(reference), log)
            first = None
            while process.poll() is None:
                if first is None and reference.is_dir() and any(reference.rglob('*')):
                    first = time.monotonic() - begun
                time.sleep(0.01)
            whole_s = time.monotonic() - begun
            said = log.read_text()[-500:]
            self.check(process.returncode == 0, f'{case.name}: {said}')
        expected = case.state(reference)
        print(f'{case.name}: {whole_s:.1f} s, {len(expected)} files', flush=True)
        killed = number = 0
        while killed < kills:
            out = self.folder / f'{case.name}_{number}'
            number += 1
            for _ in range(min(CHAIN, kills - killed)):
                # while it starts, too, but mostly when there is something to break;
                # what goes on has less to do
                begin, end = (0, whole_s) if killed % 5 == 0 else (first, whole_s)
                moment = begin + self.random.uniform(0, 0.4) * (end - begin)
                again = case.again if out.exists() else []
                process = self.start([*case.argv(out), *again], log)
                try:
                    process.wait(moment)
                    break
                except subprocess.TimeoutExpired:
                    # workers follow by themselves
                    alone = case.name == 'synthesize_humans'
                    (os.kill if alone else os.killpg)(process.pid, signal.SIGKILL)
                    process.wait()
                    killed += 1
            self.finish(case, out, log, expected, 'after kills')
            shutil.rmtree(out)
        print(f'{case.name}: {killed} kills in {number} folders', flush=True)
        self.interrupt(case, log, expected, first, whole_s)
        self.fill_disk(case, log, expected, room_for(reference))
        self.run_twice(case, log, expected)

    def finish(
        self, case: Case, out: Path, log: Path, expected: State, how: str
    ) -> None:
        """Let a run go on to its end and compare."""
        again = case.again if out.exists() else []
        process = self.start([*case.argv(out), *again], log)
        process.wait()
        said = log.read_text()[-800:]
        self.check(process.returncode == 0, f'{case.name} {how} ends so: {said}')
        found = case.state(out)
        differing = {
            name
            for name in {*found, *expected}
            if found.get(name) != expected.get(name)
        }
        self.check(not differing, f'{case.name} {how} differs in {sorted(differing)}')

    def interrupt(
        self, case: Case, log: Path, expected: State, first: float, whole_s: float
    ) -> None:
        """Send Ctrl-C while it starts, and while it works."""
        for moment in (0.6 * first, first + 0.3 * (whole_s - first)):
            out = self.folder / f'{case.name}_interrupted'
            process = self.start(case.argv(out), log)
            time.sleep(moment)
            process.send_signal(signal.SIGINT)
            process.wait()
            said = log.read_text()
            self.check(
                process.returncode == 130 and 'Traceback' not in said,
                f'{case.name}, Ctrl-C at {moment:.1f} s: {process.returncode}, '
                f'{said[-800:]}',
            )
            self.check_no_parts(case, out, 'Ctrl-C')
            self.finish(case, out, log, expected, 'after Ctrl-C')
            shutil.rmtree(out)
        print(f'{case.name}: Ctrl-C twice', flush=True)

    def fill_disk(self, case: Case, log: Path, expected: State, room: int) -> None:
        """Let it write half of what it has to, and then small files only."""
        out = self.folder / f'{case.name}_small'
        try:
            disk = SmallDisk(out, room // 2)
        except OSError as error:
            print(f'{case.name}: no small disk here: {error}', flush=True)
        else:
            try:
                code = self.start(case.argv(out), log).wait()
                self.check_full(case, out, log, code)
                disk.grow()
                self.finish(case, out, log, expected, 'after a full disk')
            finally:
                disk.close()
            out.rmdir()
        out = self.folder / f'{case.name}_full'
        code = self.start(case.argv(out), log, case.max_bytes).wait()
        self.check_full(case, out, log, code)
        self.finish(case, out, log, expected, 'after files that became too large')
        shutil.rmtree(out)

    def check_full(self, case: Case, out: Path, log: Path, code: int) -> None:
        """Look at what a run says and leaves that could not write."""
        said = log.read_text()
        sentences = said.count('error: ') + said.count('failed: ')
        self.check(
            code == 1 and 'Traceback' not in said and sentences == 1,
            f'{case.name}, disk full: {code}, {said[-1500:]}',
        )
        self.check_no_parts(case, out, 'disk full')
        last = next((x for x in reversed(said.splitlines()) if x.strip()), '')
        print(f'{case.name}: disk full: {last}', flush=True)

    def run_twice(self, case: Case, log: Path, expected: State) -> None:
        """Run two at once in one folder."""
        out = self.folder / f'{case.name}_twice'
        logs = [log, log.with_suffix('.second')]
        processes = [self.start(case.argv(out), file) for file in logs]
        codes = tuple(sorted(process.wait() for process in processes))
        said = ''.join(file.read_text()[-600:] for file in logs)
        self.check(codes in case.twice, f'{case.name} twice: {codes}, {said}')
        self.check('Traceback' not in said, f'{case.name} twice: {said}')
        self.check(case.state(out) == expected, f'{case.name} twice: other files')
        self.finish(case, out, log, expected, 'after two at once')
        shutil.rmtree(out)
        print(f'{case.name}: two at once, exit codes {codes}', flush=True)

    def check_no_parts(self, case: Case, out: Path, how: str) -> None:
        """Look for unfinished files."""
        parts = [str(path) for path in out.rglob('*.part*')]
        self.check(not parts, f'{case.name}, {how}, leaves {parts}')


def main() -> int:
    """Run; 1 if something was wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = ['image_demo', 'video_demo', 'synthesize_humans', 'train']
    parser.add_argument('--only', nargs='+', choices=names, default=names)
    parser.add_argument('--kills', type=int, default=25, help='of each command')
    parser.add_argument('--seed', type=int, default=0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix='kill_runs_') as name:
        runner = Runner(Path(name), args.seed)
        for case in make_cases(Path(name)):
            if case.name in args.only:
                runner.run(case, args.kills)
    print(f'{len(runner.wrong)} things wrong')
    return 1 if runner.wrong else 0


if __name__ == '__main__':
    sys.exit(main())
