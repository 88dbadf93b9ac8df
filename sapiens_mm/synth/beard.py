"""Beards and stubble, as darker skin."""

from __future__ import annotations

import numpy as np

from sapiens_mm.synth.dresser import Dresser


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
