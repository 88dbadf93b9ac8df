"""A feature pyramid from one stride-16 map, as in ViTDet."""

from __future__ import annotations

from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from sapiens_mm.registry import MODELS


class ChannelNorm(nn.LayerNorm):
    """LayerNorm over the channels of a map (B, C, h, w), eps 1e-6."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise each pixel's channels; the shape stays."""
        x = super().forward(x.permute(0, 2, 3, 1))
        return x.permute(0, 3, 1, 2).contiguous()


@MODELS.register_module()
class SapiensSimplePyramid(BaseModule):
    """Simple feature pyramid (Li et al. 2022, ViTDet, section 3).

    For hosts' heads that want maps of several strides from a plain transformer.
    mmdet ships ViTDet only as an uninstalled project, hence this class.

    Args:
        in_channels: Channels of the stride-16 map.
        out_channels: Channels of every output.
        scales: Output resolution relative to the input map; each of 4, 2, 1, 0.5.
        num_outs: Number of outputs; those beyond ``scales`` are the last map
            subsampled by 2 (mmdet's P6).
        init_cfg: mmengine's initialisation config.

    Raises:
        ValueError: On an unsupported scale or too few ``num_outs``.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int = 256,
        scales: tuple[float, ...] = (4, 2, 1, 0.5),
        num_outs: int | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.num_outs = len(scales) if num_outs is None else num_outs
        if self.num_outs < len(scales):
            raise ValueError(
                f'num_outs must be at least {len(scales)}, the number of scales '
                f'{tuple(scales)}, got {num_outs}'
            )
        self.stages = nn.ModuleList(
            self._stage(in_channels, out_channels, scale) for scale in scales
        )

    @staticmethod
    def _stage(in_channels: int, out_channels: int, scale: float) -> nn.Sequential:
        half, quarter = in_channels // 2, in_channels // 4
        if scale == 4:
            resample = [
                nn.ConvTranspose2d(in_channels, half, 2, stride=2),
                ChannelNorm(half),
                nn.GELU(),
                nn.ConvTranspose2d(half, quarter, 2, stride=2),
            ]
            width = quarter
        elif scale == 2:
            resample = [nn.ConvTranspose2d(in_channels, half, 2, stride=2)]
            width = half
        elif scale == 1:
            resample, width = [], in_channels
        elif scale == 0.5:
            resample, width = [nn.MaxPool2d(2, stride=2)], in_channels
        else:
            raise ValueError(f'scale must be one of 4, 2, 1, 0.5, got {scale}')
        return nn.Sequential(
            *resample,
            # no biases: those of the norms behind do the same
            nn.Conv2d(width, out_channels, 1, bias=False),
            ChannelNorm(out_channels),
            nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False),
            ChannelNorm(out_channels),
        )

    def forward(self, feats: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Build the pyramid from the last of the backbone's maps.

        Args:
            feats: The last has shape (B, in_channels, h, w).

        Returns:
            ``num_outs`` maps (B, out_channels, h * scale, w * scale).
        """
        outputs = [stage(feats[-1]) for stage in self.stages]
        while len(outputs) < self.num_outs:
            outputs.append(F.max_pool2d(outputs[-1], 1, stride=2))
        return tuple(outputs)
