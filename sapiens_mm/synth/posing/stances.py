"""Stances: what pelvis, spine and legs do. The ground is z = 0.

Each function poses the lower body of a ``Poser`` whose arms are at rest; afterwards the
caller drops the person onto the ground by the lowest point of the skin.
"""

from __future__ import annotations

import numpy as np

from sapiens_mm.synth.core.rig import about, norm
from sapiens_mm.synth.posing.limbs import (
    FRONT,
    LEFT,
    UP,
    Poser,
    aim_leg,
    flatten_foot,
    place_leg,
    sign,
)

SPINE = ('spine05', 'spine04', 'spine03', 'spine02', 'spine01')
NECK = ('neck01', 'neck02', 'neck03', 'head')
SEATS = {'stool': 0.3, 'chair': 0.35, 'box': 0.2, 'table': 0.15}
"""What people sit on -> share."""

# phase of the gait in percent; degrees of hip and knee flexion, ankle dorsiflexion
_GAIT = np.array([0, 6, 12, 25, 40, 50, 62, 72, 85, 95, 100.0])
_WALK = np.array(
    [
        [28, 27, 25, 12, -4, -10, -2, 16, 28, 30, 28],
        [4, 12, 18, 12, 5, 8, 36, 60, 30, 4, 4],
        [0, -4, 0, 6, 10, 4, -16, -4, 2, 2, 0],
    ],
    float,
)
_RUN = np.array(
    [
        [38, 36, 30, 10, -12, -16, 4, 34, 56, 50, 38],
        [18, 34, 40, 28, 18, 34, 92, 104, 72, 28, 18],
        [4, 12, 20, 18, -10, -24, -16, -4, 4, 6, 4],
    ],
    float,
)


# between these percents of the gait a foot pushes off over bent toes
_PUSH_OFF, _TOES_DEG = (45, 66), -28.0
_ON_TOES = 0.13
"""Metres by which an ankle rises on its toes, at most."""

# height of a seat over the length of the legs; from a table they hang
_SEAT_HEIGHTS = {'table': 0.92, 'box': 0.48, 'stool': 0.54, 'chair': 0.54}
_SHIN_ON_KNEE = (86, 96, 30, 64)
"""Degrees of ``_bend_leg`` that lay an ankle on the other knee."""

_LYING = {'back': 0.5, 'front': 0.2, 'side': 0.3}


def bend_spine(poser: Poser, ahead: float, lean: float, twist: float) -> None:
    """Spread degrees of bending ahead, to the left and turning left over the spine."""
    share = np.deg2rad([ahead, lean, twist]) / len(SPINE)
    turn = about(LEFT, share[0]) @ about(FRONT, -share[1]) @ about(UP, share[2])
    for bone in SPINE:
        poser.pose.rotations[bone] = turn


def bend_neck(poser: Poser, nod: float, tilt: float, turn: float) -> None:
    """Spread degrees of nodding, tilting and turning left over neck and head."""
    share = np.deg2rad([nod, tilt, turn]) / len(NECK)
    step = about(UP, share[2]) @ about(LEFT, share[0]) @ about(FRONT, -share[1])
    for bone in NECK:
        poser.pose.rotations[bone] = step


def _legs(poser: Poser) -> tuple[float, float]:
    """Return a leg's length and the height of the ankle above the sole, metres."""
    names = ('upperleg01.L', 'lowerleg01.L', 'foot.L')
    thigh, shin = (
        norm(poser.rest(a, b)) for a, b in zip(names[:-1], names[1:], strict=True)
    )
    toe = poser.rest('foot.L', 'toe2-3.L')
    return thigh + shin, float(-toe[2] + 0.022)


def _set_pelvis(poser: Poser, place: np.ndarray, turn: np.ndarray) -> None:
    """Put the root bone's head at ``place`` (3,) with rotation ``turn`` (3, 3)."""
    poser.pose.root_rotation = turn
    poser.pose.root_shift = np.asarray(place, float) - poser.head('root')


def _bend_leg(
    poser: Poser, side: str, hip: float, knee: float, out: float, roll: float
) -> None:
    """Flex hip and knee by degrees; ``out`` spreads, ``roll`` turns the knee outwards.

    Angles are relative to the pelvis, from a leg that points straight down.
    """
    s = sign(side)
    pelvis = poser.world('root')
    flex, bend, spread, turn = np.deg2rad([hip, knee, out, roll])
    whole = about(FRONT, -s * spread) @ about(LEFT, -flex) @ about(UP, s * turn)
    upper = whole @ -UP
    hinge = whole @ LEFT
    lower = about(hinge, bend) @ upper
    aim_leg(poser, side, pelvis @ upper, pelvis @ lower, pelvis @ hinge)


