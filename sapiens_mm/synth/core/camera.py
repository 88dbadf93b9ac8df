"""Pinhole cameras and how they are pointed at people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sapiens_mm.synth.core.jit import kernel
from sapiens_mm.synth.core.mesh import bounds


@dataclass(frozen=True)
class Camera:
    """A pinhole camera without distortion.

    A world point p is seen at rotation @ p + shift: x right, y down, z forward, metres.
    Pixel centres are integers, (0, 0) the top left one.

    Attributes:
        intrinsics: (3, 3) float64 K.
        rotation: (3, 3) float64, proper.
        shift: (3,) float64 metres.
        size_hw: Height and width of the image in pixels.
    """

    intrinsics: np.ndarray
    rotation: np.ndarray
    shift: np.ndarray
    size_hw: tuple[int, int]

    @property
    def position(self) -> np.ndarray:
        """(3,) where the camera stands in the world, metres."""
        return -self.rotation.T @ self.shift

    def scaled(self, scale: float) -> np.ndarray:
        """Return fx, fy, cx, cy (4,) of a buffer of ``scale`` times the size.

        Pixels are split evenly, so that a corner of the image stays a corner.
        """
        k = self.intrinsics
        centre = (k[:2, 2] + 0.5) * scale - 0.5
        return np.array([k[0, 0] * scale, k[1, 1] * scale, *centre])

    def to_camera(self, points: np.ndarray) -> np.ndarray:
        """Return world points (N, 3) in the camera frame, metres."""
        return points @ self.rotation.T + self.shift

    def project(self, points: np.ndarray) -> np.ndarray:
        """Return x, y in pixels and depth in metres (N, 3) of world points (N, 3).

        Points behind the camera have a depth below 0 and meaningless x, y.
        """
        seen = self.to_camera(np.asarray(points, np.float64))
        k = self.intrinsics
        # a point in the plane of the lens divides by a hair instead of 0
        depth = np.where(np.abs(seen[:, 2]) < 1e-9, 1e-9, seen[:, 2])
        x = k[0, 0] * seen[:, 0] / depth + k[0, 2]
        y = k[1, 1] * seen[:, 1] / depth + k[1, 2]
        return np.stack([x, y, seen[:, 2]], 1)


def view_axes(azimuth: float, elevation: float, roll: float) -> np.ndarray:
    """Return the rows right, down, forward (3, 3) of a camera.

    Args:
        azimuth: Radians about z; 0 looks along +y, into the face of a person who
            stands as the template does.
        elevation: Radians that the camera looks down.
        roll: Radians clockwise as seen in the image.
    """
    c, s = np.cos(azimuth), np.sin(azimuth)
    flat = np.array([-s, c, 0.0])
    forward = np.cos(elevation) * flat - np.sin(elevation) * np.array([0, 0, 1.0])
    right = np.array([c, s, 0.0])
    down = np.cross(forward, right)
    c, s = np.cos(roll), np.sin(roll)
    return np.stack([c * right + s * down, -s * right + c * down, forward])


def frame_points(
    points: np.ndarray,
    axes: np.ndarray,
    fov: float,
    size_hw: tuple[int, int],
    fill: float,
    offset: tuple[float, float] = (0.0, 0.0),
) -> Camera:
    """Stand the camera so that points just fit into the image.

    Args:
        points: (N, 3) world points that are to be seen.
        axes: (3, 3) of ``view_axes``.
        fov: Vertical field of view, radians.
        size_hw: Height and width of the image in pixels.
        fill: Share of the image's height or width that the points fill; above 1
            crops them.
        offset: How far the middle of the points lies off the image's, as a share of
            its width and height.
    """
    height, width = size_hw
    focal = 0.5 * height / np.tan(0.5 * fov)
    seen = np.asarray(points, np.float64) @ axes.T
    low, high = bounds(seen)
    centre = 0.5 * (low + high)
    distance, aside, down = _fit(seen - centre, focal, width * fill, height * fill)
    centre[0] += aside
    centre[1] += down
    centre[0] -= offset[0] * width / focal * distance
    centre[1] -= offset[1] * height / focal * distance
    centre[2] -= distance
    intrinsics = np.array(
        [
            [focal, 0, 0.5 * (width - 1)],
            [0, focal, 0.5 * (height - 1)],
            [0, 0, 1.0],
        ]
    )
    return Camera(intrinsics, axes, -centre, size_hw)


@kernel
def _fit(
    relative: np.ndarray, focal: float, width: float, height: float
) -> tuple[float, float, float]:
    """Move back until points (N, 3) fit, always looking at their middle.

    Args:
        relative: To the middle of the points: right, down, forward; changed.
        focal: Pixels.
        width: Pixels that the points fill; so is ``height``.
        height: See ``width``.

    Returns:
        Metres from the camera to the middle, and how far right and down of it the
        camera looks.
    """
    nearest = relative[:, 2].min()
    distance = right = down = 0.0
    for _ in range(12):
        # nearer points look larger: move back, centre anew
        low, high = _seen(relative, distance, 0.05)
        wide, tall = high[0] - low[0], high[1] - low[1]
        need = max(wide * focal / width, tall * focal / height)
        distance = distance * need if distance > 0 else need
        # the nearest point stays 15 cm before the lens
        distance = max(distance, 0.15 - nearest)
        low, high = _seen(relative, distance, 0.0)
        aside, below = 0.5 * (low + high) * distance
        for i in range(len(relative)):
            relative[i, 0] -= aside
            relative[i, 1] -= below
        right, down = right + aside, down + below
    return distance, right, down


@kernel
def _seen(
    relative: np.ndarray, distance: float, least: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the corners (2,) of points on the plane at depth 1.

    Args:
        relative: (N, 3) to a point ``distance`` before the camera.
        distance: Metres; 0 looks from infinity.
        least: Depth that points have at least.
    """
    low, high = np.full(2, np.inf), np.full(2, -np.inf)
    for i in range(len(relative)):
        depth = max(relative[i, 2] + distance, least) if distance > 0 else 1.0
        for c in range(2):
            low[c] = min(low[c], relative[i, c] / depth)
            high[c] = max(high[c], relative[i, c] / depth)
    return low, high
