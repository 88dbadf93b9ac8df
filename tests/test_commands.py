"""How commands end: sentences and exit codes."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sapiens_mm.cli.convert import KINDS
from sapiens_mm.cli.main import VERBS
from sapiens_mm.commands import WRONG, command, explain

ROOT = Path(__file__).resolve().parents[1]


class OutOfMemoryError(RuntimeError):
    """As PyTorch's."""


@pytest.mark.parametrize(
    ('error', 'code', 'said'),
    [
        (ValueError('--a must be 1, got 2'), 2, 'error: --a must be 1, got 2'),
        (ModuleNotFoundError('av is needed'), 2, 'error: av is needed'),
        (PermissionError(errno.EACCES, 'Denied', 'b.jpg'), 2, 'error: b.jpg: Denied'),
        (OSError(errno.ENOTDIR, 'No folder', 'a/b'), 2, 'error: a/b: No folder'),
        (OSError(errno.ENAMETOOLONG, 'Long', 'x'), 2, 'error: x: Long'),
        (OSError(errno.ENOSPC, 'Full', 'x'), 1, 'error: x: Full; the rest is kept'),
        (MemoryError(), 1, 'error: there is not enough memory for this; the'),
        (
            OutOfMemoryError('CUDA out of memory. Tried to allocate 2 GiB. GPU 0'),
            *(1, 'error: CUDA out of memory: a smaller batch or size needs less'),
        ),
        (KeyboardInterrupt('3 of 9'), 130, 'stopped by Ctrl-C; 3 of 9; the rest is'),
    ],
)
def test_sentences(capsys, error, code, said):
    @command(kept='the rest is kept')
    def main(argv=None):
        raise error

    assert main([]) == code
    shown = capsys.readouterr().err.strip()
    assert shown.startswith(said) and 'Traceback' not in shown and 'Errno' not in shown


def test_bugs_keep_their_traceback():
    @command()
    def main(argv=None):
        raise argv[0]

    for bug in (TypeError('x'), KeyError('x'), RuntimeError('x'), AssertionError('x')):
        with pytest.raises(type(bug)):
            main([bug])
    with pytest.raises(SystemExit):
        main([SystemExit(3)])

    @command('tool', wrong=())
    def runs_hosts(argv=None):
        raise argv[0]

    with pytest.raises(ValueError):
        runs_hosts([ValueError('somewhere in a host')])
    assert runs_hosts([OSError(errno.ENOSPC, 'Full')]) == 1

    @command(wrong=(*WRONG, RuntimeError))
    def more(argv=None):
        raise argv[0]

    assert more([RuntimeError('x')]) == 2


def test_a_package_that_is_missing(monkeypatch):
    """The line that brings it; what is not a package of ours is told as it is."""
    found = {'numpy', 'mmpose'}
    monkeypatch.setattr('sapiens_mm.hosts.is_installed', found.__contains__)

    def explained(name, wrong=()):
        error = ModuleNotFoundError(f'No module named {name!r}', name=name)
        return explain(error, wrong)

    for wrong in ((), WRONG):
        sentence, code = explained('numba.core', wrong)
        assert code == 2 and "pip install 'sapiens_mm[synth]'" in sentence
    assert explained('numpy.gone') is None and explained('my_module') is None
    assert explained('my_module', WRONG) == ("No module named 'my_module'", 2)


def test_ctrl_c_that_a_host_has_turned_into_something_else(capsys):
    @command(wrong=())
    def main(argv=None):
        try:
            raise KeyboardInterrupt
        except:  # noqa: E722  as in mmengine's Config.pretty_text
            raise SyntaxError('check the syntax of the config') from None

    assert main([]) == 130
    assert capsys.readouterr().err == '\nstopped by Ctrl-C\n'


def test_nobody_reads_the_output():
    """As ``sapiens config --list | head -1``."""
    code = (
        'import sys; from sapiens_mm.commands import command\n'
        'def main(argv):\n'
        '    for n in range(100000): print(n)\n'
        '    return 0\n'
        'sys.exit(command()(main)([]))'
    )
    process = subprocess.Popen(
        [sys.executable, '-c', code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    process.stdout.readline()
    process.stdout.close()
    said = process.stderr.read()
    assert process.wait(60) == 141 and said == ''


def test_ctrl_c_while_things_are_imported(tmp_path):
    """A tool that is interrupted before its main begins."""
    code = (
        'import sys, time; from sapiens_mm.commands import quiet_interrupts\n'
        'quiet_interrupts(); print(1, flush=True); time.sleep(60)'
    )
    process = subprocess.Popen(
        [sys.executable, '-c', code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    process.stdout.readline()
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said == '\nstopped by Ctrl-C\n'


MODULES = [
    *(f'convert_{kind}' for kind in KINDS),
    *(verb.replace('-', '_') for verb in VERBS if verb not in ('convert', 'web')),
]


@pytest.mark.parametrize('name', MODULES)
def test_every_command_ends_so(name):
    text = (ROOT / f'sapiens_mm/cli/{name}.py').read_text(encoding='utf-8')
    before, _, _ = text.partition('def main(')
    assert '@command(' in before.splitlines()[-1]


@pytest.mark.skipif(not os.path.exists('/dev/full'), reason='no device that is full')
def test_a_device_that_is_full(tmp_path, capsys):
    """What the system says of a full disk arrives as a sentence."""

    @command(kept='finished files are kept')
    def main(argv=None):
        with open('/dev/full', 'wb') as file:
            file.write(b'x' * 10)
        return 0

    assert main([]) == 1
    sentence = 'error: No space left on device; finished files are kept\n'
    assert capsys.readouterr().err == sentence
