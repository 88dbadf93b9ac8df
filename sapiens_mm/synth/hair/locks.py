"""Locks on a head: combed over the scalp, curled, knotted or tied to a tail."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from sapiens_mm.synth.clothes.dresser import Dresser
from sapiens_mm.synth.clothes.fields import regions
from sapiens_mm.synth.clothes.shells import noise, tights
from sapiens_mm.synth.clothes.skull import Skull, skull
from sapiens_mm.synth.core.asset import Asset
from sapiens_mm.synth.core.mesh import Material
from sapiens_mm.synth.hair.strands import Habit, Locks, grow, ribbons


@lru_cache(maxsize=2)
def _solid_ids(asset: Asset) -> np.ndarray:
    """Return vertices of head and neck that locks rest on; fewer in the face."""
    body = np.unique(asset.faces['body'])
    head = asset.part('Face_Neck')[body] > 0.5
    head &= asset.fields['mouth_inside'][body] < 0.3
    back = (asset.template[body, 1] > -0.075) | (asset.fields['scalp'][body] < 1.6)
    return body[head & (back | (np.arange(len(body)) % 3 == 0))]


@lru_cache(maxsize=2)
def _solid_parts(asset: Asset) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what ``solid`` is made of.

    Returns:
        (n,) vertices of the head; (n,) how far their normals lean to the head's left;
        (m,) vertices of the base of the trunk.
    """
    ids, at = _solid_ids(asset), regions(asset, tights(asset))
    # hair that meets the face slides off to the side that it comes from
    x, y, z = asset.template[ids].T
    face = np.clip((-0.07 - y) / 0.02, 0, 1) * np.clip((0.945 - z) / 0.02, 0, 1)
    trunk = (at.z > 0.3) & (at.z < 0.78) & (at.along_arm < 0.2) & (at.head < 0.7)
    trunk &= np.arange(len(at.z)) % 4 == 0
    # 1e-6, so that the midline has a side as well
    return ids, np.sign(x + 1e-6) * face * 1.6, np.flatnonzero(trunk)


def solid(d: Dresser) -> tuple[np.ndarray, np.ndarray]:
    """Return points and normals (n, 3) of head and dressed trunk, float64."""
    ids, aside, trunk = _solid_parts(d.asset)
    turn = d.body.bone_world[d.asset.bone_index['head'], :3, :3]
    normals = d.body.normals[ids] + aside[:, None] * turn[:, 0]
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    worn = d.posed.points[trunk] + d.posed.normals[trunk] * d.worn[trunk, None]
    points = np.concatenate([d.body.vertices[ids], worn])
    normals = np.concatenate([normals, d.posed.normals[trunk]])
    return points.astype(np.float64), normals.astype(np.float64)


def curl(
    points: np.ndarray, sides: np.ndarray, size: float, rng: np.random.Generator
) -> None:
    """Wind locks around their paths, in place."""
    along = np.gradient(points, axis=1)
    along /= np.linalg.norm(along, axis=2, keepdims=True) + 1e-9
    up = np.cross(sides, along)
    phase = rng.uniform(0, 2 * np.pi, (len(points), 1))
    turn = phase + np.arange(points.shape[1])[None] * rng.uniform(1.3, 1.9)
    points += size * (np.sin(turn)[..., None] * sides + np.cos(turn)[..., None] * up)


def put_locks(
    d: Dresser,
    points: np.ndarray,
    sides: np.ndarray,
    counts: np.ndarray,
    width: np.ndarray,
    material: Material,
) -> None:
    """Append locks as one mesh, each with a tone of its own."""
    vertices, normals, faces, template = ribbons(points, sides, counts, width)
    # a tone a lock: with one tone for all they melt together
    tone = d.rng.normal(0.0, 0.16, len(points))
    aux = np.repeat(tone, points.shape[1] * 2)
    share = np.tile(
        np.repeat(np.linspace(-0.18, 0.12, points.shape[1]), 2), len(points)
    )
    d.put(
        vertices,
        faces,
        'Hair',
        material,
        normals=normals,
        template=template,
        aux=np.clip(aux + share, -0.5, 0.5),
    )


def tie_place(d: Dresser, rng: np.random.Generator) -> np.ndarray:
    """Return where the hair is tied, on the template: crown, back or nape."""
    angle = np.deg2rad(rng.choice([70.0, 25.0, -15.0]) + rng.normal(0, 6))
    at = skull(d.asset).at(np.pi, angle)
    return at + 0.012 * np.array([0, np.cos(angle), np.sin(angle)])


def _tied(d: Dresser, tie: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Return where the tie is in the world, its outward direction, and the scale."""
    head: Skull = skull(d.asset)
    away = tie - head.centre
    return head.to_world(d.body, tie), away / np.linalg.norm(away), head.scale(d.body)


def bun(d: Dresser, tie: np.ndarray, material: Material) -> None:
    """A knot of hair, lumpy."""
    rng = d.rng
    place, away, scale = _tied(d, tie)
    turn = d.body.bone_world[d.asset.bone_index['head'], :3, :3]
    away = turn @ away
    radius = rng.uniform(0.026, 0.045) * scale
    rows, columns = 12, 24
    v, u = np.meshgrid(
        np.linspace(0, np.pi, rows),
        np.arange(columns) * 2 * np.pi / columns,
        indexing='ij',
    )
    unit = np.stack([np.sin(v) * np.cos(u), np.sin(v) * np.sin(u), np.cos(v)], -1)
    seed = int(rng.integers(2**20))
    spiral = np.sin(3 * u + 5 * v)
    lumps = noise((unit.reshape(-1, 3) * 3).astype(np.float32), seed).reshape(
        rows, columns
    )
    size = radius * (1 + 0.07 * spiral + 0.14 * lumps)
    side = np.cross(away, [0.3, 0.2, 1.0])
    side /= np.linalg.norm(side)
    axes = np.stack([side, np.cross(away, side), away])
    local = unit * size[..., None] * [1.0, 1.0, 0.8]
    points = local.reshape(-1, 3) @ axes + place + away * radius * 0.45
    i, j = np.mgrid[: rows - 1, :columns]
    a, b = i * columns + j, i * columns + (j + 1) % columns
    faces = np.stack([a, a + columns, b, b, a + columns, b + columns], -1).reshape(
        -1, 3
    )
    template = np.stack([unit[..., 2] * 0.3, 0 * u, u * 0.05], -1).reshape(-1, 3)
    d.put(points, faces, 'Hair', material, template=template, aux=0.1 * lumps.ravel())


def tail(d: Dresser, tie: np.ndarray, material: Material) -> None:
    """A ponytail of locks that leave the tie together and fall."""
    rng = d.rng
    place, away, _ = _tied(d, tie)
    turn = d.body.bone_world[d.asset.bone_index['head'], :3, :3]
    count = 70
    way = (turn @ (away + [0, 0.6, 0.3])) + rng.normal(0, 0.2, (count, 3))
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    roots = place + rng.normal(0, 0.006, (count, 3))
    counts = np.clip(
        (rng.uniform(0.12, 0.42) * rng.uniform(0.8, 1.05, count) / 0.02).astype(
            np.int64
        ),
        4,
        24,
    )
    locks = Locks(roots, way, way, counts, rng.uniform(0.004, 0.03, count))
    # nobody combs a tail: it hangs
    habit = Habit(0.02, rng.uniform(0.22, 0.4), comb=0.0, combed=1.0, cling=0.0)
    points, sides = grow(locks, *solid(d), habit)
    put_locks(d, points, sides, counts, rng.uniform(0.01, 0.018, count), material)
