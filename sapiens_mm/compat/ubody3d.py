"""The score of a box in mmpose's UBody3D data set.

Host bug: mmpose 1.3.2 writes ``bbox_scores[j] = np.array([1])``, an array into a place
for one number; numpy 2.4 refuses that, ``setting an array element with a sequence``, so
no config on UBody3D starts. No upstream thread known; announced in
https://numpy.org/doc/stable/release/1.25.0-notes.html.
Delete this file when mmpose writes the number.

That one module gets a view of numpy (``views.py``) whose ``array`` makes of the list of
one number an array without dimensions, which numpy takes, and numpy 1 took alike.
"""

from __future__ import annotations

import importlib
from types import ModuleType

from sapiens_mm.compat import hooks, views

MODULE = 'mmpose.datasets.datasets.wholebody3d.ubody3d_dataset'
FAULT = 'bbox_scores[j] = np.array([1]'


def install() -> hooks.Patch:
    """Have the data set write numbers, if numpy takes nothing else."""
    hooks.after(MODULE, _patch)
    return hooks.Patch(_describe)


def _patch(module: ModuleType) -> None:
    if not _numpy_refuses() or not views.says(module, FAULT):
        return
    numpy = module.np

    def array(content: object, *args: object, **options: object) -> object:
        """Make an array; of ``[1]`` one without dimensions."""
        made = numpy.array(content, *args, **options)
        is_the_score = type(content) is list and content == [1]
        return made.reshape(()) if is_the_score else made

    module.np = views.View(numpy, array=array)


def _numpy_refuses() -> bool:
    import numpy as np

    try:
        np.zeros(1)[0] = np.ones(1)
    except (TypeError, ValueError):
        return True
    return False


def _describe() -> str:
    if isinstance(importlib.import_module(MODULE).np, views.View):
        return "active: mmpose's UBody3D data set writes its scores as numbers"
    return 'stands aside: numpy takes the scores as mmpose writes them'
