"""The web page: what it answers, says when something is wrong, and leaves behind."""

import json
import os
import re
import signal
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip('mmpose')
pytest.importorskip('mmseg')
pytest.importorskip('gradio')

from sapiens_mm import hosts
from sapiens_mm.testing import build_model, fake_person_photo, tiny_config

ROOT = Path(__file__).resolve().parents[2]
NAMES = {
    'pose': 'pose/sapiens_0.3b_goliath308-1024x768',
    'seg': 'seg/sapiens_0.3b_goliath28-1024x768',
    'depth': 'depth/sapiens_0.3b_render_people-1024x768',
    'normal': 'normal/sapiens_0.3b_render_people-1024x768',
}
HW = (80, 60)


@pytest.fixture(scope='module')
def demo():
    folders = [str(ROOT / 'demo'), str(ROOT / 'tools')]
    sys.path[:0] = folders
    environ = dict(os.environ)
    try:
        import webui
        import webui_models
        import webui_run

        yield webui, webui_models, webui_run
    finally:
        os.environ.clear()
        os.environ.update(environ)
        for folder in folders:
            sys.path.remove(folder)


@pytest.fixture(scope='module')
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp('models')
    made = {}
    for task, name in NAMES.items():
        cfg = tiny_config(name)
        (folder / task).mkdir()
        config = folder / task / 'tiny.py'
        cfg.dump(config)
        checkpoint = folder / f'{task}.pth'
        torch.save(build_model(cfg).state_dict(), checkpoint)
        made[task] = str(config), checkpoint
    return made


@pytest.fixture(scope='module')
def page(demo, models, tmp_path_factory):
    """A served page whose own models are tiny: its runner and its address."""
    from demo_jobs import Job

    def plan_jobs(args):
        return [Job(task, *models[task]) for task in args.task]

    folder = tmp_path_factory.mktemp('webui')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo[1], 'plan_jobs', plan_jobs)
        shelf = demo[1].ModelShelf(demo[0].parse_args(['--device', 'cpu']))
        run = demo[2].PageRun(shelf, folder)
        patch.setattr(demo[2], 'PageRun', lambda *args: run)
        served, url = demo[0].start(
            demo[0].parse_args(['--port', '0', '--device', 'cpu']), folder
        )
    yield run, url
    served.close(verbose=False)


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / 'my photo.png'
    cv2.imwrite(str(path), fake_person_photo(0, HW))
    return path


def answer(demo, run, photo, **wish):
    """The last state of an answer."""
    *_, last = run(demo[2].Wish(photo=photo, **wish))
    return last


def test_all_tasks_through_the_server(page, photo):
    from gradio_client import Client, handle_file

    client = Client(page[1], verbose=False)
    job = client.submit(handle_file(photo), 'all', api_name='/run')
    text, gallery, files, details = job.result(timeout=60)
    assert 'data-state="done"' in text
    assert 'Tiny demo weights; for quality load a released checkpoint.' in text
    assert 's of it to load models' in text and 'seconds' not in details
    captions = [item['caption'] for item in gallery['value']]
    assert captions == ['Pose', 'Body parts', 'Depth', 'Normals']
    assert all(f'<td>{caption}</td>' in details for caption in captions)
    for item in gallery['value']:
        assert cv2.imread(item['image']).shape[0] == HW[0]
    found = {Path(file).name.partition('_')[2]: Path(file) for file in files['value']}
    assert list(found) == [
        *('pose.json', 'seg.png', 'seg_colours.png'),
        *('depth.npy', 'depth.npy.json', 'normal.npy', 'normal.npy.json'),
    ]
    pose = json.loads(found['pose.json'].read_text())
    assert (pose['height'], pose['width']) == HW
    assert len(pose['instances'][0]['keypoints']) == 3 * 308
    labels = cv2.imread(str(found['seg.png']), cv2.IMREAD_UNCHANGED)
    assert labels.shape == HW
    assert np.array_equal(labels, np.asarray(Image.open(found['seg_colours.png'])))
    assert np.load(found['depth.npy']).shape == HW
    normals = np.load(found['normal.npy'])
    norms = np.linalg.norm(normals, axis=2)
    assert np.allclose(norms, 1, atol=1e-3)
    facts = json.loads(found['normal.npy.json'].read_text())
    assert facts['mask_from'] == 'caller'
    assert facts['people_pixels'] == int((labels > 0).sum())


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


def test_models_are_loaded_once_and_when_needed(demo, models, page, photo, tmp_path):
    shelf = demo[1].ModelShelf(demo[0].parse_args(['--device', 'cpu']))
    shelf.choices = page[0].shelf.choices
    run = demo[2].PageRun(shelf, tmp_path)
    first = answer(demo, run, photo, task='normal', cut_out=False)
    again = answer(demo, run, photo, task='normal', cut_out=False)
    assert first.loading_s > 0 and again.loading_s == 0
    assert [ran.task for ran in again.ran] == ['normal'] and len(shelf._models) == 1
    whole = np.load(again.files[0])
    people = answer(demo, run, photo, task='normal')
    assert [ran.task for ran in people.ran] == ['seg', 'normal']
    # the mask is for the eye, the data stay
    assert np.array_equal(np.load(people.files[0]), whole)
    assert not np.array_equal(
        *(cv2.imread(str(a.pictures[0][0])) for a in (people, again))
    )


