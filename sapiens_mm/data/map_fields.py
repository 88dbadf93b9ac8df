"""Fields of data samples that carry maps, and what mmseg calls those of depth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

GT_MAP = 'gt_map'
PRED_MAP = 'pred_map'
HOST_FIELDS = {GT_MAP: 'gt_depth_map', PRED_MAP: 'pred_depth_map'}
"""mmseg's ``PackSegInputs`` and ``DepthEstimator`` write these, its ``DepthMetric``,
visualizer and inferencer read them: a head of ours in a model of the host's meets
them."""


def map_in(sample: Any, field: str) -> Tensor | None:
    """Return a map of a sample, under our name or else under the host's.

    Args:
        sample: A data sample, a dict of one, or any object with such attributes.
        field: ``'gt_map'`` or ``'pred_map'``.

    Returns:
        Shape (C, H, W), or None if the sample has no such map.
    """
    for name in (field, HOST_FIELDS[field]):
        if isinstance(sample, Mapping):
            if name in sample:
                return sample[name]['data']
        elif hasattr(sample, name):
            return getattr(sample, name).data
    return None
