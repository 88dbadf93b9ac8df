"""Every shipped config is built, and its numbers agree with each other."""

import ast
import functools
import inspect
import re

import pytest
import torch
from config_util import DETECTOR, RGB_MEAN, RGB_STD, build, load
from mmengine.runner import Runner

from sapiens_mm.backbones import SapiensViT
from sapiens_mm.paths import config_names, config_root
from sapiens_mm.tables import keypoint_table, part_table

DIMS = {'0.3b': 1024, '0.6b': 1280, '1b': 1536, '2b': 1920}
# folder and dataset -> padding of the patches, outputs of the model, input (H, W)
DATASETS = {
    'pose/coco17': (2, 17, (1024, 768)),
    'pose/wholebody133': (2, 133, (1024, 768)),
    'pose/goliath308': (2, 308, (1024, 768)),
    'seg/goliath28': (0, 28, (1024, 768)),
    'seg/face19': (0, 19, (1024, 768)),
    'seg/lip20': (2, 20, (1024, 768)),
    'seg/cihp20': (2, 20, (1024, 768)),
    **{
        f'{task}/{data}': (padding, channels, (1024, 768))
        for task, padding, channels in (('depth', 0, 1), ('normal', 2, 3))
        for data in ('render_people', 'general', 'synth_human', 'thuman2', 'hi4d')
    },
    'mae/humans': (0, None, (1024, 1024)),
}
NAMES = {
    f'{folder}/sapiens_{size}_{dataset}-{hw[0]}x{hw[1]}': (size, f'{folder}/{dataset}')
    for (folder, dataset), hw in (
        (key.split('/'), value[2]) for key, value in DATASETS.items()
    )
    for size in DIMS
}
# names in our files that are read by code of ours, not by the runner
HELPERS = {'_base_', 'codec', 'part_table', 'test_pipeline'}


@functools.cache
def read_from_bases():
    """Return the names that some config reads as ``_base_.NAME``."""
    nodes = (n for path in our_files() for n in ast.walk(ast.parse(path.read_text())))
    return {
        node.attr
        for node in nodes
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == '_base_'
    }


def our_files():
    return sorted(config_root().rglob('*.py'), key=str)


# ---------------------------------------------------------------- the files


def test_the_promised_configs_are_there():
    shipped = set(config_names())
    assert set(NAMES) | {DETECTOR} <= shipped
    size = r'(sapiens_(0\.3b|0\.6b|1b|2b|tiny)|rtmdet_(m|tiny))'
    leaf = size + r'_[a-z0-9_]+(-[a-z0-9]+)*-\d+x\d+'
    for name in shipped:
        folder, _, stem = name.partition('/')
        if folder != 'examples':
            tasks = {'pose', 'seg', 'depth', 'normal', 'mae', 'det', 'multitask'}
            assert folder in tasks, name
            assert re.fullmatch(leaf, stem), name


def test_the_examples_are_there():
    examples = {name for name in config_names() if name.startswith('examples/')}
    assert {
        'examples/mmdet_faster-rcnn_sapiens_0.3b',
        'examples/mmpose_heatmap_sapiens_0.3b',
        'examples/mmpretrain_classifier_sapiens_0.3b',
        'examples/mmseg_upernet_sapiens_0.3b',
        *(f'examples/finetune_{task}' for task in ('pose', 'seg', 'depth', 'normal')),
    } <= examples


@pytest.mark.parametrize('path', our_files(), ids=lambda path: path.stem)
def test_files_are_short_and_hold_no_dead_names(path):
    text = path.read_text(encoding='utf-8')
    if path.parent.name not in ('_base_', 'examples'):
        assert len(text.splitlines()) <= 40
    tree = ast.parse(text)
    read = {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    known = set(inspect.signature(Runner.__init__).parameters) | HELPERS | read
    known |= read_from_bases()
    written = {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)  # not steps.blur, which has no name of its own
    }
    assert written <= known, f'nobody reads {sorted(written - known)}'
    assert not re.search(r'/(home|root|mnt|Users|checkpoint|data)/', text)


# ---------------------------------------------------------------- the numbers


