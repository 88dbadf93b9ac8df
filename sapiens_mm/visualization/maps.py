"""Images of label maps, relative depth and surface normals. All images are BGR."""

from collections.abc import Sequence

import cv2
import numpy as np

from ..tables import RGB, PartTable
from .checks import check_fraction, check_image, check_map, check_mask, describe
from .legends import add_legend, class_title

IGNORE_LABEL = 255
_IGNORE_GREY = 220
# 100 and ksize 7 are the official visualisation's
_DEPTH_BACKGROUND = 100  # grey level
_SOBEL_SIZE = 7


def colorize_labels(labels: np.ndarray, palette: Sequence[RGB]) -> np.ndarray:
    """Paint each class in its colour.

    Args:
        labels: Shape (H, W), integers. 255 means "no label" and becomes light grey.
        palette: N colours, **RGB**.

    Returns:
        Shape (H, W, 3), uint8, **BGR**.

    Raises:
        ValueError: If a label is neither 255 nor below N.
    """
    colors = np.asarray(palette)
    if colors.ndim != 2 or colors.shape[1] != 3 or not 1 <= len(colors) <= IGNORE_LABEL:
        raise ValueError(f'palette is {describe(colors)}; expected (N, 3), N <= 255')
    if colors.min() < 0 or colors.max() > 255:
        raise ValueError(
            f'palette holds {colors.min()} to {colors.max()}; expected 0 to 255'
        )
    _check_labels(labels, len(colors))
    table = np.full((256, 3), _IGNORE_GREY, np.uint8)
    table[: len(colors)] = colors[:, ::-1]
    return table[labels]


def overlay_labels(
    image_bgr: np.ndarray,
    labels: np.ndarray,
    table: PartTable,
    opacity: float = 0.5,
    *,
    legend: bool = False,
    tint_background: bool = False,
) -> np.ndarray:
    """Lay class colours over an image.

    Args:
        image_bgr: Shape (H, W, 3), uint8, BGR. Not changed.
        labels: Shape (H, W), integers; pixels with 255 keep the image.
        table: Classes and colours.
        opacity: 1 shows the class colours alone, 0 the image alone.
        legend: Add columns on the right that name the classes in the map. The
            result is then wider than the image, and an image too small for that is
            enlarged.
        tint_background: Colour class 0 as well.

    Returns:
        Shape (H, W, 3), or (H', W', 3) with a legend, uint8, BGR.

    Raises:
        ValueError: If an argument has the wrong shape, type or range.
    """
    check_image(image_bgr)
    check_fraction(opacity, 'opacity')
    if not isinstance(table, PartTable):
        raise ValueError(f'table is {describe(table)}; expected a PartTable')
    colors = colorize_labels(labels, table.palette)
    if labels.shape != image_bgr.shape[:2]:
        raise ValueError(
            f'labels have shape {labels.shape}; expected {image_bgr.shape[:2]}, '
            'that of the image'
        )
    tinted = labels != IGNORE_LABEL
    if not tint_background:
        tinted &= labels != 0
    result = cv2.addWeighted(image_bgr, 1 - opacity, colors, opacity, 0)
    result[~tinted] = image_bgr[~tinted]
    if not legend:
        return result
    present = np.unique(labels[tinted])
    entries = [(class_title(table.classes[c]), table.palette[c][::-1]) for c in present]
    return add_legend(result, entries)


def colorize_depth(
    depth: np.ndarray,
    mask: np.ndarray | None = None,
    near_far: tuple[float, float] | None = None,
) -> np.ndarray:
    """Show relative depth as a heat map: near is bright, far is dark.

    The foreground fills the whole range of the map; background, NaN and infinite
    pixels are grey. A foreground of one single depth gets the middle colour.

    Args:
        depth: Shape (H, W), small = near; any unit, scale and offset.
        mask: Shape (H, W), true or > 0 on the foreground; None means everywhere.
        near_far: Depths at the ends of the map, so that images of a video compare;
            None takes those of the foreground.

    Returns:
        Shape (H, W, 3), uint8, BGR.

    Raises:
        ValueError: If a shape, type or range is wrong.
    """
    nearness, valid = _nearness(depth, mask, near_far)
    levels = (255 * nearness).astype(np.uint8)
    image = cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)
    image[~valid] = _DEPTH_BACKGROUND
    return image


def pseudo_normals(
    depth: np.ndarray,
    mask: np.ndarray | None = None,
    near_far: tuple[float, float] | None = None,
) -> np.ndarray:
    """Derive normals for display from relative depth.

    Depth without a unit has no true normals: these come from the 7-tap Sobel gradient
    of nearness (1 near, 0 far over the foreground, the kernel not normalised) as
    ``(-gx, -gy, -1)``, made unit length. Axes are the camera's: x right, y down, z away
    from the camera; so surfaces that face the camera have z = -1.

    Where the kernel would reach beyond the foreground, 3 pixels along its border and
    all of a thin strand, a pixel takes the normal of the nearest pixel that has room
    for the kernel. If none has, everything faces the camera.

    Args:
        depth: Shape (H, W), small = near; any unit, scale and offset.
        mask: Shape (H, W), true or > 0 on the foreground; None means everywhere.
        near_far: As in ``colorize_depth``.

    Returns:
        Shape (H, W, 3), float32 unit vectors; zero on background and where ``depth``
        is not finite.

    Raises:
        ValueError: If a shape, type or range is wrong.
    """
    nearness, valid = _nearness(depth, mask, near_far)
    normals = np.zeros((*depth.shape, 3), np.float32)
    rows, columns = np.flatnonzero(valid.any(1)), np.flatnonzero(valid.any(0))
    if len(rows):
        # Work on the foreground's box only: images are large and people are not.
        box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        normals[box] = _sobel_normals(nearness[box], valid[box])
    return normals


