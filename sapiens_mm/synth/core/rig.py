"""Poses of the skeleton: rotations, forward kinematics.

Every bone's rotation is about its head, in axes parallel to the world's in the rest
pose (x to the person's left, the face towards -y, z up) and carried along by the
bone's parent. The identity everywhere is the rest pose.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from sapiens_mm.synth.core.jit import kernel


@dataclass
class Pose:
    """Rotations of bones, and where the whole person stands.

    Attributes:
        rotations: (3, 3) by bone name; bones left out keep their rest direction.
        root_rotation: (3, 3) of the whole person about the root bone's head.
        root_shift: (3,) metres, added after ``root_rotation``.
        kind: What the person does: 'stand', 'walk', 'sit', ...
    """

    rotations: dict[str, np.ndarray] = field(default_factory=dict)
    root_rotation: np.ndarray = field(default_factory=lambda: np.eye(3))
    root_shift: np.ndarray = field(default_factory=lambda: np.zeros(3))
    kind: str = 'rest'

    def turn(self, bone: str, rotation: np.ndarray) -> None:
        """Turn a bone by (3, 3) after what it does already, in its parent's axes."""
        self.rotations[bone] = rotation @ self.rotations.get(bone, np.eye(3))


def forward(
    names: Sequence[str], parents: Sequence[int], heads: np.ndarray, pose: Pose
) -> np.ndarray:
    """Return what each bone does to points of the rest pose.

    Args:
        names: B bone names.
        parents: B indices of parents, which come before their children; the root's
            is negative.
        heads: (B, 3) bone heads in the rest pose, metres.
        pose: Rotations by name and the root's movement.

    Returns:
        (B, 4, 4) float64; a rest point x of bone b moves to M[b] @ (x, 1).

    Raises:
        ValueError: If the pose turns a bone that the skeleton has not.
    """
    index = _index(tuple(names))
    unknown = pose.rotations.keys() - index.keys()
    if unknown:
        raise ValueError(f'the skeleton has no bones {sorted(unknown)}')
    turns = np.zeros((len(names), 3, 3))
    turns[:, _DIAGONAL, _DIAGONAL] = 1
    for name, rotation in pose.rotations.items():
        turns[index[name]] = rotation
    return _chain(
        np.asarray(parents, np.int64),
        np.asarray(heads, np.float64),
        turns,
        np.asarray(pose.root_rotation, np.float64),
        np.asarray(pose.root_shift, np.float64),
    )


@kernel
def _chain(
    parents: np.ndarray,
    heads: np.ndarray,
    turns: np.ndarray,
    root_turn: np.ndarray,
    root_shift: np.ndarray,
) -> np.ndarray:
    """Multiply the bones' movements down the tree."""
    out = np.zeros((len(parents), 4, 4))
    for b in range(len(parents)):
        p = parents[b]
        out[b, 3, 3] = 1
        for r in range(3):
            for c in range(3):
                for k in range(3):
                    up = root_turn[r, k] if p < 0 else out[p, r, k]
                    out[b, r, c] += up * turns[b, k, c]
        for r in range(3):
            place = heads[b, r] + root_shift[r] if p < 0 else out[p, r, 3]
            for k in range(3):
                if p >= 0:
                    place += out[p, r, k] * heads[b, k]
                # a rotation about the head leaves the head where it is
                place -= out[b, r, k] * heads[b, k]
            out[b, r, 3] = place
    return out


@lru_cache(maxsize=8)
def _index(names: tuple[str, ...]) -> dict[str, int]:
    return {name: b for b, name in enumerate(names)}


_DIAGONAL = np.arange(3)


def norm(vector: np.ndarray) -> float:
    """Return the length of a vector (3,)."""
    return math.sqrt(vector.dot(vector))


def unit(vector: np.ndarray) -> np.ndarray:
    """Return a vector (3,) at length 1."""
    return vector / math.sqrt(vector.dot(vector))


def cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the cross product of two vectors (3,); np.cross takes ten times longer."""
    (x, y, z), (u, v, w) = a.tolist(), b.tolist()
    return np.array([y * w - z * v, z * u - x * w, x * v - y * u])


def about(axis: Sequence[float], angle: float) -> np.ndarray:
    """Return the rotation (3, 3) about ``axis`` by ``angle`` radians."""
    return _about_axis(_packed(axis), float(angle))


def swing(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return the shortest rotation (3, 3) that turns direction start into end."""
    return _swing(_packed(start), _packed(end))


def swing_twist(rotation: np.ndarray, axis: np.ndarray) -> tuple[np.ndarray, float]:
    """Split a rotation into swing @ twist, the twist about ``axis``.

    Args:
        rotation: (3, 3).
        axis: (3,) the bone's direction at rest.

    Returns:
        swing: (3, 3), which turns the axis to where ``rotation`` does, shortest way.
        twist: Radians about the axis, in (-pi, pi].
    """
    return _swing_twist(_packed(rotation), _packed(axis))


