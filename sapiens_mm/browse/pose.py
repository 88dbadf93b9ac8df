"""Poses: keypoints, and the heatmaps that are the targets of training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from sapiens_mm.browse.drawing import Drawing, Kind, transforms_of
from sapiens_mm.tables import keypoint_table_from_metainfo
from sapiens_mm.visualization import draw_keypoints, side_by_side

HEAT_OPACITY = 0.8


@dataclass(frozen=True)
class PoseDrawing(Drawing):
    """A person.

    Attributes:
        visible: How many keypoints are drawn or, with targets, trained on.
        keypoints: Shape (K, 2), pixels of the input; NaN where absent.
    """

    visible: int
    keypoints: np.ndarray


def draw_pose(image_bgr: np.ndarray, sample: Any, dataset: Any) -> PoseDrawing:
    """Draw keypoints on the image, and the target heatmaps on another copy of it.

    Args:
        image_bgr: Shape (H, W, 3), uint8: the model's input.
        sample: A ``PoseDataSample``.
        dataset: Its ``metainfo`` names the keypoints; one of the transforms of its
            pipeline has the codec.

    Raises:
        ValueError: If the targets are no heatmaps of one codec.
    """
    encoders = [t.encoder for t in transforms_of(dataset) if hasattr(t, 'encoder')]
    panels = []
    if encoders:
        if 'heatmaps' not in getattr(sample, 'gt_fields', ()):
            raise ValueError(
                'targets of GenerateTarget are no heatmaps of one codec, the only '
                'ones of pose that can be drawn'
            )
        heatmaps = sample.gt_fields.heatmaps
        weights = np.ravel(sample.gt_instance_labels.keypoint_weights)
        points = decode_targets(heatmaps, encoders[0])
        panels.append(overlay_heatmaps(image_bgr, heatmaps.numpy()))
    else:
        points = move_into_crop(
            sample.gt_instances.keypoints[0, :, :2], sample, image_bgr.shape[:2]
        )
        weights = np.ravel(sample.gt_instances.keypoints_visible)
    shown = weights > 0
    points = np.where(shown[:, None], points, np.nan)
    table = keypoint_table_from_metainfo(dataset.metainfo)
    drawn = draw_keypoints(image_bgr, points[None], shown[None].astype(float), table)
    caption = f'{sample.get("id", "?")}: {shown.sum()} of {len(points)}'
    if sample.get('flip'):
        caption += ', flipped'
    image = side_by_side([drawn, *panels], gap=4)
    return PoseDrawing(image, caption, int(shown.sum()), points)


def decode_targets(heatmaps: Any, encoder: Any) -> np.ndarray:
    """Find the keypoints that heatmaps were made from, (K, 2) pixels of the input.

    Args:
        heatmaps: Tensor (K, h, w).
        encoder: The codec.
    """
    from mmpose.codecs import UDPHeatmap

    from sapiens_mm.pose import decode_udp_heatmaps

    if type(encoder) is not UDPHeatmap:
        return encoder.decode(heatmaps.numpy())[0][0]
    # mmpose encodes by (W - 1) / (w - 1) and decodes by W / (w - 1); to lie on the
    # image, what was encoded must be turned back by the same factor
    width, height = encoder.input_size
    return decode_udp_heatmaps(
        heatmaps[None],
        input_wh=(width - 1, height - 1),
        blur_kernel_size=encoder.blur_kernel_size,
    )[0][0].numpy()


def overlay_heatmaps(image_bgr: np.ndarray, heatmaps: np.ndarray) -> np.ndarray:
    """Lay the mean of heatmaps (K, h, w) over an image.

    Brightness follows its logarithm: a face of 238 keypoints must not hide a wrist.
    """
    (height, width), (h, w) = image_bgr.shape[:2], heatmaps.shape[1:]
    # the centres of the corner pixels coincide
    scale = np.diag([(width - 1) / (w - 1), (height - 1) / (h - 1)])
    heat = np.log1p(len(heatmaps) * heatmaps.mean(0).clip(0))
    grown = cv2.warpAffine(
        heat, np.hstack([scale, np.zeros((2, 1))]), (width, height)
    )  # (W, H)
    share = grown / max(float(grown.max()), np.finfo(np.float32).tiny)
    colors = cv2.applyColorMap(np.uint8(np.rint(255 * share)), cv2.COLORMAP_TURBO)
    opacity = HEAT_OPACITY * share[..., None]
    return np.uint8(np.rint(image_bgr * (1 - opacity) + colors * opacity))


def move_into_crop(
    points: np.ndarray, sample: Any, input_hw: tuple[int, int]
) -> np.ndarray:
    """Move keypoints (K, 2) of the image as the crop of a test pipeline did (UDP)."""
    low = sample.get('input_center') - np.divide(sample.get('input_scale'), 2)
    steps = np.array(input_hw[::-1]) - 1
    return (points - low) * steps / sample.get('input_scale')


def summarize(drawings: Sequence[PoseDrawing], dataset: Any) -> str:
    """Say how many keypoints are visible."""
    del dataset
    visible = [drawing.visible for drawing in drawings]
    return (
        f'{np.mean(visible):.1f} visible keypoints in the mean, '
        f'{min(visible)} to {max(visible)}, of {len(drawings[-1].keypoints)}'
    )


POSE = Kind(draw_pose, summarize)
