"""The config that a checkpoint holds: used as data, or refused in one sentence."""

import numpy as np
import pytest
import torch

pytest.importorskip('mmpose')
pytest.importorskip('mmseg')

from mmpose.datasets.datasets.utils import parse_pose_metainfo
from own_models import KEYPOINTS, own_keypoints, pose_model, seg_model, write_trained

from sapiens_mm.checkpoints import (
    CheckpointError,
    carried_meta,
    check_data_sources,
    read_checkpoint,
    trained_config,
)
from sapiens_mm.testing import tiny_config
from sapiens_mm.vocabulary import keypoints_of, parts_of


@pytest.fixture
def read(tmp_path):
    """Write a checkpoint and return the config in it."""

    def write_and_read(cfg, **kwargs):
        path = write_trained(cfg, tmp_path / 'trained.pth', **kwargs)
        return trained_config(read_checkpoint(path))

    return write_and_read


def test_model_pipeline_and_names_come_back(read):
    cfg = pose_model()
    own = read(cfg)
    assert own.default_scope == 'mmpose'
    assert own.test_pipeline == cfg.test_pipeline
    assert own.model.head == cfg.model.head
    assert keypoints_of(own, 6).names == KEYPOINTS
    assert own.get('optim_wrapper') is None and own.get('custom_hooks') is None
    seg = read(seg_model())
    assert (
        parts_of(seg, 5).classes
        == seg_model().test_dataloader.dataset.metainfo['classes']
    )


def test_what_training_starts_from_is_left_out(read):
    cfg = pose_model()
    cfg.model.backbone.init_cfg = dict(type='Pretrained', checkpoint='https://x/y.pth')
    cfg.model.head.init_cfg = dict(type='Pretrained', checkpoint='no/such/file.pth')
    cfg.load_from = 'https://x/y.pth'
    own = read(cfg)
    assert 'init_cfg' not in own.model.backbone and 'init_cfg' not in own.model.head
    assert own.get('load_from') is None


def test_a_file_of_names_is_not_opened(read, tmp_path):
    """``from_file`` is a Python file that mmpose runs."""
    file = tmp_path / 'names.py'
    file.write_text(f'open({str(tmp_path / "RAN")!r}, "w")\ndataset_info = {{}}\n')
    cfg = pose_model()
    for split in ('train', 'val', 'test'):
        cfg[f'{split}_dataloader'].dataset.metainfo = dict(from_file=str(file))
    meta = parse_pose_metainfo(own_keypoints())
    assert keypoints_of(read(cfg, dataset_meta=meta), 6).names == KEYPOINTS
    with pytest.warns(UserWarning, match='they are numbered'):
        assert keypoints_of(read(cfg), 6).names[0] == 'keypoint_0'
    assert not (tmp_path / 'RAN').exists()


def test_other_code_and_bare_weights_have_none(read, tmp_path):
    cfg = pose_model()
    assert read(cfg, text='') is None
    other = "model = dict(type='TopdownPoseEstimator', backbone=dict(type='ResNet'))"
    for text in (other, 'x = 1', 'model = 3', 'model = dict(backbone=[1])'):
        assert read(cfg, text=text) is None
    path = tmp_path / 'bare.pth'
    torch.save({'weight': torch.zeros(1)}, path)
    assert trained_config(read_checkpoint(path)) is None


def evil(change):
    """The text of a config that was changed."""
    cfg = pose_model()
    change(cfg)
    return cfg.pretty_text


def set_type(kind):
    return lambda cfg: cfg.model.head.update(loss=dict(type=kind, command='touch RAN'))


@pytest.mark.parametrize(
    ('text', 'match'),
    [
        (lambda: "model = __import__('os').system('touch RAN')", 'more than literals'),
        (lambda: 'not a config', 'no Python text'),
        (lambda: 'x = "' + 'y' * 10_000_000 + '"', '10000006 characters'),
        (lambda: evil(set_type('os.system')), "'os.system', which no host registers"),
        (lambda: evil(set_type('subprocess.check_output')), 'no host registers'),
        (lambda: evil(set_type('mmengine.fileio.load')), 'no host registers'),
        (lambda: evil(set_type('mmengine.load')), 'no host registers'),
        (lambda: evil(set_type('mmpretrain.AutoModelForCausalLM')), 'no host'),
        (lambda: evil(set_type('mine.Loss')), 'no host registers'),
        (
            lambda: evil(lambda cfg: cfg.test_pipeline.append(dict(type='os.remove'))),
            'test_pipeline.4 has the type',
        ),
        (
            lambda: evil(lambda cfg: cfg.update(default_scope='os')),
            "default_scope is 'os'",
        ),
        (
            lambda: evil(lambda cfg: cfg.model.head.update(_scope_='os')),
            "has the scope 'os'",
        ),
        (
            lambda: evil(lambda cfg: cfg.model.head.update(teacher='a/b.py')),
            "model.head.teacher is 'a/b.py'",
        ),
        (
            lambda: evil(lambda cfg: cfg.model.update(where='http://x/y')),
            "model.where is 'http://x/y'",
        ),
    ],
)
def test_what_would_run_code_is_refused(text, match, read, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError, match=match) as caught:
        read(pose_model(), text=text())
    assert '--config' in str(caught.value) and len(str(caught.value)) < 600
    assert not (tmp_path / 'RAN').exists()


def test_data_sets_of_the_users_own_do_not_matter(read):
    """Their classes cannot be found here, and running the model takes none."""
    cfg = pose_model()
    for split in ('train', 'val', 'test'):
        cfg[f'{split}_dataloader'].dataset.type = 'mine.Photos'
    own = read(cfg)
    assert keypoints_of(own, 6).names == KEYPOINTS
    assert 'type' not in own.test_dataloader.dataset
    assert own.get('test_evaluator') is None


@pytest.mark.parametrize(
    'change',
    [
        lambda cfg: cfg.test_dataloader.dataset.update(ann_file='https://x/y.json'),
        lambda cfg: cfg.test_dataloader.dataset.update(ann_file='labels.pkl'),
        lambda cfg: cfg.test_evaluator.update(outfile_prefix='/etc/x'),
    ],
)
def test_evaluation_takes_no_data_from_elsewhere(change, read):
    cfg = pose_model()
    check_data_sources(read(cfg))
    change(cfg)
    with pytest.raises(CheckpointError, match='give the config it was trained with'):
        check_data_sources(read(cfg))


def test_what_is_carried_along_is_plain():
    cfg = tiny_config('pose/sapiens_0.3b_coco17-1024x768')
    names = dict(sigmas=np.float32([0.5]), names={0: ('a',)})
    meta = dict(cfg=cfg.pretty_text, dataset_meta=names, epoch=3)
    carried = carried_meta(meta)
    assert carried == dict(
        cfg=cfg.pretty_text, dataset_meta=dict(sigmas=[0.5], names={0: ['a']})
    )
    assert carried_meta({}) == {}
