"""Circles of mmpose's OpenCV drawing, whose radius comes as an array.

Host bug: mmpose 1.3.2 calls ``draw_circles(..., radius=np.array([3]))`` and takes
``int(radius)`` of that; since numpy 2.4 only arrays without dimensions can become
numbers, and it ends in ``TypeError: only 0-dimensional arrays can be converted to
Python scalars``. It is the default way of drawing keypoints, so ``MMPoseInferencer``,
``sapiens test --show-dir`` and the bad-case hook all end there. No upstream thread
known; numpy's: https://numpy.org/doc/stable/release/1.25.0-notes.html announced it.
Delete this file when mmpose takes the number out of the array.
"""

from __future__ import annotations

import functools
import importlib
from types import ModuleType

from sapiens_mm.compat import hooks, views


def install() -> hooks.Patch:
    """Hand the OpenCV drawing a number for the radius, if numpy will not."""
    hooks.after('mmpose.visualization.opencv_backend_visualizer', _patch)
    return hooks.Patch(_describe)


def _patch(module: ModuleType) -> None:
    import numpy as np

    visualizer = module.OpencvBackendVisualizer
    draw = visualizer.draw_circles
    if not numpy_refuses() or not views.says(draw, 'int(radius)'):
        return

    @functools.wraps(draw)
    def draw_circles(
        self: object, center: object, radius: object, *args: object, **options: object
    ) -> object:
        is_one = isinstance(radius, np.ndarray) and radius.size == 1
        if is_one and self.backend == 'opencv':  # matplotlib's wants the array
            radius = radius.item()
        return draw(self, center, radius, *args, **options)

    draw_circles.takes_arrays = True
    visualizer.draw_circles = draw_circles


def numpy_refuses() -> bool:
    """Tell whether numpy makes no number of an array of one element."""
    import numpy as np

    # tried: it is numpy 2.4 that refuses, and no attribute says so
    try:
        int(np.zeros(1))
    except TypeError:
        return True
    return False


def _describe() -> str:
    module = importlib.import_module('mmpose.visualization.opencv_backend_visualizer')
    if hasattr(module.OpencvBackendVisualizer.draw_circles, 'takes_arrays'):
        return 'active: mmpose draws circles whose radius is an array'
    return 'stands aside: numpy and mmpose agree about a radius'