def test_answers_grow(demo, page, photo):
    steps = [(a.doing, len(a.pictures)) for a in page[0](demo[2].Wish(photo=photo))]
    assert [doing for doing, _ in steps] == [
        *('Reading the photo', 'Pose: running', 'Body parts: running'),
        *('Depth: running', 'Normals: running', ''),
    ]
    assert [count for _, count in steps] == [0, 0, 1, 2, 3, 4]


def test_requests_wait_for_each_other(page, photo, monkeypatch):
    from gradio_client import Client, handle_file

    model, _ = page[0].shelf.model(page[0].shelf.find('pose', None))
    lock, busy, most = threading.Lock(), [0], [0]
    forward = model._forward

    def slow(chunk):
        with lock:
            busy[0] += 1
            most[0] = max(most[0], busy[0])
        time.sleep(0.3)
        with lock:
            busy[0] -= 1
        return forward(chunk)

    monkeypatch.setattr(model, '_forward', slow)
    clients = [Client(page[1], verbose=False) for _ in range(2)]
    jobs = [c.submit(handle_file(photo), 'pose', api_name='/run') for c in clients]
    assert all('data-state="done"' in job.result(timeout=60)[0] for job in jobs)
    assert most == [1]


def broken(path):
    cv2.imwrite(str(path), fake_person_photo(0, (400, 300)))
    path.write_bytes(path.read_bytes()[:2000])


def huge(path):
    Image.new('1', (20000, 8000)).save(path)


def bomb(path):
    Image.new('1', (20000, 10000)).save(path)


@pytest.mark.parametrize(
    ('name', 'make', 'match'),
    [
        ('cut.png', broken, r'cut\.png is a broken or truncated image \(.*\)'),
        ('text.jpg', lambda p: p.write_text('hello'), r'text\.jpg is not an image'),
        ('empty.jpg', lambda p: p.write_bytes(b''), r'empty\.jpg is empty'),
        ('huge.png', huge, r'huge\.png has 20000 x 8000 pixels, which is 160 mega.*'),
        ('bomb.png', bomb, r'bomb\.png has .* 150 megapixels.*|.*200 megapixels.*'),
        ('gone.png', lambda p: None, r'gone\.png was deleted meanwhile: upload .*'),
    ],
)
def test_bad_photos_are_one_sentence(demo, page, tmp_path, capsys, name, make, match):
    make(tmp_path / name)
    last = answer(demo, page[0], tmp_path / name)
    assert len(last.errors) == 1 and not last.pictures and not last.doing
    assert re.fullmatch(match + r'\.', last.errors[0]), last.errors
    assert capsys.readouterr().err == ''


def test_errors_reach_the_page(demo, page, tmp_path):
    from gradio_client import Client, handle_file

    (tmp_path / '<b>.jpg').write_text('hello')
    client = Client(page[1], verbose=False)
    for given, sentence in (
        (None, 'There is no photo yet: upload one or pick an example.'),
        (handle_file(tmp_path / '<b>.jpg'), 'b.jpg is not an image.'),
    ):
        shown = client.submit(given, 'all', api_name='/run').result(timeout=60)
        assert re.sub('<[^>]*>', '', shown[0]) == sentence
        assert 'data-state="failed"' in shown[0] and not shown[2]['value']


def test_files_of_the_server_cannot_be_asked_for(page, photo):
    """Past the client, which would upload the file of this path."""
    given = dict(path=str(photo), meta=dict(_type='gradio.FileData'))
    names = [page[0].shelf.find(task, None).label for task in NAMES]
    data = json.dumps(dict(data=[given, 'pose', 'whole', True, 0.3, 0.5, *names]))
    call = f'{page[1]}gradio_api/call/run'
    headers = {'Content-Type': 'application/json'}
    request = urllib.request.Request(call, data.encode(), headers)
    with urllib.request.urlopen(request, timeout=20) as reply:
        event = json.load(reply)['event_id']
    with urllib.request.urlopen(f'{call}/{event}', timeout=60) as reply:
        said = reply.read().decode()
    assert 'event: error' in said and 'event: complete' not in said


def test_large_photos_are_reduced(demo, page, photo, monkeypatch):
    monkeypatch.setattr(page[0], 'max_megapixels', 0.0012)
    last = answer(demo, page[0], photo, task='depth')
    assert last.errors == []
    assert 'of 60 x 80 pixels was reduced to 30 x 40' in last.notes[0]
    assert np.load(last.files[0]).shape == (40, 30)


