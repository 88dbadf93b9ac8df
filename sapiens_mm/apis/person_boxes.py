"""Boxes of persons from mmdet, from the caller, or the whole image."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate

from sapiens_mm import hosts
from sapiens_mm.apis.build import (
    build_model,
    build_pipeline,
    load_config,
    pick_device,
)
from sapiens_mm.apis.images import read_image
from sapiens_mm.checkpoints import bundled_for

DETECTOR_CONFIG = 'det/rtmdet_m_person-640x640'
DETECTOR_CHECKPOINT = 'rtmdet_m_8xb32-100e_coco-obj365-person-235e8209'

Detections = tuple[np.ndarray, np.ndarray]


def whole_image_box(image_hw: tuple[int, int]) -> np.ndarray:
    """Return the box (1, 4) of all pixels, x1 y1 x2 y2."""
    height, width = image_hw
    return np.array([[0, 0, width, height]], np.float32)


def check_boxes(boxes: object, image_hw: tuple[int, int]) -> np.ndarray:
    """Return the caller's boxes as an array, or say what is wrong with them.

    Boxes may reach over the edge of the image; that part is seen as black.

    Args:
        boxes: Shape (P, 4), x1 y1 x2 y2 in pixels; P may be 0.
        image_hw: Size of the image, (H, W).

    Returns:
        Shape (P, 4), float32.

    Raises:
        ValueError: On another shape, values that are not finite, boxes without
            area and boxes wholly outside the image.
    """
    try:
        array = np.asarray(boxes, np.float32)
    except (TypeError, ValueError):
        raise ValueError(
            f'boxes must be numbers of shape (P, 4), got {boxes!r}'
        ) from None
    if array.size == 0:
        return np.zeros((0, 4), np.float32)
    if array.ndim == 1 and len(array) == 4:
        array = array[None]
    if array.ndim != 2 or array.shape[1] != 4:
        raise ValueError(
            'boxes must have shape (P, 4), x1 y1 x2 y2 in pixels, got shape '
            f'{array.shape}'
        )
    height, width = image_hw
    for index, (x1, y1, x2, y2) in enumerate(array):
        box = f'Box {index} ({x1:g}, {y1:g}, {x2:g}, {y2:g})'
        if not np.isfinite([x1, y1, x2, y2]).all():
            raise ValueError(f'{box} is not finite')
        if x2 <= x1 or y2 <= y1:
            raise ValueError(f'{box} has no area, expected x1 < x2 and y1 < y2')
        if x1 >= width or y1 >= height or x2 <= 0 or y2 <= 0:
            raise ValueError(f'{box} lies outside the image of {width} x {height}')
    return array


def greedy_nms(
    boxes: np.ndarray, scores: np.ndarray, iou_threshold: float
) -> np.ndarray:
    """Non-maximum suppression with the one-pixel areas of the official demos.

    Args:
        boxes: Shape (P, 4), x1 y1 x2 y2 in pixels; sides count as x2 - x1 + 1.
        scores: Shape (P,).
        iou_threshold: Boxes that overlap a better one by more than this go.

    Returns:
        Indices of the boxes kept, best first.
    """
    x1, y1, x2, y2 = boxes.T
    areas = (x2 - x1 + 1) * (y2 - y1 + 1)
    order = scores.argsort(kind='stable')[::-1]
    keep = []
    while order.size:
        best, rest = order[0], order[1:]
        keep.append(best)
        wide = np.minimum(x2[best], x2[rest]) - np.maximum(x1[best], x1[rest]) + 1
        high = np.minimum(y2[best], y2[rest]) - np.maximum(y1[best], y1[rest]) + 1
        inter = wide.clip(min=0) * high.clip(min=0)
        order = rest[inter / (areas[best] + areas[rest] - inter) <= iou_threshold]
    return np.array(keep, int)


class PersonDetector:
    """Persons by an mmdet model: RTMDet-m of the RTMPose project by default.

    Images go in as BGR, as that model was trained.

    Args:
        config: A detection config of ours by name, a path, or a ``Config``.
        checkpoint: Its weights; None takes the released file of the zoo.
        device: None takes the GPU if there is one.
        score_threshold: Boxes with less are dropped.
        iou_threshold: Of the suppression among what is left.
        category: Class id of persons.
    """

    def __init__(
        self,
        config: str | Path | Config = DETECTOR_CONFIG,
        checkpoint: str | Path | None = None,
        device: str | torch.device | None = None,
        score_threshold: float = 0.3,
        iou_threshold: float = 0.3,
        category: int = 0,
    ) -> None:
        hosts.require('mmdet')
        import mmdet.datasets.transforms  # noqa: F401  fills the registry

        self.config = load_config(config)
        self.score_threshold = score_threshold
        self.iou_threshold = iou_threshold
        self.category = category
        self.model = build_model(
            self.config,
            checkpoint or DETECTOR_CHECKPOINT,
            pick_device(device),
            torch.float32,
            tied=True,  # its levels share convolutions
        )
        self.pipeline = build_pipeline(self.config)

    def __call__(self, image: str | Path | np.ndarray) -> Detections:
        """Find persons.

        Args:
            image: Path, or uint8 BGR array (H, W, 3).

        Returns:
            Boxes (P, 4) float32, x1 y1 x2 y2 in pixels, and scores (P,), best
            first.
        """
        image = read_image(image)
        shape = image.shape[:2]
        fields = dict(img_id=0, img_path=None, img_shape=shape, ori_shape=shape)
        data = pseudo_collate([self.pipeline(dict(img=image, **fields))])
        with torch.inference_mode():
            found = self.model.test_step(data)[0].pred_instances
        boxes = found.bboxes.float().cpu().numpy()
        scores = found.scores.float().cpu().numpy()
        mine = (found.labels.cpu().numpy() == self.category) & (
            scores > self.score_threshold
        )
        boxes, scores = boxes[mine], scores[mine]
        keep = greedy_nms(boxes, scores, self.iou_threshold)
        return boxes[keep], scores[keep]


Detector = Callable[[np.ndarray], object]


def make_detector(
    detector: str | Path | Detector | None, device: torch.device
) -> Detector | None:
    """Turn what users pass as ``detector`` into a callable.

    Args:
        detector: None; ``'rtmdet'`` for the released person detector; ``'tiny'`` for
            the small one of the package; the path of a checkpoint of the released
            one; or any callable that takes a BGR image and returns
            boxes (P, 4), boxes with scores (P, 5), or both as a pair.
        device: Where a model of ours goes.

    Raises:
        ValueError: If it is none of these.
    """
    if detector is None or callable(detector):
        return detector
    if detector == 'rtmdet':
        return PersonDetector(device=device)
    if detector == 'tiny':
        own = bundled_for('det')
        return PersonDetector(own.config, own.path, device)
    if isinstance(detector, (str, Path)):
        return PersonDetector(checkpoint=detector, device=device)
    raise ValueError(
        "detector must be None, 'rtmdet', 'tiny', the path of an RTMDet-m checkpoint "
        f'or a callable, got {detector!r}'
    )


def call_detector(detector: Detector, image: np.ndarray) -> Detections:
    """Call a detector and bring its answer into one form.

    Returns:
        Boxes (P, 4) float32 and scores (P,) float32; scores are 1 where the
        detector gives none. Boxes without area inside the image are left out.

    Raises:
        ValueError: If it answers with another shape.
    """
    answer = detector(image)
    pair = isinstance(answer, tuple) and len(answer) == 2
    try:
        parts = [
            np.asarray(part, np.float32) for part in (answer if pair else [answer])
        ]
    except (TypeError, ValueError):
        # made to fail the check below, in its words
        parts = [np.zeros(0)] * 3
    boxes = parts[0]
    if boxes.size == 0 and answer is not None:
        boxes = np.zeros((0, 4), np.float32)
    if len(parts) > 2 or boxes.ndim != 2 or boxes.shape[1] not in (4, 5):
        raise ValueError(
            'The detector must return boxes of shape (P, 4) or (P, 5), or these and '
            f'scores (P,) as a pair, got {answer!r:.100}'
        )
    scores = boxes[:, 4] if boxes.shape[1] == 5 else np.ones(len(boxes))
    boxes = boxes[:, :4]
    if pair:
        scores = parts[1].reshape(-1)
    if len(boxes) != len(scores):
        raise ValueError(
            f'The detector returned {len(boxes)} boxes and {len(scores)} scores'
        )
    height, width = image.shape[:2]
    # clipped only to judge: boxes may reach over the edge
    inside = boxes.clip(0, [width, height, width, height])
    good = np.isfinite(boxes).all(1) & ((inside[:, 2:] - inside[:, :2]) > 0).all(1)
    return boxes[good].astype(np.float32), np.asarray(scores, np.float32)[good]


class PersonBoxes(NamedTuple):
    """The boxes of an image, under the names of the fields that results have.

    Attributes:
        boxes: (P, 4) float32, x1 y1 x2 y2 in pixels.
        box_scores: (P,) float32: 1 but for the detector's; 0 where it finds nobody and
            the whole image is taken.
        boxes_from: ``'caller'``, ``'detector'`` or ``'image'``.
    """

    boxes: np.ndarray
    box_scores: np.ndarray
    boxes_from: str


def choose_boxes(
    given: object, detector: Detector | None, image: np.ndarray
) -> PersonBoxes:
    """Take the caller's boxes, else the detector's, else the whole image.

    Args:
        given: What the caller gave for this image, or None.
        detector: As ``make_detector`` returns it.
        image: Shape (H, W, 3), uint8, BGR.

    Raises:
        ValueError: If the caller's boxes, or the detector's answer, are wrong.
    """
    if given is not None:
        boxes = check_boxes(given, image.shape[:2])
        return PersonBoxes(boxes, np.ones(len(boxes), np.float32), 'caller')
    whole = whole_image_box(image.shape[:2])
    if detector is None:
        return PersonBoxes(whole, np.ones(1, np.float32), 'image')
    boxes, scores = call_detector(detector, image)
    if not len(boxes):
        # score 0 tells users that no detector has seen it
        return PersonBoxes(whole, np.zeros(1, np.float32), 'image')
    return PersonBoxes(boxes, scores, 'detector')
