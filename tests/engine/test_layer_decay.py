"""Groups of the optimizer, against the paper's formula and mmpose's constructor."""

import copy
import re

import pytest
import torch
import torch.distributed as dist
from mmengine.config import Config
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import build_optim_wrapper
from mmengine.registry import MODELS, DefaultScope
from torch import nn
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor

from sapiens_mm import config_path
from sapiens_mm.backbones import SapiensViT
from sapiens_mm.engine.fsdp2 import MIN_TORCH_ON_CPU
from sapiens_mm.engine.layer_decay import SapiensLayerDecayConstructor
from sapiens_mm.testing import TINY_HW, build_model, tiny_arch, tiny_config

TYPE = 'sapiens_mm.SapiensLayerDecayConstructor'
DEPTHS = {'0.3b': 24, '0.6b': 32, '1b': 40, '2b': 48}
CONFIGS = {
    'pose': 'pose/sapiens_{}_goliath308-1024x768',
    'seg': 'seg/sapiens_{}_goliath28-1024x768',
    'depth': 'depth/sapiens_{}_render_people-1024x768',
    'normal': 'normal/sapiens_{}_render_people-1024x768',
}
OPTIMIZER = dict(type='AdamW', lr=5e-4, betas=(0.9, 0.999), weight_decay=0.1)


class Tiny(nn.Module):
    """A backbone with two blocks, every token there is, and a head."""

    def __init__(self, **options):
        super().__init__()
        self.backbone = SapiensViT(tiny_arch(), TINY_HW, with_cls_token=True, **options)
        self.backbone.mask_token = nn.Parameter(torch.zeros(1, 1, 32))
        self.head = nn.Conv2d(32, 3, 1)
        self.register_parameter('pos_embed_of_head', nn.Parameter(torch.zeros(1, 2)))


def build(model, paramwise_cfg=None, optimizer=None, constructor=TYPE):
    return build_optim_wrapper(
        model,
        dict(
            constructor=constructor,
            optimizer=optimizer or OPTIMIZER,
            paramwise_cfg=paramwise_cfg or dict(layer_decay_rate=0.85),
        ),
    )


def groups_of(wrapper):
    return wrapper.optimizer.param_groups


def settings(model, wrapper):
    """Map each parameter's name to (lr, weight decay)."""
    names = {id(param): name for name, param in model.named_parameters()}
    found = {}
    for group in groups_of(wrapper):
        for param in group['params']:
            assert names[id(param)] not in found  # once each
            found[names[id(param)]] = (group['lr'], group['weight_decay'])
    return found


def assert_equal_to_the_host(model, depth, rate):
    pytest.importorskip('mmpose.engine')
    ours = build(model, dict(layer_decay_rate=rate))
    host = build(
        model,
        dict(layer_decay_rate=rate, num_layers=depth),
        constructor='mmpose.LayerDecayOptimWrapperConstructor',
    )
    found = settings(model, ours)
    assert found == settings(model, host)  # to the last bit
    assert len(found) == len(list(model.parameters()))
    # the same order of groups and of parameters within: states are interchangeable
    for got, expected in zip(groups_of(ours), groups_of(host), strict=True):
        assert [id(p) for p in got['params']] == [id(p) for p in expected['params']]
    return found


@pytest.mark.parametrize('size', DEPTHS)
@pytest.mark.parametrize('task', CONFIGS)
def test_every_size_and_task_equals_the_host(task, size):
    cfg = Config.fromfile(config_path(CONFIGS[task].format(size)))
    pytest.importorskip(cfg.default_scope)
    with (
        DefaultScope.overwrite_default_scope(cfg.default_scope),
        torch.device('meta'),
    ):
        model = MODELS.build(cfg.model)
    depth, rate = DEPTHS[size], 0.95 if size == '1b' else 0.85
    found = assert_equal_to_the_host(model, depth, rate)
    wrapper = build(model)
    # two for each of the blocks, the embedding, and norm with head
    assert len(groups_of(wrapper)) == 2 * (depth + 2)
    first = found['backbone.patch_embed.projection.weight']
    assert first == pytest.approx((5e-4 * rate ** (depth + 1), 0.1), rel=1e-12)
    assert found['backbone.ln1.weight'] == (5e-4, 0)
    lrs = [found[f'backbone.layers.{i}.attn.qkv.weight'][0] for i in range(depth)]
    expected = [5e-4 * rate ** (depth - i) for i in range(depth)]
    assert lrs == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize('task', CONFIGS)
