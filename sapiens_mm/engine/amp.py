"""Mixed-precision training that runs on a CPU too.

Host bug: ``mmengine.optim.AmpOptimWrapper`` (0.10.7) asserts in its constructor
that an accelerator is present, although mmengine's own ``autocast`` knows the CPU.
Reported as https://github.com/open-mmlab/mmpretrain/issues/1556, open since 2023.
A config that trains in bfloat16 on a GPU therefore cannot be tried, tested or
debugged anywhere else.

The class can go when mmengine's builds without an accelerator;
``tests/engine/test_amp.py`` fails on that day and says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.device import get_device
from mmengine.optim import AmpOptimWrapper, OptimWrapper
from torch import nn

from sapiens_mm.engine.optim_wrapper import GradGuard, SapiensOptimWrapper
from sapiens_mm.registry import OPTIM_WRAPPERS
from sapiens_mm.tasks import DTYPES


@OPTIM_WRAPPERS.register_module()
class SapiensAmpOptimWrapper(SapiensOptimWrapper, AmpOptimWrapper):
    """The host's AMP optimizer wrapper, on any device.

    Forward and loss run under ``torch.autocast`` of the device the parameters
    are on, so a CPU trains the path that a GPU trains. Loss scaling is on for
    float16 only: bfloat16 has the exponent range of float32 and needs none. Losses,
    accumulation, clipping and checkpoints are the host's, and steps are guarded as in
    ``SapiensOptimWrapper``. No config of the host's class can do this, since its
    constructor refuses the CPU.

    Args:
        loss_scale: For float16: ``'dynamic'``, a fixed scale, or arguments of
            ``torch.amp.GradScaler``. Other dtypes do not scale.
        dtype: Autocast type: bfloat16, float16 (not on a CPU), or float32, which
            turns autocast off. The host's default is float16.
        grad_guard: Arguments of ``GradGuard``: ``mode``, ``max_consecutive``. In
            float16 steps are skipped until the loss scale fits; from the default of
            65536 down to 1 that takes sixteen in a row.
        **kwargs: Of ``OptimWrapper``: ``optimizer``, ``accumulative_counts``,
            ``clip_grad``.

    Raises:
        ValueError: If ``dtype`` or ``loss_scale`` is none of these, float16 is asked
            for on a machine without an accelerator, or with ``mode='zero'``, which
            hides from the loss scale that it is too large.
    """

    def __init__(
        self,
        loss_scale: float | str | dict = 'dynamic',
        dtype: str | torch.dtype = 'bfloat16',
        grad_guard: dict | None = None,
        **kwargs,
    ) -> None:
        # Not AmpOptimWrapper.__init__: its assertion is the bug patched here.
        OptimWrapper.__init__(self, **kwargs)
        self.grad_guard = GradGuard(**(grad_guard or {}))
        self.cast_dtype = _parse_dtype(dtype)
        # on the machine's device first; that of the parameters shows only later
        _check_float16(self.cast_dtype, get_device())
        # zeros would hide the overflow from the scaler, whose scale would never fall
        if self.cast_dtype == torch.float16 and self.grad_guard.mode == 'zero':
            raise ValueError("mode='zero' is not for float16, only 'skip'")
        self._scale_update_param = None
        options = {}
        if isinstance(loss_scale, dict):
            options = loss_scale
        elif loss_scale != 'dynamic':
            if not (isinstance(loss_scale, (int, float)) and loss_scale > 0):
                raise ValueError(
                    "loss_scale must be 'dynamic', a positive number or a dict, "
                    f'not {loss_scale!r}'
                )
            self._scale_update_param = float(loss_scale)
            options = dict(init_scale=float(loss_scale))
        self.loss_scaler = torch.amp.GradScaler(
            get_device(), enabled=self.cast_dtype == torch.float16, **options
        )

    def skip_step(self) -> None:
        """Lower the loss scale of float16, on all ranks together."""
        if not self.loss_scaler.is_enabled():
            return
        for group in self.optimizer.param_groups:
            for param in group['params']:
                if param.grad is not None:  # finite here, perhaps: another rank's was
                    # an Inf makes unscale_ record a bad step, which lowers the scale
                    # here too
                    param.grad.fill_(float('inf'))
        self.loss_scaler.unscale_(self.optimizer)
        self.loss_scaler.update(self._scale_update_param)

    def load_state_dict(self, state_dict: dict) -> None:
        """Load the optimizer, and the loss scaler where both sides have one.

        Args:
            state_dict: What :meth:`state_dict` returned. One of a bfloat16 run
                holds no loss scale; a float16 run then starts from its own.
        """
        # a copy: the caller's checkpoint stays whole
        state_dict = dict(state_dict)
        # empty when the file is of a bfloat16 run: the scaler refuses an empty one
        if not state_dict.get('loss_scaler'):
            state_dict.pop('loss_scaler', None)
        super().load_state_dict(state_dict)

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Run forward and loss under autocast on the device of the parameters.

        Args:
            model: The model about to run.

        Raises:
            ValueError: If float16 is asked for and the parameters are on the CPU.
        """
        device_type = self.optimizer.param_groups[0]['params'][0].device.type
        _check_float16(self.cast_dtype, device_type)
        autocast = torch.autocast(
            device_type,
            dtype=self.cast_dtype,
            enabled=self.cast_dtype != torch.float32,
        )
        # Past AmpOptimWrapper.optim_context, which would enter an autocast of the
        # machine's accelerator even when the model is on the CPU.
        with OptimWrapper.optim_context(self, model), autocast:
            yield


def _parse_dtype(dtype: str | torch.dtype) -> torch.dtype:
    name = str(dtype).removeprefix('torch.')
    if name not in DTYPES:
        raise ValueError(f'dtype must be one of {", ".join(DTYPES)}, not {dtype!r}')
    return getattr(torch, name)


def _check_float16(dtype: torch.dtype, device_type: str) -> None:
    if dtype == torch.float16 and device_type == 'cpu':
        raise ValueError(
            "dtype='float16' needs an accelerator; on a CPU use dtype='bfloat16'"
        )
