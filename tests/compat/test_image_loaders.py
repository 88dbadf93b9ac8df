"""The hosts' inferencers take pipelines with our loader of images."""

import importlib

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import DefaultScope

import sapiens_mm
from sapiens_mm.compat import image_loaders
from sapiens_mm.testing import fake_person_image

STEPS = [
    dict(type='sapiens_mm.SapiensLoadImage', max_pixels=1_000_000),
    dict(type='Resize', scale=(48, 64), keep_ratio=False),
]
PACK = dict(mmdet='PackDetInputs', mmseg='PackSegInputs', mmpretrain='PackInputs')


def config(host, steps):
    pipeline = [*steps, dict(type=PACK[host])]
    return Config(dict(test_dataloader=dict(dataset=dict(pipeline=pipeline))))


def inferencer(host):
    modules = {name.split('.')[0]: name for name in image_loaders._INFERENCERS}
    pytest.importorskip(host)
    module = importlib.import_module(modules[host])
    return getattr(module, image_loaders._INFERENCERS[modules[host]])


@pytest.mark.parametrize('host', ['mmdet', 'mmseg'])
@pytest.mark.parametrize('loader', ['LoadImageFromFile', 'sapiens_mm.SapiensLoadImage'])
def test_their_loader_takes_the_place(host, loader, tmp_path):
    cls = inferencer(host)
    steps = STEPS if loader.startswith('sapiens') else [dict(type=loader), STEPS[1]]
    photo = fake_person_image(0, (128, 96))
    with DefaultScope.overwrite_default_scope(host):
        pipeline = cls.__new__(cls)._init_pipeline(config(host, steps))
        found = pipeline(photo)['inputs']
    assert found.shape == (3, 64, 48)
    with pytest.raises(ValueError, match='LoadImageFromFile is not found'):
        cls.__new__(cls)._init_pipeline(config(host, steps[1:]))


@pytest.mark.parametrize('host', ['mmdet', 'mmseg'])
def test_without_the_mend_there_is_no_loader(host):
    find = inferencer(host)._get_transform_idx
    if not hasattr(find, 'knows_ours'):
        pytest.skip('the inferencer knows it by itself')
    assert find.__wrapped__(None, STEPS, 'LoadImageFromFile') == -1


def test_the_shipped_detector_in_mmdet():
    cls = inferencer('mmdet')
    path = sapiens_mm.config_path('det/rtmdet_tiny_synth_person-320x320')
    cfg = Config.fromfile(path)
    steps = cfg.test_dataloader.dataset.pipeline
    assert steps[0].type == 'sapiens_mm.SapiensLoadImage'
    with DefaultScope.overwrite_default_scope('mmdet'):
        pipeline = cls.__new__(cls)._init_pipeline(cfg)
        found = pipeline(fake_person_image(0, (128, 96)))
    assert found['inputs'].shape == (3, 320, 320)


def test_mmpretrain_hands_over_what_it_has_read():
    apis = pytest.importorskip('mmpretrain.apis')
    cls = apis.ImageClassificationInferencer
    photo = fake_person_image(0, (128, 96))
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        inferencer = cls.__new__(cls)
        inferencer.pipeline = inferencer._init_pipeline(config('mmpretrain', STEPS))
        (batch,) = inferencer.preprocess([photo])
    assert batch['inputs'].shape == (1, 3, 64, 48)
    found = batch['inputs'][0].permute(1, 2, 0).numpy()
    np.testing.assert_array_equal(found, cv2.resize(photo, (48, 64)))
