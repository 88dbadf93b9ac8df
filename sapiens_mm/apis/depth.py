"""Relative depth of images."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from sapiens_mm.apis.maps import MapInferencer, PreparedMap
from sapiens_mm.apis.results import DepthResult
from sapiens_mm.apis.tiling import Tile, fit_to_whole


class DepthInferencer(MapInferencer):
    """Estimates relative depth, near 0 and far 1.

    The depth is the network's, everywhere and not clipped. Near and far of a tile are
    its own, so each is brought to the scale and shift of the whole image's depth, on
    people where there is a mask.
    """

    result_type = DepthResult
    task = 'depth'

    def fit_tile(
        self,
        values: np.ndarray,
        whole: np.ndarray,
        tile: Tile,
        mask: np.ndarray | None,
    ) -> np.ndarray | None:
        """Fit scale and shift; None where the tile contradicts the whole image."""
        width, height = self.input_wh
        # cells of the size that a pixel of the whole image's network output has
        cells_hw = (
            round(height * tile.hw[0] / whole.shape[1]),
            round(width * tile.hw[1] / whole.shape[2]),
        )
        mask = None if mask is None else mask[tile.index]
        part = np.ascontiguousarray(whole[0][tile.index])
        fitted = fit_to_whole(values[0], part, mask, cells_hw)
        return None if fitted is None else fitted[None]

    def finish(self, prepared: PreparedMap, outputs: list[Tensor]) -> DepthResult:
        """Enlarge to the image."""
        found = self.map_of(prepared, outputs)
        return DepthResult(depth=found.values[0], **self.fields_of(prepared, found))
