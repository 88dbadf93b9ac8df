"""Sizes of the Sapiens transformers (paper, table 1)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True)
class VitArch:
    """Widths and depth of a plain vision transformer.

    Attributes:
        embed_dims: D, channels of a token.
        num_layers: Number of transformer blocks.
        num_heads: Attention heads; D is divisible by it.
        feedforward_channels: Width of the hidden layer of the MLP.
    """

    embed_dims: int
    num_layers: int
    num_heads: int
    feedforward_channels: int

    def num_parameters(self, num_positions: int) -> int:
        """Count weights and biases of an encoder of patches of 16x16 RGB pixels.

        Args:
            num_positions: Rows of the position table, that of a class token too.
        """
        dim, hidden = self.embed_dims, self.feedforward_channels
        attention = 4 * dim * dim + 4 * dim
        mlp = 2 * dim * hidden + hidden + dim
        block = attention + mlp + 4 * dim  # two norms
        patches = 16 * 16 * 3 * dim + dim
        return patches + num_positions * dim + self.num_layers * block + 2 * dim


ARCHS: Mapping[str, VitArch] = {
    'sapiens_0.3b': VitArch(1024, 24, 16, 4096),
    'sapiens_0.6b': VitArch(1280, 32, 16, 5120),
    'sapiens_1b': VitArch(1536, 40, 24, 6144),
    # heads of 60 channels, which fused attention refuses: see ``attend_padded``
    'sapiens_2b': VitArch(1920, 48, 32, 7680),
    # not Meta's: small enough for tests and for a laptop
    'sapiens_tiny': VitArch(192, 12, 3, 768),
}


def find_arch(arch: str | Mapping) -> VitArch:
    """Look up a size by name, or build one from its four numbers.

    Args:
        arch: ``'sapiens_0.3b'``, the short ``'0.3b'``, or a mapping with exactly
            the fields of :class:`VitArch` (mmpretrain's names).

    Raises:
        ValueError: On an unknown name, or unknown or missing fields.
    """
    if isinstance(arch, str):
        # the official configs spell sizes both ways
        name = arch if arch.startswith('sapiens_') else f'sapiens_{arch}'
        if name not in ARCHS:
            raise ValueError(f'Unknown arch {arch!r}, expected one of {list(ARCHS)}')
        return ARCHS[name]
    fields = {field.name for field in dataclasses.fields(VitArch)}
    if set(arch) != fields:
        raise ValueError(
            f'arch as a mapping needs exactly the keys {sorted(fields)}, '
            f'got {sorted(arch)}'
        )
    return VitArch(**arch)


def arch_of(embed_dims: int, num_layers: int) -> str | None:
    """Name the size of that width and depth, None if it is none of ours."""
    found = (
        name
        for name, arch in ARCHS.items()
        if (arch.embed_dims, arch.num_layers) == (embed_dims, num_layers)
    )
    return next(found, None)
