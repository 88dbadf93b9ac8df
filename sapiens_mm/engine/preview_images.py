"""Truth and prediction of one validation sample, drawn on its image.

Samples are the hosts': mmpose's ``PoseDataSample`` and mmseg's ``SegDataSample``, with
their fields at the size of the image.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from mmengine.config import Config
from mmengine.fileio import get

from sapiens_mm.data.map_fields import GT_MAP, PRED_MAP, map_in
from sapiens_mm.images import decode_color
from sapiens_mm.visualization import (
    colorize_depth,
    colorize_normals,
    draw_keypoints,
    overlay_labels,
    side_by_side,
)
from sapiens_mm.visualization.legends import class_title
from sapiens_mm.vocabulary import keypoints_of, parts_of

_OPACITY = 0.6
_PADDING = 1.25  # of a person's box, as the models see it
_GAP = 2
_FEW = 30  # keypoints
_TITLE_CHARS = 18


@dataclass(frozen=True)
class Preview:
    """One sample.

    Attributes:
        image: Shape (H, W, 3), uint8, BGR: panels in a row, with titles.
        classes: Id -> name and BGR colour of the classes in it, but the background.
    """

    image: np.ndarray
    classes: Mapping[int, tuple[str, tuple[int, int, int]]] = field(
        default_factory=dict
    )


def draw_preview(
    sample: Any, config: Config, metainfo: Mapping[str, Any], height: int
) -> Preview:
    """Draw one sample.

    Args:
        sample: After a validation step, with its predictions, ``img_path`` and, where
            the data set has them, labels.
        config: Of the run, for names, links and colours.
        metainfo: Of the data set, for what the config does not say.
        height: Of the panels, pixels.

    Returns:
        The drawing.

    Raises:
        ValueError: If there is no way to draw such a sample, or no image.
    """
    image = _read_image(sample.img_path)
    classes = {}
    if 'pred_sem_seg' in sample:
        panels, classes = _labels(image, sample, config, metainfo, height)
    elif map_in(sample, PRED_MAP) is not None:
        panels = _maps(image, sample, height)
    elif 'pred_instances' in sample and 'keypoints' in sample.pred_instances:
        panels = _keypoints(image, sample, config, metainfo, height)
    else:
        raise ValueError(
            f'{type(sample).__name__} with {", ".join(sample.keys())} is neither pose, '
            'parts, depth nor normals'
        )
    titles = _titles(sample, panels)
    return Preview(side_by_side(list(panels.values()), titles, gap=_GAP), classes)


def _read_image(path: str) -> np.ndarray:
    return decode_color(get(path), path)


def _titles(sample: Any, panels: Mapping[str, np.ndarray]) -> list[str]:
    """Name the panels, the first one by its file."""
    name = os.path.basename(sample.img_path)
    if len(name) > _TITLE_CHARS:
        name = f'..{name[2 - _TITLE_CHARS :]}'
    first, *others = panels
    return [f'{name}: {first}' if first != 'photo' else name, *others]


def _keypoints(
    image: np.ndarray,
    sample: Any,
    config: Config,
    metainfo: Mapping[str, Any],
    height: int,
) -> dict[str, np.ndarray]:
    """Draw skeletons on what the image shows of the sample's people."""
    found, truth = sample.pred_instances, sample.get('gt_instances')
    boxes = truth if truth is not None and 'bboxes' in truth else found
    crop, low, scale = _crop(image, _array(boxes.bboxes), height)
    table = keypoints_of(config, _array(found.keypoints).shape[1], metainfo)
    sizes = {}
    if table.num_keypoints <= _FEW:  # panels are small; faces have no room for discs
        sizes = dict(radius=max(2.0, height / 90), thickness=max(1, height // 110))

    def draw(points: Any, scores: Any, threshold: float) -> np.ndarray:
        # centres of pixels are whole numbers
        moved = (_array(points) - low + 0.5) * scale - 0.5
        marks = np.reshape(_array(scores), (*moved.shape[:2], -1))[..., 0]
        return draw_keypoints(
            crop, moved, marks, table, score_threshold=threshold, **sizes
        )

    panels = {}
    if truth is not None and 'keypoints' in truth and 'keypoints_visible' in truth:
        visible = _array(truth.keypoints_visible)
        same = visible.shape[1] == table.num_keypoints  # not where some are in common
        if same and (visible > 0).any():  # people of a detector have none
            panels['truth'] = draw(truth.keypoints, visible, 1e-6)
    scores = found.keypoint_scores
    panels['prediction'] = draw(found.keypoints, scores, _threshold(_array(scores)))
    return panels


def _threshold(scores: np.ndarray) -> float:
    """Return 0.3, as the demos take it; less where a young model is sure of nothing."""
    return min(0.3, 0.5 * float(scores.max(initial=0)))


def _crop(
    image: np.ndarray, boxes_xyxy: np.ndarray, height: int
) -> tuple[np.ndarray, np.ndarray, float]:
    """Cut out boxes (P, 4) with some room, and bring them to a height.

    Returns:
        The image; its top left corner (x, y) in the image; its scale.
    """
    low, high = boxes_xyxy[:, :2].min(0), boxes_xyxy[:, 2:].max(0)
    middle, half = (low + high) / 2, (high - low) / 2 * _PADDING
    size = np.array(image.shape[1::-1])
    first = np.clip(np.floor(middle - half), 0, size - 1).astype(int)
    last = np.clip(np.ceil(middle + half), first + 1, size).astype(int)
    part = image[first[1] : last[1], first[0] : last[0]]
    # a person lying down would make the row of panels very wide
    scale = min(height / len(part), 1.5 * height / part.shape[1])
    return _to_scale(part, scale), first, scale


def _labels(
    image: np.ndarray,
    sample: Any,
    config: Config,
    metainfo: Mapping[str, Any],
    height: int,
) -> tuple[dict[str, np.ndarray], dict[int, tuple[str, tuple[int, int, int]]]]:
    """Lay classes over the image, and name those that occur."""
    image = _to_height(image, height)
    table = parts_of(config, len(metainfo['classes']), metainfo)
    panels, seen = {}, set()
    for title, name in (('truth', 'gt_sem_seg'), ('prediction', 'pred_sem_seg')):
        if name in sample:
            labels = _array(sample.get(name).data)[0].astype(np.uint8)
            labels = _to_shape(labels, image)
            panels[title] = overlay_labels(image, labels, table, _OPACITY)
            seen |= set(np.unique(labels).tolist())
    found = sorted(seen & set(range(1, table.num_classes)))
    return panels, {
        c: (class_title(table.classes[c]), table.palette[c][::-1]) for c in found
    }


def _maps(image: np.ndarray, sample: Any, height: int) -> dict[str, np.ndarray]:
    """Show depth or normals in colours, on people where they are known."""
    image = _to_height(image, height)
    mask = None
    if 'gt_mask' in sample:
        mask = _to_shape(_array(sample.gt_mask.data)[0], image)
    panels = {'photo': image}
    for title, name in (('truth', GT_MAP), ('prediction', PRED_MAP)):
        found = map_in(sample, name)
        if found is None:
            continue
        values = _array(found).transpose(1, 2, 0)
        values = _to_shape(values.astype(np.float32), image)
        if values.ndim == 2:
            panels[title] = colorize_depth(values, mask)
        else:
            # a network's answer is not quite of length 1
            length = np.linalg.norm(values, axis=2, keepdims=True)
            panels[title] = colorize_normals(values / length.clip(1e-6), mask)
    return panels


def _array(values: Any) -> np.ndarray:
    """Return a tensor of any device, or what is like an array, as an array."""
    if hasattr(values, 'detach'):
        # numpy has no bfloat16
        values = values.detach().cpu().float().numpy()
    return np.asarray(values)


def _to_height(image: np.ndarray, height: int) -> np.ndarray:
    return _to_scale(image, height / len(image))


def _to_scale(image: np.ndarray, scale: float) -> np.ndarray:
    height, width = (max(1, round(scale * side)) for side in image.shape[:2])
    # area averages what is reduced; linear would leave out pixels
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.resize(image, (width, height), interpolation=method)  # (W, H)


def _to_shape(values: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Bring labels or a map to the size of an image, without mixing values."""
    size = image.shape[1::-1]  # (W, H)
    return cv2.resize(values, size, interpolation=cv2.INTER_NEAREST)
