"""Safe loading of the checkpoints that mmengine writes.

Host bug: mmengine 0.10.7 calls ``torch.load(filename)`` on checkpoints that hold, next
to tensors, its message hub and the data set's description: log histories and numpy
values. Since PyTorch 2.6 that loads with ``weights_only=True``, which refuses them, so
nothing can be resumed. Upstream: https://github.com/open-mmlab/mmengine/issues/1655,
open fix https://github.com/open-mmlab/mmengine/pull/1650.
Delete this file when mmengine allows its own types.

We allow exactly the types such files hold, so ``weights_only=True`` stays in force: a
pickle that calls anything else is refused. One name needs care: a log history pickles
its four statistics as ``getattr(HistoryBuffer, 'min')`` and so on. In its place stands
``_pickled_method``, which returns those methods and nothing else.

Second bug: ``load_from`` of a file that holds tensors alone, as converted and official
encoders do, stops with ``KeyError: 'state_dict'`` in ``EMAHook``. They are given that
key; so are ``.safetensors`` files where PyTorch reads them.
"""

from __future__ import annotations

import importlib
from pickle import UnpicklingError
from types import ModuleType

from sapiens_mm.compat import hooks

METHODS = {
    'HistoryBuffer': ('min', 'max', 'current', 'mean'),
    'OneCycleParamScheduler': ('_annealing_cos', '_annealing_linear'),
}
"""Methods that checkpoints refer to, by class."""

CLASSES = {
    'mmengine.logging.message_hub': ('HistoryBuffer', 'MessageHub'),
    'mmengine.config.config': ('ConfigDict',),
    'mmengine.optim.scheduler.param_scheduler': ('OneCycleParamScheduler',),
}
"""mmengine's classes in checkpoints, by the module whose import allows them."""

DTYPES = '? i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 U S'
"""Numpy types that metrics, log histories and data set descriptions are made of."""


def install() -> hooks.Patch:
    """Allow the types of a module of mmengine once that and PyTorch are imported."""
    for name in CLASSES:
        hooks.after(name, _allow_with_torch)
    hooks.after('mmengine.runner.checkpoint', _name_bare_weights)
    return hooks.Patch(_describe)


def allow() -> None:
    """Allow everything that mmengine's checkpoints hold, now; it imports mmengine.

    Needed only where such a file is read before mmengine's runner was imported.
    """
    import torch

    for name in CLASSES:
        _allow(importlib.import_module(name), torch.serialization)


def _allow_with_torch(module: ModuleType) -> None:
    """Wait for PyTorch: mmengine's configs and logs do without it."""
    hooks.after('torch.serialization', lambda torch_part: _allow(module, torch_part))


def _allow(module: ModuleType, serialization: ModuleType) -> None:
    if not hasattr(serialization, 'add_safe_globals'):
        return  # before PyTorch 2.4
    classes = [getattr(module, name) for name in CLASSES[module.__name__]]
    serialization.add_safe_globals([*classes, *_numpy_globals(), _GETATTR])


def _numpy_globals() -> list[object]:
    """Return what numpy arrays and scalars are pickled with, by numpy 1 and 2."""
    import numpy as np

    # asked of numpy: numpy 2 moved these functions to another module
    rebuild_array = np.empty(0).__reduce__()[0]
    rebuild_scalar = np.float64(0).__reduce__()[0]
    aliases = [
        (function, f'numpy.{core}.multiarray.{name}')
        for function, name in (
            (rebuild_array, '_reconstruct'),
            (rebuild_scalar, 'scalar'),
        )
        # a file of numpy 1 names core, one of numpy 2 _core; either is read by either
        for core in ('core', '_core')
    ]
    # numpy 2 pickles the class of a dtype, one for each code
    dtypes = [type(np.dtype(code)) for code in DTYPES.split()]
    return [np.ndarray, np.dtype, *dtypes, *aliases]


def _pickled_method(owner: object, name: str) -> object:
    """Stand in for ``getattr`` in a checkpoint: only the methods of ``METHODS``.

    Args:
        owner: A class that checkpoints may hold.
        name: Name of one of its methods.

    Returns:
        The method.

    Raises:
        UnpicklingError: If ``METHODS`` has no such method.
    """
    if (
        isinstance(owner, type)
        and owner.__module__.startswith('mmengine.')
        and name in METHODS.get(owner.__name__, ())
    ):
        return getattr(owner, name)
    raise UnpicklingError(f'a checkpoint may not read {name!r} of {owner!r}')


_GETATTR = (_pickled_method, 'builtins.getattr')


def _name_bare_weights(module: ModuleType) -> None:
    """Let ``CheckpointLoader`` return bare weights as a checkpoint has them."""
    loader = module.CheckpointLoader
    load = loader.load_checkpoint

    def load_checkpoint(
        _cls: type, filename: str, map_location: object = None, logger: str = 'current'
    ) -> dict:
        from torch import Tensor

        content = load(filename, map_location, logger)
        bare = content and all(isinstance(value, Tensor) for value in content.values())
        return dict(state_dict=content) if bare else content

    loader.load_checkpoint = classmethod(load_checkpoint)


def _describe() -> str:
    import torch

    if not hasattr(torch.serialization, 'add_safe_globals'):
        return f'stands aside: PyTorch {torch.__version__} loads mmengine checkpoints'
    allow()
    return "active: mmengine's checkpoints load with weights_only=True"
