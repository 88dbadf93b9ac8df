"""The head's stacks against loops and formulas."""

import pytest
import torch

from sapiens_mm.layers import UpsampleStacks, conv_stack, deconv_stack


def norm_silu(x):
    """InstanceNorm without parameters at eps 1e-5, then x * sigmoid(x)."""
    centred = x - x.mean((2, 3), keepdim=True)
    variance = centred.square().mean((2, 3), keepdim=True)
    x = centred / (variance + 1e-5).sqrt()
    return x / (1 + torch.exp(-x))


def transposed_conv(x, weight, padding):
    """Stride 2: every input pixel adds its kernel to a window of the output."""
    batch, _, height, width = x.shape
    kernel = weight.shape[-1]
    full = torch.zeros(batch, weight.shape[1], 2 * height + 8, 2 * width + 8).double()
    for y in range(height):
        for i in range(width):
            stamp = torch.einsum('bi,iokl->bokl', x[:, :, y, i], weight)
            full[:, :, 2 * y : 2 * y + kernel, 2 * i : 2 * i + kernel] += stamp
    rows = slice(padding, padding + 2 * height)
    return full[:, :, rows, padding : padding + 2 * width]


@pytest.mark.parametrize(('kernel', 'padding'), [(4, 1), (3, 1), (2, 0)])
def test_deconv_stage_is_the_formula(kernel, padding):
    stack = deconv_stack(5, [6, 4], [kernel, kernel])
    x = torch.randn(2, 5, 4, 3)
    expected = x.double()
    for index in (0, 3):
        weight = stack[index].weight.double()
        expected = norm_silu(transposed_conv(expected, weight, padding))
    got = stack(x)
    assert got.shape == (2, 4, 16, 12)
    torch.testing.assert_close(got.double(), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize('kernel', [1, 3])
def test_conv_stage_is_the_formula(kernel):
    stack = conv_stack(5, [6, 4], [kernel, kernel])
    x = torch.randn(2, 5, 4, 3)
    expected = x.double()
    for index in (0, 3):
        weight, bias = stack[index].weight.double(), stack[index].bias.double()
        patches = torch.nn.functional.unfold(expected, kernel, padding=kernel // 2)
        mixed = weight.flatten(1) @ patches + bias[:, None]
        expected = norm_silu(mixed.reshape(2, -1, 4, 3))
    torch.testing.assert_close(stack(x).double(), expected, rtol=0, atol=1e-5)


def test_norms_hold_neither_keys_nor_running_statistics():
    deconvs, convs = deconv_stack(5, [6, 4], [4, 4]), conv_stack(4, [4], [1])
    assert list(deconvs.state_dict()) == ['0.weight', '3.weight']
    assert list(convs.state_dict()) == ['0.weight', '0.bias']
    x = torch.randn(2, 5, 4, 3)
    assert torch.equal(deconvs.train()(x), deconvs.eval()(x))
    alone = torch.cat([deconvs(x[:1]), deconvs(x[1:])])
    torch.testing.assert_close(deconvs(x), alone, rtol=0, atol=1e-6)


def test_either_stack_may_be_empty():
    stacks = type('Head', (UpsampleStacks, torch.nn.Module), {})()
    assert stacks.build_stacks(5, (), (), (), ()) == 5
    x = torch.randn(1, 5, 4, 3)
    assert torch.equal(stacks.upsample(x), x)
    assert stacks.build_stacks(5, (6,), (4,), (), ()) == 6
    assert stacks.upsample(x).shape == (1, 6, 8, 6)


def test_bad_stages_are_refused():
    with pytest.raises(ValueError, match=r'\[2, 3, 4\], got 5'):
        deconv_stack(5, [6], [5])
    with pytest.raises(ValueError, match='must be odd, got 2'):
        conv_stack(5, [6], [2])
    with pytest.raises(ValueError, match=r'2 channel numbers \(6, 4\) but 1 kernel'):
        deconv_stack(5, (6, 4), (4,))
    with pytest.raises(ValueError, match='conv: 1 channel numbers'):
        conv_stack(5, (6,), (1, 1))
