"""Tables of overlaps whose rows differ, in mmdet's recall.

Host bug: mmdet 3.3.0's ``eval_recalls`` makes one array of the overlaps of all images,
which have different numbers of boxes. numpy made an array of objects of that, warned
since 1.19, and refuses since 1.24: ``The requested array has an inhomogeneous shape``.
It ends the RPN configs' ``proposal_fast`` and ``VOCMetric(metric='recall')``, once all
images have been run. No upstream thread known; numpy's decision is
https://numpy.org/neps/nep-0034-infer-dtype-is-object.html.
Delete this file when mmdet keeps the list or says ``dtype=object``.

That one module gets a view of numpy (``views.py``) whose ``array`` makes objects of
what has no common shape.
"""

from __future__ import annotations

import importlib
from types import ModuleType

from sapiens_mm.compat import hooks, views

MODULE = 'mmdet.evaluation.functional.recall'


def install() -> hooks.Patch:
    """Let mmdet's recall have one array of unlike tables, if numpy will not."""
    hooks.after(MODULE, _patch)
    return hooks.Patch(_describe)


def _patch(module: ModuleType) -> None:
    if not _numpy_refuses() or not views.says(module, 'np.array(all_ious)'):
        return
    numpy = module.np

    def array(content: object, *args: object, **options: object) -> object:
        """Make an array; of a list of unlike arrays, one that holds them."""
        is_list = isinstance(content, list) and not args and not options
        if not is_list or len({numpy.shape(part) for part in content}) <= 1:
            return numpy.array(content, *args, **options)
        made = numpy.empty(len(content), dtype=object)
        for index, part in enumerate(content):
            made[index] = part
        return made

    module.np = views.View(numpy, array=array)


def _numpy_refuses() -> bool:
    import numpy as np

    try:
        np.array([np.zeros(1), np.zeros(2)])
    except ValueError:
        return True
    return False


def _describe() -> str:
    if isinstance(importlib.import_module(MODULE).np, views.View):
        return "active: mmdet's recall takes images with different numbers of boxes"
    return 'stands aside: numpy takes the overlaps as mmdet has them'
