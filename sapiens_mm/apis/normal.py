"""Surface normals of photos."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from sapiens_mm.apis.inferencer import Loaded
from sapiens_mm.apis.maps import MapInferencer
from sapiens_mm.apis.results import NormalResult
from sapiens_mm.apis.tiling import Tile


class NormalInferencer(MapInferencer):
    """Estimates surface normals as unit vectors (x, y, z).

    They are the network's, everywhere; those of tiles are made unit length before
    they are blended and after. Arguments:
    see :class:`~sapiens_mm.apis.maps.MapInferencer`.
    """

    result_type = NormalResult
    task = 'normal'

    def unflip(self, maps: Tensor) -> Tensor:
        """Turn x of normals (B, 3, h, w) round."""
        return maps * maps.new_tensor([-1.0, 1.0, 1.0])[:, None, None]

    def refine(self, values: np.ndarray) -> np.ndarray:
        """Normalise (3, H, W): n / (|n| + 1e-5)."""
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

    def finish(self, loaded: Loaded, outputs: list[Tensor]) -> NormalResult:
        """Enlarge to the photo, then normalise."""
        normals = self.map_of(loaded, outputs).transpose(1, 2, 0)
        return NormalResult(
            normals=np.ascontiguousarray(normals), **self.facts_of(loaded)
        )
