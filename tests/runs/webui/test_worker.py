"""The web page: processes that are ended, and what becomes of the others' requests."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

pytest.importorskip('gradio')

LIMIT_S = 1.5


@pytest.fixture(scope='module')
def parts(demo):
    """The modules: worker, remote, asked, and the runs of these tests."""
    import fake_runs

    from sapiens_mm.webui import remote as webui_remote
    from sapiens_mm.webui import request as webui_wish
    from sapiens_mm.webui import worker as webui_worker

    return webui_worker, webui_remote, webui_wish, fake_runs


@pytest.fixture(scope='module')
def remote(parts, tmp_path_factory):
    worker, remote, _, fake = parts
    folder = tmp_path_factory.mktemp('remote')
    run = remote.RemoteRun(
        worker.Worker(fake.build, (folder,)),
        worker.Worker(fake.reader, (folder,)),
        LIMIT_S,
    )
    assert run.menu == fake.MENU
    run.reader.metadata()
    run.folder = folder
    yield run
    pids = run.models.pid, run.reader.pid
    run.close()
    assert not any(is_alive(pid) for pid in pids)


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / 'photo.jpg'
    path.write_bytes(b'x')
    return path


def is_alive(pid):
    try:
        stat = Path(f'/proc/{pid}/stat').read_text()
    except OSError:
        return False
    return stat.rpartition(')')[2].split()[0] != 'Z'


@pytest.fixture
def ask(parts, remote, photo):
    def ask(**models):
        asked = parts[2].PageRequest(image=photo, models=models)
        started = time.perf_counter()
        # steps are copies in a process of their own
        *states, last = remote(asked)
        return last, states, time.perf_counter() - started

    return ask


def test_answers_come_from_one_process_that_stays(remote, ask):
    pids = set()
    for _ in range(2):
        last, states, _ = ask(pose='', seg='')
        assert last.errors == [] and last.doing == ''
        pids |= {pid for _, pid in last.images}
        doing = list(dict.fromkeys(state.doing for state in states))
        assert doing == ['Reading the image', 'Pose: running', 'Seg: running']
    assert pids == {str(remote.models.pid)} and str(os.getpid()) not in pids


def test_a_slow_request_is_ended_and_the_next_one_runs(remote, ask):
    before = remote.models.pid
    last, _, seconds = ask(pose='', depth='sleep 60', normal='')
    assert last.errors == [
        'Depth took too long: this page gives an image 1.5 s (--time-limit), without '
        'loading models.'
    ]
    assert LIMIT_S <= seconds < LIMIT_S + 5 and last.seconds >= LIMIT_S
    assert [path.name for path, _ in last.images] == ['pose.jpg']  # what was done
    assert not is_alive(before)
    last, _, _ = ask(pose='')
    assert last.errors == [] and last.images[0][1] == str(remote.models.pid)


def test_the_limit_is_one_of_the_request_and_leaves_loading_out(remote, ask):
    last, _, _ = ask(pose='load 2', seg='')
    assert last.errors == [] and len(last.images) == 2
    before = remote.models.pid
    last, _, _ = ask(pose='sleep 0.8', seg='sleep 0.8', depth='')
    assert last.errors[0].startswith(('Seg took too long', 'Depth took too long'))
    assert ask(pose='')[0].errors == []
    assert remote.models.pid == before or last.errors[0].startswith('Seg')


@pytest.mark.parametrize(
    ('how', 'sentence'),
    [
        ('die', 'was ended by the system, most likely as there was no memory left.'),
        (
            'exit',
            'ended unexpectedly (exit code 3); more is in the log of sapiens web.',
        ),
        ('raise', 'failed (OSError: odd).'),
    ],
)
def test_a_process_that_ends_is_started_again(ask, how, sentence):
    last, _, _ = ask(pose='', seg=how)
    assert last.errors == [f'Seg: the process of the models {sentence}']
    assert len(last.images) == 1
    assert ask(pose='')[0].errors == []


def test_a_process_that_ended_between_requests_is_no_error(remote, ask):
    remote.models._process.kill()
    remote.models._process.join(10)
    last, _, _ = ask(pose='')
    assert last.errors == [] and len(last.images) == 1


def test_a_visitor_who_went_away_stops_nobody(parts, remote, photo, ask):
    left = remote(parts[2].PageRequest(image=photo, models={'pose': '', 'seg': ''}))
    while next(left).doing != 'Pose: running':
        pass
    last, _, _ = ask(depth='')
    assert last.errors == [] and last.images[0][0].name == 'depth.jpg'
    *_, end = left  # one who comes back after all
    assert end.errors[0].endswith('the models has begun with another request.')
    left = remote(parts[2].PageRequest(image=photo, models={'pose': 'sleep 1'}))
    while next(left).doing != 'Pose: running':
        pass
    thread = threading.Thread(target=lambda: next(left))  # and left in the middle
    thread.start()
    assert ask(depth='')[0].errors == []
    thread.join()


def test_images_are_read_once_and_by_another_process(remote, ask, photo, tmp_path):
    read = remote.folder / 'read.txt'
    read.write_text('')
    words = tmp_path / 'words.txt'
    words.write_text('hello')
    for _ in range(2):
        assert remote.check(words) == 'words.txt is not an image.'
        assert remote.check(photo) == ''
        assert ask(pose='')[0].errors == []
    assert read.read_text().split() == ['words.txt', 'photo.jpg']
    assert remote.check(tmp_path / 'gone.jpg') == (
        'gone.jpg was deleted meanwhile: upload it again.'
    )


def test_a_image_that_hangs_its_decoder(parts, remote, tmp_path, monkeypatch, photo):
    monkeypatch.setattr(parts[1], 'READ_S', 1)
    models = remote.models.pid
    for name, sentence in (
        ('hang.jpg', 'hang.jpg could not be read within 1 s.'),
        ('die.jpg', 'die.jpg cannot be read: its decoder broke down.'),
    ):
        path = tmp_path / name
        path.write_bytes(b'x')
        before = remote.reader.pid
        *_, last = remote(parts[2].PageRequest(image=path, models={'pose': ''}))
        assert last.errors == [sentence] and last.images == []
        assert not is_alive(before)
        monkeypatch.setattr(parts[1], 'READ_S', 20)
        assert remote.check(photo) == ''
        monkeypatch.setattr(parts[1], 'READ_S', 1)
    assert remote.models.pid == models  # which never saw it


def test_refusals_of_the_process_are_errors_here(parts):
    worker, _, _, fake = parts
    for build, arguments, error, match in (
        (fake.refuse, ('no such model',), ValueError, 'no such model'),
        (fake.refuse, ('module',), ModuleNotFoundError, 'no toaster'),
        (fake.die, (), worker.WorkerError, 'was ended by the system'),
    ):
        made = worker.Worker(build, arguments)
        for _ in range(2):  # it is tried again
            with pytest.raises(error, match=match):
                made.metadata()
        made.close()


@pytest.mark.parametrize('is_busy', [True, False])
def test_the_process_ends_with_its_parent(parts, tmp_path, is_busy):
    """However that ends, and takes the folder along: nobody can catch SIGKILL."""
    left = tmp_path / 'left'
    (left / 'files').mkdir(parents=True)
    code = (
        'import os, sys, pathlib; sys.path[:0] = sys.argv[2:]\n'
        'if __name__ == "__main__":\n'
        '    import fake_runs\n'
        '    from sapiens_mm.webui import request as webui_wish\n'
        '    from sapiens_mm.webui.worker import Worker\n'
        '    left = pathlib.Path(sys.argv[1])\n'
        '    worker = Worker(fake_runs.build, (left,), leave=left)\n'
        '    worker.metadata()\n'
        '    print(worker.pid, flush=True)\n'
        '    asked = webui_wish.PageRequest(None, models={"seg": "sleep 60"})\n'
        '    worker.ask(asked, 9), worker.ask(None, 9)\n'
        f'    {is_busy} and worker._send(None)\n'
        '    os.kill(os.getpid(), 9)\n'
    )
    script = tmp_path / 'parent.py'
    script.write_text(code)
    root = Path(__file__).resolve().parents[3]
    folders = [str(root), str(Path(__file__).parent)]
    done = subprocess.run(
        [sys.executable, str(script), str(left), *folders],
        stdout=subprocess.PIPE,
        timeout=60,
        text=True,
    )
    pid, until = int(done.stdout), time.time() + 10
    while time.time() < until and (is_alive(pid) or left.exists()):
        time.sleep(0.1)
    assert not is_alive(pid) and not left.exists()


def test_the_reader_of_uploads(parts, demo, tmp_path):
    """The one of the page: with a limit of its memory, and without PyTorch."""
    import cv2
    import numpy as np

    worker, remote, _, _ = parts
    reader = worker.Worker(remote.build_reader, ())
    try:
        reader.metadata(60)
        good = tmp_path / 'good.png'
        cv2.imwrite(str(good), np.zeros((40, 30, 3), np.uint8))
        script = tmp_path / 'script.jpg'
        script.write_text('%!PS-Adobe-3.0\n{} loop\n')
        assert reader.ask(good, 20) == ''
        assert reader.ask(script, 20) == (
            'script.jpg is not an image but a PostScript document.'
        )
        maps = Path(f'/proc/{reader.pid}/maps')
        if maps.exists():
            assert 'libtorch' not in maps.read_text()
            limits = Path(f'/proc/{reader.pid}/limits').read_text()
            (line,) = [x for x in limits.splitlines() if 'address space' in x]
            assert str(remote.READER_BYTES) in line
    finally:
        reader.close()
