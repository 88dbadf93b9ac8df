"""The command line of tools/bootstrap.py, and what it says and chooses."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from script_util import load_script

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / 'tools' / 'bootstrap.py'
SUPPORTED = ((3, 10), (3, 13))
PINS = ['torch==2.14.1', 'torchvision==0.29.1']


@pytest.fixture
def entry():
    """tools/bootstrap.py as a module."""
    return load_script('tools/bootstrap.py')


# Python


@pytest.mark.parametrize('version', [(3, 10), (3, 11), (3, 12), (3, 13)])
def test_supported_python_is_no_problem(entry, version):
    assert entry.python_problem(version) == ''


@pytest.mark.parametrize('version', [(3, 9), (3, 14), (2, 7)])
def test_unsupported_python_gets_one_sentence(entry, monkeypatch, version):
    monkeypatch.setattr(entry, '_works', lambda program, version: False)
    text = entry.python_problem(version)
    assert f'this is Python {version[0]}.{version[1]}' in text
    assert '3.10, 3.11, 3.12 and 3.13' in text
    assert '\n' not in text


def test_a_fitting_python_is_suggested(entry, monkeypatch):
    monkeypatch.setattr(entry, '_works', lambda program, version: version == '3.11')
    assert 'python3.11 ' in entry.python_problem((3, 14))


def test_range_is_the_same_in_every_place(entry, parts):
    assert (entry.OLDEST, entry.NEWEST) == parts.cli.SUPPORTED == SUPPORTED
    text = (ROOT / 'pyproject.toml').read_text(encoding='utf-8')
    assert "requires-python = '>=3.10,<3.14'" in text


def test_entry_file_parses_on_old_python():
    tree = ast.parse(SCRIPT.read_text(encoding='utf-8'), feature_version=(3, 4))
    assert not [n for n in ast.walk(tree) if isinstance(n, ast.JoinedStr)]


# requirement files


def test_requirement_lines_lose_comments_only(parts, tmp_path):
    path = tmp_path / 'r.txt'
    path.write_text('# why\nnumpy>=1.26,<3  # because\n\na@b#c ; python_version<"3"\n')
    lines = parts.pip_runner.read_requirements(path)
    assert lines == ['numpy>=1.26,<3', 'a@b#c ; python_version<"3"']
    assert parts.pip_runner.name_of('json_tricks>=3') == 'json-tricks'
    assert parts.pip_runner.pins_of(['a_b==1.2', 'c>=3', 'd==1; x']) == {'a-b': '1.2'}


# torch


class FakePip:
    """Offers the requirements that contain one of the given words."""

    def __init__(self, *offered):
        self.offered = offered
        self.asked = []

    def offers(self, *arguments):
        self.asked.append(arguments)
        return any(word in ' '.join(arguments) for word in self.offered)


@pytest.mark.parametrize(
    ('options', 'offered', 'reachable', 'kind', 'extra'),
    [
        (dict(gpu=True), ['+cpu'], True, 'default', []),
        (dict(gpu=False), ['+cpu'], False, 'cpu', []),
        (dict(gpu=False), [], False, 'default', []),
        (dict(gpu=False), ['whl/cpu'], True, 'cpu', ['pytorch']),
        (dict(gpu=False), ['whl/cpu'], False, 'default', []),
        (dict(gpu=False, probe=False), ['whl/cpu'], True, 'default', []),
        (dict(gpu=False, index='http://x/'), ['http://x/'], True, 'cpu', ['http://x/']),
        (dict(gpu=True, index='http://x/'), [], True, 'default', ['http://x/']),
        (dict(gpu=True, want='cpu'), ['+cpu'], True, 'cpu', []),
        (dict(gpu=False, want='default'), ['+cpu'], True, 'default', []),
        (dict(gpu=False, system='darwin'), ['+cpu'], True, 'default', []),
        (dict(gpu=False, system='win32'), ['+cpu'], True, 'default', []),
    ],
)
def test_choice_of_torch(parts, monkeypatch, options, offered, reachable, kind, extra):
    monkeypatch.setattr(parts.torch_build, 'answers', lambda index: reachable)
    options = {'system': 'linux', **options}
    progress = parts.machine.Progress()
    choice = parts.torch_build.choose(FakePip(*offered), PINS, progress, **options)
    assert choice.kind == kind
    suffix = '+cpu' if kind == 'cpu' else ''
    assert choice.requirements == [pin + suffix for pin in PINS]
    indexes = [
        parts.torch_build.PYTORCH_CPU_INDEX if e == 'pytorch' else e for e in extra
    ]
    assert [o for o in choice.options if o != '--extra-index-url'] == indexes


def test_cpu_build_demanded_and_not_to_be_had(parts, monkeypatch):
    monkeypatch.setattr(parts.torch_build, 'answers', lambda index: False)
    progress = parts.machine.Progress()
    with pytest.raises(parts.machine.SetupError, match='--torch-index'):
        parts.torch_build.choose(FakePip(), PINS, progress, want='cpu', gpu=False)


def test_probe_of_a_dead_index_is_short(parts):
    start = time.monotonic()
    # a port of this machine that nothing listens on
    assert parts.torch_build.answers('http://127.0.0.1:9', timeout_s=1.0) is False
    assert time.monotonic() - start < 3


@pytest.mark.parametrize(
    ('answer', 'expected'),
    [('GPU 0: NVIDIA H100 (UUID: GPU-1)', True), ('No devices found', False)],
)
def test_gpu_is_seen_through_nvidia_smi(parts, monkeypatch, tmp_path, answer, expected):
    if os.name == 'nt' or Path('/dev/nvidia0').exists():
        pytest.skip('a script cannot stand in for nvidia-smi here')
    program = tmp_path / 'nvidia-smi'
    program.write_text(f'#!/bin/sh\necho "{answer}"\n')
    program.chmod(0o755)
    monkeypatch.setenv('PATH', str(tmp_path), prepend=os.pathsep)
    assert parts.machine.has_nvidia_gpu() is expected


# the command line, in processes of their own


def run(*arguments, **environ):
    """Run bootstrap.py; return exit code, output and errors."""
    answer = subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environ},
    )
    return answer.returncode, answer.stdout, answer.stderr


def test_missing_ensurepip_is_one_sentence(tmp_path):
    for module in ('ensurepip', 'virtualenv'):
        (tmp_path / f'{module}.py').write_text('raise ImportError("not here")')
    place = tmp_path / 'v'
    code, _, errors = run('install', '--venv', str(place), PYTHONPATH=str(tmp_path))
    assert code == 1
    assert errors.count('\n') == 1
    assert 'apt install python3-venv' in errors
    assert not (place / 'pyvenv.cfg').exists()


def test_missing_image_is_said_before_the_installation(tmp_path):
    place = tmp_path / 'v'
    code, _, errors = run('demo', 'no such.jpg', '--venv', str(place))
    assert code == 1
    assert errors == "There is no image, folder or match for 'no such.jpg'.\n"
    assert not place.exists()


def test_unknown_option_of_demo_is_refused():
    code, _, errors = run('demo', '--colour')
    assert code == 2
    assert '--colour' in errors


def test_arguments_are_split_between_us_and_the_job(parts, monkeypatch):
    monkeypatch.setenv('SAPIENS_MM_TORCH_INDEX', 'http://there/')
    options, rest = parts.cli.parse(
        ['test', '--all', '-k', 'not x', 'tests/pose', '--venv', 'a b', '-x']
    )
    assert (options.all, options.venv) == (True, 'a b')
    assert options.torch_index == 'http://there/'
    assert rest == ['-k', 'not x', 'tests/pose', '-x']
    options, rest = parts.cli.parse(['demo', 'my photo.jpg', '--', '--size', '0.3b'])
    assert options.image == 'my photo.jpg'
    assert rest == ['--size', '0.3b']


def test_demo_command_keeps_spaces_and_exit_code(parts, monkeypatch, tmp_path, capsys):
    ran = []

    def fake_run(command, cwd=None):
        ran.append(command)
        return 3

    monkeypatch.setattr(parts.cli, '_run', fake_run)
    venv = parts.virtual_env.VirtualEnv(tmp_path / 'a venv')
    image = str(tmp_path / 'my photo.jpg')
    progress = parts.machine.Progress()
    assert parts.cli.demo(venv, image, ['--device', 'cpu'], progress) == 3
    assert ran[0][0] == str(venv.python)
    assert ran[0][2:] == [
        *(image, '--task', 'all', '--out-dir', str(parts.cli.ROOT / 'outputs/demo')),
        *('--device', 'cpu'),
    ]
    assert 'pictures' not in capsys.readouterr().out
    parts.cli.demo(venv, image, ['--mask=people'], progress)
    assert ran[1][-1] == '--mask=people'


def test_failed_lint_fails_a_run_whose_tests_pass(parts, monkeypatch, tmp_path, capsys):
    ran = []
    monkeypatch.setattr(parts.cli, 'lint', lambda *a: ['ruff check'])
    monkeypatch.setattr(parts.cli, '_run', lambda c, cwd=None: ran.append(c) or 0)
    venv = parts.virtual_env.VirtualEnv(tmp_path)
    assert parts.cli.test(venv, ['-x'], True, parts.machine.Progress()) == 1
    assert ran[0][1:5] == ['-m', 'pytest', '-m', '']
    assert ran[0][-1] == '-x'
    assert 'ruff check' in capsys.readouterr().err


def test_tests_run_side_by_side_unless_told_otherwise(parts, monkeypatch):
    monkeypatch.setattr(parts.cli.os, 'cpu_count', lambda: 2)
    assert parts.cli.side_by_side(['tests/pose']) == ['-n', '2', '--dist', 'loadfile']
    for own in (['-n0'], ['--pdb'], ['-s', 'tests'], ['--dist=load']):
        assert parts.cli.side_by_side(own) == []


def test_large_files_are_found_with_and_without_git(parts, monkeypatch, tmp_path):
    (tmp_path / 'outputs').mkdir()
    for name in ('big.bin', 'outputs/skipped.bin'):
        (tmp_path / name).write_bytes(bytes(parts.lint.LARGEST_BYTES + 1))
    (tmp_path / 'fits.bin').write_bytes(bytes(parts.lint.LARGEST_BYTES))
    assert parts.lint.large_files(tmp_path) == [tmp_path / 'big.bin']


def test_bfloat16_where_the_processor_has_it(parts, tmp_path):
    has_fast_bfloat16 = parts.machine.has_fast_bfloat16
    info = tmp_path / 'cpuinfo'
    info.write_text('flags\t\t: fpu avx512_bf16 amx_bf16 amx_tile\n')
    assert has_fast_bfloat16(info)
    info.write_text('flags\t\t: fpu avx2 avx512_bf16\n')
    assert not has_fast_bfloat16(info)
    assert not has_fast_bfloat16(tmp_path / 'none')
