"""Surfaces and materials: what body, wardrobe, hair and props hand to the renderer."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sapiens_mm.synth.core.jit import kernel

KINDS = (
    'skin',
    'cloth',
    'stripes',
    'plaid',
    'blobs',
    'denim',
    'knit',
    'hair',
    'eye',
    'teeth',
    'tongue',
    'leather',
    'rubber',
    'metal',
    'glass',
    'wood',
    'tiles',
    'bricks',
    'planks',
    'plaster',
    'grass',
    'foliage',
    'asphalt',
    'picture',
    'window',
    'emitter',
    'carpet',
    'facade',
)
"""Texture programs of the shader; a material's ``kind`` is one of them."""

KIND, COLOR, COLOR2, SCALE, SEED, DUTY = 0, 1, 4, 7, 8, 9
SPECULAR, SHININESS, BUMP, BUMP_SCALE, HAIR_COLOR = 10, 11, 12, 13, 14
"""Columns of the packed table of materials; colours take three each."""

ROW = HAIR_COLOR + 3
"""Numbers per material in the packed table."""

BODY_PARTS = -1
"""``class_id`` of skin whose class is decided per pixel from the part weights."""


@dataclass(frozen=True)
class Material:
    """Appearance of a surface, locked to the mesh's ``template`` coordinates.

    What a kind makes of its numbers:

    - skin: ``color`` mottled with ``color2``; the mesh's ``aux`` > 0 reddens (lips,
      ears, knuckles), < 0 darkens towards ``hair_color`` (brows, stubble, beard).
    - cloth, knit, denim, carpet: ``color`` with threads of ``color2``.
    - stripes: across template z; plaid: across x and z; ``scale`` repeats per metre,
      ``duty`` the share of ``color``. blobs: noise of ``scale`` cycles per metre.
    - hair: strands run along template z; ``color`` roots to ``color2`` lights.
    - eye: template is the position relative to the eyeball's centre in the rest pose,
      the gaze along -y; ``color`` the white, ``color2`` the iris.
    - teeth, tongue, leather, rubber, metal, glass: ``color`` with a little
      ``color2``. They differ in ``specular`` and ``shininess`` alone, except metal,
      whose highlights take its colour.
    - the others dress rooms and streets.

    Attributes:
        kind: One of ``KINDS``.
        color: Linear RGB, 0 to 1.
        color2: Linear RGB, 0 to 1.
        scale: Repeats of the pattern per metre of template.
        seed: Any integer in [0, 2**20): which noise.
        duty: Share of ``color`` in patterns, 0 to 1.
        specular: Reflectance at normal incidence, 0 to 1; skin and cloth have 0.04.
        shininess: Blinn exponent, 1 (matt) to 2000 (mirror).
        bump: Height of wrinkles and pores in metres; 0 is smooth.
        bump_scale: Wrinkles per metre of template.
        hair_color: Linear RGB of brows and stubble on skin.
    """

    kind: str
    color: tuple[float, float, float]
    color2: tuple[float, float, float]
    scale: float = 20.0
    seed: int = 0
    duty: float = 0.5
    specular: float = 0.04
    shininess: float = 20.0
    bump: float = 0.0
    bump_scale: float = 30.0
    hair_color: tuple[float, float, float] = (0.02, 0.015, 0.01)

    def __post_init__(self) -> None:
        """Reject an unknown kind."""
        if self.kind not in KINDS:
            raise ValueError(f'no material kind {self.kind!r}; there are {KINDS}')

    def row(self) -> list[float]:
        """Return the ``ROW`` numbers that the kernels read."""
        return [
            float(KINDS.index(self.kind)),
            *map(float, self.color),
            *map(float, self.color2),
            float(self.scale),
            float(self.seed % 2**20),
            float(self.duty),
            float(self.specular),
            float(self.shininess),
            float(self.bump),
            float(self.bump_scale),
            *map(float, self.hair_color),
        ]


def pack(materials: list[Material]) -> np.ndarray:
    """Return materials as a table (M, ROW) float64 for the kernels."""
    return np.array([m.row() for m in materials], np.float64).reshape(-1, ROW)


@dataclass(frozen=True)
class Mesh:
    """A surface in the world: metres, x to the person's left, z up.

    Attributes:
        vertices: (V, 3) float32, metres.
        normals: (V, 3) float32 unit vectors, smooth, outward.
        faces: (F, 3) int32, counter-clockwise seen from outside.
        cut: (V,) float32. A surface point is absent where the interpolated cut is 1
            or more; zeros keep all.
        material: How it looks.
        template: (V, 3) float32, metres in the rest pose; textures stick to it.
        aux: (V,) float32, albedo modulation; its meaning is the material's.
        class_id: 1 to 27 of the Goliath classes; 0 for things that are no person
            (chairs, say); ``BODY_PARTS`` for skin classed per pixel.
        person: 1, 2, ... as in the instance map; 0 for things.
        two_sided: Whether the inside can be seen (cloth, hair).
        ids: (V,) int32 vertex of the body's template behind each vertex, for part
            weights; needed where ``class_id`` is ``BODY_PARTS``.
    """

    vertices: np.ndarray
    normals: np.ndarray
    faces: np.ndarray
    cut: np.ndarray
    material: Material
    template: np.ndarray
    aux: np.ndarray
    class_id: int
    person: int = 0
    two_sided: bool = True
    ids: np.ndarray | None = None

    def moved(self, rotation: np.ndarray | None, shift: np.ndarray) -> Mesh:
        """Return the mesh after x -> rotation @ x + shift.

        Args:
            rotation: (3, 3), proper; None leaves the directions as they are.
            shift: (3,) metres.
        """
        # float32 both, or numpy would widen the result
        shift = np.asarray(shift, np.float32)
        if rotation is None:
            return replace(self, vertices=shifted(self.vertices, shift))
        turn = np.asarray(rotation, np.float32).T
        return replace(
            self,
            vertices=shifted(self.vertices @ turn, shift),
            normals=self.normals @ turn,
        )


