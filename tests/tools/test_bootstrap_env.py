"""How tools/bootstrap.py fills, reuses and mends an environment; pip is fake."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_first_run_installs_in_stages_and_second_needs_no_pip(sandbox, capsys):
    sandbox.prepare()
    made = sandbox.pip_calls()
    assert [c[0] for c in made] == ['install'] * 4
    torch, libraries, hosts, package = made
    assert any(word.startswith('torch==') for word in torch)
    assert '--constraint' in torch
    assert 'opencv-python-headless>=4.9,<6' in libraries
    assert not [w for c in made for w in c if w.startswith('opencv-python>')]
    assert '--no-deps' in hosts
    assert {'mmengine==0.10.7', 'mmcv-lite==2.1.0', 'mmpose==1.3.2'} <= set(hosts)
    assert package[-2:] == ['--editable', str(ROOT)]
    assert '--no-index' in package
    sandbox.prepare()
    assert sandbox.pip_calls() == []
    assert 'is ready' in capsys.readouterr().out.splitlines()[-1]


def test_tools_for_tests_come_only_when_asked(sandbox):
    sandbox.prepare()
    sandbox.pip_calls()
    sandbox.prepare(dev=True)
    assert sandbox.installed_stages() == ['tools']
    sandbox.prepare()
    sandbox.prepare(dev=True)
    assert sandbox.pip_calls() == []


def test_interrupted_installation_goes_on(parts, sandbox, monkeypatch):
    monkeypatch.setenv('FAKE_PIP_FAILS', 'mmpose')
    monkeypatch.setenv('FAKE_PIP_SAYS', 'a strange end')
    with pytest.raises(parts.machine.SetupError, match='a strange end'):
        sandbox.prepare()
    sandbox.pip_calls()
    monkeypatch.delenv('FAKE_PIP_FAILS')
    sandbox.prepare()
    assert sandbox.installed_stages() == ['hosts', 'sapiens_mm']


def test_package_without_installer_mark_is_installed_again(sandbox):
    venv = sandbox.prepare()
    sandbox.pip_calls()
    infos = list(sandbox.folder.glob('lib/*/site-packages/torch-*.dist-info'))
    (infos[0] / 'INSTALLER').unlink()
    assert 'torch' not in venv.installed()
    sandbox.prepare()
    assert sandbox.installed_stages() == ['torch']


def test_changed_requirements_redo_their_stage_only(sandbox):
    sandbox.prepare()
    sandbox.pip_calls()
    stamp = json.loads(sandbox.stamp.read_text())
    stamp['stages']['libraries'] = 'of an older file'
    sandbox.stamp.write_text(json.dumps(stamp))
    sandbox.prepare()
    assert sandbox.installed_stages() == ['libraries']


def test_cpu_build_gives_way_when_a_gpu_appears(parts, sandbox, monkeypatch):
    monkeypatch.setenv('FAKE_CPU', '1')
    venv = sandbox.prepare()
    assert venv.installed()['torch'] == '2.14.1+cpu'
    sandbox.pip_calls()
    monkeypatch.setattr(parts.machine, 'has_nvidia_gpu', lambda: True)
    sandbox.prepare()
    told = sandbox.pip_calls()
    assert told[0] == ['uninstall', '--yes', 'torch', 'torchvision']
    assert 'torch==2.14.1' in told[1]


@pytest.mark.parametrize('damage', ['python', 'nonsense in the stamp'])
def test_broken_environment_is_mended(sandbox, damage, capsys):
    sandbox.prepare()
    sandbox.pip_calls()
    if damage == 'python':
        (sandbox.folder / 'bin' / 'python').unlink()
    else:
        sandbox.stamp.write_text('{"stages"')
    sandbox.prepare()
    assert len(sandbox.installed_stages()) == 4
    assert ('is broken' in capsys.readouterr().out) == (damage == 'python')


def test_a_folder_of_something_else_is_left_alone(parts, sandbox):
    sandbox.folder.mkdir(parents=True)
    (sandbox.folder / 'thesis.tex').write_text('x')
    with pytest.raises(parts.machine.SetupError, match='no virtual environment'):
        sandbox.prepare()
    assert [p.name for p in sandbox.folder.iterdir()] == ['thesis.tex']


def test_a_place_that_cannot_be_written(parts, sandbox):
    sandbox.folder.parent.parent.mkdir(exist_ok=True)
    sandbox.folder.parent.write_text('a file where a folder should be')
    with pytest.raises(parts.machine.SetupError, match='--venv PATH'):
        sandbox.prepare()


def test_two_at_once_wait_for_each_other(parts, tmp_path, capsys):
    lock = tmp_path / 'lock'
    order = []
    holder = subprocess.Popen(
        [
            sys.executable,
            '-c',
            'import sys, time; sys.path.insert(0, sys.argv[1]);'
            'from _bootstrap.machine import Progress, exclusive;'
            'from pathlib import Path;'
            '\nwith exclusive(Path(sys.argv[2]), Progress()):'
            '\n    print("held", flush=True); sys.stdin.read()',
            str(ROOT / 'tools'),
            str(lock),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout.readline() == 'held\n'

    def wait():
        with parts.machine.exclusive(lock, parts.machine.Progress()):
            order.append('second')

    second = threading.Thread(target=wait)
    second.start()
    time.sleep(0.3)
    order.append('first')
    holder.communicate('')
    second.join(timeout=20)
    assert order == ['first', 'second']
    assert 'waiting' in capsys.readouterr().out


def test_full_disk_is_seen_before_the_work(parts, tmp_path):
    with pytest.raises(parts.machine.SetupError, match='GiB are free'):
        parts.machine.require_space(tmp_path / 'not' / 'there', 1e9)
    parts.machine.require_space(tmp_path, 0.0)


@pytest.mark.parametrize(
    ('installed', 'works', 'remedy'),
    [
        ({'opencv-python-headless': '5'}, True, 'none'),
        ({'opencv-python-headless': '5', 'opencv-python': '5'}, True, 'none'),
        ({'opencv-python-headless': '5', 'opencv-python': '5'}, False, 'swap'),
        ({'opencv-contrib-python': '5'}, False, 'swap'),
        ({'opencv-python-headless': '5'}, False, 'none'),
    ],
)
def test_opencv_with_windows_is_swapped_only_if_it_fails(
    parts, installed, works, remedy
):
    assert parts.install.opencv_remedy(installed, works) == remedy


@pytest.mark.parametrize(
    ('output', 'words'),
    [
        ('NewConnectionError(...): No matching distribution found for x', 'network'),
        ('OSError: [Errno 28] No space left on device', 'disk is full'),
        ('SSLError(... CERTIFICATE_VERIFY_FAILED', 'certificate'),
        (
            'ERROR: No matching distribution found for torch==2.14.1',
            'no wheel of torch',
        ),
        ("Location 'file:///x' is ignored\nodd", 'odd\npip failed'),
    ],
)
def test_what_pip_says_becomes_a_sentence(parts, tmp_path, output, words):
    text = parts.pip_runner.explain(output, tmp_path / 'bootstrap.log')
    assert words in text
    assert 'is ignored' not in text
    assert 'Traceback' not in text
