"""Soft Dice loss of part labels."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sapiens_mm.registry import MODELS
from sapiens_mm.seg.part_loss import check_loss_inputs


@MODELS.register_module()
class SapiensDiceLoss(nn.Module):
    """One minus the soft Dice coefficient, mean over the classes in the labels.

    With softmax p and labels y over the labelled pixels of the batch, class c has
    ``(2 * sum(p_c [y = c]) + smooth) / (sum(p_c) + sum([y = c]) + smooth)``. Small
    parts count as much as large ones. Meant beside :class:`SapiensPartLoss`, which
    teaches absent classes too.

    mmseg's ``DiceLoss`` pools all classes into one coefficient, and what it leaves
    out with ``ignore_index`` is a class, not the pixels.

    Args:
        smooth: Pixels added to both sides of the fraction.
        loss_weight: Factor of the loss.
        loss_name: Key in the log; must start with ``loss``.
    """

    def __init__(
        self,
        smooth: float = 1.0,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_dice',
    ) -> None:
        super().__init__()
        if smooth < 0:
            raise ValueError(f'smooth must be at least 0, got {smooth}')
        self.smooth = smooth
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def forward(
        self,
        pred: Tensor,
        target: Tensor,
        weight: Tensor | None = None,
        ignore_index: int = 255,
    ) -> Tensor:
        """Compute the loss in float32.

        Args:
            pred: Shape (B, C, H, W), logits.
            target: Shape (B, H, W), class ids, or ``ignore_index``.
            weight: Shape (B, H, W), factors of single pixels in all three sums.
            ignore_index: Label of pixels without a label.

        Returns:
            A scalar; 0, with zero gradients, where no pixel is labelled.
        """
        check_loss_inputs(pred, target)
        with torch.autocast(pred.device.type, enabled=False):
            counted = (target != ignore_index).float()
            if weight is not None:
                counted = counted * weight
            probs = pred.float().softmax(1) * counted[:, None]
            inside = one_hot(target, pred.shape[1])
            overlap = torch.where(inside, probs, 0).sum((0, 2, 3))
            area = (inside * counted[:, None]).sum((0, 2, 3))
            total = probs.sum((0, 2, 3)) + area
            present = area > 0
            # with smooth=0 it may be 0 / 0, whose gradient is NaN though masked below
            divisor = torch.where(present, total + self.smooth, 1)
            dice = (2 * overlap + self.smooth) / divisor
            mean = ((1 - dice) * present).sum() / present.sum().clamp(min=1)
            return self.loss_weight * mean


def one_hot(target: Tensor, num_classes: int) -> Tensor:
    """Return (B, C, H, W) bool; ``F.one_hot`` takes eight bytes each, and no 255."""
    ids = torch.arange(num_classes, device=target.device)
    return target[:, None] == ids[:, None, None]
