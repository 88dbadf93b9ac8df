"""The web page: the server, its command line, and what it leaves behind."""

import os
import re
import signal
import tempfile
import time
import urllib.request

import pytest

pytest.importorskip('mmpose')
pytest.importorskip('mmseg')
pytest.importorskip('gradio')

from sapiens_mm import hosts


def test_page_names_no_other_server(page):
    for path in ('', 'theme.css', 'config'):
        with urllib.request.urlopen(page[1] + path, timeout=20) as reply:
            text = reply.read().decode()
        if path == '':
            assert 'Sapiens: pose, body parts, depth and normals' in text
            # what the head says about gradio is for search engines
            text = re.sub(r'<meta[^>]*>', '', text)
            links = re.findall(r'(?:src|href)="(https?://[^"]+)"', text)
            assert [link for link in links if not link.startswith(page[1])] == []
        assert 'fonts.googleapis' not in text and 'cdn' not in text.lower()


def test_old_files_go(demo, tmp_path):
    old, kept, new = (tmp_path / 'a' / n for n in ('old.npy', 'kept.jpg', 'new.npy'))
    lone = tmp_path / 'b' / 'c' / 'lone.png'
    for path in (old, kept, new, lone):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b'x')
    for path in (old, kept, lone, lone.parent, lone.parent.parent):
        os.utime(path, (1, 1))
    assert demo[0].sweep(tmp_path, 60, frozenset([kept])) == 2
    assert demo[0].files_in(tmp_path) == {kept, new}
    # a folder lives on for the time that its files had
    assert lone.parent.is_dir() or demo[0].sweep(tmp_path, -1, frozenset([kept])) == 1


@pytest.mark.parametrize(
    ('argv', 'match'),
    [
        (['--device', 'toaster'], 'toaster'),
        (['--detector', 'nowhere.pth'], '--detector must be .* got nowhere.pth'),
        (['--checkpoint', 'no_such_model'], 'no_such_model'),
        (['--config', 'pose/x'], '--config goes with one --checkpoint'),
        (['--host', '203.0.113.1'], '--host 203.0.113.1 --port .* cannot be used'),
    ],
)
def test_wrong_calls_are_one_sentence(demo, capsys, monkeypatch, argv, match):
    monkeypatch.setattr(signal, 'signal', lambda *args: None)
    monkeypatch.setattr(os, 'environ', dict(os.environ))
    port = ['--port', '0'] if '--port' not in argv else []
    assert demo[0].main([*argv, *port]) == 2
    shown = capsys.readouterr().err
    assert re.search(match, shown) and shown.startswith('error: ')
    assert 'Traceback' not in shown


@pytest.mark.parametrize('argv', [['--threads', '0'], ['--port', '70000']])
def test_wrong_numbers(demo, capsys, argv):
    with pytest.raises(SystemExit):
        demo[0].parse_args(argv)
    assert argv[0] in capsys.readouterr().err


def test_a_taken_port_and_no_gradio(demo, page, tmp_path, monkeypatch):
    port = int(page[1].rstrip('/').rpartition(':')[2])
    with pytest.raises(ValueError, match='--port 0 takes a free port'):
        demo[0].free_port('127.0.0.1', port)
    monkeypatch.setattr(hosts, 'is_installed', lambda name: False)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'sapiens_mm\[webui\]'"):
        demo[0].start(demo[0].parse_args([]), tmp_path)


@pytest.mark.skipif(os.name == 'nt', reason='Windows has no SIGTERM to catch')
def test_command_serves_and_leaves_nothing(demo, models, tmp_path, monkeypatch, capsys):
    config, checkpoint = models['pose']
    argv = ['--port', '0', '--config', config, '--checkpoint', str(checkpoint)]
    seen = []

    def look_and_stop(folder, older_than_s, keep):
        (url,) = re.findall(r'http\S+', capsys.readouterr().out)
        with urllib.request.urlopen(url, timeout=20) as reply:
            seen.extend([reply.status, older_than_s, folder.parent])
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(20)

    monkeypatch.setattr(os, 'environ', dict(os.environ))
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path))
    monkeypatch.setattr(demo[0], 'SWEEP_S', 0.1)
    monkeypatch.setattr(demo[0], 'sweep', look_and_stop)
    before = signal.getsignal(signal.SIGTERM)
    try:
        code = demo[0].main([*argv, '--device', 'cpu', '--keep-minutes', '2'])
    finally:
        signal.signal(signal.SIGTERM, before)
    assert code == 0 and seen == [200, 120, tmp_path]
    assert not list(tmp_path.iterdir())
