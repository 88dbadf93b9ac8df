"""MLP and the pre-norm transformer block."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sapiens_mm.layers.attention import SelfAttention


class FeedForward(nn.Module):
    """Two linear layers with an exact GELU between them.

    The nesting gives the key names of the released weights,
    ``layers.0.0`` and ``layers.1``.

    Args:
        embed_dim: D.
        hidden_dim: Width of the hidden layer.
    """

    def __init__(self, embed_dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Sequential(nn.Linear(embed_dim, hidden_dim), nn.GELU()),
            nn.Linear(hidden_dim, embed_dim),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Transform each token; the shape (B, N, D) stays."""
        return self.layers(x)


class DropPath(nn.Module):
    """Drop a residual branch per sample in training (Huang et al. 2016).

    Args:
        rate: Probability of dropping, in [0, 1). Kept branches are divided by
            ``1 - rate``.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        if not 0 <= rate < 1:
            raise ValueError(f'drop path rate must be in [0, 1), got {rate}')
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` or zeros, sample by sample; the shape stays."""
        if not self.training or self.rate == 0:
            return x
        keep = 1 - self.rate
        mask = torch.empty(x.shape[0], *[1] * (x.ndim - 1), device=x.device)
        return x * mask.bernoulli_(keep).div_(keep).to(x.dtype)


class Block(nn.Module):
    """Pre-norm transformer block (ViT, equations 2 and 3), LayerNorm eps 1e-6.

    Args:
        embed_dim: D.
        num_heads: Heads of the self-attention.
        hidden_dim: Width of the feed-forward layer.
        drop_path: Rate of stochastic depth for both branches.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        hidden_dim: int,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        self.ln1 = nn.LayerNorm(embed_dim, eps=1e-6)
        self.attn = SelfAttention(embed_dim, num_heads)
        self.ln2 = nn.LayerNorm(embed_dim, eps=1e-6)
        self.ffn = FeedForward(embed_dim, hidden_dim)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """Transform tokens; the shape (B, N, D) stays."""
        x = x + self.drop_path(self.attn(self.ln1(x)))
        return x + self.drop_path(self.ffn(self.ln2(x)))
