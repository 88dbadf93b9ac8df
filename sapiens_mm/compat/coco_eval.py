"""A maintained COCO and COCO-WholeBody evaluator behind the name ``xtcocotools``.

Host bug: mmpose 1.3.2 imports xtcocotools, whose last release (1.14.3, 2023) has
wheels up to Python 3.11 only and built for numpy 1; on numpy 2 they end in
``numpy.dtype size changed``. Upstream: https://github.com/jin-s13/xtcocoapi/issues/45.
Delete this file and the other ``coco_*.py`` when mmpose drops xtcocotools, or when
wheels of it for numpy 2 and every Python we support are on the index.

``install()`` puts our classes, built on pycocotools, under that name whenever the
real package cannot be imported. The keypoint types are the table below. All here is
cheap: neither numpy nor pycocotools is imported before xtcocotools is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType

from sapiens_mm import hosts
from sapiens_mm.compat import hooks

SERVED_VERSION = '1.14.3'
"""The xtcocotools release whose interface and figures ours reproduce."""

# (1 for AP and 0 for AR, OKS threshold or None for all ten, area range): the order
# of ``COCOeval.stats``.
_BY_AREA = (
    (1, None, 'all'),
    (1, 0.5, 'all'),
    (1, 0.75, 'all'),
    (1, None, 'medium'),
    (1, None, 'large'),
    (0, None, 'all'),
    (0, 0.5, 'all'),
    (0, 0.75, 'all'),
    (0, None, 'medium'),
    (0, None, 'large'),
)
_BY_CROWDING = tuple(row for row in _BY_AREA if row[2] == 'all')


@dataclass(frozen=True)
class KeypointType:
    """How annotations are read and summed up for one ``iouType``.

    Args:
        fields: Annotation fields, each a flat list of x, y, visibility, that are
            joined in this order; ground truth and results use the same names.
        score_field: Field that detections are ranked by; ``'score'`` where absent.
        count_field: Field that counts the labelled keypoints of an instance; None
            counts visibilities above 0. Instances with none are not looked for.
        stats: Rows of ``COCOeval.stats``: (1 for AP or 0 for AR, OKS threshold or
            None for all, area range).
        crowding_stats: Whether three AP follow, of the images with little, medium
            and much crowding, told by ``crowdIndex`` in the image records.
    """

    fields: tuple[str, ...] = ('keypoints',)
    score_field: str = 'score'
    count_field: str | None = None
    stats: tuple[tuple[int, float | None, str], ...] = _BY_AREA
    crowding_stats: bool = False


_DOC = '{} as served by sapiens_mm on pycocotools.'
_PART_FIELDS = ('foot_kpts', 'face_kpts', 'lefthand_kpts', 'righthand_kpts')

KEYPOINT_TYPES = {
    'keypoints': KeypointType(),
    'keypoints_body': KeypointType(),
    'keypoints_foot': KeypointType(('foot_kpts',), 'foot_score'),
    'keypoints_face': KeypointType(('face_kpts',), 'face_score'),
    'keypoints_lefthand': KeypointType(('lefthand_kpts',), 'lefthand_score'),
    'keypoints_righthand': KeypointType(('righthand_kpts',), 'righthand_score'),
    'keypoints_wholebody': KeypointType(
        ('keypoints', *_PART_FIELDS), 'wholebody_score'
    ),
    'keypoints_crowd': KeypointType(
        count_field='num_keypoints', stats=_BY_CROWDING, crowding_stats=True
    ),
}
"""What ``COCOeval`` can evaluate besides ``bbox`` and ``segm``; a new type is a row.

Results of any type also need a ``bbox`` or ``keypoints``: ``COCO.loadRes`` takes their
area from it, which decides whether an unmatched result counts in an area range.
"""


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
