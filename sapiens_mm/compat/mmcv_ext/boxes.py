"""Box operators of ``mmcv._ext``: the suppressions and the overlaps.

Boxes are (N, 4) corners x1, y1, x2, y2. ``offset`` 1 counts the last pixel as inside:
widths are x2 - x1 + 1, as in detectors of old.
"""

from __future__ import annotations

import torch
import torchvision
from torch import Tensor

from sapiens_mm.compat.mmcv_ext.precision import single, wide


def _areas(boxes: Tensor, offset: int) -> Tensor:
    return (boxes[:, 2] - boxes[:, 0] + offset) * (boxes[:, 3] - boxes[:, 1] + offset)


def _intersections(boxes1: Tensor, boxes2: Tensor, offset: int) -> Tensor:
    """Return intersection areas; leading dimensions broadcast."""
    top_left = torch.maximum(boxes1[..., :2], boxes2[..., :2])
    bottom_right = torch.minimum(boxes1[..., 2:], boxes2[..., 2:])
    return (bottom_right - top_left + offset).clamp(min=0).prod(dim=-1)


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float, offset: int) -> Tensor:
    """Suppress boxes that overlap a better one by more than ``iou_threshold``.

    Returns:
        Indices of the boxes kept, best score first.
    """
    boxes = wide(boxes)
    if offset:  # a box one pixel wider has the same areas and overlaps without offset
        boxes = boxes + boxes.new_tensor([0, 0, offset, offset])
    return torchvision.ops.nms(boxes, wide(scores), single(iou_threshold))


def softnms(
    boxes: Tensor,
    scores: Tensor,
    dets: Tensor,
    iou_threshold: float,
    sigma: float,
    min_score: float,
    method: int,
    offset: int,
) -> Tensor:
    """Lower the scores of overlapping boxes; drop what falls below ``min_score``.

    Args:
        boxes: (N, 4), on the CPU, as all tensors here.
        scores: (N,).
        dets: (N, 5), filled from the top with boxes and their new scores.
        iou_threshold: Overlap from which methods 0 and 1 act.
        sigma: Width of the Gaussian of method 2.
        min_score: Boxes whose lowered score is less are dropped.
        method: 0 drops, 1 lowers by the overlap, 2 by a Gaussian of the overlap.
        offset: 0 or 1.

    Returns:
        Indices of the boxes kept, in the order of ``dets``.
    """
    left = torch.arange(boxes.size(0))
    boxes, scores = wide(boxes), wide(scores).clone()
    areas = _areas(boxes, offset)
    kept = []
    while left.numel():
        position = int(scores[left].argmax())
        best = left[position]
        # rows of dets are filled from the front; mmcv cuts the rest off by the count
        dets[len(kept), :4] = boxes[best]
        dets[len(kept), 4] = scores[best]
        kept.append(best)
        left = torch.cat([left[:position], left[position + 1 :]])
        overlap = _intersections(boxes[best], boxes[left], offset)
        overlap = overlap / (areas[best] + areas[left] - overlap)
        if method == 2:
            weight = torch.exp(-(overlap**2) / sigma)
        else:
            lowered = 1 - overlap if method == 1 else torch.zeros_like(overlap)
            near = overlap >= single(iou_threshold)
            weight = torch.where(near, lowered, torch.ones_like(overlap))
        scores[left] *= weight
        left = left[~(scores[left] < min_score)]
    return torch.stack(kept) if kept else left


def nms_match(dets: Tensor, iou_threshold: float) -> list[list[int]]:
    """Group boxes with the better box that suppresses them.

    Args:
        dets: (N, 5), boxes and scores, on the CPU.
        iou_threshold: Overlap from which a box is suppressed.

    Returns:
        One list of indices a group: the box kept, then the others, by score.
    """
    boxes, scores = wide(dets[:, :4]), dets[:, 4]
    areas = _areas(boxes, 0)
    left = scores.argsort(descending=True, stable=True)
    groups = []
    while left.numel():
        best, left = left[0], left[1:]
        overlap = _intersections(boxes[best], boxes[left], 0)
        overlap = overlap / (areas[best] + areas[left] - overlap)
        near = overlap >= single(iou_threshold)
        groups.append([int(best), *left[near].tolist()])
        left = left[~near]
    return groups


def bbox_overlaps(
    bboxes1: Tensor,
    bboxes2: Tensor,
    ious: Tensor,
    mode: int,
    aligned: bool,
    offset: int,
) -> None:
    """Fill ``ious`` with intersections over unions (or over foregrounds).

    Args:
        bboxes1: (M, 4).
        bboxes2: (N, 4).
        ious: Filled; (M, N), or (M,) if ``aligned``.
        mode: 0 divides by the union, 1 by the area of the first box.
        aligned: Whether box i meets box i only.
        offset: 0 or 1.
    """
    boxes1, boxes2 = wide(bboxes1), wide(bboxes2)
    areas1, areas2 = _areas(boxes1, offset), _areas(boxes2, offset)
    if not aligned:
        boxes1, areas1 = boxes1[:, None], areas1[:, None]
    overlap = _intersections(boxes1, boxes2, offset)
    base = areas1 + areas2 - overlap if mode == 0 else areas1.expand_as(overlap)
    ious.copy_(overlap / base.clamp(min=offset))
