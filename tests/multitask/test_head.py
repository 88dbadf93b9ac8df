"""The head of several tasks equals its heads alone, and splits into their models."""

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DATASETS, MODELS, DefaultScope

from sapiens_mm import config_path
from sapiens_mm.checkpoints import identify
from sapiens_mm.multitask.split import split_state_dict

NAME = 'multitask/sapiens_tiny_synth-256x192'
ALONE = {
    'pose': 'pose/sapiens_tiny_synth308-256x192',
    'seg': 'seg/sapiens_tiny_synth28-256x192',
    'depth': 'depth/sapiens_tiny_synth-256x192',
    'normal': 'normal/sapiens_tiny_synth-256x192',
}
pytest.importorskip('mmseg')


@pytest.fixture(scope='module')
def config():
    cfg = Config.fromfile(config_path(NAME))
    cfg.model.backbone.arch = dict(
        embed_dims=192, num_layers=1, num_heads=3, feedforward_channels=192
    )
    return cfg


@pytest.fixture(scope='module')
def model(config):
    with DefaultScope.overwrite_default_scope('mmpose'):
        model = MODELS.build(config.model)
    torch.manual_seed(0)
    model.init_weights()
    return model


@pytest.fixture(scope='module')
def batch(config, synth_folder):
    cfg = config.train_dataloader.dataset.copy()
    cfg.data_root = str(synth_folder)
    with DefaultScope.overwrite_default_scope('mmpose'):
        dataset = DATASETS.build(cfg)
    samples = [dataset[index] for index in range(2)]
    return {key: [sample[key] for sample in samples] for key in samples[0]}


def test_samples_have_all_targets(batch):
    for sample in batch['data_samples']:
        assert sample.gt_fields.heatmaps.shape == (308, 32, 24)
        assert sample.gt_sem_seg.data.shape == (1, 64, 48)
        assert sample.gt_depth.data.shape == (1, 64, 48)
        assert sample.gt_normal.data.shape == (3, 64, 48)
        person = sample.gt_depth.data[0] >= 0
        assert 0.02 < person.float().mean() < 0.98
        assert (sample.gt_sem_seg.data[0][person] > 0).float().mean() > 0.95


def test_losses_are_those_of_the_heads(model, batch):
    data = model.data_preprocessor(batch, True)
    found = model.loss(**data)
    features = model.backbone(data['inputs'])
    samples = data['data_samples']
    heads = model.head.heads
    pose = heads['pose'].loss(features, samples, {})
    torch.testing.assert_close(found['pose.loss_kpt'], pose['loss_kpt'])
    labels = torch.cat([sample.gt_sem_seg.data for sample in samples])
    seg = heads['seg'].loss_decode(heads['seg'](features), labels)
    torch.testing.assert_close(found['seg.loss_ce'], seg)
    for task in ('depth', 'normal'):
        target = torch.stack([sample.get(f'gt_{task}').data for sample in samples])
        for loss in heads[task].loss_decode:
            alone = loss(heads[task](features), target)
            torch.testing.assert_close(found[f'{task}.{loss.loss_name}'], alone)
    names = {name for name in found if 'loss' in name}
    assert len(names) == 6 and all(float(found[n].detach()) > 0 for n in names)


def test_all_weights_get_a_gradient(model, batch):
    model.zero_grad()
    losses = model.loss(**model.data_preprocessor(batch, True))
    sum(value for name, value in losses.items() if 'loss' in name).backward()
    # biases before an InstanceNorm have none by their nature
    idle = [
        name
        for name, weight in model.named_parameters()
        if weight.grad is None or not weight.grad.any()
    ]
    assert idle == []


def test_it_predicts_keypoints(model, batch):
    model.eval()
    with torch.no_grad():
        data = model.data_preprocessor(batch, False)
        whole = model.head.predict(
            model.backbone(data['inputs']), data['data_samples'], dict(flip_test=False)
        )
    assert len(whole) == 2 and whole[0].keypoints.shape == (1, 308, 2)
    model.train()


@pytest.mark.parametrize('task', ALONE)
def test_split_models_load_and_answer_alike(model, config, task):
    split = split_state_dict(model.state_dict())
    assert list(split) == list(ALONE)
    cfg = Config.fromfile(config_path(ALONE[task]))
    cfg.model.backbone.update(
        arch=config.model.backbone.arch,
        patch_cfg=config.model.backbone.patch_cfg,
        init_cfg=None,
    )
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        alone = MODELS.build(cfg.model)
    alone.load_state_dict(split[task])  # strict
    image = torch.rand(1, 3, 256, 192)
    head = alone.head if task == 'pose' else alone.decode_head
    with torch.no_grad():
        features = model.eval().backbone(image)
        expected = model.head(features)[task]
        torch.testing.assert_close(head.eval()(alone.eval().backbone(image)), expected)
    model.train()


def test_split_weights_are_known_by_their_config():
    cfg = Config.fromfile(config_path(NAME))
    with DefaultScope.overwrite_default_scope('mmpose'), torch.device('meta'):
        model = MODELS.build(cfg.model)
    for task, state_dict in split_state_dict(model.state_dict()).items():
        assert identify(state_dict).config_names() == (ALONE[task],)


def test_one_task_is_not_split():
    with pytest.raises(ValueError, match=r'no keys head.heads'):
        split_state_dict({'backbone.ln1.weight': torch.ones(1)})
