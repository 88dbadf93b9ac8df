"""Non-finite gradients: count them, skip the step on all ranks, stop the run.

mmengine (0.10.7) offers ``error_if_nonfinite`` of ``clip_grad``, which ends a run of
weeks at the first bad batch, and nothing else for bfloat16 and float32: Adam's moments
stay NaN from then on. Its hooks come after the step, so only a wrapper can prevent one.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import torch
from mmengine.dist import all_reduce
from mmengine.logging import MessageHub, print_log
from mmengine.optim import OptimWrapper
from torch import Tensor, nn
from torch.distributed.tensor import DTensor
from torch.optim import Optimizer

from sapiens_mm.registry import OPTIM_WRAPPERS

DONE = {'skip': 'skipped', 'zero': 'zeroed'}  # mode -> what happened to a step
NAMES_SHOWN = 3


class GradGuard:
    """Look at gradients before a step, and count the bad ones.

    Args:
        mode: ``'skip'`` drops the whole step: weights and the optimizer's state stay
            as they are. ``'zero'`` sets the NaN and Inf entries to zero
            and takes the step, as the official Sapiens training does; one bad image
            then still moves all weights, by decay and momentum at least.
        max_consecutive: Stop the run at so many bad steps in a row.

    Raises:
        ValueError: If ``mode`` or ``max_consecutive`` is none of these.
    """

    def __init__(self, mode: str = 'skip', max_consecutive: int = 20) -> None:
        if mode not in DONE:
            raise ValueError(f'mode must be one of {", ".join(DONE)}, not {mode!r}')
        if type(max_consecutive) is not int or max_consecutive < 1:
            raise ValueError(
                f'max_consecutive must be an integer above 0, not {max_consecutive!r}'
            )
        self.mode = mode
        self.max_consecutive = max_consecutive
        self.total = 0
        self.in_a_row = 0
        self._names: dict[int, str] = {}

    def remember_names(self, model: nn.Module) -> None:
        """Take the names of parameters from ``model``, for messages."""
        self._names = {
            id(param): name.removeprefix('module.')
            for name, param in model.named_parameters()
        }

    def admits(self, params: Sequence[Tensor], message_hub: MessageHub) -> bool:
        """Tell whether a step may be taken; all ranks must ask, and hear the same.

        Args:
            params: All parameters of the optimizer. Shards of them will do.
            message_hub: Gets ``train/skipped_steps`` or ``train/zeroed_steps``, the
                count so far, from the first bad step on.

        Returns:
            Whether no rank has a NaN or an Inf, or all have them zeroed.

        Raises:
            FloatingPointError: At the last of ``max_consecutive`` bad steps in a row.
        """
        grads = [_local(param.grad) for param in params if param.grad is not None]
        # a shard of a small parameter can be empty on a rank, and has no maximum
        grads = [grad for grad in grads if grad.numel()]
        # the largest magnitude: NaN passes through, and it cannot overflow
        largest = torch.nn.utils.get_total_norm(grads, float('inf'))
        flag = (~largest.isfinite()).float().to(params[0].device)
        # a max, not a sum: one bad rank is enough, and all must hear the same
        all_reduce(flag, 'max')
        if not flag.item():
            self.in_a_row = 0
            return True
        self.total += 1
        self.in_a_row += 1
        done = DONE[self.mode]
        message_hub.update_scalar(f'train/{done}_steps', self.total)
        message = f'NaN or Inf in gradients of {self._where(params)}'
        if self.in_a_row >= self.max_consecutive:
            raise FloatingPointError(
                f'{message}, in {self.in_a_row} steps in a row (max_consecutive), '
                f'{self.total} in all; training stops before this step. Look at the '
                'last batches and at the loss, lower the learning rate, or resume '
                'from an older checkpoint'
            )
        print_log(
            f'{message}: step {done}, {self.in_a_row} in a row, {self.total} in all',
            logger='current',
            level=logging.WARNING,
        )
        if self.mode == 'skip':
            return False
        for grad in grads:
            grad.nan_to_num_(nan=0.0, posinf=0.0, neginf=0.0)
        return True

    def _where(self, params: Sequence[Tensor]) -> str:
        """Name the parameters whose gradient is bad on any rank."""
        bad = torch.zeros(len(params), device=params[0].device)
        for i, param in enumerate(params):
            if param.grad is not None:
                bad[i] = (~_local(param.grad).isfinite()).any()
        all_reduce(bad, 'max')
        indices = bad.nonzero().flatten().tolist()
        names = [self._names.get(id(params[i]), f'number {i}') for i in indices]
        shown = ', '.join(names[:NAMES_SHOWN]) + ', …' * (len(names) > NAMES_SHOWN)
        return f'{len(names)} of {len(params)} parameters ({shown})'

    def state_dict(self) -> dict[str, int]:
        """Return the counters."""
        return dict(total=self.total, in_a_row=self.in_a_row)

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        """Take over counters.

        Args:
            state_dict: What :meth:`state_dict` returned; of an empty one, zeros.
        """
        self.total = state_dict.get('total', 0)
        self.in_a_row = state_dict.get('in_a_row', 0)


@OPTIM_WRAPPERS.register_module()
class SapiensOptimWrapper(OptimWrapper):
    """The host's optimizer wrapper, which takes no step on a NaN or an Inf.

    Once per step, before clipping, all ranks agree in one ``all_reduce`` whether
    any of them has a bad gradient. With accumulation the sum is looked at, so one
    bad batch drops those it was added to. The learning rate's schedule moves on.
    A bad step is logged as ``train/skipped_steps``, counted in checkpoints, and
    named in a warning. No config of the host's class can do this.

    Args:
        optimizer: The optimizer.
        grad_guard: Arguments of :class:`GradGuard`: ``mode``, ``max_consecutive``.
        **kwargs: Of ``OptimWrapper``: ``accumulative_counts``, ``clip_grad``.
    """

    def __init__(
        self, optimizer: Optimizer, grad_guard: dict | None = None, **kwargs
    ) -> None:
        super().__init__(optimizer, **kwargs)
        self.grad_guard = GradGuard(**(grad_guard or {}))

    def initialize_count_status(
        self, model: nn.Module, init_counts: int, max_counts: int
    ) -> None:
        """Prepare accumulation, as the host does, and learn parameters' names.

        Args:
            model: The model to train.
            init_counts: Iterations done.
            max_counts: Iterations to do in all.
        """
        super().initialize_count_status(model, init_counts, max_counts)
        self.grad_guard.remember_names(model)

    def step(self, **kwargs) -> None:
        """Clip and take a step where the gradients admit one; all ranks must call it.

        Args:
            **kwargs: Of the optimizer's ``step``.

        Raises:
            FloatingPointError: At the last bad step in a row that is tolerated.
        """
        params = [p for group in self.optimizer.param_groups for p in group['params']]
        if self.grad_guard.admits(params, self.message_hub):
            super().step(**kwargs)
        else:
            self.skip_step()

    def skip_step(self) -> None:
        """Do what is to be done instead of a step: here nothing."""

    def state_dict(self) -> dict:
        """Return the optimizer's state, and the counters once they have counted.

        The host's wrappers load it too.
        """
        state_dict = super().state_dict()
        if self.grad_guard.total:
            state_dict['grad_guard'] = self.grad_guard.state_dict()
        return state_dict

    def load_state_dict(self, state_dict: dict) -> None:
        """Load the optimizer and the counters.

        Args:
            state_dict: What :meth:`state_dict` of this class or of the host's returned.
        """
        # a copy: pop must not empty the caller's checkpoint
        state_dict = dict(state_dict)
        self.grad_guard.load_state_dict(state_dict.pop('grad_guard', {}))
        super().load_state_dict(state_dict)


def _local(grad: Tensor) -> Tensor:
    return grad.to_local() if isinstance(grad, DTensor) else grad
