"""How far joints turn.

Ball joints (shoulder, hip) are limited by cones that the limb's direction must stay out
of, hinges by the angle between the bones, the spine, the neck and the ankles by the
size of their rotation, the forearm by its twist.
"""

from __future__ import annotations

import math

import numpy as np

from sapiens_mm.synth.core.rig import about, cross, norm, swing, swing_twist, unit
from sapiens_mm.synth.posing.limbs import FOREARM_DEG, Poser, sign

# direction that the limb avoids, in its parent's rest axes for the left side, and the
# degrees that it keeps from it
SHOULDER_CONES = (
    ((0.0, 1.0, 0.0), 28.0),
    ((-1.0, 0.0, 0.0), 32.0),
    ((-0.7, 0.7, 0.0), 58.0),
    ((-0.5, 0.6, 0.65), 50.0),
)
HIP_CONES = (
    ((0.0, 1.0, 0.0), 48.0),
    ((-1.0, 0.0, 0.0), 42.0),
    ((0.0, 0.5, 1.0), 72.0),
    ((0.9, 0.4, 0.0), 22.0),
)
SAFE = {
    'upperarm01': np.array([0.5, -0.4, -0.75]),
    'upperleg01': np.array([0.1, -0.5, -0.85]),
}
"""Directions that all cones allow, left side."""
HINGE_DEG = {'lowerarm01': (0.0, 158.0), 'lowerleg01': (0.0, 158.0)}
"""Flexion of elbow and knee, 0 is straight."""
TURN_DEG = {
    **{f'spine0{k}': 22.0 for k in range(1, 6)},
    **{f'neck0{k}': 24.0 for k in range(1, 4)},
    'head': 24.0,
    'clavicle': 38.0,
    'foot': 58.0,
    'wrist': 92.0,
}
"""Largest rotation of single bones, degrees."""
TWIST_DEG = {'upperarm': 130.0, 'upperleg': 100.0}
"""Largest twist of the upper limbs against the shortest way from the rest pose."""


_LIMITED = tuple(
    (bone, limit)
    for name, limit in TURN_DEG.items()
    for bone in (name, f'{name}.L', f'{name}.R')
)
_BALLS = (
    ('upperarm01', 'lowerarm01', SHOULDER_CONES),
    ('upperleg01', 'lowerleg01', HIP_CONES),
)
_EYE = np.eye(3)


def violations(poser: Poser) -> dict[str, float]:
    """Return by how many degrees bones exceed their limits; none for a good pose."""
    found = {}
    for side in 'LR':
        for joint, child, cones in _BALLS:
            found[f'{joint}.{side}'] = _cone_excess(poser, side, joint, child, cones)
            found[f'{joint[:-2]}02.{side}'] = _twist_excess(poser, side, joint[:-2])
        for joint, (low, high) in HINGE_DEG.items():
            angle = flexion(poser, joint, side)
            found[f'{joint}.{side}'] = max(low - angle, angle - high)
        low, high = FOREARM_DEG
        axis = poser.rest(f'lowerarm01.{side}', f'wrist.{side}')
        half = poser.pose.rotations.get(f'lowerarm02.{side}', _EYE)
        twist = 2 * sign(side) * math.degrees(swing_twist(half, axis)[1])
        found[f'lowerarm02.{side}'] = max(low - twist, twist - high)
    for bone, limit in _LIMITED:
        if bone in poser.pose.rotations:
            found[bone] = _turn(poser.pose.rotations[bone]) - limit
    # degrees of rounding are no violation
    return {bone: excess for bone, excess in found.items() if excess > 1e-6}


def clamp(poser: Poser) -> None:
    """Bring every limited joint back to its limit, in place.

    Bones are taken from the trunk outwards; a limb's children keep their rotations
    relative to it.
    """
    rotations = poser.pose.rotations
    for bone, limit in _LIMITED:
        if bone in rotations:
            rotations[bone] = _shorten(rotations[bone], limit)
    for side in 'LR':
        for joint, child, cones in _BALLS:
            _clamp_ball(poser, side, joint, child, cones)
        for joint in HINGE_DEG:
            _clamp_hinge(poser, joint, side)
        bone = f'lowerarm02.{side}'
        if bone in rotations:
            axis = poser.rest(f'lowerarm01.{side}', f'wrist.{side}')
            twist = sign(side) * swing_twist(rotations[bone], axis)[1]
            low, high = (0.5 * math.radians(angle) for angle in FOREARM_DEG)
            twist = min(max(twist, low), high)
            rotations[bone] = about(axis, sign(side) * twist)


def flexion(poser: Poser, joint: str, side: str) -> float:
    """Return the degrees between a hinge's bones: 'lowerarm01' or 'lowerleg01'."""
    upper, end = _ends(joint)
    first = poser.rest(f'{upper}.{side}', f'{joint}.{side}')
    second = poser.rest(f'{joint}.{side}', f'{end}.{side}')
    turned = poser.pose.rotations.get(f'{joint}.{side}', _EYE) @ second
    # the helper bone between turns about the first one, which changes no angle
    return _degrees(first.dot(turned) / norm(first) / norm(turned))


