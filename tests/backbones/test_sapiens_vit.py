"""SapiensViT against mmpretrain's transformer with the same weights, and formulas."""

import math

import pytest
import torch
from mmengine.model import BaseModule, PretrainedInit
from mmengine.runner import load_checkpoint
from torch.nn import functional as F

from sapiens_mm.backbones import SapiensViT
from sapiens_mm.layers import fit_pos_embed, sincos_pos_embed
from sapiens_mm.testing import (
    TINY_HW,
    fill_deterministic,
    hash_uniform,
    tiny_arch,
)


def tiny_vit(**kwargs):
    kwargs = {'arch': tiny_arch(), 'img_size': TINY_HW, **kwargs}
    return fill_deterministic(SapiensViT(**kwargs)).eval()


def images(batch=2, hw=TINY_HW):
    values = hash_uniform('image', batch * 3 * hw[0] * hw[1])
    return torch.from_numpy(values).reshape(batch, 3, *hw) * 2


def host_vit(ours, **kwargs):
    """mmpretrain's transformer with the weights of ours."""
    backbones = pytest.importorskip('mmpretrain.models.backbones')
    host = backbones.VisionTransformer(
        arch=tiny_arch(num_layers=ours.num_layers), img_size=TINY_HW, **kwargs
    )
    host.load_state_dict(ours.state_dict())
    host.eval()  # returns nothing
    return host


# ---------------------------------------------------------------- against the host


