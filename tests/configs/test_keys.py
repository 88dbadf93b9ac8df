"""Misspelt keys of configs raise, and new-style configs import our classes."""

import copy

import pytest
import torch
from config_util import build, load, run_pipeline
from mmengine.config import Config

from sapiens_mm.backbones import SapiensViT
from sapiens_mm.layers import sincos_pos_embed
from sapiens_mm.testing import TINY_HW, tiny_arch


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
