"""Poses of people: stances and gestures within the joints' limits.

``sample_pose`` draws a stance, then gestures for the arms until the body does not run
through itself, and sets the person on the ground, z = 0.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sapiens_mm.synth.core.asset import PARTS
from sapiens_mm.synth.core.rig import Pose, about, forward
from sapiens_mm.synth.posing import stances
from sapiens_mm.synth.posing.bvh import Motion, read_bvh, retarget
from sapiens_mm.synth.posing.contacts import contact
from sapiens_mm.synth.posing.gestures import (
    TOUCHES,
    clasp,
    cross_arms,
    free,
    hang,
    support,
    touch,
)
from sapiens_mm.synth.posing.hands import SHAPES, shape_hand
from sapiens_mm.synth.posing.limbs import FRONT, UP, Poser
from sapiens_mm.synth.posing.limits import clamp, violations
from sapiens_mm.synth.posing.penetration import lowest, penetration, rest_normals

if TYPE_CHECKING:
    from sapiens_mm.synth.body.body import Body, Rest
    from sapiens_mm.synth.core.asset import Asset
    from sapiens_mm.synth.scene_settings import SceneSettings

_LEGS = tuple(part for part in PARTS if part.endswith(('Leg', 'Foot')))

TRIES = 10
"""Gestures drawn per stance before the arms are left hanging."""


def sample_pose(rest: Rest, rng: np.random.Generator, settings: SceneSettings) -> Pose:
    """Draw a pose for a shaped body.

    Args:
        rest: From ``shape_body``.
        rng: Where the randomness comes from.
        settings: ``stances``, ``gestures``, ``motions`` and ``motion`` are read.

    Returns:
        A pose whose lowest point is at z = 0 and whose root is over x = y = 0, facing
        -y but for small turns. ``kind`` is the stance, for sitting 'sit:chair' and so
        on.
    """
    normals = rest_normals(rest.asset, rest.vertices)
    if settings.motions and rng.random() < settings.motion:
        pose = _captured(rest, normals, rng, settings)
        if pose is not None:
            return pose
    for _ in range(4):
        poser, stance = _stance(rest, rng, settings)
        strained = any('leg' in bone for bone in violations(poser))
        if not strained and _too_deep(rest, normals, poser.pose, legs=True) <= 0:
            break
    else:
        poser, stance = _start(rest, 'stand'), 'stand'
        stances.stand(poser, np.random.default_rng(0))
    _drop(rest, poser.pose)
    before = dict(poser.pose.rotations)
    best: tuple[float, dict] | None = None
    for attempt in range(TRIES):
        poser.pose.rotations = dict(before)
        _gesture(rest, normals, poser, stance, rng, settings, attempt)
        deep = _too_deep(rest, normals, poser.pose, legs=False)
        deep += 0.01 * max(violations(poser).values(), default=0.0)
        if best is None or deep < best[0]:
            best = (deep, poser.pose.rotations)
        if deep <= 0:
            break
    poser.pose.rotations = best[1]
    # the best of all tries may still be out of range
    clamp(poser)
    _drop(rest, poser.pose)
    return poser.pose


@lru_cache(maxsize=4)
def _motions(folder: str) -> tuple[Motion, ...]:
    """Read all BVH files of a folder, in the order of their names."""
    files = sorted(Path(folder).glob('*.bvh'))
    if not files:
        raise ValueError(f'setting motions is {folder!r}; no .bvh file is there')
    return tuple(read_bvh(file) for file in files)


def _captured(
    rest: Rest, normals: np.ndarray, rng: np.random.Generator, settings: SceneSettings
) -> Pose | None:
    """Draw a frame of motion capture; None if it runs through the body again and again.

    The heading is taken out, so that the person faces -y.
    """
    motions = _motions(settings.motions)
    for _ in range(4):
        motion = motions[rng.integers(len(motions))]
        pose = retarget(motion, int(rng.integers(len(motion.frames))), rest)
        ahead = pose.root_rotation @ FRONT
        # lying people have no heading
        if np.hypot(*ahead[:2]) > 0.3:
            yaw = np.arctan2(ahead[0], -ahead[1])
            pose.root_rotation = about(UP, -yaw) @ pose.root_rotation
        poser = _start(rest, 'bvh')
        poser.pose = pose
        for side in 'LR':
            shape_hand(poser, side, 'relaxed', rng, rng.uniform(0.4, 1.1))
        if _too_deep(rest, normals, pose, legs=False) <= 0:
            return grounded(rest, pose)
    return None


def penetrates(body: Body) -> bool:
    """Return whether a posed body runs through itself."""
    normals = rest_normals(body.asset, body.rest)
    return bool(penetration(body.asset, body.rest, normals, body.bone_world))


def grounded(rest: Rest, pose: Pose) -> Pose:
    """Shift a pose, in place, so that the skin's lowest point is at z = 0."""
    _drop(rest, pose)
    return pose


def _start(rest: Rest, kind: str) -> Poser:
    asset = rest.asset
    return Poser(asset.bone_names, asset.bone_parents, rest.heads, kind)


def _bones(rest: Rest, pose: Pose) -> np.ndarray:
    asset = rest.asset
    return forward(asset.bone_names, asset.bone_parents, rest.heads, pose)


