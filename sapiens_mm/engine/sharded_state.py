"""State spread over the ranks of a run: gather it, scatter it, clip by it.

``torch.distributed.checkpoint.state_dict`` does this for whole state dicts, but names
the optimizer's entries by parameter, which no plain optimizer loads, refuses
optimizers without state, and is vague about weights that a file lacks. Going tensor by
tensor needs no more code, and no rank holds more than one whole tensor at a time,
but for rank 0, which keeps them on the CPU.

Every function here is collective: all ranks must call it, in the same order.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
import torch.distributed as dist
from mmengine.runner.checkpoint import _load_checkpoint
from torch import Tensor, nn
from torch.distributed.tensor import DTensor, distribute_tensor

BULKY = ('state_dict', 'optimizer')  # what only rank 0 ever holds whole


def from_rank0(value: Any) -> Any:
    """Give every rank the ``value`` of rank 0; small things only, it is pickled."""
    box = [value]
    dist.broadcast_object_list(box, src=0)
    return box[0]


def gather(value: Any) -> Any:
    """Collect a spread tensor on rank 0.

    Args:
        value: A ``DTensor``, a tensor that every rank has, or anything else.

    Returns:
        On rank 0 the whole tensor, on the CPU, or ``value`` itself if it is no
        tensor; on other ranks ``None``.
    """
    if isinstance(value, DTensor):
        value = value.detach().full_tensor()
    if dist.get_rank() != 0:
        return None
    if not isinstance(value, Tensor):
        return value
    value = value.detach().cpu()
    is_padded = value.untyped_storage().nbytes() > value.nbytes
    return value.clone() if is_padded else value  # files store whole storages


def scatter(full: Tensor | None, like: Tensor, dtype: torch.dtype) -> Tensor:
    """Spread a tensor of rank 0 the way another is spread.

    Args:
        full: The whole tensor, in the shape of ``like``; ``None`` on other ranks.
        like: Gives device and placement; a plain tensor means a copy on every rank.
        dtype: Of the result, the same on every rank.
    """
    if full is None:
        full = torch.empty(like.shape, dtype=dtype, device=like.device)
    else:
        # contiguous: collectives send memory as it lies
        full = full.to(like.device, dtype).contiguous()
    if isinstance(like, DTensor):
        return distribute_tensor(full, like.device_mesh, like.placements)
    dist.broadcast(full, src=0)
    return full


def read_checkpoint(filename: str) -> dict:
    """Read a checkpoint on rank 0 alone and share what is small in it.

    Args:
        filename: Path or URL, as in mmengine.

    Returns:
        The checkpoint; on other ranks ``state_dict`` and ``optimizer`` are empty.

    Raises:
        Exception: On rank 0 whatever reading raised, elsewhere a ``RuntimeError``
            that quotes it: no rank waits for one that died.
    """
    whole, error = {}, None
    if dist.get_rank() == 0:
        try:
            whole = _load_checkpoint(filename, map_location='cpu')
        except Exception as e:
            error = e
    # the message travels first, or the others wait for a broadcast that never comes
    message = from_rank0(error and f'rank 0 cannot read {filename}: {error}')
    if message is not None:
        raise error or RuntimeError(message)
    # small things go by pickle; the bulk of gigabytes tensor by tensor
    checkpoint = from_rank0({k: {} if k in BULKY else v for k, v in whole.items()})
    checkpoint.update({key: whole[key] for key in BULKY if key in whole})
    return checkpoint


def scatter_weights(
    weights: dict[str, Tensor], model: nn.Module, strict: bool = False
) -> str:
    """Spread weights that rank 0 has over the parameters and buffers of a model.

    Args:
        weights: Keys and shapes of the plain model; empty on other ranks.
        model: The sharded model.
        strict: Load all weights or none.

    Returns:
        A sentence about the weights that do not fit and were left out, empty if
        all fit.

    Raises:
        RuntimeError: If ``strict`` and not all weights fit.
    """
    targets = model.state_dict()
    # rank 0 decides: the other ranks have no weights to compare
    names, complaint = from_rank0(_match(weights, targets))
    if complaint and strict:
        raise RuntimeError(complaint)
    for name in names:
        target = targets[name]
        target.copy_(scatter(weights.get(name), target, target.dtype))
    return complaint


def _match(
    weights: dict[str, Tensor], targets: dict[str, Tensor]
) -> tuple[list[str], str]:
    shared = [name for name in targets if name in weights]
    fitting = [name for name in shared if weights[name].shape == targets[name].shape]
    problems = {
        'missing': set(targets) - set(shared),
        'unexpected': set(weights) - set(shared),
        'of another shape': set(shared) - set(fitting),
    }
    parts = [f'{what}: {", ".join(sorted(n))}' for what, n in problems.items() if n]
    if not parts:
        return fitting, ''
    return fitting, f'the weights do not fit the model; {"; ".join(parts)}'


def gather_optimizer(state_dict: dict, params: list[Tensor]) -> dict:
    """Collect an optimizer's state on rank 0.

    Args:
        state_dict: Of the optimizer wrapper.
        params: The optimizer's parameters in the order of its groups.

    Returns:
        ``state_dict`` with whole tensors; on other ranks with ``None`` for them.

    Raises:
        ValueError: If the optimizer keeps tensors that are not shaped like their
            parameter, such as row and column sums.
    """
    for index, entry in state_dict['state'].items():
        _check_shapes(entry, params[index])
    state = {
        index: {key: gather(value) for key, value in entry.items()}
        for index, entry in state_dict['state'].items()
    }
    return {**state_dict, 'state': state}


def scatter_optimizer(state_dict: dict, params: list[Tensor]) -> dict:
    """Spread an optimizer's state that rank 0 has.

    Args:
        state_dict: Of a plain optimizer wrapper, or from :func:`gather_optimizer`;
            empty on other ranks.
        params: The optimizer's parameters in the order of its groups.

    Returns:
        What the optimizer wrapper of this rank loads.

    Raises:
        ValueError: If ``state_dict`` is for other parameters.
    """
    # Rank 0 sends all but the large tensors, of which it sends shape and type.
    outline = from_rank0(_without_data(state_dict))
    indices = [i for group in outline['param_groups'] for i in group['params']]
    if indices != list(range(len(params))):
        raise ValueError(
            f'the optimizer state is for {len(indices)} parameters, named '
            f'{indices[:1]} to {indices[-1:]}; this model trains {len(params)}'
        )
    for index, entry in outline['state'].items():
        _check_shapes(entry, params[index])
        whole = state_dict['state'][index] if state_dict else {}
        for key, value in entry.items():
            # steps and the like are plain numbers and have come with the outline
            if isinstance(value, Tensor) and value.is_meta:
                entry[key] = scatter(whole.get(key), params[index], value.dtype)
    return outline


def _without_data(state_dict: dict) -> dict:
    def shape_only(value: Any) -> Any:
        return value.to('meta') if isinstance(value, Tensor) and value.dim() else value

    state = {
        index: {key: shape_only(value) for key, value in entry.items()}
        for index, entry in state_dict.get('state', {}).items()
    }
    return {**state_dict, 'state': state}


def _check_shapes(entry: dict, param: Tensor) -> None:
    for key, value in entry.items():
        if isinstance(value, Tensor) and value.dim() and value.shape != param.shape:
            raise ValueError(
                f'optimizer state {key!r} of shape {tuple(value.shape)} does not fit '
                f'its parameter of shape {tuple(param.shape)}'
            )


@torch.no_grad()
def clip_grad_norm_(
    parameters: Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Clip by the norm over all ranks, and return that norm as a plain tensor.

    ``torch.nn.utils.clip_grad_norm_`` returns a ``DTensor``, of which ``float()``, as
    mmengine logs it, can be this rank's share only; and its infinity norm fails where
    a rank has no row of some parameter.

    Args:
        parameters: Parameters of a sharded model.
        max_norm: Largest norm to leave as it is.
        norm_type: p of the p-norm, above 0; ``'inf'`` works too.
        error_if_nonfinite: Raise when the norm is infinite or not a number.
        foreach: As in ``torch.nn.utils``.

    Raises:
        RuntimeError: If ``error_if_nonfinite`` and the norm is not finite.
    """
    parameters = [p for p in parameters if p.grad is not None]
    shards = [p.grad.to_local() for p in parameters]
    power = float(norm_type)
    # a rank may have no row of a small parameter
    norm = torch.nn.utils.get_total_norm(
        [shard for shard in shards if shard.numel()], power, foreach=foreach
    ).to(shards[0].device)
    if power == float('inf'):
        dist.all_reduce(norm, dist.ReduceOp.MAX)
    else:
        # powers add up over ranks, norms do not
        norm = norm**power
        dist.all_reduce(norm)
        norm = norm ** (1 / power)
    if error_if_nonfinite and not norm.isfinite():
        raise RuntimeError(f'the gradient norm over all ranks is {norm.item()}')
    torch.nn.utils.clip_grads_with_norm_(parameters, max_norm, norm, foreach)
    return norm
