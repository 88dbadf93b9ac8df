"""Every shipped config is built, and its numbers agree with each other."""

import ast
import copy
import inspect
import re

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, TRANSFORMS, DefaultScope
from mmengine.runner import Runner
from torch.nn import functional as F

from sapiens_mm import config_path
from sapiens_mm.backbones import SapiensViT
from sapiens_mm.layers import sincos_pos_embed
from sapiens_mm.paths import config_names, config_root
from sapiens_mm.tables import keypoint_table, part_table
from sapiens_mm.testing import TINY_HW, fake_person_photo, tiny_arch

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
DETECTOR = 'det/rtmdet_m_person-640x640'
RGB_MEAN, RGB_STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]
# names in our files that are read by code of ours, not by the runner
HELPERS = {'_base_', 'codec', 'part_table', 'test_pipeline'}


def load(name):
    cfg = Config.fromfile(config_path(name))
    pytest.importorskip(cfg.default_scope)
    return cfg


def build(cfg, device='meta'):
    with DefaultScope.overwrite_default_scope(cfg.default_scope), torch.device(device):
        return MODELS.build(cfg.model)


def run_pipeline(cfg, data):
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        steps = [TRANSFORMS.build(step) for step in cfg.test_pipeline]
    for step in steps:
        data = step(data)
    return data


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
        'examples/mmseg_upernet_sapiens_0.3b',
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
    written = {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
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
    'name', [name for name in config_names() if name.startswith('examples/')]
)
def test_examples_fit_their_encoder(name):
    cfg = load(name)
    model = build(cfg)
    assert model.backbone.embed_dims == cfg.model.neck.in_channels
    assert model.backbone.patch_embed.padding == 0
    assert 'epoch_1600_clean' in cfg.model.backbone.init_cfg.checkpoint


# ---------------------------------------------------------------- test pipelines


@pytest.fixture
def photo(tmp_path):
    image = fake_person_photo(0, (128, 80))
    cv2.imwrite(str(tmp_path / 'photo.png'), image)
    return str(tmp_path / 'photo.png'), image


def normalised(image):
    """Swap to RGB and normalise, (H, W, 3) BGR to (3, H, W)."""
    rgb = torch.from_numpy(image[..., ::-1].copy()).permute(2, 0, 1).double()
    mean, std = (torch.tensor(v).double().view(3, 1, 1) for v in (RGB_MEAN, RGB_STD))
    return (rgb - mean) / std


def preprocess(cfg, packed):
    cfg.model.backbone.arch = dict(tiny_arch())
    for part, key in (('neck', 'embed_dim'), ('head', 'in_channels')):
        if key in cfg.model.get(part, {}):
            cfg.model[part][key] = 32
    if 'decode_head' in cfg.model:
        cfg.model.decode_head.in_channels = 32
    preprocessor = build(cfg, 'cpu').data_preprocessor
    if cfg.default_scope == 'mmpretrain':  # this host collates before
        batch = dict(inputs=packed['inputs'][None], data_samples=None)
    else:
        batch = dict(inputs=[packed['inputs']], data_samples=[packed['data_samples']])
    return preprocessor(batch, False)['inputs'][0].double()


