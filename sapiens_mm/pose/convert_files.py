"""Whole keypoint files from one vocabulary to another.

Three kinds of file, told by their form: annotations (COCO-style), results (a list of
records, as evaluations write) and what ``sapiens image`` writes for one image.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from sapiens_mm.pose.keypoint_files import (
    AREA_SHARE,
    KEYPOINT_FIELDS,
    annotation_fields,
    category,
    goliath_info,
    guess_num_keypoints,
    point_fields,
    read_flat,
    read_points,
)
from sapiens_mm.pose.keypoint_maps import KeypointMap
from sapiens_mm.tables import keypoint_table


def is_annotation_file(content: Any) -> bool:
    """Tell an annotation file by its ``annotations``."""
    return isinstance(content, dict) and isinstance(content.get('annotations'), list)


def records_of(path: Path, content: Any) -> list[dict]:
    """Return the records with keypoints of any kind of file."""
    if is_annotation_file(content):
        records = content['annotations']
    elif isinstance(content, dict):
        records = content.get('instances')
    else:
        records = content
    if not isinstance(records, list) or not all(isinstance(r, dict) for r in records):
        raise ValueError(
            f'{path} is no annotation file, no list of results and no file of '
            'sapiens image'
        )
    return records


def find_source(
    path: Path, content: Any, given: int | None, option: str = '--from'
) -> int:
    """Return the number of keypoints of a file's records.

    Args:
        path: The file, for messages.
        content: What it holds.
        given: What the user says; None looks at the records.
        option: By which the user says it.

    Raises:
        ValueError: If no record shows it.
    """
    if given is not None:
        return given
    for record in records_of(path, content):
        guess = guess_num_keypoints(record)
        if guess is not None:
            return guess
    count = len(content.get('keypoint_names', ())) if isinstance(content, dict) else 0
    if count:
        return count
    raise ValueError(f'{path} shows no record with keypoints; say which with {option}')


def points_of(path: Path, n: int, record: dict, num_keypoints: int) -> np.ndarray:
    """Read a record's keypoints, (K, 3); ValueError names file and record."""
    try:
        flat = record.get('keypoints')
        if isinstance(flat, list) and len(flat) == 3 * num_keypoints:
            return read_flat(record, 'keypoints', num_keypoints)
        return read_points(record, num_keypoints)
    except ValueError as error:
        which = 'id' if 'id' in record else 'image_id'
        name = f'{which} {record.get(which)}'
        raise ValueError(f'{path}: record {n} ({name}): {error}') from None


def convert_content(path: Path, content: Any, mapping: KeypointMap) -> Any:
    """Convert the content of a file of any of the three kinds.

    Args:
        path: The file, for messages.
        content: What it holds; not changed.
        mapping: To 17, 133 or 308 keypoints.

    Returns:
        Content of the same kind.

    Raises:
        ValueError: If a record's keypoints are wrong; names file and record.
    """
    if is_annotation_file(content):
        return convert_annotations(path, content, mapping)
    if isinstance(content, dict):
        return convert_demo(path, content, mapping)
    return convert_results(path, content, mapping)


def convert_annotations(path: Path, content: dict, mapping: KeypointMap) -> dict:
    """Convert an annotation file."""
    target = mapping.target
    annotations = []
    for n, record in enumerate(content['annotations']):
        kept = {k: v for k, v in record.items() if k not in KEYPOINT_FIELDS}
        if record.get('iscrowd') and guess_num_keypoints(record) is None:
            points = np.zeros((target, 3))
        else:
            points = mapping(points_of(path, n, record, mapping.source))
        # fractions above 0 are automatic labels of COCO-WholeBody, and hold
        points[:, 2] = np.ceil(points[:, 2])
        kept.update(annotation_fields(points))
        kept.setdefault('iscrowd', 0)
        if target == 133:
            kept.setdefault('segmentation', [])  # mmpose reads it
        if 'area' not in kept and 'bbox' in kept:
            try:
                _, _, width, height = kept['bbox']
                kept['area'] = round(AREA_SHARE * width * height, 6)
            except (TypeError, ValueError):
                where = f'{path}: record {n} (id {record.get("id")})'
                raise ValueError(f'{where}: bbox is {kept["bbox"]!r:.60}') from None
        annotations.append(kept)
    info = dict(content.get('info') or {})
    info.pop('goliath_info', None)
    info['converted'] = f'from {mapping.source} to {target} keypoints'
    if target == 308:
        info['goliath_info'] = goliath_info()
    categories = content.get('categories') or [None]
    return {
        **content,
        'info': info,
        'annotations': annotations,
        'categories': [category(target, base) for base in categories],
    }


