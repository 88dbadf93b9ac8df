"""Fields over the template: painted masks, hairline, brows, places along limbs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial import cKDTree

from sapiens_mm.synth.core import asset as baked

from .source import BODY, MESH_GROUPS, SLIT, Source
from .units import LOWER_EDGE, UPPER_EDGE, lash_roots


def limb_parameter(template: np.ndarray, joints: Sequence[np.ndarray]) -> np.ndarray:
    """Return (V,) the place along a left limb: 0, 1, 2 at its three joints."""

    def along(start: np.ndarray, end: np.ndarray) -> np.ndarray:
        return (points - start) @ (end - start) / ((end - start) @ (end - start))

    points = template * np.sign(template[:, :1] + 1e-9) ** [1, 0, 0]
    first = np.clip(along(joints[0], joints[1]), -0.5, 1)
    second = along(joints[1], joints[2])
    return np.where(second > 0, 1 + np.clip(second, 0, 1.6), first)


def bake_fields(
    source: Source, template: np.ndarray, skeleton: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Return the (V,) fields of ``asset.FIELDS``."""
    heads = template[skeleton['bone_vertices'].astype(int)].mean(1)
    at = dict(zip(skeleton['bone_names'].tolist(), heads, strict=True))
    share = skeleton['skin_weight'] / 65535
    on_head = [baked.bone_part(b) == 'Face_Neck' for b in source.model.bone_labels]
    face = (share * np.array(on_head)[skeleton['skin_index']]).sum(1)
    out = {
        'lip': source.mask_at_vertices('lips'),
        'ear': source.mask_at_vertices('ears'),
        'mouth_inside': source.mask_at_vertices('inside-mouth'),
        'nail': np.maximum(
            source.mask_at_vertices('fingernails'), source.mask_at_vertices('toenails')
        ),
    }
    drop = -source.expressions['jawOpen'][:, 2]
    out['lower_lip'] = lower_lip_field(template, drop)
    out['lash_tip'] = np.zeros(len(template))
    for name in MESH_GROUPS['lashes']:
        ids = np.unique(source.quads(name))
        reach = cKDTree(template[:BODY]).query(template[ids])[0]
        roots = lash_roots(reach)
        reach = cKDTree(template[ids[roots]]).query(template[ids])[0]
        out['lash_tip'][ids] = reach / reach.max()
    out['t_arm'] = limb_parameter(
        template, [at[f'{b}.L'] for b in ('upperarm01', 'lowerarm01', 'wrist')]
    )
    out['t_leg'] = limb_parameter(
        template, [at[f'{b}.L'] for b in ('upperleg01', 'lowerleg01', 'foot')]
    )
    out['scalp'] = scalp_field(template, face, out['ear'])
    out['brow'] = brow_field(template) * (face > 0.5)
    return {f'field_{name}': out[name].astype(np.float16) for name in baked.FIELDS}


def lower_lip_field(template: np.ndarray, drop: np.ndarray) -> np.ndarray:
    """Return what is below the mouth's slit; at the slit, what drops with the jaw."""
    across = np.abs(template[:, 0])
    below = np.clip((np.interp(across, *SLIT) - template[:, 2]) * 200, -1, 1)
    middle = np.zeros(len(template))
    for edge in (UPPER_EDGE, LOWER_EDGE):
        ids = np.array(edge)[np.argsort(across[list(edge)])]
        middle += 0.5 * np.interp(across, across[ids], drop[ids])
    drops = np.clip((drop - middle) * 200, -1, 1)
    return np.where(np.abs(below) < 0.3, drops, below)


def scalp_field(template: np.ndarray, face: np.ndarray, ear: np.ndarray) -> np.ndarray:
    """Return the hairline field: directions from the head's centre against a line."""
    x, y, z = (template - [0, -0.035, 0.915]).T
    azimuth, elevation = np.arctan2(np.abs(x), -y), np.arctan2(z, np.hypot(x, y))
    hairline = np.interp(
        azimuth,
        [0, 0.55, 0.85, 1.15, 1.45, 1.9, 2.3, np.pi],
        [0.72, 0.66, 0.52, 0.05, 0.02, -0.35, -0.62, -0.72],
    )
    out = 1 + (hairline - elevation) / 0.35
    out[(face < 0.5) | (ear > 0.3) | (template[:, 2] < 0.78)] = 3
    return np.minimum(out, 3)


def brow_field(template: np.ndarray) -> np.ndarray:
    """Return the eyebrow's darkness: a bell across ``asset.BROW``."""
    x, y, z = template.T
    middle, half = (np.interp(np.abs(x), baked.BROW[:, 0], c) for c in baked.BROW.T[1:])
    beyond = np.maximum(np.abs(np.abs(x) - baked.BROW[[0, -1], 0].mean()) - 0.0205, 0)
    bell = np.exp(-(((z - middle) / (0.85 * half + 0.0005)) ** 2))
    return bell * np.exp(-((beyond / 0.002) ** 2)) * (y < -0.09)
