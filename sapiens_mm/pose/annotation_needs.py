"""What a run asks of an annotation file: who reads it, and what evaluation needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sapiens_mm.pose.keypoint_files import FIELDS, fields_of

COCO, WHOLEBODY, GOLIATH = READERS = ('coco', 'wholebody', 'goliath')
"""Who reads the records.

``coco`` is mmpose's ``BaseCocoStyleDataset``: all keypoints in ``keypoints``, and
records without box or keypoints skipped. ``wholebody`` is its ``CocoWholeBodyDataset``:
five fields, asked for even of crowds. ``goliath`` is ``SapiensGoliathDataset``: counts
labelled keypoints itself, and names records that lack something.
"""


@dataclass(frozen=True)
class Evaluation:
    """What a metric needs of the file that it compares with.

    Attributes:
        name: Of the metric, for messages.
        use_area: It takes ``area`` of every annotation; if not, a share of the box.
        by_category: It compares within the categories that the file lists, as mmpose's
            do. ``SapiensKeypointMetric`` takes those of the annotations.
        by_crowding: It needs ``num_keypoints`` of every annotation and ``crowdIndex``
            of every image, as ``iou_type='keypoints_crowd'`` does.
        fills_blanks: It takes a person with a box and no keypoints as one who is not
            looked for. The real xtcocotools ends there.
        detected: Boxes come from a detector: all predictions are of category 1.
    """

    name: str = 'the metric'
    use_area: bool = True
    by_category: bool = True
    by_crowding: bool = False
    fills_blanks: bool = True
    detected: bool = False


@dataclass(frozen=True)
class Use:
    """What a run does with an annotation file.

    Attributes:
        trained: Training takes people from it.
        evaluated: The metric that compares with it, if any.
        min_keypoints: Of ``SapiensMinKeypoints``: with fewer labelled keypoints a
            person is never trained on.
        turns_images: Images are turned by their EXIF orientation when read, as
            OpenCV does by default.
        top_down: One sample is one person.
    """

    trained: bool = False
    evaluated: Evaluation | None = None
    min_keypoints: int = 1
    turns_images: bool = True
    top_down: bool = True


def usual_reader(num_keypoints: int) -> str:
    """Return who reads files of K keypoints if nobody says: of 133 and 308 our own."""
    return {133: WHOLEBODY, 308: GOLIATH}.get(num_keypoints, COCO)


def fields_read(reader: str, num_keypoints: int) -> Mapping[str, int]:
    """Return the fields of a record, in order, and how many keypoints each has.

    Raises:
        ValueError: If there is no such reader, or no such number for it.
    """
    if reader not in READERS:
        raise ValueError(f'reader must be one of {READERS}, not {reader!r}')
    if reader == COCO:
        fields_of(num_keypoints)  # raises if that is no number
        return {'keypoints': num_keypoints}
    known = (133,) if reader == WHOLEBODY else tuple(FIELDS)
    if num_keypoints not in known:
        raise ValueError(
            f'{reader} files have {known} keypoints, not {num_keypoints!r}'
        )
    return FIELDS[num_keypoints]
