"""``torch.compile`` for a training."""

from __future__ import annotations

import torch
from torch import nn

HEADS = ('head', 'decode_head')


def compile_for_training(model: nn.Module) -> None:
    """Compile the encoder, the heads and their losses in place.

    Keys and checkpoints stay. Heads are compiled for training alone: evaluation has
    batches of other sizes, each of which would be compiled anew. Losses say by
    ``compiles = True`` that their shapes do not depend on the data; a cross-entropy of
    28 parts then takes less than half its time on a processor.

    Args:
        model: With ``backbone``, and perhaps ``head`` or ``decode_head``: one head, or
            one with ``heads`` by task.

    Raises:
        ValueError: If there is no ``backbone``.
    """
    if not hasattr(model, 'backbone'):
        raise ValueError(f'{type(model).__name__} has no backbone to compile')
    # PyTorch 2.14 cuts graphs at DDP's buckets; on a CPU all gradients are NaN then
    torch._dynamo.config.optimize_ddp = False
    model.backbone.compile()
    for name in HEADS:
        head = getattr(model, name, None)
        if head is not None:
            for part in getattr(head, 'heads', {'': head}).values():
                _compile_forward(part)
            for loss in head.modules():
                if getattr(loss, 'compiles', False):
                    loss.compile()


def _compile_forward(head: nn.Module) -> None:
    """Compile ``forward``: the hosts' ``loss`` calls that, not the module."""
    eager = head.forward
    compiled = torch.compile(eager)

    def forward(*args: object) -> object:
        return compiled(*args) if head.training else eager(*args)

    head.forward = forward
