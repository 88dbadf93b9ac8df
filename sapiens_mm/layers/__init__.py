"""Building blocks of the models. Needs: torch."""

from sapiens_mm.layers.attention import SelfAttention
from sapiens_mm.layers.block import Block, DropPath, FeedForward
from sapiens_mm.layers.patch_embed import PatchEmbed
from sapiens_mm.layers.pos_embed import (
    fit_pos_embed,
    resize_pos_embed,
    sincos_pos_embed,
)
from sapiens_mm.layers.upsample import UpsampleStacks, conv_stack, deconv_stack

__all__ = [
    'Block',
    'DropPath',
    'FeedForward',
    'PatchEmbed',
    'SelfAttention',
    'UpsampleStacks',
    'conv_stack',
    'deconv_stack',
    'fit_pos_embed',
    'resize_pos_embed',
    'sincos_pos_embed',
]
