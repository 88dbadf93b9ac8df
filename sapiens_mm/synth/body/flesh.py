"""The bare body as meshes: skin, eyes, teeth, tongue and lashes, with their colours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from sapiens_mm.synth.body.body import Body
from sapiens_mm.synth.body.shape import BodyShape
from sapiens_mm.synth.core.asset import Asset
from sapiens_mm.synth.core.jit import kernel
from sapiens_mm.synth.core.mesh import (
    BODY_PARTS,
    Material,
    Mesh,
    make_mesh,
    used_vertices,
)
from sapiens_mm.tables.body_parts import PART_IDS_28

# linear RGB of skin, from pale to dark
_SKIN = np.array(
    [
        [0.70, 0.46, 0.36],
        [0.60, 0.38, 0.27],
        [0.48, 0.29, 0.195],
        [0.35, 0.20, 0.125],
        [0.22, 0.118, 0.073],
        [0.115, 0.062, 0.042],
    ]
)
_HAIR = np.array(
    [
        [0.010, 0.008, 0.007],
        [0.028, 0.016, 0.010],
        [0.075, 0.040, 0.020],
        [0.16, 0.085, 0.035],
        [0.33, 0.21, 0.10],
        [0.17, 0.045, 0.015],
        [0.36, 0.35, 0.34],
    ]
)
_IRIS = np.array(
    [[0.06, 0.028, 0.012], [0.13, 0.07, 0.025], [0.10, 0.13, 0.05], [0.10, 0.19, 0.30]]
)
# where the ancestries lie on the scale of skins, and how far people lie from that
_TONES, _TONE_SPREAD = {'african': 4.3, 'asian': 1.5, 'caucasian': 0.7}, 0.65
_DYED, _MADE_UP = 0.04, 0.4
"""Shares of hair of any colour, and of red lips on female builds."""

_PALE_LIPS, _RED_LIPS = (0.45, 0.95), (1.0, 1.7)
_ENAMEL = np.array([0.68, 0.59, 0.45])
"""Linear RGB of teeth at fourteen; they darken with age."""

_TONGUE = Material(
    'tongue',
    (0.42, 0.13, 0.12),
    (0.34, 0.10, 0.09),
    specular=0.05,
    shininess=50.0,
    bump=0.0003,
    bump_scale=900.0,
)
_LASH = Material('hair', (0.006,) * 3, (0.012,) * 3, specular=0.01)
_BEHIND_LIPS = -0.3
"""``Mesh.aux`` of teeth and tongue: little light comes past the lips."""


@dataclass(frozen=True)
class Looks:
    """Colours of a person, linear RGB.

    Attributes:
        skin: (3,).
        hair: (3,), brows and beard too.
        iris: (3,).
        lips: How much redder than the skin, 0 to 1.5.
        age_years: Wrinkles and yellow teeth come with it.
        seed: Of all textures of the person.
    """

    skin: np.ndarray
    hair: np.ndarray
    iris: np.ndarray
    lips: float
    age_years: float
    seed: int


def sample_looks(rng: np.random.Generator, shape: BodyShape) -> Looks:
    """Draw the colours of somebody of that build."""
    dark, mid, pale = shape.african, shape.asian, shape.caucasian
    low, middle, high = _TONES['caucasian'], _TONES['asian'], _TONES['african']
    place = (high * dark + middle * mid + low * pale) / (dark + mid + pale)
    place = float(np.clip(place + rng.normal(0, _TONE_SPREAD), 0, 5))
    i = min(int(place), 4)
    skin = _SKIN[i] + (place - i) * (_SKIN[i + 1] - _SKIN[i])
    skin = skin * np.exp(rng.normal(0, 0.05) + rng.normal(0, 0.03, 3))
    fair = pale / (dark + mid + pale)
    # fair and red hair comes with fair skin; the last is grey, of the old
    weights = np.array([1.2, 1.2, 0.9 * fair, 0.6 * fair, 0.6 * fair, 0.25 * fair, 0.0])
    # grey begins at 45 and is nearly all at 100
    old = max(0.0, shape.age_years - 45) / 55
    weights[6] = weights.sum() * min(old, 0.95) / max(1.0 - min(old, 0.95), 0.05)
    dyed = rng.random() < _DYED
    hair = _HAIR[rng.choice(len(_HAIR), p=weights / weights.sum())]
    if dyed:
        hair = rng.uniform(0.02, 0.5, 3)
    light = np.array([1.4, 0.8, 0.35 * fair, 0.7 * fair**2])
    iris = _IRIS[rng.choice(len(_IRIS), p=light / light.sum())]
    made_up = shape.gender > 0.5 and rng.random() < _MADE_UP
    return Looks(
        skin=np.clip(skin, 0.02, 0.85),
        hair=np.clip(hair * np.exp(rng.normal(0, 0.2)), 0.004, 0.6),
        iris=iris * rng.uniform(0.7, 1.4),
        lips=float(rng.uniform(*(_RED_LIPS if made_up else _PALE_LIPS))),
        age_years=shape.age_years,
        seed=int(rng.integers(2**20)),
    )


def skin_material(looks: Looks) -> Material:
    """Return the skin of a person."""
    fine = np.clip((looks.age_years - 30) / 50, 0, 1)
    return Material(
        'skin',
        tuple(looks.skin * 1.07),
        tuple(looks.skin * [0.94, 0.91, 0.90]),
        seed=looks.seed,
        duty=float(looks.seed % 97) / 97,
        specular=0.034,
        shininess=14.0 + looks.seed % 17,
        bump=0.00008 + 0.00015 * fine,
        bump_scale=560.0 - 250 * fine,
        hair_color=tuple(looks.hair * 0.7 + 0.3 * 0.01),
    )


def skin_aux(asset: Asset, looks: Looks) -> np.ndarray:
    """Return the skin's ``aux`` (V,): lips, ears, nails, the mouth's inside, brows."""
    fields = asset.fields
    aux = looks.lips * fields['lip'] + 0.35 * fields['ear'] + 0.2 * fields['nail']
    aux = np.maximum(aux, 1.2 * (fields['mouth_inside'] > 0.5))
    brow = np.clip(1.6 * fields['brow'], 0, 1)
    return (aux * (1 - brow) - 0.85 * brow).astype(np.float32)


def flesh(
    body: Body,
    looks: Looks,
    person: int,
    hidden: np.ndarray | None = None,
    aux: np.ndarray | None = None,
) -> list[Mesh]:
    """Return the meshes of a bare body.

    Args:
        body: In its pose.
        looks: Its colours.
        person: Number of the person, from 1.
        hidden: (V,) bool, skin under clothes; it is left out.
        aux: (V,) what to take instead of ``skin_aux``.

    Returns:
        Skin, eyes, teeth (upper, lower), tongue and lashes.
    """
    asset = body.asset
    aux = skin_aux(asset, looks) if aux is None else aux
    hidden = np.zeros(len(body.vertices), bool) if hidden is None else hidden
    rows = used_vertices(len(hidden), _shown(hidden, asset.faces['body']))
    ids = rows[0]
    skin = _part(
        body,
        rows,
        skin_material(looks),
        BODY_PARTS,
        person,
        body.normals[ids],
        aux=aux[ids],
        # a corner at 2 ends the skin halfway between covered and bare vertices
        cut=np.where(hidden[ids], 2.0, 0.0),
    )
    out = [skin, _eyes(body, looks, person)]
    white = _ENAMEL * (1.05 - 0.0035 * looks.age_years)
    teeth = Material(
        'teeth', tuple(white), tuple(white * 0.85), specular=0.06, shininess=120.0
    )
    for name, material, label in (
        ('upper_teeth', teeth, 'Upper_Teeth'),
        ('lower_teeth', teeth, 'Lower_Teeth'),
        ('tongue', _TONGUE, 'Tongue'),
    ):
        rows = _rows(asset, name)
        dim = np.full(len(rows[0]), _BEHIND_LIPS)
        out.append(_part(body, rows, material, PART_IDS_28[label], person, aux=dim))
    out.append(_lashes(body, looks, _LASH, person))
    return out


def _lashes(body: Body, looks: Looks, material: Material, person: int) -> Mesh:
    """Lashes of uneven length."""
    rows = _rows(body.asset, 'lashes')
    ids = rows[0]
    ragged = np.random.default_rng(looks.seed).uniform(1.8, 4.0, ids[-1] + 1)
    cut = body.asset.fields['lash_tip'][ids] * ragged[ids]
    return _part(
        body, rows, material, PART_IDS_28['Face_Neck'], person, cut=cut, two_sided=True
    )


@kernel
def _shown(hidden: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Return the faces (f, 3) of which a corner is not hidden."""
    out = np.empty_like(faces)
    count = 0
    for f in range(len(faces)):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        if not (hidden[a] and hidden[b] and hidden[c]):
            out[count, 0], out[count, 1], out[count, 2] = a, b, c
            count += 1
    return out[:count].copy()


