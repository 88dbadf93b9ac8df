"""The number format the served operators compute in."""

from __future__ import annotations

import torch
from torch import Tensor


def wide(tensor: Tensor) -> Tensor:
    """Return ``tensor`` in float32 or better.

    torchvision has no kernel for every half type on every device, and what mmcv
    passes in half precision loses nothing by being computed in single.
    """
    return tensor if tensor.dtype == torch.float64 else tensor.float()


def single(value: float) -> float:
    """Round to float32, the precision in which compiled mmcv takes thresholds."""
    return torch.tensor(value, dtype=torch.float32).item()
