"""Bilinear resizing of maps, and a quick enlargement for those of many channels.

``sapiens_mm.apis.resize`` enlarges logits strip by strip with the same weights.
"""

from __future__ import annotations

import functools

import torch
from torch import Tensor
from torch.nn import functional as F


def resize_maps(maps: Tensor, size_hw: tuple[int, ...]) -> Tensor:
    """Resize maps as all predictions and targets here are: corners not aligned.

    Args:
        maps: Shape (B, C, h, w).
        size_hw: (H, W).

    Returns:
        Shape (B, C, H, W); bit for bit what torch's kernel gives, which
        :func:`enlarge` is not.
    """
    return F.interpolate(maps, size_hw, mode='bilinear', align_corners=False)


def enlarge(x: Tensor, size: tuple[int, int], align_corners: bool = False) -> Tensor:
    """Enlarge maps as ``F.interpolate(mode='bilinear')`` does.

    On a CPU as two matrix products, one an axis: the same weights, and half the time
    of torch's kernels forward and backward.

    Args:
        x: Shape (B, C, h, w), float32 or float64.
        size: (H, W), at least (h, w) each.
        align_corners: As in torch.

    Returns:
        Shape (B, C, H, W).
    """
    if tuple(x.shape[2:]) == tuple(size):
        return x
    if x.device.type != 'cpu':
        return F.interpolate(x, size, mode='bilinear', align_corners=align_corners)
    rows, columns = (
        _weights(small, large, align_corners).to(x.dtype)
        for small, large in zip(x.shape[2:], size, strict=True)
    )
    # autocast rounds products to bfloat16, but leaves F.interpolate in float32
    with torch.autocast('cpu', enabled=False):
        return rows @ x @ columns.T


@functools.lru_cache(maxsize=32)
def _weights(small: int, large: int, align_corners: bool) -> Tensor:
    """Return the matrix (large, small) of linear interpolation along an axis."""
    # the answers of torch's own kernel to single pixels are its weights
    unit = torch.eye(small, dtype=torch.float64)[None]
    line = F.interpolate(unit, large, mode='linear', align_corners=align_corners)
    return line[0].T.contiguous()