def make_mesh(
    vertices: np.ndarray,
    faces: np.ndarray,
    material: Material,
    class_id: int,
    *,
    person: int = 0,
    normals: np.ndarray | None = None,
    cut: np.ndarray | None = None,
    template: np.ndarray | None = None,
    aux: np.ndarray | None = None,
    two_sided: bool = True,
    ids: np.ndarray | None = None,
) -> Mesh:
    """Fill in what is missing: smooth normals, no cut, the template in place.

    Args:
        vertices: (V, 3) metres.
        faces: (F, 3).
        material: How it looks.
        class_id: See ``Mesh``.
        person: See ``Mesh``.
        normals: (V, 3); smooth ones of the faces if None.
        cut: (V,); zeros if None.
        template: (V, 3) metres; the vertices themselves if None.
        aux: (V,); zeros if None.
        two_sided: See ``Mesh``.
        ids: See ``Mesh``.
    """
    vertices = np.ascontiguousarray(vertices, np.float32)
    faces = np.ascontiguousarray(faces, np.int32)
    zeros = np.zeros(len(vertices), np.float32)
    return Mesh(
        vertices=vertices,
        normals=smooth_normals(vertices, faces)
        if normals is None
        else np.ascontiguousarray(normals, np.float32),
        faces=faces,
        cut=zeros if cut is None else np.ascontiguousarray(cut, np.float32),
        material=material,
        template=vertices
        if template is None
        else np.ascontiguousarray(template, np.float32),
        aux=zeros if aux is None else np.ascontiguousarray(aux, np.float32),
        class_id=class_id,
        person=person,
        two_sided=two_sided,
        ids=None if ids is None else np.ascontiguousarray(ids, np.int32),
    )


@kernel
def bounds(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and the greatest x, y, z of points (N, 3), each (3,).

    numpy's reductions along the first of two axes take many times longer.
    """
    low, high = points[0].copy(), points[0].copy()
    for i in range(1, points.shape[0]):
        for c in range(3):
            low[c] = min(low[c], points[i, c])
            high[c] = max(high[c], points[i, c])
    return low, high


@kernel
def shifted(points: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Return points (N, 3) plus a shift (3,), of the points' type."""
    out = np.empty_like(points)
    for i in range(points.shape[0]):
        for c in range(3):
            out[i, c] = points[i, c] + shift[c]
    return out


@kernel
def used_vertices(count: int, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the vertices (n,), of ``count``, that faces have, and faces of them."""
    local = np.full(count, -1, np.int32)
    for f in range(faces.shape[0]):
        for c in range(3):
            local[faces[f, c]] = 0
    ids = np.flatnonzero(local == 0)
    for k in range(len(ids)):
        local[ids[k]] = k
    out = np.empty((faces.shape[0], 3), np.int32)
    for f in range(faces.shape[0]):
        for c in range(3):
            out[f, c] = local[faces[f, c]]
    return ids, out


@kernel
def lowest_kept(vertices: np.ndarray, cut: np.ndarray) -> float:
    """Return the least z of the vertices that ``cut`` keeps; infinity if none."""
    least = np.inf
    for i in range(vertices.shape[0]):
        if cut[i] < 1:
            least = min(least, vertices[i, 2])
    return least


@kernel
def smooth_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Return area-weighted vertex normals.

    Args:
        vertices: (V, 3) float32.
        faces: (F, 3) int32, counter-clockwise seen from outside.

    Returns:
        (V, 3) float32 unit vectors; zeros at vertices of no face.
    """
    normals = np.zeros((vertices.shape[0], 3), np.float32)
    for f in range(faces.shape[0]):
        i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
        ux = vertices[j, 0] - vertices[i, 0]
        uy = vertices[j, 1] - vertices[i, 1]
        uz = vertices[j, 2] - vertices[i, 2]
        vx = vertices[k, 0] - vertices[i, 0]
        vy = vertices[k, 1] - vertices[i, 1]
        vz = vertices[k, 2] - vertices[i, 2]
        # their cross product is as long as twice the area, which makes the weight
        nx = uy * vz - uz * vy
        ny = uz * vx - ux * vz
        nz = ux * vy - uy * vx
        for c in range(3):
            v = faces[f, c]
            normals[v, 0] += nx
            normals[v, 1] += ny
            normals[v, 2] += nz
    for v in range(normals.shape[0]):
        x, y, z = normals[v, 0], normals[v, 1], normals[v, 2]
        length = np.sqrt(x * x + y * y + z * z)
        # a vertex without faces has no normal
        if length > 0:
            normals[v, 0] = x / length
            normals[v, 1] = y / length
            normals[v, 2] = z / length
    return normals