def _ground_pelvis(
    poser: Poser,
    turn: np.ndarray,
    ankles: dict[str, np.ndarray],
    straight: float,
    shift: float = 0.0,
) -> None:
    """Hang the pelvis where the straighter leg has ``straight`` of its length."""
    length, _ = _legs(poser)
    reach = straight * length
    _set_pelvis(poser, np.array([shift, 0, 0]), turn)
    heights = []
    for side, ankle in ankles.items():
        hip = poser.place(f'upperleg01.{side}')
        flat = np.hypot(*(ankle - hip)[:2])
        # 0.01: a step that is wider than the leg leaves a little height
        heights.append(ankle[2] - hip[2] + np.sqrt(max(reach**2 - flat**2, 0.01)))
    # the leg with less reach decides, or its foot would hang in the air
    poser.pose.root_shift[2] += min(heights)


def stand(poser: Poser, rng: np.random.Generator) -> None:
    """Weight on one leg or both, feet flat, a narrow or wide stance."""
    _, ankle = _legs(poser)
    width = rng.uniform(0.07, 0.2) if rng.random() < 0.7 else rng.uniform(0.2, 0.42)
    step = rng.normal(0, 0.05)
    weight = rng.uniform(-1, 1)
    turn = about(UP, rng.normal(0, 0.12)) @ about(FRONT, 0.09 * weight)
    turn = turn @ about(LEFT, rng.normal(0.02, 0.05))
    ankles = {
        s: np.array([sign(s) * width / 2 + 0.02 * sign(s), sign(s) * step, ankle])
        for s in 'LR'
    }
    # knees are rarely locked, and never bent much
    straight = 1 - 0.012 * rng.random() ** 2
    _ground_pelvis(poser, turn, ankles, straight, 0.4 * width * weight)
    for side, goal in ankles.items():
        out = abs(rng.normal(0.12, 0.1))
        knee = about(UP, sign(side) * out) @ FRONT
        place_leg(poser, side, goal, knee)
        flatten_foot(poser, side, out=rng.normal(0.08, 0.06))
    bend_spine(
        poser, rng.normal(3, 5), -6 * weight + rng.normal(0, 3), rng.normal(0, 8)
    )


def gait(poser: Poser, rng: np.random.Generator, run: bool = False) -> float:
    """A moment of walking or running; returns the phase, in [0, 1)."""
    phase, vigour = rng.random(), rng.uniform(0.75, 1.2)
    curves = _RUN if run else _WALK
    lean = rng.uniform(4, 14) if run else rng.uniform(0, 5)
    _set_pelvis(poser, np.zeros(3), about(LEFT, np.deg2rad(lean)))
    for side, offset in (('L', 0.0), ('R', 0.5)):
        percent = 100 * ((phase + offset) % 1)
        hip, knee, foot = (np.interp(percent, _GAIT, c) * vigour for c in curves)
        _bend_leg(poser, side, hip + lean, max(knee, 2), rng.normal(-2, 1.5), 4)
        if percent < _PUSH_OFF[0] and not run:
            flatten_foot(poser, side, out=0.1)
        else:
            poser.pose.rotations[f'foot.{side}'] = about(LEFT, -np.deg2rad(foot))
            pushes = _PUSH_OFF[0] <= percent < _PUSH_OFF[1]
            toes = np.deg2rad(_TOES_DEG) if pushes else 0.0
            for toe in range(1, 6):
                poser.pose.rotations[f'toe{toe}-1.{side}'] = about(LEFT, toes)
    # the shoulders turn against the pelvis
    swing = np.cos(2 * np.pi * phase)
    bend_spine(poser, rng.normal(2, 3), rng.normal(0, 2), 7 * swing)
    return float(phase)


def lunge(poser: Poser, rng: np.random.Generator) -> None:
    """A wide step in any direction with bent knees: sport, dance."""
    length, ankle = _legs(poser)
    way, span = rng.uniform(-np.pi, np.pi), rng.uniform(0.35, 0.85) * length
    half = about(UP, way) @ LEFT * span / 2
    half = half * np.sign(half[0] if abs(half[0]) > 0.03 else 1.0)
    ankles = {
        'L': half + [0.05, 0, ankle],
        'R': -half + [-0.05, 0, ankle],
    }
    turn = about(UP, rng.normal(0, 0.25)) @ about(LEFT, rng.normal(0.1, 0.12))
    _ground_pelvis(poser, turn, ankles, rng.uniform(0.82, 0.96), rng.normal(0, 0.06))
    for side, goal in ankles.items():
        heading = goal - poser.place(f'upperleg01.{side}')
        knee = about(UP, sign(side) * rng.uniform(0.1, 0.6)) @ FRONT
        lift = 0.0
        if heading[1] > 0.2:  # the leg behind stands on its toes
            lift = min(0.9, heading[1] * 1.6)
            goal = goal + [0, 0, _ON_TOES * np.sin(lift)]
        place_leg(poser, side, goal, knee)
        flatten_foot(poser, side, pitch=lift, out=0.05)
    bend_spine(poser, rng.normal(6, 10), rng.normal(0, 9), rng.normal(0, 14))


