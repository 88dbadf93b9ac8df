"""Self-attention over patch tokens.

Letters: B batch, N tokens, D embedding, H heads, E channels of a head.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# tokens up to which training on a CPU writes the matrix of weights out
# (16 heads take 67 MB an image and layer there, and 600 MB at the 3072 of 1024x768)
MAX_EXPLICIT_TOKENS = 1024


def attend(q_BHNE: Tensor, k_BHNE: Tensor, v_BHNE: Tensor) -> Tensor:
    """Scaled dot-product attention with scale E ** -0.5.

    Head sizes that are no multiple of 8 (60, the 2B model) are padded with zeros
    on CUDA: zeros change neither the products nor, as the scale stays, the
    result, and they open the fused kernels that refuse such sizes.

    Returns:
        Shape (B, H, N, E).
    """
    head_dim = q_BHNE.shape[-1]
    # on an H100 cuDNN refuses 60 and flash runs at 231 TFLOP/s; cuDNN at 64: 483
    if q_BHNE.is_cuda and head_dim % 8:
        return attend_padded(q_BHNE, k_BHNE, v_BHNE)
    # torch's fused kernel for CPUs has a slow backward pass
    training = torch.is_grad_enabled() and q_BHNE.requires_grad
    short = q_BHNE.shape[-2] <= MAX_EXPLICIT_TOKENS
    if training and short and q_BHNE.device.type == 'cpu':
        return attend_explicitly(q_BHNE, k_BHNE, v_BHNE)
    return F.scaled_dot_product_attention(q_BHNE, k_BHNE, v_BHNE)


def attend_explicitly(q_BHNE: Tensor, k_BHNE: Tensor, v_BHNE: Tensor) -> Tensor:
    """Like ``attend``, through the matrix (B, H, N, N) of weights."""
    scores = (q_BHNE * q_BHNE.shape[-1] ** -0.5) @ k_BHNE.transpose(-2, -1)
    return scores.softmax(dim=-1).to(v_BHNE.dtype) @ v_BHNE


def attend_padded(
    q_BHNE: Tensor, k_BHNE: Tensor, v_BHNE: Tensor, multiple: int = 8
) -> Tensor:
    """Like ``attend``, with the head padded by zeros to a ``multiple``."""
    head_dim = q_BHNE.shape[-1]
    pad = (0, -head_dim % multiple)
    out = F.scaled_dot_product_attention(
        F.pad(q_BHNE, pad),
        F.pad(k_BHNE, pad),
        F.pad(v_BHNE, pad),
        # torch would scale by the padded size
        scale=head_dim**-0.5,
    )
    return out[..., :head_dim]


class SelfAttention(nn.Module):
    """Multi-head self-attention with one fused, biased qkv projection.

    Args:
        embed_dim: D, divisible by ``num_heads``.
        num_heads: H.
    """

    def __init__(self, embed_dim: int, num_heads: int) -> None:
        super().__init__()
        if embed_dim % num_heads:
            raise ValueError(
                f'embed_dim {embed_dim} is not divisible by num_heads {num_heads}'
            )
        self.num_heads = num_heads
        self.qkv = nn.Linear(embed_dim, 3 * embed_dim)
        self.proj = nn.Linear(embed_dim, embed_dim)

    def forward(self, x_BND: Tensor) -> Tensor:
        """Mix tokens; the shape (B, N, D) stays."""
        b, n, d = x_BND.shape
        qkv = self.qkv(x_BND).reshape(b, n, 3, self.num_heads, d // self.num_heads)
        # the released weights hold q, k, v in this order, each by heads
        q_BHNE, k_BHNE, v_BHNE = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        x_BHNE = attend(q_BHNE, k_BHNE, v_BHNE)
        return self.proj(x_BHNE.transpose(1, 2).reshape(b, n, d))
