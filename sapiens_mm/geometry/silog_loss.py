"""Scale-invariant logarithmic loss of the depth models."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sapiens_mm.registry import MODELS

FORMS = ('official', 'paper')


@MODELS.register_module()
class SapiensSiLogLoss(nn.Module):
    """Scale-invariant log loss (Eigen et al. 2014, equation 4; Sapiens, 4.5).

    With d = log(gt) - log(pred) over the valid pixels of an image, the loss is
    ``sqrt(mean(d**2) - 0.5 * mean(d)**2)``, averaged over the batch. Valid are
    pixels whose target exceeds ``eps``: that leaves out the background (-1) and
    the nearest pixel (0). Predictions are clamped at ``eps`` from below, so
    negative ones get no gradient. mmseg's ``SiLogLoss`` weighs the second term
    the same way but keeps no such validity rule or float32 guarantee, and its root
    has a NaN gradient at a perfect or an empty image.

    The paper prints the loss without the root, which weighs an image by its error:
    ``form='paper'``. The valid pixels stay the same, as log(0) has no value.

    Args:
        loss_weight: Factor of the loss.
        eps: Smallest depth, in the unit of the target.
        loss_name: Key in the log; must start with ``loss``.
        form: ``'official'``, with the root, as the released training computes it;
            ``'paper'``, without.

    Raises:
        ValueError: If ``form`` is neither.
    """

    compiles = True  # see compile_for_training

    def __init__(
        self,
        loss_weight: float = 1.0,
        eps: float = 1e-6,
        loss_name: str = 'loss_silog',
        form: str = 'official',
    ) -> None:
        super().__init__()
        if form not in FORMS:
            raise ValueError(f'form must be one of {", ".join(FORMS)}; got {form!r}')
        self.loss_weight = loss_weight
        self.eps = eps
        self.loss_name = loss_name
        self.form = form

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        """Compute the loss in float32.

        Args:
            pred: Shape (B, 1, H, W), relative depth.
            target: Shape (B, 1, H, W), in [0, 1] on people and -1 elsewhere.

        Returns:
            A scalar. An image without valid pixels adds 0.
        """
        with torch.autocast(pred.device.type, enabled=False):
            valid, d = log_difference(pred, target, self.eps)
            valid, d = valid.flatten(1), d.flatten(1)
            count = valid.sum(1).clamp(min=1)
            value = d.square().sum(1) / count - 0.5 * (d.sum(1) / count).square()
            if self.form == 'official':
                # the root has no gradient at 0: leave perfect and empty images out
                positive = value > 0
                value = torch.where(positive, value, 1.0).sqrt() * positive
            return self.loss_weight * value.mean()


def log_difference(pred: Tensor, target: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """Return where the target exceeds ``eps``, and log(target) - log(pred) there.

    Args:
        pred: Any shape; clamped at ``eps`` from below.
        target: Same shape.
        eps: Smallest depth, in the unit of the target.

    Returns:
        The valid pixels, bool, and the difference in float32, 0 at all others:
        whatever the maps hold there reaches neither value nor gradient.
    """
    pred, target = pred.float(), target.float()
    valid = target > eps
    safe_pred = torch.where(valid, pred, 1.0).clamp(min=eps)
    safe_target = torch.where(valid, target, 1.0)
    return valid, torch.log(safe_target) - torch.log(safe_pred)
