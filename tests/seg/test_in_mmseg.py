"""Our encoder and head in UperNet configs that mmseg ships, as the page tells users."""

import math
import re
from pathlib import Path

import pytest
import torch

pytest.importorskip('mmseg')

from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmengine.registry import MODELS, DefaultScope

from sapiens_mm.testing import fake_person, map_sample, tiny_arch

PAGE = (Path(__file__).parents[2] / 'docs/hosts.md').read_text('utf-8')
# BEiT-L and Sapiens 0.3B are both 24 blocks of width 1024
BACKBONE = re.search(r'```python\n(_base_ = .mmseg::beit.*?)```', PAGE, re.S)[1]
HEAD = """
_base_ = 'mmseg::upernet/upernet_r18_4xb4-80k_ade20k-512x512.py'
model = dict(
    decode_head=dict(
        _delete_=True, type='sapiens_mm.SapiensSegHead', in_channels=512,
        in_index=3, num_classes=150))
"""
TINY_BACKBONE = {
    'model.backbone.arch': dict(_delete_=True, **tiny_arch(num_layers=4)),
    'model.backbone.img_size': (64, 64),
    'model.backbone.out_indices': [0, 1, 2, 3],
    'model.neck.embed_dim': 32,
    'model.decode_head.in_channels': [32] * 4,
    'model.decode_head.channels': 16,
    'model.auxiliary_head.in_channels': 32,
    'model.auxiliary_head.channels': 16,
    'model.data_preprocessor.size': (64, 64),
}
TINY_HEAD = {
    'model.pretrained': None,
    'model.data_preprocessor.size': (64, 64),
    'model.decode_head.channels': 16,
    'model.decode_head.deconv_out_channels': (16,),
    'model.decode_head.deconv_kernel_sizes': (4,),
    'model.decode_head.conv_out_channels': (16,),
    'model.decode_head.conv_kernel_sizes': (1,),
}
BOTH = dict(
    _delete_=True,
    type='sapiens_mm.SapiensSegHead',
    in_channels=32,
    in_index=3,
    num_classes=150,
    **{k.rpartition('.')[2]: v for k, v in TINY_HEAD.items() if 'decode_head' in k},
)


@pytest.fixture
def config(tmp_path):
    """Return a function that loads a user's file and shrinks it by options."""

    def load(text, **options):
        path = tmp_path / 'mine.py'
        path.write_text(text, encoding='utf-8')
        cfg = Config.fromfile(path)
        cfg.merge_from_dict(options)
        return cfg

    return load


def build(cfg):
    with DefaultScope.overwrite_default_scope('mmseg'):
        return MODELS.build(cfg.model)


def people(hw=(64, 64)):
    drawn = [fake_person(seed, hw) for seed in range(2)]
    photos = [torch.from_numpy(p.image.transpose(2, 0, 1).copy()) for p in drawn]
    return dict(inputs=photos, data_samples=[map_sample(p, 'seg') for p in drawn])


def train_step(model):
    """Take a step of the host's own and return its losses and what changed."""
    model.init_weights()
    model = revert_sync_batchnorm(model).train()  # as mmseg does on one device
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0)
    losses = model.train_step(people(), OptimWrapper(optimizer))
    changed = {n for n, p in model.named_parameters() if not p.equal(before[n])}
    with torch.no_grad():
        found = model.eval().test_step(people())
    assert [f.pred_sem_seg.data.shape for f in found] == [(1, 64, 64)] * 2
    return {name: float(value) for name, value in losses.items()}, changed, set(before)


def assert_even(losses):
    """Before training all 150 classes are as likely."""
    assert losses['decode.loss_ce'] == pytest.approx(math.log(150), rel=0.15)
    assert losses['aux.loss_ce'] == pytest.approx(0.4 * math.log(150), rel=0.15)


def test_the_encoder_fits_without_another_change(config):
    with torch.device('meta'):
        model = build(config(BACKBONE))
    vit = model.backbone
    assert type(vit).__name__ == 'SapiensViT'
    assert (vit.embed_dims, vit.out_indices) == (1024, [7, 11, 15, 23])
    model = revert_sync_batchnorm(model).eval()
    levels = model.neck([torch.empty(1, 1024, 40, 40, device='meta')] * 4)
    assert [tuple(level.shape) for level in levels] == [
        (1, 1024, side, side) for side in (160, 80, 40, 20)
    ]
    assert model.decode_head(levels).shape == (1, 150, 160, 160)


def test_a_step_of_the_encoder(config):
    cfg = config(BACKBONE, **TINY_BACKBONE)
    losses, changed, names = train_step(build(cfg))
    assert_even(losses)
    assert changed == names


def test_the_layer_decay_of_that_config_takes_ours(config):
    """mmseg's constructor knows BEiT by its class name; ours reads any depth."""
    cfg = config(BACKBONE, **TINY_BACKBONE)
    model = build(cfg)
    wrapper = dict(cfg.optim_wrapper, type='OptimWrapper')  # Amp... asks for a GPU
    built = build_optim_wrapper(model, wrapper)
    rates = {group['lr'] for group in built.param_groups}
    # embeddings, four blocks, and the rest
    assert sorted(rates, reverse=True) == pytest.approx(
        [2e-5 * 0.95**power for power in range(6)]
    )
    wrapper.update(
        constructor='LayerDecayOptimizerConstructor',
        paramwise_cfg=dict(num_layers=24, layer_decay_rate=0.95),
    )
    scope = DefaultScope.overwrite_default_scope('mmseg')
    with scope, pytest.raises(NotImplementedError):
        build_optim_wrapper(model, wrapper)


def test_a_step_of_the_head(config):
    losses, changed, names = train_step(build(config(HEAD, **TINY_HEAD)))
    assert_even(losses)
    # the biases before an InstanceNorm do nothing, nor do residual branches yet
    head = {name for name in names if name.startswith('decode_head.')}
    assert {n for n in head - changed if 'conv_layers.0.bias' not in n} == set()
    assert {
        'backbone.stem.0.weight',
        'backbone.layer4.0.downsample.0.weight',
    } <= changed


def test_a_step_of_both(config):
    options = {k: v for k, v in TINY_BACKBONE.items() if 'decode_head' not in k}
    model = build(config(BACKBONE, **options, **{'model.decode_head': BOTH}))
    losses, changed, names = train_step(model)
    assert_even(losses)
    assert type(model.backbone).__name__ == 'SapiensViT'
    assert type(model.decode_head).__name__ == 'SapiensSegHead'
    # levels that no head reads get no gradient
    idle = {n for n in names - changed if 'conv_layers' not in n}
    assert all(n.startswith('neck.') for n in idle), idle
