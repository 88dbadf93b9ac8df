"""SapiensHeatmapHead against mmpose's head with the two layers exchanged."""

import numpy as np
import pytest
import torch
from torch import nn

pytest.importorskip('mmpose')

from mmpose.models.heads import HeatmapHead  # noqa: E402
from mmpose.registry import KEYPOINT_CODECS  # noqa: E402

from sapiens_mm.pose import SapiensHeatmapHead  # noqa: E402
from sapiens_mm.testing import (  # noqa: E402
    TINY_HW,
    fake_person,
    fill_deterministic,
    pose_sample,
)

CODEC = dict(type='UDPHeatmap', input_size=(48, 64), heatmap_size=(12, 16), sigma=1.0)
WIDTHS = dict(
    deconv_out_channels=(16, 20),
    deconv_kernel_sizes=(4, 3),
    conv_out_channels=(24, 12),
    conv_kernel_sizes=(1, 3),
)


def both_heads(**kwargs):
    """Our head, and mmpose's with InstanceNorm and SiLU, with the same weights."""
    kwargs = dict(in_channels=32, out_channels=17, **WIDTHS, decoder=CODEC, **kwargs)
    ours = fill_deterministic(SapiensHeatmapHead(**kwargs))
    host = HeatmapHead(**kwargs)
    for stack in (host.deconv_layers, host.conv_layers):
        for name, module in stack.named_children():
            if isinstance(module, nn.BatchNorm2d):
                setattr(stack, name, nn.InstanceNorm2d(module.num_features))
            elif isinstance(module, nn.ReLU):
                setattr(stack, name, nn.SiLU())
    host.load_state_dict(ours.state_dict())
    return ours.eval(), host.eval()


def features(batch=2):
    return (torch.randn(batch, 32, 4, 3),)


def samples(batch=2):
    codec = KEYPOINT_CODECS.build(CODEC)
    return [pose_sample(fake_person(i, TINY_HW), codec) for i in range(batch)]


def test_heatmaps_equal_the_hosts():
    ours, host = both_heads()
    feats = features()
    got = ours(feats)
    assert got.shape == (2, 17, 16, 12)
    torch.testing.assert_close(got, host(feats), rtol=0, atol=1e-6)


def test_the_stock_layers_would_give_something_else():
    ours, _ = both_heads()
    stock = HeatmapHead(32, 17, **WIDTHS).eval()
    missing, unexpected = stock.load_state_dict(ours.state_dict(), strict=False)
    assert unexpected == []
    assert {key.split('.')[-1] for key in missing} == {
        *('weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked')
    }
    feats = features()
    ratio = (stock(feats) - ours(feats)).std() / ours(feats).std()
    assert ratio > 0.5


@pytest.mark.parametrize(
    'loss',
    [
        dict(type='KeypointMSELoss', use_target_weight=True),
        dict(type='KeypointOHKMMSELoss', use_target_weight=True, topk=5),
    ],
)
def test_losses_equal_the_hosts(loss):
    ours, host = both_heads(loss=loss)
    feats, batch = features(), samples()
    batch[1].gt_instance_labels.keypoint_weights[0, 3:9] = 0
    got, expected = ours.loss(feats, batch), host.loss(feats, batch)
    assert set(got) == set(expected) == {'loss_kpt', 'acc_pose'}
    for name in got:
        torch.testing.assert_close(got[name], expected[name], rtol=1e-5, atol=1e-7)

    predicted = ours(feats).double()
    target = torch.stack([s.gt_fields.heatmaps for s in batch])
    weights = torch.cat([s.gt_instance_labels.keypoint_weights for s in batch])
    errors = ((predicted - target) * weights[..., None, None]).square()
    if loss['type'] == 'KeypointMSELoss':
        formula = errors.mean()  # weightless keypoints count in the denominator
    else:
        formula = errors.mean((2, 3)).sort(1).values[:, -5:].mean()
    torch.testing.assert_close(got['loss_kpt'].double(), formula, rtol=1e-5, atol=0)


