"""Poses of the skeleton: rotations, forward kinematics.

Every bone's rotation is about its head, in axes parallel to the world's in the rest
pose (x to the person's left, the face towards -y, z up) and carried along by the
bone's parent. The identity everywhere is the rest pose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numba import njit


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
    unknown = set(pose.rotations) - set(names)
    if unknown:
        raise ValueError(f'the skeleton has no bones {sorted(unknown)}')
    turns = np.empty((len(names), 3, 3))
    for b, name in enumerate(names):
        turns[b] = pose.rotations.get(name, _EYE)
    return _chain(
        np.asarray(parents, np.int64),
        np.asarray(heads, np.float64),
        turns,
        np.asarray(pose.root_rotation, np.float64),
        np.asarray(pose.root_shift, np.float64),
    )


@njit(cache=True, nogil=True)
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
                place -= out[b, r, k] * heads[b, k]
            out[b, r, 3] = place
    return out


_EYE = np.eye(3)


def about(axis: Sequence[float], angle: float) -> np.ndarray:
    """Return the rotation (3, 3) about ``axis`` by ``angle`` radians."""
    x, y, z = np.asarray(axis, np.float64) / np.linalg.norm(axis)
    cos, sin = np.cos(angle), np.sin(angle)
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + sin * k + (1 - cos) * k @ k


def swing(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return the shortest rotation (3, 3) that turns direction start into end."""
    a, b = start / np.linalg.norm(start), end / np.linalg.norm(end)
    axis = np.cross(a, b)
    sine, cosine = np.linalg.norm(axis), float(a @ b)
    if sine > 1e-9:
        return about(axis, np.arctan2(sine, cosine))
    if cosine > 0:
        return np.eye(3)
    other = np.cross(a, [1.0, 0, 0] if abs(a[0]) < 0.9 else [0, 1.0, 0])
    return about(other, np.pi)


def swing_twist(rotation: np.ndarray, axis: np.ndarray) -> tuple[np.ndarray, float]:
    """Split a rotation into swing @ twist, the twist about ``axis``.

    Args:
        rotation: (3, 3).
        axis: (3,) the bone's direction at rest.

    Returns:
        swing: (3, 3), which turns the axis to where ``rotation`` does, shortest way.
        twist: Radians about the axis, in (-pi, pi].
    """
    axis = axis / np.linalg.norm(axis)
    shortest = swing(axis, rotation @ axis)
    rest = shortest.T @ rotation
    sine = np.array(
        [rest[2, 1] - rest[1, 2], rest[0, 2] - rest[2, 0], rest[1, 0] - rest[0, 1]]
    )
    return shortest, float(np.arctan2(sine @ axis / 2, (np.trace(rest) - 1) / 2))


def frame(forward_dir: np.ndarray, up_dir: np.ndarray) -> np.ndarray:
    """Return (3, 3) with columns forward, side, up: orthonormal, forward kept."""
    first = forward_dir / np.linalg.norm(forward_dir)
    side = np.cross(up_dir, first)
    side = side / np.linalg.norm(side)
    return np.stack([first, side, np.cross(first, side)], 1)
