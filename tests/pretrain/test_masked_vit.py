"""SapiensMaskedViT against mmpretrain's MAE with the same weights and seeds."""

import pytest
import torch

pytest.importorskip('mmpretrain')

from mmpretrain.models.selfsup import MAEViT  # noqa: E402
from mmpretrain.registry import MODELS  # noqa: E402

from sapiens_mm import config_path  # noqa: E402
from sapiens_mm.backbones import SapiensViT  # noqa: E402
from sapiens_mm.pretrain import SapiensMaskedViT  # noqa: E402
from sapiens_mm.pretrain.masked_vit import random_masking  # noqa: E402
from sapiens_mm.testing import (  # noqa: E402
    build_model,
    fill_deterministic,
    tiny_arch,
    tiny_config,
)

SIDE = 64  # pixels: 16 patches
NAME = 'mae/sapiens_0.3b_humans-1024x1024'


def both_encoders(**kwargs):
    ours = SapiensMaskedViT(arch=tiny_arch(), img_size=(SIDE, SIDE), **kwargs)
    fill_deterministic(ours)
    host = MAEViT(arch=tiny_arch(), img_size=SIDE, patch_size=16, **kwargs)
    host.load_state_dict(ours.state_dict())
    ours.eval()
    host.eval()
    return ours, host


def image(batch=2):
    return torch.randn(batch, 3, SIDE, SIDE)


@pytest.mark.parametrize('mask_ratio', [0.75, 0.5, 0.3])
def test_masked_encoding_equals_mmpretrain(mask_ratio):
    ours, host = both_encoders(mask_ratio=mask_ratio)
    pixels = image()
    torch.manual_seed(11)
    tokens, mask, restore = ours(pixels)
    torch.manual_seed(11)
    host_tokens, host_mask, host_restore = host(pixels)
    assert tokens.shape == (2, 1 + int(16 * (1 - mask_ratio)), 32)
    assert torch.equal(mask, host_mask)
    assert torch.equal(restore, host_restore)
    torch.testing.assert_close(tokens, host_tokens, rtol=0, atol=2e-6)


def test_mae_end_to_end_equals_mmpretrain():
    ours = build_model(tiny_config(NAME, (SIDE, SIDE)))
    host_backbone = dict(
        type='MAEViT', arch=tiny_arch(), img_size=SIDE, patch_size=16, mask_ratio=0.75
    )
    cfg = tiny_config(NAME, (SIDE, SIDE)).model
    cfg.backbone = host_backbone
    host = MODELS.build(cfg)
    host.load_state_dict(ours.state_dict())
    pixels = image()
    values = []
    for model in (ours, host):
        model.train()
        torch.manual_seed(11)
        loss = model.loss(pixels, None)['loss']
        loss.backward()
        values.append(loss.item())
    assert values[0] == pytest.approx(values[1], rel=1e-6)
    gradients = {key: p.grad for key, p in host.named_parameters() if p.requires_grad}
    for key, parameter in ours.named_parameters():
        if not parameter.requires_grad:
            assert key not in gradients
            continue
        close = dict(rtol=1e-4, atol=1e-6)
        torch.testing.assert_close(parameter.grad, gradients[key], **close)


def test_the_loss_is_the_formula():
    model = build_model(tiny_config(NAME, (SIDE, SIDE)))
    model.eval()
    pixels = image()
    torch.manual_seed(11)
    got = model.loss(pixels, None)['loss']
    torch.manual_seed(11)
    latent, mask, restore = model.backbone(pixels)
    predicted = model.neck(latent, restore).double()
    # n c (h p) (w q) -> n (h w) (p q c), then each patch by its unbiased variance
    patches = pixels.double().reshape(2, 3, 4, 16, 4, 16)
    patches = patches.permute(0, 2, 4, 3, 5, 1).reshape(2, 16, 768)
    centred = patches - patches.mean(-1, keepdim=True)
    variance = centred.square().sum(-1, keepdim=True) / 767
    errors = (predicted - centred / (variance + 1e-6).sqrt()).square().mean(-1)
    expected = errors[mask == 1].sum() / mask.sum()
    assert got.item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize('mask', [None, False])
def test_features_without_a_mask_are_those_of_the_plain_encoder(mask):
    ours, _ = both_encoders()
    plain = SapiensViT(tiny_arch(), (SIDE, SIDE), with_cls_token=True).eval()
    plain.load_state_dict(ours.state_dict())
    pixels = image()
    (got,), (expected,) = ours(pixels, mask=mask), plain(pixels)
    assert torch.equal(got, expected)


def test_the_shipped_model_extracts_maps():
    model = build_model(tiny_config(NAME, (SIDE, SIDE)))
    host = MAEViT(arch=tiny_arch(), img_size=SIDE, patch_size=16, out_type='featmap')
    host.load_state_dict(model.backbone.state_dict())
    host.eval()
    pixels = image()
    with torch.no_grad():
        (got,) = model.eval()(pixels, None, mode='tensor')
        (expected,) = host(pixels, mask=None)
    torch.testing.assert_close(got, expected, rtol=0, atol=2e-6)


def test_masking_keeps_a_share_per_image_and_restores_the_order():
    x = torch.arange(20.0).reshape(1, 20, 1).repeat(500, 1, 1)
    kept, mask, restore = random_masking(x, 0.75)
    assert kept.shape == (500, 5, 1)
    assert (mask.sum(1) == 15).all()
    for i in range(20):
        dummies = torch.full((15, 1), -1.0)
        restored = torch.cat([kept[i], dummies])[restore[i]]
        assert torch.equal(restored, torch.where(mask[i][:, None] == 0, x[i], -1.0))
    share = mask.mean(0)  # 500 draws: a deviation of 0.019
    assert (share - 0.75).abs().max() < 0.09
    assert len({tuple(row) for row in mask.tolist()}) > 450


def test_checkpointing_and_training_of_the_table():
    ours, _ = both_encoders()
    model = SapiensMaskedViT(arch=tiny_arch(), img_size=SIDE, with_cp=True)
    model.load_state_dict(ours.state_dict())
    pixels = image()
    gradients = []
    for encoder in (ours, model):
        encoder.train()
        torch.manual_seed(11)
        encoder(pixels)[0].square().sum().backward()
        gradients.append({k: p.grad for k, p in encoder.named_parameters()})
    assert gradients[0].pop('pos_embed') is None  # fixed, as in MAE
    assert gradients[1].pop('pos_embed') is None
    for key, gradient in gradients[0].items():
        assert torch.equal(gradient, gradients[1][key]), key


@pytest.mark.parametrize(
    ('size', 'count'),
    [
        ('0.3b', 335_532_288),
        ('0.6b', 664_278_528),
        ('1b', 1_169_238_784),
        ('2b', 2_162_608_768),
    ],
)
def test_released_models(size, count):
    from mmengine.config import Config

    cfg = Config.fromfile(config_path(f'mae/sapiens_{size}_humans-1024x1024'))
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    assert sum(parameter.numel() for parameter in model.parameters()) == count
    keys = list(model.state_dict())
    assert len([key for key in keys if key.startswith('neck.')]) == 104
    assert len(keys) == 104 + 6 + 12 * model.backbone.num_layers


@pytest.mark.parametrize('mask_ratio', [0, 1, 1.5])
def test_impossible_mask_ratios_are_refused(mask_ratio):
    with pytest.raises(ValueError, match=rf'\(0, 1\), got {mask_ratio}'):
        SapiensMaskedViT(mask_ratio=mask_ratio)


def test_unknown_arguments_are_refused():
    with pytest.raises(TypeError, match='masking'):
        SapiensMaskedViT(masking=0.5)
