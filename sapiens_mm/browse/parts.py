"""Part labels: the image as it was read, and the input that became of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from sapiens_mm.browse.drawing import Drawing, Kind, leaves, to_height
from sapiens_mm.tables import PartTable, part_table_from_metainfo
from sapiens_mm.visualization import overlay_labels, side_by_side

OPACITY = 0.6
NO_LABEL, NO_LABEL_GREY = 255, 220


@dataclass(frozen=True)
class PartDrawing(Drawing):
    """An image with its parts.

    Attributes:
        pixels: Shape (256,), how many pixels of the input have each label.
    """

    pixels: np.ndarray


def draw_parts(image_bgr: np.ndarray, sample: Any, dataset: Any) -> PartDrawing:
    """Draw image, labels on it with a legend, input, labels on that.

    Pixels of no label are light grey, those of the background as they are.

    Args:
        image_bgr: Shape (H, W, 3), uint8: the model's input.
        sample: A ``SegDataSample`` with ``gt_sem_seg``, and the paths of its files.
        dataset: It came from this one, or from one that this one wraps.
    """
    height, width = image_bgr.shape[:2]
    leaf = leaf_of(sample, dataset)
    table = part_table_from_metainfo(leaf.metainfo)
    image, image_labels = load_again(sample, leaf)
    image = to_height(image, height)
    image_labels = resize_labels(image_labels, image.shape[:2])
    target = sample.gt_sem_seg.data[0].numpy().astype(np.uint8)
    labels = resize_labels(target, (height, width))  # test pipelines keep its size
    image = side_by_side(
        [
            image,
            overlay(image, image_labels, table, legend=True),
            image_bgr,
            overlay(image_bgr, labels, table),
        ],
        gap=4,
    )
    pixels = np.bincount(target.ravel(), minlength=256)
    name = os.path.basename(sample.img_path)
    classes = np.count_nonzero(pixels[: len(table.classes)])
    caption = f'{name}: {classes} classes'
    if sample.get('flip'):
        caption += ', flipped'
    return PartDrawing(image, caption, pixels)


def leaf_of(sample: Any, dataset: Any) -> Any:
    """Return the data set that a sample came from, by the folder of its labels."""
    found = list(leaves(dataset))
    for leaf in found:
        folder = os.path.normpath(leaf.data_prefix['seg_map_path'])
        path = os.path.normpath(sample.seg_map_path)
        if os.path.commonpath([folder, path]) == folder:
            return leaf
    return found[0]


def load_again(sample: Any, dataset: Any) -> tuple[np.ndarray, np.ndarray]:
    """Read image (H, W, 3) and labels (H, W), as the pipeline does, before the rest."""
    results = dict(
        img_path=sample.img_path,
        seg_map_path=sample.seg_map_path,
        seg_fields=[],
        label_map=dataset.label_map,
        reduce_zero_label=dataset.reduce_zero_label,
        num_classes=len(dataset.metainfo['classes']),
    )
    for step in dataset.pipeline.transforms:
        if 'Load' in type(step).__name__:
            results = step(results)
    return results['img'], results['gt_seg_map']


def resize_labels(labels: np.ndarray, hw: tuple[int, int]) -> np.ndarray:
    """Bring labels to a size, (H, W), without mixing them."""
    return cv2.resize(labels, hw[::-1], interpolation=cv2.INTER_NEAREST)  # (W, H)


def overlay(
    image_bgr: np.ndarray, labels: np.ndarray, table: PartTable, legend: bool = False
) -> np.ndarray:
    """Tint parts in their colours, and pixels without a label light grey."""
    grey = np.full_like(image_bgr, NO_LABEL_GREY)
    faded = cv2.addWeighted(image_bgr, 1 - OPACITY, grey, OPACITY, 0)
    base = np.where((labels == NO_LABEL)[..., None], faded, image_bgr)
    return overlay_labels(base, labels, table, opacity=OPACITY, legend=legend)


def summarize(drawings: Sequence[PartDrawing], dataset: Any) -> str:
    """Say which share of the labelled area of the inputs each class has."""
    classes = next(leaves(dataset)).metainfo['classes']
    pixels = np.sum([drawing.pixels for drawing in drawings], axis=0)
    labelled = max(1, pixels[:NO_LABEL].sum())
    shares = [
        f'{name} {100 * count / labelled:.2f}'
        for name, count in zip(classes, pixels, strict=False)
        if count
    ]
    absent = [n for n, count in zip(classes, pixels, strict=False) if not count]
    lines = [f'percent of the labelled area: {", ".join(shares)}']
    if absent:
        lines.append(f'absent: {", ".join(absent)}')
    lines.append(f'{100 * pixels[NO_LABEL] / pixels.sum():.2f} % without a label')
    return '\n'.join(lines)


PARTS = Kind(draw_parts, summarize)
