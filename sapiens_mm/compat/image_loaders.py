"""Inferencers of mmdet and mmseg, which know the loader of images by one name.

Host bug: ``DetInferencer`` (mmdet 3.3.0) and ``MMSegInferencer`` (mmseg 1.2.2) put a
loader of their own in the place of the step of type ``LoadImageFromFile``. A subclass
of it under another name, such as our ``SapiensLoadImage``, ends in ``LoadImageFromFile
is not found in the test pipeline``; mmpose and mmpretrain take the step as it is. No
upstream thread known. Delete this file when they ask for the class.
"""

from __future__ import annotations

import functools
import importlib
from types import ModuleType

from sapiens_mm.compat import hooks

_THEIRS, _OURS = 'LoadImageFromFile', 'sapiens_mm.SapiensLoadImage'
_INFERENCERS = {
    'mmdet.apis.det_inferencer': 'DetInferencer',
    'mmseg.apis.mmseg_inferencer': 'MMSegInferencer',
}


def install() -> hooks.Patch:
    """Have both find our loader where they look for theirs."""
    for name in _INFERENCERS:
        hooks.after(name, _patch)
    return hooks.Patch(_describe)


def _patch(module: ModuleType) -> None:
    inferencer = getattr(module, _INFERENCERS[module.__name__])
    # asked of a one-step pipeline: it needs no instance, and shows if it is fixed
    find = inferencer._get_transform_idx
    if find(None, [dict(type=_OURS)], _THEIRS) == 0:
        return

    @functools.wraps(find)
    def _get_transform_idx(self: object, pipeline_cfg: list, name: str | tuple) -> int:
        index = find(self, pipeline_cfg, name)
        # mmdet asks with a tuple of names, mmseg with one
        if index == -1 and (name == _THEIRS or _THEIRS in name):
            index = find(self, pipeline_cfg, _OURS)
            if index != -1:  # becomes a loader of theirs, which has no such argument
                pipeline_cfg[index].pop('max_pixels', None)
        return index

    _get_transform_idx.knows_ours = True
    inferencer._get_transform_idx = _get_transform_idx


def _describe() -> str:
    found = []
    for name, inferencer in _INFERENCERS.items():
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        find = getattr(module, inferencer)._get_transform_idx
        found.append((inferencer, hasattr(find, 'knows_ours')))
    if not found:
        return 'idle: neither mmdet nor mmseg is installed'
    patched = [name for name, ours in found if ours]
    if patched:
        return f'active: {" and ".join(patched)} take configs with SapiensLoadImage'
    return 'stands aside: the inferencers know SapiensLoadImage by themselves'