def test_tiny_models_equal_the_host(task):
    cfg = tiny_config(CONFIGS[task].format('0.3b'))
    pytest.importorskip(cfg.default_scope)
    assert_equal_to_the_host(build_model(cfg), 2, 0.75)


def test_tokens_and_odd_names_equal_the_host():
    assert_equal_to_the_host(Tiny(), 2, 0.75)


def test_groups_follow_the_formula():
    model = Tiny()
    expected = {
        'backbone.pos_embed': (0.125, 0.0),
        'backbone.cls_token': (0.125, 0.1),
        'backbone.mask_token': (0.125, 0.1),
        'backbone.patch_embed.projection.weight': (0.125, 0.1),
        'backbone.patch_embed.projection.bias': (0.125, 0.0),
        'backbone.layers.0.ln1.weight': (0.25, 0.0),
        'backbone.layers.0.attn.qkv.weight': (0.25, 0.1),
        'backbone.layers.0.attn.qkv.bias': (0.25, 0.0),
        'backbone.layers.1.ffn.layers.0.0.weight': (0.5, 0.1),
        'backbone.layers.1.ln2.bias': (0.5, 0.0),
        'backbone.ln1.weight': (1.0, 0.0),
        'backbone.ln1.bias': (1.0, 0.0),
        'head.weight': (1.0, 0.1),
        'head.bias': (1.0, 0.0),
        'pos_embed_of_head': (1.0, 0.0),
    }
    optimizer = dict(type='AdamW', lr=1.0, weight_decay=0.1)
    found = settings(model, build(model, dict(layer_decay_rate=0.5), optimizer))
    assert {key: found[key] for key in expected} == expected
    assert len(found) == len(list(model.parameters()))


def test_frozen_parameters_are_left_out():
    model = Tiny(frozen_stages=1)
    model.head.bias.requires_grad = False
    wrapper = build(model)
    trained = {name for name, param in model.named_parameters() if param.requires_grad}
    assert set(settings(model, wrapper)) == trained
    assert 'backbone.layers.0.ln1.weight' not in trained
    assert 'backbone.layers.1.ln1.weight' in trained
    names = [group['group_name'] for group in groups_of(wrapper)]
    assert names == [  # the mask token is the test's own, and not frozen
        *('layer_3_no_decay', 'layer_0_decay', 'layer_2_no_decay'),
        *('layer_2_decay', 'layer_3_decay'),
    ]


def test_without_weight_decay_the_optimizer_decides():
    model = Tiny()
    found = settings(model, build(model, optimizer=dict(type='AdamW', lr=1e-3)))
    assert found['head.weight'] == (1e-3, 0.01)  # AdamW's own
    assert found['head.bias'] == (1e-3, 0.0)


def test_optimizer_state_goes_from_the_host_to_ours_and_back():
    pytest.importorskip('mmpose.engine')
    model = Tiny()
    host_cfg = dict(layer_decay_rate=0.85, num_layers=2)
    host_type = 'mmpose.LayerDecayOptimWrapperConstructor'
    for cfg, source, other_cfg, target in (
        (host_cfg, host_type, None, TYPE),
        (None, TYPE, host_cfg, host_type),
    ):
        wrapper = build(model, cfg, constructor=source)
        model.zero_grad()
        wrapper.update_params(sum(p.square().sum() for p in model.parameters()))
        expected = settings(model, wrapper)
        other = build(model, other_cfg, constructor=target)
        other.load_state_dict(copy.deepcopy(wrapper.state_dict()))
        assert settings(model, other) == expected
        for param, entry in wrapper.optimizer.state.items():
            moments = other.optimizer.state[param]
            torch.testing.assert_close(moments['exp_avg'], entry['exp_avg'])


@pytest.fixture
def process_group():
    dist.init_process_group('gloo', store=dist.HashStore(), rank=0, world_size=1)
    yield
    dist.destroy_process_group()


def test_data_parallel_model(process_group):
    model = Tiny()
    wrapper = build(MMDistributedDataParallel(model))
    assert settings(model, wrapper) == settings(model, build(model))


