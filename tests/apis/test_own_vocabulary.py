"""Keypoints and classes of one's own, from a checkpoint alone to images and files."""

import json
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch

pytest.importorskip('mmpose')
pytest.importorskip('mmseg')

from mmpose.datasets.datasets.utils import parse_pose_metainfo
from own_models import (
    CLASSES,
    KEYPOINTS,
    LINKS,
    own_keypoints,
    pose_model,
    seg_model,
    write_trained,
)

from sapiens_mm.apis import FeatureInferencer, PoseInferencer, SegInferencer
from sapiens_mm.checkpoints import read_checkpoint, write_checkpoint
from sapiens_mm.saving.results import draw_result, write_data
from sapiens_mm.testing import build_model, fake_person_image, tiny_config
from sapiens_mm.vocabulary import VocabularyWarning


@pytest.fixture
def photo():
    return fake_person_image(0, (80, 60))


def test_six_keypoints_of_a_checkpoint_alone(tmp_path, photo):
    path = write_trained(pose_model(), tmp_path / 'own.pth')
    result = PoseInferencer(checkpoint=path, device='cpu')(photo)
    assert result.keypoints.shape == (1, 6, 2)
    assert result.table.names == KEYPOINTS
    data = json.loads(write_data(result, tmp_path / 'out').read_text())
    assert data['keypoint_names'] == list(KEYPOINTS) and data['dataset'] == 'mine'
    ids = [[KEYPOINTS.index(a), KEYPOINTS.index(b)] for a, b in LINKS]
    assert data['skeleton'] == ids
    # the link's own colour is in the image
    points = np.full((1, 6, 2), 50.0, np.float32)
    points[0, 5] = 700, 500
    scores = np.float32([[1, 0, 0, 0, 0, 1]])
    boxes = np.float32([[0, 0, 800, 800]])
    large = replace(result, keypoints=points, scores=scores, boxes=boxes)
    picture = draw_result(large, np.zeros((800, 800, 3), np.uint8))
    assert (picture == (9, 18, 250)).all(-1).sum() > 500  # BGR of the third link


@pytest.mark.parametrize('count', [1, 17, 21, 133])
def test_any_number_of_keypoints(count, tmp_path, photo):
    """17 and 133 of one's own are not COCO's."""
    names = tuple(f'p{k}' for k in range(count))
    cfg = pose_model(names, mirror={}, links=())
    path = write_trained(cfg, tmp_path / 'own.pth')
    result = PoseInferencer(None, path, device='cpu', flip_test=True)(photo)
    assert result.table.names == names and result.keypoints.shape == (1, count, 2)


def test_five_classes_of_a_checkpoint_alone(tmp_path, photo):
    path = write_trained(seg_model(), tmp_path / 'own.pth')
    result = SegInferencer(checkpoint=path, device='cpu')(photo)
    assert result.classes == CLASSES and result.labels.max() < 5
    picture = draw_result(result, photo)
    assert picture.shape[1] > photo.shape[1]  # a legend stands beside it
    features = FeatureInferencer(None, path, device='cpu')(photo).features
    assert features.shape == (32, 4, 3)


def test_names_of_the_checkpoint_serve_a_config_without(tmp_path, photo):
    cfg = pose_model()
    for split in ('train', 'val', 'test'):
        del cfg[f'{split}_dataloader'].dataset['metainfo']
    meta = parse_pose_metainfo(own_keypoints())
    path = write_trained(cfg, tmp_path / 'own.pth', dataset_meta=meta)
    for config in (None, cfg):
        assert PoseInferencer(config, path, device='cpu').table.names == KEYPOINTS
    # and through a file of tensors with text beside them
    stored = read_checkpoint(path)
    plain = tmp_path / 'own.safetensors'
    meta = json.loads(json.dumps(meta, default=lambda array: array.tolist()))
    kept = dict(cfg=stored.meta['cfg'], dataset_meta=meta)
    write_checkpoint(plain, stored.state_dict, kept)
    inferencer = PoseInferencer(None, plain, device='cpu')
    assert inferencer.table.names == KEYPOINTS and inferencer.table.links


