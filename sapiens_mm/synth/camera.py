"""Pinhole cameras and how they are pointed at people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


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
    """Stand the camera so that points just fit into the picture.

    Args:
        points: (N, 3) world points that are to be seen.
        axes: (3, 3) of ``view_axes``.
        fov: Vertical field of view, radians.
        size_hw: Height and width of the image in pixels.
        fill: Share of the picture's height or width that the points fill; above 1
            crops them.
        offset: How far the middle of the points lies off the picture's, as a share of
            its width and height.
    """
    height, width = size_hw
    focal = 0.5 * height / np.tan(0.5 * fov)
    seen = np.asarray(points, np.float64) @ axes.T
    centre = 0.5 * (seen.min(0) + seen.max(0))
    relative = seen - centre
    distance = 0.0
    for _ in range(12):
        # nearer points look larger: move back, centre anew
        depth = np.maximum(relative[:, 2] + distance, 0.05) if distance else 1.0
        spread = np.ptp(relative[:, :2] / np.reshape(depth, (-1, 1)), axis=0)
        need = (spread * focal / (np.array([width, height]) * fill)).max()
        distance = distance * need if distance else need
        distance = max(distance, 0.15 - relative[:, 2].min())
        looks = relative[:, :2] / (relative[:, 2:] + distance)
        middle = 0.5 * (looks.min(0) + looks.max(0)) * distance
        relative[:, :2] -= middle
        centre[:2] += middle
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