def colorize_normals(normals: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """Show normals as colours: x is red, y green, z blue; -1 is 0 and 1 is 255.

    Args:
        normals: Shape (H, W, 3), unit vectors (x, y, z) in any frame.
        mask: Shape (H, W), true or > 0 on the foreground; None means everywhere.

    Returns:
        Shape (H, W, 3), uint8, BGR. Background and vectors that are zero or not finite
        are black.

    Raises:
        ValueError: If a shape or type is wrong.
    """
    check_map(normals, 'normals', channels=3)
    foreground = check_mask(mask, normals.shape[:2])
    length = sum(np.abs(normals[..., axis]) for axis in range(3))
    valid = foreground & (length > 0) & (length < np.inf)
    image = np.empty(normals.shape, np.uint8)
    for axis in range(3):
        # -1 is black: what has no direction
        values = np.where(valid, normals[..., axis], -1).clip(-1, 1)
        image[..., 2 - axis] = (values + 1) / 2 * 255
    return image


def colorize_relief(
    depth: np.ndarray,
    mask: np.ndarray | None = None,
    near_far: tuple[float, float] | None = None,
) -> np.ndarray:
    """Show the surface that depth describes: its pseudo-normals as colours.

    Args:
        depth: As in ``pseudo_normals``.
        mask: As in ``pseudo_normals``.
        near_far: As in ``colorize_depth``.

    Returns:
        Shape (H, W, 3), uint8, BGR; black where there is no depth.

    Raises:
        ValueError: If a shape, type or range is wrong.
    """
    return colorize_normals(pseudo_normals(depth, mask, near_far), mask)


def _check_labels(labels: np.ndarray, num_classes: int) -> None:
    check_map(labels, 'labels')
    if labels.dtype.kind not in 'iu':
        raise ValueError(f'labels is {describe(labels)}; expected integers')
    wrong = labels[(labels < 0) | ((labels >= num_classes) & (labels != IGNORE_LABEL))]
    if wrong.size:
        raise ValueError(
            f'labels hold {wrong.flat[0]}; expected 0 to {num_classes - 1}, '
            f'or {IGNORE_LABEL} for no label'
        )


def _nearness(
    depth: np.ndarray,
    mask: np.ndarray | None,
    near_far: tuple[float, float] | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Scale depth to 1 near, 0 far over the valid pixels; 0 elsewhere.

    Returns:
        Nearness, float32, and which pixels are valid; both (H, W). A constant depth
        gives 0.5.
    """
    check_map(depth, 'depth')
    valid = check_mask(mask, depth.shape) & np.isfinite(depth)
    nearness = np.zeros(depth.shape, np.float32)
    values = depth[valid].astype(np.float64)
    if values.size:
        if near_far is None:
            near, far = values.min(), values.max()
        else:
            near, far = near_far
            if not -np.inf < near <= far < np.inf:
                raise ValueError(f'near_far is {near_far!r}; expected near <= far')
            values = values.clip(near, far)
        # Halves, because the range of float64 extremes would overflow.
        span = far / 2 - near / 2
        nearness[valid] = (far / 2 - values / 2) / span if span > 0 else 0.5
    return nearness, valid


def _sobel_normals(nearness: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Return float32 unit normals (H, W, 3) where valid, zero elsewhere."""
    x = -cv2.Sobel(nearness, cv2.CV_32F, 1, 0, ksize=_SOBEL_SIZE)
    y = -cv2.Sobel(nearness, cv2.CV_32F, 0, 1, ksize=_SOBEL_SIZE)
    scale = 1 / np.sqrt(x * x + y * y + 1)
    normals = np.stack([x * scale, y * scale, -scale], -1)
    _extend_to_border(normals, valid)
    normals[~valid] = 0
    return normals


def _extend_to_border(normals: np.ndarray, valid: np.ndarray) -> None:
    """Copy normals, in place, to pixels whose Sobel window leaves the foreground."""
    kernel = np.ones((_SOBEL_SIZE, _SOBEL_SIZE), np.uint8)
    inside = cv2.erode(
        valid.astype(np.uint8), kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0
    )
    border = valid & (inside == 0)
    if not inside.any():
        normals[border] = (0, 0, -1)
        return
    _, nearest = cv2.distanceTransformWithLabels(
        1 - inside, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    source = np.zeros((nearest.max() + 1, 3), np.float32)
    source[nearest[inside > 0]] = normals[inside > 0]
    normals[border] = source[nearest[border]]
