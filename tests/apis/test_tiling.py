"""Tiles: their places and windows, and maps of networks whose truth is known."""

import numpy as np
import pytest

from sapiens_mm.apis.tiling import (
    blend,
    check_tiling,
    cut_tiles,
    fit_to_whole,
    windows,
)

INPUT_WH = (768, 1024)


def test_tiles_cover_the_image_with_the_networks_aspect():
    tiles = cut_tiles((3000, 2000), 1024, INPUT_WH, 0.25)
    assert {tile.hw for tile in tiles} == {(1024, 768)}
    # (3000 - 1024) / 768 and (2000 - 768) / 576, rounded up, plus one
    assert len(tiles) == 4 * 4
    starts = sorted({tile.rows.start for tile in tiles})
    assert starts == [0, 659, 1317, 1976]
    assert sorted({tile.columns.start for tile in tiles}) == [0, 411, 821, 1232]
    covered = np.zeros((3000, 2000), int)
    for tile in tiles:
        covered[tile.index] += 1
    assert covered.min() == 1 and covered.max() == 4


@pytest.mark.parametrize(
    ('image_hw', 'count', 'tile_hw'),
    [
        ((1024, 768), 0, None),  # one tile is the image
        ((400, 500), 0, None),
        ((1000, 1000), 2, (1000, 750)),  # wider than a tile, and not as high
        ((4000, 600), 7, (800, 600)),  # 1 + 3200 / 600
        ((1025, 768), 2, (1024, 768)),
    ],
)
def test_tiles_of_odd_images(image_hw, count, tile_hw):
    tiles = cut_tiles(image_hw, 1024, INPUT_WH, 0.25)
    assert len(tiles) == count
    assert {tile.hw for tile in tiles} == ({tile_hw} if count else set())


def test_windows_add_up_and_fade():
    pieces = [slice(0, 100), slice(60, 160), slice(110, 210)]
    found = windows(pieces, 210)
    total = np.zeros(210)
    for piece, weight in zip(pieces, found, strict=True):
        total[piece] += weight
    np.testing.assert_allclose(total, 1, atol=1e-6)
    first, second, _ = found
    assert (first[:60] == 1).all()  # nothing fades at the edge of the image
    # of the overlap of 40 pixels, 5 at each side are one tile's alone
    assert (second[:5] == 0).all() and second[5] > 0
    middle = np.sin((20.5 / 40 - 1 / 8) / (3 / 4) * np.pi / 2) ** 2
    assert second[20] == pytest.approx(middle, abs=1e-6)
    assert first[60 + 20] == pytest.approx(1 - middle, abs=1e-6)


def image_of(values, tiles):
    return [values[(slice(None), *tile.index)] for tile in tiles]


def test_blending_reproduces_what_all_tiles_agree_on():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(3, 97, 131)).astype(np.float32)
    tiles = cut_tiles((97, 131), 40, (3, 4), 0.3)
    assert len(tiles) > 12
    result = blend(np.zeros_like(truth), tiles, image_of(truth, tiles))
    np.testing.assert_allclose(result, truth, atol=2e-6)


def test_a_tile_left_out_goes_over_into_the_whole():
    """Against the sum of weights written out."""
    whole = np.full((1, 50, 200), 2, np.float32)
    tiles = cut_tiles((50, 200), 50, (50, 50), 0.2)
    maps = [np.full((1, 50, 50), 5, np.float32) for _ in tiles]
    maps[2] = None
    row = blend(whole, tiles, maps)[0, 25]
    weights = np.zeros(200)
    columns = [tile.columns for tile in tiles]
    for number, weight in enumerate(windows(columns, 200)):
        if number != 2:
            weights[columns[number]] += weight
    np.testing.assert_allclose(row, 2 + 3 * weights, atol=1e-6)
    assert row.min() == 2 and row.max() == pytest.approx(5)
    assert np.abs(np.diff(row)).max() < 1  # no step of 3


def test_fit_finds_scale_and_shift():
    rng = np.random.default_rng(1)
    truth = rng.normal(size=(60, 45)).astype(np.float32)
    fitted = fit_to_whole(3 * truth - 2, truth, None, (20, 15))
    np.testing.assert_allclose(fitted, truth, atol=1e-5)


def test_fit_looks_at_people_only():
    rng = np.random.default_rng(2)
    truth = rng.normal(size=(60, 45)).astype(np.float32)
    values = 0.5 * truth + 1
    values[:, 30:] = rng.normal(size=(60, 15)) * 50
    mask = np.zeros((60, 45), bool)
    mask[:, :30] = True
    fitted = fit_to_whole(values, truth, mask, (20, 15))
    np.testing.assert_allclose(fitted[:, :30], truth[:, :30], atol=1e-5)
    # with the wild columns the two agree on nothing
    assert fit_to_whole(values, truth, None, (20, 15)) is None


def test_fit_equals_least_squares_of_numpy():
    rng = np.random.default_rng(3)
    values = rng.normal(size=(40, 40)).astype(np.float32)
    whole = (2 * values + 0.3 + rng.normal(size=(40, 40))).astype(np.float32)
    fitted = fit_to_whole(values, whole, None, (40, 40))
    design = np.stack([values.ravel(), np.ones(1600)], 1).astype(float)
    (scale, shift), *_ = np.linalg.lstsq(design, whole.ravel().astype(float))
    np.testing.assert_allclose(fitted, scale * values + shift, atol=1e-5)


def test_detail_does_not_shrink_the_scale():
    """The whole image's depth is the tile's without detail: the scale stays 1."""
    rows, columns = np.mgrid[:64, :64]
    smooth = (rows / 64).astype(np.float32)
    detail = np.float32(0.4) * np.where((rows // 2 + columns // 2) % 2, 1, -1)
    values = smooth + detail.astype(np.float32)
    fitted = fit_to_whole(values, smooth, None, (16, 16))
    np.testing.assert_allclose(fitted, values, atol=1e-4)
    naive = np.polyfit(values.ravel(), smooth.ravel(), 1)[0]
    assert naive < 0.5


def test_what_cannot_be_fitted_is_left_out():
    rng = np.random.default_rng(4)
    noise = rng.normal(size=(32, 32)).astype(np.float32)
    flat = np.full((32, 32), 0.7, np.float32)
    nobody = np.zeros((32, 32), bool)
    cells = (16, 16)
    assert fit_to_whole(flat, noise, None, cells) is None
    assert fit_to_whole(noise, flat, None, cells) is None
    assert fit_to_whole(-noise, noise, None, cells) is None  # near and far swapped
    assert fit_to_whole(noise, noise, nobody, cells) is None
    assert fit_to_whole(noise, noise[::-1].copy(), None, cells) is None
    assert fit_to_whole(np.full_like(noise, np.nan), noise, None, cells) is None


@pytest.mark.parametrize(
    ('tile', 'overlap', 'match'),
    [
        (8, 0.25, 'tile must be the height .* got 8'),
        (True, 0.25, 'got True'),
        (512.0, 0.25, 'got 512.0'),
        (512, 0.7, 'tile_overlap must be 0.1 to 0.5 of a tile, got 0.7'),
    ],
)
def test_wrong_arguments(tile, overlap, match):
    with pytest.raises(ValueError, match=match):
        check_tiling(tile, overlap)
