"""Gestures: what arms and hands do, given the stance.

Directions in the tables are in the chest's frame of the left arm: x outwards, y back,
z up; they are mirrored for the right.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sapiens_mm.synth.core.rig import cross, norm, unit
from sapiens_mm.synth.posing.hands import shape_hand
from sapiens_mm.synth.posing.limbs import (
    FRONT,
    LEFT,
    UP,
    Poser,
    aim_arm,
    bend_wrist,
    orient_hand,
    raise_clavicle,
    reach_arm,
    sign,
)

Contact = Callable[[str], tuple[np.ndarray, np.ndarray]]
"""Gives point and outward normal of a place ('hip.L') in the pose so far."""


@dataclass(frozen=True)
class Touch:
    """A hand laid on the body.

    Attributes:
        place: Name of the place, without side.
        fingers: Where the fingers point, see the file's frame.
        elbow: Where the elbow points.
        gap: Metres from the skin to the palm's middle.
        shape: Shape of the hand.
        other: Whether the place is on the other side of the body.
        facing: Where the palm faces; towards the skin if None.
    """

    place: str
    fingers: tuple[float, float, float]
    elbow: tuple[float, float, float]
    gap: float = 0.034
    shape: str = 'relaxed'
    other: bool = False
    facing: tuple[float, float, float] | None = None


TOUCHES: dict[str, tuple[Touch, ...]] = {
    'hip': (
        Touch('hip', (-0.3, -1, -0.45), (1, 0.35, 0)),
        Touch('hip', (-0.25, 1, -0.3), (1, -0.1, 0), shape='grip'),
        Touch('hip', (-0.6, -1, -0.1), (1, 0.6, 0), 0.04, 'fist'),
    ),
    'pocket': (Touch('side_pocket', (0.0, -0.2, -1), (0.7, 0.7, 0), 0.04),),
    'thigh': (
        Touch('thigh', (-0.35, -1, -0.3), (1, 0.5, -0.2)),
        Touch('thigh_low', (-0.3, -1, -0.2), (1, 0.4, -0.4)),
        Touch('knee', (-0.1, -1, -0.6), (1, 0.2, -0.4), shape='grip'),
    ),
    'chin': (
        Touch('chin', (-0.4, -0.2, 1), (0.35, -0.25, -1), 0.03, 'pinch'),
        Touch(
            'chin', (-0.2, 0, 1), (0.35, -0.4, -1), 0.05, 'fist', False, (-1, 0.4, 0)
        ),
    ),
    'cheek': (Touch('cheek', (-0.1, 0.25, 1), (0.5, -0.4, -1)),),
    'ear': (Touch('ear', (-0.2, 0.1, 1), (0.6, -0.2, -1), 0.045, 'grip'),),
    'forehead': (Touch('forehead', (-1, -0.1, 0.5), (0.8, -0.6, -0.3)),),
    'crown': (Touch('crown', (-0.6, 0.5, 0.2), (1, -0.2, 0.3)),),
    'nape': (
        Touch('nape', (-1, 0.3, 0.1), (0.9, -0.5, 0.5)),
        Touch('head_back', (-1, 0.3, 0.2), (1, -0.2, 0.5)),
    ),
    'chest': (
        Touch('chest', (-1, -0.1, 0.15), (0.6, 0, -1), 0.036, 'flat', True),
        Touch('chest', (-0.6, -0.1, 0.8), (0.5, 0, -1)),
    ),
    'belly': (Touch('belly', (-1, -0.2, -0.05), (0.8, 0.3, -0.6)),),
    'shoulder': (Touch('shoulder', (-0.6, 0.9, 0.1), (0.3, -1, -0.5), other=True),),
    'biceps': (Touch('arm_outer', (-1, 0.35, 0), (0.5, -0.3, -1), other=True),),
    'back': (Touch('lower_back', (-0.9, 0.1, -0.2), (1, 0.5, 0), 0.04),),
}
"""Ways to touch, by the name of the gesture."""


def _local(poser: Poser, side: str, way: tuple[float, float, float]) -> np.ndarray:
    """Bring a direction of the tables to the world."""
    mirrored = np.array(way, float) * [sign(side), 1, 1]
    return poser.world('spine01') @ mirrored


def touch(
    poser: Poser, side: str, rng: np.random.Generator, how: Touch, contact: Contact
) -> float:
    """Lay a hand on the body; returns by how many metres the palm misses the place."""
    owner = side if not how.other else 'LR'[side == 'L']
    point, normal = contact(f'{how.place}.{owner}')
    fingers = _local(poser, side, how.fingers) + rng.normal(0, 0.12, 3)
    facing = -normal if how.facing is None else _local(poser, side, how.facing)
    if how.facing is None:  # along the skin
        fingers = fingers - 0.8 * (fingers @ normal) * normal
    fingers = unit(fingers)
    middle = point + normal * how.gap
    elbow = _local(poser, side, how.elbow) + rng.normal(0, 0.15, 3)
    knuckle = poser.rest(f'wrist.{side}', f'finger3-1.{side}') * 0.8
    # the palm, not the wrist, meets the place
    reach_arm(poser, side, middle - fingers * norm(knuckle), elbow)
    orient_hand(poser, side, facing, fingers)
    shape_hand(poser, side, how.shape, rng, rng.uniform(0.8, 1.1))
    turn, wrist = poser.transform(f'wrist.{side}')
    return norm(wrist + turn @ knuckle - middle)


def hang(
    poser: Poser,
    side: str,
    rng: np.random.Generator,
    spread: float,
    swing: float = 0.0,
    bend: float | None = None,
) -> None:
    """Let an arm hang.

    Args:
        poser: Changed in place.
        side: 'L' or 'R'.
        rng: For variation.
        spread: Degrees away from the body.
        swing: Degrees forward, for walking.
        bend: Degrees of the elbow; drawn if None.
    """
    chest = poser.world('spine01')
    out, ahead = np.deg2rad(spread), np.deg2rad(swing + rng.normal(2, 5))
    # gravity: halfway between the chest's down and the world's
    down = chest @ -UP
    # not for one who lies or hangs head down
    if down[2] < -0.3:
        down = down + 0.8 * -UP
    s = sign(side)
    upper = unit(down)
    upper = upper + np.tan(out) * s * (chest @ LEFT) + np.tan(ahead) * (chest @ FRONT)
    upper = unit(upper)
    heading = chest @ (FRONT - 0.35 * s * LEFT)
    hinge = cross(upper, heading)
    angle = np.deg2rad(abs(rng.normal(20, 9)) + 4 if bend is None else bend)
    sideways = unit(cross(hinge, upper))
    fore = np.cos(angle) * upper + np.sin(angle) * sideways
    raise_clavicle(poser, side, upper)
    aim_arm(poser, side, upper, fore, hinge)
    roll = np.deg2rad(rng.normal(18, 16))
    bend_wrist(poser, side, roll, rng.normal(0.08, 0.14), rng.normal(0, 0.08))


def free(poser: Poser, side: str, rng: np.random.Generator, kind: str) -> None:
    """An arm in the air: 'reach', 'wave', 'point', 'lift', 'carry', 'phone', 't', 'a'.

    Args:
        poser: Changed in place.
        side: 'L' or 'R'.
        rng: For variation.
        kind: What the arm does.
    """
    upper, bend, plane, shape, roll = _FREE[kind](rng)
    upper = unit(_local(poser, side, tuple(upper)))
    plane = _local(poser, side, tuple(plane))
    hinge = unit(cross(upper, plane))
    across = cross(hinge, upper)
    fore = np.cos(bend) * upper + np.sin(bend) * across
    raise_clavicle(poser, side, upper)
    aim_arm(poser, side, upper, fore, hinge)
    bend_wrist(poser, side, roll, rng.normal(0, 0.25), rng.normal(0, 0.12))
    shape_hand(poser, side, shape, rng, rng.uniform(0.7, 1.1))


def _reach(rng: np.random.Generator) -> tuple:
    height, way = rng.uniform(-0.9, 0.95), np.deg2rad(rng.uniform(-5, 105))
    flat = np.sqrt(1 - height**2)
    upper = (flat * np.cos(way), -flat * np.sin(way), height)
    plane = (-0.4, -1, 0.4 * rng.random())
    if height > 0.3:
        plane = (-0.5, -0.3, 1)
    shape = ('relaxed', 'spread', 'grip', 'flat', 'claw')[rng.integers(5)]
    return upper, rng.uniform(0.03, 1.9), plane, shape, rng.uniform(-0.9, 1.2)


def _wave(rng: np.random.Generator) -> tuple:
    upper = (0.75, -rng.uniform(0.1, 0.6), rng.uniform(-0.55, 0.4))
    plane = (rng.uniform(-0.3, 0.5), -0.25, 1)
    shape = ('spread', 'flat', 'peace', 'relaxed')[rng.integers(4)]
    return upper, rng.uniform(1.2, 1.9), plane, shape, rng.uniform(0.4, 1.2)


def _point(rng: np.random.Generator) -> tuple:
    upper = (rng.uniform(-0.2, 0.9), -1, rng.uniform(-0.4, 0.6))
    return (
        upper,
        rng.uniform(0.05, 0.4),
        (-0.3, -0.2, 1),
        'point',
        rng.uniform(0.2, 1.3),
    )


def _lift(rng: np.random.Generator) -> tuple:
    upper = (rng.uniform(0.15, 0.8), -rng.uniform(-0.1, 0.4), 1)
    shape = ('spread', 'fist', 'flat', 'relaxed')[rng.integers(4)]
    return upper, rng.uniform(0.05, 0.8), (-0.6, -0.4, 0.3), shape, rng.uniform(-0.4, 1)


def _carry(rng: np.random.Generator) -> tuple:
    upper = (rng.uniform(0.08, 0.35), -rng.uniform(-0.2, 0.5), -1)
    shape = ('grip', 'fist', 'relaxed', 'pinch', 'thumb')[rng.integers(5)]
    plane = (rng.uniform(-0.35, 0.25), -1, 0.2)
    return upper, rng.uniform(1.1, 1.9), plane, shape, rng.uniform(-0.9, 0.9)


def _phone(rng: np.random.Generator) -> tuple:
    upper = (rng.uniform(0.05, 0.25), -rng.uniform(0.1, 0.5), -1)
    plane = (-rng.uniform(0.25, 0.6), -1, 0.4)
    return upper, rng.uniform(1.6, 2.1), plane, 'grip', rng.uniform(-0.9, -0.3)


def _t(rng: np.random.Generator) -> tuple:
    upper = (1, -rng.normal(0, 0.06), rng.normal(0, 0.06))
    return upper, rng.uniform(0.02, 0.2), (0, -1, 0), 'flat', rng.uniform(0.5, 1.4)


def _a(rng: np.random.Generator) -> tuple:
    upper = (rng.uniform(0.55, 1.0), -rng.normal(0, 0.08), -1)
    return upper, rng.uniform(0.03, 0.35), (-0.2, -1, 0), 'flat', rng.uniform(0, 0.9)


_FREE = {
    'reach': _reach,
    'wave': _wave,
    'point': _point,
    'lift': _lift,
    'carry': _carry,
    'phone': _phone,
    't': _t,
    'a': _a,
}


def cross_arms(poser: Poser, rng: np.random.Generator, contact: Contact) -> None:
    """Fold both arms in front of the chest, one forearm over the other."""
    over = 'LR'[rng.integers(2)]
    chest = poser.world('spine01')
    breast, ahead = contact('chest.L')
    other, _ = contact('chest.R')
    belly, _ = contact('belly.L')
    middle = (breast + other) / 2
    # a belly that stands out pushes the forearms forward
    depth = max((belly - middle) @ (chest @ FRONT), 0.0)
    middle = middle + (chest @ UP) * rng.uniform(-0.15, -0.1)
    wide = norm(poser.rest('upperarm01.L', 'lowerarm01.L')) * 0.30
    for side in 'LR':
        layer = 0.125 if side == over else 0.055
        inward = -sign(side) * (chest @ LEFT)
        wrist = middle + inward * wide + (chest @ FRONT) * (layer + depth)
        wrist = wrist + (chest @ UP) * (0.02 if side == over else -0.03)
        elbow = -inward - 0.55 * (chest @ UP) + 0.1 * (chest @ FRONT)
        reach_arm(poser, side, wrist, elbow)
        if side == over:
            fingers = inward - 0.5 * (chest @ FRONT) + 0.25 * (chest @ UP)
            orient_hand(poser, side, -(chest @ FRONT), fingers)
            shape_hand(poser, side, 'relaxed', rng, 0.7)
        else:
            orient_hand(poser, side, -(chest @ FRONT), inward + 0.3 * (chest @ UP))
            shape_hand(poser, side, 'flat', rng)
    del ahead


def clasp(poser: Poser, rng: np.random.Generator, low: float, ahead: float) -> None:
    """Hold one hand with the other in front of the body.

    Args:
        poser: Changed in place.
        rng: For variation.
        low: Metres below the shoulders.
        ahead: Metres before the shoulders.
    """
    chest = poser.world('spine01')
    shoulders = (poser.place('upperarm01.L') + poser.place('upperarm01.R')) / 2
    middle = shoulders - low * (chest @ UP) + ahead * (chest @ FRONT)
    over = 'LR'[rng.integers(2)]
    for side in 'LR':
        outward = sign(side) * (chest @ LEFT)
        layer = 0.05 if side == over else 0.0
        wrist = middle + outward * 0.085 + layer * (chest @ FRONT)
        reach_arm(poser, side, wrist, outward - 0.6 * (chest @ UP) - 0.5 * FRONT)
        facing = -(chest @ FRONT) - 0.3 * outward
        orient_hand(poser, side, facing, -outward - 0.5 * (chest @ UP))
        shape_hand(poser, side, 'relaxed', rng, 1.0 if side == over else 0.8)


def support(poser: Poser, side: str, rng: np.random.Generator, ground: float) -> None:
    """Prop the hand on the ground behind or beside a sitting person."""
    chest = poser.world('spine01')
    s = sign(side)
    shoulder = poser.place(f'upperarm01.{side}')
    flat = s * (chest @ LEFT) * rng.uniform(0.08, 0.22)
    flat = flat - (chest @ FRONT) * rng.uniform(0.12, 0.32)
    spot = shoulder + flat
    knuckle = norm(poser.rest(f'wrist.{side}', f'finger3-1.{side}'))
    spot[2] = ground + 0.045
    reach_arm(poser, side, spot, -FRONT + 0.5 * s * LEFT)
    away = flat * [1, 1, 0] / np.linalg.norm(flat[:2]) + 0.4 * s * LEFT
    orient_hand(poser, side, -UP, away * knuckle - 0.02 * UP)
    shape_hand(poser, side, ('flat', 'spread')[rng.integers(2)], rng)
