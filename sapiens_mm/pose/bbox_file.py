"""The boxes of a detector that a validation takes, and whether they are of its images.

``bbox_file`` of mmpose's data sets is a JSON list of ``image_id``, ``category_id``,
``bbox`` (x, y, w, h in pixels) and ``score``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sapiens_mm.data.files import BadFileError, read_json
from sapiens_mm.pose.annotation_report import is_id, is_number

if TYPE_CHECKING:
    from sapiens_mm.engine.start_notes import StartNotes

_OF_COCO = 'COCO_val2017_detections'
_COCO_FILES = 'val2017', 'coco_wholebody_val'


def fit_bbox_file(start: StartNotes, dataset: dict[str, Any]) -> None:
    """Leave out inherited detections on COCO's images if the people are others.

    Args:
        start: Of the run.
        dataset: Config of the validation's data set; changed in place.
    """
    path = dataset.get('bbox_file')
    if not path:
        return
    name = os.path.basename(dataset.get('ann_file') or '')
    of_others = os.path.basename(path).startswith(_OF_COCO) and not any(
        part in name for part in _COCO_FILES
    )
    if of_others and start.inherited('val_dataloader.dataset.bbox_file', path):
        dataset['bbox_file'] = None
        start.remark(
            f'bbox_file of val_dataloader is inherited and of the images of COCO, not '
            f'of {name}: people are taken from their annotated boxes'
        )


def check_bbox_file(path: str, ann_file: str) -> None:
    """Check every detection as the host's data set will read it.

    Args:
        path: The detections.
        ann_file: Annotation file of the data set, which lists the images.

    Raises:
        BadFileError: If it does not exist.
        ValueError: If it is no such list, or a detection is of no image of the file.
    """
    if not os.path.isfile(path):
        raise BadFileError(
            f'bbox_file of val_dataloader does not exist: {path}; None takes the '
            'annotated boxes'
        )
    detections = read_json(path)
    if not isinstance(detections, list):
        raise ValueError(f'{path} holds no list of detections')
    image_ids = {image['id'] for image in read_json(ann_file)['images']}
    people = 0
    for n, record in enumerate(detections):
        where = f'{path}: detection {n}'
        if not isinstance(record, Mapping):
            raise ValueError(f'{where} is no object')
        for field in ('image_id', 'category_id'):
            if not is_id(record.get(field)):
                raise ValueError(f'{where}: {field} is {record.get(field)!r}')
        if record['category_id'] != 1:
            continue  # the host's data set leaves it out
        if record['image_id'] not in image_ids:
            raise ValueError(
                f'{where} is of image {record["image_id"]}, which {ann_file} does not '
                'list: are they detections on other images? bbox_file=None takes the '
                'annotated boxes'
            )
        box, score = record.get('bbox'), record.get('score')
        if not (
            isinstance(box, list) and len(box) >= 4 and all(map(is_number, box[:4]))
        ):
            raise ValueError(f'{where}: bbox is {box!r:.60}, expected 4 numbers')
        if not is_number(score):
            raise ValueError(f'{where}: score is {score!r}')
        people += 1
    if not people:
        raise ValueError(
            f'{path} has {len(detections)} detections, none of category 1, which is '
            'the one that mmpose takes for people'
        )
