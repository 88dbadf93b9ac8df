"""Pipelines, schedules and data of the shipped configs that train."""

import sys
from pathlib import Path

import config_util
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from mmengine.registry import DATASETS, PARAM_SCHEDULERS, DefaultScope

from sapiens_mm.tables import part_table
from sapiens_mm.testing import TINY_HW, build_model, tiny_config

sys.path.insert(0, str(Path(__file__).parents[1] / 'seg'))

SIZES = ('0.3b', '0.6b', '1b', '2b')
PARTS = ('goliath28', 'lip20', 'cihp20', 'face19')


def load(task, dataset, size='0.3b'):
    return config_util.load(f'{task}/sapiens_{size}_{dataset}-1024x768')


def step(cfg, name):
    (found,) = [s for s in cfg.train_dataloader.dataset.pipeline if s.type == name]
    return found


# ---------------------------------------------------------------- segmentation


@pytest.mark.parametrize('size', SIZES)
@pytest.mark.parametrize('dataset', PARTS)
def test_seg_settings_of_all_sizes(dataset, size):
    cfg = load('seg', dataset, size)
    assert cfg.model.backbone.init_cfg.checkpoint == f'sapiens_{size}'
    optim = cfg.optim_wrapper
    assert optim.type == 'sapiens_mm.SapiensOptimWrapper'
    assert optim.optimizer == dict(
        type='AdamW', lr=5e-4, betas=(0.9, 0.999), weight_decay=0.1
    )
    assert optim.paramwise_cfg == dict(layer_decay_rate=0.85)
    assert optim.clip_grad.max_norm == 1.0
    epochs = 400 if dataset in ('lip20', 'cihp20') else 200
    assert (cfg.train_cfg.by_epoch, cfg.train_cfg.max_epochs) == (True, epochs)
    assert cfg.log_processor.by_epoch
    checkpoint = cfg.default_hooks.checkpoint
    assert (checkpoint.interval, checkpoint.max_keep_ckpts) == (1, 3)
    hooks = [hook.type for hook in cfg.custom_hooks]
    assert hooks == ['sapiens_mm.SapiensEpochSeedHook', 'sapiens_mm.SapiensSkippedHook']
    assert not cfg.train_dataloader.persistent_workers  # the hook wants that
    if dataset == 'face19':
        assert cfg.val_dataloader is cfg.val_cfg is cfg.val_evaluator is None
        assert checkpoint.save_best is None
    else:
        assert cfg.train_cfg.val_interval == 1
        assert checkpoint.save_best == 'mIoU'
        assert cfg.val_dataloader == cfg.test_dataloader
    assert cfg.test_evaluator.type == 'sapiens_mm.SapiensPartMetric'


@pytest.mark.parametrize('dataset', PARTS)
def test_seg_pipelines(dataset):
    cfg = load('seg', dataset)
    names = [s.type.rpartition('.')[2] for s in cfg.train_dataloader.dataset.pipeline]
    assert names == [
        'SapiensLoadImage',
        'SapiensLoadLabels',
        *(['SapiensRandomBackground'] if dataset == 'goliath28' else []),
        'RandomResize',
        'RandomCrop',
        'Resize',
        'RandomRotate',
        'RandomFlip',
        'PhotoMetricDistortion',
        'PackSegInputs',
    ]
    if dataset == 'goliath28':
        assert step(cfg, 'sapiens_mm.SapiensRandomBackground').prob == 0.8
    resize = step(cfg, 'RandomResize')
    small = dataset in ('lip20', 'cihp20')
    assert resize.ratio_range == ((0.75, 1.25) if small else (0.2, 2.0))
    assert (resize.scale, resize.keep_ratio) == ((768, 1024), True)
    crop = step(cfg, 'RandomCrop')
    assert (crop.crop_size, crop.cat_max_ratio) == ((1024, 768), 0.75)
    assert step(cfg, 'Resize') == dict(
        type='Resize', scale=(768, 1024), keep_ratio=False
    )
    rotate = step(cfg, 'RandomRotate')
    assert (rotate.prob, rotate.degree, rotate.pad_val) == (0.5, 45, 0)
    assert rotate.seg_pad_val == (255 if small else 0)
    flip = step(cfg, 'RandomFlip')
    assert flip.prob == 0.5
    assert tuple(flip.swap_seg_labels) == part_table(dataset).swap_pairs
    loader = cfg.test_dataloader.dataset
    names = [s.type.rpartition('.')[2] for s in loader.pipeline]
    assert names == [
        'SapiensLoadImage',
        'Resize',
        'SapiensLoadLabels',  # after it: figures are taken at the image's size
        'PackSegInputs',
    ]
    assert loader.test_mode