def balance(poser: Poser, rng: np.random.Generator) -> None:
    """One leg lifted: a step, a kick, a dance figure, yoga."""
    stand(poser, rng)
    side = 'LR'[rng.integers(2)]
    hip, out = rng.uniform(5, 95), rng.uniform(0, 35)
    _bend_leg(poser, side, hip, rng.uniform(10, 110), out, rng.uniform(0, 30))
    poser.pose.rotations[f'foot.{side}'] = about(LEFT, np.deg2rad(rng.uniform(-5, 30)))


def crouch(poser: Poser, rng: np.random.Generator) -> None:
    """Low on both feet, heels down or lifted."""
    length, ankle = _legs(poser)
    depth = rng.uniform(0.36, 0.66)
    lift = rng.uniform(0.35, 0.7) if depth < 0.5 or rng.random() < 0.4 else 0.0
    width = rng.uniform(0.16, 0.36)
    place = np.array([rng.normal(0, 0.02), rng.uniform(0.06, 0.16), depth * length])
    _set_pelvis(poser, place, about(LEFT, rng.uniform(0.15, 0.5)))
    step = rng.normal(0, 0.08)
    for side in 'LR':
        s = sign(side)
        rise = _ON_TOES * np.sin(lift)
        goal = np.array([s * width / 2, s * step + 0.05, ankle + rise])
        place_leg(poser, side, goal, about(UP, s * rng.uniform(0.15, 0.6)) @ FRONT)
        flatten_foot(poser, side, pitch=lift, out=0.05)
    bend_spine(poser, rng.uniform(5, 38), rng.normal(0, 4), rng.normal(0, 8))


def kneel(poser: Poser, rng: np.random.Generator) -> None:
    """On one knee or on both, upright or sitting back on the heels."""
    tuck = np.deg2rad(rng.uniform(25, 40))
    front = None if rng.random() < 0.45 else 'LR'[rng.integers(2)]
    back = rng.uniform(50, 80) if front is None and rng.random() < 0.5 else 0.0
    _set_pelvis(poser, np.zeros(3), about(LEFT, np.deg2rad(rng.uniform(0, 8))))
    for side in 'LR':
        out = rng.uniform(3, 12)
        if side == front:
            _bend_leg(poser, side, rng.uniform(80, 92), rng.uniform(84, 96), out, 6)
            flatten_foot(poser, side)
            continue
        hip = back + rng.uniform(-4, 8)
        _bend_leg(poser, side, hip, 88 + min(back * 0.95, 50), out, 4)
        foot = -tuck if back else np.deg2rad(rng.uniform(-28, 40))
        poser.pose.rotations[f'foot.{side}'] = about(LEFT, abs(foot))
    bend_spine(poser, rng.uniform(-2, 16), rng.normal(0, 4), rng.normal(0, 8))


def sit(poser: Poser, rng: np.random.Generator, seat: str) -> None:
    """Sit on something, feet on the ground, legs crossed, apart or hanging."""
    length, ankle = _legs(poser)
    lean = np.deg2rad(rng.normal(-6, 7))
    if seat == 'chair':
        lean = np.deg2rad(rng.uniform(-16, 0))
    height = _SEAT_HEIGHTS[seat] * length + 0.08
    height *= rng.uniform(0.94, 1.1)
    _set_pelvis(poser, np.array([0, 0, height]), about(LEFT, lean))
    apart = rng.uniform(0.12, 0.5)
    crossed = 'LR'[rng.integers(2)] if rng.random() < 0.22 else None
    for side in 'LR':
        s = sign(side)
        if seat == 'table':
            _bend_leg(poser, side, 82 + np.rad2deg(lean), rng.uniform(62, 96), 4, 4)
            poser.pose.rotations[f'foot.{side}'] = about(LEFT, rng.uniform(0, 0.5))
            continue
        hip = poser.place(f'upperleg01.{side}')
        ahead = -0.49 * length + rng.normal(-0.02, 0.09)
        goal = np.array([s * apart / 2 + 0.06 * s, hip[1] + ahead, ankle])
        if crossed:
            goal[0] = 0.05 * s
        knee = UP * 0.9 + FRONT + s * LEFT * rng.uniform(0, 0.35) * (crossed is None)
        place_leg(poser, side, goal, knee)
        flatten_foot(poser, side, out=rng.normal(0.08, 0.08))
    if crossed:
        _cross_legs(poser, crossed, rng)
    ahead = rng.normal(6, 7) if seat != 'stool' else rng.uniform(2, 34)
    bend_spine(
        poser, ahead - np.rad2deg(lean) * 0.7, rng.normal(0, 4), rng.normal(0, 7)
    )


