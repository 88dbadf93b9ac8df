"""The baked human: one template mesh, its shapes, expressions, skeleton and fields.

The file ``data/human.npz`` is made by tools/dev/bake_human_asset.py from MakeHuman's
CC0 data; ``data/NOTICE.txt`` says whose work it is. Frame: metres, x to the person's
left, z up, the face towards -y.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from sapiens_mm.synth.core.jit import kernel

DATA = Path(__file__).parents[1] / 'data'

SIDES = ('Left', 'Right')

LIMB_PARTS = ('Upper_Arm', 'Lower_Arm', 'Hand', 'Upper_Leg', 'Lower_Leg', 'Foot')

PARTS = ('Torso', 'Face_Neck') + tuple(f'{s}_{p}' for s in SIDES for p in LIMB_PARTS)
"""Classes of bare skin, in the order of ``Asset.part_weights``."""

_SEAL = ('edge', 'opposite', 'part', 'overlap', 'vertices', 'anchor', 'share')
_LIMB_BONES = {
    'upperarm': 'Upper_Arm',
    'lowerarm': 'Lower_Arm',
    'wrist': 'Hand',
    'metacarpal': 'Hand',
    'finger': 'Hand',
    'upperleg': 'Upper_Leg',
    'lowerleg': 'Lower_Leg',
    'foot': 'Foot',
    'toe': 'Foot',
}

FACES = (
    'body',
    'eyes',
    'upper_teeth',
    'lower_teeth',
    'tongue',
    'lashes',
    'tights',
    'skirt',
    'hair_helper',
)
FIELDS = (
    'lip',
    'lower_lip',
    'ear',
    'nail',
    'mouth_inside',
    'brow',
    'scalp',
    'lash_tip',
    't_arm',
    't_leg',
)
IRIS_RAD, PUPIL_RAD = 0.34, 0.14
"""Borders of iris and pupil on the eyeball: angles from the gaze, at its centre."""

BROW = np.array(
    [
        [0.0130, 0.9245, 0.0038],
        [0.0220, 0.9270, 0.0044],
        [0.0330, 0.9305, 0.0040],
        [0.0440, 0.9300, 0.0028],
        [0.0540, 0.9245, 0.0006],
    ]
)
"""The left eyebrow in the template, from the nose: x, z, half its height, metres."""


@dataclass(frozen=True)
class Units:
    """Named sparse displacements of the template.

    Attributes:
        names: U names.
        vertices: U arrays (n,) of vertex ids.
        deltas: U arrays (n, 3) float32, metres at strength 1.
    """

    names: tuple[str, ...]
    vertices: tuple[np.ndarray, ...]
    deltas: tuple[np.ndarray, ...]
    index: dict[str, int] = field(repr=False)

    def add(self, points: np.ndarray, name: str, strength: float) -> None:
        """Add ``strength`` times one unit to ``points`` (V, 3), in place."""
        k = self.index[name]
        _displace(points, self.vertices[k], self.deltas[k], np.float32(strength))


@kernel
def _unfold(
    values: np.ndarray, half: np.ndarray, mirror: np.ndarray, out: np.ndarray
) -> None:
    """Write vectors (Vh, 3) of vertices ``half``, and their mirror images, to out."""
    for i in range(len(half)):
        there, here = mirror[half[i]], half[i]
        out[there, 0], out[here, 0] = -values[i, 0], values[i, 0]
        out[there, 1] = out[here, 1] = values[i, 1]
        out[there, 2] = out[here, 2] = values[i, 2]


@kernel
def _displace(
    points: np.ndarray, vertices: np.ndarray, deltas: np.ndarray, strength: float
) -> None:
    """Add ``strength`` times ``deltas`` to the vertices' points, in place."""
    for i in range(len(vertices)):
        for c in range(3):
            points[vertices[i], c] += strength * deltas[i, c]


@dataclass(frozen=True, eq=False)
class Seal:
    """How lips close: E vertices of their inner edges and N that follow them.

    Attributes:
        edge: (E,) vertices.
        opposite: (E, 2) vertices of the other lip's edge; ``part`` (E,) of the way from
            the first to the second lies the point that an edge meets.
        overlap: (E,) metres up that an edge goes beyond the middle.
        vertices: (N,) what moves, ``share`` (N,) of the way of edge ``anchor`` (N,).
    """

    edge: np.ndarray
    opposite: np.ndarray
    part: np.ndarray
    overlap: np.ndarray
    vertices: np.ndarray
    anchor: np.ndarray
    share: np.ndarray

    def close(self, points: np.ndarray, strength: float) -> None:
        """Bring the lips' edges together by a share of their gap, in place."""
        first, second = points[self.opposite[:, 0]], points[self.opposite[:, 1]]
        way = 0.5 * (first + (second - first) * self.part[:, None] - points[self.edge])
        way[:, 2] += self.overlap
        moved = np.float32(strength) * self.share[:, None] * way[self.anchor]
        points[self.vertices] += moved


