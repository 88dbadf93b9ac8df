"""Which pixels a patch covers, probed pixel by pixel."""

import pytest
import torch

from sapiens_mm.layers import PatchEmbed


def probe(padding, image_hw):
    """Return the response (H, W, N) of every token to an impulse at every pixel.

    The kernel's entry at row r and column c is 1 + 100 r + c, so that a response
    tells where in the window the pixel lies.
    """
    height, width = image_hw
    embed = PatchEmbed(1, 1, 16, padding)
    rows, cols = torch.meshgrid(torch.arange(16), torch.arange(16), indexing='ij')
    with torch.no_grad():
        embed.projection.weight.copy_(1 + 100 * rows + cols)
        embed.projection.bias.zero_()
        impulses = torch.eye(height * width).reshape(-1, 1, height, width)
        tokens, grid_hw = embed(impulses)
    return tokens[:, :, 0].reshape(height, width, -1), grid_hw


@pytest.mark.parametrize('padding', [0, 2])
def test_windows_start_at_minus_padding(padding):
    response, grid_hw = probe(padding, (32, 48))
    assert grid_hw == (2, 3)
    expected = torch.zeros(32, 48, 6)
    for y in range(32):
        for x in range(48):
            (row, r), (col, c) = divmod(y + padding, 16), divmod(x + padding, 16)
            if row < 2 and col < 3:
                expected[y, x, row * 3 + col] = 1 + 100 * r + c
    assert torch.equal(response, expected)


def test_padding_2_sees_up_to_pixel_13_and_drops_the_last_two():
    response, _ = probe(2, (32, 32))
    column = response[:, 5].sum(-1)
    assert response[13, 5, 0] == 1 + 100 * 15 + 7  # last row of the first window
    assert response[14, 5, 0] == 0
    assert torch.equal(column == 0, torch.arange(32) >= 30)
    seen_without, _ = probe(0, (32, 32))
    assert (seen_without.sum(-1) > 0).all()


@pytest.mark.parametrize('padding', [0, 2])
@pytest.mark.parametrize(
    ('image_hw', 'grid_hw'),
    [
        ((1024, 1024), (64, 64)),
        ((1024, 768), (64, 48)),
        ((64, 48), (4, 3)),
        ((31, 33), (1, 2)),
    ],
)
def test_grids(padding, image_hw, grid_hw):
    embed = PatchEmbed(3, 4, 16, padding)
    if image_hw == (31, 33) and padding == 2:
        grid_hw = (2, 2)  # 31 + 4 pixels hold two windows
    assert embed.grid_hw(image_hw) == grid_hw
    tokens, grid = embed.to('meta')(torch.empty(1, 3, *image_hw, device='meta'))
    assert grid == grid_hw
    assert tokens.shape == (1, grid_hw[0] * grid_hw[1], 4)


def test_too_small_an_image_is_refused():
    with pytest.raises(ValueError, match=r'\(15, 64\) pixels .* 16 pixels'):
        PatchEmbed(3, 4, 16, 0).grid_hw((15, 64))
