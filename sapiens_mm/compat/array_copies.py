"""Keypoints that are tensors, in mmpose's visualizers.

Host bug: mmpose 1.3.2 draws from ``np.array(kpts, copy=False)``. Since numpy 2 that
means "never copy" and refuses all that is no array, with ``Unable to avoid copy``;
before, it meant "copy where you must". So data samples with tensors, as the pipelines
and ``PoseDataSample`` have them, are not drawn. No upstream thread known; the cure is
numpy's: https://numpy.org/doc/stable/numpy_2_0_migration_guide.html.
Delete this file when mmpose writes ``np.asarray``.

The two modules get a view of numpy (``views.py``) whose ``array`` means the old thing.
"""

from __future__ import annotations

import importlib
from types import ModuleType

from sapiens_mm.compat import hooks, views

MODULES = (
    'mmpose.visualization.local_visualizer',
    'mmpose.visualization.local_visualizer_3d',
)


def install() -> hooks.Patch:
    """Have mmpose's visualizers copy where they must, if numpy is 2 or later."""
    for name in MODULES:
        hooks.after(name, _allow_copies)
    return hooks.Patch(_describe)


def _allow_copies(module: ModuleType) -> None:
    if not _refuses_copies() or not views.says(module, 'copy=False'):
        return
    numpy = module.np

    def array(
        content: object, *args: object, copy: bool | None = True, **options: object
    ) -> object:
        """Make an array; ``copy=False`` copies where it must."""
        # False becomes None: numpy 2 calls "copy where you must" so
        return numpy.array(content, *args, copy=copy or None, **options)

    module.np = views.View(numpy, array=array)


def _refuses_copies() -> bool:
    import numpy as np

    try:
        np.array([0], copy=False)
    except ValueError:
        return True
    return False


def _describe() -> str:
    modules = [importlib.import_module(name) for name in MODULES]
    if any('array' in vars(module.np) for module in modules if _viewed(module)):
        return "active: mmpose's visualizers draw tensors"
    return "stands aside: mmpose's visualizers need no array that is never copied"


def _viewed(module: ModuleType) -> bool:
    return isinstance(module.np, views.View)
