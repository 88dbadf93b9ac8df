"""Each level of the pyramid against torch's own functions."""

import pytest
import torch
from torch.nn import functional as F

from sapiens_mm.backbones import SapiensSimplePyramid
from sapiens_mm.testing import fill_deterministic


def channel_norm(x, module):
    mean = x.mean(1, keepdim=True)
    variance = (x - mean).square().mean(1, keepdim=True)
    x = (x - mean) / (variance + 1e-6).sqrt()
    return x * module.weight[:, None, None] + module.bias[:, None, None]


def head(x, stage):
    """The 1x1 and 3x3 convolutions with norms that end every stage."""
    conv1, norm1, conv3, norm3 = stage[-4:]
    x = channel_norm(F.conv2d(x, conv1.weight), norm1)
    return channel_norm(F.conv2d(x, conv3.weight, padding=1), norm3)


def test_levels_are_the_formulas():
    pyramid = SapiensSimplePyramid(32, 24, num_outs=5)
    fill_deterministic(pyramid)
    x = torch.randn(2, 32, 4, 6)
    quad, double, same, half = pyramid.stages

    up = F.conv_transpose2d(x, quad[0].weight, quad[0].bias, stride=2)
    up = F.gelu(channel_norm(up, quad[1]))
    up = F.conv_transpose2d(up, quad[3].weight, quad[3].bias, stride=2)
    twice = F.conv_transpose2d(x, double[0].weight, double[0].bias, stride=2)
    expected = [
        head(up, quad),
        head(twice, double),
        head(x, same),
        head(F.max_pool2d(x, 2), half),
    ]
    expected.append(expected[-1][:, :, ::2, ::2])
    decoy = torch.zeros(2, 32, 8, 8)
    got = pyramid((decoy, x))  # the last map counts
    sizes = [tuple(level.shape[1:]) for level in got]
    assert sizes == [(24, 16, 24), (24, 8, 12), (24, 4, 6), (24, 2, 3), (24, 1, 2)]
    for level, formula in zip(got, expected, strict=True):
        torch.testing.assert_close(level, formula, rtol=0, atol=1e-5)


def test_a_single_scale():
    pyramid = fill_deterministic(SapiensSimplePyramid(32, 24, scales=(4,)))
    whole = fill_deterministic(SapiensSimplePyramid(32, 24))
    x = torch.randn(2, 32, 4, 3)
    (level,) = pyramid((x,))
    assert torch.equal(level, whole((x,))[0])


def test_every_weight_gets_a_gradient():
    pyramid = fill_deterministic(SapiensSimplePyramid(32, 24))
    outputs = pyramid((torch.randn(2, 32, 4, 4),))
    sum((out * torch.randn_like(out)).sum() for out in outputs).backward()
    assert all(p.grad.abs().max() > 0 for p in pyramid.parameters())


def test_bad_values_are_refused():
    with pytest.raises(ValueError, match='one of 4, 2, 1, 0.5, got 8'):
        SapiensSimplePyramid(32, scales=(8,))
    with pytest.raises(ValueError, match='at least 4, .* got 3'):
        SapiensSimplePyramid(32, num_outs=3)
