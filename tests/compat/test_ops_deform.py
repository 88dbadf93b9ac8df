"""mmcv's deformable operators and focal losses: values and gradients."""

import functools

import pytest
import torch
import torch.nn.functional as F
import torchvision

ops = pytest.importorskip('mmcv.ops')

gradcheck = functools.partial(torch.autograd.gradcheck, fast_mode=True)
GEOMETRY = dict(stride=(2, 1), padding=(1, 2), dilation=(1, 2))
KERNEL = (3, 2)


def tensors(groups=1, deform_groups=1):
    """Return input, offset, mask, weight and bias, in float64 and wanting gradients."""
    generator = torch.Generator().manual_seed(1)

    def random(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    input = random(2, 4, 7, 6)
    weight = random(6, 4 // groups, *KERNEL)
    height, width = F.conv2d(input, weight, groups=groups, **GEOMETRY).shape[-2:]
    points = deform_groups * KERNEL[0] * KERNEL[1]
    offset = random(2, 2 * points, height, width)
    mask = random(2, points, height, width).sigmoid()
    made = (input, offset, mask, weight, random(6))
    return tuple(t.requires_grad_() for t in made)


def settings(groups, deform_groups):
    return (*GEOMETRY.values(), groups, deform_groups)


@pytest.mark.parametrize(('groups', 'deform_groups'), [(1, 1), (2, 1), (2, 2)])
def test_deform_conv(groups, deform_groups):
    input, offset, mask, weight, bias = tensors(groups, deform_groups)
    rest = settings(groups, deform_groups)
    plain = F.conv2d(input, weight, groups=groups, **GEOMETRY)
    output = ops.deform_conv2d(input, 0 * offset, weight, *rest)
    torch.testing.assert_close(output, plain)
    ones = torch.ones_like(mask)
    moved = ops.deform_conv2d(input, offset, weight, *rest)
    assert (moved - plain).abs().max() > 0.1
    modulated = ops.modulated_deform_conv2d(input, offset, ones, weight, None, *rest)
    torch.testing.assert_close(modulated, moved)
    with_bias = ops.modulated_deform_conv2d(
        input, offset, 0 * mask, weight, bias, *rest
    )
    torch.testing.assert_close(with_bias, bias[:, None, None].expand_as(with_bias))


@pytest.mark.parametrize(('groups', 'deform_groups'), [(1, 1), (2, 2)])
def test_deform_conv_gradients(groups, deform_groups):
    input, offset, mask, weight, bias = tensors(groups, deform_groups)
    rest = settings(groups, deform_groups)
    small = input[:1, :, :4, :4], weight  # of few outputs, for the differences
    shape = F.conv2d(*small, groups=groups, **GEOMETRY).shape[-2:]
    offset, mask = (t[:1, :, : shape[0], : shape[1]].detach() for t in (offset, mask))
    input = small[0].detach().requires_grad_()
    offset.requires_grad_()
    mask.requires_grad_()
    assert gradcheck(lambda *t: ops.deform_conv2d(*t, *rest), (input, offset, weight))
    for last in (bias, None):
        assert gradcheck(
            lambda *t: ops.modulated_deform_conv2d(*t, *rest),
            (input, offset, mask, weight, last),
        )


def test_deform_conv_layers_train():
    torch.manual_seed(0)
    for layer in (
        ops.DeformConv2dPack(4, 6, 3, padding=1),
        ops.ModulatedDeformConv2dPack(4, 6, 3, padding=1, deform_groups=2),
    ):
        output = layer(torch.randn(2, 4, 8, 8))
        output.square().mean().backward()
        assert output.shape == (2, 6, 8, 8)
        for parameter in layer.parameters():
            assert parameter.grad.abs().max() > 0


def attention_inputs():
    shapes = torch.tensor([[4, 5], [2, 3]])
    starts = torch.tensor([0, 20])
    value = torch.randn(2, 26, 2, 3, dtype=torch.float64)
    locations = torch.rand(2, 4, 2, 2, 3, 2, dtype=torch.float64)
    weights = torch.rand(2, 4, 2, 2, 3, dtype=torch.float64)
    return value, shapes, starts, locations, weights


def test_multi_scale_deformable_attention():
    from mmcv.ops import multi_scale_deform_attn as module

    value, shapes, starts, locations, weights = attention_inputs()
    apply = module.MultiScaleDeformableAttnFunction.apply
    output = apply(value, shapes, starts, locations, weights, 64)
    expected = torch.zeros(2, 4, 2, 3, dtype=torch.float64)
    for level, (height, width) in enumerate(shapes.tolist()):
        start = int(starts[level])
        planes = value[:, start : start + height * width].unflatten(1, (height, width))
        for b, q, m, p in torch.cartesian_prod(
            *map(torch.arange, (2, 4, 2, 3))
        ).tolist():
            x, y = (locations[b, q, m, level, p] * torch.tensor([width, height])) - 0.5
            sample = 0
            for row in (int(y.floor()), int(y.floor()) + 1):
                for column in (int(x.floor()), int(x.floor()) + 1):
                    if 0 <= row < height and 0 <= column < width:
                        share = (1 - (y - row).abs()) * (1 - (x - column).abs())
                        sample = sample + share * planes[b, row, column, m]
            expected[b, q, m] += weights[b, q, m, level, p] * sample
    torch.testing.assert_close(output, expected.flatten(2))
    leaves = [t.requires_grad_() for t in (value, locations, weights)]
    assert gradcheck(lambda v, s, w: apply(v, shapes, starts, s, w, 64), leaves)


@pytest.mark.parametrize('gamma', [2.0, 1.5])
def test_sigmoid_focal_loss(gamma):
    scores = torch.randn(6, 4, dtype=torch.float64, requires_grad=True)
    target = torch.tensor([0, 3, 1, 4, 2, 4])  # 4 is background
    loss = ops.sigmoid_focal_loss(scores, target, gamma, 0.3, None, 'none')
    expected = torchvision.ops.sigmoid_focal_loss(
        scores, F.one_hot(target, 5)[:, :4].double(), 0.3, gamma
    )
    torch.testing.assert_close(loss, expected)
    assert gradcheck(
        lambda x: ops.sigmoid_focal_loss(x, target, gamma, 0.3, None, 'mean'), scores
    )
    weight = torch.rand(4, dtype=torch.float64)
    known = target[target < 4]
    weighted = ops.sigmoid_focal_loss(
        scores[target < 4], known, gamma, 0.3, weight, 'none'
    )
    torch.testing.assert_close(weighted, expected[target < 4] * weight[known][:, None])


def test_softmax_focal_loss():
    scores = torch.randn(5, 4, dtype=torch.float64, requires_grad=True)
    target = torch.tensor([0, 3, 1, -1, 2])  # -1 is ignored
    weight = torch.rand(4, dtype=torch.float64)
    loss = ops.softmax_focal_loss(scores, target, 2.0, 0.3, weight, 'none')
    p = scores.softmax(1)[torch.arange(5), target]
    expected = -0.3 * (1 - p) ** 2 * p.log() * weight[target]
    torch.testing.assert_close(loss, expected * (target >= 0))
    assert gradcheck(
        lambda x: ops.softmax_focal_loss(x, target, 2.0, 0.3, weight, 'sum'), scores
    )
