"""Beards, stubble and the scalp below hair, as darker skin."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from sapiens_mm.synth.clothes.dresser import Dresser
from sapiens_mm.synth.core.asset import Asset


def beard(d: Dresser, aux: np.ndarray) -> np.ndarray:
    """Darken the skin where stubble, a full beard, a goatee or a moustache grows.

    Args:
        d: Who.
        aux: (V,) of the skin.

    Returns:
        (V,) with the beard, float32.
    """
    rng, asset = d.rng, d.asset
    x, y, z = asset.template.T
    lip = asset.fields['lip']
    # the mouth's height differs with each asset, and all below is told from it
    mouth = z[(lip > 0.5)].mean()
    jaw = np.clip(
        (mouth + 0.028 - 0.35 * np.clip(0.05 - np.abs(x), 0, 1) - z) / 0.012, 0, 1
    )
    jaw *= np.clip((z - 0.762) / 0.014, 0, 1) * np.clip((-0.035 - y) / 0.014, 0, 1)
    tache = np.exp(-(((z - mouth - 0.0125) / 0.0055) ** 2)) * (np.abs(x) < 0.03)
    chin = jaw * np.clip((0.026 - np.abs(x)) / 0.006, 0, 1)
    kind = rng.choice(4, p=[0.4, 0.32, 0.16, 0.12])
    area = (jaw + tache, jaw + tache, chin + tache, tache)[kind]
    share = rng.uniform(0.18, 0.4) if kind == 0 else rng.uniform(0.6, 0.9)
    area = np.clip(area, 0, 1) * (asset.part('Face_Neck') > 0.6) * (y < -0.03)
    area = area * np.clip(1 - 2 * lip, 0, 1) * (asset.fields['ear'] < 0.2)
    return np.where(area > 0.05, np.minimum(aux, -share * area), aux).astype(np.float32)


@lru_cache(maxsize=2)
def _scalp_ids(asset: Asset) -> np.ndarray:
    """Return the vertices that any hairline may reach."""
    return np.flatnonzero(asset.fields['scalp'] < 2.0)


def shade_scalp(
    d: Dresser,
    aux: np.ndarray,
    field: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> np.ndarray:
    """Darken the scalp below the hair, fading at the hairline.

    Args:
        d: Who.
        aux: (V,) of the skin.
        field: Gives the hairline's field, below 1 where hair is, from the asset's
            'scalp' (n,) and the template (n, 3).

    Returns:
        (V,) with the scalp, float32.
    """
    ids = _scalp_ids(d.asset)
    here = field(d.asset.fields['scalp'][ids], d.asset.template[ids])
    cover = np.clip((1.05 - here) / 0.18, 0, 1)
    out = aux.copy()
    out[ids] = np.minimum(aux[ids], np.where(cover > 0, -0.9 * cover, aux[ids]))
    return out
