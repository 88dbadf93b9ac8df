"""SapiensSegHead and its loss against formulas and the host's own heads."""

import numpy as np
import pytest
import torch
from mmengine.config import Config
from torch.nn import functional as F

pytest.importorskip('mmseg')

from mmseg.models.decode_heads import FCNHead  # noqa: E402
from mmseg.models.decode_heads.decode_head import BaseDecodeHead  # noqa: E402

from sapiens_mm import config_path  # noqa: E402
from sapiens_mm.seg import SapiensSegHead  # noqa: E402
from sapiens_mm.testing import (  # noqa: E402
    TINY_HW,
    build_model,
    fake_person,
    fill_deterministic,
    map_sample,
    tiny_config,
)

WIDTHS = dict(
    channels=12,
    deconv_out_channels=(16, 20),
    deconv_kernel_sizes=(4, 2),
    conv_out_channels=(24, 12),
    conv_kernel_sizes=(1, 3),
)


def tiny_head(**kwargs):
    kwargs = {'in_channels': 32, 'num_classes': 28, **WIDTHS, **kwargs}
    return fill_deterministic(SapiensSegHead(**kwargs)).eval()


def features(batch=2):
    return (torch.randn(batch, 32, 4, 3),)


def labels(num_classes, batch=2, hw=(64, 48)):
    """Every class and a fifth of ignored pixels."""
    values = torch.randint(0, num_classes, (batch, *hw))
    values[torch.rand(batch, *hw) < 0.2] = 255
    return values


def samples(values):
    batch = [map_sample(fake_person(0, TINY_HW), 'seg') for _ in values]
    for sample, value in zip(batch, values, strict=True):
        sample.gt_sem_seg.data = value[None]
    return batch


def by_formula(logits, values, weights):
    """Mean over all pixels of w[y] * CE, ignored pixels counted as zeros."""
    logits = F.interpolate(
        logits.double(), values.shape[1:], mode='bilinear', align_corners=False
    )
    total = torch.zeros((), dtype=torch.float64)
    log_sum = logits.exp().sum(1).log()
    for label, weight in enumerate(weights):
        inside = values == label
        total = total + weight * (log_sum - logits[:, label])[inside].sum()
    return total / values.numel()


def shipped_loss(dataset):
    cfg = Config.fromfile(config_path(f'seg/sapiens_0.3b_{dataset}-1024x768'))
    return cfg.model.decode_head.loss_decode, cfg.model.decode_head.num_classes


def test_logits_are_the_formula():
    head = tiny_head()
    (feats,) = features()
    x = feats.double()
    for conv, kwargs in (
        (head.deconv_layers[0], dict(padding=1)),
        (head.deconv_layers[3], dict(padding=0)),
    ):
        x = F.conv_transpose2d(x, conv.weight.double(), stride=2, **kwargs)
        x = F.silu(F.instance_norm(x, eps=1e-5))
    for conv, padding in ((head.conv_layers[0], 0), (head.conv_layers[3], 1)):
        x = F.conv2d(x, conv.weight.double(), conv.bias.double(), padding=padding)
        x = F.silu(F.instance_norm(x, eps=1e-5))
    expected = F.conv2d(x, head.conv_seg.weight.double(), head.conv_seg.bias.double())
    got = head((torch.zeros(1), feats))  # the last map counts
    assert got.shape == (2, 28, 16, 12)
    torch.testing.assert_close(got.double(), expected, rtol=0, atol=1e-5)


def test_dropout_is_before_the_last_layer_and_in_training_only():
    head = tiny_head(dropout_ratio=0.5)
    feats = features()
    plain = head(feats)
    assert torch.equal(plain, tiny_head(dropout_ratio=0)(feats))
    torch.manual_seed(3)
    dropped = head.train()(feats)
    torch.manual_seed(3)
    hidden = F.dropout2d(head.upsample(feats[0]), 0.5)
    assert torch.equal(dropped, head.conv_seg(hidden))
    assert not torch.equal(dropped, plain)
    assert SapiensSegHead(32, 28, **WIDTHS).dropout.p == 0.1


