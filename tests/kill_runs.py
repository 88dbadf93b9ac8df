"""Ends runs at random moments and compares what becomes of them, for hand use.

    python tests/kill_runs.py --kills 25
    python tests/kill_runs.py --only image video --kills 5 --seed 3

For each command: a run that nobody disturbs; then runs that are killed (SIGKILL), up to
five times in one folder, and end in the same state; one with Ctrl-C; one that may write
small files only, as on a full disk; and two at once in one folder. It prints what it
counted and exits with 1 if something was not as it must be. Commands begin as forks of
this process, which has imported all that takes seconds, so most of their time is work.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / 'demo')]
sys.path[:0] = [str(ROOT / 'tests'), str(ROOT / 'tests/tools')]

from script_util import load_script  # noqa: E402

import sapiens_mm  # noqa: E402, F401  before the hosts: it mends them

CHAIN = 5  # kills in one folder
State = Mapping[str, str]


@dataclass
class Case:
    """A command, and what it leaves.

    Attributes:
        name: Of the case.
        argv: Command line for a folder.
        state: What counts of a folder: name to a hash.
        max_bytes: Of a file, on the disk that is full.
        twice: Exit codes that two runs in one folder may have, sorted.
        again: Added when a run is to go on.
    """

    name: str
    argv: Callable[[Path], list[str]]
    state: Callable[[Path], State]
    max_bytes: int
    twice: tuple[tuple[int, int], ...]
    again: list[str] = field(default_factory=list)


def files_of(folder: Path) -> State:
    """Return a hash of every file."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in sorted(folder.rglob('*'))
        if path.is_file()
    }


def weights_of(folder: Path) -> State:
    """Return hashes of the tensors of checkpoints, and what else is no log."""
    import torch

    found = {}
    for path in sorted(folder.rglob('*')):
        name = path.relative_to(folder).as_posix()
        if path.suffix == '.pth':
            content = torch.load(path, weights_only=True)
            digest = hashlib.sha256()
            for key, value in sorted(content['state_dict'].items()):
                digest.update(key.encode() + value.numpy().tobytes())
            digest.update(str(content['optimizer']['param_groups']).encode())
            found[name] = digest.hexdigest()
        elif path.name == 'last_checkpoint':
            found[name] = Path(path.read_text()).name
        elif 'part' in path.suffixes or path.name.startswith('.'):
            found[name] = 'left over'
    return found


def make_cases(folder: Path) -> list[Case]:
    """Write inputs and small models, and return the cases."""
    import cv2
    import mmengine.runner  # noqa: F401  all that takes seconds
    import mmpose.models  # noqa: F401
    import mmseg.models  # noqa: F401
    import torch
    import video_files
    from tiny_runs import pose_config, write_people

    import sapiens_mm.apis  # noqa: F401
    from sapiens_mm.testing import build_model, fake_person_photo, tiny_config

    models = {}
    for task, name in (
        ('pose', 'pose/sapiens_0.3b_coco17-1024x768'),
        ('seg', 'seg/sapiens_0.3b_goliath28-1024x768'),
    ):
        cfg = tiny_config(name)
        cfg.dump(folder / f'{task}.py')
        torch.save(build_model(cfg).state_dict(), folder / f'{task}.pth')
        models[task] = ['--config', folder / f'{task}.py']
        models[task] += ['--checkpoint', folder / f'{task}.pth', '--device', 'cpu']
    photos = folder / 'photos'
    for n in range(60):
        path = photos / f'{n % 3}' / f'{n}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), fake_person_photo(n, (200, 150)))
    clip = video_files.make_video(folder / 'clip.mp4', 60)
    cfg = pose_config(
        write_people(folder / 'people', 4),
        epochs=4,
        batch_size=2,
        input_hw=(64, 48),
        width=32,
        depth=1,
    )
    cfg.default_hooks.checkpoint.update(interval=1, max_keep_ckpts=1)
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.dump(folder / 'train.py')

    def script(path: str, *argv: object) -> list[str]:
        return [sys.executable, str(ROOT / path), *map(str, argv)]

    palette = [*models['seg'], '--palette']
    data = [*models['pose'], '--save-data']
    synth = ['--num', 12, '--size', '96x72', '--workers', 2, '--format', 'both']
    return [
        Case(
            'image_demo',
            lambda out: script(
                'demo/image_demo.py', photos, *palette, '--out-dir', out
            ),
            files_of,
            max_bytes=20_000,
            twice=((0, 0),),
        ),
        Case(
            'video_demo',
            lambda out: script('demo/video_demo.py', clip, *data, '--out-dir', out),
            files_of,
            max_bytes=20_000,
            twice=((0, 0), (0, 2)),
        ),
        Case(
            'synthesize_humans',
            lambda out: script(
                'tools/synthesize_humans.py', out, *synth, '--shard-size', 5
            ),
            files_of,
            max_bytes=6000,
            twice=((0, 2),),
        ),
        Case(
            'train',
            lambda out: script(
                'tools/train.py', folder / 'train.py', '--work-dir', out
            ),
            weights_of,
            max_bytes=100_000,
            twice=(),
            again=['--resume'],
        ),
    ]


class Fork:
    """A script's ``main`` in a fork of this process; as ``subprocess.Popen``.

    Args:
        argv: The script and its arguments.
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
            code = load_script(argv[0]).main(argv[1:])
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
            if 'synthesize' not in argv[1]:
                process = Fork(argv[1:], pipe, self.folder, prepare)
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
        print(f'{case.name}: {killed} kills in {number} folders', flush=True)
        self.interrupt(case, log, expected, first, whole_s)
        self.fill_disk(case, log, expected)
        if case.twice:
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
        shutil.rmtree(out)

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
        print(f'{case.name}: Ctrl-C twice', flush=True)

    def fill_disk(self, case: Case, log: Path, expected: State) -> None:
        """Let it write small files only."""
        out = self.folder / f'{case.name}_full'
        process = self.start(case.argv(out), log, case.max_bytes)
        said = log.read_text()
        self.check(
            process.returncode == 1 and 'Traceback' not in said,
            f'{case.name}, disk full: {process.returncode}, {said[-1500:]}',
        )
        self.check_no_parts(case, out, 'disk full')
        self.finish(case, out, log, expected, 'after a full disk')
        last = [line for line in said.splitlines() if line.strip()][-1]
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
