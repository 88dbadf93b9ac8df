"""Surface normals of images."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from sapiens_mm.apis.maps import MapInferencer, PreparedMap
from sapiens_mm.apis.results import NormalResult
from sapiens_mm.apis.tiling import Tile
from sapiens_mm.layers.mirror import NORMAL_SIGNS, turn_signs


class NormalInferencer(MapInferencer):
    """Estimates surface normals as unit vectors (x, y, z).

    They are the network's, everywhere; those of tiles are made unit length before
    they are blended and after.
    """

    result_type = NormalResult
    task = 'normal'

    def unflip(self, maps: Tensor) -> Tensor:
        """Turn x of normals (B, 3, h, w) round."""
        return turn_signs(maps, NORMAL_SIGNS['horizontal'])

    def refine(self, values: np.ndarray) -> np.ndarray:
        """Normalise (3, H, W): n / (|n| + 1e-5)."""
        # 1e-5 is the official demos' own
        values /= np.linalg.norm(values, axis=0, keepdims=True) + 1e-5
        return values

    def fit_tile(
        self,
        values: np.ndarray,
        whole: np.ndarray,
        tile: Tile,
        mask: np.ndarray | None,
    ) -> np.ndarray:
        """Take normals as they are: directions need no scale."""
        return values

    def finish(self, prepared: PreparedMap, outputs: list[Tensor]) -> NormalResult:
        """Enlarge to the image, then normalise."""
        found = self.map_of(prepared, outputs)
        normals = np.ascontiguousarray(found.values.transpose(1, 2, 0))
        return NormalResult(normals=normals, **self.fields_of(prepared, found))
