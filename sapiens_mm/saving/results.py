"""Images and data files from results, written whole or not at all."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sapiens_mm.apis.results import (
    DepthResult,
    FeatureResult,
    MapResult,
    NormalResult,
    PoseResult,
    Result,
    SegResult,
)
from sapiens_mm.files import write_array, write_atomically, write_image
from sapiens_mm.tables import KeypointTable, PartTable
from sapiens_mm.visualization import (
    add_depth_bar,
    colorize_depth,
    colorize_labels,
    colorize_normals,
    draw_keypoints,
    overlay_labels,
)

# what pose and parts write beside the image; for maps see map_saving.MAP_FORMATS
DATA_SUFFIX = {'pose': '.json', 'seg': '.png'}


def write_palette(path: Path, labels: np.ndarray, table: PartTable) -> None:
    """Write labels as a PNG with the table's colours, atomically.

    Its pixels are the class ids still, which Pillow reads; viewers, and OpenCV, show
    the colours.

    Args:
        path: Of the PNG.
        labels: Shape (H, W), uint8.
        table: Classes and colours; other ids are light grey.
    """
    # ids beyond the classes show as "ignored"
    ids = np.where(np.arange(256) < table.num_classes, np.arange(256), 255)
    colors = colorize_labels(ids[None], table.palette)[0, :, ::-1]
    drawing = Image.fromarray(labels)
    drawing.putpalette(colors.tobytes())
    buffer = io.BytesIO()
    drawing.save(buffer, 'PNG')
    write_atomically(path, buffer.getvalue())


def pose_to_dict(result: PoseResult, table: KeypointTable) -> dict[str, Any]:
    """Bring a pose result into JSON, persons as in COCO's result files.

    Args:
        result: Of P persons.
        table: Names of the keypoints.

    Returns:
        ``instances`` holds for each person ``keypoints`` [x1, y1, s1, x2, …] in
        pixels, ``bbox`` [x, y, width, height] in pixels, ``bbox_score`` and
        ``score``: the box score times the mean of the keypoint scores above 0.2.
    """
    persons = []
    for points, scores, box, box_score in zip(
        result.keypoints, result.scores, result.boxes, result.box_scores, strict=True
    ):
        # 0.2 is what mmpose's COCO metric takes for a score of a person
        good = scores[scores > 0.2]
        flat = np.concatenate([points, scores[:, None]], axis=1).ravel()
        # COCO has width and height
        x1, y1, x2, y2 = box.tolist()
        persons.append(
            dict(
                category_id=1,
                keypoints=[round(float(value), 4) for value in flat],
                bbox=[x1, y1, x2 - x1, y2 - y1],
                bbox_score=float(box_score),
                score=float(box_score * good.mean()) if good.size else 0.0,
            )
        )
    height, width = result.image_hw
    return dict(
        image=None if result.source is None else result.source.name,
        height=height,
        width=width,
        boxes_from=result.boxes_from,
        dataset=table.name,
        keypoint_names=list(table.names),
        skeleton=[list(link) for link in table.links],
        instances=persons,
    )


def draw_result(
    result: Result,
    image_bgr: np.ndarray,
    parts: PartTable | None = None,
    mask: np.ndarray | None = None,
    score_threshold: float = 0.3,
    opacity: float = 0.5,
    near_far: tuple[float, float] | None = None,
    legend: bool = True,
) -> np.ndarray:
    """Draw any result.

    Args:
        result: Of one of the four tasks.
        image_bgr: The image, (H, W, 3) uint8 BGR.
        parts: Classes of a segmentation; None takes the result's own.
        mask: Foreground (H, W) for depth and normals; None takes the result's own,
            or everything.
        score_threshold: Keypoints below it are not drawn.
        opacity: Of a segmentation over its image.
        near_far: Range of depth to show; None: all there is.
        legend: Say beside the image which parts are there, or which colours of
            depth are near and far.

    Returns:
        Shape (H, W, 3), uint8 BGR. A legend makes it wider, and enlarges an image that
        is too small for one.
    """
    if isinstance(result, PoseResult):
        return draw_keypoints(
            image_bgr,
            result.keypoints,
            result.scores,
            result.vocabulary,
            boxes=result.boxes,
            draw_boxes=result.boxes_from != 'image',
            score_threshold=score_threshold,
        )
    if isinstance(result, SegResult):
        table = parts or result.table
        return overlay_labels(image_bgr, result.labels, table, opacity, legend=legend)
    mask = result.mask if mask is None else mask
    if isinstance(result, DepthResult):
        heat = colorize_depth(result.depth, mask, near_far)
        return add_depth_bar(heat) if legend else heat
    if isinstance(result, NormalResult):
        return colorize_normals(result.normals, mask)
    raise ValueError(f'{type(result).__name__} has no image')


def write_data(
    result: Result, stem: Path, map_format: str = 'npy', all_pixels: bool = False
) -> Path:
    """Write the data file of a result.

    Args:
        result: Of any task.
        stem: Path without suffix.
        map_format: Of depth and normals; see ``sapiens_mm.saving.maps.write_map``.
        all_pixels: Of depth and normals as well; see there.

    Returns:
        The file: JSON for pose, 8-bit PNG of class ids for parts, NPY for features
        (D, h, w), float32; for depth (H, W) and normals (H, W, 3), NPY, EXR or PNG
        with a JSON file that says what it holds.
    """
    if isinstance(result, MapResult):
        from sapiens_mm.saving.maps import write_map

        return write_map(result, stem, map_format, all_pixels)
    writers: dict[type[Result], tuple[str, Callable[[Path], None]]] = {
        PoseResult: ('.json', lambda p: write_atomically(p, _pose_json(result))),
        SegResult: ('.png', lambda p: write_image(p, result.labels)),
        FeatureResult: ('.npy', lambda p: write_array(p, result.features)),
    }
    suffix, write = writers[type(result)]
    path = stem.with_name(stem.name + suffix)
    write(path)
    return path


def _pose_json(result: PoseResult) -> bytes:
    found = pose_to_dict(result, result.vocabulary)
    return json.dumps(found, allow_nan=False).encode()