@pytest.mark.parametrize('name', NAMES)
def test_models_agree_with_their_configs(name):
    size, key = NAMES[name]
    padding, num_outputs, image_hw = DATASETS[key]
    cfg = load(name)
    model = build(cfg)

    vit = model.backbone
    assert isinstance(vit, SapiensViT)
    assert vit.embed_dims == DIMS[size]
    assert vit.patch_embed.padding == padding
    assert 'padding' in cfg.model.backbone.patch_cfg  # stated, as it cannot be seen
    assert vit.img_size == image_hw
    assert vit.pos_embed.shape[1] == (4097 if key == 'mae/humans' else 64 * 48)
    for parameter in model.parameters():
        assert parameter.is_meta

    preprocessor = cfg.model.data_preprocessor
    assert preprocessor.mean == RGB_MEAN
    assert preprocessor.std == RGB_STD
    assert preprocessor.get('bgr_to_rgb') or preprocessor.get('to_rgb')

    task = key.split('/')[0]
    if task == 'pose':
        check_pose(cfg, model, num_outputs)
    elif task == 'mae':
        assert cfg.model.neck.embed_dim == DIMS[size]
        assert cfg.model.neck.num_patches == 64 * 64
        assert vit.mask_ratio == 0.75
        assert model.head.norm_pix
    else:
        head = model.decode_head
        assert head.in_channels == DIMS[size]
        assert head.out_channels == num_outputs
        assert preprocessor.size == image_hw
        assert cfg.model.test_cfg.mode == 'whole'
        strides = {'seg': 2, 'depth': 1, 'normal': 2}[task]
        features = torch.empty(1, DIMS[size], 64, 48, device='meta')
        expected = (1, num_outputs, 1024 // strides, 768 // strides)
        assert head((features,)).shape == expected


def check_pose(cfg, model, num_keypoints):
    head = model.head
    assert head.in_channels == model.backbone.embed_dims
    assert head.out_channels == num_keypoints
    assert keypoint_table(num_keypoints).num_keypoints == num_keypoints
    decoder = head.decoder
    assert decoder.sigma == 6
    assert decoder.blur_kernel_size == 11
    features = torch.empty(1, head.in_channels, 64, 48, device='meta')
    heatmap_wh = tuple(decoder.heatmap_size)
    assert head((features,)).shape[2:] == heatmap_wh[::-1] == (256, 192)
    assert tuple(decoder.input_size) == (768, 1024)
    assert decoder.scale_factor == pytest.approx([767 / 191, 1023 / 255], rel=1e-6)
    assert cfg.codec == cfg.model.head.decoder
    assert model.test_cfg == dict(
        flip_test=True, flip_mode='heatmap', shift_heatmap=False
    )


@pytest.mark.parametrize('dataset', ['goliath28', 'lip20', 'cihp20', 'face19'])
def test_segmentation_agrees_with_the_class_tables(dataset):
    cfg = load(f'seg/sapiens_0.3b_{dataset}-1024x768')
    table = part_table(cfg.part_table)
    assert table.name == dataset
    head = cfg.model.decode_head
    assert head.num_classes == len(table.classes)
    assert head.ignore_index == 255
    loss = head.loss_decode
    assert loss.normalize_by == 'pixels'
    if dataset == 'face19':
        assert 'class_weight' not in loss
        assert not table.class_weights
    else:
        assert loss.class_weight == list(table.class_weights)


def test_the_detector():
    cfg = load(DETECTOR)
    model = build(cfg)
    assert model.bbox_head.num_classes == 1
    assert model.bbox_head.cls_out_channels == 1
    preprocessor = cfg.model.data_preprocessor
    assert preprocessor.mean == RGB_MEAN[::-1]
    assert preprocessor.std == RGB_STD[::-1]
    assert not preprocessor.bgr_to_rgb
    assert cfg.model.backbone.init_cfg is None
    test_cfg = model.bbox_head.test_cfg
    got = (test_cfg.nms_pre, test_cfg.score_thr, test_cfg.max_per_img)
    assert got == (1000, 0.05, 100)
    assert test_cfg.nms == dict(type='nms', iou_threshold=0.6)


@pytest.mark.parametrize(
    'name', [name for name in config_names() if name.startswith('examples/mm')]
)
def test_examples_of_hosts_fit_their_encoder(name):
    cfg = load(name)
    model = build(cfg)
    asks = cfg.model.neck if 'in_channels' in cfg.model.neck else cfg.model.head
    assert model.backbone.embed_dims == asks.in_channels
    assert model.backbone.patch_embed.padding == 0
    assert cfg.model.backbone.init_cfg.checkpoint == 'sapiens_0.3b'
