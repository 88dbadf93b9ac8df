"""The web page: what it answers, with which models."""

import json
import re
import threading
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip('mmpose')
pytest.importorskip('mmseg')
pytest.importorskip('gradio')


from sapiens_mm.apis.results import SegResult
from sapiens_mm.cli import web
from sapiens_mm.files import write_image
from sapiens_mm.saving.results import draw_result
from sapiens_mm.tables import GOLIATH28
from sapiens_mm.visualization import add_depth_bar, colorize_relief

HW = (80, 60)  # of the image


def test_all_tasks_through_the_server(page, photo, tmp_path):
    from gradio_client import Client, handle_file

    client = Client(page[1], verbose=False)
    job = client.submit(handle_file(photo), 'all', api_name='/run')
    text, gallery, files, details = job.result(timeout=60)
    assert 'data-state="done"' in text
    assert 'Tiny demo weights; for quality load a released checkpoint.' in text
    assert 'to load models' not in text and 'seconds' not in details  # at the start
    captions = [item['caption'] for item in gallery['value']]  # and no relief
    assert captions == ['Pose', 'Body parts', 'Depth', 'Normals']
    assert all(f'<td>{caption}</td>' in details for caption in captions)
    pictures = [cv2.imread(item['image']) for item in gallery['value']]
    sizes = [picture.shape for picture in pictures]
    assert sizes[0] == sizes[3] == (*HW, 3)
    assert sizes[2] == add_depth_bar(np.zeros((*HW, 3), np.uint8)).shape
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
    parts = draw_result(
        SegResult(image_hw=HW, labels=labels), cv2.imread(str(photo)), GOLIATH28
    )
    write_image(tmp_path / 'expected.jpg', parts)
    assert np.array_equal(pictures[1], cv2.imread(str(tmp_path / 'expected.jpg')))
    assert np.array_equal(labels, np.asarray(Image.open(found['seg_colours.png'])))
    assert np.load(found['depth.npy']).shape == HW
    normals = np.load(found['normal.npy'])
    norms = np.linalg.norm(normals, axis=2)
    assert np.allclose(norms, 1, atol=1e-3)
    facts = json.loads(found['normal.npy.json'].read_text())
    assert facts['mask_from'] == 'caller'
    assert facts['people_pixels'] == int((labels > 0).sum())


def test_relief_is_drawn_if_asked_for(answer, page, photo, tmp_path):
    last = answer(page[0], photo, task='depth', relief=True)
    assert [caption for _, caption in last.images] == ['Depth', 'Relief of depth']
    heat, relief = (cv2.imread(str(path)) for path, _ in last.images)
    seg, _ = page[0].store.model(page[0].store.find('seg', None))
    people = seg(photo).labels > 0
    expected = colorize_relief(np.load(last.files[0]), people if people.any() else None)
    write_image(tmp_path / 'expected.jpg', expected)
    assert heat.shape[0] == HW[0]
    assert np.array_equal(relief, cv2.imread(str(tmp_path / 'expected.jpg')))


def test_models_are_loaded_once_and_when_needed(
    answer, demo, models, page, photo, tmp_path
):
    store = demo[1].ModelStore(web.parse_args(['--device', 'cpu']))
    store.choices = page[0].store.choices
    run = demo[2].PageRun(store, tmp_path)
    asked = demo[2].PageRequest(image=photo, task='normal', cut_out=False)
    states = []
    for first in run(asked):
        states.append((first.doing, first.loading, first.loading_s))
    again = answer(run, photo, task='normal', cut_out=False)
    assert first.loading_s > 0 and again.loading_s == 0
    from sapiens_mm.webui.page import sentences_html

    # which is said before it is done, as it may take long
    (step, *_) = [s for s in states if s[1]]
    assert step == ('Normals: loading the model', True, 0.0)
    assert 's of it to load models' in sentences_html(first)
    assert 'to load models' not in sentences_html(again)
    assert [ran.task for ran in again.ran] == ['normal'] and len(store._models) == 1
    whole = np.load(again.files[0])
    people = answer(run, photo, task='normal')
    assert [ran.task for ran in people.ran] == ['seg', 'normal']
    # the mask is for the eye, the data stay
    assert np.array_equal(np.load(people.files[0]), whole)
    assert not np.array_equal(
        *(cv2.imread(str(a.images[0][0])) for a in (people, again))
    )


def test_the_small_models_are_loaded_at_the_start(demo, models, page, tmp_path):
    argv = ['--device', 'cpu', '--checkpoint', str(models['seg'][1])]
    argv += ['--config', models['seg'][0]]
    store = demo[1].ModelStore(web.parse_args(argv))
    for task in ('pose', 'depth'):
        store.choices[task] = page[0].store.choices[task]
    gone = replace(page[0].store.find('normal', None).job, checkpoint=Path('gone.pth'))
    store.choices['normal'] = [demo[1].Choice('x', gone, demo[1].NOTE)]
    store.detector_source = None
    demo[2].PageRun(store, tmp_path).preload()  # what fails waits for a click
    # the user's own, maybe large, waits as well
    assert [job.task for job in store._models] == ['pose', 'depth']


def test_answers_grow(demo, page, photo):
    steps = [
        (a.doing, len(a.images)) for a in page[0](demo[2].PageRequest(image=photo))
    ]
    assert [doing for doing, _ in steps] == [
        *('Reading the image', 'Pose: running', 'Body parts: running'),
        *('Depth: running', 'Normals: running', ''),
    ]
    assert [count for _, count in steps] == [0, 0, 1, 2, 3, 4]


