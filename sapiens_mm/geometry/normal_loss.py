"""Cosine and L1 losses of the normal models."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sapiens_mm.registry import MODELS

# channel 0 of the background is far below any unit vector's (-1000 in our data)
BACKGROUND_BELOW = -100.0


class _NormalLoss(nn.Module, ABC):
    """Shared plumbing: valid pixels, float32, a zero with a gradient."""

    def __init__(self, loss_weight: float, loss_name: str) -> None:
        super().__init__()
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    @abstractmethod
    def per_pixel(self, pred: Tensor, target: Tensor) -> Tensor:
        """Return the error of M pixels, shape (M,), from (M, 3) each."""

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        """Average the error over all valid pixels of the batch, in float32.

        Args:
            pred: Shape (B, 3, H, W), of any length.
            target: Shape (B, 3, H, W), unit vectors; below -100 in channel 0 on
                the background.

        Returns:
            A scalar; 0, with zero gradients, where no pixel is valid.
        """
        with torch.autocast(pred.device.type, enabled=False):
            pred, target = pred.float(), target.float()
            valid = target[:, 0] > BACKGROUND_BELOW
            # indexing keeps whatever the background holds out of the gradient
            errors = self.per_pixel(
                pred.permute(0, 2, 3, 1)[valid], target.permute(0, 2, 3, 1)[valid]
            )
            return self.loss_weight * errors.sum() / max(len(errors), 1)


@MODELS.register_module()
class SapiensNormalCosineLoss(_NormalLoss):
    """``1 - cos(pred, target)``, mean over valid pixels (Sapiens, section 4.5).

    Args:
        loss_weight: Factor of the loss.
        loss_name: Key in the log; must start with ``loss``.
    """

    def __init__(
        self, loss_weight: float = 1.0, loss_name: str = 'loss_cosine'
    ) -> None:
        super().__init__(loss_weight, loss_name)

    def per_pixel(self, pred: Tensor, target: Tensor) -> Tensor:
        """Return ``1 - cos`` of M pixels, shape (M,), from (M, 3) each."""
        # eps keeps the gradient finite where a young model predicts length 0
        return 1 - F.cosine_similarity(pred, target, dim=1, eps=1e-6)


@MODELS.register_module()
class SapiensNormalL1Loss(_NormalLoss):
    """``|pred - target|`` over the 3 channels, mean over valid pixels.

    The official training sums over the channels, which makes it three times a
    channel mean and the larger of its two losses; the paper's equation is a norm and
    means the sum as well.

    Args:
        loss_weight: Factor of the loss.
        loss_name: Key in the log; must start with ``loss``.
        channels: ``'sum'`` or ``'mean'`` over the three.

    Raises:
        ValueError: If ``channels`` is neither.
    """

    def __init__(
        self,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_l1',
        channels: str = 'sum',
    ) -> None:
        super().__init__(loss_weight, loss_name)
        if channels not in ('sum', 'mean'):
            raise ValueError(f"channels must be 'sum' or 'mean', got {channels!r}")
        self.channels = channels

    def per_pixel(self, pred: Tensor, target: Tensor) -> Tensor:
        """Return the L1 distance of M pixels, shape (M,), from (M, 3) each."""
        distance = (pred - target).abs()
        return distance.sum(1) if self.channels == 'sum' else distance.mean(1)
