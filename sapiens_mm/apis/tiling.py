"""High-resolution maps from overlapping tiles of an image.

A tile has the aspect of the network's input, so squeezing it changes no proportions.
Letters: C channels, H W pixels of the image.
"""

from __future__ import annotations

import dataclasses
import math
import numbers

import cv2
import numpy as np

# Depth of a tile that agrees less with that of the whole image is not used.
MIN_AGREEMENT = 0.5  # correlation
_MIN_CELLS = 8  # to compare a tile on
_UNUSED = 1 / 8  # of an overlap, at the inner border of a tile


@dataclasses.dataclass(frozen=True)
class Tile:
    """A rectangle of the image.

    Attributes:
        rows: With start and stop, pixels of the image.
        columns: As ``rows``.
    """

    rows: slice
    columns: slice

    @property
    def hw(self) -> tuple[int, int]:
        """Size, (H, W)."""
        return (
            self.rows.stop - self.rows.start,
            self.columns.stop - self.columns.start,
        )

    @property
    def index(self) -> tuple[slice, slice]:
        """What cuts the tile out of an array (H, W, …)."""
        return self.rows, self.columns


def check_tiling(tile: int | None, overlap: float) -> None:
    """Raise ``ValueError`` unless these are arguments of :func:`cut_tiles`."""
    whole = isinstance(tile, int) and not isinstance(tile, bool)
    if tile is not None and not (whole and tile >= 16):
        raise ValueError(
            f'tile must be the height of a tile in pixels of the image, 16 or more, '
            f'or None; got {tile!r}'
        )
    number = isinstance(overlap, numbers.Real)
    if not number or not 0.1 <= overlap <= 0.5:
        raise ValueError(f'tile_overlap must be 0.1 to 0.5 of a tile, got {overlap!r}')


def cut_tiles(
    image_hw: tuple[int, int], tile: int, input_wh: tuple[int, int], overlap: float
) -> list[Tile]:
    """Cover an image with tiles of the network's aspect, evenly spaced.

    A tile that does not fit into the image is made smaller, at the same aspect.

    Args:
        image_hw: Size of the image.
        tile: Height of a tile, pixels.
        input_wh: Input of the network, (W, H).
        overlap: Least share of a tile that its neighbour covers too.

    Returns:
        The tiles, row by row; none where the image is not larger than one.
    """
    aspect = input_wh[0] / input_wh[1]
    height, width = image_hw
    # it fits the network as a whole: no tile sees more
    if height <= tile and width <= tile * aspect:
        return []
    # the aspect stays: a squeezed tile would change proportions
    side = min(tile, height, width / aspect)
    tile_hw = max(1, round(side)), max(1, min(width, round(side * aspect)))
    rows = _spread(height, tile_hw[0], overlap)
    columns = _spread(width, tile_hw[1], overlap)
    return [Tile(r, c) for r in rows for c in columns]


def _spread(length: int, size: int, overlap: float) -> list[slice]:
    """Cover ``length`` pixels with pieces of ``size``."""
    count = 1 + math.ceil((length - size) / max(1, size * (1 - overlap)))
    starts = np.linspace(0, length - size, count).round().astype(int).tolist()
    return [slice(start, start + size) for start in starts]


def windows(pieces: list[slice], length: int) -> list[np.ndarray]:
    """Weights of the pixels of overlapping pieces; at each pixel they add up to 1.

    Between two pieces the weight goes over from one to the other as a squared sine.
    The last eighth of an overlap has none: a network sees no context there.

    Args:
        pieces: Sorted, of equal size; together they cover ``length``.
        length: Pixels.

    Returns:
        One array of weights a piece, float32, of its size.
    """
    found = []
    for number, piece in enumerate(pieces):
        size = piece.stop - piece.start
        weight = np.ones(size)
        distance = np.arange(size) + 0.5  # of a pixel's centre from the border
        if number > 0:
            weight *= _ramp(distance, pieces[number - 1].stop - piece.start)
        if number + 1 < len(pieces):
            weight *= _ramp(distance[::-1], piece.stop - pieces[number + 1].start)
        found.append(weight)
    total = np.zeros(length)
    for piece, weight in zip(pieces, found, strict=True):
        total[piece] += weight
    return [
        (weight / total[piece]).astype(np.float32)
        for piece, weight in zip(pieces, found, strict=True)
    ]


