"""Scale-invariant logarithmic loss of the depth models."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sapiens_mm.registry import MODELS


@MODELS.register_module()
class SapiensSiLogLoss(nn.Module):
    """Scale-invariant log loss (Eigen et al. 2014, equation 4; Sapiens, 4.5).

    With d = log(gt) - log(pred) over the valid pixels of an image, the loss is
    ``sqrt(mean(d**2) - 0.5 * mean(d)**2)``, averaged over the batch. Valid are
    pixels whose target exceeds ``eps``: that leaves out the background (-1) and
    the nearest pixel (0). Predictions are clamped at ``eps`` from below, so
    negative ones get no gradient. mmseg's ``SiLogLoss`` weighs the second term
    the same way but keeps no such validity rule or float32 guarantee.

    Args:
        loss_weight: Factor of the loss.
        eps: Smallest depth, in the unit of the target.
        loss_name: Key in the log; must start with ``loss``.
    """

    def __init__(
        self,
        loss_weight: float = 1.0,
        eps: float = 1e-6,
        loss_name: str = 'loss_silog',
    ) -> None:
        super().__init__()
        self.loss_weight = loss_weight
        self.eps = eps
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
            pred, target = pred.float(), target.float()
            valid = (target > self.eps).flatten(1)
            log_ratio = torch.log(target.clamp(min=self.eps)) - torch.log(
                pred.clamp(min=self.eps)
            )
            d = log_ratio.flatten(1) * valid
            count = valid.sum(1).clamp(min=1)
            inside = d.square().sum(1) / count - 0.5 * (d.sum(1) / count).square()
            # the root has no gradient at 0: leave perfect and empty images out
            positive = inside > 0
            root = torch.where(positive, inside, 1.0).sqrt() * positive
            return self.loss_weight * root.mean()
