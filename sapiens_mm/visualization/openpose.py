"""OpenPose images: coloured bones with a neck on black, as ControlNet reads them."""

import colorsys

import numpy as np

from ..tables import RGB, KeypointTable
from .strokes import draw_disc, draw_ellipse_limb, draw_line

# The neck is the middle of the shoulders and is appended after the K keypoints.
_SHOULDERS = (5, 6)
_NECK = -1
# COCO ids in OpenPose's order; bone i and joint i share colour i.
_JOINTS = (0, _NECK, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3)
_BONES = (
    (_NECK, 6),
    (_NECK, 5),
    (6, 8),
    (8, 10),
    (5, 7),
    (7, 9),
    (_NECK, 12),
    (12, 14),
    (14, 16),
    (_NECK, 11),
    (11, 13),
    (13, 15),
    (_NECK, 0),
    (0, 2),
    (2, 4),
    (0, 1),
    (1, 3),
)
_BONE_SHADE = 0.6
_FACE_COLOR = (255, 255, 255)
_HAND_COLOR = (0, 0, 255)  # RGB
# OpenPose's disc, in an image whose longer side is 512 pixels.
_RADIUS, _REFERENCE_PX = 4.0, 512


def _rainbow(count: int, steps: int) -> tuple[RGB, ...]:
    """Return ``count`` hues, RGB, of a circle cut in ``steps``."""
    hues = (colorsys.hsv_to_rgb(i / steps, 1.0, 1.0) for i in range(count))
    return tuple(tuple(round(255 * value) for value in hue) for hue in hues)


_BODY_COLORS = _rainbow(18, 18)
_HAND_COLORS = _rainbow(20, 20)


def draw_openpose(
    grid_hw: tuple[int, int],
    keypoints: np.ndarray,
    shown: np.ndarray,
    table: KeypointTable,
    radii: np.ndarray,
) -> np.ndarray:
    """Draw OpenPose skeletons on black.

    Args:
        grid_hw: Size of the image to make, (H, W).
        keypoints: Shape (P, K, 2), x and y in pixels.
        shown: Shape (P, K), which keypoints to draw.
        table: COCO with 17 or COCO-WholeBody with 133 keypoints.
        radii: Shape (P, K), the largest disc that each keypoint has room for, pixels.
            OpenPose's own size, 4 in an image of 512, is a limit too.

    Returns:
        Shape (H, W, 3), uint8, BGR.

    Raises:
        ValueError: If the table is another one.
    """
    if table.num_keypoints not in (17, 133):
        raise ValueError(
            f'the openpose style is for 17 and 133 keypoints, not {table.num_keypoints}'
        )
    canvas = np.zeros((*grid_hw, 3), np.uint8)
    limit = max(1.0, _RADIUS * max(grid_hw) / _REFERENCE_PX)
    for points, visible, sizes in zip(keypoints, shown, radii, strict=True):
        _draw_body(canvas, points, visible, min(limit, sizes[:17].max()))
        if table.num_keypoints == 133:
            sizes = np.minimum(limit, sizes)
            _draw_hands_and_face(canvas, points, visible, table, sizes)
    return canvas


def _draw_body(
    canvas: np.ndarray, points: np.ndarray, visible: np.ndarray, radius: float
) -> None:
    """Draw bones and joints; the neck is appended as the last point."""
    neck = points[list(_SHOULDERS)].mean(0, keepdims=True)
    points = np.concatenate([points, neck])
    visible = np.append(visible, visible[list(_SHOULDERS)].all())
    for (a, b), color in zip(_BONES, _BODY_COLORS[:-1], strict=True):
        if visible[a] and visible[b]:
            dark = tuple(int(_BONE_SHADE * value) for value in color[::-1])
            draw_ellipse_limb(canvas, points[a], points[b], radius, dark)
    for k, color in zip(_JOINTS, _BODY_COLORS, strict=True):
        if visible[k]:
            draw_disc(canvas, *points[k], radius, color[::-1])


def _draw_hands_and_face(
    canvas: np.ndarray,
    points: np.ndarray,
    visible: np.ndarray,
    table: KeypointTable,
    radii: np.ndarray,
) -> None:
    hands = ('left_hand', 'right_hand')
    for hand in hands:
        ids = table.groups[hand]
        links = [link for link in table.links if link[0] in ids and link[1] in ids]
        for (a, b), color in zip(links, _HAND_COLORS, strict=True):
            if visible[a] and visible[b]:
                width = min(radii[a], radii[b])
                draw_line(canvas, points[a], points[b], width, color[::-1])
    for groups, color in ((hands, _HAND_COLOR), (('face',), _FACE_COLOR)):
        for k in (k for group in groups for k in table.groups[group] if visible[k]):
            draw_disc(canvas, *points[k], radii[k], color[::-1])