def frame(forward_dir: np.ndarray, up_dir: np.ndarray) -> np.ndarray:
    """Return (3, 3) with columns forward, side, up: orthonormal, forward kept."""
    return _frame(_packed(forward_dir), _packed(up_dir))


def carry(
    way: np.ndarray, up: np.ndarray, way_before: np.ndarray, up_before: np.ndarray
) -> np.ndarray:
    """Return the rotation (3, 3) that brings one ``frame`` to another.

    Args:
        way: (3,) where ``way_before`` is turned to.
        up: (3,), on whose side ``up_before`` comes to lie.
        way_before: (3,).
        up_before: (3,).
    """
    return _carry(_packed(way), _packed(up), _packed(way_before), _packed(up_before))


def _packed(values: np.ndarray) -> np.ndarray:
    """Return values in the one type and layout that kernels are compiled for."""
    return np.ascontiguousarray(values, np.float64)


@kernel
def _about_axis(axis: np.ndarray, angle: float) -> np.ndarray:
    """Return the rotation of ``about``."""
    return _about(axis[0], axis[1], axis[2], angle)


@kernel
def _about(x: float, y: float, z: float, angle: float) -> np.ndarray:
    """Return the rotation of ``about``, by Rodrigues' formula."""
    size = np.sqrt(x * x + y * y + z * z)
    x, y, z = x / size, y / size, z / size
    sin, rise = np.sin(angle), 1 - np.cos(angle)
    out = np.empty((3, 3))
    out[0, 0] = 1 - rise * (y * y + z * z)
    out[1, 1] = 1 - rise * (x * x + z * z)
    out[2, 2] = 1 - rise * (x * x + y * y)
    out[0, 1], out[1, 0] = rise * x * y - sin * z, rise * x * y + sin * z
    out[0, 2], out[2, 0] = rise * x * z + sin * y, rise * x * z - sin * y
    out[1, 2], out[2, 1] = rise * y * z - sin * x, rise * y * z + sin * x
    return out


@kernel
def _unit(vector: np.ndarray) -> tuple[float, float, float]:
    """Return x, y, z of a vector at length 1."""
    x, y, z = vector[0], vector[1], vector[2]
    size = np.sqrt(x * x + y * y + z * z)
    return x / size, y / size, z / size


@kernel
def _swing(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return the rotation of ``swing``."""
    (ax, ay, az), (bx, by, bz) = _unit(start), _unit(end)
    x, y, z = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    sine, cosine = np.sqrt(x * x + y * y + z * z), ax * bx + ay * by + az * bz
    # below it the axis is rounding
    if sine > 1e-9:
        return _about(x, y, z, np.arctan2(sine, cosine))
    if cosine > 0:
        return _about(1.0, 0.0, 0.0, 0.0)
    if abs(ax) < 0.9:  # half a turn about any axis across
        return _about(0.0, az, -ay, np.pi)
    return _about(-az, 0.0, ax, np.pi)


@kernel
def _swing_twist(rotation: np.ndarray, axis: np.ndarray) -> tuple[np.ndarray, float]:
    """Return what ``swing_twist`` does."""
    x, y, z = _unit(axis)
    end = np.empty(3)
    for r in range(3):
        end[r] = rotation[r, 0] * x + rotation[r, 1] * y + rotation[r, 2] * z
    shortest = _swing(axis, end)
    rest = np.zeros((3, 3))
    for r in range(3):
        for c in range(3):
            for k in range(3):
                rest[r, c] += shortest[k, r] * rotation[k, c]
    sine = (rest[2, 1] - rest[1, 2]) * x
    sine += (rest[0, 2] - rest[2, 0]) * y + (rest[1, 0] - rest[0, 1]) * z
    trace = rest[0, 0] + rest[1, 1] + rest[2, 2]
    # of a rotation matrix 2 sin and 2 cos + 1: the trace and the skew part
    return shortest, np.arctan2(sine / 2, (trace - 1) / 2)


@kernel
def _frame(forward_dir: np.ndarray, up_dir: np.ndarray) -> np.ndarray:
    """Return the axes of ``frame``."""
    x, y, z = _unit(forward_dir)
    u, v, w = up_dir[0], up_dir[1], up_dir[2]
    a, b, c = v * z - w * y, w * x - u * z, u * y - v * x
    size = np.sqrt(a * a + b * b + c * c)
    a, b, c = a / size, b / size, c / size
    out = np.empty((3, 3))
    out[0, 0], out[1, 0], out[2, 0] = x, y, z
    out[0, 1], out[1, 1], out[2, 1] = a, b, c
    out[0, 2], out[1, 2], out[2, 2] = y * c - z * b, z * a - x * c, x * b - y * a
    return out


@kernel
def _carry(
    way: np.ndarray, up: np.ndarray, way_before: np.ndarray, up_before: np.ndarray
) -> np.ndarray:
    """Return the rotation of ``carry``."""
    after, before = _frame(way, up), _frame(way_before, up_before)
    out = np.zeros((3, 3))
    for r in range(3):
        for c in range(3):
            for k in range(3):
                out[r, c] += after[r, k] * before[c, k]
    return out
