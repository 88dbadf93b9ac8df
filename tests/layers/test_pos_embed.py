"""Position tables against formulas, torch's interpolation and mmpretrain's."""

import math

import pytest
import torch
from torch.nn import functional as F

from sapiens_mm.layers import fit_pos_embed, resize_pos_embed, sincos_pos_embed


def interpolate(table, src_hw, dst_hw):
    """Bicubic resize of a table without prefix, by torch alone."""
    grid = table.reshape(1, *src_hw, -1).permute(0, 3, 1, 2)
    grid = F.interpolate(grid, dst_hw, mode='bicubic', align_corners=False)
    return grid.permute(0, 2, 3, 1).reshape(1, dst_hw[0] * dst_hw[1], -1)


def test_sincos_entry_by_entry():
    table = sincos_pos_embed(16, (3, 5))
    assert table.shape == (1, 15, 16)
    assert table.dtype == torch.float32
    for row in range(3):
        for col in range(5):
            expected = []
            for position in (row, col):
                angles = [position / 10000 ** (i / 4) for i in range(4)]
                expected += [math.sin(a) for a in angles]
                expected += [math.cos(a) for a in angles]
            got = table[0, row * 5 + col]
            torch.testing.assert_close(got, torch.tensor(expected), rtol=0, atol=1e-7)


@pytest.mark.parametrize(('dim', 'edge'), [(32, 4), (512, 64)])
def test_sincos_equals_mmpretrain(dim, edge):
    utils = pytest.importorskip('mmpretrain.models.utils')
    host = utils.build_2d_sincos_position_embedding(edge, dim)
    ours = sincos_pos_embed(dim, (edge, edge))
    torch.testing.assert_close(ours, host, rtol=0, atol=1e-5)  # theirs is in float32


def test_sincos_needs_a_multiple_of_4():
    with pytest.raises(ValueError, match='multiple of 4 .* 30'):
        sincos_pos_embed(30, (2, 2))


CASES = [
    ((4, 4), (4, 3), 0),
    ((4, 4), (4, 3), 1),
    ((4, 3), (7, 9), 0),
    ((64, 64), (64, 48), 0),
]


@pytest.mark.parametrize(('src_hw', 'dst_hw', 'num_prefix'), CASES)
def test_resize_equals_torch_bit_for_bit(src_hw, dst_hw, num_prefix):
    table = torch.randn(1, num_prefix + math.prod(src_hw), 8)
    got = resize_pos_embed(table, src_hw, dst_hw, num_prefix)
    assert torch.equal(got[:, :num_prefix], table[:, :num_prefix])
    expected = interpolate(table[:, num_prefix:], src_hw, dst_hw)
    assert torch.equal(got[:, num_prefix:], expected)


@pytest.mark.parametrize(('src_hw', 'dst_hw', 'num_prefix'), CASES)
def test_resize_equals_mmpretrain(src_hw, dst_hw, num_prefix):
    utils = pytest.importorskip('mmpretrain.models.utils')
    table = torch.randn(1, num_prefix + math.prod(src_hw), 8)
    host = utils.resize_pos_embed(table, src_hw, dst_hw, 'bicubic', num_prefix)
    assert torch.equal(resize_pos_embed(table, src_hw, dst_hw, num_prefix), host)


def test_resize_runs_in_float32_and_keeps_the_dtype():
    table = torch.randn(1, 17, 8).bfloat16()
    got = resize_pos_embed(table, (4, 4), (4, 3), 1)
    assert got.dtype == torch.bfloat16
    expected = interpolate(table[:, 1:].float(), (4, 4), (4, 3)).bfloat16()
    assert torch.equal(got[:, 1:], expected)


def test_resize_to_the_same_grid_changes_nothing():
    table = torch.randn(1, 13, 8)
    assert resize_pos_embed(table, (4, 3), (4, 3), 1) is table


def test_resize_refuses_a_table_of_another_grid():
    with pytest.raises(ValueError, match=r'\(1, 13, D\), got \(1, 12, 8\)'):
        resize_pos_embed(torch.zeros(1, 12, 8), (4, 3), (2, 2), 1)


@pytest.mark.parametrize(
    ('rows', 'grid_hw', 'num_prefix', 'drops', 'src_hw'),
    [
        (4097, (64, 48), 0, 1, (64, 64)),  # released encoder, fine-tuned model
        (4096, (64, 48), 0, 0, (64, 64)),
        (3072, (64, 48), 0, 0, (64, 48)),
        (3073, (64, 48), 0, 1, (64, 48)),
        (3072, (32, 24), 0, 0, (64, 48)),  # fine-tuned model at another size
        (3072, (64, 64), 1, 0, (64, 48)),  # and as an encoder with class token
        (4096, (64, 64), 1, 0, (64, 64)),
        (4097, (64, 64), 1, 1, (64, 64)),
        (4097, (16, 16), 1, 1, (64, 64)),
        (197, (14, 14), 0, 1, (14, 14)),
        (17, (4, 3), 0, 1, (4, 4)),
        (13, (4, 3), 0, 1, (4, 3)),
        (16, (5, 3), 0, 1, (5, 3)),  # a square too, but the model's grid is 15
        (16, (4, 4), 0, 0, (4, 4)),
        (10, (3, 3), 1, 1, (3, 3)),
        (48, (16, 12), 0, 0, (8, 6)),  # a first stage on small images
        (109, (16, 12), 1, 1, (12, 9)),
        (50, (2, 1), 0, 1, (7, 7)),  # 10x5 too, but squares are usual
    ],
)
def test_fit_to_a_model(rows, grid_hw, num_prefix, drops, src_hw):
    table = torch.randn(1, rows, 4)
    got = fit_pos_embed(table, grid_hw, num_prefix)
    assert got.shape == (1, num_prefix + math.prod(grid_hw), 4)
    grid = table[:, drops:]
    if src_hw != grid_hw:
        grid = interpolate(grid, src_hw, grid_hw)
    assert torch.equal(got[:, num_prefix:], grid)
    if num_prefix:
        prefix = table[:, :1] if drops else torch.zeros(1, 1, 4)
        assert torch.equal(got[:, :1], prefix)


@pytest.mark.parametrize('rows', [7, 15, 3000])
def test_fit_refuses_tables_of_no_grid(rows):
    with pytest.raises(ValueError, match=f'of {rows} rows fits no grid'):
        fit_pos_embed(torch.zeros(1, rows, 4), (4, 3), 0)
