"""Attention against float64 formulas, padded heads against plain ones."""

import math

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from sapiens_mm.layers import SelfAttention
from sapiens_mm.layers.attention import (
    MAX_EXPLICIT_TOKENS,
    attend,
    attend_padded,
)


def direct(q, k, v):
    """softmax(q k^T / sqrt(E)) v in float64, head by head."""
    q, k, v = q.double(), k.double(), v.double()
    out = torch.empty_like(v)
    for b in range(q.shape[0]):
        for h in range(q.shape[1]):
            logits = q[b, h] @ k[b, h].T / math.sqrt(q.shape[-1])
            weights = (logits - logits.max(1, keepdim=True).values).exp()
            out[b, h] = weights / weights.sum(1, keepdim=True) @ v[b, h]
    return out


@pytest.mark.parametrize('head_dim', [16, 60, 64, 80])
def test_attend_is_the_formula(head_dim):
    q, k, v = torch.randn(3, 2, 3, 13, head_dim)
    close = dict(rtol=0, atol=2e-6)
    torch.testing.assert_close(attend(q, k, v).double(), direct(q, k, v), **close)


@pytest.mark.parametrize('tokens', [13, MAX_EXPLICIT_TOKENS, MAX_EXPLICIT_TOKENS + 1])
def test_gradients_on_a_cpu_are_those_of_the_fused_kernel(tokens):
    """Training writes the weights out up to some length, inference never does."""
    qkv = torch.randn(3, 1, 2, tokens, 8, dtype=torch.float64, requires_grad=True)
    fused = scaled_dot_product_attention(*qkv)
    taken = attend(*qkv)
    explicit = 'SoftmaxBackward' in str(kinds(taken.grad_fn))
    assert explicit == (tokens <= MAX_EXPLICIT_TOKENS)
    torch.testing.assert_close(taken, fused, rtol=0, atol=1e-12)
    cotangent = torch.randn_like(fused)
    grads = [torch.autograd.grad(out, qkv, cotangent)[0] for out in (taken, fused)]
    torch.testing.assert_close(*grads, rtol=0, atol=1e-12)
    with torch.no_grad():
        inferred = scaled_dot_product_attention(*qkv)
        torch.testing.assert_close(attend(*qkv), inferred, rtol=0, atol=0)


def kinds(node):
    """Names of the nodes of a graph of gradients."""
    below = [kinds(parent) for parent, _ in node.next_functions if parent]
    return {node.name()}.union(*below)


@pytest.mark.parametrize(
    ('head_dim', 'multiple'), [(60, 8), (60, 64), (57, 8), (64, 8)]
)
def test_padded_heads_equal_plain_ones(head_dim, multiple):
    qkv = torch.randn(3, 2, 3, 13, head_dim, dtype=torch.float64, requires_grad=True)
    cotangent = torch.randn(2, 3, 13, head_dim, dtype=torch.float64)
    plain = attend(*qkv)
    padded = attend_padded(*qkv, multiple=multiple)
    torch.testing.assert_close(padded, plain, rtol=0, atol=1e-12)
    torch.testing.assert_close(padded, direct(*qkv), rtol=0, atol=1e-12)
    (grad_plain,) = torch.autograd.grad(plain, qkv, cotangent)
    (grad_padded,) = torch.autograd.grad(padded, qkv, cotangent)
    torch.testing.assert_close(grad_padded, grad_plain, rtol=0, atol=1e-12)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
@pytest.mark.parametrize('head_dim', [60, 64, 80])
def test_attend_on_a_gpu(head_dim):
    q, k, v = torch.randn(3, 2, 3, 200, head_dim)
    on_gpu = attend(*(x.cuda().bfloat16() for x in (q, k, v)))
    rounded = direct(*(x.bfloat16() for x in (q, k, v)))
    assert on_gpu.shape == q.shape
    torch.testing.assert_close(on_gpu.cpu().double(), rounded, rtol=0.02, atol=0.004)


def test_fused_projection_holds_q_then_k_then_v():
    module = SelfAttention(120, 2)  # heads of 60, as in the 2B model
    x = torch.randn(2, 7, 120)
    weight, bias = module.qkv.weight.double(), module.qkv.bias.double()
    heads = []
    for part in range(3):
        rows = slice(part * 120, (part + 1) * 120)
        projected = x.double() @ weight[rows].T + bias[rows]
        heads.append(projected.reshape(2, 7, 2, 60).transpose(1, 2))
    mixed = direct(*heads).transpose(1, 2).reshape(2, 7, 120)
    expected = mixed @ module.proj.weight.double().T + module.proj.bias.double()
    torch.testing.assert_close(module(x).double(), expected, rtol=0, atol=2e-6)


def test_indivisible_width_is_refused():
    with pytest.raises(ValueError, match='embed_dim 32 .* num_heads 5'):
        SelfAttention(32, 5)
