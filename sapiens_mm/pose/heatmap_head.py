"""The host's heatmap head on our upsample stack."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from mmengine.structures import InstanceData
from mmpose.codecs import UDPHeatmap
from mmpose.models.heads import HeatmapHead
from torch import Tensor, nn

from sapiens_mm.layers import conv_stack, deconv_stack
from sapiens_mm.pose.decode import decode_udp_heatmaps
from sapiens_mm.registry import MODELS


@MODELS.register_module()
class SapiensHeatmapHead(HeatmapHead):
    """Heatmaps by deconvolution with InstanceNorm and SiLU (Sapiens, section 4.3).

    mmpose's ``HeatmapHead`` takes the same config and loads the same keys, but
    builds BatchNorm and ReLU, which no config can change; then results are wrong
    without an error. This class replaces these two layers, defaults to the widths
    of the released models, and returns heatmaps in float32. Heatmaps of the codec
    ``UDPHeatmap`` are decoded where they are; mmpose copies them to the host, which
    takes longer than the backbone, and no codec of a config gets to see tensors.

    Args:
        in_channels: D of the backbone.
        out_channels: K, number of keypoints.
        deconv_out_channels: Widths of the stages that double the resolution.
        deconv_kernel_sizes: 2, 3 or 4 each.
        conv_out_channels: Widths of the stages that keep the resolution.
        conv_kernel_sizes: Odd numbers.
        **kwargs: ``final_layer``, ``loss``, ``decoder`` and ``init_cfg`` of
            mmpose's ``HeatmapHead``; others raise.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        deconv_out_channels: Sequence[int] = (768, 768),
        deconv_kernel_sizes: Sequence[int] = (4, 4),
        conv_out_channels: Sequence[int] = (768, 768),
        conv_kernel_sizes: Sequence[int] = (1, 1),
        **kwargs: object,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            deconv_out_channels=deconv_out_channels,
            deconv_kernel_sizes=deconv_kernel_sizes,
            conv_out_channels=conv_out_channels,
            conv_kernel_sizes=conv_kernel_sizes,
            **kwargs,
        )

    def _make_deconv_layers(
        self,
        in_channels: int,
        layer_out_channels: Sequence[int],
        layer_kernel_sizes: Sequence[int],
    ) -> nn.Sequential:
        return deconv_stack(in_channels, layer_out_channels, layer_kernel_sizes)

    def _make_conv_layers(
        self,
        in_channels: int,
        layer_out_channels: Sequence[int],
        layer_kernel_sizes: Sequence[int],
    ) -> nn.Sequential:
        return conv_stack(in_channels, layer_out_channels, layer_kernel_sizes)

    @property
    def default_init_cfg(self) -> list[dict]:
        """Normal(0.001) for all convolutions; the norms have no weights."""
        return [
            dict(type='Normal', layer=['Conv2d', 'ConvTranspose2d'], std=0.001),
        ]

    def forward(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Return heatmaps (B, K, h * 2**n, w * 2**n), float32.

        The host's accuracy and decoding convert them to numpy, which knows no
        bfloat16.
        """
        return super().forward(feats).float()

    def decode(self, batch_outputs: Tensor) -> list[InstanceData]:
        """Decode heatmaps on their device; only keypoints and scores go to the host.

        Heatmaps of other codecs, or of the type ``combined``, are decoded by mmpose.

        Args:
            batch_outputs: Shape (B, K, h, w).

        Returns:
            One ``InstanceData`` an image, as mmpose's head returns: ``keypoints``
            (1, K, 2), float64, pixels of the model's input, and ``keypoint_scores``
            (1, K), float32.
        """
        codec = self.decoder
        # not isinstance: a subclass may decode in another way
        if type(codec) is not UDPHeatmap or codec.heatmap_type != 'gaussian':
            return super().decode(batch_outputs)
        # 1.5 ms for 308 keypoints on an H100; mmpose's way takes about 40 to copy the
        # maps to the host and 75 to decode them there
        keypoints, scores = decode_udp_heatmaps(
            batch_outputs,
            input_wh=codec.input_size,  # (W, H)
            blur_kernel_size=codec.blur_kernel_size,
        )
        found = torch.cat([keypoints, scores[..., None]], 2).cpu().numpy()
        return [
            InstanceData(
                keypoints=one[None, :, :2].astype(np.float64),
                keypoint_scores=one[None, :, 2].copy(),
            )
            for one in found
        ]