def _too_deep(rest: Rest, normals: np.ndarray, pose: Pose, legs: bool) -> float:
    """Return by how many metres legs, or anything, run through the body."""
    parts = _LEGS if legs else PARTS
    bones = _bones(rest, pose)
    found = penetration(rest.asset, rest.vertices, normals, bones, parts)
    return max(found.values(), default=0.0)


def _drop(rest: Rest, pose: Pose) -> None:
    """Shift the person so that the skin's lowest point is at z = 0."""
    ids = _skin_ids(rest.asset)
    skin = (rest.asset.skin_index, rest.asset.skin_weight, _bones(rest, pose))
    pose.root_shift = pose.root_shift - [0, 0, lowest(rest.vertices, ids, *skin)]


@lru_cache(maxsize=2)
def _skin_ids(asset: Asset) -> np.ndarray:
    return np.unique(asset.faces['body'])


def _stance(
    rest: Rest, rng: np.random.Generator, settings: SceneSettings
) -> tuple[Poser, str]:
    """Draw a stance with spine and neck; arms stay at rest."""
    name = settings.choose('stances', rng)
    poser = _start(rest, name)
    if name in ('walk', 'run'):
        phase = stances.gait(poser, rng, name == 'run')
        name = f'{name}:{phase:.3f}'
    elif name == 'sit':
        seat = str(rng.choice(list(stances.SEATS), p=list(stances.SEATS.values())))
        stances.sit(poser, rng, seat)
        name = f'sit:{seat}'
    elif name in ('sit_ground', 'lie'):
        name = f'{name}:{getattr(stances, name)(poser, rng)}'
    else:
        getattr(stances, name)(poser, rng)
    poser.pose.kind = name
    # a neck that lies on the ground turns less
    calm = 0.5 if name.startswith('lie') else 1.0
    turn = np.clip(rng.normal(0, 22), -62, 62) * calm
    stances.bend_neck(poser, rng.normal(3, 10) * calm, rng.normal(0, 6), turn)
    return poser, name


def _gesture(
    rest: Rest,
    normals: np.ndarray,
    poser: Poser,
    stance: str,
    rng: np.random.Generator,
    settings: SceneSettings,
    attempt: int,
) -> None:
    """Pose both arms; later attempts keep clear of the body."""
    name = settings.choose('gestures', rng)
    kind, _, detail = stance.partition(':')
    clear = 5 + 3.5 * attempt

    def touching(place: str) -> tuple[np.ndarray, np.ndarray]:
        bones = _bones(rest, poser.pose)
        return contact(rest.asset, rest.vertices, normals, bones, place)

    # hanging arms touch least: the last tries are to succeed
    if attempt >= TRIES - 3:
        name = 'hang'
    if kind in ('walk', 'run') and (name == 'hang' or rng.random() < 0.5):
        _swing_arms(poser, rng, kind, float(detail), clear)
        return
    if kind == 'sit_ground' and detail == 'legs_out' and attempt < 5:
        for side in 'LR':
            support(poser, side, rng, 0.0)
        return
    if kind in ('sit', 'sit_ground', 'crouch', 'kneel') and name in ('hang', 'pocket'):
        name = 'thigh' if attempt < TRIES - 4 and kind != 'crouch' else 'carry'
    if name == 'crossed':
        cross_arms(poser, rng, touching)
    elif name == 'clasp':
        clasp(poser, rng, rng.uniform(0.12, 0.5), rng.uniform(0.22, 0.34))
    else:
        _each_arm(poser, rng, name, clear, touching)


def _swing_arms(
    poser: Poser, rng: np.random.Generator, kind: str, phase: float, clear: float
) -> None:
    """Swing the arms against the legs."""
    for side, offset in (('L', 0.5), ('R', 0.0)):
        wave = np.cos(2 * np.pi * (phase + offset))
        wide = 32 if kind == 'run' else 20
        bend = rng.uniform(75, 105) if kind == 'run' else 18 + 14 * max(wave, 0)
        hang(poser, side, rng, clear + 2, wide * wave - 4 * (kind == 'run'), bend)
        shape = 'fist' if kind == 'run' and rng.random() < 0.6 else 'relaxed'
        shape_hand(poser, side, shape, rng, rng.uniform(0.6, 1))


def _each_arm(
    poser: Poser, rng: np.random.Generator, name: str, clear: float, touching: object
) -> None:
    """Both arms do the same, or one does and the other hangs, touches or reaches."""
    alone = rng.random() < 0.55 and name not in ('t', 'a', 'hang')
    first = 'LR'[rng.integers(2)]
    for side in (first, 'LR'[first == 'L']):
        what = name
        if side != first and alone:
            what = ('hang', 'hang', 'hip', 'carry', 'reach')[rng.integers(5)]
            if poser.pose.kind.startswith(('sit', 'kneel', 'crouch')):
                what = ('thigh', 'thigh', 'reach', 'carry')[rng.integers(4)]
        if what in TOUCHES:
            ways = TOUCHES[what]
            touch(poser, side, rng, ways[rng.integers(len(ways))], touching)
        elif what == 'hang':
            hang(poser, side, rng, clear + abs(rng.normal(0, 4)))
            shape = 'relaxed'
            if rng.random() < 0.2:
                shape = sorted(SHAPES)[rng.integers(len(SHAPES))]
            shape_hand(poser, side, shape, rng, rng.uniform(0.5, 1.1))
        else:
            free(poser, side, rng, what)
