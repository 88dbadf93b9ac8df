"""Weighted cross-entropy of part labels, with its normalisation named."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sapiens_mm.registry import MODELS

NORMALIZERS = ('pixels', 'weights')


@MODELS.register_module()
class SapiensPartLoss(nn.Module):
    """Cross-entropy with class weights (Sapiens, 4.4).

    ``normalize_by`` says what the sum of w[y] * CE over the labelled pixels is divided
    by:

    - ``'pixels'``: by the number of all pixels of the batch, ignored ones included, as
      the official training does. An image with much background has a small loss.
    - ``'weights'``: by the sum of w[y] over the labelled pixels, as
      ``torch.nn.CrossEntropyLoss`` does. Without class weights this is the mean over
      the labelled pixels.

    mmseg's ``CrossEntropyLoss`` reaches the first with ``reduction='none'`` alone,
    by way of the mean that its ``parse_losses`` takes, and fails at the second: it
    looks up the weight of label 255. Here both are scalars, in float32, and 0 with a
    zero gradient where no pixel is labelled.

    Args:
        class_weight: C weights, at least 0; None weighs all alike.
        normalize_by: ``'pixels'`` or ``'weights'``.
        loss_weight: Factor of the loss.
        loss_name: Key in the log; must start with ``loss``.
    """

    class_weight: Tensor | None
    compiles = True  # see compile_for_training

    def __init__(
        self,
        class_weight: Sequence[float] | None = None,
        normalize_by: str = 'pixels',
        loss_weight: float = 1.0,
        loss_name: str = 'loss_ce',
    ) -> None:
        super().__init__()
        if normalize_by not in NORMALIZERS:
            raise ValueError(
                f'normalize_by must be one of {NORMALIZERS}, got {normalize_by!r}'
            )
        weights = None
        if class_weight is not None:
            # on the CPU: inference builds models on the meta device, without values
            weights = torch.tensor(class_weight, dtype=torch.float32, device='cpu')
            if weights.ndim != 1 or not (weights >= 0).all():
                raise ValueError(
                    f'class_weight must hold numbers of at least 0, got {class_weight}'
                )
        # not saved: the released files have no such key
        self.register_buffer('class_weight', weights, persistent=False)
        self.normalize_by = normalize_by
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def forward(
        self,
        pred: Tensor,
        target: Tensor,
        weight: Tensor | None = None,
        ignore_index: int = 255,
        reduction_override: str | None = None,
    ) -> Tensor:
        """Compute the loss in float32.

        Args:
            pred: Shape (B, C, H, W), logits.
            target: Shape (B, H, W), class ids, or ``ignore_index``.
            weight: Shape (B, H, W), factors of single pixels from the head's sampler.
                ``'weights'`` counts them in its sum.
            ignore_index: Label of pixels without a label.
            reduction_override: ``'none'`` returns w[y] * CE of each pixel, which
                mmseg's samplers ask for.

        Returns:
            A scalar, or (B, H, W) with ``reduction_override='none'``.
        """
        check_loss_inputs(pred, target)
        if reduction_override not in (None, 'none'):
            raise ValueError(
                f"reduction_override must be None or 'none', got {reduction_override!r}"
            )
        class_weight = self.class_weight
        if class_weight is not None and len(class_weight) != pred.shape[1]:
            raise ValueError(
                f'class_weight has {len(class_weight)} entries, the logits '
                f'{pred.shape[1]} classes'
            )
        with torch.autocast(pred.device.type, enabled=False):
            losses = F.cross_entropy(
                pred.float(),
                target,
                class_weight,
                ignore_index=ignore_index,
                reduction='none',
            )
            if weight is not None:
                losses = losses * weight
            if reduction_override == 'none':
                return self.loss_weight * losses
            if self.normalize_by == 'pixels':
                return self.loss_weight * losses.mean()
            divisor = self._weight_sum(target, weight, ignore_index)
            return self.loss_weight * losses.sum() / divisor

    def _weight_sum(
        self, target: Tensor, weight: Tensor | None, ignore_index: int
    ) -> Tensor:
        """Sum the weights of the labelled pixels; 1e-12 where it is 0."""
        labelled = target != ignore_index
        weights = labelled.float()
        if self.class_weight is not None:
            # 255 is no index; where it stands the weight is 0 already
            weights = weights * self.class_weight[target * labelled]
        if weight is not None:
            weights = weights * weight
        return weights.sum().clamp(min=1e-12)

    def extra_repr(self) -> str:
        """Name what is divided by."""
        return f'normalize_by={self.normalize_by!r}, loss_weight={self.loss_weight}'


def check_loss_inputs(pred: Tensor, target: Tensor) -> None:
    """Raise ValueError unless logits (B, C, H, W) and labels (B, H, W) fit."""
    expected = (pred.shape[0], *pred.shape[2:])
    if pred.ndim != 4 or target.shape != expected:
        raise ValueError(
            'expected logits (B, C, H, W) and labels (B, H, W), got '
            f'{tuple(pred.shape)} and {tuple(target.shape)}'
        )
