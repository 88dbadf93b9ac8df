"""Hand shapes: flexion of every finger joint."""

from __future__ import annotations

import math

import numpy as np

from sapiens_mm.synth.core.rig import about, cross
from sapiens_mm.synth.posing.limbs import Poser, palm, sign

FINGER_DEG = ((-15.0, 92.0), (0.0, 108.0), (0.0, 80.0))
"""Flexion limits of the knuckle, middle and end joints."""

# degrees: knuckle, middle, end of index, middle, ring, little; spread between
# neighbours; thumb: across the palm, knuckle, end
SHAPES: dict[str, tuple[tuple[tuple[float, float, float], ...], float, tuple]] = {
    'relaxed': (
        ((18, 26, 14), (24, 32, 18), (28, 36, 20), (30, 36, 20)),
        3,
        (8, 12, 14),
    ),
    'flat': (((2, 3, 2), (0, 2, 2), (0, 2, 2), (2, 4, 2)), 3, (-4, 4, 2)),
    'spread': (((-4, 4, 2), (-2, 3, 2), (-2, 4, 2), (-3, 5, 2)), 13, (-22, -6, 0)),
    'fist': (
        ((64, 88, 42), (66, 92, 44), (68, 92, 44), (70, 88, 42)),
        -1,
        (34, 30, 40),
    ),
    'point': (((2, 6, 4), (64, 90, 42), (68, 92, 44), (70, 88, 42)), 0, (30, 30, 38)),
    'peace': (((0, 4, 2), (-2, 4, 2), (66, 92, 44), (70, 88, 42)), 9, (34, 32, 40)),
    'thumb': (
        ((64, 88, 42), (66, 92, 44), (68, 92, 44), (70, 88, 42)),
        -1,
        (-34, -8, -6),
    ),
    'grip': (((42, 54, 30), (46, 58, 32), (48, 58, 32), (50, 56, 30)), 1, (26, 18, 22)),
    'pinch': (
        ((40, 44, 22), (30, 34, 18), (24, 28, 14), (18, 24, 12)),
        4,
        (28, 22, 18),
    ),
    'claw': (((6, 46, 36), (4, 48, 36), (6, 48, 36), (8, 46, 36)), 8, (-10, 14, 22)),
}


def shape_hand(
    poser: Poser,
    side: str,
    shape: str,
    rng: np.random.Generator,
    strength: float = 1.0,
) -> None:
    """Bend the fingers into a named shape with personal variation.

    Args:
        poser: Changed in place.
        side: 'L' or 'R'.
        shape: One of ``SHAPES``.
        rng: For the variation.
        strength: 1 is the shape, 0 a flat hand.

    Raises:
        ValueError: If there is no such shape.
    """
    if shape not in SHAPES:
        raise ValueError(f'no hand shape {shape!r}; there are {sorted(SHAPES)}')
    flexion, spread, thumb = SHAPES[shape]
    normal, fingers = palm(poser, side)
    s = sign(side)
    common = rng.normal(0, 4)
    for k in range(4):
        finger = k + 2
        way = poser.rest(f'finger{finger}-1.{side}', f'finger{finger}-3.{side}')
        across = cross(way, normal)
        # 1.5 - k: neighbours part from the middle of the four
        apart = (1.5 - k) * (spread + rng.normal(0, 1.2)) * strength
        varied = rng.normal(0, 3, 3).tolist()
        for j, (low, high) in enumerate(FINGER_DEG):
            wanted = flexion[k][j] * strength + common + varied[j]
            turn = about(across, math.radians(min(max(wanted, low), high)))
            if j == 0:
                # spread at the knuckle alone; the other joints are hinges
                turn = about(normal, -s * math.radians(apart)).dot(turn)
            poser.pose.rotations[f'finger{finger}-{j + 1}.{side}'] = turn
    degrees = [
        t * strength + v for t, v in zip(thumb, rng.normal(0, 3, 3), strict=True)
    ]
    _bend_thumb(poser, side, normal, fingers, degrees)


def _bend_thumb(
    poser: Poser,
    side: str,
    normal: np.ndarray,
    fingers: np.ndarray,
    degrees: list[float],
) -> None:
    """Swing the thumb across the palm, then flex its two joints."""
    outwards, knuckle, end = map(math.radians, degrees)
    s = sign(side)
    poser.pose.rotations[f'finger1-1.{side}'] = about(fingers, s * outwards)
    way = poser.rest(f'finger1-1.{side}', f'finger1-3.{side}')
    bend = cross(way, normal + s * cross(fingers, normal))
    poser.pose.rotations[f'finger1-2.{side}'] = about(bend, knuckle)
    poser.pose.rotations[f'finger1-3.{side}'] = about(bend, end)