@pytest.mark.parametrize('image_hw', [TINY_HW, (96, 80)])
@pytest.mark.parametrize('with_cls_token', [False, True])
@pytest.mark.parametrize('padding', [0, 2])
def test_equals_mmpretrain(padding, with_cls_token, image_hw):
    ours = tiny_vit(patch_cfg=dict(padding=padding), with_cls_token=with_cls_token)
    host = host_vit(
        ours,
        patch_cfg=dict(padding=padding),
        with_cls_token=with_cls_token,
        out_type='featmap',
    )
    (got,), (expected,) = ours(images(hw=image_hw)), host(images(hw=image_hw))
    assert got.shape == (2, 32, image_hw[0] // 16, image_hw[1] // 16)
    torch.testing.assert_close(got, expected, rtol=0, atol=2e-6)


def test_no_patch_cfg_is_mmpretrains_default():
    ours = tiny_vit()
    host = host_vit(ours, with_cls_token=False, out_type='featmap')
    torch.testing.assert_close(ours(images())[0], host(images())[0], rtol=0, atol=2e-6)


@pytest.mark.parametrize('out_type', ['featmap', 'raw'])
@pytest.mark.parametrize('final_norm', [True, False])
def test_outputs_of_several_blocks_equal_mmpretrain(out_type, final_norm):
    ours = tiny_vit(
        arch=tiny_arch(num_layers=4),
        out_indices=(0, 2, -1),
        out_type=out_type,
        with_cls_token=True,
        final_norm=final_norm,
    )
    host = host_vit(
        ours, out_indices=[0, 2, 3], out_type=out_type, final_norm=final_norm
    )
    got, expected = ours(images()), host(images())
    assert len(got) == len(expected) == 3
    for ours_map, host_map in zip(got, expected, strict=True):
        torch.testing.assert_close(ours_map, host_map, rtol=0, atol=2e-6)


def test_gradients_equal_mmpretrain():
    ours = tiny_vit(patch_cfg=dict(padding=2))
    host = host_vit(
        ours, patch_cfg=dict(padding=2), with_cls_token=False, out_type='featmap'
    )
    weights = torch.randn(2, 32, 4, 3)
    for model in (ours, host):
        model.train()
        (model(images())[0] * weights).sum().backward()
    expected = dict(host.named_parameters())
    for key, parameter in ours.named_parameters():
        close = dict(rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(parameter.grad, expected[key].grad, **close)


def test_the_two_paddings_differ_though_they_share_keys():
    with_2, with_0 = tiny_vit(patch_cfg=dict(padding=2)), tiny_vit()
    with_2.load_state_dict(with_0.state_dict())
    change = (with_2(images())[0] - with_0(images())[0]).abs().mean()
    assert change > 0.1


# ---------------------------------------------------------------- run-time features


def test_position_table_is_resized_for_other_images():
    model = tiny_vit(with_cls_token=True)
    table = model.pos_embed.detach()
    grid = table[:, 1:].reshape(1, 4, 3, 32).permute(0, 3, 1, 2)
    grid = F.interpolate(grid, (5, 6), mode='bicubic', align_corners=False)
    expected = torch.cat([table[:, :1], grid.flatten(2).transpose(1, 2)], 1)
    assert torch.equal(model.position_table((5, 6)), expected)
    image = images(hw=(80, 96))
    tokens, grid_hw = model.embed(image)
    assert grid_hw == (5, 6)
    patches, _ = model.patch_embed(image)
    bare = torch.cat([model.cls_token.expand(2, -1, -1), patches], 1)
    assert torch.equal(tokens, bare + expected)


@pytest.mark.parametrize('drop_path_rate', [0.0, 0.5])
def test_activation_checkpointing_changes_no_value(drop_path_rate):
    results = []
    for with_cp in (False, True):
        model = tiny_vit(
            arch=tiny_arch(num_layers=4),
            drop_path_rate=drop_path_rate,
            with_cp=with_cp,
            out_indices=(1, 3),
        ).train()
        torch.manual_seed(5)
        outputs = model(images(batch=4))
        sum(out.square().sum() for out in outputs).backward()
        gradients = [parameter.grad for parameter in model.parameters()]
        results.append([*outputs, *gradients])
    for plain, checkpointed in zip(*results, strict=True):
        assert torch.equal(plain, checkpointed)


def test_activation_checkpointing_recomputes_blocks():
    model = tiny_vit(with_cp=True).train()
    calls = []
    model.layers[0].register_forward_pre_hook(lambda *_: calls.append(1))
    loss = model(images())[0].sum()
    assert len(calls) == 1
    loss.backward()
    assert len(calls) == 2


def test_drop_path_rises_linearly():
    model = SapiensViT(tiny_arch(num_layers=5), TINY_HW, drop_path_rate=0.2)
    rates = [layer.drop_path.rate for layer in model.layers]
    assert rates == pytest.approx([0, 0.05, 0.1, 0.15, 0.2])


@pytest.mark.parametrize('frozen_stages', [-1, 0, 1, 3])
def test_frozen_stages_freeze_what_they_say(frozen_stages):
    model = tiny_vit(
        arch=tiny_arch(num_layers=3),
        with_cls_token=True,
        frozen_stages=frozen_stages,
        drop_path_rate=0.5,
    )
    frozen_starts = () if frozen_stages < 0 else ('patch_embed', 'pos_', 'cls_')
    frozen_starts += tuple(f'layers.{i}.' for i in range(frozen_stages))
    frozen_starts += ('ln1.',) if frozen_stages == 3 else ()
    for _ in range(2):
        model.train()
        for key, parameter in model.named_parameters():
            assert parameter.requires_grad == (not key.startswith(frozen_starts)), key
        for index, layer in enumerate(model.layers):
            frozen = index < frozen_stages
            assert all(m.training != frozen for m in layer.modules())
        model.eval()
        assert not any(module.training for module in model.modules())
    before = {key: value.clone() for key, value in model.state_dict().items()}
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    out = model(images())[0]
    if out.requires_grad:
        out.square().sum().backward()
    optimizer.step()
    for key, value in model.state_dict().items():
        changed = not torch.equal(value, before[key])
        # a dropped block (drop path) gets a zero gradient: changes are not certain
        assert not (changed and key.startswith(frozen_starts)), key


def test_half_precision_weights_take_float32_images():
    model = tiny_vit().bfloat16()
    got = model(images())[0]
    assert got.dtype == torch.bfloat16
    assert torch.equal(got, model(images().bfloat16())[0])
    full = tiny_vit()(images())[0]
    assert (got.float() - full).abs().mean() < 0.02


def test_autocast_keeps_the_image_in_float32_for_the_host_to_cast():
    model = tiny_vit()
    full = model(images())[0]
    with torch.autocast('cpu', torch.bfloat16):
        got = model(images())[0]
    assert 0 < (got.float() - full).abs().mean() < 0.02


# ---------------------------------------------------------------- loading


def square_file(tmp_path, prefix=''):
    """Save a class-token encoder of a square grid, like a released encoder."""
    source = tiny_vit(img_size=(64, 64), with_cls_token=True)
    weights = {prefix + key: value for key, value in source.state_dict().items()}
    assert weights[prefix + 'pos_embed'].shape == (1, 17, 32)
    path = tmp_path / 'encoder.pth'
    torch.save(weights, path)
    return source.state_dict(), path


def assert_fitted(model, source):
    for key, value in model.state_dict().items():
        expected = source[key]
        if key == 'pos_embed':
            grid = expected[:, 1:].reshape(1, 4, 4, 32).permute(0, 3, 1, 2)
            grid = F.interpolate(grid, (4, 3), mode='bicubic', align_corners=False)
            expected = grid.flatten(2).transpose(1, 2)
        assert torch.equal(value, expected), key


def test_mmengine_loads_a_square_table_with_class_row(tmp_path):
    source, path = square_file(tmp_path)
    model = SapiensViT(tiny_arch(), TINY_HW)
    load_checkpoint(model, str(path), map_location='cpu', strict=True)
    assert_fitted(model, source)


def test_mmengine_loads_it_into_a_whole_model_too(tmp_path):
    source, path = square_file(tmp_path, prefix='backbone.')
    model = BaseModule()
    model.backbone = SapiensViT(tiny_arch(), TINY_HW)
    load_checkpoint(model, str(path), map_location='cpu', strict=True)
    assert_fitted(model.backbone, source)


def test_loading_leaves_the_callers_dict_alone():
    source = tiny_vit(img_size=(64, 64), with_cls_token=True).state_dict()
    keys, table = list(source), source['pos_embed']
    SapiensViT(tiny_arch(), TINY_HW).load_state_dict(source)
    assert list(source) == keys
    assert source['pos_embed'] is table


def test_an_encoder_with_class_token_takes_a_table_without():
    source = tiny_vit().state_dict()
    model = tiny_vit(with_cls_token=True)
    missing, unexpected = model.load_state_dict(source, strict=False)
    assert (missing, unexpected) == (['cls_token'], [])
    expected = fit_pos_embed(source['pos_embed'], (4, 3), 1)
    assert torch.equal(model.pos_embed, expected)
    assert expected[:, 0].abs().max() == 0


@pytest.mark.parametrize('prefix', ['', 'backbone.'])
@pytest.mark.parametrize('nested', [False, True])
@pytest.mark.parametrize(
    ('kind', 'in_a_list'),
    [('Pretrained', False), ('Pretrained', True), (PretrainedInit, False)],
)
def test_pretrained_init_cfg(tmp_path, kind, in_a_list, nested, prefix):
    source, path = square_file(tmp_path, prefix)
    init_cfg = dict(type=kind, checkpoint=str(path))
    init_cfg = [init_cfg] if in_a_list else init_cfg
    model = SapiensViT(tiny_arch(), TINY_HW, init_cfg=init_cfg)
    whole = model
    if nested:
        whole = BaseModule()
        whole.backbone = model
    whole.init_weights()
    assert_fitted(model, source)


def test_pretrained_init_cfg_fails_loudly(tmp_path):
    source, path = square_file(tmp_path)
    del source['layers.1.ffn.layers.1.bias']
    torch.save(source, path)
    init_cfg = dict(type='Pretrained', checkpoint=str(path))
    model = SapiensViT(tiny_arch(), TINY_HW, init_cfg=init_cfg)
    with pytest.raises(ValueError, match=r'layers\.1\.ffn\.layers\.1\.bias'):
        model.init_weights()


# ---------------------------------------------------------------- initialisation


def test_initial_weights_are_those_of_mae():
    model = SapiensViT(
        tiny_arch(embed_dims=64, feedforward_channels=256, num_heads=4),
        (64, 64),
        with_cls_token=True,
    )
    model.init_weights()
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear):
            bound = math.sqrt(6 / (module.in_features + module.out_features))
            assert 0.98 * bound < module.weight.abs().max() <= bound
            assert module.weight.std().item() == pytest.approx(
                bound / math.sqrt(3), rel=0.05
            )
            if '.ffn.' in name:
                assert module.bias.std().item() == pytest.approx(1e-6, rel=0.3)
            else:
                assert module.bias.abs().max() == 0
        elif isinstance(module, torch.nn.LayerNorm):
            assert set(module.weight.tolist()) == {1.0}
            assert set(module.bias.tolist()) == {0.0}
    projection = model.patch_embed.projection
    bound = math.sqrt(6 / (64 + 768))
    assert 0.98 * bound < projection.weight.abs().max() <= bound
    assert projection.bias.abs().max() == 0
    assert torch.equal(model.pos_embed[:, 1:], sincos_pos_embed(64, (4, 4)))
    assert model.pos_embed[:, 0].abs().max() == 0
    assert model.cls_token.std().item() == pytest.approx(0.02, rel=0.3)


def test_other_init_cfgs_are_the_hosts():
    init_cfg = dict(type='Constant', layer='Linear', val=0.5, bias=0.25)
    model = SapiensViT(tiny_arch(), TINY_HW, init_cfg=init_cfg)
    table = model.pos_embed.clone()
    model.init_weights()
    for module in model.modules():
        if isinstance(module, torch.nn.Linear):
            assert (module.weight == 0.5).all()
            assert (module.bias == 0.25).all()
    assert torch.equal(model.pos_embed, table)


def test_a_second_initialisation_does_nothing():
    model = SapiensViT(tiny_arch(), TINY_HW)
    model.init_weights()
    fill_deterministic(model)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    model.init_weights()
    for key, value in model.state_dict().items():
        assert torch.equal(value, before[key])


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (
            dict(patch_cfg=dict(padding=2, kernel=3)),
            r"'padding' only, got \['kernel'\]",
        ),
        (dict(out_type='cls_token'), r"featmap.*raw.* got 'cls_token'"),
        (dict(frozen_stages=3), r'\[-1, 2\], got 3'),
        (dict(frozen_stages=-2), r'\[-1, 2\], got -2'),
        (dict(out_indices=2), r'\[-2, 2\), got \[2\]'),
        (dict(out_indices=(1, 0)), r'rise without repeats, got \[1, 0\]'),
        (dict(out_indices=(1, -1)), r'rise without repeats, got \[1, -1\]'),
        (dict(out_indices=()), r'got \[\]'),
        (dict(drop_path_rate=1.0), 'got 1.0'),
        (dict(arch='3b'), "Unknown arch '3b', expected one of .*sapiens_2b"),
        (dict(arch=dict(embed_dims=32)), r"exactly the keys .* got \['embed_dims'\]"),
        (dict(arch={**tiny_arch(), 'depth': 2}), 'exactly the keys .* got .*depth'),
        (dict(img_size=(8, 48)), r'\(8, 48\) pixels'),
    ],
)
def test_bad_values_are_refused(kwargs, message):
    with pytest.raises(ValueError, match=message):
        tiny_vit(**kwargs)


def test_unknown_arguments_are_refused():
    with pytest.raises(TypeError, match='drop_rate'):
        tiny_vit(drop_rate=0.1)
