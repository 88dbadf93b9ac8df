"""The keypoint types of COCO's kin: what a row of the evaluator reads and reports."""

from __future__ import annotations

from dataclasses import dataclass

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
# no areas here: so CrowdPose's own tool reports
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