def _ramp(distance: np.ndarray, overlap: int) -> np.ndarray:
    share = (distance / overlap - _UNUSED) / (1 - 2 * _UNUSED)
    return np.sin(share.clip(0, 1) * np.pi / 2) ** 2


def blend(
    whole: np.ndarray, tiles: list[Tile], maps: list[np.ndarray | None]
) -> np.ndarray:
    """Lay maps of tiles over the map of the whole image.

    Args:
        whole: Shape (C, H, W), float32.
        tiles: As :func:`cut_tiles` gives them, all of them.
        maps: One a tile, (C, H, W) of its size; None leaves the map of the whole
            image there, and its neighbours go over into that one.

    Returns:
        Shape (C, H, W), float32.
    """
    rows = _pieces([tile.rows for tile in tiles])
    columns = _pieces([tile.columns for tile in tiles])
    height, width = whole.shape[1:]
    of_rows = dict(zip(_keys(rows), windows(rows, height), strict=True))
    of_columns = dict(zip(_keys(columns), windows(columns, width), strict=True))
    result = whole.copy()
    for tile, values in zip(tiles, maps, strict=True):
        if values is None:
            continue
        down, across = of_rows[tile.rows.start], of_columns[tile.columns.start]
        part = (slice(None), *tile.index)
        result[part] += down[:, None] * across * (values - whole[part])
    return result


def _pieces(slices: list[slice]) -> list[slice]:
    return [
        slice(start, stop)
        for start, stop in sorted({(s.start, s.stop) for s in slices})
    ]


def _keys(pieces: list[slice]) -> list[int]:
    return [piece.start for piece in pieces]


def fit_to_whole(
    values: np.ndarray,
    whole: np.ndarray,
    mask: np.ndarray | None,
    cells_hw: tuple[int, int],
) -> np.ndarray | None:
    """Bring relative depth of a tile to the scale and shift of the whole image's.

    Both are averaged over cells first, because the fine detail of the tile, which the
    whole image's depth lacks, would make the fitted scale too small.

    Args:
        values: Depth of the tile, (H, W).
        whole: Depth of the whole image, cut to the tile, (H, W).
        mask: People, (H, W) bool; cells that lie in it count. None: all.
        cells_hw: Number of cells; about the pixels that the network had for this
            tile when it saw the whole image.

    Returns:
        ``scale * values + shift`` by least squares, (H, W) float32; None where the two
        agree too little for a scale to mean something: fewer than 8 cells, one of them
        constant, or a correlation below ``MIN_AGREEMENT``.
    """
    size = tuple(max(1, min(c, s)) for c, s in zip(cells_hw, values.shape, strict=True))

    def cells(array: np.ndarray) -> np.ndarray:
        small = cv2.resize(array, size[::-1], interpolation=cv2.INTER_AREA)  # (W, H)
        return small.astype(np.float64)

    x, y = cells(values), cells(whole)
    inside = np.isfinite(x) & np.isfinite(y)
    if mask is not None:
        # cells that are partly background would pull the fit
        inside &= cells(mask.astype(np.float32)) > 0.999
    x, y = x[inside], y[inside]
    if len(x) < _MIN_CELLS:
        return None
    mean_x, mean_y = x.mean(), y.mean()
    x, y = x - mean_x, y - mean_y
    # a spread that float32 cannot tell from rounding is none
    rounding = 1e-6 * len(x) ** 0.5
    size_x, size_y = np.linalg.norm(x), np.linalg.norm(y)
    if size_x <= rounding * abs(mean_x) or size_y <= rounding * abs(mean_y):
        return None
    # written so that a NaN fails
    if not x @ y >= MIN_AGREEMENT * size_x * size_y:
        return None
    scale = (x @ y) / (x @ x)
    return (scale * values + (mean_y - scale * mean_x)).astype(np.float32)
