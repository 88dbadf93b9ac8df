"""Base of the heads that regress a map of real numbers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor

from sapiens_mm.data.map_fields import GT_MAP, map_in
from sapiens_mm.layers import UpsampleStacks
from sapiens_mm.layers.bilinear import resize_maps
from sapiens_mm.layers.losses import sum_by_name


class MapHead(UpsampleStacks, BaseDecodeHead):
    """Deconvolution head for continuous targets.

    mmseg's decode heads classify; this one keeps their inputs, dropout and
    resizing, and computes its losses against ``gt_map``, or the ``gt_depth_map`` of
    mmseg's ``PackSegInputs``.

    Args:
        in_channels: D of the backbone.
        num_channels: C of the map.
        channels: Channels before the last 1x1 convolution.
        deconv_out_channels: Widths of the stages that double the resolution.
        deconv_kernel_sizes: 2, 3 or 4 each.
        conv_out_channels: Widths of the stages that keep the resolution.
        conv_kernel_sizes: Odd numbers.
        **kwargs: Of mmseg's ``BaseDecodeHead``; unknown ones raise.

    Attributes:
        mirror_signs: C factors: -1 for channels whose sign changes when the image
            is mirrored, as x of a normal does.
    """

    mirror_signs: tuple[float, ...] | None = None  # None: all 1

    def __init__(
        self,
        in_channels: int,
        num_channels: int,
        channels: int,
        deconv_out_channels: Sequence[int],
        deconv_kernel_sizes: Sequence[int],
        conv_out_channels: Sequence[int],
        conv_kernel_sizes: Sequence[int],
        **kwargs: object,
    ) -> None:
        # the threshold is mmseg's, for binary masks; set only to keep it quiet
        super().__init__(
            in_channels, channels, num_classes=num_channels, threshold=0.0, **kwargs
        )
        if self.mirror_signs is None:
            self.mirror_signs = (1.0,) * num_channels
        self.build_stacks(
            in_channels,
            deconv_out_channels,
            deconv_kernel_sizes,
            conv_out_channels,
            conv_kernel_sizes,
            channels=channels,
        )

    def forward(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """Return the raw map (B, C, h * 2**n, w * 2**n), float32, no activation."""
        x = self.upsample(self._transform_inputs(inputs))
        return self.cls_seg(x).float()

    def loss_by_feat(
        self, seg_logits: Tensor, batch_data_samples: list
    ) -> dict[str, Tensor]:
        """Compare with the target at the target's resolution.

        Args:
            seg_logits: The raw map (B, C, h, w).
            batch_data_samples: Each with ``gt_map.data`` (C, H, W).

        Returns:
            Scalars by ``loss_name``; those of one name are added.
        """
        target = torch.stack(
            [map_in(sample, GT_MAP) for sample in batch_data_samples]
        ).float()
        # the target is not reduced: its background would mix with people
        pred = resize_maps(seg_logits, target.shape[2:])
        return sum_by_name(self.loss_decode, pred, target)