@dataclass(frozen=True, eq=False)
class Asset:
    """Everything that bodies are made of. V vertices, B bones, J joints.

    Attributes:
        template: (V, 3) float32, the neutral adult at rest. Surface-locked textures and
            garment borders are stated in its coordinates.
        faces: (F, 3) int32 by name, see ``FACES``; every part indexes all V vertices.
            Seen from outside a triangle runs counter-clockwise.
        mirror: (V,) vertex on the other side; an involution, exact in ``template``.
        half: (Vh,) vertices with x >= 0, which the shape basis covers.
        shape_basis: (R, Vh, 3) float32 metres.
        shape_projection: (N, R), shape coefficients of the N phenotype corners.
        shape_offset: (R,) coefficients of ``template``, to be subtracted.
        phenotype_mask: (N, 26) bool, the corner values that each corner multiplies.
        expressions: 52 facial units; the eyeballs' part of the gaze units is left to
            the eye bones.
        seal: How the lips close.
        locals: Local shape units. Pairs are kept for the left; the right is its mirror.
        bone_names: B names; ``bone_parents``: (B,) indices, -1 for the root.
        bone_vertices: (B, 8) vertices whose mean is a bone's head.
        skin_index, skin_weight: (V, 12) bones and weights, largest first, sum 1.
        joint_names: J names; ``joint_vertices``: (J, 8) vertices whose mean is the
            joint's centre.
        part_weights: (V, 14) float32 share of each class of ``PARTS``.
        fields: (V,) float32 by name. 'lip', 'ear', 'nail', 'mouth_inside': 0 to 1, from
            painted masks. 'lower_lip': positive below the mouth's slit. 'brow': 0 to 1.
            'lash_tip': 0 at the lashes' roots, 1 at their tips.
            'scalp': below 1 inside the hairline, 1 per 0.35 rad outwards, 3 elsewhere.
            't_arm': 0 shoulder, 1 elbow, 2 wrist, on to the finger tips; 't_leg': 0
            hip, 1 knee, 2 ankle; meaningful on the limb only.
    """

    template: np.ndarray
    faces: dict[str, np.ndarray]
    mirror: np.ndarray
    half: np.ndarray
    shape_basis: np.ndarray
    shape_projection: np.ndarray
    shape_offset: np.ndarray
    phenotype_mask: np.ndarray
    expressions: Units
    locals: Units
    seal: Seal
    bone_names: tuple[str, ...]
    bone_parents: np.ndarray
    bone_vertices: np.ndarray
    skin_index: np.ndarray
    skin_weight: np.ndarray
    joint_names: tuple[str, ...]
    joint_vertices: np.ndarray
    part_weights: np.ndarray
    fields: dict[str, np.ndarray]
    bone_index: dict[str, int] = field(repr=False)
    template_heads: np.ndarray = field(repr=False)

    def part(self, *names: str) -> np.ndarray:
        """Return (V,) the summed weights of parts, each with or without its side."""
        chosen = [
            k
            for k, part in enumerate(PARTS)
            if part in names or part.partition('_')[2] in names
        ]
        return self.part_weights[:, chosen].sum(1)

    def unfold(self, half: np.ndarray) -> np.ndarray:
        """Return (V, 3) symmetric vectors from those of ``self.half``, (Vh, 3)."""
        out = np.empty((len(self.mirror), 3), np.float32)
        _unfold(half, self.half, self.mirror, out)
        return out


def bone_part(bone: str) -> str:
    """Return the class of ``PARTS`` of the skin that a bone moves."""
    for start, part in _LIMB_BONES.items():
        if bone.startswith(start):
            return ('Left_' if bone.endswith('.L') else 'Right_') + part
    return 'Face_Neck' if bone.startswith(('neck', 'head', 'eye')) else 'Torso'


