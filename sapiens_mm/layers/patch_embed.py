"""Image to patch tokens."""

from __future__ import annotations

from torch import Tensor, nn


class PatchEmbed(nn.Module):
    """Non-overlapping patches by a strided convolution (ViT, section 3.1).

    Sapiens comes in two variants that share all keys and shapes: ``padding=2``
    (the first window covers pixels -2..13; pose, normal, LIP and CIHP models) and
    ``padding=0`` (pixels 0..15; MAE, 28 parts, face, depth). The wrong one loads
    without an error and degrades results, so configs always state it.

    Args:
        in_channels: Channels of the image.
        embed_dim: D.
        patch_size: Kernel and stride of the convolution, in pixels.
        padding: Zeros on every side of the image, in pixels.
    """

    def __init__(
        self, in_channels: int, embed_dim: int, patch_size: int, padding: int
    ) -> None:
        super().__init__()
        self.patch_size = patch_size
        self.padding = padding
        self.projection = nn.Conv2d(
            in_channels, embed_dim, patch_size, stride=patch_size, padding=padding
        )

    def grid_hw(self, image_hw: tuple[int, int]) -> tuple[int, int]:
        """Return the patch grid (h, w) of an image of (H, W) pixels.

        Raises:
            ValueError: If the image is smaller than one patch.
        """
        # floor((n + 2p - k) / k) + 1: with padding 2 the grid stays, and the last two
        # rows and columns of pixels fall out of it
        height, width = (
            (size + 2 * self.padding - self.patch_size) // self.patch_size + 1
            for size in image_hw
        )
        if height < 1 or width < 1:
            raise ValueError(
                f'An image of {tuple(image_hw)} pixels (H, W) holds no patch of '
                f'{self.patch_size} pixels'
            )
        return height, width

    def forward(self, image: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """Embed an image.

        Args:
            image: Shape (B, C, H, W).

        Returns:
            Tokens of shape (B, N, D), and their grid (h, w) with N = h * w.
        """
        grid_hw = self.grid_hw((image.shape[-2], image.shape[-1]))
        x = self.projection(image)
        return x.flatten(2).transpose(1, 2), grid_hw
