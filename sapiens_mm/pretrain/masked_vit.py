"""SapiensViT with random masking, for the host's MAE.

Letters: B batch, N patches, M kept patches, D embedding.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sapiens_mm.backbones import SapiensViT
from sapiens_mm.registry import MODELS


def random_masking(x_BND: Tensor, mask_ratio: float) -> tuple[Tensor, Tensor, Tensor]:
    """Keep a random subset of patches, independently per image (MAE, section 3).

    Args:
        x_BND: Patch tokens with positions.
        mask_ratio: Share to remove; ``int(N * (1 - mask_ratio))`` are kept.

    Returns:
        Kept tokens (B, M, D); mask (B, N), 0 kept and 1 removed; and the
        permutation (B, N) that restores the order.
    """
    b, n, d = x_BND.shape
    keep = int(n * (1 - mask_ratio))
    shuffle = torch.rand(b, n, device=x_BND.device).argsort(dim=1)
    restore = shuffle.argsort(dim=1)
    # left in shuffled order: their positions are added already
    kept = x_BND.gather(1, shuffle[:, :keep, None].expand(-1, -1, d))
    # restore tells the place of each patch in the shuffle
    mask = (restore >= keep).to(torch.float32)
    return kept, mask, restore


@MODELS.register_module()
class SapiensMaskedViT(SapiensViT):
    """Encoder of the MAE pretraining (Sapiens, section 3.2).

    mmpretrain's ``MAE`` calls its backbone with and without a mask and expects
    the class token; this adds both to :class:`SapiensViT`. The position table is
    fixed, as in MAE.

    Args:
        mask_ratio: Share of patches removed, in (0, 1).
        out_type: Used without a mask only; see :class:`SapiensViT`.
        **kwargs: Of :class:`SapiensViT`.
    """

    def __init__(
        self, mask_ratio: float = 0.75, out_type: str = 'featmap', **kwargs: object
    ) -> None:
        if not 0 < mask_ratio < 1:
            raise ValueError(f'mask_ratio must be in (0, 1), got {mask_ratio}')
        super().__init__(out_type=out_type, with_cls_token=True, **kwargs)
        self.mask_ratio = mask_ratio
        self.pos_embed.requires_grad = False

    def forward(
        self, image: Tensor, mask: bool | None = True
    ) -> tuple[Tensor, ...] | tuple[Tensor, Tensor, Tensor]:
        """Encode visible patches, or all of them.

        Args:
            image: Shape (B, 3, H, W), normalised.
            mask: True removes patches; None or False extracts features as
                :class:`SapiensViT` does.

        Returns:
            With a mask: tokens (B, 1 + M, D), mask (B, N) and the restoring
            permutation (B, N). Without: the features.
        """
        if not mask:
            return super().forward(image)
        # positions first, or a patch would not know where it was (MAE, section 3)
        x, _ = self.embed(image)
        x_cls, x = x[:, :1], x[:, 1:]
        x, removed, restore = random_masking(x, self.mask_ratio)
        x = torch.cat([x_cls, x], dim=1)
        for layer in self.layers:
            x = self.run_block(layer, x)
        return self.ln1(x), removed, restore
