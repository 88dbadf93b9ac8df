"""Skeletons on images: any keypoint table, sizes that follow person and image."""

import numpy as np

from ..tables import KeypointTable
from .checks import check_fraction, check_image, describe
from .links import draw_links, link_widths
from .openpose import draw_openpose
from .strokes import draw_box, draw_disc

_BOX_COLOR = (0, 215, 255)  # BGR, amber: no keypoint or link has it
# Default radii. The image proposes (fraction of its longer side), the person decides
# (fractions of the longer side of the box).
_RADIUS_OF_IMAGE = 0.005
_RADIUS_OF_PERSON = (0.006, 0.018)
_MIN_RADIUS = 0.8
# A dark rim keeps discs apart from links and from bright skin, where there is room.
_RIM_COLOR, _RIM_OF_RADIUS, _RIM_FROM = (25, 25, 25), 0.28, 2.0
_OPENPOSE_LARGER = 1.7  # there, discs have no image to hide
# Discs of one feature (an eyelid, a hand) may take this part of the gap between them.
_RADIUS_OF_GAP = 0.4


def draw_keypoints(
    image_bgr: np.ndarray,
    keypoints: np.ndarray,
    scores: np.ndarray,
    table: KeypointTable,
    *,
    score_threshold: float = 0.3,
    radius: float | None = None,
    thickness: int | None = None,
    boxes: np.ndarray | None = None,
    draw_boxes: bool = True,
    opacity: float = 1.0,
    style: str = 'mmpose',
) -> np.ndarray:
    """Draw the skeletons of all persons on a copy of an image.

    By default a disc is as large as the person, the image and the distance to the
    neighbouring keypoints allow, so the 238 face points of a small face stay apart.
    Keypoints that are not finite, below the threshold or outside the image are left
    out; a link to a keypoint outside the image is drawn up to the border.

    Args:
        image_bgr: Shape (H, W, 3), uint8, BGR. Not changed.
        keypoints: Shape (P, K, 2), x and y in pixels; whole numbers are pixel centres.
        scores: Shape (P, K), compared with ``score_threshold``.
        table: Names, links and colours of the K keypoints.
        score_threshold: Keypoints with a lower score are not drawn.
        radius: Radius of every disc in pixels; None chooses one per keypoint.
        thickness: Thickness of every link in pixels; None follows image, person and
            length, and adds a dark rim.
        boxes: Shape (P, 4), xyxy in pixels. They also tell the size of each person.
        draw_boxes: Whether to draw ``boxes``.
        opacity: 1 covers the image, 0 leaves it as it is.
        style: ``mmpose``, or ``openpose``: coloured bones with a neck on black, in the
            size of the image, for 17 and 133 keypoints. It shows no feet and no
            boxes; ``opacity`` and ``thickness`` do not apply.

    Returns:
        Shape (H, W, 3), uint8, BGR.

    Raises:
        ValueError: If an argument has the wrong shape, type or range.
    """
    check_image(image_bgr)
    keypoints, scores = _check_people(keypoints, scores, table)
    boxes = _check_boxes(boxes, len(keypoints))
    check_fraction(opacity, 'opacity')
    _check_style(radius, thickness, style)
    # NaN scores compare false and so count as not visible.
    shown = np.isfinite(keypoints).all(-1) & (scores >= score_threshold)
    grid_hw = image_bgr.shape[:2]
    radii = np.full(scores.shape, np.nan if radius is None else float(radius))
    if radius is None:
        for person, points in enumerate(keypoints):
            box = None if boxes is None else boxes[person]
            radii[person] = keypoint_radii(points, shown[person], table, grid_hw, box)
    if style == 'openpose':
        room = radii if radius is not None else _OPENPOSE_LARGER * radii
        return draw_openpose(grid_hw, keypoints, shown, table, room)
    canvas = image_bgr.copy()
    for person, points in enumerate(keypoints):
        if draw_boxes and boxes is not None and np.isfinite(boxes[person]).all():
            width = max(1.0, 0.5 * _person_radius(points[:0], grid_hw, boxes[person]))
            draw_box(canvas, boxes[person], width, _BOX_COLOR)
        box = None if boxes is None else boxes[person]
        _draw_person(
            canvas, points, shown[person], table, radii[person], thickness, box
        )
    return _blend(image_bgr, canvas, opacity)


def _check_style(radius: float | None, thickness: int | None, style: str) -> None:
    if radius is not None and not 0 < radius < np.inf:
        raise ValueError(f'radius is {radius!r}; expected pixels > 0, or None')
    if thickness is not None and (thickness < 1 or thickness != int(thickness)):
        raise ValueError(f'thickness is {thickness!r}; expected whole pixels >= 1')
    if style not in ('mmpose', 'openpose'):
        raise ValueError(f"style is {style!r}; expected 'mmpose' or 'openpose'")