def test_compiled_modules_keep_their_depth():
    """Compilation changes names: ``backbone._orig_mod.layers.0._orig_mod.…``."""
    model = Tiny()
    expected = settings(model, build(model))
    model.backbone.layers[0] = torch.compile(model.backbone.layers[0])
    model.backbone = torch.compile(model.backbone)
    found = settings(model, build(model))
    assert {name.replace('_orig_mod.', ''): v for name, v in found.items()} == expected


@pytest.mark.skipif(
    torch.cuda.is_available() or torch.__version__ < MIN_TORCH_ON_CPU,
    reason='shards on a CPU',
)
def test_sharded_model(process_group):
    plain = Tiny()
    sharded = copy.deepcopy(plain)
    for layer in sharded.backbone.layers:
        fully_shard(layer, mesh=torch.distributed.init_device_mesh('cpu', (1,)))
    fully_shard(sharded, mesh=torch.distributed.init_device_mesh('cpu', (1,)))
    assert all(isinstance(param, DTensor) for param in sharded.parameters())
    wrappers = [build(model) for model in (sharded, plain)]
    assert settings(sharded, wrappers[0]) == settings(plain, wrappers[1])
    for model, wrapper in zip((sharded, plain), wrappers, strict=True):
        for param in model.parameters():
            param.grad = param.detach().clone()
        wrapper.step()
    weights = plain.state_dict()
    for name, value in sharded.state_dict().items():
        torch.testing.assert_close(value.full_tensor(), weights[name], msg=name)


@pytest.mark.parametrize(
    ('paramwise_cfg', 'message'),
    [
        (dict(layer_decay=0.85), "unknown key 'layer_decay' (did you mean 'layer_de"),
        (dict(layer_decay_rate=0.85, num_layers=24), 'depth is taken from the model'),
        (
            dict(layer_decay_rate=0.85, custom_keys=dict(bias=dict(decay_multi=0.0))),
            "'custom_keys' (mmpose's layer decay ignored it",
        ),
        (dict(layer_decay_rate=0.85, decay_multi=0.0), "unknown key 'decay_multi'"),
        (dict(layer_decay_rate=0.85, decay_multi=0.0), 'keys are layer_decay_rate and'),
        (dict(layer_decay_rate=1, head_lr_mult=0), 'a number above 0, not 0'),
        (dict(layer_decay_rate=1, head_lr_mult='2'), "a number above 0, not '2'"),
        (dict(layer_decay_rate=1, head_lr_mult=True), 'a number above 0, not True'),
        (dict(), 'layer_decay_rate must be a number, not None'),
        (None, 'layer_decay_rate must be a number, not None'),
        (dict(layer_decay_rate='0.85'), "must be a number, not '0.85'"),
        (dict(layer_decay_rate=True), 'must be a number, not True'),
        (dict(layer_decay_rate=0), 'must be in (0, 1], not 0'),
        (dict(layer_decay_rate=8.5), 'must be in (0, 1], not 8.5'),
    ],
)
def test_wrong_settings_are_named(paramwise_cfg, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        SapiensLayerDecayConstructor(dict(optimizer=OPTIMIZER), paramwise_cfg)


def test_an_optimizer_without_lr_is_refused():
    with pytest.raises(ValueError, match='needs lr'):
        build(Tiny(), optimizer=dict(type='AdamW'))


@pytest.mark.parametrize('backbone', [None, nn.Linear(2, 2)])
def test_a_model_without_blocks_is_refused(backbone):
    model = nn.Sequential(nn.Linear(2, 2))
    model.backbone = backbone
    with pytest.raises(ValueError, match='list of blocks; Sequential has none'):
        build(model)


def test_a_head_may_be_quicker():
    model = Tiny()
    plain = {id(p): g['lr'] for g in groups_of(build(model)) for p in g['params']}
    cfg = dict(layer_decay_rate=0.85, head_lr_mult=10.0)
    quick = {id(p): g for g in groups_of(build(model, cfg)) for p in g['params']}
    assert set(quick) == set(plain)
    for name, param in model.named_parameters():
        group, before = quick[id(param)], plain[id(param)]
        of_head = not name.startswith('backbone.')
        assert group['group_name'].startswith('head_') is of_head
        assert group['lr'] == (10 * OPTIMIZER['lr'] if of_head else before)
        decayed = param.ndim > 1 and 'pos_embed' not in name
        assert group['weight_decay'] == (0.1 if decayed else 0.0)
