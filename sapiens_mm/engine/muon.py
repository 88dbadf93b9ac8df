"""Muon for the matrices of a model, AdamW for the rest, as one optimizer."""

from __future__ import annotations

from typing import Any

import torch
from torch.optim import AdamW, Optimizer

from sapiens_mm.registry import OPTIMIZERS


@OPTIMIZERS.register_module()
class SapiensMuon(Optimizer):
    """Muon for matrices and AdamW for all else (Jordan et al. 2024).

    Muon turns the momentum of a matrix into the nearest matrix whose singular values
    are all 1, so that rare directions move as far as frequent ones: a ViT that starts
    from nothing needs fewer images. It is for matrices alone. Here each group is
    parted: its parameters with two axes, in a ViT the linear layers of the blocks, go
    to torch's ``Muon``, and the others (convolutions, position table, norms, biases)
    to torch's ``AdamW``. Schedulers, gradient clipping and checkpoints see one
    optimizer; mmengine knows several only as ``OptimWrapperDict``, which asks for a
    training step of one's own.

    Args:
        params: Parameters, or groups of them.
        lr: Learning rate of AdamW.
        muon_lr_mult: Muon's rate is ``lr`` times this. Its steps are scaled to the
            size of Adam's (Liu et al. 2025, section 2.2), so 1 is a cautious choice.
        betas: Of AdamW.
        eps: Of AdamW.
        weight_decay: Of both.
        momentum: Of Muon, with Nesterov's look ahead.

    Raises:
        ValueError: If a number is out of range.
        ImportError: If torch has no ``torch.optim.Muon`` (it came with 2.9).
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        muon_lr_mult: float = 1.0,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.05,
        momentum: float = 0.95,
    ) -> None:
        if not hasattr(torch.optim, 'Muon'):
            raise ImportError(
                f'SapiensMuon needs torch.optim.Muon, of torch 2.9 and later; this is '
                f'{torch.__version__}'
            )
        if not muon_lr_mult > 0:
            raise ValueError(f'muon_lr_mult must be above 0, got {muon_lr_mult}')
        self.muon_lr_mult = muon_lr_mult
        # both check their numbers; their groups are replaced by ours at each step
        nothing = [torch.nn.Parameter(torch.zeros(1, 1))]
        self._muon = torch.optim.Muon(
            nothing,
            lr=lr * muon_lr_mult,
            weight_decay=weight_decay,
            momentum=momentum,
            # steps as large as AdamW's, so that one learning rate suits both parts
            adjust_lr_fn='match_rms_adamw',
        )
        self._adamw = AdamW(
            nothing, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay
        )
        super().__init__(params, {'lr': lr, 'weight_decay': weight_decay})

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Part a group into matrices and the rest, and add what is not empty.

        Args:
            param_group: ``params``, and what differs from the defaults: ``lr``,
                ``weight_decay``, or any key that is only carried along.
        """
        params = param_group['params']
        params = [params] if isinstance(params, torch.Tensor) else list(params)
        if not params:
            raise ValueError('a group of parameters is empty')
        for muon in (True, False):
            part = [param for param in params if (param.ndim == 2) is muon]
            if not part:
                continue
            inner = self._muon if muon else self._adamw
            group = {**inner.defaults, **param_group, 'params': part, 'muon': muon}
            if muon and 'lr' in param_group:
                group['lr'] = param_group['lr'] * self.muon_lr_mult
            super().add_param_group(group)

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Take a step with both.

        Args:
            closure: Computes the loss anew, or None.

        Returns:
            What ``closure`` returns.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for inner, muon in ((self._muon, True), (self._adamw, False)):
            # looked up each time: loading a checkpoint makes new lists
            inner.param_groups = [g for g in self.param_groups if g['muon'] is muon]
            # one state for both, so that one state_dict holds all
            inner.state = self.state
            if inner.param_groups:
                inner.step()
        return loss
