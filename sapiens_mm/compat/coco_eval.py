"""A maintained COCO and COCO-WholeBody evaluator behind the name ``xtcocotools``.

Host bug: mmpose 1.3.2 imports xtcocotools, whose last release (1.14.3, 2023) has
wheels up to Python 3.11 only and built for numpy 1; on numpy 2 they end in
``numpy.dtype size changed``. Upstream: https://github.com/jin-s13/xtcocoapi/issues/45.
Delete this file, the other ``coco_*.py`` and ``keypoint_types.py`` when mmpose drops
xtcocotools, or when wheels of it for numpy 2 and every Python we support are on the
index.

``install()`` puts our classes, built on pycocotools, under that name whenever the
real package cannot be imported. The keypoint types are a table, ``keypoint_types.py``.
All here is cheap: neither numpy nor pycocotools is imported before xtcocotools is asked
for.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType

from sapiens_mm import hosts
from sapiens_mm.compat import hooks

SERVED_VERSION = '1.14.3'
"""The xtcocotools release whose interface and figures ours reproduce."""

_DOC = '{} as served by sapiens_mm on pycocotools.'


def _module(name: str, contents: Mapping[str, object]) -> ModuleType:
    module = ModuleType(name, _DOC.format(name))
    vars(module).update(contents)
    return module


def _package() -> ModuleType:
    hosts.require('pycocotools')
    return _module('xtcocotools', {'__version__': SERVED_VERSION})


def _coco() -> ModuleType:
    from sapiens_mm.compat.coco_index import COCO

    return _module('xtcocotools.coco', {'COCO': COCO})


def _cocoeval() -> ModuleType:
    from sapiens_mm.compat.coco_keypoints import COCOeval

    return _module('xtcocotools.cocoeval', {'COCOeval': COCOeval})


def _mask() -> ModuleType:
    from pycocotools import mask

    names = ('iou', 'merge', 'frPyObjects', 'encode', 'decode', 'area', 'toBbox')
    return _module('xtcocotools.mask', {name: getattr(mask, name) for name in names})


def serves_ours() -> bool:
    """Tell whether ours is in use, importing xtcocotools to know."""
    import xtcocotools

    # by its docstring: the version is that of the real one on purpose
    return xtcocotools.__doc__ == _DOC.format('xtcocotools')


def install() -> hooks.Provision:
    """Serve ``xtcocotools`` from pycocotools if the real one cannot be imported.

    Returns:
        Tells, once somebody imported xtcocotools, whether ours is in use and why.
    """
    return hooks.provide(
        'xtcocotools',
        _package,
        submodules={'coco': _coco, 'cocoeval': _cocoeval, 'mask': _mask},
    )
