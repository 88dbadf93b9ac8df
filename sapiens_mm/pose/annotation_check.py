"""Read a keypoint annotation file as a data set will, and say what is wrong with it.

For any number of keypoints. What would end or spoil a training or its validation is an
error; what the data set leaves out or cuts off is counted and named.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sapiens_mm.data.files import read_json
from sapiens_mm.pose.annotation_evaluation import EvaluationChecker
from sapiens_mm.pose.annotation_images import missing_files, size_faults
from sapiens_mm.pose.annotation_needs import Use, fields_read, usual_reader
from sapiens_mm.pose.annotation_person import PersonChecker
from sapiens_mm.pose.annotation_report import (
    ERRORS,
    Findings,
    RecordDone,
    Report,
    is_number,
)
from sapiens_mm.pose.keypoint_files import FIELDS, INFO_GROUPS
from sapiens_mm.tables import GOLIATH308


def check_annotations(
    path: str | Path,
    num_keypoints: int,
    data_root: str | Path | None = None,
    *,
    strict: bool = True,
    reader: str | None = None,
    use: Use | None = None,
) -> Report:
    """Check every record of an annotation file.

    Args:
        path: COCO-style JSON file.
        num_keypoints: Vocabulary to read it as: 17 for COCO, 133 for COCO-WholeBody,
            308 for Goliath, K for keypoints of one's own.
        data_root: Folder that ``file_name`` of the images starts from; None does not
            look for the images.
        strict: Raise on errors of records; False only reports them.
        reader: Who will read it, one of ``annotation_needs.READERS``; None goes by the
            number of keypoints.
        use: What a run will do with it; None asks for readable records alone.

    Returns:
        The report.

    Raises:
        ValueError: If the file is no annotation file, or, with ``strict``, if it has
            errors: one sentence names the first record, its id and its field.
    """
    reader = reader or usual_reader(num_keypoints)
    fields = fields_read(reader, num_keypoints)
    content = read_json(path)
    for name in ('images', 'annotations'):
        if not isinstance(content, dict) or not isinstance(content.get(name), list):
            raise ValueError(f'{path} is no annotation file: it has no list {name!r}')
    if fields == FIELDS[308]:
        _check_info(path, content.get('info'))
    found = Findings(str(path))
    checker = _Checker(found, reader, fields, use)
    checker.evaluation.check_categories(content)
    for n, record in enumerate(content['images']):
        checker.check_image(n, record)
    for n, record in enumerate(content['annotations']):
        checker.check_annotation(n, record)
    checker.evaluation.check_whole()
    if use is not None and use.top_down:
        _check_anybody(found, num_keypoints, use)
    checker.check_files(data_root, (use or Use()).turns_images)
    report = found.report(num_keypoints)
    if strict:
        report.raise_for_errors()
    return report


def _check_info(path: str | Path, info: Any) -> None:
    """Compare the part lists of a Goliath file with our table, if it has any."""
    given = info.get('goliath_info') if isinstance(info, dict) else None
    if not isinstance(given, dict):
        return
    for name, group in INFO_GROUPS.items():
        ids = given.get(name, GOLIATH308.groups[group])
        if list(ids) != list(GOLIATH308.groups[group]):
            raise ValueError(
                f'{path}: info.goliath_info.{name} is not that of the 308 '
                'keypoints, so the keypoints of this file are in another order'
            )


def _check_anybody(found: Findings, num_keypoints: int, use: Use) -> None:
    """Say so if a run would have no sample, and no record is to blame for it."""
    counts = found.counts
    if any(counts[kind] for kind in ERRORS):
        return
    where = f'there is nobody to {"train on" if use.trained else "look for"}'
    if not counts['used']:
        left_out = found.report(num_keypoints).left_out()
        what = f'it has {counts["annotations"]} annotations'
        found.add('nobody', where, f'{what}, {left_out}' if left_out else what)
    elif use.trained and counts['few_keypoints'] == counts['used']:
        what = (
            f'all {counts["used"]} have fewer labelled keypoints than the '
            f'{use.min_keypoints} that SapiensMinKeypoints asks for'
        )
        found.add('nobody', where, what)


class _Checker:
    """Goes through a file, record by record."""

    def __init__(
        self, found: Findings, reader: str, fields: Mapping[str, int], use: Use | None
    ) -> None:
        self.found = found
        self.person = PersonChecker(found, reader, fields, use)
        metric = use.evaluated if use is not None else None
        self.evaluation = EvaluationChecker(found, fields, metric)
        self.images: dict[int, dict] = {}
        self.image_by_name: dict[str, int] = {}
        self.annotation_ids: set[int] = set()
        self.annotated: set[int] = set()
        self.used_images: set[int] = set()

    def check_image(self, n: int, record: Any) -> None:
        found = self.found
        found.counts['images'] += 1
        where = f'image record {n}'
        try:
            if not isinstance(record, dict):
                found.fail('bad_image', where, 'is no object')
            where = f'image {record.get("id")!r} (record {n})'
            found.require_id('bad_image', where, record, 'id')
            name = record.get('file_name')
            if not isinstance(name, str) or not name:
                found.fail('bad_image', where, f'file_name is {name!r}')
            for field in ('width', 'height'):
                value = record.get(field)
                if not is_number(value) or value <= 0:
                    found.fail('bad_image', where, f'{field} is {value!r}')
            if record['id'] in self.images:
                found.fail('duplicate_image_id', where, 'another image has the same id')
            self.images[record['id']] = record
            other = self.image_by_name.setdefault(name, record['id'])
            if other != record['id']:
                found.add('shared_file', where, f'{name} is the file of image {other}')
            self.evaluation.check_image(where, record)
        except RecordDone:
            # known all the same: its annotations are not to blame
            if isinstance(record, dict) and isinstance(record.get('id'), int):
                self.images.setdefault(record['id'], {})

    def check_annotation(self, n: int, record: Any) -> None:
        found = self.found
        found.counts['annotations'] += 1
        where = f'annotation record {n}'
        try:
            if not isinstance(record, dict):
                found.fail('bad_annotation', where, 'is no object')
            where = f'annotation {record.get("id")!r} (record {n})'
            for field in ('id', 'image_id', 'category_id'):
                found.require_id('bad_annotation', where, record, field)
            if record['id'] in self.annotation_ids:
                found.fail(
                    'duplicate_annotation_id', where, 'another one has the same id'
                )
            self.annotation_ids.add(record['id'])
            image = self.images.get(record['image_id'])
            if image is None:
                what = f'image_id {record["image_id"]} is in no image record'
                found.fail('unknown_image', where, what)
            self.annotated.add(record['image_id'])
            self.evaluation.check_record(where, record)
            self.person.check(where, record, image)
            found.counts['used'] += 1
            self.used_images.add(record['image_id'])
            self.evaluation.check_used(where, record['category_id'])
        except RecordDone:  # counted where it was found
            pass

    def check_files(self, data_root: str | Path | None, turns_images: bool) -> None:
        """Look for the images of those whom training uses, and compare their sizes."""
        add = self.found.add
        for image_id in sorted(set(self.images) - self.annotated):
            add('empty_image', f'image {image_id}', 'no annotation')
        if data_root is None or '://' in str(data_root):
            return
        paths = {
            image_id: os.path.join(data_root, image['file_name'])
            for image_id, image in self.images.items()
            if 'file_name' in image
        }
        missing = missing_files(paths)
        used, sizes_wh = {}, {}
        for image_id, path in paths.items():
            is_used = image_id in self.used_images
            if image_id in missing:
                kind = 'missing_image' if is_used else 'unused_image_missing'
                add(kind, f'image {image_id}', f'{path} does not exist')
            elif is_used:
                image = self.images[image_id]
                used[image_id] = path
                sizes_wh[image_id] = (image['width'], image['height'])
        for image_id, fault in size_faults(used, sizes_wh, turns_images).items():
            add(fault.kind, f'image {image_id}', fault.what)
