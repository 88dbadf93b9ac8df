"""COCO-style keypoint files as arrays, and the AP and AR of any keypoints of them.

K is the number of keypoints of the file, n of its people (or of the detections).
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

# By its full name, not as xtcocotools: the real one, where installed, has no type for
# the parts of Goliath.
from sapiens_mm.compat.coco_index import COCO
from sapiens_mm.compat.coco_keypoints import COCOeval
from sapiens_mm.pose.keypoint_files import (
    AREA_SHARE,
    PART_GROUPS,
    fields_of,
    read_flat,
    read_points,
)

STAT_NAMES = (
    *('AP', 'AP .5', 'AP .75', 'AP (M)', 'AP (L)'),
    *('AR', 'AR .5', 'AR .75', 'AR (M)', 'AR (L)'),
)
"""What mmpose calls the ten figures of ``COCOeval.stats``."""

PARTS = tuple(PART_GROUPS.values())
_RECORD_KEYS = ('id', 'image_id', 'category_id', 'bbox', 'area', 'iscrowd')
_REQUIRED_KEYS = _RECORD_KEYS[:4]


@dataclass(frozen=True)
class People:
    """Annotated or detected people.

    Attributes:
        records: n dicts with ``id``, ``image_id``, ``category_id`` and ``area`` (square
            pixels); annotations also with ``bbox`` (x, y, w, h) and ``iscrowd``,
            detections with ``score``.
        keypoints: Shape (n, K, 3): x and y in pixels; visibility or score.
    """

    records: list[dict]
    keypoints: NDArray


def read_people(
    annotations: Sequence[dict], num_keypoints: int, *, converted: bool = False
) -> People:
    """Read the annotations of a file.

    Args:
        annotations: ``annotations`` of the file.
        num_keypoints: K, which tells the fields.
        converted: All K are in ``keypoints``, where mmpose's converters leave them.

    Returns:
        The people; who has a box and no keypoints has none that is labelled, and is
        not looked for, as COCO has it.

    Raises:
        ValueError: If an id occurs twice or a field is missing or wrong; names the
            annotation.
    """
    field = next(iter(fields_of(num_keypoints)))
    keypoints = np.zeros((len(annotations), num_keypoints, 3))
    seen = set()
    for i, ann in enumerate(annotations):
        where = f'annotation {ann.get("id")} of image {ann.get("image_id")}'
        missing = [key for key in _REQUIRED_KEYS if key not in ann]
        if missing:
            raise ValueError(f'{where} has no {missing}')
        if ann['id'] in seen:
            raise ValueError(f'{where}: its id occurs twice')
        seen.add(ann['id'])
        if not ann.get('keypoints' if converted else field):
            continue
        try:
            if converted:
                keypoints[i] = read_flat(ann, 'keypoints', num_keypoints)
            else:
                keypoints[i] = read_points(ann, num_keypoints)
        except ValueError as error:
            raise ValueError(f'{where}: {error}') from None
    records = [
        {key: ann[key] for key in _RECORD_KEYS if key in ann} for ann in annotations
    ]
    return People(records, keypoints)


def keypoint_ap(
    ground_truth: People,
    detections: People,
    images: Sequence[dict],
    sigmas: ArrayLike,
    groups: Mapping[str, Sequence[int]],
    *,
    use_area: bool = True,
) -> dict[str, NDArray]:
    """Compute AP and AR by OKS for groups of keypoints.

    The rules are COCO's: ``k² = (2 sigma)²``, ``e = d² / k² / area / 2``, the mean of
    ``exp(-e)`` over the keypoints labelled in the ground truth; a person without any is
    not looked for (and a detection within three times its box not held against the
    detector); at most 20 detections an image, thresholds .50:.05:.95, medium from 32²
    and large from 96² square pixels. A detection with no score above 0 in a group is
    left out of it, as xtcocotools does.

    Args:
        ground_truth: The people annotated.
        detections: The people found, with the same K.
        images: ``images`` of the annotation file, all of which count.
        sigmas: Shape (K,), of the OKS.
        groups: Ids of keypoints by the name of the group.
        use_area: Take areas from the annotations; otherwise 0.53 of their boxes.

    Returns:
        Shape (10,) for each group, in the order of ``STAT_NAMES``; -1 where there was
        nothing to find.

    Raises:
        ValueError: If a detection is in an image that the file does not have, or an
            annotation lacks the area that is asked for.
    """
    _check_people(ground_truth, detections, images, use_area)
    category_ids = {ann['category_id'] for ann in ground_truth.records}
    shared = {
        'images': list(images),
        'categories': [{'id': i, 'name': str(i)} for i in sorted(category_ids)],
    }
    sigmas = np.asarray(sigmas)
    stats = {}
    for name, ids in groups.items():
        ids = list(ids)
        # COCOeval prints a table for each group
        with contextlib.redirect_stdout(io.StringIO()):
            gt_index, dt_index = (
                COCO(ann_data={**shared, 'annotations': _select(people, ids)})
                for people in (ground_truth, detections)
            )
            run = COCOeval(gt_index, dt_index, 'keypoints', sigmas[ids], use_area)
            run.evaluate()
            run.accumulate()
            run.summarize()
        stats[name] = run.stats
    return stats


def _check_people(
    ground_truth: People, detections: People, images: Sequence[dict], use_area: bool
) -> None:
    """Refuse detections in unknown images, and annotations without the area asked."""
    image_ids = {image['id'] for image in images}
    strange = {dt['image_id'] for dt in detections.records} - image_ids
    if strange:
        raise ValueError(
            f'detections in {len(strange)} images that the annotation file does not '
            f'have; the first id is {min(strange, key=str)!r}'
        )
    bare = next((a for a in ground_truth.records if 'area' not in a), None)
    if use_area and bare is not None:
        raise ValueError(
            f'annotation {bare["id"]} has no area; use_area=False takes '
            f'{AREA_SHARE} of the boxes'
        )


def _select(people: People, ids: list[int]) -> list[dict]:
    flat = people.keypoints[:, ids].reshape(len(people.records), 3 * len(ids))
    return [
        {**record, 'keypoints': values}
        for record, values in zip(people.records, flat.tolist(), strict=True)
    ]
