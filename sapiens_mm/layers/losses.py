"""The losses of a decode head, summed by name."""

from __future__ import annotations

from torch import Tensor, nn


def sum_by_name(
    losses: nn.Module, *inputs: Tensor, **options: object
) -> dict[str, Tensor]:
    """Call a head's losses and add those of one name, as mmseg does.

    Args:
        losses: A loss with ``loss_name``, or an ``nn.ModuleList`` of them: what
            mmseg's ``BaseDecodeHead`` keeps as ``loss_decode``.
        *inputs: Prediction and target.
        **options: Given to each loss.
    """
    sums: dict[str, Tensor] = {}
    for loss in losses if isinstance(losses, nn.ModuleList) else [losses]:
        value = loss(*inputs, **options)
        sums[loss.loss_name] = sums.get(loss.loss_name, 0) + value
    return sums
