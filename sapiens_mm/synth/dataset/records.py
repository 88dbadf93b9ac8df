"""What is known of a sample beside its maps, and how COCO-style files say it."""

from __future__ import annotations

from typing import Any

import numpy as np

from sapiens_mm.synth.body.wholebody import wholebody_sources
from sapiens_mm.synth.dataset.masks import encode_mask
from sapiens_mm.synth.sample import PersonLabels, Sample
from sapiens_mm.tables import COCO17, GOLIATH28, GOLIATH308, keypoint_table

Record = dict[str, Any]

# field of an annotation of 133 -> its keypoints
WHOLEBODY_PARTS = {
    'keypoints': (0, 17),
    'foot_kpts': (17, 23),
    'face_kpts': (23, 91),
    'lefthand_kpts': (91, 112),
    'righthand_kpts': (112, 133),
}
MAX_PEOPLE = 10  # annotation ids leave room for so many in an image


def describe(sample: Sample, seed: int, index: int, split: str) -> Record:
    """Return all that is known of a sample beside its maps, ready for JSON.

    Keypoints of ``people`` are amodal: those outside the image keep their places,
    with visibility 0.
    """
    height, width = sample.labels.shape
    return {
        'seed': int(seed),
        'index': int(index),
        'split': split,
        'width': width,
        'height': height,
        'intrinsics': _rounded(sample.intrinsics, 4),
        # the key of data sets since version 0.1: written ones can be gone on with
        'facts': sample.metadata,
        # minlength, or missing classes at the end would shorten the list
        'class_pixels': np.bincount(
            sample.labels.ravel(), minlength=len(GOLIATH28.classes)
        ).tolist(),
        'people': [_describe_person(sample, person) for person in sample.people],
    }


def _describe_person(sample: Sample, person: PersonLabels) -> Record:
    mask = sample.instances == person.person
    keypoints = np.asarray(person.keypoints, np.float64)
    # in the plane of the lens
    broken = ~(np.abs(keypoints) < 1e6).all(1)
    keypoints = np.where(broken[:, None], 0, keypoints)
    return {
        'person': int(person.person),
        'subject': person.subject,
        'bbox': _rounded(_xywh(person.box_xyxy), 2),
        'amodal_bbox': _rounded(_xywh(person.amodal_box_xyxy), 2),
        'area': int(mask.sum()),
        'segmentation': encode_mask(mask),
        'keypoints': _rounded(keypoints.ravel(), 3),
        'facts': person.metadata,
    }


def _xywh(box_xyxy: np.ndarray) -> np.ndarray:
    box = np.asarray(box_xyxy, np.float64)
    return np.concatenate([box[:2], box[2:] - box[:2]])


def _rounded(values: np.ndarray, digits: int) -> list:
    """Return nested lists; whole numbers as such."""
    array = np.asarray(values, np.float64)
    if array.ndim > 1:
        return [_rounded(row, digits) for row in array]
    numbers = (round(value, digits) for value in array.tolist())
    return [int(v) if v == int(v) else v for v in numbers]


def keypoints_of(person: Record) -> np.ndarray:
    """Return the keypoints of a described person, (308, 3) float64, amodal."""
    return np.array(person['keypoints'], np.float64).reshape(-1, 3)


def labelled_keypoints(keypoints: np.ndarray, count: int) -> np.ndarray:
    """Return the keypoints of a vocabulary as COCO labels them.

    Args:
        keypoints: (308, 3), amodal: x, y in pixels, and 2 visible, 1 hidden, 0 outside
            the image.
        count: 17, 133 or 308.

    Returns:
        (count, 3) float64: x, y, v. What is outside, or not among the 308, is zero; so
        is everything of a person none of whose 308 keypoints is visible.
    """
    points = np.asarray(keypoints, np.float64)
    seen = (points[:, 2] == 2).any()
    points = np.where(seen & (points[:, 2:] > 0), points, 0)
    if count == 308:
        return points
    if count == 17:
        return points[[GOLIATH308.names.index(name) for name in COCO17.names]]
    sources = wholebody_sources()
    return np.where(sources[:, None] >= 0, points[sources], 0)


def image_entry(record: Record, suffix: str = '.jpg') -> Record:
    """Return the entry of ``images`` of a COCO-style file; ids count from 1."""
    return {
        'id': record['index'] + 1,
        'file_name': f'{sample_name(record["index"])}{suffix}',
        'width': record['width'],
        'height': record['height'],
    }


def annotation(record: Record, person: Record, count: int) -> Record:
    """Return an entry of ``annotations`` of a COCO-style file.

    Args:
        record: Of :func:`describe`.
        person: One of its people.
        count: Vocabulary: 17, 133 or 308.
    """
    points = labelled_keypoints(keypoints_of(person), count)
    counted = points[:17] if count == 133 else points  # as COCO-WholeBody counts
    entry = {
        # ids must be unique in a file and the same when it is written anew
        'id': record['index'] * MAX_PEOPLE + person['person'],
        'image_id': record['index'] + 1,
        'category_id': 1,
        'iscrowd': 0,
        'bbox': person['bbox'],
        'area': person['area'],
        'segmentation': person['segmentation'],
        'num_keypoints': int((counted[:, 2] > 0).sum()),
        'instance': person['person'],
        'subject': person['subject'],
    }
    if count != 133:
        name = 'goliath_wholebody_kpts' if count == 308 else 'keypoints'
        return entry | {name: _rounded(points.ravel(), 3)}
    for name, (start, stop) in WHOLEBODY_PARTS.items():
        part = points[start:stop]
        entry[name] = _rounded(part.ravel(), 3)
        if name == 'keypoints':
            continue
        valid = part[:, 2] > 0
        short = name.removesuffix('_kpts')
        entry[f'{short}_valid'] = bool(valid.any())
        if short != 'foot':
            box = np.zeros(4)
            if valid.any():
                low, high = part[valid, :2].min(0), part[valid, :2].max(0)
                box = np.concatenate([low, high - low])
            entry[f'{short}_box'] = _rounded(box, 3)
    return entry


def category(count: int) -> Record:
    """Return the category ``person`` of a vocabulary."""
    table = keypoint_table(count)
    return {
        'id': 1,
        'name': 'person',
        'supercategory': 'person',
        'keypoints': list(table.names),
        'skeleton': [[a + 1, b + 1] for a, b in table.links],  # COCO counts from 1
    }


def sample_name(index: int) -> str:
    """Return the name of a sample's files, without suffix."""
    return f'{index:08d}'
