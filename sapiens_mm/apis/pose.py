"""2-D keypoints of the persons in images."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.dataset import pseudo_collate

from sapiens_mm.apis.build import build_pipeline
from sapiens_mm.apis.inferencer import Inferencer
from sapiens_mm.apis.person_boxes import (
    Detector,
    PersonBoxes,
    choose_boxes,
    make_detector,
)
from sapiens_mm.apis.results import PoseResult
from sapiens_mm.apis.stages import Loaded, Prepared
from sapiens_mm.vocabulary import keypoints_of


@dataclasses.dataclass(frozen=True, eq=False)
class PreparedPose(Prepared):
    """An image and its crops, one sample a person.

    Attributes:
        people: Whose crops they are.
    """

    people: PersonBoxes


class PoseInferencer(Inferencer):
    """Finds the keypoints of each person, top down: 17, 133, 308 or one's own.

    Boxes come from the caller (``pose(image, boxes=…)``), else from the detector,
    else the whole image is the box. Where the detector finds nobody the whole image
    is taken too, with box score 0.

    Args:
        batch_size: Persons at once; None takes 8 on a GPU, else 1.
        detector: None; ``'rtmdet'``; the path of an RTMDet-m checkpoint; or a
            callable from a BGR image to boxes (P, 4), with scores if it has them.
    """

    result_type = PoseResult
    task = 'pose'
    per_image = ('boxes',)

    def __init__(
        self,
        config: str | Path | Config | None = None,
        checkpoint: str | Path | None = None,
        *,
        detector: str | Path | Detector | None = None,
        **options: Any,
    ) -> None:
        super().__init__(config, checkpoint, **options)
        import mmpose.datasets.transforms  # noqa: F401  fills the registry

        self.table = keypoints_of(
            self.config, self.model.head.out_channels, self.dataset_meta
        )
        self.check_flip(self.table)
        # the host reads this at every call
        self.model.test_cfg = dict(self.model.test_cfg or {}, flip_test=self.flip_test)
        self.pipeline = build_pipeline(self.config)
        self.detector = make_detector(detector, self.device)

    def __call__(
        self, inputs: object, boxes: object = None
    ) -> PoseResult | list[PoseResult]:
        """Find keypoints in one image, or in several.

        Args:
            inputs: See :class:`~sapiens_mm.apis.inferencer.Inferencer`.
            boxes: Shape (P, 4), x1 y1 x2 y2 in pixels; for several images a list
                of these, None where the detector shall look.

        Returns:
            One result, or a list.
        """
        return super().__call__(inputs, boxes=boxes)

    def run(
        self, inputs: object, progress: bool = False, boxes: object = None
    ) -> Iterator[PoseResult]:
        """Stream results; ``boxes`` is a list with one entry an image, or None."""
        return super().run(inputs, progress, boxes=boxes)

    def prepare(self, loaded: Loaded) -> PreparedPose:
        """Find the boxes and cut a crop for each with the config's pipeline."""
        shape = loaded.image.shape[:2]
        people = choose_boxes(loaded.options.get('boxes'), self.detector, loaded.image)
        samples = [
            self.pipeline(
                dict(
                    img=loaded.image,
                    img_path=str(loaded.source),
                    img_shape=shape,
                    ori_shape=shape,
                    bbox=box[None],
                    bbox_score=np.array([score], np.float32),
                    flip_indices=list(self.table.flip_indices),
                )
            )
            for box, score in zip(people.boxes, people.box_scores, strict=True)
        ]
        return PreparedPose(loaded, samples, people)

    def predict(self, samples: list[Any]) -> list[Any]:
        """Return the predicted instance of each crop; None if it is not finite."""
        data = self.model.data_preprocessor(pseudo_collate(samples), False)
        found = self.model.predict(data['inputs'], data['data_samples'])
        instances = [sample.pred_instances for sample in found]
        return [
            each
            if np.isfinite(each.keypoints).all()
            and np.isfinite(each.keypoint_scores).all()
            else None
            for each in instances
        ]

    def finish(self, prepared: PreparedPose, outputs: list[Any]) -> PoseResult:
        """Collect the persons of one image."""
        count = self.table.num_keypoints
        keypoints = np.zeros((len(outputs), count, 2), np.float32)
        scores = np.zeros((len(outputs), count), np.float32)
        for index, found in enumerate(outputs):
            keypoints[index] = found.keypoints[0, :, :2]
            scores[index] = found.keypoint_scores[0]
        return PoseResult(
            keypoints=keypoints,
            scores=scores,
            table=self.table,
            **prepared.people._asdict(),
            **prepared.fields,
        )
