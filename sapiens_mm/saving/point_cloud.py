"""Point clouds from relative depth, and PLY files of them."""

from __future__ import annotations

import dataclasses
import math
import numbers
from pathlib import Path

import cv2
import numpy as np

from sapiens_mm.apis.results import DepthResult, NormalResult
from sapiens_mm.files import write_atomically


@dataclasses.dataclass(frozen=True)
class CloudOptions:
    """How relative depth becomes points.

    The network gives depth up to a scale and a shift, so both must be stated:
    the distance from the camera, along the viewing direction, is

        distance = near + span * depth

    Attributes:
        focal_px: Focal length, pixels of the image; None: assumed from ``fov_deg``.
        fov_deg: Field of view of the longer side of the image, degrees.
        near: Distance of depth 0, in any unit. With 1, the default, that distance is
            the unit.
        span: Distance from depth 0 to depth 1, in the unit of ``near``. A person who
            fills the height of an image of 55 degrees is about 1 unit tall, and seldom
            deeper than a third of that.
        step: Take every so many pixels, across and down.
        max_jump: Leave out pixels that differ by more than this depth from one of
            the eight around them, as they do along the outline of an arm before a
            chest; None keeps all.
    """

    focal_px: float | None = None
    fov_deg: float = 55.0
    near: float = 1.0
    span: float = 0.3
    step: int = 1
    max_jump: float | None = None

    def __post_init__(self) -> None:
        for name in ('focal_px', 'near', 'span', 'max_jump'):
            value = getattr(self, name)
            number = isinstance(value, numbers.Real)
            if value is not None and not (
                number and math.isfinite(value) and value > 0
            ):
                raise ValueError(f'{name} must be a number above 0, got {value!r}')
        if not isinstance(self.fov_deg, numbers.Real) or not 1 <= self.fov_deg <= 170:
            raise ValueError(f'fov_deg must be 1 to 170, got {self.fov_deg!r}')
        if not (isinstance(self.step, int) and self.step >= 1):
            raise ValueError(f'step must be a whole number from 1, got {self.step!r}')

    def focal_of(self, image_hw: tuple[int, int]) -> float:
        """Return the focal length for an image, pixels."""
        if self.focal_px is not None:
            return float(self.focal_px)
        # of the longer side, as a phone held upright has the same lens
        return max(image_hw) / 2 / math.tan(math.radians(self.fov_deg) / 2)


@dataclasses.dataclass(frozen=True, eq=False)
class PointCloud:
    """M points in the frame of our normals: x right, y up, z towards the camera.

    The camera is at the origin, so z of every point is negative.

    Attributes:
        points: (M, 3) float32, in the unit of ``CloudOptions.near``.
        colors: (M, 3) uint8, RGB.
        normals: (M, 3) float32 unit vectors, or None.
        comments: How the points came about, one line each.
    """

    points: np.ndarray
    colors: np.ndarray
    normals: np.ndarray | None
    comments: tuple[str, ...]


def point_cloud(
    result: DepthResult,
    image_bgr: np.ndarray,
    options: CloudOptions | None = None,
    normals: NormalResult | None = None,
) -> PointCloud:
    """Turn relative depth into points: people only, where there is a mask.

    The viewing axis goes through the middle of the image, and pixels are square.
    Pixels whose depth is not finite, or so far below 0 that they would lie behind the
    camera, are left out, too.

    Args:
        result: Depth of an image.
        image_bgr: The image, (H, W, 3) uint8, for colours.
        options: None takes the defaults.
        normals: Of the same image, to go with the points.

    Raises:
        ValueError: If the sizes differ.
    """
    options = options or CloudOptions()
    depth = result.depth
    for name, array in (
        ('image', image_bgr),
        ('normals', None if normals is None else normals.normals),
    ):
        if array is not None and array.shape[:2] != depth.shape:
            raise ValueError(
                f'The {name} has shape {array.shape}, the depth {depth.shape}'
            )
    taken = np.isfinite(depth)
    if result.mask is not None:
        taken &= result.mask
    # flying points between a person and what is behind
    if options.max_jump is not None:
        taken &= ~_jumps(depth, taken, options.max_jump)
    step = slice(None, None, options.step)
    rows, columns = (index * options.step for index in np.nonzero(taken[step, step]))
    distance = options.near + options.span * depth[rows, columns].astype(np.float64)
    ahead = distance > 0
    rows, columns, distance = rows[ahead], columns[ahead], distance[ahead]
    focal = options.focal_of(depth.shape)
    height, width = depth.shape
    x = (columns - (width - 1) / 2) / focal * distance
    y = ((height - 1) / 2 - rows) / focal * distance
    return PointCloud(
        points=np.stack([x, y, -distance], axis=1).astype(np.float32),
        colors=np.ascontiguousarray(image_bgr[rows, columns, ::-1]),
        normals=None if normals is None else normals.normals[rows, columns],
        comments=_comments(options, focal, result, int((~ahead).sum())),
    )


def _jumps(depth: np.ndarray, known: np.ndarray, max_jump: float) -> np.ndarray:
    """Where depth differs from that of a known neighbour by more than ``max_jump``."""
    depth = np.where(known, depth, 0).astype(np.float32)
    square = np.ones((3, 3), np.uint8)
    farthest = cv2.dilate(np.where(known, depth, -np.inf), square)
    nearest = cv2.erode(np.where(known, depth, np.inf), square)
    away = np.maximum(farthest - depth, depth - nearest)
    return known & (away > max_jump)


def _comments(
    options: CloudOptions, focal: float, result: DepthResult, behind: int
) -> tuple[str, ...]:
    if options.focal_px is None:
        origin = f'assumed: a field of view of {options.fov_deg:g} degrees'
        origin += ' of the longer side'
    else:
        origin = 'given'
    comments = [
        'RELATIVE depth, no metres: scale and shift are assumed',
        f'distance = {options.near:g} + {options.span:g} * depth',
        f'focal length {focal:.6g} pixels, {origin}',
        'x right, y up, z towards the camera, which is at the origin',
        'people only' if result.mask is not None else 'all pixels: there is no mask',
    ]
    if behind:
        comments.append(f'{behind} pixels behind the camera were left out')
    return tuple(comments)


def write_ply(path: Path, cloud: PointCloud) -> None:
    """Write a cloud as binary little-endian PLY, atomically.

    Vertices have ``x y z``, ``nx ny nz`` where there are normals, and ``red green
    blue``; there are no faces. No points make a file with none.

    Args:
        path: Of the file.
        cloud: What to write.
    """
    fields = [(name, '<f4') for name in ('x', 'y', 'z')]
    if cloud.normals is not None:
        fields += [(name, '<f4') for name in ('nx', 'ny', 'nz')]
    fields += [(name, 'u1') for name in ('red', 'green', 'blue')]
    parts = [cloud.points, cloud.normals, cloud.colors]
    columns = [column for part in parts if part is not None for column in part.T]
    # packed: fields without gaps are PLY's records
    vertices = np.empty(len(cloud.points), fields)
    for (name, _), column in zip(fields, columns, strict=True):
        vertices[name] = column
    types = {'<f4': 'float', 'u1': 'uchar'}
    header = [
        'ply',
        'format binary_little_endian 1.0',
        *(f'comment {line}' for line in cloud.comments),
        f'element vertex {len(vertices)}',
        *(f'property {types[kind]} {name}' for name, kind in fields),
        'end_header',
    ]
    text = '\n'.join(header) + '\n'
    write_atomically(path, text.encode('ascii') + vertices.tobytes())