@pytest.mark.parametrize('flip_test', [False, True])
def test_predictions_equal_the_hosts(flip_test):
    ours, host = both_heads()
    batch = samples()
    flips = [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15]
    for sample in batch:
        sample.set_metainfo(dict(flip_indices=flips))
    feats = [features(), features()] if flip_test else features()
    test_cfg = dict(
        flip_test=flip_test,
        flip_mode='heatmap',
        shift_heatmap=False,
        output_heatmaps=True,
    )
    got, got_maps = ours.predict(feats, batch, test_cfg)
    expected, expected_maps = host.predict(feats, batch, test_cfg)
    for i in range(2):
        maps = got_maps[i].heatmaps
        torch.testing.assert_close(maps, expected_maps[i].heatmaps, rtol=0, atol=1e-6)
        for field in ('keypoints', 'keypoint_scores'):
            np.testing.assert_allclose(got[i][field], expected[i][field], atol=1e-3)
    if flip_test:
        mirrored = ours(feats[1]).flip(-1)[:, flips]
        mean = (ours(feats[0]) + mirrored) / 2
        maps = torch.stack([m.heatmaps for m in got_maps])
        torch.testing.assert_close(maps, mean, rtol=0, atol=1e-6)


def test_half_precision_heatmaps_leave_in_float32():
    ours, _ = both_heads()
    feats = features()
    full = ours(feats)
    ours.bfloat16()
    feats = (feats[0].bfloat16(),)
    got = ours(feats)
    assert got.dtype == torch.float32
    assert torch.equal(got, got.bfloat16().float())
    assert (got - full).abs().mean() < 0.03 * full.std()
    for predicted, maps in zip(ours.predict(feats, samples()), got, strict=True):
        peaks = maps.flatten(1).max(1).values.detach().numpy()
        np.testing.assert_array_equal(predicted.keypoint_scores[0], peaks)


def test_autocast_training_computes_loss_and_accuracy():
    ours, _ = both_heads()
    feats, batch = features(), samples()
    full = ours.loss(feats, batch)
    with torch.autocast('cpu', torch.bfloat16):
        half = ours.loss(feats, batch)
    assert half['loss_kpt'].dtype == torch.float32
    torch.testing.assert_close(half['loss_kpt'], full['loss_kpt'], rtol=0.02, atol=0)
    assert abs(half['acc_pose'] - full['acc_pose']) < 0.2
    half['loss_kpt'].backward()
    assert all(p.grad.isfinite().all() for p in ours.parameters())


@pytest.mark.parametrize(
    ('dim', 'num_keypoints', 'count'),
    [
        (1024, 17, 23_214_353),
        (1280, 17, 26_360_081),
        (1536, 17, 29_505_809),
        (1920, 17, 34_224_401),
        (1024, 133, 23_303_557),
        (1280, 133, 26_449_285),
        (1536, 133, 29_595_013),
        (1920, 133, 34_313_605),
        (1024, 308, 23_438_132),
        (1280, 308, 26_583_860),
        (1536, 308, 29_729_588),
        (1920, 308, 34_448_180),
    ],
)
def test_released_heads(dim, num_keypoints, count):
    with torch.device('meta'):
        head = SapiensHeatmapHead(dim, num_keypoints)
    shapes = {key: tuple(value.shape) for key, value in head.state_dict().items()}
    assert list(shapes.items()) == [
        ('deconv_layers.0.weight', (dim, 768, 4, 4)),
        ('deconv_layers.3.weight', (768, 768, 4, 4)),
        ('conv_layers.0.weight', (768, 768, 1, 1)),
        ('conv_layers.0.bias', (768,)),
        ('conv_layers.3.weight', (768, 768, 1, 1)),
        ('conv_layers.3.bias', (768,)),
        ('final_layer.weight', (num_keypoints, 768, 1, 1)),
        ('final_layer.bias', (num_keypoints,)),
    ]
    assert sum(parameter.numel() for parameter in head.parameters()) == count


def test_initial_weights_are_normal_with_deviation_1e_3():
    head = SapiensHeatmapHead(32, 17, **WIDTHS)
    head.init_weights()
    for key, parameter in head.named_parameters():
        if key.endswith('weight'):
            assert parameter.std().item() == pytest.approx(1e-3, rel=0.15), key
        else:
            assert parameter.abs().max() == 0, key


def test_bad_arguments_are_refused():
    with pytest.raises(TypeError, match='use_silu'):
        SapiensHeatmapHead(32, 17, use_silu=True)
    with pytest.raises(ValueError, match=r'\[2, 3, 4\], got 5'):
        SapiensHeatmapHead(32, 17, deconv_kernel_sizes=(5, 4))
    with pytest.raises(ValueError, match='same length'):
        SapiensHeatmapHead(32, 17, conv_kernel_sizes=(1,))
