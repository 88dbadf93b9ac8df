"""Surface normals of photos."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from sapiens_mm.apis.dense import DenseInferencer
from sapiens_mm.apis.inferencer import Loaded
from sapiens_mm.apis.results import NormalResult


class NormalInferencer(DenseInferencer):
    """Estimates surface normals as unit vectors (x, y, z).

    Called with ``mask``, an array (H, W) or a file, the mask is kept in the result
    for drawing and evaluation; the normals themselves are the network's,
    everywhere. Arguments: see :class:`~sapiens_mm.apis.inferencer.Inferencer`.
    """

    result_type = NormalResult

    def unflip(self, maps: Tensor) -> Tensor:
        """Turn x of normals (B, 3, h, w) round."""
        return maps * maps.new_tensor([-1.0, 1.0, 1.0])[:, None, None]

    def finish(self, loaded: Loaded, outputs: list[Tensor]) -> NormalResult:
        """Enlarge to the photo, then normalise: n / (|n| + 1e-5)."""
        normals = self.enlarge(outputs[0], loaded)
        normals /= np.linalg.norm(normals, axis=0, keepdims=True) + 1e-5
        return NormalResult(
            normals=np.ascontiguousarray(normals.transpose(1, 2, 0)),
            mask=loaded.options.get('mask'),
            **loaded.facts,
        )
