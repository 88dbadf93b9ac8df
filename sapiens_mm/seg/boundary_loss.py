"""Boundary loss of part labels: edges where there are none, and edges missed."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sapiens_mm.registry import MODELS
from sapiens_mm.seg.dice_loss import one_hot
from sapiens_mm.seg.part_loss import check_loss_inputs


@MODELS.register_module()
class SapiensBoundaryLoss(nn.Module):
    """One minus the soft boundary F1 score (Bokhovkin and Burnaev 2019).

    The boundary of a map m is ``max(1 - m) - (1 - m)``, the maximum over 3 x 3 pixels,
    taken of the softmax and of the labels, class by class. Precision is the share of
    the predicted boundary within ``tolerance_px`` of a true one, recall the other way
    round. A hole in a part, or a speck, is a boundary far from any true one: precision
    pays for each, however few its pixels. The mean is over the classes that have a
    boundary in the labels; pixels with an ignored one within reach do not count.

    mmseg's ``BoundaryLoss`` trains an extra output of PIDNet, not the logits.

    Args:
        tolerance_px: Distance that counts as a hit, pixels of the labels.
        stride: Looks at every so many-th row and column. Logits are half as fine as
            the labels at most, so that 2 loses little and saves three quarters.
        loss_weight: Factor of the loss.
        loss_name: Key in the log; must start with ``loss``.
    """

    def __init__(
        self,
        tolerance_px: float = 6.0,
        stride: int = 2,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_boundary',
    ) -> None:
        super().__init__()
        if stride < 1 or stride != int(stride):
            raise ValueError(f'stride must be 1, 2, …, got {stride}')
        if tolerance_px < stride:
            raise ValueError(
                f'tolerance_px must be at least the stride {stride}, got {tolerance_px}'
            )
        self.reach = int(tolerance_px // stride)
        self.stride = stride
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
            weight: Must be None: a boundary is no sum over single pixels.
            ignore_index: Label of pixels without a label.

        Returns:
            A scalar; 0, with zero gradients, where no boundary counts.
        """
        check_loss_inputs(pred, target)
        if weight is not None:
            raise ValueError('SapiensBoundaryLoss cannot be used with a pixel sampler')
        with torch.autocast(pred.device.type, enabled=False):
            pred = pred[..., :: self.stride, :: self.stride].float()
            target = target[..., :: self.stride, :: self.stride]
            ignored = (target == ignore_index).float()[:, None]
            counted = 1 - _widen(ignored, self.reach)
            true = _boundary(one_hot(target, pred.shape[1]).float()) * counted
            found = _boundary(pred.softmax(1)) * counted
            hit = (found * _widen(true, self.reach)).sum((0, 2, 3))
            met = (true * _widen(found, self.reach)).sum((0, 2, 3))
            num_true = true.sum((0, 2, 3))
            present = num_true > 0
            precision = _ratio(hit, found.sum((0, 2, 3)))
            recall = _ratio(met, num_true)
            score = _ratio(2 * precision * recall, precision + recall)
            mean = ((1 - score) * present).sum() / present.sum().clamp(min=1)
            return self.loss_weight * mean


def _widen(maps: Tensor, reach: int) -> Tensor:
    """Take the maximum over ``reach`` pixels to each side, (B, C, H, W)."""
    return F.max_pool2d(maps, 2 * reach + 1, stride=1, padding=reach)


def _boundary(maps: Tensor) -> Tensor:
    outside = 1 - maps
    return _widen(outside, 1) - outside


def _ratio(part: Tensor, whole: Tensor) -> Tensor:
    """Divide; 0, with zero gradients, where the whole is 0."""
    positive = whole > 0
    return torch.where(positive, part, 0) / torch.where(positive, whole, 1)
