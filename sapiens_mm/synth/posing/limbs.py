"""Placing limbs: a skeleton that is being posed, two-bone reach, wrists.

Sides are 'L' and 'R'; the person's left has x > 0. Directions are (3,) in the world.
"""

from __future__ import annotations

import math

import numpy as np

from sapiens_mm.synth.core.rig import (
    Pose,
    about,
    carry,
    cross,
    norm,
    swing_twist,
    unit,
)

UP = np.array([0.0, 0.0, 1.0])
FRONT = np.array([0.0, -1.0, 0.0])
LEFT = np.array([1.0, 0.0, 0.0])
FOREARM_DEG = (-80.0, 85.0)
"""Supination and pronation from the thumb-up position."""
WRIST_DEG = ((-60.0, 65.0), (-22.0, 30.0))
"""Extension to flexion, and thumb side to little finger side."""


def sign(side: str) -> float:
    """Return 1 for 'L', -1 for 'R'."""
    return 1.0 if side == 'L' else -1.0


class Poser:
    """A skeleton with a pose under construction; world rotations on demand.

    Args:
        names: B bone names.
        parents: B indices of parents; negative for the root.
        heads: (B, 3) bone heads in the rest pose, metres.
        kind: Name of the pose.
    """

    def __init__(
        self, names: list[str], parents: list[int], heads: np.ndarray, kind: str = ''
    ) -> None:
        self.names, self.parents = list(names), list(parents)
        self.heads = np.asarray(heads, np.float64)
        self.index = {name: i for i, name in enumerate(self.names)}
        self.pose = Pose(kind=kind)
        self._chains: dict[str, list[str]] = {}

    def head(self, bone: str) -> np.ndarray:
        """Return the bone's head in the rest pose, (3,)."""
        return self.heads[self.index[bone]]

    def rest(self, start: str, end: str) -> np.ndarray:
        """Return the vector (3,) between two bone heads at rest."""
        return self.head(end) - self.head(start)

    def chain(self, bone: str) -> list[str]:
        """Return the bones from the root to ``bone``."""
        if bone not in self._chains:
            out, i = [], self.index[bone]
            while i >= 0:
                out.append(self.names[i])
                i = self.parents[i]
            self._chains[bone] = out[::-1]
        return self._chains[bone]

    def transform(self, bone: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the bone's world rotation (3, 3) and its head's position (3,)."""
        turn, rotations = self.pose.root_rotation, self.pose.rotations
        chain = self.chain(bone)
        before = self.head(chain[0])
        place = before + self.pose.root_shift
        for name in chain:
            # between bones that turn, the skeleton is as at rest
            if name in rotations or name == bone:
                head = self.head(name)
                place = place + turn.dot(head - before)
                before = head
            if name in rotations:
                turn = turn.dot(rotations[name])
        return turn, place

    def world(self, bone: str) -> np.ndarray:
        """Return the bone's world rotation (3, 3); the identity at rest."""
        turn, rotations = self.pose.root_rotation, self.pose.rotations
        for name in self.chain(bone):
            if name in rotations:
                turn = turn.dot(rotations[name])
        return turn

    def place(self, bone: str) -> np.ndarray:
        """Return the position (3,) of the bone's head."""
        return self.transform(bone)[1]

    def parent(self, bone: str) -> str:
        """Return the parent's name."""
        return self.names[self.parents[self.index[bone]]]

    def set_world(self, bone: str, rotation: np.ndarray) -> None:
        """Turn the bone so that its world rotation is (3, 3) ``rotation``."""
        self.pose.rotations[bone] = self.world(self.parent(bone)).T @ rotation

    def set_twisted(
        self, bone: str, helper: str, child: str, world: np.ndarray
    ) -> None:
        """Set a world rotation with half of the twist left to the ``helper`` bone.

        The helper follows ``bone`` along the limb (upperarm02 after upperarm01, say)
        and keeps the skin from wringing at the joint.
        """
        axis = self.rest(bone, child)
        local = self.world(self.parent(bone)).T @ world
        shortest, twist = swing_twist(local, axis)
        self.pose.rotations[bone] = shortest @ about(axis, twist / 2)
        self.pose.rotations[helper] = about(axis, twist / 2)


def _two_bones(
    start: np.ndarray,
    target: np.ndarray,
    lengths: tuple[float, float],
    pole: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the directions of both bones and the axis about which they bend.

    The middle joint lies on the side of ``pole``; a target out of reach is approached.
    """
    a, b = lengths
    to = target - start
    distance = norm(to)
    to = to / max(distance, 1e-9)
    # elbow and knee keep 38 degrees between their bones
    low = math.sqrt(a * a + b * b - 2 * a * b * math.cos(math.radians(38.0)))
    # not quite straight: the side of the bend would be unknown
    d = min(max(distance, low), 0.9995 * (a + b))
    out = pole - pole.dot(to) * to
    out = out / max(norm(out), 1e-9)
    cosine = min(max((a * a + d * d - b * b) / (2 * a * d), -1.0), 1.0)
    first = to * cosine + out * math.sqrt(1 - cosine**2)
    second = (to * d - first * a) / b
    return first, second, cross(out, to)


def aim_arm(
    poser: Poser, side: str, upper: np.ndarray, fore: np.ndarray, hinge: np.ndarray
) -> None:
    """Point the upper arm and the forearm along world directions.

    Args:
        poser: Changed in place.
        side: 'L' or 'R'.
        upper: (3,) from shoulder to elbow.
        fore: (3,) from elbow to wrist.
        hinge: (3,) axis that turns ``upper`` towards ``fore``.
    """
    u0 = poser.rest(f'upperarm01.{side}', f'lowerarm01.{side}')
    f0 = poser.rest(f'lowerarm01.{side}', f'wrist.{side}')
    h0 = cross(u0, f0)
    turn = carry(upper, hinge, u0, h0)
    poser.set_twisted(
        f'upperarm01.{side}', f'upperarm02.{side}', f'lowerarm01.{side}', turn
    )
    poser.set_world(f'lowerarm01.{side}', carry(fore, hinge, f0, h0))


def raise_clavicle(poser: Poser, side: str, towards: np.ndarray) -> None:
    """Let the shoulder girdle follow an arm that goes to ``towards``, a direction."""
    x, y, z = (poser.world('spine01').T @ unit(towards)).tolist()
    s = sign(side)
    # the girdle begins to rise before the arm is level
    lift = math.radians(24.0) * min(max(z + 0.35, 0.0), 1.2)
    ahead = math.radians(14.0) * min(max(-y - 0.35 - 0.5 * s * x, -0.4), 1.0)
    turn = about(UP, -s * ahead) @ about(FRONT, s * lift)
    poser.pose.rotations[f'clavicle.{side}'] = turn


def reach_arm(poser: Poser, side: str, wrist: np.ndarray, elbow: np.ndarray) -> None:
    """Bring the wrist to a point with the elbow on a given side.

    Args:
        poser: Changed in place.
        side: 'L' or 'R'.
        wrist: (3,) target in the world, metres; approached if out of reach.
        elbow: (3,) direction in which the elbow points, world.
    """
    shoulder = f'upperarm01.{side}'
    # taken off first, so that the shoulder's place is that at rest
    poser.pose.rotations.pop(f'clavicle.{side}', None)
    raise_clavicle(poser, side, wrist - poser.place(shoulder))
    lengths = (
        norm(poser.rest(shoulder, f'lowerarm01.{side}')),
        norm(poser.rest(f'lowerarm01.{side}', f'wrist.{side}')),
    )
    aim_arm(poser, side, *_two_bones(poser.place(shoulder), wrist, lengths, elbow))


def place_leg(poser: Poser, side: str, ankle: np.ndarray, knee: np.ndarray) -> None:
    """Bring the ankle to a point with the knee towards a direction.

    Args:
        poser: Changed in place.
        side: 'L' or 'R'.
        ankle: (3,) target of the foot bone's head, world, metres.
        knee: (3,) direction in which the knee points, world.
    """
    hip, shin, foot = (f'{b}.{side}' for b in ('upperleg01', 'lowerleg01', 'foot'))
    u0, l0 = poser.rest(hip, shin), poser.rest(shin, foot)
    lengths = (norm(u0), norm(l0))
    upper, lower, hinge = _two_bones(poser.place(hip), ankle, lengths, knee)
    aim_leg(poser, side, upper, lower, hinge)


def aim_leg(
    poser: Poser, side: str, upper: np.ndarray, lower: np.ndarray, hinge: np.ndarray
) -> None:
    """Point thigh and shin along world directions; ``hinge`` bends the knee."""
    hip, shin, foot = (f'{b}.{side}' for b in ('upperleg01', 'lowerleg01', 'foot'))
    u0, l0 = poser.rest(hip, shin), poser.rest(shin, foot)
    turn = carry(upper, hinge, u0, LEFT)
    poser.set_twisted(hip, f'upperleg02.{side}', shin, turn)
    poser.set_world(shin, carry(lower, hinge, l0, LEFT))


def flatten_foot(poser: Poser, side: str, pitch: float = 0.0, out: float = 0.1) -> None:
    """Lay the sole parallel to the ground, as far as the ankle goes.

    Args:
        poser: Changed in place.
        side: 'L' or 'R'.
        pitch: Radians; positive lifts the heel, the toes bend back by as much.
        out: Radians that the toes point outwards from the knee's direction.
    """
    shin = poser.world(f'lowerleg01.{side}')
    ahead = shin @ FRONT
    if abs(ahead[2]) > 0.8:  # shin level: take the heading of the thigh
        ahead = poser.world('root') @ FRONT
    heading = np.arctan2(ahead[0], -ahead[1]) + sign(side) * out
    wanted = about(UP, heading) @ about(LEFT, pitch)
    local = shin.T @ wanted
    angle, axis = _angle_axis(local)
    limit = math.radians(48.0 if (axis @ LEFT) * angle > 0 else 34.0)
    poser.pose.rotations[f'foot.{side}'] = about(axis, min(angle, limit))
    turn = about(LEFT, -0.8 * max(pitch, 0.0))
    for toe in range(1, 6):
        poser.pose.rotations[f'toe{toe}-1.{side}'] = turn


def _angle_axis(rotation: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the angle in [0, pi] and the unit axis of a rotation (3, 3)."""
    (a, b, c), (d, e, f), (g, h, i) = rotation.tolist()
    x, y, z = h - f, c - g, d - b
    sine, cosine = math.sqrt(x * x + y * y + z * z) / 2, (a + e + i - 1) / 2
    if sine < 1e-9:
        return 0.0, LEFT
    return math.atan2(sine, cosine), np.array([x, y, z]) / (2 * sine)


def palm(poser: Poser, side: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the palm's outward normal and the fingers' direction at rest, unit."""
    wrist = poser.head(f'wrist.{side}')
    index, little = (poser.head(f'finger{k}-1.{side}') - wrist for k in (2, 5))
    middle = poser.head(f'finger3-1.{side}') - wrist
    middle = unit(middle)
    normal = cross(little, index) * sign(side)
    return unit(normal - normal.dot(middle) * middle), middle


def bend_wrist(poser: Poser, side: str, roll: float, flex: float, lean: float) -> None:
    """Turn the forearm and bend the wrist, radians, within their limits.

    Args:
        poser: Changed in place.
        side: 'L' or 'R'.
        roll: Pronation from the thumb-up position; negative is palm up.
        flex: Towards the palm; negative is extension.
        lean: Towards the little finger.
    """
    s = sign(side)
    roll = _within(roll, FOREARM_DEG)
    flex = _within(flex, WRIST_DEG[0])
    lean = _within(lean, WRIST_DEG[1])
    axis = poser.rest(f'lowerarm01.{side}', f'wrist.{side}')
    normal, fingers = palm(poser, side)
    half = about(axis, s * roll / 2)
    bend = about(cross(fingers, normal), flex) @ about(normal, s * lean)
    poser.pose.rotations[f'lowerarm02.{side}'] = half
    poser.pose.rotations[f'wrist.{side}'] = half @ bend


def _within(angle: float, degrees: tuple[float, float]) -> float:
    """Return radians brought into a range of degrees."""
    low, high = degrees
    return min(max(angle, math.radians(low)), math.radians(high))


def orient_hand(
    poser: Poser, side: str, facing: np.ndarray, fingers: np.ndarray
) -> float:
    """Turn forearm and wrist towards a wanted orientation, as far as they go.

    Args:
        poser: Changed in place.
        side: 'L' or 'R'.
        facing: (3,) where the palm should face, world.
        fingers: (3,) where the fingers should point, world.

    Returns:
        Radians by which the wanted orientation is missed.
    """
    s = sign(side)
    rest_normal, rest_fingers = palm(poser, side)
    wanted = carry(fingers, facing, rest_fingers, rest_normal)
    local = poser.world(f'lowerarm01.{side}').T @ wanted
    axis = poser.rest(f'lowerarm01.{side}', f'wrist.{side}')
    back, twist = swing_twist(local.T, axis)
    angle, turn = _angle_axis(back.T)
    bend = turn * angle
    flex = bend @ cross(rest_fingers, rest_normal)
    bend_wrist(poser, side, -s * twist, flex, s * (bend @ rest_normal))
    return _angle_axis(poser.world(f'wrist.{side}').T @ wanted)[0]
