"""Relative depth of photos."""

from __future__ import annotations

from torch import Tensor

from sapiens_mm.apis.dense import DenseInferencer
from sapiens_mm.apis.inferencer import Loaded
from sapiens_mm.apis.results import DepthResult


class DepthInferencer(DenseInferencer):
    """Estimates relative depth, near 0 and far 1.

    Called with ``mask``, an array (H, W) or a file, the mask is kept in the result
    for drawing and evaluation; the depth itself is the network's, everywhere.
    Arguments: see :class:`~sapiens_mm.apis.inferencer.Inferencer`.
    """

    result_type = DepthResult

    def finish(self, loaded: Loaded, outputs: list[Tensor]) -> DepthResult:
        """Enlarge to the photo."""
        return DepthResult(
            depth=self.enlarge(outputs[0], loaded)[0],
            mask=loaded.options.get('mask'),
            **loaded.facts,
        )
