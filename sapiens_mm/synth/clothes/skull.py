"""The head as a smooth dome, for hats and for where hair is tied."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from sapiens_mm.synth.body.body import Body
from sapiens_mm.synth.clothes.dresser import Dresser
from sapiens_mm.synth.core.asset import Asset
from sapiens_mm.synth.core.jit import kernel
from sapiens_mm.synth.core.mesh import Material

CENTRE = np.array([0.0, -0.035, 0.915])
"""Middle of the head on the template, metres."""

_TURNS, _TILTS = 48, 22


@dataclass(frozen=True, eq=False)
class Skull:
    """Directions from the head's middle and the skin that lies there.

    Azimuth 0 is the face, positive to the left; elevation in radians.

    Attributes:
        centre: (3,) on the template.
        offset: (3,) from the mean of ``ring`` to the centre.
        directions: (22, 48, 3) unit, from elevation -0.6 to straight up.
        ids: (22, 48, 6) body vertices near each direction.
        weights: (22, 48, 6) their shares, sum 1.
        ring: Vertices of the head, mirrored in pairs.
        head: Index of the head bone.
        template_radius: (22, 48) metres.
    """

    centre: np.ndarray
    offset: np.ndarray
    directions: np.ndarray
    ids: np.ndarray
    weights: np.ndarray
    ring: np.ndarray
    head: int
    template_radius: np.ndarray

    def radius(self, points: np.ndarray, middle: np.ndarray) -> np.ndarray:
        """Return (22, 48) metres from ``middle`` to the skin, smoothed."""
        return _radius(points, middle, self.ids, self.weights)

    def at(self, turn: float, tilt: float) -> np.ndarray:
        """Return the template's point (3,) at an azimuth and elevation."""
        way = np.array(
            [
                np.cos(tilt) * np.sin(turn),
                -np.cos(tilt) * np.cos(turn),
                np.sin(tilt),
            ]
        )
        nearest = (self.directions @ way).argmax()
        return self.centre + way * self.template_radius.ravel()[nearest]

    def middle(self, body: Body) -> np.ndarray:
        """Return the head's middle in the body's rest pose, (3,)."""
        return body.rest[self.ring].mean(0, dtype=np.float64) + self.offset

    def scale(self, body: Body) -> float:
        """Return the head's size against the template's."""
        radius = self.radius(body.rest, self.middle(body))
        return float(radius.mean() / self.template_radius.mean())

    def to_world(self, body: Body, point: np.ndarray) -> np.ndarray:
        """Bring points (..., 3) of the template's head to the posed body's."""
        rest = self.middle(body) + (point - self.centre) * self.scale(body)
        return self.move(body, rest)

    def to_template(self, body: Body, points: np.ndarray) -> np.ndarray:
        """Bring points (..., 3) of the world to the template's head."""
        m = body.bone_world[self.head]
        rest = (points - m[:3, 3]) @ m[:3, :3]
        return self.centre + (rest - self.middle(body)) / self.scale(body)

    def move(self, body: Body, rest: np.ndarray) -> np.ndarray:
        """Move points (..., 3) of the rest pose with the head bone."""
        m = body.bone_world[self.head]
        return rest @ m[:3, :3].T + m[:3, 3]


@kernel
def _radius(
    points: np.ndarray, middle: np.ndarray, ids: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Return what ``Skull.radius`` does."""
    rows, columns = ids.shape[0], ids.shape[1]
    radius = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            for k in range(ids.shape[2]):
                v = ids[i, j, k]
                x, y = points[v, 0] - middle[0], points[v, 1] - middle[1]
                z = points[v, 2] - middle[2]
                radius[i, j] += weights[i, j, k] * np.sqrt(x * x + y * y + z * z)
    for _ in range(2):
        tall = radius.copy()
        for i in range(rows):
            above, below = radius[max(i - 1, 0)], radius[min(i + 1, rows - 1)]
            tall[i] = 0.5 * radius[i] + 0.25 * (above + below)
        for i in range(rows):
            for j in range(columns):
                sides = tall[i, j - 1] + tall[i, (j + 1) % columns]
                radius[i, j] = 0.5 * tall[i, j] + 0.25 * sides
    return radius


@lru_cache(maxsize=2)
def skull(asset: Asset) -> Skull:
    """Return the dome of an asset."""
    template = asset.template.astype(np.float64)
    body = np.unique(asset.faces['body'])
    good = (asset.part('Face_Neck')[body] > 0.5) & (template[body, 2] > 0.82)
    # ears off, which would lift a hat
    good &= (asset.fields['ear'][body] < 0.2) & (
        asset.fields['mouth_inside'][body] < 0.3
    )
    body = body[good]
    tilt = np.linspace(-0.6, np.pi / 2, _TILTS)[:, None]
    turn = (np.arange(_TURNS) * 2 * np.pi / _TURNS)[None]
    directions = np.stack(
        [
            np.cos(tilt) * np.sin(turn),
            -np.cos(tilt) * np.cos(turn),
            np.sin(tilt) + 0 * turn,
        ],
        -1,
    )
    away = template[body] - CENTRE
    unit = away / np.linalg.norm(away, axis=1, keepdims=True)
    close = directions @ unit.T
    # six nearest: one alone would jump between vertices
    best = np.argsort(-close, axis=-1, kind='stable')[..., :6]
    gap = np.arccos(np.clip(np.take_along_axis(close, best, -1), -1, 1))
    weights = 1 / (gap + 0.02) ** 2
    # 0.02 rad keeps the weight of a hit finite
    weights /= weights.sum(-1, keepdims=True)
    near = (np.linalg.norm(away, axis=1) < 0.2) & (template[body, 2] > 0.86)
    ring = body[near]
    # with its mirror image, so that the middle lies in the midline
    ring = np.unique(np.concatenate([ring, asset.mirror[ring]]))
    result = Skull(
        CENTRE,
        CENTRE - template[ring].mean(0),
        directions,
        body[best],
        weights,
        ring,
        asset.bone_index['head'],
        np.zeros((_TILTS, _TURNS)),
    )
    radius = result.radius(template, result.centre)
    return Skull(**{**vars(result), 'template_radius': radius})


def ring_faces(rows: int, columns: int) -> np.ndarray:
    """Return triangles of a grid that closes around."""
    i, j = np.mgrid[: rows - 1, :columns]
    a, b = i * columns + j, i * columns + (j + 1) % columns
    c, e = a + columns, b + columns
    return np.stack([a, b, c, b, e, c], -1).reshape(-1, 3)


def put_head(
    d: Dresser, rest: np.ndarray, faces: np.ndarray, material: Material, **more
) -> None:
    """Append a mesh that moves with the head; ``rest`` (n, 3) in the rest pose."""
    points = skull(d.asset).move(d.body, rest)
    d.put(points, faces, 'Apparel', material, template=rest, **more)