def _cross_legs(poser: Poser, side: str, rng: np.random.Generator) -> None:
    """Lay one leg over the other: knee over knee, or the ankle on the knee."""
    if rng.random() < 0.5:
        _bend_leg(poser, side, 106, rng.uniform(96, 112), -19, -6)
    else:
        _bend_leg(poser, side, *_SHIN_ON_KNEE)
    poser.pose.rotations[f'foot.{side}'] = about(LEFT, rng.uniform(0.1, 0.5))


def sit_ground(poser: Poser, rng: np.random.Generator) -> str:
    """Sit on the ground; returns 'crossed', 'knees_up' or 'legs_out'."""
    kind = ('crossed', 'knees_up', 'legs_out')[rng.integers(3)]
    lean = {'crossed': rng.uniform(-8, 4), 'knees_up': rng.uniform(-16, -2)}.get(
        kind, rng.uniform(-26, -8)
    )
    _set_pelvis(poser, np.zeros(3), about(LEFT, np.deg2rad(lean)))
    under = rng.integers(2)
    for i, side in enumerate('LR'):
        if kind == 'crossed':
            hip = 74 + 9 * (i == under) + lean
            _bend_leg(poser, side, hip, 112 - 8 * (i == under), 38, 52)
            poser.pose.rotations[f'foot.{side}'] = about(LEFT, rng.uniform(0.3, 0.7))
            continue
        knee = rng.uniform(84, 118) if kind == 'knees_up' else rng.uniform(2, 35)
        if kind == 'legs_out' and rng.random() < 0.35:
            knee = rng.uniform(80, 110)
        # the heel rests on the ground, as low as the seat
        hip = 90 + lean + _heel_lift(poser, knee)
        _bend_leg(poser, side, hip, knee, rng.uniform(2, 12), rng.uniform(0, 12))
        if knee > 60:
            flatten_foot(poser, side)
        else:
            turn = about(LEFT, rng.uniform(0.0, 0.35))
            poser.pose.rotations[f'foot.{side}'] = turn
    bend_spine(
        poser, rng.uniform(4, 18) - 0.5 * lean, rng.normal(0, 3), rng.normal(0, 6)
    )
    return kind


def _heel_lift(poser: Poser, knee: float) -> float:
    """Return degrees by which the thigh rises when the knee bends on the ground."""
    thigh = norm(poser.rest('upperleg01.L', 'lowerleg01.L'))
    shin = norm(poser.rest('lowerleg01.L', 'foot.L'))
    bend = np.deg2rad(knee)
    return float(
        np.rad2deg(np.arctan2(shin * np.sin(bend), thigh + shin * np.cos(bend)))
    )


def lie(poser: Poser, rng: np.random.Generator) -> str:
    """Lie on the ground; returns 'back', 'front' or 'side'."""
    kind = str(rng.choice(list(_LYING), p=list(_LYING.values())))
    turn = about(LEFT, -np.pi / 2) if kind == 'back' else about(LEFT, np.pi / 2)
    if kind == 'side':
        turn = about(LEFT, -np.pi / 2) @ about(UP, np.pi / 2 * 0.96)
    _set_pelvis(poser, np.zeros(3), about(UP, rng.uniform(-np.pi, np.pi)) @ turn)
    for side in 'LR':
        knee = rng.uniform(0, 25) if kind != 'side' else rng.uniform(15, 80)
        hip = 0.0 if kind == 'front' else 0.55 * knee
        if kind == 'back' and rng.random() < 0.35:
            knee = rng.uniform(60, 100)
            hip = _heel_lift(poser, knee)
        if kind == 'front':
            knee = rng.uniform(0, 60) if rng.random() < 0.3 else rng.uniform(0, 8)
        _bend_leg(poser, side, hip, knee, rng.uniform(0, 9), rng.uniform(0, 14))
        poser.pose.rotations[f'foot.{side}'] = about(LEFT, rng.uniform(0.2, 0.7))
    bend_spine(poser, rng.normal(4, 4), rng.normal(0, 4), rng.normal(0, 5))
    return kind
