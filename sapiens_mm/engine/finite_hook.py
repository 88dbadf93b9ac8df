"""Evaluate no nonsense: predictions that are NaN or Inf end a test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement

from sapiens_mm.registry import HOOKS


class NotFiniteError(ValueError):
    """A model answered NaN or Inf; the message is one sentence."""


@HOOKS.register_module()
class SapiensFiniteHook(Hook):
    """Stop a test at the first prediction that is not finite.

    Hosts' metrics take it for a wrong prediction like any other: NaN has a class that
    is largest, the first, and a place, the corner.

    Args:
        weights: What to call the weights in the sentence.

    Raises:
        NotFiniteError: If a prediction holds NaN or Inf; one sentence.
    """

    def __init__(self, weights: str = 'the checkpoint') -> None:
        self.weights = weights

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Sequence[Any] | None = None,
    ) -> None:
        """Look at the predictions of a batch."""
        del runner, data_batch
        for sample in outputs or ():
            for name, value in predictions(sample):
                if not _is_finite(value):
                    raise NotFiniteError(
                        f'batch {batch_idx + 1}: {name} holds NaN or Inf: the weights '
                        f'of {self.weights}, or their number format, are no good'
                    )


def predictions(sample: Any, name: str = '') -> Iterator[tuple[str, Any]]:
    """Yield names and arrays of what a model predicted for one sample.

    Args:
        sample: A data element of a host, or a dict of its fields.
        name: Of the sample in messages.
    """
    if isinstance(sample, BaseDataElement):
        sample = dict(sample.items())
    if not isinstance(sample, Mapping):
        return
    for key, value in sample.items():
        inside = bool(name) or key.startswith(('pred', 'seg_logits'))
        where = f'{name}.{key}' if name else key
        if not inside:
            continue
        if isinstance(value, (BaseDataElement, Mapping)):
            yield from predictions(value, where)
        elif isinstance(value, (torch.Tensor, np.ndarray)):
            yield where, value


def _is_finite(value: torch.Tensor | np.ndarray) -> bool:
    if isinstance(value, torch.Tensor):
        return not value.is_floating_point() or bool(torch.isfinite(value).all())
    return value.dtype.kind != 'f' or bool(np.isfinite(value).all())
