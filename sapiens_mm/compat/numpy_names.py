"""Names that numpy has dropped, for the host modules that still use them.

Host bugs: ``np.float`` (gone since numpy 1.24) in mmdet 3.3.0's YouTube-VIS evaluation
and in mmcv 2.1.0's ``pixel_group``; ``np.in1d`` (gone since numpy 2.4) in mmpretrain
1.2.0's retrieval metrics. Each ends in an AttributeError after the whole test set has
been run. No upstream thread known; the replacements are those of numpy's own notes,
https://numpy.org/doc/stable/release/2.4.0-notes.html and .../1.20.0-notes.html.
Delete this file when the last releases of the three no longer use them.

The modules named get a view of numpy (``views.py``); numpy itself stays as it is, so a
program that asks numpy for these names is told what numpy would tell it.
"""

from __future__ import annotations

import builtins
import importlib
from types import ModuleType

from sapiens_mm.compat import hooks, views

USED = {
    'mmcv.ops.pixel_group': 'float',
    'mmdet.evaluation.functional.ytviseval': 'float',
    'mmpretrain.evaluation.metrics.retrieval': 'in1d',
}
"""By host module, the name that it asks numpy for."""


def install() -> hooks.Patch:
    """Give each module of ``USED`` its name back if numpy has none."""
    for name in USED:
        hooks.after(name, _give_back)
    return hooks.Patch(_describe)


def _give_back(module: ModuleType) -> None:
    name = USED[module.__name__]
    if _lacks(module, name):
        module.np = views.View(module.np, **{name: _OURS[name]})


def _lacks(module: ModuleType, name: str) -> bool:
    return not hasattr(module.np, name) and views.says(module, f'np.{name}')


def _in1d(elements: object, test_elements: object, **options: object) -> object:
    """Answer ``np.isin`` for ``elements`` made flat, as ``np.in1d`` did."""
    import numpy as np

    return np.isin(np.ravel(elements), test_elements, **options)


_OURS = {'float': builtins.float, 'in1d': _in1d}


def _describe() -> str:
    modules = []
    for name in USED:
        try:
            modules.append(importlib.import_module(name))
        except Exception as error:  # a host that is not installed
            reason = hooks.summary(error)
    if not modules:
        return f'idle: {reason}'
    patched = [
        f'np.{USED[module.__name__]} in {module.__name__}'
        for module in modules
        if isinstance(module.np, views.View)
    ]
    if patched:
        return f'active: gives back {", ".join(patched)}'
    return 'stands aside: numpy has the names that the hosts ask for'
