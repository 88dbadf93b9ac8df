"""Absolute error of relative depth."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sapiens_mm.registry import MODELS


@MODELS.register_module()
class SapiensDepthL1Loss(nn.Module):
    """``|pred - target|``, mean over the valid pixels of an image, then over the batch.

    The SiLog loss has no gradient where a prediction is negative and asks most of the
    nearest pixels, where a logarithm is steep; a training from nothing can get stuck in
    both. This one has neither and is for use beside it. The official training has no
    such term, and mmseg's losses know no validity.

    Args:
        loss_weight: Factor of the loss.
        loss_name: Key in the log; must start with ``loss``.
    """

    compiles = True  # see compile_for_training

    def __init__(self, loss_weight: float = 1.0, loss_name: str = 'loss_l1') -> None:
        super().__init__()
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        """Compute the loss in float32.

        Args:
            pred: Shape (B, 1, H, W), relative depth.
            target: Shape (B, 1, H, W), in [0, 1] on people and -1 elsewhere.

        Returns:
            A scalar. An image without valid pixels adds 0.
        """
        with torch.autocast(pred.device.type, enabled=False):
            valid, error = depth_difference(pred, target)
            count = valid.flatten(1).sum(1).clamp(min=1)
            return self.loss_weight * (error.abs().flatten(1).sum(1) / count).mean()


def depth_difference(pred: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Return where the target is on people, and target - pred there.

    Args:
        pred: Any shape.
        target: Same shape; below 0 off people.

    Returns:
        The valid pixels, bool, and the difference in float32, 0 at all others: a NaN
        there reaches neither value nor gradient.
    """
    pred, target = pred.float(), target.float()
    valid = target >= 0
    return valid, torch.where(valid, target, 0.0) - torch.where(valid, pred, 0.0)