@pytest.mark.parametrize(
    'key', ['seg/goliath28', 'depth/render_people', 'normal/render_people']
)
def test_dense_pipelines_squeeze_the_image_bilinearly(key, photo):
    path, image = photo
    cfg = load('{}/sapiens_0.3b_{}-1024x768'.format(*key.split('/')))
    packed = run_pipeline(cfg, dict(img_path=path))
    resized = cv2.resize(image, (768, 1024), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_array_equal(packed['inputs'].permute(1, 2, 0), resized)
    assert packed['data_samples'].ori_shape == (128, 80)
    got = preprocess(cfg, packed)
    torch.testing.assert_close(got, normalised(resized), rtol=0, atol=1e-5)


def test_mae_pipeline_squeezes_the_image_to_a_square(photo):
    from PIL import Image

    path, image = photo
    cfg = load('mae/sapiens_0.3b_humans-1024x1024')
    packed = run_pipeline(cfg, dict(img_path=path))
    pil = Image.fromarray(image).resize((1024, 1024), Image.BICUBIC)
    np.testing.assert_array_equal(packed['inputs'].permute(1, 2, 0), np.asarray(pil))
    got = preprocess(cfg, packed)
    torch.testing.assert_close(got, normalised(np.array(pil)), rtol=0, atol=1e-5)


def test_pose_pipeline_crops_the_box_in_the_udp_way(photo):
    path, image = photo
    cfg = load('pose/sapiens_0.3b_coco17-1024x768')
    box = np.array([[10.0, 20.0, 40.0, 100.0]], np.float32)
    packed = run_pipeline(
        cfg, dict(img_path=path, bbox=box, bbox_score=np.ones(1, np.float32))
    )
    sample = packed['data_samples']
    # 30 x 80 pixels, padded by 1.25 and widened to 3:4, about the box's centre
    assert sample.input_center.tolist() == [25, 60]
    assert sample.input_scale.tolist() == pytest.approx([75, 100])
    # UDP: pixel centres of the corners of the input lie on the corners of the crop
    xs = 25 - 37.5 + np.arange(768) * 75 / 767
    ys = 60 - 50 + np.arange(1024) * 100 / 1023
    grid = np.stack(np.meshgrid(xs / 79 * 2 - 1, ys / 127 * 2 - 1), -1)[None]
    source = torch.from_numpy(image.transpose(2, 0, 1).copy())[None].double()
    expected = F.grid_sample(source, torch.from_numpy(grid), align_corners=True)[0]
    error = (packed['inputs'].double() - expected).abs()
    assert error.mean() < 1.5  # OpenCV rounds positions to a 32nd of a pixel
    assert error.quantile(torch.tensor(0.99).double()) < 8
    got = preprocess(cfg, packed)
    crop = packed['inputs'].permute(1, 2, 0).numpy()
    torch.testing.assert_close(got, normalised(crop), rtol=0, atol=1e-5)


def test_detector_pipeline_keeps_the_ratio_and_pads_with_114(photo):
    path, image = photo
    cfg = load(DETECTOR)
    packed = run_pipeline(cfg, dict(img_path=path, img_id=0))
    got = packed['inputs'].permute(1, 2, 0).numpy()
    assert got.shape == (640, 640, 3)
    assert (got[:, 400:] == 114).all()
    resized = cv2.resize(image, (400, 640), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_array_equal(got[:, :400], resized)


# ---------------------------------------------------------------- misspelt keys


@pytest.mark.parametrize(
    ('name', 'key'),
    [
        ('pose/sapiens_0.3b_coco17-1024x768', 'model.backbone.drop_path'),
        ('pose/sapiens_0.3b_coco17-1024x768', 'model.backbone.patch_cfg.pading'),
        ('pose/sapiens_0.3b_coco17-1024x768', 'model.head.deconv_channels'),
        ('pose/sapiens_0.3b_coco17-1024x768', 'model.head.decoder.sigmas'),
        ('pose/sapiens_0.3b_coco17-1024x768', 'model.head.loss.top_k'),
        ('pose/sapiens_0.3b_coco17-1024x768', 'model.data_preprocessor.means'),
        ('pose/sapiens_0.3b_coco17-1024x768', 'model.tets_cfg'),
        ('seg/sapiens_0.3b_goliath28-1024x768', 'model.decode_head.num_class'),
        ('seg/sapiens_0.3b_goliath28-1024x768', 'model.decode_head.loss_decode.weight'),
        ('depth/sapiens_0.3b_render_people-1024x768', 'model.decode_head.max_depth'),
        (
            'normal/sapiens_0.3b_render_people-1024x768',
            'model.decode_head.deconv_chanels',
        ),
        ('mae/sapiens_0.3b_humans-1024x1024', 'model.backbone.mask_rate'),
        ('mae/sapiens_0.3b_humans-1024x1024', 'model.neck.depth'),
    ],
)
def test_misspelt_keys_raise(name, key):
    cfg = load(name)
    build(copy.deepcopy(cfg))
    cfg.merge_from_dict({key: 0})
    with pytest.raises((TypeError, ValueError), match=key.rpartition('.')[2]):
        build(cfg)


@pytest.mark.parametrize('field', ['scal', 'use_up'])
def test_misspelt_keys_of_pipelines_raise(field):
    cfg = load('pose/sapiens_0.3b_coco17-1024x768')
    cfg.test_pipeline[2][field] = True
    with pytest.raises(TypeError, match=field):
        run_pipeline(cfg, dict())


# ---------------------------------------------------------------- new-style configs


def test_a_new_style_config_imports_our_classes(tmp_path):
    heads = pytest.importorskip('mmseg.models').__name__
    path = tmp_path / 'lazy.py'
    path.write_text(
        f"""
from {heads} import EncoderDecoder, SegDataPreProcessor
from sapiens_mm.backbones import SapiensViT
from sapiens_mm.seg import SapiensSegHead

default_scope = 'mmseg'
model = dict(
    type=EncoderDecoder,
    data_preprocessor=dict(type=SegDataPreProcessor),
    backbone=dict(type=SapiensViT, arch={tiny_arch()}, img_size={TINY_HW}),
    decode_head=dict(
        type=SapiensSegHead,
        in_channels=32,
        num_classes=5,
        channels=8,
        deconv_out_channels=(8,),
        deconv_kernel_sizes=(4,),
        conv_out_channels=(),
        conv_kernel_sizes=(),
    ),
    test_cfg=dict(mode='whole'),
)
"""
    )
    cfg = Config.fromfile(path, lazy_import=True)
    model = build(cfg, 'cpu')
    model.init_weights()
    table = sincos_pos_embed(32, (4, 3))
    assert torch.equal(model.backbone.pos_embed, table)
    logits = model(torch.zeros(2, 3, *TINY_HW), None, mode='tensor')
    assert logits.shape == (2, 5, 8, 6)
    assert cfg.model.backbone.type is SapiensViT