def test_detector_or_whole_photo(demo, page, photo, monkeypatch):
    found = [np.array([[5, 5, 30, 70, 0.9], [20, 4, 55, 75, 0.8]], np.float32)]
    shelf = page[0].shelf
    monkeypatch.setattr(shelf, 'detector_source', 'a file')
    monkeypatch.setattr(shelf, '_detector', lambda image: found[0])
    persons = []
    for detect in (True, False):
        last = answer(demo, page[0], photo, task='pose', detect=detect)
        persons.append(len(json.loads(last.files[0].read_text())['instances']))
        assert last.notes == []
    assert persons == [2, 1]
    found[0] = np.zeros((0, 5))
    last = answer(demo, page[0], photo, task='pose')
    assert last.notes[0].startswith('Pose: the detector found nobody')


def test_nobody_is_said(demo, page, photo, monkeypatch):
    last = answer(demo, page[0], photo, task='pose', score_threshold=1e6)
    assert last.notes[0].startswith('Pose: nobody found, no keypoint has a score of')
    seg, _ = page[0].shelf.model(page[0].shelf.find('seg', None))
    forward = seg.model.decode_head.forward
    first = torch.zeros(28, 1, 1)
    first[0] = 1e6
    monkeypatch.setattr(seg.model.decode_head, 'forward', lambda x: forward(x) + first)
    last = answer(demo, page[0], photo, task='depth')
    assert last.notes == ['Body parts: nobody found, every pixel is background.']
    assert last.pictures and not last.errors


def test_one_failing_model_leaves_the_others(demo, page, photo, monkeypatch, capsys):
    model, _ = page[0].shelf.model(page[0].shelf.find('seg', None))
    for error, sentence in (
        (torch.OutOfMemoryError('CUDA …'), 'The memory of cpu is too small for this'),
        (RuntimeError('odd\nthing'), 'Something unforeseen happened (RuntimeError: od'),
    ):

        def fail(samples, error=error):
            raise error

        monkeypatch.setattr(model, 'predict', fail)
        last = answer(demo, page[0], photo)
        assert [caption for _, caption in last.pictures] == ['Pose', 'Depth', 'Normals']
        (said,) = last.errors
        assert said.startswith(f'Body parts: {sentence}') and '\n' not in said
    assert 'odd' in capsys.readouterr().err  # in the log, with its traceback


def test_own_checkpoints_come_first(demo, models, page):
    config, checkpoint = models['depth']
    argv = ['--config', config, '--checkpoint', str(checkpoint), '--device', 'cpu']
    shelf = demo[1].ModelShelf(demo[0].parse_args(argv))
    own, *others = shelf.choices['depth']
    assert own.label == 'tiny (depth.pth)' and own.note == ''
    assert own.job.checkpoint == checkpoint and len(others) == 1
    assert all(len(shelf.choices[task]) == 1 for task in ('pose', 'seg', 'normal'))
    assert shelf.find('depth', None) == own
    with pytest.raises(ValueError, match="no model 'x' for pose; there is"):
        shelf.find('pose', 'x')


def test_names_of_models(demo):
    from demo_jobs import Job

    name, file = NAMES['pose'], Path('a/w.pth')
    given = [Job('pose', name, file), Job('pose', name, Path('b/w.pth'))]
    first, second, *_ = demo[1].list_choices('pose', [*given, given[0]])
    label = 'sapiens_0.3b_goliath308-1024x768 (w.pth)'
    assert [first.label, second.label] == [label, f'{label} 2']
    assert first.note == '' and second.job.checkpoint == Path('b/w.pth')


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
        url = capsys.readouterr().out.split()[1]
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


def test_in_a_browser(demo, page, photo):
    from _webdriver import Browser, why_no_browser
    from picture_webui import use_page

    if reason := why_no_browser():
        pytest.skip(reason)
    with Browser() as browser:
        browser.open('about:blank')
        browser.requested()  # the browser's own first page
        text = use_page(browser, page[1], photo, timeout_s=60)
        assert text.startswith('Done in') and 'Tiny demo weights' in text
        count = "return document.querySelectorAll('#gallery img').length"
        assert browser.run(count) == 4
        names = browser.run("return document.querySelector('#files').textContent")
        names = ''.join(names.split())
        assert 'photo_pose.json' in names and 'photo_normal.npy' in names
        urls = browser.requested()
        assert len(urls) > 20
        own = (page[1], 'data:', 'blob:' + page[1])
        assert [url for url in urls if not url.startswith(own)] == []
        assert browser.complaints() == []
        # an example: what was shown is none of it
        browser.click('#examples button')
        browser.wait("return document.querySelector('#say [data-state=idle]')")
        assert browser.run(count) == 0
        source = browser.run("return document.querySelector('#photo img').src")
        assert 'astronaut' in source
        image = cv2.imdecode(np.frombuffer(browser.screenshot(), np.uint8), 1)
        assert image.std() > 10
