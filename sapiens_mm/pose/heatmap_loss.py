"""A loss of heatmaps that learns places from the first step."""

from __future__ import annotations

import torch
from mmpose.models.losses import KeypointMSELoss
from torch import Tensor

from sapiens_mm.registry import MODELS


@MODELS.register_module()
class SapiensHeatmapLoss(KeypointMSELoss):
    """Squared error of heatmaps, and the cross-entropy of where they peak.

    Squared errors of small peaks on a large map are nearly those of an empty map, so a
    training from nothing first learns emptiness, for thousands of steps. The second
    term takes ``temperature`` times a heatmap as logits over its pixels: all pixels
    compete for the keypoint, whose place gets a gradient at once. Both terms have their
    minimum where output and target are equal; the first keeps the scores in [0, 1].
    Keypoints with weight 0, or a target that lies beside the map, have no second term.
    mmpose's losses are of one kind or the other; the official training has the first
    alone.

    Args:
        place_weight: Factor of the cross-entropy.
        temperature: Logits per unit of the heatmap.
        loss_weight: Factor of the squared error.

    Raises:
        ValueError: If a number is not above 0.
    """

    compiles = True  # see compile_for_training

    def __init__(
        self,
        place_weight: float = 1.0,
        temperature: float = 10.0,
        loss_weight: float = 1.0,
    ) -> None:
        for name, value in dict(
            place_weight=place_weight, temperature=temperature, loss_weight=loss_weight
        ).items():
            if not value > 0:
                raise ValueError(f'{name} must be above 0, got {value}')
        super().__init__(use_target_weight=True, loss_weight=loss_weight)
        self.place_weight = place_weight
        self.temperature = temperature

    def forward(
        self,
        output: Tensor,
        target: Tensor,
        target_weights: Tensor,
        mask: Tensor | None = None,
    ) -> Tensor:
        """Compute the loss in float32.

        Args:
            output: Shape (B, K, H, W).
            target: Shape (B, K, H, W), in [0, 1].
            target_weights: Shape (B, K).
            mask: Of the first term, as in the host.

        Returns:
            A scalar. The cross-entropy is the mean over keypoints, weighted.
        """
        with torch.autocast(output.device.type, enabled=False):
            output = output.float()
            error = super().forward(output, target, target_weights, mask)
            # without a peak the wanted softmax would be flat over the map
            there = target.flatten(2).amax(2) > 0  # (B, K)
            weights = target_weights * there
            logits = (self.temperature * output).flatten(2).log_softmax(2)
            wanted = (self.temperature * target).flatten(2).softmax(2)
            share = (wanted * logits).sum(2)
            count = weights.sum().clamp(min=1e-6)
            # the sum of p log q is the negative of a cross-entropy
            return error - self.place_weight * (share * weights).sum() / count
