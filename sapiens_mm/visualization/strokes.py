"""Anti-aliased discs, lines and boxes at sub-pixel places, safe for any coordinate.

Pixel centres lie at whole coordinates, (0, 0) being the centre of the top left pixel.
"""

import cv2
import numpy as np

BGR = tuple[int, int, int]

# OpenCV's fixed-point coordinates: 4 binary digits after the point.
SHIFT = 4
_ONE = 1 << SHIFT
# How much wider than asked OpenCV makes an anti-aliased polygon, pixels.
_SOFT_EDGE = 1.4


def draw_disc(
    canvas: np.ndarray, x: float, y: float, radius: float, color: BGR
) -> None:
    """Draw a filled disc in place.

    Each pixel is covered by how far its centre lies inside the circle. OpenCV's own
    small circles are lopsided, and differ between its versions.

    Args:
        canvas: Shape (H, W, 3), uint8, BGR.
        x: Centre, pixels.
        y: Centre, pixels.
        radius: Pixels, any positive number.
        color: BGR.
    """
    height, width = canvas.shape[:2]
    reach = radius + 0.5
    x0, x1 = max(0, int(np.ceil(x - reach))), min(width - 1, int(np.floor(x + reach)))
    y0, y1 = max(0, int(np.ceil(y - reach))), min(height - 1, int(np.floor(y + reach)))
    if x1 < x0 or y1 < y0:
        return
    dx = np.arange(x0, x1 + 1, dtype=np.float32) - np.float32(x)
    dy = np.arange(y0, y1 + 1, dtype=np.float32) - np.float32(y)
    cover = np.clip(reach - np.sqrt(dx**2 + dy[:, None] ** 2), 0, 1)[..., None]
    patch = canvas[y0 : y1 + 1, x0 : x1 + 1]
    patch[:] = np.rint(patch + (np.float32(color) - patch) * cover)


def draw_line(
    canvas: np.ndarray, start: np.ndarray, end: np.ndarray, width: float, color: BGR
) -> None:
    """Draw the part of a line that the image shows, in place.

    Args:
        canvas: Shape (H, W, 3), uint8, BGR.
        start: Shape (2,), x and y in pixels.
        end: Shape (2,), x and y in pixels.
        width: Pixels; below 1.5 a hairline is drawn.
        color: BGR.
    """
    segment = clip_segment(start, end, canvas.shape[:2], margin=2 * width + 2)
    if segment is None:
        return
    first, last = segment
    length = float(np.hypot(*(last - first)))
    if width < 1.5 or length == 0:
        ends = (_fixed_point(point) for point in segment)
        cv2.line(canvas, *ends, color, 1, cv2.LINE_AA, SHIFT)
        return
    # cv2.line knows few widths (3 and 4 look the same): draw the outline instead.
    along = (last - first) / length
    side = np.array([-along[1], along[0]]) * (width - _SOFT_EDGE) / 2
    corners = np.stack([first + side, last + side, last - side, first - side])
    fixed = np.rint(corners * _ONE).astype(np.int32)
    cv2.fillConvexPoly(canvas, fixed, color, cv2.LINE_AA, SHIFT)


def draw_ellipse_limb(
    canvas: np.ndarray,
    start: np.ndarray,
    end: np.ndarray,
    half_width: float,
    color: BGR,
) -> None:
    """Draw a filled ellipse whose long axis runs between two points, in place."""
    margin = 2 * max(canvas.shape[:2])
    segment = clip_segment(start, end, canvas.shape[:2], margin=margin)
    if segment is None:
        return
    middle, half = sum(segment) / 2, (segment[1] - segment[0]) / 2
    length = float(np.hypot(*half))
    along = half / length if length > 0 else np.array([1.0, 0.0])
    across = np.array([-along[1], along[0]]) * half_width
    angle = np.linspace(0, 2 * np.pi, 72, endpoint=False)[:, None]
    outline = middle + np.cos(angle) * along * length + np.sin(angle) * across
    fixed = np.rint(outline * _ONE).astype(np.int32)
    cv2.fillConvexPoly(canvas, fixed, color, cv2.LINE_AA, SHIFT)


def draw_box(
    canvas: np.ndarray, box_xyxy: np.ndarray, width: float, color: BGR
) -> None:
    """Draw the outline of a box in place; sides outside the image are not shown.

    Args:
        canvas: Shape (H, W, 3), uint8, BGR.
        box_xyxy: Shape (4,), pixels, finite.
        width: Of the line, pixels.
        color: BGR.
    """
    x0, y0, x1, y1 = box_xyxy
    # Horizontal lines run on by half a width, so that the corners are closed.
    half = width / 2 if x1 >= x0 else -width / 2
    for start, end in (
        ((x0 - half, y0), (x1 + half, y0)),
        ((x0 - half, y1), (x1 + half, y1)),
        ((x0, y0), (x0, y1)),
        ((x1, y0), (x1, y1)),
    ):
        draw_line(canvas, np.array(start), np.array(end), width, color)


def clip_segment(
    start: np.ndarray, end: np.ndarray, grid_hw: tuple[int, int], margin: float
) -> tuple[np.ndarray, np.ndarray] | None:
    """Cut a segment to the image and a margin around it (Liang and Barsky).

    Args:
        start: Shape (2,), x and y in pixels, finite.
        end: Shape (2,), x and y in pixels, finite.
        grid_hw: Size of the image, (H, W).
        margin: Pixels kept on every side of the image.

    Returns:
        The two new ends, or None when the segment misses the image.
    """
    # Far beyond any image, and far below where float64 loses the pixels.
    first = np.clip(np.asarray(start, np.float64), -1e9, 1e9)
    last = np.clip(np.asarray(end, np.float64), -1e9, 1e9)
    enter, leave = 0.0, 1.0
    for axis, size in ((0, grid_hw[1]), (1, grid_hw[0])):
        step = last[axis] - first[axis]
        bounds = (-margin - first[axis], size - 1 + margin - first[axis])
        if step == 0:
            if bounds[0] > 0 or bounds[1] < 0:
                return None
            continue
        near, far = sorted(bound / step for bound in bounds)
        enter, leave = max(enter, near), min(leave, far)
    if enter > leave:
        return None
    return first + enter * (last - first), first + leave * (last - first)


def _fixed_point(point: np.ndarray) -> tuple[int, int]:
    return round(float(point[0]) * _ONE), round(float(point[1]) * _ONE)
