import pytest
from checkpoint_util import strip_prefix, tiny_shapes

from sapiens_mm.checkpoints import (
    CheckpointError,
    canonical_names,
    select_part,
    to_ours,
)
from sapiens_mm.checkpoints.keys import strip_wrappers

FULL = tiny_shapes()
BARE = strip_prefix(FULL)


@pytest.mark.parametrize(
    'name, ours',
    [
        ('module.backbone.pos_embed', 'backbone.pos_embed'),
        ('_orig_mod.module.head.final_layer.bias', 'head.final_layer.bias'),
        ('model.backbone.layers.3.ln1.weight', 'backbone.layers.3.ln1.weight'),
        ('ema_model.module.backbone.ln1.bias', 'backbone.ln1.bias'),
        ('backbone._orig_mod.pos_embed', 'backbone.pos_embed'),
        (
            'backbone.layers.0._checkpoint_wrapped_module._orig_mod.attn.qkv.bias',
            'backbone.layers.0.attn.qkv.bias',
        ),
        ('head.deconv_layers.3.weight', 'head.deconv_layers.3.weight'),
    ],
)
def test_wrappers_go(name, ours):
    assert strip_wrappers(name) == ours


@pytest.mark.parametrize('wrapper', ['', 'module.', '_orig_mod.', 'model.module.'])
def test_full_names_survive_wrappers(wrapper):
    wrapped = {wrapper + name: shape for name, shape in FULL.items()}
    assert to_ours(wrapped) == FULL


@pytest.mark.parametrize('wrapper', ['', 'module.', 'model.'])
def test_bare_encoder_gets_its_prefix(wrapper):
    wrapped = {wrapper + name: shape for name, shape in BARE.items()}
    encoder = {k: v for k, v in FULL.items() if k.startswith('backbone.')}
    assert to_ours(wrapped) == encoder


def test_preprocessor_and_ema_counters_are_no_weights():
    extra = {'data_preprocessor.mean': 0, 'data_preprocessor.std': 0, 'steps': 0}
    assert canonical_names(FULL | extra) == {name: name for name in FULL}


def test_two_models_in_one_file():
    twice = {f'model.{name}': 0 for name in FULL} | {f'ema.{name}': 0 for name in FULL}
    with pytest.raises(CheckpointError, match='two copies of backbone.pos_embed'):
        canonical_names(twice)


def test_parts():
    encoder = {k: v for k, v in FULL.items() if k.startswith('backbone.')}
    assert select_part(FULL, 'full') == FULL
    assert select_part(FULL, 'backbone') == encoder
    assert select_part(FULL, 'encoder') == BARE
    assert select_part(BARE, 'backbone') == encoder
    assert select_part(BARE, 'full') == encoder
    with pytest.raises(ValueError, match="got 'head'"):
        select_part(FULL, 'head')
    with pytest.raises(CheckpointError, match='no backbone'):
        select_part({'head.final_layer.bias': 0}, 'encoder')
