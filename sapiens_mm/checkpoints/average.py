"""The mean of several models' weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor


def average_state_dicts(models: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Average weights key by key (Wortsman et al. 2022, "Model soups", section 2).

    Args:
        models: Two or more, with the same keys and shapes.

    Returns:
        Float tensors are averaged in float64 and have the first model's type; others,
        which count, are the first model's.

    Raises:
        ValueError: If there are fewer than two, or keys or shapes differ.
    """
    if len(models) < 2:
        raise ValueError(f'an average needs two models or more, not {len(models)}')
    first, *rest = models
    for number, model in enumerate(rest, start=2):
        differing = sorted(
            key
            for key in first.keys() | model.keys()
            if key not in first
            or key not in model
            or first[key].shape != model[key].shape
        )
        if differing:
            raise ValueError(
                f'model {number} is another one than the first: {differing[0]} differs'
            )
    return {
        key: torch.stack([model[key].double() for model in models]).mean(0).to(value)
        if value.is_floating_point()
        else value
        for key, value in first.items()
    }