def keypoint_radii(
    points: np.ndarray,
    shown: np.ndarray,
    table: KeypointTable,
    grid_hw: tuple[int, int],
    box_xyxy: np.ndarray | None = None,
) -> np.ndarray:
    """Choose the radius of each keypoint of one person.

    Keypoints of one feature (same group and colour) share a radius: a part of the
    median distance between neighbours, and no more than suits the person. One that is
    closer than that to its neighbour shrinks, to half at the most.

    Args:
        points: Shape (K, 2), x and y in pixels.
        shown: Shape (K,), which keypoints count.
        table: Groups and colours of the K keypoints.
        grid_hw: Size of the image, (H, W).
        box_xyxy: Shape (4,), the person's box in pixels.

    Returns:
        Shape (K,), pixels.
    """
    inside = shown & _inside(points, grid_hw)
    largest = _person_radius(points[inside], grid_hw, box_xyxy)
    radii = np.full(len(points), largest)
    ids = np.flatnonzero(inside)
    if len(ids) < 2:
        return radii
    offset = points[ids, None] - points[None, ids]
    distance = np.hypot(offset[..., 0], offset[..., 1])
    np.fill_diagonal(distance, np.inf)
    gap = np.full(len(points), np.inf)
    gap[ids] = distance.min(1)
    for feature in _features(table):
        members = feature[inside[feature]]
        if len(members):
            size = min(largest, _RADIUS_OF_GAP * np.median(gap[members]))
            near = np.maximum(_RADIUS_OF_GAP * gap[members], 0.5 * size)
            radii[members] = np.maximum(np.minimum(size, near), _MIN_RADIUS)
    return radii


def _draw_person(
    canvas: np.ndarray,
    points: np.ndarray,
    shown: np.ndarray,
    table: KeypointTable,
    radii: np.ndarray,
    thickness: int | None,
    box_xyxy: np.ndarray | None,
) -> None:
    """Draw links, then keypoints over them, in place."""
    grid_hw = canvas.shape[:2]
    drawn = shown & _inside(points, grid_hw)
    size = _person_size(points[drawn], grid_hw, box_xyxy)
    widths = link_widths(points, shown, radii, table, grid_hw, size)
    if thickness is not None:
        widths[widths > 0] = thickness
    draw_links(canvas, points, table, widths, rims=thickness is None)
    # Large discs first: small ones stay visible on top of them.
    for k in sorted(np.flatnonzero(drawn), key=lambda k: -radii[k]):
        color, core = table.keypoint_colors[k][::-1], radii[k]
        if radii[k] >= _RIM_FROM:
            draw_disc(canvas, *points[k], radii[k], _RIM_COLOR)
            core = radii[k] * (1 - _RIM_OF_RADIUS)
        draw_disc(canvas, *points[k], core, color)


def _person_size(
    points: np.ndarray, grid_hw: tuple[int, ...], box_xyxy: np.ndarray | None
) -> float:
    """Longer side of the box, else of the points, pixels; 0 where nothing is known."""
    height, width = grid_hw[:2]
    if box_xyxy is not None and np.isfinite(box_xyxy).all():
        low, high = np.clip(box_xyxy.reshape(2, 2), 0, [width - 1, height - 1])
        return float((high - low).max())
    return float((points.max(0) - points.min(0)).max()) if len(points) else 0.0


def _person_radius(
    points: np.ndarray, grid_hw: tuple[int, ...], box_xyxy: np.ndarray | None
) -> float:
    """Radius of a body keypoint, from the sizes of the image and of the person."""
    radius = _RADIUS_OF_IMAGE * max(grid_hw[:2])
    size = _person_size(points, grid_hw, box_xyxy)
    if size > 0:
        low, high = (fraction * size for fraction in _RADIUS_OF_PERSON)
        radius = min(max(radius, low), high)
    return max(radius, 1.0)


def _features(table: KeypointTable) -> list[np.ndarray]:
    """Ids of the keypoints that share a group and a colour."""
    features: dict[tuple, list[int]] = {}
    for group, ids in table.groups.items():
        for k in ids:
            features.setdefault((group, table.keypoint_colors[k]), []).append(k)
    return [np.array(ids) for ids in features.values()]


def _inside(points: np.ndarray, grid_hw: tuple[int, int]) -> np.ndarray:
    """Which points lie on a pixel of the image; NaN does not."""
    height, width = grid_hw
    return (points >= -0.5).all(-1) & (points < [width - 0.5, height - 0.5]).all(-1)


def _blend(image: np.ndarray, canvas: np.ndarray, opacity: float) -> np.ndarray:
    """Mix a drawing with the image under it, touching drawn pixels only."""
    if opacity == 1:
        return canvas
    drawn = (canvas != image).any(-1)
    under, over = (part[drawn].astype(np.float32) for part in (image, canvas))
    canvas[drawn] = np.rint(under + (over - under) * opacity)
    return canvas


def _check_people(
    keypoints: np.ndarray, scores: np.ndarray, table: KeypointTable
) -> tuple[np.ndarray, np.ndarray]:
    """Return both as float64 arrays of matching shape."""
    if not isinstance(table, KeypointTable):
        raise ValueError(f'table is {describe(table)}; expected a KeypointTable')
    num = table.num_keypoints
    points, marks = (np.asarray(part, np.float64) for part in (keypoints, scores))
    if points.ndim != 3 or points.shape[1:] != (num, 2):
        raise ValueError(
            f'keypoints is {describe(points)}; expected (P, {num}, 2) '
            f'for the table {table.name!r}'
        )
    if marks.shape != points.shape[:2]:
        raise ValueError(
            f'scores is {describe(marks)}; expected {points.shape[:2]}, '
            'one per keypoint'
        )
    return points, marks


def _check_boxes(boxes: np.ndarray | None, num_people: int) -> np.ndarray | None:
    """Return float64 boxes, one per person."""
    if boxes is None:
        return None
    array = np.asarray(boxes, np.float64)
    if array.shape != (num_people, 4):
        raise ValueError(
            f'boxes is {describe(array)}; expected ({num_people}, 4), xyxy, '
            'one per person'
        )
    return array
