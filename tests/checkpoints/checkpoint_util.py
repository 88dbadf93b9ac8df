"""Shapes of official state dicts by the spec's formulas, and tiny ones with values."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

GRID = (4, 3)  # of patches, height and width: 64x48 pixels
# size -> width, blocks
SIZES = {'0.3b': (1024, 24), '0.6b': (1280, 32), '1b': (1536, 40), '2b': (1920, 48)}
# task -> prefix and last layer of the head, deconv stages, conv stages, channels
HEADS = {
    'pose': ('head', 'final_layer', 2, 2, 768),
    'seg': ('decode_head', 'conv_seg', 3, 3, 768),
    'depth': ('decode_head', 'conv_seg', 4, 2, 384),
    'normal': ('decode_head', 'conv_seg', 3, 3, 768),
}


def block_shapes(prefix: str, dim: int, hidden: int) -> dict[str, tuple[int, ...]]:
    shapes = {}
    for name, out, into in (
        ('attn.qkv', 3 * dim, dim),
        ('attn.proj', dim, dim),
        ('ffn.layers.0.0', hidden, dim),
        ('ffn.layers.1', dim, hidden),
    ):
        shapes[f'{prefix}.{name}.weight'] = (out, into)
        shapes[f'{prefix}.{name}.bias'] = (out,)
    for norm in ('ln1', 'ln2'):
        shapes |= {f'{prefix}.{norm}.weight': (dim,), f'{prefix}.{norm}.bias': (dim,)}
    return shapes


def encoder_shapes(dim: int, depth: int, rows: int, cls_token: bool = False) -> dict:
    shapes: dict[str, tuple[int, ...]] = {'pos_embed': (1, rows, dim)}
    if cls_token:
        shapes['cls_token'] = (1, 1, dim)
    shapes['patch_embed.projection.weight'] = (dim, 3, 16, 16)
    shapes['patch_embed.projection.bias'] = (dim,)
    for index in range(depth):
        shapes |= block_shapes(f'layers.{index}', dim, 4 * dim)
    return shapes | {'ln1.weight': (dim,), 'ln1.bias': (dim,)}


def head_shapes(task: str, dim: int, outputs: int, channels: int | None = None) -> dict:
    prefix, last, deconvs, convs, width = HEADS[task]
    width = channels or width
    shapes: dict[str, tuple[int, ...]] = {}
    for stage in range(deconvs):
        into = width if stage else dim
        shapes[f'{prefix}.deconv_layers.{3 * stage}.weight'] = (into, width, 4, 4)
    for stage in range(convs):
        shapes[f'{prefix}.conv_layers.{3 * stage}.weight'] = (width, width, 1, 1)
        shapes[f'{prefix}.conv_layers.{3 * stage}.bias'] = (width,)
    shapes[f'{prefix}.{last}.weight'] = (outputs, width, 1, 1)
    return shapes | {f'{prefix}.{last}.bias': (outputs,)}


def neck_shapes(dim: int, rows: int, width: int = 512, depth: int = 8) -> dict:
    shapes: dict[str, tuple[int, ...]] = {
        'neck.mask_token': (1, 1, width),
        'neck.decoder_pos_embed': (1, rows, width),
        'neck.decoder_embed.weight': (width, dim),
        'neck.decoder_embed.bias': (width,),
    }
    for index in range(depth):
        shapes |= block_shapes(f'neck.decoder_blocks.{index}', width, 4 * width)
    shapes |= {'neck.ln1.weight': (width,), 'neck.ln1.bias': (width,)}
    return shapes | {
        'neck.decoder_pred.weight': (768, width),
        'neck.decoder_pred.bias': (768,),
    }


def official_shapes(size: str, task: str, outputs: int | None = None) -> dict:
    """Shapes of a released model, or of the MAE with its decoder."""
    dim, depth = SIZES[size]
    mae = task == 'mae'
    rows = 4097 if mae else 3072
    encoder = encoder_shapes(dim, depth, rows, cls_token=mae)
    shapes = {f'backbone.{name}': shape for name, shape in encoder.items()}
    if mae:
        return shapes | neck_shapes(dim, rows)
    return shapes | head_shapes(task, dim, outputs or {'depth': 1, 'normal': 3}[task])


def on_meta(shapes: dict) -> dict[str, Tensor]:
    return {name: torch.empty(shape, device='meta') for name, shape in shapes.items()}


def random_weights(
    shapes: dict, seed: int = 0, dtype: torch.dtype = torch.float32
) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.randn(shape, generator=generator).to(dtype)
        for name, shape in shapes.items()
    }


def tiny_shapes(
    task: str = 'pose',
    outputs: int = 17,
    rows: int = 12,
    cls_token: bool = False,
    dim: int = 32,
    depth: int = 2,
) -> dict:
    """Shapes of a model for 64x48 pixels: width 32, 2 blocks, heads 8 wide."""
    encoder = encoder_shapes(dim, depth, rows, cls_token)
    shapes = {f'backbone.{name}': shape for name, shape in encoder.items()}
    if task == 'mae':
        return shapes | neck_shapes(dim, rows, width=16, depth=1)
    return shapes | head_shapes(task, dim, outputs, channels=8)


def tiny_weights(seed: int = 0, dtype: torch.dtype = torch.float32, **kwargs) -> dict:
    return random_weights(tiny_shapes(**kwargs), seed, dtype)


def strip_prefix(state_dict: dict, prefix: str = 'backbone.') -> dict:
    return {
        name.removeprefix(prefix): value
        for name, value in state_dict.items()
        if name.startswith(prefix)
    }


class Holder(nn.Module):
    """A module with exactly the parameters asked for, under dotted names."""

    def __init__(self, shapes: dict, grid_hw: tuple[int, int] | None = None) -> None:
        super().__init__()
        for name, shape in shapes.items():
            owner: nn.Module = self
            *path, leaf = name.split('.')
            for part in path:
                if part not in owner._modules:
                    owner.add_module(part, nn.Module())
                owner = owner.get_submodule(part)
            owner.register_parameter(leaf, nn.Parameter(torch.ones(shape)))
        if grid_hw is not None:
            getattr(self, 'backbone', self).grid_hw = grid_hw

    def forward(self, x: Tensor) -> Tensor:
        return x + sum(parameter.sum() for parameter in self.parameters())


def build_pose(outputs: int = 17) -> Holder:
    """A pose model of tiny shapes, on GRID."""
    return Holder(tiny_shapes(outputs=outputs), GRID)


def reference_resize(
    table: Tensor, src_hw: tuple[int, int], dst_hw: tuple[int, int]
) -> Tensor:
    """Resize (1, H*W, C) position rows to another grid by torch alone."""
    grid = table.reshape(1, *src_hw, -1).permute(0, 3, 1, 2)
    grid = F.interpolate(grid, size=dst_hw, mode='bicubic', align_corners=False)
    return grid.flatten(2).transpose(1, 2)
