"""Builds of adults, and their coefficients on the baked shapes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sapiens_mm.synth.core.asset import Asset
from sapiens_mm.synth.core.jit import kernel

RACES = ('african', 'asian', 'caucasian')

_STOPS = (
    ('gender', (0.0, 1.0)),
    ('age', (-1 / 3, 0.0, 1 / 3, 2 / 3, 1.0)),
    ('muscle', (0.0, 0.5, 1.0)),
    ('weight', (0.0, 0.5, 1.0)),
    ('height', (0.0, 1.0)),
    ('proportions', (0.0, 1.0)),
    ('cupsize', (0.0, 0.5, 1.0)),
    ('firmness', (0.0, 0.5, 1.0)),
)
_ADULT_YEARS = (18.0, 25.0, 90.0)
_ADULT_STOPS = (0.62, 2 / 3, 1.0)  # at 1/3 is a child of twelve


@dataclass(frozen=True)
class BodyShape:
    """An adult's build. All but ``age_years`` and ``local`` are from 0 to 1.

    Attributes:
        gender: 0 male, 1 female.
        age_years: 18 to 90.
        muscle, weight, height, proportions, cupsize, firmness: 0.5 is average; height
            is a share of the span that the other values leave.
        african, asian, caucasian: Mixture, brought to sum 1.
        local: Strength from -1 to 1 by name of a local unit without its sign, such as
            'nose-hump-incr' or 'l-ear-scale-incr'.

    Raises:
        ValueError: If a value is out of its range.
    """

    gender: float = 0.5
    age_years: float = 25.0
    muscle: float = 0.5
    weight: float = 0.5
    height: float = 0.5
    proportions: float = 0.5
    cupsize: float = 0.5
    firmness: float = 0.5
    african: float = 1 / 3
    asian: float = 1 / 3
    caucasian: float = 1 / 3
    local: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not _ADULT_YEARS[0] <= self.age_years <= _ADULT_YEARS[-1]:
            raise ValueError(
                f'age_years is {self.age_years}; only adults are made, 18 to 90'
            )
        names = [name for name, _ in _STOPS if name != 'age'] + list(RACES)
        for name in names:
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f'{name} is {getattr(self, name)}; expected 0 to 1')
        if self.african + self.asian + self.caucasian <= 0:
            raise ValueError('african, asian and caucasian are all 0')
        for name, strength in self.local.items():
            if not -1 <= strength <= 1:
                raise ValueError(f'local {name} is {strength}; expected -1 to 1')


def corner_weights(
    mask: np.ndarray, values: np.ndarray, races: np.ndarray
) -> np.ndarray:
    """Return how much of each phenotype corner a body has.

    Args:
        mask: (N, 26) bool, the stops that each corner multiplies; columns are the three
            races, then the stops of gender, age, muscle, weight, height, proportions,
            cup size and firmness.
        values: (8,) in the same order, on the scale of the stops.
        races: (3,) with sum 1.

    Returns:
        (N,) float64.
    """
    share = [np.asarray(races, np.float64)]
    for value, (_, stops) in zip(values, _STOPS, strict=True):
        hat = np.zeros(len(stops))
        upper = int(np.clip(np.searchsorted(stops, value), 1, len(stops) - 1))
        low, high = stops[upper - 1], stops[upper]
        part = min(max((value - low) / (high - low), 0.0), 1.0)
        hat[upper - 1 : upper + 1] = 1 - part, part
        share.append(hat)
    return _products(mask, np.concatenate(share))


@kernel
def _products(mask: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the product (N,) of the values (M,) that each row of a mask names."""
    out = np.ones(mask.shape[0])
    for i in range(mask.shape[0]):
        for k in range(mask.shape[1]):
            if mask[i, k]:
                out[i] *= values[k]
    return out


def shape_coefficients(asset: Asset, shape: BodyShape) -> np.ndarray:
    """Return (R,) the coefficients of ``asset.shape_basis``."""
    years = np.interp(shape.age_years, _ADULT_YEARS, _ADULT_STOPS)
    values = [years if n == 'age' else getattr(shape, n) for n, _ in _STOPS]
    races = np.array([getattr(shape, race) for race in RACES])
    corners = corner_weights(asset.phenotype_mask, values, races / races.sum())
    return corners @ asset.shape_projection - asset.shape_offset
