"""Two optimizers called Adafactor, one name in mmengine's registry.

Host bug: up to mmengine 0.10.5, ``import mmengine.optim`` registers PyTorch's
optimizers and then that of transformers; since PyTorch 2.5 both have an Adafactor,
and the second one ends in ``KeyError: 'Adafactor is already registered``. Upstream:
https://github.com/open-mmlab/mmengine/issues/1609, fixed in 0.10.6.
Delete this file when mmengine 0.10.6 is the oldest that we support.

We do as 0.10.6 does: transformers keeps ``Adafactor``, PyTorch's is called
``TorchAdafactor``. transformers itself is left alone.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager

from sapiens_mm.compat import hooks

FIXED_IN = (0, 10, 6)
"""The mmengine release that keeps the two apart by itself."""


def install() -> hooks.Patch:
    """Keep the two apart while mmengine registers optimizers, if it does not."""
    hooks.around('mmengine.optim.optimizer.builder', _renamed)
    return hooks.Patch(_describe)


@contextmanager
def _renamed() -> Iterator[None]:
    """Hide PyTorch's Adafactor from the registration, then register it ourselves."""
    import torch
    from mmengine.registry import OPTIMIZERS

    if not _clashes():
        yield
        return
    adafactor = torch.optim.Adafactor
    # hidden, since mmengine registers every class it finds in torch.optim
    del torch.optim.Adafactor
    try:
        yield
    finally:
        torch.optim.Adafactor = adafactor
    OPTIMIZERS.register_module(name='TorchAdafactor', module=adafactor)


def _clashes() -> bool:
    import torch
    from mmengine.version import version_info

    return (
        version_info[:3] < FIXED_IN
        and hasattr(torch.optim, 'Adafactor')
        and importlib.util.find_spec('transformers') is not None
    )


def _describe() -> str:
    if _clashes():
        return "active: PyTorch's Adafactor is registered as TorchAdafactor"
    return 'stands aside: mmengine and transformers do not clash here'