def test_released_shapes_with_other_names(tmp_path, photo):
    """A checkpoint without config that looks like one of ours but names others."""
    from mmengine.config import Config

    from sapiens_mm import config_path

    config = 'pose/sapiens_tiny_synth308-256x192'
    weights = build_model(Config.fromfile(config_path(config))).state_dict()
    names = tuple(f'dot{k}' for k in range(308))
    path = tmp_path / 'dots.pth'
    for meta, expected in (
        (dict(dataset_meta=own_keypoints(names, {}, ())), 'dot0'),
        (dict(dataset_meta=dict(CLASSES=('person',))), 'nose'),
        ({}, 'nose'),
    ):
        torch.save(dict(meta=meta, state_dict=weights), path)
        assert PoseInferencer(None, path, device='cpu').table.names[0] == expected
    torch.save(dict(meta=dict(dataset_meta=own_keypoints()), state_dict=weights), path)
    with pytest.warns(VocabularyWarning, match='names 6 keypoints, its tensors'):
        assert PoseInferencer(None, path, device='cpu').table.names[0] == 'nose'


def test_without_names_a_flip_test_is_refused_or_left_out(tmp_path, photo):
    cfg = pose_model()
    seg = seg_model()
    for split in ('train', 'val', 'test'):
        cfg.pop(f'{split}_dataloader')
    path = write_trained(cfg, tmp_path / 'bare.pth')
    with pytest.warns(VocabularyWarning, match='without links'):
        inferencer = PoseInferencer(None, path, device='cpu')
    result = inferencer(photo)
    assert result.table.names[2] == 'keypoint_2'
    assert draw_result(result, photo, score_threshold=-9.0).shape == photo.shape
    with (
        pytest.warns(VocabularyWarning),
        pytest.raises(ValueError, match='flip_test needs to know which keypoints'),
    ):
        PoseInferencer(None, path, device='cpu', flip_test=True)
    # classes are named, but nobody said which of them are left and right
    path = write_trained(seg, tmp_path / 'seg.pth')
    with pytest.raises(ValueError, match='which classes trade places'):
        SegInferencer(None, path, device='cpu', flip_test=True)
    pairs = [('left glove', 'right glove')]
    path = write_trained(seg_model(mirror_pairs=pairs), tmp_path / 'seg.pth')
    flipped = SegInferencer(None, path, device='cpu', flip_test=True)
    assert flipped.table.flip_indices == (0, 2, 1, 3, 4)
    assert flipped(photo).labels.shape == photo.shape[:2]


@pytest.mark.parametrize('inferencer', [PoseInferencer, FeatureInferencer])
def test_hostile_text_runs_nothing_and_is_one_sentence(
    inferencer, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    text = "model = __import__('os').system('touch RAN')"
    path = write_trained(pose_model(), tmp_path / 'evil.pth', text=text)
    with pytest.raises(ValueError, match=r"config in its meta\['cfg'\] cannot be used"):
        inferencer(None, path, device='cpu')
    assert not (tmp_path / 'RAN').exists()
    if inferencer is PoseInferencer:  # with its config the text is not even looked at
        inferencer(pose_model(), path, device='cpu')


def test_a_checkpoint_that_disagrees_with_itself(tmp_path):
    cfg = pose_model()
    for split in ('train', 'val', 'test'):
        del cfg[f'{split}_dataloader'].dataset['metainfo']
    meta = parse_pose_metainfo(own_keypoints(('a', 'b'), {}, ()))
    path = write_trained(cfg, tmp_path / 'own.pth', dataset_meta=meta)
    with pytest.raises(ValueError, match='names 2 keypoints, its tensors have 6'):
        PoseInferencer(None, path, device='cpu')


def test_ours_stay_ours_without_a_word(tmp_path):
    cfg = tiny_config('pose/sapiens_0.3b_coco17-1024x768')
    path = write_trained(cfg, tmp_path / 'coco.pth')
    with warnings.catch_warnings():
        warnings.simplefilter('error', VocabularyWarning)
        table = PoseInferencer(None, path, device='cpu').table
    assert table.name == 'coco' and table.names[0] == 'nose'