@pytest.mark.parametrize('dataset', ['goliath28', 'lip20', 'cihp20', 'face19'])
def test_shipped_losses_are_the_formula(dataset):
    loss_cfg, num_classes = shipped_loss(dataset)
    weights = loss_cfg.get('class_weight') or [1.0] * num_classes
    head = tiny_head(num_classes=num_classes, loss_decode=loss_cfg)
    feats, values = features(), labels(num_classes)
    losses = head.loss(feats, samples(values), train_cfg={})
    got = losses['loss_ce'].mean()  # what the host's parse_losses does
    expected = by_formula(head(feats), values, weights)
    torch.testing.assert_close(got.double(), expected, rtol=1e-6, atol=0)
    parameters = list(head.parameters())
    grads = torch.autograd.grad(got, parameters)
    grads_expected = torch.autograd.grad(expected, parameters)
    for grad, grad_expected in zip(grads, grads_expected, strict=True):
        torch.testing.assert_close(grad, grad_expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize('dataset', ['goliath28', 'lip20', 'face19'])
def test_stock_heads_with_our_losses_are_the_formula(dataset):
    loss_cfg, num_classes = shipped_loss(dataset)
    weights = loss_cfg.get('class_weight') or [1.0] * num_classes
    head = FCNHead(
        in_channels=32,
        channels=8,
        num_convs=1,
        num_classes=num_classes,
        loss_decode=dict(loss_cfg),
    ).eval()
    feats, values = features(), labels(num_classes)
    got = head.loss(feats, samples(values), {})['loss_ce'].mean()
    expected = by_formula(head(feats), values, weights)
    torch.testing.assert_close(got.double(), expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize('align_corners', [False, True])
@pytest.mark.parametrize('sampled', [False, True])
def test_losses_are_those_of_the_hosts_method(sampled, align_corners):
    parts = [
        dict(type='CrossEntropyLoss', loss_name='loss_a'),
        dict(type='CrossEntropyLoss', loss_name='loss_b', loss_weight=0.3),
        dict(type='CrossEntropyLoss', loss_name='loss_a', loss_weight=0.7),
    ]
    sampler = dict(type='OHEMPixelSampler', thresh=0.9, min_kept=50)
    head = tiny_head(
        loss_decode=parts,
        sampler=sampler if sampled else None,
        align_corners=align_corners,
    )
    logits = (3 * torch.randn(2, 28, 16, 12)).requires_grad_()
    batch = samples(labels(28))
    found, wanted = (
        method(logits, batch)
        for method in (
            head.loss_by_feat,
            lambda *args: BaseDecodeHead.loss_by_feat(head, *args),
        )
    )
    assert found.keys() == wanted.keys() == {'loss_a', 'loss_b', 'acc_seg'}
    grads = []
    for losses in (found, wanted):
        (grad,) = torch.autograd.grad(losses['loss_a'] + losses['loss_b'], logits)
        grads.append(grad)
    torch.testing.assert_close(*grads, rtol=1e-5, atol=1e-8)
    for name, value in wanted.items():
        found_value = found[name].reshape(value.shape)
        torch.testing.assert_close(found_value, value, rtol=1e-5, atol=1e-6)


def test_a_whole_model_logs_the_formula():
    cfg = tiny_config('seg/sapiens_0.3b_goliath28-1024x768')
    model = build_model(cfg).eval()
    values = labels(28)
    image = torch.randn(2, 3, *TINY_HW)
    parsed, log = model.parse_losses(model.loss(image, samples(values)))
    logits = model.decode_head(model.backbone(image))
    weights = cfg.model.decode_head.loss_decode.class_weight
    expected = by_formula(logits, values, weights)
    torch.testing.assert_close(parsed.double(), expected, rtol=1e-6, atol=0)
    assert log['loss'] == log['decode.loss_ce'] == parsed


def test_predictions_are_resized_twice():
    cfg = tiny_config('seg/sapiens_0.3b_goliath28-1024x768')
    model = build_model(cfg).eval()
    sample = map_sample(fake_person(0, TINY_HW), 'seg')
    sample.set_metainfo(dict(ori_shape=(100, 90)))
    image = torch.randn(1, 3, *TINY_HW)
    with torch.no_grad():
        result = model.predict(image, [sample])[0]
        logits = model.decode_head(model.backbone(image))
    for size in (TINY_HW, (100, 90)):
        logits = F.interpolate(logits, size, mode='bilinear', align_corners=False)
    assert torch.equal(result.pred_sem_seg.data, logits.argmax(1))


def test_half_precision_logits_leave_in_float32():
    head = tiny_head()
    feats = features()
    full = head(feats)
    with torch.autocast('cpu', torch.bfloat16):
        half = head(feats)
        losses = head.loss(feats, samples(labels(28)), {})
    assert half.dtype == losses['loss_ce'].dtype == torch.float32
    assert 0 < (half - full).abs().mean() < 0.03 * full.std()


@pytest.mark.parametrize(
    ('dim', 'count'),
    [(1024, 33_250_588), (1280, 36_396_316), (1536, 39_542_044), (1920, 44_260_636)],
)
def test_released_heads(dim, count):
    with torch.device('meta'):
        head = SapiensSegHead(dim, 28)
    shapes = {key: tuple(value.shape) for key, value in head.state_dict().items()}
    expected = {'conv_seg.weight': (28, 768, 1, 1), 'conv_seg.bias': (28,)}
    for index in (0, 3, 6):
        width = 768 if index else dim
        expected[f'deconv_layers.{index}.weight'] = (width, 768, 4, 4)
        expected[f'conv_layers.{index}.weight'] = (768, 768, 1, 1)
        expected[f'conv_layers.{index}.bias'] = (768,)
    assert shapes == expected
    assert sum(parameter.numel() for parameter in head.parameters()) == count


def test_initial_weights_of_the_last_layer():
    head = SapiensSegHead(32, 28, **WIDTHS)
    before = head.deconv_layers[0].weight.clone()
    head.init_weights()
    assert head.conv_seg.weight.std().item() == pytest.approx(0.01, rel=0.2)
    assert head.conv_seg.bias.abs().max() == 0
    assert torch.equal(head.deconv_layers[0].weight, before)


def test_bad_arguments_are_refused():
    with pytest.raises(TypeError, match='use_silu'):
        SapiensSegHead(32, 28, use_silu=True)
    with pytest.raises(ValueError, match='last stage width 12, got 16'):
        tiny_head(channels=16)


def test_fake_labels_are_goliaths():
    drawn = np.unique(fake_person(0, (256, 192)).labels)
    assert drawn.max() < 28
    assert len(drawn) > 12