def learning_rates(cfg, epochs, iterations):
    """Run the schedulers with epochs of ``iterations``; return the rate of each."""
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    schedulers = [
        PARAM_SCHEDULERS.build(dict(s, optimizer=optimizer))
        for s in cfg.param_scheduler
    ]
    rates = []
    for _ in range(epochs):
        for _ in range(iterations):
            rates.append(optimizer.param_groups[0]['lr'])
            optimizer.step()
            for scheduler in schedulers:
                if not scheduler.by_epoch:
                    scheduler.step()
        for scheduler in schedulers:
            if scheduler.by_epoch:
                scheduler.step()
    return np.reshape(rates, (epochs, iterations))


@pytest.mark.parametrize('dataset', PARTS)
def test_seg_learning_rates(dataset):
    cfg = load('seg', dataset)
    epochs = cfg.train_cfg.max_epochs
    rates = learning_rates(cfg, epochs, 100)
    share = np.arange(epochs) / epochs
    # mmengine's PolyLR is at its end in the last epoch, CosineAnnealingLR after it
    poly, cosine = 1 - share * epochs / (epochs - 1), (1 + np.cos(np.pi * share)) / 2
    expected = cosine if dataset == 'lip20' else poly
    np.testing.assert_allclose(rates[4:], expected[4:, None] * np.ones(100), atol=1e-9)
    warm = 0.001 + 0.999 * np.arange(400) / 399
    np.testing.assert_allclose(
        rates[:4].ravel(), warm * np.repeat(expected[:4], 100), rtol=1e-9
    )


def tiny_batch(cfg, root, count=2):
    """Build the shipped training data set on drawn files, at a tiny input."""
    dataset = cfg.train_dataloader.dataset
    dataset.data_root = str(root)
    for each in dataset.pipeline:
        if 'scale' in each:
            each.scale = TINY_HW[::-1]
        if 'crop_size' in each:
            each.crop_size = TINY_HW
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        built = DATASETS.build(dataset)
    packed = [built[n % len(built)] for n in range(count)]
    return {key: [sample[key] for sample in packed] for key in packed[0]}


@pytest.mark.parametrize('dataset', PARTS)
def test_seg_trains_from_files_by_its_own_pipeline(dataset, tmp_path):
    pytest.importorskip('mmseg')
    from part_layouts import LAYOUTS

    cfg = tiny_config(f'seg/sapiens_0.3b_{dataset}-1024x768')
    np.random.seed(0)
    LAYOUTS[dataset](tmp_path)
    data = tiny_batch(cfg, tmp_path, 4)
    assert {tuple(image.shape) for image in data['inputs']} == {(3, *TINY_HW)}
    num_classes = part_table(dataset).num_classes
    for sample in data['data_samples']:
        labels = sample.gt_sem_seg.data
        assert labels.shape == (1, *TINY_HW)
        assert ((labels < num_classes) | (labels == 255)).all()
    model = build_model(cfg).train()
    before = {key: p.detach().clone() for key, p in model.named_parameters()}
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0)
    values = []
    for _ in range(4):
        torch.manual_seed(0)  # the same dropout
        logged = model.train_step(data, OptimWrapper(optimizer))
        values.append(logged['decode.loss_ce'].item())
    assert np.isfinite(values).all()
    assert values[-1] < values[0]
    changed = [
        key for key, p in model.named_parameters() if not torch.equal(p, before[key])
    ]
    assert {'backbone.pos_embed', 'decode_head.conv_seg.weight'} <= set(changed)


def test_seg_configs_of_the_docs(tmp_path):
    pytest.importorskip('mmseg')
    from part_layouts import people, write_captures, write_image, write_labels

    root = Path(__file__).parents[2]
    text = (root / 'docs/seg.md').read_text()
    blocks = [b.partition('```')[0] for b in text.split('```python\n')[1:]]
    blocks = [block for block in blocks if block.startswith('_base_')]
    captures, own = (
        Config.fromstring(block.replace("'configs/", f"'{root}/configs/"), '.py')
        for block in blocks
    )
    write_captures(tmp_path / 'captures')
    data = captures.train_dataloader.dataset
    data.data_root = str(tmp_path / 'captures')
    data.update(image_pattern='{sample_id}.jpg', label_pattern='{sample_id}.png')
    with DefaultScope.overwrite_default_scope('mmseg'):
        assert len(DATASETS.build(data)) == 3

    (person,) = people(1)
    write_image(tmp_path / 'mine/photos/train/a.jpg', person.image)
    write_labels(tmp_path / 'mine/labels/train/a.png', person.labels > 0)
    data = own.train_dataloader.dataset
    data.data_root = str(tmp_path / 'mine')
    with DefaultScope.overwrite_default_scope('mmseg'):
        packed = DATASETS.build(data)[0]
    assert set(np.unique(packed['data_samples'].gt_sem_seg.data)) <= {0, 1, 255}
    assert own.model.decode_head.num_classes == 2
    assert own.model.decode_head.loss_decode.class_weight is None
    assert own.test_dataloader.dataset.parts is None
    assert own.test_dataloader.dataset.data_prefix.img_path == 'photos/val/'
