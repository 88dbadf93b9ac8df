"""Body-part logits."""

from __future__ import annotations

from collections.abc import Sequence

from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor

from sapiens_mm.layers import UpsampleStacks
from sapiens_mm.registry import MODELS


@MODELS.register_module()
class SapiensSegHead(UpsampleStacks, BaseDecodeHead):
    """Part logits by deconvolution with InstanceNorm and SiLU (Sapiens, 4.3).

    mmseg has no decode head made of transposed convolutions. Losses, dropout
    before the last layer and resizing are the host's; logits leave in float32.

    Args:
        in_channels: D of the backbone.
        num_classes: C, background included.
        channels: Channels before the last 1x1 convolution.
        deconv_out_channels: Widths of the stages that double the resolution.
        deconv_kernel_sizes: 2, 3 or 4 each.
        conv_out_channels: Widths of the stages that keep the resolution.
        conv_kernel_sizes: Odd numbers.
        **kwargs: ``dropout_ratio``, ``in_index``, ``loss_decode``,
            ``ignore_index``, ``align_corners`` and so on of mmseg's
            ``BaseDecodeHead``; others raise.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        channels: int = 768,
        deconv_out_channels: Sequence[int] = (768, 768, 768),
        deconv_kernel_sizes: Sequence[int] = (4, 4, 4),
        conv_out_channels: Sequence[int] = (768, 768, 768),
        conv_kernel_sizes: Sequence[int] = (1, 1, 1),
        **kwargs: object,
    ) -> None:
        super().__init__(in_channels, channels, num_classes=num_classes, **kwargs)
        self.build_stacks(
            in_channels,
            deconv_out_channels,
            deconv_kernel_sizes,
            conv_out_channels,
            conv_kernel_sizes,
            channels=channels,
        )

    def forward(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """Return logits (B, C, h * 2**n, w * 2**n), float32."""
        x = self.upsample(self._transform_inputs(inputs))
        return self.cls_seg(x).float()
