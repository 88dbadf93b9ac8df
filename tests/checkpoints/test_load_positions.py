"""Position tables are resized to the grid of the model that loads them."""

import pytest
import torch
from checkpoint_util import (
    GRID,
    Holder,
    build_pose,
    reference_resize,
    strip_prefix,
    tiny_shapes,
    tiny_weights,
)

from sapiens_mm.checkpoints import CheckpointError, load_into_new


@pytest.mark.parametrize('grid_hw', [GRID, (5, 7)])
def test_pretrained_positions_are_resized(save, grid_hw):
    """65 rows: a class row and an 8x8 grid, as 4097 is one and 64x64."""
    weights = strip_prefix(tiny_weights(rows=65, cls_token=True))
    rows = grid_hw[0] * grid_hw[1]
    shapes = {k: v for k, v in tiny_shapes(rows=rows).items() if 'backbone' in k}
    model, report = load_into_new(lambda: Holder(shapes, grid_hw), save(weights))
    expected = reference_resize(weights['pos_embed'][:, 1:], (8, 8), grid_hw)
    assert torch.equal(model.backbone.pos_embed, expected)
    assert report.resized == ['backbone.pos_embed']
    assert report.skipped == ['backbone.cls_token']


def test_released_grids(save):
    """4097 rows go to 64x48, and 3072 rows are known to be 64x48."""
    narrow = {'dim': 4, 'depth': 1}
    table = tiny_weights(rows=4097, cls_token=True, **narrow)
    shapes = tiny_shapes(rows=3072, **narrow)
    model, _ = load_into_new(lambda: Holder(shapes), save(table))
    expected = reference_resize(table['backbone.pos_embed'][:, 1:], (64, 64), (64, 48))
    assert torch.equal(model.backbone.pos_embed, expected)
    table = tiny_weights(rows=3072, **narrow)
    shapes = tiny_shapes(rows=32 * 24, **narrow)
    model, _ = load_into_new(lambda: Holder(shapes, (32, 24)), save(table))
    expected = reference_resize(table['backbone.pos_embed'], (64, 48), (32, 24))
    assert torch.equal(model.backbone.pos_embed, expected)


def test_half_positions_are_resized_in_float32(save):
    weights = tiny_weights(rows=16, dtype=torch.bfloat16)
    model, _ = load_into_new(build_pose, save(weights), dtype=torch.bfloat16)
    table = weights['backbone.pos_embed'].float()
    expected = reference_resize(table, (4, 4), GRID).bfloat16()
    assert torch.equal(model.backbone.pos_embed, expected)


def test_class_row_stays_where_the_model_has_one(save):
    weights = tiny_weights(rows=17, cls_token=True)
    shapes = tiny_shapes(rows=13, cls_token=True)
    model, _ = load_into_new(lambda: Holder(shapes, GRID), save(weights))
    table = weights['backbone.pos_embed']
    assert torch.equal(model.backbone.pos_embed[:, :1], table[:, :1])
    expected = reference_resize(table[:, 1:], (4, 4), GRID)
    assert torch.equal(model.backbone.pos_embed[:, 1:], expected)


@pytest.mark.parametrize('rows, grid_hw', [(14, GRID), (16, None)])
def test_unknown_grids_raise(save, rows, grid_hw):
    path = save(tiny_weights(rows=rows))
    with pytest.raises(CheckpointError, match='fits no grid|no grid_hw'):
        load_into_new(lambda: Holder(tiny_shapes(), grid_hw), path)