@lru_cache(maxsize=16)
def _rows(asset: Asset, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the vertices (n,) of a part of the body, and its faces of these."""
    return used_vertices(len(asset.template), asset.faces[name])


def _part(
    body: Body,
    rows: tuple[np.ndarray, np.ndarray],
    material: Material,
    label: int,
    person: int,
    normals: np.ndarray | None = None,
    *,
    aux: np.ndarray | None = None,
    cut: np.ndarray | None = None,
    template: np.ndarray | None = None,
    two_sided: bool = False,
) -> Mesh:
    """Make a mesh of a part of the body.

    Args:
        body: In its pose.
        rows: The part's vertices (n,), and its faces (f, 3) of these.
        material: How it looks.
        label: Its class.
        person: Number of the person.
        normals: (n, 3); smooth ones if None.
        aux: (n,) of the mesh; so are ``cut`` and ``template`` (n, 3).
        cut: See ``aux``.
        template: See ``aux``.
        two_sided: See ``Mesh``.
    """
    ids, faces = rows
    return make_mesh(
        body.vertices[ids],
        faces,
        material,
        label,
        person=person,
        normals=normals,
        aux=aux,
        cut=cut,
        template=body.asset.template[ids] if template is None else template,
        two_sided=two_sided,
        ids=ids,
    )


@lru_cache(maxsize=2)
def _in_eyes(asset: Asset) -> np.ndarray:
    """Return the template of the eyes' vertices, to the centre of each eyeball."""
    out = asset.template[_rows(asset, 'eyes')[0]]
    side = np.sign(out[:, 0])
    for own in (side == -1, side == 1):
        out[own] -= 0.5 * (out[own].min(0) + out[own].max(0))
    return out


def _eyes(body: Body, looks: Looks, person: int) -> Mesh:
    """Both eyes; their template is relative to each eyeball's own centre."""
    eye = Material(
        'eye',
        (0.70, 0.66, 0.62),
        tuple(looks.iris),
        seed=looks.seed,
        specular=0.05,
        shininess=1200.0,
    )
    rows = _rows(body.asset, 'eyes')
    template = _in_eyes(body.asset)
    return _part(body, rows, eye, PART_IDS_28['Face_Neck'], person, template=template)
