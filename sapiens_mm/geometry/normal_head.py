"""Surface normals."""

from __future__ import annotations

from collections.abc import Sequence

from sapiens_mm.geometry.map_head import MapHead
from sapiens_mm.layers.mirror import NORMAL_SIGNS
from sapiens_mm.registry import MODELS


@MODELS.register_module()
class SapiensNormalHead(MapHead):
    """Surface normals (x, y, z) at half the resolution of the input.

    The output has no activation and no unit length: callers normalise after
    resizing. The frame is stated in ``docs/conventions.md``.

    Args:
        in_channels: D of the backbone.
        channels: Channels before the last 1x1 convolution.
        deconv_out_channels: Widths of the stages that double the resolution.
        deconv_kernel_sizes: 2, 3 or 4 each.
        conv_out_channels: Widths of the stages that keep the resolution.
        conv_kernel_sizes: Odd numbers.
        loss_decode: One loss config or a list.
        **kwargs: Of mmseg's ``BaseDecodeHead``; unknown ones raise.
    """

    mirror_signs = NORMAL_SIGNS['horizontal']

    def __init__(
        self,
        in_channels: int,
        channels: int = 768,
        deconv_out_channels: Sequence[int] = (768, 768, 768),
        deconv_kernel_sizes: Sequence[int] = (4, 4, 4),
        conv_out_channels: Sequence[int] = (768, 768, 768),
        conv_kernel_sizes: Sequence[int] = (1, 1, 1),
        loss_decode: dict | Sequence[dict] = (
            dict(type='sapiens_mm.SapiensNormalCosineLoss'),
            dict(type='sapiens_mm.SapiensNormalL1Loss'),
        ),
        **kwargs: object,
    ) -> None:
        super().__init__(
            in_channels,
            3,
            channels,
            deconv_out_channels,
            deconv_kernel_sizes,
            conv_out_channels,
            conv_kernel_sizes,
            loss_decode=loss_decode,
            **kwargs,
        )
