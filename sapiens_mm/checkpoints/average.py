"""The mean of several models' weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from sapiens_mm.checkpoints.keys import differing_key


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
        differing = differing_key(first, model)
        if differing is not None:
            raise ValueError(
                f'model {number} is another one than the first: {differing} differs'
            )
    return {
        key: torch.stack([model[key].double() for model in models]).mean(0).to(value)
        if value.is_floating_point()
        else value
        for key, value in first.items()
    }
