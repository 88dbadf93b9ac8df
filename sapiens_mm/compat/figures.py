"""Pixels of a matplotlib figure, for mmpose's 3-D drawing.

Host bug: mmpose 1.3.2 reads its 3-D figures by ``fig.canvas.tostring_rgb()``, which
matplotlib 3.10 removed: ``'FigureCanvasAgg' object has no attribute 'tostring_rgb'``.
No upstream thread of mmpose known; others did as we do, ``buffer_rgba`` without its
alpha: https://github.com/jacobgil/pytorch-grad-cam/pull/577.
Delete this file when mmpose reads ``buffer_rgba``.

Only the figures that this one module makes get the method, by a view of ``pyplot``
(``views.py``); matplotlib stays as it is.
"""

from __future__ import annotations

import importlib
from types import ModuleType

from sapiens_mm.compat import hooks, views


def install() -> hooks.Patch:
    """Let mmpose's 3-D drawing read its figures, if matplotlib has no way it knows."""
    hooks.after('mmpose.visualization.local_visualizer_3d', _patch)
    return hooks.Patch(_describe)


def _patch(module: ModuleType) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    if hasattr(FigureCanvasAgg, 'tostring_rgb'):
        return
    if not views.says(module, 'tostring_rgb'):
        return
    pyplot = module.plt

    def figure(*args: object, **options: object) -> object:
        """Make a figure whose canvas gives its pixels as RGB bytes."""
        made = pyplot.figure(*args, **options)
        made.canvas.tostring_rgb = lambda: _rgb_bytes(made.canvas)
        return made

    module.plt = views.View(pyplot, figure=figure)


def _rgb_bytes(canvas: object) -> bytes:
    """Return what a drawn canvas shows, H by W by 3 of 8 bits."""
    import numpy as np

    return np.asarray(canvas.buffer_rgba())[..., :3].tobytes()


def _describe() -> str:
    module = importlib.import_module('mmpose.visualization.local_visualizer_3d')
    if isinstance(module.plt, views.View):
        return "active: mmpose's 3-D drawing reads buffer_rgba"
    return 'stands aside: matplotlib and mmpose agree about the pixels of a figure'
