"""Demos on keypoints and classes of one's own, from a checkpoint alone."""

import argparse
import json
import time
from pathlib import Path

import cv2
import pytest

pytest.importorskip('mmpose')
pytest.importorskip('mmseg')

from own_models import CLASSES, KEYPOINTS, LINKS, pose_model, seg_model, write_trained

from sapiens_mm.testing import fake_person_image

SKELETON = [[KEYPOINTS.index(a), KEYPOINTS.index(b)] for a, b in LINKS]


@pytest.fixture
def demo(monkeypatch):
    from sapiens_mm.cli import image as image_demo

    return lambda *argv: image_demo.main([str(a) for a in (*argv, '--device', 'cpu')])


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / 'a.png'
    cv2.imwrite(str(path), fake_person_image(0, (400, 300)))
    return path


@pytest.fixture
def checkpoints(tmp_path):
    return [
        write_trained(pose_model(), tmp_path / 'pose.pth'),
        write_trained(seg_model(), tmp_path / 'seg.pth'),
    ]


def test_images(demo, photo, checkpoints, tmp_path, capsys):
    out = tmp_path / 'out'
    assert demo(photo, '--checkpoint', *checkpoints, '--out-dir', out) == 0
    said = capsys.readouterr().out
    assert 'pose: the config it was trained with' in said
    assert 'seg: the config it was trained with' in said
    found = json.loads((out / 'pose/a.json').read_text())
    assert found['keypoint_names'] == list(KEYPOINTS)
    assert found['skeleton'] == SKELETON
    labels = cv2.imread(str(out / 'seg/a.png'), cv2.IMREAD_UNCHANGED)
    assert labels.max() < len(CLASSES)
    # the legend widens the image
    assert cv2.imread(str(out / 'seg/pictures/a.jpg')).shape[1] > 300
    assert (out / 'panels/a.jpg').is_file()


def test_weights_that_were_trained_on_are_run_again(
    demo, photo, checkpoints, tmp_path, capsys
):
    out = tmp_path / 'out'
    words = (photo, '--checkpoint', checkpoints[0], '--out-dir', out)
    assert demo(*words) == 0
    first = (out / 'pose/a.json').read_text()
    assert demo(*words) == 0
    assert '1 results were there already' in capsys.readouterr().out
    time.sleep(0.01)
    write_trained(pose_model(links=()), checkpoints[0])
    assert demo(*words) == 0
    second = json.loads((out / 'pose/a.json').read_text())
    assert second['skeleton'] == [] != json.loads(first)['skeleton']


def test_numbered_keypoints_are_said(demo, photo, tmp_path, capsys):
    cfg = pose_model()
    for split in ('train', 'val', 'test'):
        cfg.pop(f'{split}_dataloader')
    checkpoint = write_trained(cfg, tmp_path / 'bare.pth')
    out = tmp_path / 'out'
    assert demo(photo, '--checkpoint', checkpoint, '--out-dir', out) == 0
    assert 'note: neither config nor checkpoint name the 6' in capsys.readouterr().err
    found = json.loads((out / 'pose/a.json').read_text())
    assert found['keypoint_names'][5] == 'keypoint_5' and found['skeleton'] == []


def test_a_hostile_checkpoint_is_one_sentence(demo, photo, tmp_path, capsys):
    text = "model = __import__('os').system('touch RAN')"
    checkpoint = write_trained(pose_model(), tmp_path / 'evil.pth', text=text)
    out = tmp_path / 'out'
    assert demo(photo, '--checkpoint', checkpoint, '--out-dir', out) == 2
    said = capsys.readouterr().err
    assert said.startswith('error: ') and said.count('\n') == 1
    assert '--config' in said and not Path('RAN').exists()


def test_videos(demo, checkpoints, tmp_path, monkeypatch):
    pytest.importorskip('av')
    from video_files import make_video

    from sapiens_mm.cli import video as video_demo

    clip, out = tmp_path / 'in.mp4', tmp_path / 'out'
    make_video(clip, [fake_person_image(n, (80, 60)) for n in range(3)])
    words = [clip, '--checkpoint', *checkpoints, '--out-dir', out, '--save-data']
    assert video_demo.main([str(word) for word in (*words, '--device', 'cpu')]) == 0
    record = json.loads((out / 'in.json').read_text())
    assert record['keypoint_names'] == list(KEYPOINTS)
    assert record['skeleton'] == SKELETON
    lines = (out / 'in.pose.jsonl').read_text().splitlines()
    assert len(json.loads(lines[0])['persons'][0]['keypoints']) == 3 * len(KEYPOINTS)


def test_the_page_offers_them(demo, photo, checkpoints, tmp_path):
    pytest.importorskip('gradio')
    from sapiens_mm.webui import models as webui_models
    from sapiens_mm.webui import page_run as webui_run

    words = ['--checkpoint', *map(str, checkpoints), '--device', 'cpu']
    args = argparse.Namespace(
        checkpoint=words[1:3], config=None, device='cpu', dtype=None, detector='none'
    )
    store = webui_models.ModelStore(args)
    assert store.choices['pose'][0].label == 'pose (pose.pth)'
    run = webui_run.PageRun(store, tmp_path)
    for task in ('pose', 'seg'):
        *_, answer = run(
            webui_run.PageRequest(image=photo, task=task, score_threshold=-9.0)
        )
        assert not answer.errors
    (found,) = tmp_path.rglob('a_seg_colours.png')
    pose = next(tmp_path.rglob('a_pose.json'))
    assert json.loads(pose.read_text())['skeleton'] == SKELETON
    assert found.is_file()
