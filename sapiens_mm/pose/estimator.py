"""The host's top-down estimator with the flip test in one batch."""

from __future__ import annotations

import torch
from mmpose.models.pose_estimators import TopdownPoseEstimator
from mmpose.structures import PoseDataSample
from torch import Tensor

from sapiens_mm.registry import MODELS


@MODELS.register_module()
class SapiensTopdownEstimator(TopdownPoseEstimator):
    """Top-down pose estimator; arguments and results are the host's.

    With ``test_cfg.flip_test`` mmpose runs the backbone twice, one image batch after
    its mirror; here both go through together, which fills a GPU at small batches. No
    config can ask for that. It needs the memory of twice the batch.
    """

    def predict(
        self, inputs: Tensor, data_samples: list[PoseDataSample]
    ) -> list[PoseDataSample]:
        """Predict keypoints.

        Args:
            inputs: Shape (B, 3, H, W), normalised.
            data_samples: B samples with the geometry of their crops.

        Returns:
            The samples, with ``pred_instances`` in pixels of the image.
        """
        if not (self.test_cfg or {}).get('flip_test', False):
            return super().predict(inputs, data_samples)
        both = self.extract_feat(torch.cat([inputs, inputs.flip(-1)]))
        count = len(inputs)
        # mmpose's heads take a list of two for a flip test
        feats = [tuple(f[:count] for f in both), tuple(f[count:] for f in both)]
        found = self.head.predict(feats, data_samples, test_cfg=self.test_cfg)
        # a pair with test_cfg.output_heatmaps
        instances, fields = found if isinstance(found, tuple) else (found, None)
        return self.add_pred_to_datasample(instances, fields, data_samples)