def _ends(joint: str) -> tuple[str, str]:
    if joint == 'lowerarm01':
        return 'upperarm01', 'wrist'
    return 'upperleg01', 'foot'


def _degrees(cosine: float) -> float:
    """Return the angle of a cosine that rounding may have brought beyond 1."""
    return math.degrees(math.acos(min(max(cosine, -1.0), 1.0)))


def _turn(rotation: np.ndarray) -> float:
    return _degrees((rotation[0, 0] + rotation[1, 1] + rotation[2, 2] - 1) / 2)


def _shorten(rotation: np.ndarray, limit: float) -> np.ndarray:
    """Return the rotation with at most ``limit`` degrees about its axis."""
    if _turn(rotation) <= limit:
        # half a turn: its axis is not told by these
        return rotation
    axis = np.array(
        [
            rotation[2, 1] - rotation[1, 2],
            rotation[0, 2] - rotation[2, 0],
            rotation[1, 0] - rotation[0, 1],
        ]
    )
    if norm(axis) < 1e-9:
        return np.eye(3)
    return about(axis, math.radians(limit))


def _direction(poser: Poser, side: str, joint: str, child: str) -> np.ndarray:
    """Return the limb's direction in its parent's axes, mirrored to the left."""
    rest = poser.rest(f'{joint}.{side}', f'{child}.{side}')
    way = poser.pose.rotations.get(f'{joint}.{side}', _EYE) @ rest
    return unit(way) * (sign(side), 1.0, 1.0)


def _cone_excess(
    poser: Poser, side: str, joint: str, child: str, cones: tuple
) -> float:
    return max(_intrusion(_direction(poser, side, joint, child), cones), 0.0)


def _intrusion(way: np.ndarray, cones: tuple) -> float:
    """Return how many degrees a direction is inside the cone that it is deepest in."""
    x, y, z = unit(way).tolist()
    return max(
        angle - _degrees((x * a + y * b + z * c) / math.hypot(a, b, c))
        for (a, b, c), angle in cones
    )


def _twist_excess(poser: Poser, side: str, limb: str) -> float:
    child = {'upperarm': 'lowerarm01', 'upperleg': 'lowerleg01'}[limb]
    axis = poser.rest(f'{limb}01.{side}', f'{child}.{side}')
    total = 0.0
    for bone in (f'{limb}01.{side}', f'{limb}02.{side}'):
        if bone in poser.pose.rotations:
            total += swing_twist(poser.pose.rotations[bone], axis)[1]
    return abs(math.degrees(total)) - TWIST_DEG[limb]


def _clamp_ball(poser: Poser, side: str, joint: str, child: str, cones: tuple) -> None:
    bone = f'{joint}.{side}'
    if bone not in poser.pose.rotations:
        return
    way = _direction(poser, side, joint, child)
    goal = _nearest_allowed(way, cones, SAFE[joint])
    mirror = np.array([sign(side), 1, 1])
    turn = swing(way * mirror, goal * mirror) @ poser.pose.rotations[bone]
    limb = joint[:-2]
    axis = poser.rest(bone, f'{child}.{side}')
    shortest, first = swing_twist(turn, axis)
    helper = f'{limb}02.{side}'
    second = 0.0
    if helper in poser.pose.rotations:
        second = swing_twist(poser.pose.rotations[helper], axis)[1]
    limit = math.radians(TWIST_DEG[limb])
    total = min(max(first + second, -limit), limit)
    poser.pose.rotations[bone] = shortest @ about(axis, total / 2)
    poser.pose.rotations[helper] = about(axis, total / 2)


def _nearest_allowed(way: np.ndarray, cones: tuple, safe: np.ndarray) -> np.ndarray:
    """Return the first direction out of all cones from ``way`` to ``safe``."""
    if _intrusion(way, cones) <= 0:
        return way
    axis = cross(way, safe)
    # opposite directions: any axis leads there
    if norm(axis) < 1e-6:
        axis = np.array([1.0, 0.0, 0.0])
    whole = math.radians(_degrees(way.dot(safe) / norm(safe)))
    # fifty small steps: cones overlap, so the nearest edge may lie in another
    for share in np.linspace(0.02, 1.0, 50):
        goal = about(axis, share * whole) @ way
        if _intrusion(goal, cones) <= 0:
            return goal
    return unit(safe)


def _clamp_hinge(poser: Poser, joint: str, side: str) -> None:
    bone = f'{joint}.{side}'
    if bone not in poser.pose.rotations:
        return
    high = HINGE_DEG[joint][1]
    angle = flexion(poser, joint, side)
    if angle <= high:
        return
    upper, end = _ends(joint)
    first = poser.rest(f'{upper}.{side}', bone)
    second = poser.pose.rotations[bone] @ poser.rest(bone, f'{end}.{side}')
    # a hair more, so that rounding does not leave it outside
    back = about(cross(second, first), math.radians(angle - high + 1e-4))
    poser.pose.rotations[bone] = back @ poser.pose.rotations[bone]
