"""Focal losses of ``mmcv._ext``, which mmdet calls for tensors on a GPU.

Class scores are (N, C), targets (N,). A target outside 0..C-1 is background for the
sigmoid loss; a negative one is ignored by the softmax loss. ``weight`` (C,) scales by
the class of the target, and is empty when there is none.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sapiens_mm.compat.mmcv_ext.precision import wide


def sigmoid_focal_loss_forward(
    input: Tensor,
    target: Tensor,
    weight: Tensor,
    output: Tensor,
    gamma: float,
    alpha: float,
) -> None:
    """Fill ``output`` (N, C) with the loss of every class score ``input``."""
    p = wide(input).sigmoid()
    positive = alpha * (1 - p) ** gamma * _log(p)
    negative = (1 - alpha) * p**gamma * _log(1 - p)
    loss = -torch.where(_one_hot(target, p), positive, negative)
    output.copy_(loss * _of_target(weight, target)[:, None])


def sigmoid_focal_loss_backward(
    input: Tensor,
    target: Tensor,
    weight: Tensor,
    grad_input: Tensor,
    gamma: float,
    alpha: float,
) -> None:
    """Fill ``grad_input`` (N, C) with the derivative of the loss by ``input``."""
    p = wide(input).sigmoid()
    positive = alpha * (1 - p) ** gamma * (1 - p - gamma * p * _log(p))
    negative = (1 - alpha) * p**gamma * (gamma * (1 - p) * _log(1 - p) - p)
    grad = -torch.where(_one_hot(target, p), positive, negative)
    grad_input.copy_(grad * _of_target(weight, target)[:, None])


def softmax_focal_loss_forward(
    input: Tensor,
    target: Tensor,
    weight: Tensor,
    output: Tensor,
    gamma: float,
    alpha: float,
) -> None:
    """Fill ``output`` (N,) from ``input``, scores after softmax."""
    p = wide(input).gather(1, target.clamp(min=0)[:, None])[:, 0]
    loss = -alpha * (1 - p) ** gamma * _log(p) * _of_target(weight, target)
    output.copy_(loss.masked_fill(target < 0, 0))


def softmax_focal_loss_backward(
    input: Tensor,
    target: Tensor,
    weight: Tensor,
    buff: Tensor,
    grad_input: Tensor,
    gamma: float,
    alpha: float,
) -> None:
    """Fill ``grad_input`` (N, C), the derivative by the scores before softmax.

    ``buff`` (N,) gets the derivative by the logarithm of the target's score.
    """
    softmax = wide(input)
    p = softmax.gather(1, target.clamp(min=0)[:, None])[:, 0]
    slope = gamma * (1 - p) ** (gamma - 1) * p * _log(p) - (1 - p) ** gamma
    slope = alpha * slope * _of_target(weight, target)
    buff.copy_(slope.masked_fill(target < 0, 0))
    grad_input.copy_(buff[:, None] * (_one_hot(target, softmax).to(softmax) - softmax))


def _log(p: Tensor) -> Tensor:
    # the compiled loss's bound too: the logarithm of 0 would end as a NaN
    return p.clamp(min=torch.finfo(torch.float32).tiny).log()


def _one_hot(target: Tensor, scores: Tensor) -> Tensor:
    classes = torch.arange(scores.shape[1], device=scores.device)
    return target[:, None] == classes


def _of_target(weight: Tensor, target: Tensor) -> Tensor:
    """Return the weight of each target (N,); 1 without weights."""
    if weight.numel() == 0:
        return torch.ones_like(target, dtype=torch.float32)
    # clamped: a background or ignored target is no index
    return wide(weight)[target.clamp(0, weight.numel() - 1)]