@lru_cache(maxsize=2)
def load_asset(path: str | Path = DATA / 'human.npz') -> Asset:
    """Read the baked human; later calls return the same object.

    Args:
        path: File that tools/dev/bake_human_asset.py wrote.

    Returns:
        The asset. Its arrays are read-only.

    Raises:
        ValueError: If the file is missing or is not a baked human.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            data = {name: file[name] for name in file.files}
    except (OSError, ValueError) as error:
        raise ValueError(
            f'cannot read the human asset {path}: {error}; '
            'tools/dev/bake_human_asset.py makes it'
        ) from None
    missing = {'template', 'mirror', 'shape_basis', 'skin_weight'} - set(data)
    if missing:
        raise ValueError(f'{path} is not a baked human: it has no {sorted(missing)}')
    return _assemble(data)


def _assemble(data: dict[str, np.ndarray]) -> Asset:
    """Widen the stored types and derive what need not be stored."""
    template = data['template']
    bones = tuple(map(str, data['bone_names']))
    skin_index = data['skin_index'].astype(np.int32)
    # stored as 16 bits
    skin_weight = data['skin_weight'].astype(np.float32) / 65535
    basis = data['shape_basis'] * data['shape_scale'][:, None, None]
    mirror = data['mirror'].astype(np.int32)
    bone_vertices = data['bone_vertices'].astype(np.int32)
    asset = Asset(
        template=template,
        faces={n: data[f'faces_{n}'].astype(np.int32) for n in FACES},
        mirror=mirror,
        half=data['half'].astype(np.int32),
        shape_basis=basis.astype(np.float32),
        shape_projection=data['shape_projection'],
        shape_offset=data['shape_offset'],
        phenotype_mask=data['phenotype_mask'].astype(bool),
        expressions=_units(data, 'expression'),
        locals=_with_right(_units(data, 'local'), mirror),
        seal=Seal(**{n: _wide(data[f'seal_{n}']) for n in _SEAL}),
        bone_names=bones,
        bone_parents=data['bone_parents'].astype(np.int32),
        bone_vertices=bone_vertices,
        skin_index=skin_index,
        skin_weight=skin_weight,
        joint_names=tuple(map(str, data['joint_names'])),
        joint_vertices=data['joint_vertices'].astype(np.int32),
        part_weights=_part_weights(bones, skin_index, skin_weight),
        fields={n: data[f'field_{n}'].astype(np.float32) for n in FIELDS},
        bone_index={bone: b for b, bone in enumerate(bones)},
        template_heads=template[bone_vertices].astype(np.float64).mean(1),
    )
    # read-only, as one object is shared by all who load it
    for value in [*vars(asset).values(), *asset.faces.values(), *asset.fields.values()]:
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
    return asset


def _wide(values: np.ndarray) -> np.ndarray:
    return values if values.dtype.kind == 'f' else values.astype(np.int32)


def _units(data: dict[str, np.ndarray], kind: str) -> Units:
    names = tuple(map(str, data[f'{kind}_names']))
    starts = data[f'{kind}_starts']
    scale = np.repeat(data[f'{kind}_scale'], np.diff(starts))
    deltas = (data[f'{kind}_deltas'] * scale[:, None]).astype(np.float32)
    return Units(
        names=names,
        vertices=tuple(
            np.split(data[f'{kind}_vertices'].astype(np.int32), starts[1:-1])
        ),
        deltas=tuple(np.split(deltas, starts[1:-1])),
        index={name: k for k, name in enumerate(names)},
    )


def _with_right(units: Units, mirror: np.ndarray) -> Units:
    """Add the mirror image 'r-...' of each unit 'l-...'."""
    left = [k for k, name in enumerate(units.names) if name.startswith('l-')]
    names = units.names + tuple('r-' + units.names[k][2:] for k in left)
    flip = np.float32([-1, 1, 1])
    return Units(
        names=names,
        vertices=units.vertices + tuple(mirror[units.vertices[k]] for k in left),
        deltas=units.deltas + tuple(units.deltas[k] * flip for k in left),
        index={name: k for k, name in enumerate(names)},
    )


def _part_weights(
    bones: tuple[str, ...], index: np.ndarray, weight: np.ndarray
) -> np.ndarray:
    """Return (V, 14): skin weights summed over the bones of each part."""
    part = np.array([PARTS.index(bone_part(bone)) for bone in bones])
    out = np.zeros((len(index), len(PARTS)), np.float32)
    # add.at, since a vertex has several bones of one part
    np.add.at(out, (np.arange(len(index))[:, None], part[index]), weight)
    return out
