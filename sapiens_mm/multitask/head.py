"""The heads of several tasks on one encoder."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from mmengine.model import BaseModule, ModuleDict
from mmpose.structures import PoseDataSample
from torch import Tensor

from sapiens_mm.data.map_fields import GT_MAP
from sapiens_mm.registry import MODELS

TARGETS = {
    'seg': ('gt_sem_seg', 'gt_sem_seg'),
    'depth': ('gt_depth', GT_MAP),
    'normal': ('gt_normal', GT_MAP),
}
"""Tasks of maps: the target in a sample, and where the task's own head looks for it."""


@MODELS.register_module()
class SapiensMultitaskHead(BaseModule):
    """Pose with any of parts, depth and normals, trained in one pass of the encoder.

    A head of mmpose's ``TopdownPoseEstimator``: with samples of
    :class:`~sapiens_mm.multitask.SapiensPackMultitask` its loss is the sum of those of
    its heads, each named ``task.loss``. Predictions are the keypoints, so the ordinary
    evaluation of pose runs. ``sapiens convert split`` makes one checkpoint a task,
    each with the encoder. No host trains heads of different hosts.

    Args:
        pose: Config of a heatmap head.
        seg: Config of a head of parts, or None.
        depth: Of relative depth, or None.
        normal: Of normals, or None.
    """

    def __init__(
        self,
        pose: Mapping[str, Any],
        seg: Mapping[str, Any] | None = None,
        depth: Mapping[str, Any] | None = None,
        normal: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        given = dict(pose=pose, seg=seg, depth=depth, normal=normal)
        self.heads = ModuleDict(
            {task: MODELS.build(dict(cfg)) for task, cfg in given.items() if cfg}
        )

    def forward(self, feats: tuple[Tensor, ...]) -> dict[str, Tensor]:
        """Return heatmaps, logits and raw maps by task, (B, C, h, w) each, float32."""
        return {task: head(feats) for task, head in self.heads.items()}

    def loss(
        self,
        feats: tuple[Tensor, ...],
        batch_data_samples: list[PoseDataSample],
        train_cfg: Mapping[str, Any] | None = None,
    ) -> dict[str, Tensor]:
        """Compute the losses of all heads.

        Args:
            feats: Feature maps of the encoder.
            batch_data_samples: With heatmaps, ``gt_sem_seg``, ``gt_depth`` and
                ``gt_normal``.
            train_cfg: Of the pose head.

        Returns:
            Losses and accuracies by ``task.name``.
        """
        found = {}
        for task, head in self.heads.items():
            if task == 'pose':
                losses = head.loss(feats, batch_data_samples, train_cfg or {})
            else:
                source, name = TARGETS[task]
                # heads of single tasks look for their target under another name
                samples = [
                    SimpleNamespace(**{name: sample.get(source)})
                    for sample in batch_data_samples
                ]
                losses = head.loss_by_feat(head.forward(feats), samples)
            # mmengine sums what has 'loss' in its name, also behind the task
            found.update({f'{task}.{name}': value for name, value in losses.items()})
        return found

    def predict(
        self, feats: Any, batch_data_samples: list, test_cfg: Mapping | None = None
    ) -> Any:
        """Predict keypoints, as the pose head does."""
        return self.heads['pose'].predict(feats, batch_data_samples, test_cfg or {})
