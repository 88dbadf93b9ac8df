"""The transformer block against float64 formulas; stochastic depth by counting."""

import math

import pytest
import torch
from torch import nn

from sapiens_mm.layers import Block, DropPath, FeedForward


def layer_norm(x, module, eps=1e-6):
    x = x.double()
    centred = x - x.mean(-1, keepdim=True)
    variance = centred.square().mean(-1, keepdim=True)
    scaled = centred / (variance + eps).sqrt()
    return scaled * module.weight.double() + module.bias.double()


def linear(x, module):
    return x @ module.weight.double().T + module.bias.double()


def exact_gelu(x):
    return 0.5 * x * (1 + torch.erf(x / math.sqrt(2)))


def randomise(module):
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.3)
    return module


def test_feed_forward_has_an_exact_gelu():
    module = randomise(FeedForward(32, 64))
    x = torch.randn(2, 7, 32)
    hidden = linear(x.double(), module.layers[0][0])
    expected = linear(exact_gelu(hidden), module.layers[1])
    got = module(x).double()
    torch.testing.assert_close(got, expected, rtol=0, atol=5e-6)
    tanh_gelu = nn.functional.gelu(hidden, approximate='tanh')
    assert (got - linear(tanh_gelu, module.layers[1])).abs().max() > 1e-4


def test_block_is_pre_norm_with_two_residuals():
    block = randomise(Block(32, 2, 64)).eval()
    x = torch.randn(2, 7, 32)
    wide = block.attn.double()
    mid = x.double() + wide(layer_norm(x, block.ln1))
    hidden = exact_gelu(linear(layer_norm(mid, block.ln2), block.ffn.layers[0][0]))
    expected = mid + linear(hidden, block.ffn.layers[1])
    block.float()
    torch.testing.assert_close(block(x).double(), expected, rtol=1e-5, atol=1e-5)


def test_norms_of_a_block_have_epsilon_1e_6():
    block = Block(32, 2, 64)
    faint = 1e-3 * torch.randn(4, 32)  # a variance of 1e-6: epsilon decides
    for norm in (block.ln1, block.ln2):
        got = norm(faint).double()
        torch.testing.assert_close(got, layer_norm(faint, norm), rtol=0, atol=2e-6)
        assert (got - layer_norm(faint, norm, eps=1e-5)).abs().max() > 0.1


@pytest.mark.parametrize('rate', [0.1, 0.5, 0.9])
def test_drop_path_drops_whole_samples_at_its_rate(rate):
    batch = 20000
    x = torch.rand(batch, 2, 3) + 0.5
    out = DropPath(rate).train()(x)
    kept = (out != 0).flatten(1)
    assert torch.equal(kept.any(1), kept.all(1))
    kept = kept.all(1)
    torch.testing.assert_close(out[kept], x[kept] / (1 - rate), rtol=1e-6, atol=0)
    deviation = math.sqrt(rate * (1 - rate) / batch)
    assert abs(kept.float().mean().item() - (1 - rate)) < 5 * deviation


def test_drop_path_keeps_the_dtype():
    x = torch.ones(64, 3, dtype=torch.bfloat16)
    out = DropPath(0.5).train()(x)
    assert out.dtype == torch.bfloat16
    assert set(out.flatten().tolist()) == {0.0, 2.0}


def test_drop_path_does_nothing_in_evaluation_or_at_rate_zero():
    x = torch.randn(8, 3)
    assert torch.equal(DropPath(0.9).eval()(x), x)
    assert torch.equal(DropPath(0.0).train()(x), x)


@pytest.mark.parametrize('rate', [-0.1, 1.0, 2])
def test_impossible_drop_rates_are_refused(rate):
    with pytest.raises(ValueError, match=rf'\[0, 1\), got {rate}'):
        DropPath(rate)


def test_both_branches_of_a_block_are_dropped():
    block = randomise(Block(32, 2, 64, drop_path=0.5)).train()
    x = torch.randn(400, 3, 32)
    out = block(x)
    plain = block.eval()
    only_attention = x + 2 * plain.attn(plain.ln1(x))
    only_ffn = x + 2 * plain.ffn(plain.ln2(x))
    both = only_attention + 2 * plain.ffn(plain.ln2(only_attention))
    counts = [
        torch.isclose(out, way, rtol=1e-4, atol=1e-4).flatten(1).all(1).sum().item()
        for way in (x, only_attention, only_ffn, both)
    ]
    assert sum(counts) == 400
    assert all(60 < count < 140 for count in counts), counts
