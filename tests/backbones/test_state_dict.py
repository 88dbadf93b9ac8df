"""Keys, shapes, order and parameter counts of the released encoders."""

import pytest
import torch

from sapiens_mm.backbones import ARCHS, SapiensViT, find_arch

# embed dims, blocks, heads, hidden width; parameters without class token at
# 1024x768, and of the MAE encoder at 1024x1024
SIZES = {
    '0.3b': (1024, 24, 16, 4096, 306_244_608, 307_295_232),
    '0.6b': (1280, 32, 16, 5120, 634_597_120, 635_910_400),
    '1b': (1536, 40, 24, 6144, 1_139_163_648, 1_140_739_584),
    '2b': (1920, 48, 32, 7680, 2_131_943_040, 2_133_912_960),
}


def released_keys(dim, depth, hidden, rows, with_cls_token):
    """Name and shape of every tensor, in the order of the released files."""
    yield from [('cls_token', (1, 1, dim))] if with_cls_token else []
    yield 'pos_embed', (1, rows, dim)
    yield 'patch_embed.projection.weight', (dim, 3, 16, 16)
    yield 'patch_embed.projection.bias', (dim,)
    for i in range(depth):
        for name, *shape in (
            ('ln1', dim),
            ('attn.qkv', 3 * dim, dim),
            ('attn.proj', dim, dim),
            ('ln2', dim),
            ('ffn.layers.0.0', hidden, dim),
            ('ffn.layers.1', dim, hidden),
        ):
            yield f'layers.{i}.{name}.weight', tuple(shape)
            yield f'layers.{i}.{name}.bias', (shape[0],)
    yield 'ln1.weight', (dim,)
    yield 'ln1.bias', (dim,)


@pytest.mark.parametrize('padding', [0, 2])
@pytest.mark.parametrize('size', SIZES)
def test_fine_tuned_encoders(size, padding):
    dim, depth, _, hidden, count, _ = SIZES[size]
    with torch.device('meta'):
        model = SapiensViT(size, (1024, 768), patch_cfg=dict(padding=padding))
    got = [(key, tuple(value.shape)) for key, value in model.state_dict().items()]
    assert got == list(released_keys(dim, depth, hidden, 3072, False))
    assert len(got) == 5 + 12 * depth
    assert sum(parameter.numel() for parameter in model.parameters()) == count


@pytest.mark.parametrize('size', SIZES)
def test_pretraining_encoders(size):
    dim, depth, _, hidden, _, count = SIZES[size]
    with torch.device('meta'):
        model = SapiensViT(f'sapiens_{size}', 1024, with_cls_token=True)
    got = [(key, tuple(value.shape)) for key, value in model.state_dict().items()]
    assert got == list(released_keys(dim, depth, hidden, 4097, True))
    assert len(got) == 6 + 12 * depth
    assert sum(parameter.numel() for parameter in model.parameters()) == count


@pytest.mark.parametrize('size', SIZES)
def test_sizes(size):
    arch = find_arch(size)
    assert arch is find_arch(f'sapiens_{size}') is ARCHS[f'sapiens_{size}']
    got = (arch.embed_dims, arch.num_layers, arch.num_heads, arch.feedforward_channels)
    assert got == SIZES[size][:4]
    with torch.device('meta'):
        blocks = SapiensViT(size).layers
    assert len(blocks) == arch.num_layers
    assert {block.attn.num_heads for block in blocks} == {arch.num_heads}


def test_no_final_norm_has_no_key():
    with torch.device('meta'):
        model = SapiensViT('tiny', final_norm=False)
    assert not [key for key in model.state_dict() if key.startswith('ln1')]
