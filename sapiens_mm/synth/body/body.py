"""Bodies: a build and an expression at rest, and their skin in a pose."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sapiens_mm.synth.body.people import sample_expression, sample_shape
from sapiens_mm.synth.body.shape import BodyShape, shape_coefficients
from sapiens_mm.synth.core.asset import Asset
from sapiens_mm.synth.core.jit import kernel
from sapiens_mm.synth.core.mesh import smooth_normals
from sapiens_mm.synth.core.rig import Pose, about, forward

__all__ = [
    'Body',
    'BodyShape',
    'Rest',
    'pose_body',
    'sample_expression',
    'sample_shape',
    'shape_body',
]

SEAL = 'lipsSeal'
_GAZE_RAD = {'Out': 0.60, 'In': 0.60, 'Up': 0.42, 'Down': 0.52}
_LEVEL_RAD = 0.03  # the template's eyes look up a little


@dataclass(frozen=True)
class Rest:
    """A shaped body with its expression, before it takes a pose.

    Attributes:
        asset: What it is made of.
        vertices: (V, 3) float32 metres, feet wherever the template's are.
        heads: (B, 3) float64 bone heads.
        eye_turns: (3, 3) rotations of the eye bones, by bone name.
    """

    asset: Asset
    vertices: np.ndarray
    heads: np.ndarray
    eye_turns: dict[str, np.ndarray]


@dataclass(frozen=True)
class Body:
    """A person in a pose.

    Attributes:
        asset: What it is made of.
        rest: (V, 3) float32, shaped and expressed, in the rest pose.
        heads: (B, 3) bone heads in the rest pose.
        vertices: (V, 3) float32, posed, world metres.
        joints: (3,) posed centres by joint name ('l-knee', 'head', ...).
        bone_world: (B, 4, 4) that take rest points of each bone to the world.
    """

    asset: Asset
    rest: np.ndarray
    heads: np.ndarray
    vertices: np.ndarray
    joints: dict[str, np.ndarray]
    bone_world: np.ndarray

    @cached_property
    def normals(self) -> np.ndarray:
        """(V, 3) float32 unit, of the skin; zeros elsewhere."""
        return smooth_normals(self.vertices, self.asset.faces['body'])


def shape_body(
    asset: Asset, shape: BodyShape, expression: dict[str, float] | None = None
) -> Rest:
    """Build a body and its expression, in the rest pose.

    Args:
        asset: From ``load_asset``.
        shape: The build.
        expression: Strength from 0 to 1 by name of a facial unit ('jawOpen', ...). The
            'eyeLook' units turn the eyeballs and move the lids with them; 'lipsSeal'
            closes the gap that the other units leave between the lips.

    Returns:
        The rest body.

    Raises:
        ValueError: If a unit's name is unknown or its strength out of range.
    """
    coefficients = shape_coefficients(asset, shape).astype(np.float32)
    basis = asset.shape_basis.reshape(len(coefficients), -1)
    points = asset.unfold((coefficients @ basis).reshape(-1, 3))
    points += asset.template
    for name, strength in shape.local.items():
        signed = f'{name}{"+" if strength >= 0 else "-"}'
        if signed not in asset.locals.index:
            raise ValueError(f'no local shape unit {name!r}')
        asset.locals.add(points, signed, abs(strength))
    heads = points[asset.bone_vertices].mean(1, dtype=np.float64)
    expression = expression or {}
    for name, strength in expression.items():
        if name not in asset.expressions.index and name != SEAL:
            raise ValueError(f'no facial unit {name!r}')
        if not 0 <= strength <= 1:
            raise ValueError(f'facial unit {name} is {strength}; expected 0 to 1')
        if name != SEAL:
            asset.expressions.add(points, name, strength)
    asset.seal.close(points, expression.get(SEAL, 0.0))
    return Rest(asset, points, heads, _eye_turns(expression))


def _eye_turns(expression: dict[str, float]) -> dict[str, np.ndarray]:
    """Return the rotations of the eye bones that the gaze units ask for."""

    def turn(way: str, side: str) -> float:
        return _GAZE_RAD[way] * expression.get(f'eyeLook{way}{side}', 0.0)

    out = {}
    for side, sign in (('Left', 1), ('Right', -1)):
        yaw = sign * (turn('Out', side) - turn('In', side))
        pitch = turn('Down', side) - turn('Up', side)
        down = about([1, 0, 0], _LEVEL_RAD + pitch)
        out[f'eye.{side[0]}'] = about([0, 0, 1], yaw) @ down
    return out


def pose_body(rest: Rest, pose: Pose) -> Body:
    """Bring a rest body into a pose by linear blend skinning.

    Args:
        rest: From ``shape_body``.
        pose: Rotations of bones; the eye bones default to the expression's gaze.

    Returns:
        The posed body.

    Raises:
        ValueError: If the pose turns a bone that the skeleton has not.
    """
    asset = rest.asset
    turned = Pose(
        {**rest.eye_turns, **pose.rotations}, pose.root_rotation, pose.root_shift
    )
    world = forward(asset.bone_names, asset.bone_parents, rest.heads, turned)
    vertices = np.empty_like(rest.vertices)
    _skin(rest.vertices, asset.skin_index, asset.skin_weight, world, vertices)
    centres = vertices[asset.joint_vertices].mean(1, dtype=np.float64)
    joints = dict(zip(asset.joint_names, centres, strict=True))
    return Body(asset, rest.vertices, rest.heads, vertices, joints, world)


@kernel
def _skin(rest, index, weight, world, out):
    """Blend the bones' matrices at every vertex; weights fall, so 0 ends a row."""
    for v in range(rest.shape[0]):
        x, y, z = rest[v, 0], rest[v, 1], rest[v, 2]
        a = b = c = 0.0
        for k in range(index.shape[1]):
            w = weight[v, k]
            if w <= 0:
                break
            m = world[index[v, k]]
            a += w * (m[0, 0] * x + m[0, 1] * y + m[0, 2] * z + m[0, 3])
            b += w * (m[1, 0] * x + m[1, 1] * y + m[1, 2] * z + m[1, 3])
            c += w * (m[2, 0] * x + m[2, 1] * y + m[2, 2] * z + m[2, 3])
        out[v, 0], out[v, 1], out[v, 2] = a, b, c
