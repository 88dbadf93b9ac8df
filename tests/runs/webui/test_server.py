"""The web page: the server, its command line, and what it leaves behind."""

import multiprocessing
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
from sapiens_mm.cli import web


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
    from sapiens_mm.webui.folder import Folder

    folder = Folder(tmp_path)
    kept = folder.served / 'a' / 'kept.jpg'
    old, new = kept.with_name('old.npy'), kept.with_name('new.npy')
    lone = folder.results / 'b' / 'lone.png'
    link = folder.served / 'link'
    for path in (kept, old, new, lone):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b'x')
        if path == kept:
            folder.keep_these()
    link.symlink_to(tmp_path.parent)
    for path in (old, kept, lone, lone.parent, folder.results, folder.temporary, link):
        os.utime(path, (1, 1), follow_symlinks=False)
    assert folder.sweep(60) == 3
    assert {p for p in tmp_path.rglob('*') if p.is_file()} == {kept, new}
    # a folder lives on for the time that its files had
    assert lone.parent.is_dir() or folder.sweep(-1) == 1
    assert folder.results.is_dir() and folder.temporary.is_dir()


@pytest.mark.parametrize(
    ('argv', 'match'),
    [
        (['--device', 'toaster'], 'toaster'),
        (['--detector', 'nowhere.pth'], '--detector must be .* got nowhere.pth'),
        (['--checkpoint', 'no_such_model'], 'no_such_model'),
        (['--config', 'pose/x'], '--config goes with one --checkpoint'),
    ],
)
def test_wrong_models_are_one_sentence(demo, argv, match):
    with pytest.raises(ValueError, match=match) as error:
        demo[1].ModelStore(web.parse_args(argv))
    assert '\n' not in str(error.value)


@pytest.mark.parametrize(
    ('argv', 'match'),
    [
        (['--host', '203.0.113.1'], '--host 203.0.113.1 --port .* cannot be used'),
        # found out by the process of the models
        (['--checkpoint', 'x'], r"no model \('x',\) in results"),
    ],
)
def test_wrong_calls_are_one_sentence(demo, capsys, monkeypatch, tmp_path, argv, match):
    import fake_runs

    from sapiens_mm.webui import remote as webui_remote

    monkeypatch.setattr(webui_remote, 'build_models', fake_runs.refuse_page)
    monkeypatch.setattr(os, 'environ', dict(os.environ))
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path))
    before = [signal.getsignal(number) for number in demo[0].STOPS]
    assert web.main([*argv, '--port', '0']) == 2
    shown = capsys.readouterr().err
    assert re.fullmatch(f'error: .*{match}.*\n', shown)
    assert not list(tmp_path.iterdir()) and tempfile.tempdir == str(tmp_path)
    assert [signal.getsignal(number) for number in demo[0].STOPS] == before


@pytest.mark.parametrize(
    'argv', [['--threads', '0'], ['--port', '70000'], ['--time-limit', '0']]
)
def test_wrong_numbers(demo, capsys, argv):
    with pytest.raises(SystemExit):
        web.parse_args(argv)
    assert argv[0] in capsys.readouterr().err


def test_a_taken_port_and_no_gradio(demo, page, tmp_path, monkeypatch):
    port = int(page[1].rstrip('/').rpartition(':')[2])
    with pytest.raises(ValueError, match='--port 0 takes a free port'):
        demo[0].free_port('127.0.0.1', port)
    monkeypatch.setattr(hosts, 'is_installed', lambda name: False)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'sapiens_mm\[webui\]'"):
        demo[0].start(web.parse_args([]), tmp_path, None)


@pytest.mark.skipif(os.name == 'nt', reason='Windows has no SIGTERM to catch')
def test_stopped_while_a_request_runs(demo, photo, tmp_path, monkeypatch, capsys):
    import fake_runs
    from gradio_client import Client, handle_file

    from sapiens_mm.webui import remote as webui_remote
    from sapiens_mm.webui.folder import Folder

    place = tmp_path / 'place'
    place.mkdir()
    seen, pids = [], []

    def look_and_stop(folder, older_than_s):
        (url,) = re.findall(r'http\S+', capsys.readouterr().out)
        pids.extend(child.pid for child in multiprocessing.active_children())
        job = Client(url, verbose=False).submit(
            handle_file(photo), 'all', api_name='/run'
        )
        until = time.time() + 20
        while time.time() < until and 'Seg: running' not in str(job.outputs()):
            time.sleep(0.05)
        assert 'Seg: running' in str(job.outputs())
        uploads = [path.name for path in folder.served.rglob('*.png')]
        seen.extend([older_than_s, folder.path.parent, uploads])
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(20)

    monkeypatch.setattr(webui_remote, 'build_models', fake_runs.build_for_page)
    monkeypatch.setattr(os, 'environ', dict(os.environ))
    monkeypatch.setattr(tempfile, 'tempdir', str(place))
    monkeypatch.setattr(demo[0], 'SWEEP_S', 0.1)
    monkeypatch.setattr(Folder, 'sweep', look_and_stop)
    started = time.time()
    assert web.main(['--port', '0', '--keep-minutes', '2']) == 0
    assert time.time() - started < 20  # no request holds it up
    assert seen == [120, place, ['my photo.png']]
    assert not list(place.iterdir())
    assert len(pids) == 2 and not any(os.path.exists(f'/proc/{pid}') for pid in pids)


@pytest.mark.slow
def test_the_command_as_it_is(demo, photo, tmp_path):
    """With the small models, in processes of their own."""
    from gradio_client import Client, handle_file

    from screenshot_webui import serve

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('TMPDIR', str(tmp_path))
        server, url = serve(['--device', 'cpu'])
    try:
        client = Client(url, verbose=False)
        text, gallery, _, _ = client.predict(handle_file(photo), 'all', api_name='/run')
        assert 'data-state="done"' in text and len(gallery['value']) == 4
    finally:
        server.terminate()
    assert server.wait(timeout=30) == 0 and not list(tmp_path.glob('sapiens*'))
