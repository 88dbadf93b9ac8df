"""Depth and normals: the map as it was read, the target it became, and a sphere.

mmseg comes with the geometry of ours, so it is imported inside functions.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from sapiens_mm.browse.drawing import Drawing, Kind, leaves, to_height, transforms_of
from sapiens_mm.visualization import colorize_depth, colorize_normals, side_by_side

# where the light is in the shaded image: upper left, before the scene
LIGHT = np.array([-0.5, 0.6, 0.62])
MARGIN = 0.2  # below it a fit of axes says nothing


@dataclass(frozen=True)
class MapDrawing(Drawing):
    """An image with its map.

    Attributes:
        people: Share of the input's pixels that are people.
        agreement: Of normals, shape (3, 3): which channel follows which axis.
        axes: What the channels of the file are said to hold.
    """

    people: float
    agreement: np.ndarray | None
    axes: str


def draw_map(image_bgr: np.ndarray, sample: Any, dataset: Any) -> MapDrawing:
    """Draw image and map as they were read, then input and target.

    Depth is bright where it is near. Normals are drawn in the colours of a sphere, and
    lit from the upper left; both stand beside the sphere itself.

    Args:
        image_bgr: Shape (H, W, 3), uint8: the model's input.
        sample: A ``SegDataSample`` with ``gt_map`` and ``gt_mask``.
        dataset: It came from this one, or from one that this one wraps.
    """
    from sapiens_mm.geometry.axes import axis_agreement

    height, width = image_bgr.shape[:2]
    image, stored, stored_mask = load_again(sample, dataset)
    values = sample.gt_map.data.numpy().transpose(1, 2, 0)
    mask = sample.gt_mask.data[0].numpy()
    panels = [image, *colorize(stored, stored_mask)]
    panels = [to_height(panel, height) for panel in panels]
    agreement, axes = None, 'xyz'
    shown = [cv2.resize(p, (width, height)) for p in colorize(values, mask)]  # (W, H)
    panels += [image_bgr, *shown]
    if values.shape[2] == 3:
        axes = sample.get('map_format', {}).get('axes', 'xyz')
        agreement = axis_agreement(np.where(mask[..., None] > 0, values, 0), mask)
        panels.append(sphere_column(height))
    name = os.path.basename(sample.img_path)
    caption = f'{name}: {mask.mean():.0%} people'
    if sample.get('flip'):
        caption += ', flipped'
    image = side_by_side(panels, gap=4)
    return MapDrawing(image, caption, float(mask.mean()), agreement, axes)


def load_again(sample: Any, dataset: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read image, map (H, W, C) in our frame and mask, before the other steps."""
    keys = ('img_path', 'map_path', 'mask_path', 'map_kind', 'map_format')
    results = dict({key: sample.get(key) for key in keys}, seg_fields=[])
    for step in transforms_of(next(leaves(dataset))):
        if 'Load' in type(step).__name__:
            results = step(results)
    values = np.atleast_3d(results['gt_map'])
    return results['img'], values, results['gt_mask']


def colorize(values: np.ndarray, mask: np.ndarray) -> list[np.ndarray]:
    """Show a map (H, W, C) by its colours and, normals, by a light."""
    if values.shape[2] == 1:
        return [colorize_depth(np.ascontiguousarray(values[..., 0]), mask)]
    return [colorize_normals(values, mask), shade(values, mask)]


def shade(normals: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Light normals (H, W, 3) of our frame from the upper left, (H, W, 3) uint8."""
    light = LIGHT / np.linalg.norm(LIGHT)
    bright = np.where(mask > 0, 40 + 215 * (normals @ light).clip(0, 1), 0)
    return np.repeat(bright.astype(np.uint8)[..., None], 3, axis=2)


def sphere_column(height: int) -> np.ndarray:
    """Draw the sphere in colours and, below, lit; half the height each."""
    from sapiens_mm.geometry.axes import sphere_normals

    size = height // 2
    normals = sphere_normals(size)
    mask = normals.any(2)
    column = np.full((height, size, 3), 255, np.uint8)
    column[:size] = colorize_normals(normals, mask)
    column[size : 2 * size] = shade(normals, mask)
    return column


def summarize(drawings: Sequence[MapDrawing], dataset: Any) -> str:
    """Say how much of the inputs are people, and whether the axes of normals fit."""
    del dataset
    shares = [drawing.people for drawing in drawings]
    lines = [
        f'{np.mean(shares):.0%} of the pixels are people in the mean, '
        f'{min(shares):.0%} to {max(shares):.0%}; none on {shares.count(0.0)} inputs'
    ]
    by_axes: dict[str, list[np.ndarray]] = {}
    for drawing in drawings:
        if drawing.agreement is not None and drawing.people:
            by_axes.setdefault(drawing.axes, []).append(drawing.agreement)
    lines += [judge_axes(axes, measured) for axes, measured in by_axes.items()]
    return '\n'.join(lines)


def judge_axes(axes: str, measured: Sequence[np.ndarray]) -> str:
    """Say whether normals, read with ``axes``, lie as visible surfaces do."""
    from sapiens_mm.geometry.axes import describe_axes, fitting_axes, parse_axes

    found, margin = fitting_axes(np.mean(measured, 0))
    stated = parse_axes(axes)
    if margin < MARGIN:
        return f'axes={axes!r}: too few outlines to tell whether they are right'
    better = describe_axes(parse_axes(found) @ stated)
    if better == describe_axes(stated):
        return f'axes={axes!r} fit: normals face the camera and point out of outlines'
    return f'axes={axes!r} do NOT fit; try axes={better!r}'


MAPS = Kind(draw_map, summarize)