def test_requests_wait_for_each_other(page, photo, monkeypatch):
    from gradio_client import Client, handle_file

    model, _ = page[0].store.model(page[0].store.find('pose', None))
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


def test_errors_reach_the_page(demo, page, tmp_path):
    from gradio_client import Client, handle_file

    (tmp_path / '<b>.jpg').write_text('hello')
    client = Client(page[1], verbose=False)
    for given, sentence in (
        (None, 'There is no image yet: upload one or pick an example.'),
        (handle_file(tmp_path / '<b>.jpg'), 'b.jpg is not an image.'),
    ):
        shown = client.submit(given, 'all', api_name='/run').result(timeout=60)
        assert re.sub('<[^>]*>', '', shown[0]) == sentence
        assert 'data-state="failed"' in shown[0] and not shown[2]['value']


def test_detector_or_whole_image(answer, demo, page, photo, monkeypatch):
    found = [np.array([[5, 5, 30, 70, 0.9], [20, 4, 55, 75, 0.8]], np.float32)]
    store = page[0].store
    monkeypatch.setattr(store, 'detector_source', 'a file')
    monkeypatch.setattr(store, '_detector', lambda image: found[0])
    persons = []
    for detect in (True, False):
        last = answer(page[0], photo, task='pose', detect=detect)
        persons.append(len(json.loads(last.files[0].read_text())['instances']))
        assert last.notes == []
    assert persons == [2, 1]
    found[0] = np.zeros((0, 5))
    last = answer(page[0], photo, task='pose')
    assert last.notes[0].startswith('Pose: the detector found nobody')


def test_nobody_is_said(answer, demo, page, photo, monkeypatch):
    last = answer(page[0], photo, task='pose', score_threshold=1e6)
    assert last.notes[0].startswith('Pose: nobody found, no keypoint has a score of')
    seg, _ = page[0].store.model(page[0].store.find('seg', None))
    forward = seg.model.decode_head.forward
    first = torch.zeros(28, 1, 1)
    first[0] = 1e6
    monkeypatch.setattr(seg.model.decode_head, 'forward', lambda x: forward(x) + first)
    last = answer(page[0], photo, task='depth')
    nobody = 'Body parts: nobody found, every pixel is background'
    assert last.notes == [f'{nobody}, so depth and normals are drawn everywhere.']
    assert last.images and not last.errors
    last = answer(page[0], photo, task='seg')
    assert last.notes == [f'{nobody}.']


def test_one_failing_model_leaves_the_others(
    answer, demo, page, photo, monkeypatch, capsys
):
    model, _ = page[0].store.model(page[0].store.find('seg', None))
    for error, sentence in (
        (torch.OutOfMemoryError('CUDA …'), 'The memory of cpu is too small for this'),
        (RuntimeError('odd\nthing'), 'Something unforeseen happened (RuntimeError: od'),
    ):

        def fail(samples, error=error):
            raise error

        monkeypatch.setattr(model, 'predict', fail)
        last = answer(page[0], photo)
        assert [caption for _, caption in last.images] == ['Pose', 'Depth', 'Normals']
        (said,) = last.errors
        assert said.startswith(f'Body parts: {sentence}') and '\n' not in said
    assert 'odd' in capsys.readouterr().err  # in the log, with its traceback


def test_results_with_an_error_are_sentences(answer, page, photo, monkeypatch):
    """As of weights that give no numbers: no image, no file, no "nobody found"."""
    store = page[0].store
    sentence = 'The weights broken.pth give NaN'
    for task in ('seg', 'depth'):
        model, _ = store.model(store.find(task, None))
        finish = model.finish

        def fail(*args, finish=finish):
            return replace(finish(*args), error=sentence)

        monkeypatch.setattr(model, 'finish', fail)
    last = answer(page[0], photo)
    assert last.errors == [f'Body parts: {sentence}.', f'Depth: {sentence}.']
    assert [caption for _, caption in last.images] == ['Pose', 'Normals']
    assert [ran.task for ran in last.ran] == ['pose', 'normal'] and last.notes == []
    assert not [file for file in last.files if 'seg' in file.name]


def test_own_checkpoints_come_first(demo, models, page):
    config, checkpoint = models['depth']
    argv = ['--config', config, '--checkpoint', str(checkpoint), '--device', 'cpu']
    store = demo[1].ModelStore(web.parse_args(argv))
    own, *others = store.choices['depth']
    assert own.label == 'tiny (depth.pth)' and own.note == ''
    assert own.job.checkpoint == Path(checkpoint) and len(others) == 1
    assert all(len(store.choices[task]) == 1 for task in ('pose', 'seg', 'normal'))
    assert store.find('depth', None) == own
    with pytest.raises(ValueError, match="no model 'x' for pose; there is"):
        store.find('pose', 'x')


def test_names_of_models(demo):
    from sapiens_mm.runs.jobs import Job

    name, file = 'pose/sapiens_0.3b_goliath308-1024x768', Path('a/w.pth')
    given = [Job('pose', name, file), Job('pose', name, Path('b/w.pth'))]
    first, second, *_ = demo[1].list_choices('pose', [*given, given[0]])
    label = 'sapiens_0.3b_goliath308-1024x768 (w.pth)'
    assert [first.label, second.label] == [label, f'{label} 2']
    assert first.note == '' and second.job.checkpoint == Path('b/w.pth')
