"""Position tables: fixed sin-cos, and resizing to another patch grid."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F


def sincos_pos_embed(dim: int, grid_hw: tuple[int, int]) -> Tensor:
    """Fixed 2-D sin-cos table of MAE (He et al. 2022, appendix A.1).

    The first half of the channels encodes the row, the second half the column;
    each half holds the sines, then the cosines, at temperature 10000.

    Args:
        dim: D, a multiple of 4.
        grid_hw: Patch grid (h, w).

    Returns:
        Shape (1, h * w, D), float32, rows in row-major grid order.
    """
    if dim % 4:
        raise ValueError(f'dim must be a multiple of 4 for a sin-cos table, got {dim}')
    height, width = grid_hw
    quarter = dim // 4
    omega = 1.0 / 10000 ** (torch.arange(quarter, dtype=torch.float64) / quarter)

    def encode(positions: Tensor) -> Tensor:
        angles = positions[:, None] * omega
        return torch.cat([angles.sin(), angles.cos()], dim=1)

    rows = encode(torch.arange(height, dtype=torch.float64))
    cols = encode(torch.arange(width, dtype=torch.float64))
    table = torch.cat([rows.repeat_interleave(width, 0), cols.repeat(height, 1)], dim=1)
    return table.float().unsqueeze(0)


def resize_pos_embed(
    table: Tensor,
    src_hw: tuple[int, int],
    dst_hw: tuple[int, int],
    num_prefix: int = 0,
) -> Tensor:
    """Resize a learned position table to another patch grid.

    Prefix rows (a class token, say) have no place on the grid and pass through
    unchanged. Interpolation is bicubic and runs in float32: half precision loses
    accuracy here.

    Args:
        table: Shape (1, P + N, D), grid rows in row-major order.
        src_hw: Grid the table was trained on, (h, w) in patches.
        dst_hw: Grid to produce, (h, w) in patches.
        num_prefix: P, the rows before the grid starts.

    Returns:
        Shape (1, P + N', D), in the dtype of ``table``.

    Raises:
        ValueError: If ``table`` does not hold ``src_hw`` plus the prefix.
    """
    rows = num_prefix + math.prod(src_hw)
    if table.ndim != 3 or table.shape[1] != rows:
        raise ValueError(
            f'A position table for grid {tuple(src_hw)} with {num_prefix} prefix '
            f'rows has shape (1, {rows}, D), got {tuple(table.shape)}'
        )
    # sizes that an export leaves free are no ints: to compare them would fix them, and
    # where they turn out equal the resize changes nothing
    fixed = all(isinstance(side, int) for side in dst_hw)
    if fixed and tuple(src_hw) == tuple(dst_hw):
        return table
    prefix, grid = table[:, :num_prefix], table[:, num_prefix:]
    grid = grid.float().reshape(1, *src_hw, -1).permute(0, 3, 1, 2)
    grid = F.interpolate(grid, size=dst_hw, mode='bicubic', align_corners=False)
    grid = grid.flatten(2).transpose(1, 2).to(table.dtype)
    return torch.cat([prefix, grid], dim=1) if num_prefix else grid


def fit_pos_embed(table: Tensor, grid_hw: tuple[int, int], num_prefix: int) -> Tensor:
    """Fit the table of a checkpoint to a model: class row and grid.

    A table has a class row if leaving it out makes a known grid: T - 1 is a square
    and T is not, or T - 1 is the model's own number of patches. Grids other than
    the model's are square, or the 64x48 of the fine-tuned Sapiens models, or, if
    nothing else fits, of the model's proportions: 8x6 for 16x12.

    Args:
        table: Shape (1, T, D), as found in a checkpoint.
        grid_hw: Patch grid of the model, (h, w).
        num_prefix: Prefix rows of the model, 0 or 1. A missing class row becomes
            zeros, as in MAE.

    Returns:
        Shape (1, num_prefix + h * w, D), in the dtype of ``table``.

    Raises:
        ValueError: If T fits no grid.
    """
    own = math.prod(grid_hw)
    rows = table.shape[1]

    def source_grid(patches: int) -> tuple[int, int] | None:
        if patches == own:
            return tuple(grid_hw)
        # 1024x768 in patches of 16, the one released grid that is no square
        if patches == 64 * 48:
            return 64, 48
        edge = math.isqrt(patches)
        return (edge, edge) if edge and edge * edge == patches else None

    def scaled_grid(patches: int) -> tuple[int, int] | None:
        # a training at 128x96 pixels goes on at 256x192
        divisor = math.gcd(*grid_hw)
        unit_hw = [side // divisor for side in grid_hw]
        scale = math.isqrt(patches // math.prod(unit_hw))
        scaled_hw = tuple(side * scale for side in unit_hw)
        return scaled_hw if scale and math.prod(scaled_hw) == patches else None

    # 16 rows are the model's own 5x3 and a class row before they are a square
    order = (1, 0) if rows - 1 == own else (0, 1)
    # by proportions last, with or without a class row: that is a guess
    grids = (
        (find(rows - prefix_rows), prefix_rows)
        for find in (source_grid, scaled_grid)
        for prefix_rows in order
    )
    src_hw, has_class_row = next((pair for pair in grids if pair[0]), (None, 0))
    if src_hw is None:
        raise ValueError(
            f'A position table of {rows} rows fits no grid: neither {rows} nor '
            f'{rows - 1} is {own} (the model), 3072 (64x48), a square, or a grid of '
            f'the proportions {grid_hw[0]}:{grid_hw[1]}'
        )
    prefix, grid = table[:, :has_class_row], table[:, has_class_row:]
    grid = resize_pos_embed(grid, src_hw, grid_hw)
    if not num_prefix:
        return grid
    if not has_class_row:
        # the fixed table of MAE has zeros there too
        prefix = table.new_zeros(1, 1, table.shape[2])
    return torch.cat([prefix, grid], dim=1)