def convert_results(path: Path, content: list, mapping: KeypointMap) -> list:
    """Convert a list of results."""
    return [
        {
            **{k: v for k, v in record.items() if k not in KEYPOINT_FIELDS},
            **point_fields(mapping(points_of(path, n, record, mapping.source))),
        }
        for n, record in enumerate(content)
    ]


def convert_demo(path: Path, content: dict, mapping: KeypointMap) -> dict:
    """Convert a file of sapiens image."""
    table = keypoint_table(mapping.target)
    instances = []
    for n, record in enumerate(content['instances']):
        points = mapping(points_of(path, n, record, mapping.source))
        flat = [round(float(value), 4) for value in points.ravel()]
        instances.append({**record, 'keypoints': flat})
    return {
        **content,
        'dataset': table.name,
        'keypoint_names': list(table.names),
        'skeleton': [list(link) for link in table.links],
        'instances': instances,
    }


def openpose_files(path: Path, content: Any, mapping: KeypointMap) -> dict[str, dict]:
    """Convert the content of a file of any kind to OpenPose's files, one an image.

    Crowds and people without a labelled keypoint are left out.

    Args:
        path: The file, for messages and for the name where there is one image.
        content: What it holds.
        mapping: To 25 keypoints.

    Returns:
        For each image its name, with folders and without suffix, and the content.

    Raises:
        ValueError: If a record's keypoints are wrong, or two images would share a
            file.
    """
    labels = is_annotation_file(content)
    names = _image_names(path, content) if labels else {}
    if isinstance(content, dict) and not labels:
        names = {None: path.stem}
    people: dict[Any, list] = {image_id: [] for image_id in names}
    for n, record in enumerate(records_of(path, content)):
        if record.get('iscrowd'):
            continue
        points = mapping(points_of(path, n, record, mapping.source))
        if labels:  # a confidence, not a visibility
            points[:, 2] = points[:, 2] > 0
            if not points[:, 2].any():
                continue
        people.setdefault(record.get('image_id'), []).append(openpose_person(points))
    return {
        names.get(image_id, _number_name(image_id)): dict(version=1.3, people=persons)
        for image_id, persons in people.items()
    }


def _number_name(image_id: Any) -> str:
    return f'{image_id:012d}' if isinstance(image_id, int) else f'image_{image_id}'


def _image_names(path: Path, content: dict) -> dict[Any, str]:
    names: dict[Any, str] = {}
    for n, image in enumerate(content.get('images') or []):
        if not isinstance(image, dict) or not image.get('file_name'):
            raise ValueError(f'{path}: image record {n} has no file_name')
        name = PurePosixPath(image['file_name']).with_suffix('')
        if name.is_absolute() or '..' in name.parts:
            raise ValueError(f'{path}: image {str(name)!r} is outside of its folder')
        names[image.get('id')] = str(name)
    if len(set(names.values())) < len(names):
        twice = next(n for n in names.values() if list(names.values()).count(n) > 1)
        raise ValueError(f'{path}: two images would be written as {twice!r}')
    return names


def openpose_person(points: np.ndarray) -> dict[str, list]:
    """Write one person as OpenPose does; only the body has values."""
    # -1 is OpenPose's id of a person that is not tracked
    person: dict[str, list] = {'person_id': [-1]}
    for dimension in ('2d', '3d'):
        for part in ('pose', 'face', 'hand_left', 'hand_right'):
            person[f'{part}_keypoints_{dimension}'] = []
    flat = [round(float(value), 4) for value in points.ravel()]
    person['pose_keypoints_2d'] = flat
    return person
