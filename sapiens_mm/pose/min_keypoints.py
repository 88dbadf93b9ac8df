"""Replace training samples that show too little of a person."""

from __future__ import annotations

from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from sapiens_mm.registry import TRANSFORMS


@TRANSFORMS.register_module()
class SapiensMinKeypoints(BaseTransform):
    """Reject a sample whose target has too few keypoints; another is drawn.

    Goes between ``GenerateTarget`` and ``PackPoseInputs``, in training only. The host's
    ``FilterAnnotations`` counts labelled keypoints before the crop; here those count
    that the loss will see, after crop and rotation.

    The data set draws the other sample, with numpy's random numbers: mmengine seeds
    these in every worker from ``randomness.seed``, so a run can be repeated. mmpose's
    plain data sets and its ``CombinedDataset``, and mmengine's ``ConcatDataset`` of
    plain ones, all do; they give up after 1000 rejections in a row.

    Args:
        min_keypoints: Samples with fewer keypoints of non-zero weight are rejected.
            None takes a quarter of the K that there are, rounded down, from 1 to 8:
            4 of COCO's 17, 8 of COCO-WholeBody's 133 and of Goliath's 308, which are
            the numbers that Sapiens was trained with, and 1 of 6, 5 of 21.

    Raises:
        ValueError: If ``min_keypoints`` is neither None nor a positive integer.
    """

    def __init__(self, min_keypoints: int | None = None) -> None:
        if min_keypoints is not None and (
            type(min_keypoints) is not int or min_keypoints < 1
        ):
            raise ValueError(
                'min_keypoints must be a positive integer or None, not '
                f'{min_keypoints!r}'
            )
        self.min_keypoints = min_keypoints

    def transform(self, results: dict[str, Any]) -> dict[str, Any] | None:
        """Return the sample, or None for one with too few keypoints.

        Args:
            results: Of the pipeline so far, with ``keypoint_weights`` (1, K), or a
                list of these from several encoders.

        Raises:
            ValueError: If there are no weights yet.
        """
        weights = results.get('keypoint_weights')
        if weights is None:
            raise ValueError(
                'SapiensMinKeypoints found no keypoint_weights; it belongs after '
                'GenerateTarget'
            )
        if isinstance(weights, list):
            weights = weights[0]
        least = self.min_keypoints or usual_minimum(np.shape(weights)[-1])
        return results if np.count_nonzero(weights) >= least else None

    def __repr__(self) -> str:
        return f'{type(self).__name__}(min_keypoints={self.min_keypoints})'


def usual_minimum(num_keypoints: int) -> int:
    """Return how many of K keypoints a sample must show if nobody says.

    Args:
        num_keypoints: K.

    Returns:
        A quarter of them, rounded down, but from 1 to 8.
    """
    return max(1, min(8, num_keypoints // 4))
