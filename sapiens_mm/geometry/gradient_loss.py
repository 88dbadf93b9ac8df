"""Loss of depth edges at several scales."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sapiens_mm.geometry.depth_l1_loss import depth_difference
from sapiens_mm.geometry.silog_loss import log_difference
from sapiens_mm.registry import MODELS

SPACES = ('log', 'depth')


@MODELS.register_module()
class SapiensGradientLoss(nn.Module):
    """Multi-scale gradients of the error (Ranftl et al. 2020, equation 11).

    With R the error of a pixel, ``|R(y, x + 1) - R(y, x)| + |R(y + 1, x) - R(y, x)|``
    is summed over neighbours that are both valid and divided by the number of
    valid pixels; that is done at every 1st, 2nd, 4th… pixel and added up, for each
    image, then averaged over the batch. It asks for edges where the target has them
    and smoothness elsewhere. The official training has no such term; add it beside
    the SiLog loss, with a weight of 0.5 as MiDaS has it. No loss of mmseg compares
    gradients.

    Args:
        loss_weight: Factor of the loss.
        num_scales: How many scales; the last looks at every 2**(num_scales - 1)th
            pixel.
        space: R is a difference of logarithms, ``'log'``, as in the SiLog loss, or of
            ``'depth'``.
        eps: Smallest depth, in the unit of the target. In space ``'log'`` targets
            must exceed it and predictions are clamped; in space ``'depth'`` targets
            of 0, the nearest pixels, are valid too.
        loss_name: Key in the log; must start with ``loss``.

    Raises:
        ValueError: If ``num_scales`` or ``space`` is out of range.
    """

    def __init__(
        self,
        loss_weight: float = 1.0,
        num_scales: int = 4,
        space: str = 'log',
        eps: float = 1e-6,
        loss_name: str = 'loss_gradient',
    ) -> None:
        super().__init__()
        if num_scales < 1:
            raise ValueError(f'num_scales must be at least 1, got {num_scales}')
        if space not in SPACES:
            raise ValueError(f'space must be one of {", ".join(SPACES)}; got {space!r}')
        self.loss_weight = loss_weight
        self.num_scales = num_scales
        self.space = space
        self.eps = eps
        self.loss_name = loss_name

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        """Compute the loss in float32.

        Args:
            pred: Shape (B, 1, H, W), relative depth.
            target: Shape (B, 1, H, W), in [0, 1] on people and -1 elsewhere.

        Returns:
            A scalar. An image, or a scale of it, without valid pixels adds 0.
        """
        with torch.autocast(pred.device.type, enabled=False):
            if self.space == 'log':
                valid, error = log_difference(pred, target, self.eps)
            else:
                valid, error = depth_difference(pred, target)
            total = error.new_zeros(len(error))
            for scale in range(self.num_scales):
                step = slice(None, None, 2**scale)
                total = total + _slope(error[..., step, step], valid[..., step, step])
            return self.loss_weight * total.mean()


def _slope(error: Tensor, valid: Tensor) -> Tensor:
    """Sum |differences| of valid neighbours over valid pixels, (B,)."""
    total = error.new_zeros(len(error))
    for axis in (2, 3):
        change = error.diff(dim=axis).abs()
        size = valid.shape[axis] - 1
        both = valid.narrow(axis, 0, size) & valid.narrow(axis, 1, size)
        total = total + (change * both).flatten(1).sum(1)
    return total / valid.flatten(1).sum(1).clamp(min=1)
