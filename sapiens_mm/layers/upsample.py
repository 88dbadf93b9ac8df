"""The deconv/conv stack shared by every Sapiens head.

Each stage is a convolution, an InstanceNorm without parameters or running
statistics (eps 1e-5) and a SiLU. The norms hold no keys, so checkpoints load
just as silently into a stack with BatchNorm and ReLU, the hosts' default: then
the output looks plausible and is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

# kernel -> (padding, output_padding) that doubles the size at stride 2
_DECONV_PADDING = {4: (1, 0), 3: (1, 1), 2: (0, 0)}


def _norm_act(channels: int) -> list[nn.Module]:
    # without affine and running statistics, torch's defaults: nothing to save
    return [nn.InstanceNorm2d(channels), nn.SiLU(inplace=True)]


def _check_lengths(kind: str, channels: Sequence[int], kernels: Sequence[int]) -> None:
    if len(channels) != len(kernels):
        raise ValueError(
            f'{kind}: {len(channels)} channel numbers {tuple(channels)} but '
            f'{len(kernels)} kernel sizes {tuple(kernels)}'
        )


def deconv_stack(
    in_channels: int, channels: Sequence[int], kernels: Sequence[int]
) -> nn.Sequential:
    """Build stages that each double the resolution.

    Args:
        in_channels: Channels of the feature map.
        channels: Output channels of each stage.
        kernels: Kernel size of each stage: 2, 3 or 4.

    Returns:
        (B, in_channels, h, w) to (B, channels[-1], h * 2**n, w * 2**n); the
        transposed convolutions have keys ``0.weight``, ``3.weight`` and so on.

    Raises:
        ValueError: On another kernel size, or lists of different lengths.
    """
    _check_lengths('deconv', channels, kernels)
    stages: list[nn.Module] = []
    for out_channels, kernel in zip(channels, kernels, strict=True):
        if kernel not in _DECONV_PADDING:
            raise ValueError(
                f'deconv kernel must be one of {sorted(_DECONV_PADDING)}, got {kernel}'
            )
        padding, output_padding = _DECONV_PADDING[kernel]
        conv = nn.ConvTranspose2d(
            in_channels,
            out_channels,
            kernel,
            stride=2,
            padding=padding,
            output_padding=output_padding,
            # the norm would take a bias out, and the released weights have none here
            bias=False,
        )
        stages += [conv, *_norm_act(out_channels)]
        in_channels = out_channels
    return nn.Sequential(*stages)


def conv_stack(
    in_channels: int, channels: Sequence[int], kernels: Sequence[int]
) -> nn.Sequential:
    """Build stages that keep the resolution; kernels must be odd.

    Args and keys as in ``deconv_stack``; the convolutions have a bias.

    Raises:
        ValueError: On an even kernel size, or lists of different lengths.
    """
    _check_lengths('conv', channels, kernels)
    stages: list[nn.Module] = []
    for out_channels, kernel in zip(channels, kernels, strict=True):
        if kernel % 2 == 0:
            raise ValueError(f'conv kernel must be odd, got {kernel}')
        # a bias, although the norm takes it out: the released weights have one
        conv = nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2)
        stages += [conv, *_norm_act(out_channels)]
        in_channels = out_channels
    return nn.Sequential(*stages)


class UpsampleStacks:
    """Mixin for hosts' heads: deconvolutions, then convolutions.

    Sets ``deconv_layers`` and ``conv_layers``, the key names of the released
    weights; either may be empty.
    """

    deconv_layers: nn.Module
    conv_layers: nn.Module

    def build_stacks(
        self,
        in_channels: int,
        deconv_out_channels: Sequence[int],
        deconv_kernel_sizes: Sequence[int],
        conv_out_channels: Sequence[int],
        conv_kernel_sizes: Sequence[int],
        channels: int | None = None,
    ) -> int:
        """Create both stacks.

        Args:
            in_channels: Channels of the feature map.
            deconv_out_channels: As ``deconv_stack`` takes them.
            deconv_kernel_sizes: As ``deconv_stack`` takes them.
            conv_out_channels: As ``conv_stack`` takes them.
            conv_kernel_sizes: As ``conv_stack`` takes them.
            channels: What the layer behind the stacks expects; None does not check.

        Returns:
            Channels of the map that ``upsample`` returns.

        Raises:
            ValueError: If these are not ``channels``.
        """
        self.deconv_layers = deconv_stack(
            in_channels, deconv_out_channels, deconv_kernel_sizes
        )
        width = [in_channels, *deconv_out_channels][-1]
        self.conv_layers = conv_stack(width, conv_out_channels, conv_kernel_sizes)
        out = [width, *conv_out_channels][-1]
        if channels not in (None, out):
            raise ValueError(
                f'channels must equal the last stage width {out}, got {channels}'
            )
        return out

    def upsample(self, x: Tensor) -> Tensor:
        """Apply both stacks: (B, C, h, w) to (B, C', h * 2**n, w * 2**n)."""
        return self.conv_layers(self.deconv_layers(x))
