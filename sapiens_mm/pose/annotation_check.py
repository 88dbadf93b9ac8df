"""Read a keypoint annotation file as a data set will, and say what is wrong with it.

For COCO (17 keypoints), COCO-WholeBody (133) and Goliath (308). What would end or spoil
a training is an error; what the data set leaves out or cuts off is counted and named.
"""

from __future__ import annotations

import os
from collections import defaultdict
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from sapiens_mm.data_files import read_json
from sapiens_mm.pose.annotation_report import ERRORS, WARNINGS, Report
from sapiens_mm.pose.keypoint_files import (
    FIELDS,
    INFO_GROUPS,
    PART_GROUPS,
    WrongFieldError,
    read_flat,
    read_points,
)
from sapiens_mm.tables import GOLIATH308

_TOLERANCE_PX = 1.0  # boxes and points this far outside are not worth a word


def check_annotations(
    path: str | Path,
    num_keypoints: int,
    data_root: str | Path | None = None,
    *,
    strict: bool = True,
) -> Report:
    """Check every record of an annotation file.

    Args:
        path: COCO-style JSON file.
        num_keypoints: Vocabulary to read it as: 17, 133 or 308.
        data_root: Folder that ``file_name`` of the images starts from; None does not
            look for the images.
        strict: Raise on errors of records; False only reports them.

    Returns:
        The report.

    Raises:
        ValueError: If the file is no annotation file, or, with ``strict``, if it has
            errors: one sentence names the first record, its id and its field.
    """
    if num_keypoints not in FIELDS:
        raise ValueError(
            f'num_keypoints must be one of {sorted(FIELDS)}, not {num_keypoints!r}'
        )
    content = read_json(path)
    for name in ('images', 'annotations'):
        if not isinstance(content, dict) or not isinstance(content.get(name), list):
            raise ValueError(f'{path} is no annotation file: it has no list {name!r}')
    checker = _Checker(str(path), num_keypoints)
    checker.check_info(content.get('info'))
    for n, record in enumerate(content['images']):
        checker.check_image(n, record)
    for n, record in enumerate(content['annotations']):
        checker.check_annotation(n, record)
    checker.check_files(data_root)
    report = checker.report()
    if strict:
        report.raise_for_errors()
    return report


class _Stop(Exception):
    """The rest of a record is not worth looking at."""


class _Checker:
    """Collects what is wrong, record by record."""

    def __init__(self, path: str, num_keypoints: int) -> None:
        self.path = path
        self.num_keypoints = num_keypoints
        self.counts: dict[str, int] = dict.fromkeys(
            ('images', 'annotations', 'used', *ERRORS, *WARNINGS), 0
        )
        self.first: dict[str, str] = {}
        self.images: dict[Any, dict] = {}
        self.annotation_ids: set[Any] = set()
        self.annotated: set[Any] = set()
        self.used_images: set[Any] = set()

    def add(self, kind: str, where: str, what: str) -> None:
        self.counts[kind] += 1
        self.first.setdefault(kind, f'{self.path}: {where}: {what}')

    def fail(self, kind: str, where: str, what: str) -> None:
        self.add(kind, where, what)
        raise _Stop

    def report(self) -> Report:
        return Report(self.path, self.num_keypoints, self.counts, self.first)

    def check_info(self, info: Any) -> None:
        """Compare the part lists of a Goliath file with our table, if it has any."""
        given = info.get('goliath_info') if isinstance(info, dict) else None
        if self.num_keypoints != 308 or not isinstance(given, dict):
            return
        for name, group in INFO_GROUPS.items():
            ids = given.get(name, GOLIATH308.groups[group])
            if list(ids) != list(GOLIATH308.groups[group]):
                raise ValueError(
                    f'{self.path}: info.goliath_info.{name} is not that of the 308 '
                    'keypoints, so the keypoints of this file are in another order'
                )

    def check_image(self, n: int, record: Any) -> None:
        self.counts['images'] += 1
        where = f'image record {n}'
        try:
            if not isinstance(record, dict):
                self.fail('bad_image', where, 'is no object')
            where = f'image {record.get("id")!r} (record {n})'
            self._require_id('bad_image', where, record, 'id')
            name = record.get('file_name')
            if not isinstance(name, str) or not name:
                self.fail('bad_image', where, f'file_name is {name!r}')
            for field in ('width', 'height'):
                value = record.get(field)
                if not _is_number(value) or value <= 0:
                    self.fail('bad_image', where, f'{field} is {value!r}')
            if record['id'] in self.images:
                self.fail('duplicate_image_id', where, 'another image has the same id')
            self.images[record['id']] = record
        except _Stop:
            # known all the same: its annotations are not to blame
            if isinstance(record, dict) and isinstance(record.get('id'), int):
                self.images.setdefault(record['id'], {})

    def check_annotation(self, n: int, record: Any) -> None:
        self.counts['annotations'] += 1
        where = f'annotation record {n}'
        try:
            if not isinstance(record, dict):
                self.fail('bad_annotation', where, 'is no object')
            where = f'annotation {record.get("id")!r} (record {n})'
            for field in ('id', 'image_id', 'category_id'):
                self._require_id('bad_annotation', where, record, field)
            if record['id'] in self.annotation_ids:
                self.fail(
                    'duplicate_annotation_id', where, 'another one has the same id'
                )
            self.annotation_ids.add(record['id'])
            image = self.images.get(record['image_id'])
            if image is None:
                what = f'image_id {record["image_id"]} is in no image record'
                self.fail('unknown_image', where, what)
            self.annotated.add(record['image_id'])
            self._check_person(where, record, image)
            self.counts['used'] += 1
            self.used_images.add(record['image_id'])
        except _Stop:
            pass

    def _require_id(self, kind: str, where: str, record: dict, field: str) -> None:
        if field not in record:
            self.fail(kind, where, f'{field} is missing')
        value = record[field]
        if not isinstance(value, int) or isinstance(value, bool):
            self.fail(kind, where, f'{field} is {value!r}, expected an integer')

    def _check_person(self, where: str, record: dict, image: dict) -> None:
        """Check box and keypoints; leave by ``_Stop`` if training does not use them."""
        if self.num_keypoints == 133:
            # the host's data set reads these even of a crowd
            others = ('bbox', 'num_keypoints', 'iscrowd', 'segmentation')
            for field in (*FIELDS[133], *others):
                if field not in record:
                    self.fail('bad_annotation', where, f'{field} is missing')
        if record.get('iscrowd'):
            self.fail('crowd', where, 'iscrowd is set')
        fields = ('bbox', *FIELDS[self.num_keypoints])
        missing = [field for field in fields if field not in record]
        if missing:
            # mmpose skips such records of COCO; in Goliath's they are errors
            skipped = self.num_keypoints == 17
            kind = 'no_keypoint_fields' if skipped else 'bad_annotation'
            self.fail(kind, where, f'{missing[0]} is missing')
        points = self._read_points(where, record)
        box = self._read_box(where, record)
        self._check_count(where, record, points)
        self._check_box(where, box, points, image)
        area = record.get('area')
        if area is None:
            self.add('no_area', where, 'area is missing')
        elif not _is_number(area) or area < 0:
            self.fail('bad_annotation', where, f'area is {area!r}')

    def _read_points(self, where: str, record: dict) -> np.ndarray:
        kinds = {
            'missing': 'bad_annotation',
            'length': 'wrong_length',
            'value': 'bad_value',
        }
        try:
            points = read_points(record, self.num_keypoints)
            if self.num_keypoints == 308:
                for field, group in PART_GROUPS.items():
                    if field in record:
                        read_flat(record, field, len(GOLIATH308.groups[group]))
        except WrongFieldError as error:
            self.fail(kinds[error.kind], where, str(error))
        flags = points[:, 2]
        bad = flags < 0
        # COCO-WholeBody: face, hands and feet have fractions, and those above 0 hold
        whole = 17 if self.num_keypoints == 133 else len(flags)
        bad[:whole] |= ~np.isin(flags[:whole], (0, 1, 2))
        if bad.any():
            k = int(np.flatnonzero(bad)[0])
            field, place = self._locate(k)
            what = f'{field} has the visibility {flags[k]:g} for keypoint {place}'
            self.fail('bad_visibility', where, what)
        return points

    def _locate(self, k: int) -> tuple[str, int]:
        """Return field and place in it of keypoint ``k``."""
        for field, count in FIELDS[self.num_keypoints].items():
            if k < count:
                return field, k
            k -= count
        raise AssertionError('k is out of range')

    def _read_box(self, where: str, record: dict) -> tuple[float, ...]:
        box = record['bbox']
        is_list = isinstance(box, list) and len(box) == 4
        if not is_list or not all(_is_number(value) for value in box):
            self.fail('bad_box', where, f'bbox is {box!r:.60}, expected 4 numbers')
        return tuple(box)

    def _check_count(self, where: str, record: dict, points: np.ndarray) -> None:
        """Leave out whom the data set leaves out for want of keypoints."""
        labelled = int((points[:, 2] > 0).sum())
        counted = points[:17] if self.num_keypoints == 133 else points
        found = int((counted[:, 2] > 0).sum())
        said = record.get('num_keypoints', found)
        if said != found:
            what = f'num_keypoints is {said!r}, {found} are labelled'
            self.add('count_disagrees', where, what)
        if self.num_keypoints == 308:
            asked = found
        elif 'num_keypoints' in record:
            asked = said
        else:
            asked = np.count_nonzero(points[:, :2].max(axis=1))  # as mmpose counts
        if asked == 0 and labelled > 0 and found == 0:
            self.fail('no_body_keypoints', where, 'num_keypoints is 0')
        if asked == 0 or points[:, :2].max() <= 0:
            self.fail('no_visible_keypoints', where, 'no keypoint is labelled')
        if labelled == 0:
            self.add('nothing_to_learn', where, 'no keypoint is labelled')

    def _check_box(
        self, where: str, box: tuple[float, ...], points: np.ndarray, image: dict
    ) -> None:
        x, y, w, h = box
        if w <= 0 or h <= 0:
            self.fail('zero_box', where, f'bbox is {list(box)}')
        if not image.keys() >= {'width', 'height'}:
            return  # an error of the image, counted there
        size = np.array([image['width'], image['height']], np.float64)
        corners = np.array([[x, y], [x + w, y + h]], np.float64)
        what = f'bbox is {list(box)}, the image {size[0]:g} by {size[1]:g}'
        # clipped as the data set does, in its float32
        low, high = np.clip(corners, 0, size - 1).astype(np.float32)
        if (high <= low).any():
            self.fail('box_outside', where, what)
        over = (corners < -_TOLERANCE_PX) | (corners > size + _TOLERANCE_PX)
        if over.any():
            self.add('box_clipped', where, what)
        seen = points[points[:, 2] > 0, :2]
        out = ((seen < -_TOLERANCE_PX) | (seen > size + _TOLERANCE_PX)).any(axis=1)
        if out.any():
            x, y = seen[out][0]
            what = f'{int(out.sum())} of {len(seen)}, one at ({x:g}, {y:g})'
            self.add('keypoints_outside', where, what)

    def check_files(self, data_root: str | Path | None) -> None:
        """Look for the images; each folder is listed once."""
        for image_id in sorted(set(self.images) - self.annotated):
            self.add('empty_image', f'image {image_id}', 'no annotation')
        if data_root is None:
            return
        folders: dict[str, list[tuple[str, int, str]]] = defaultdict(list)
        for image_id, image in self.images.items():
            if 'file_name' in image:
                file = os.path.join(data_root, image['file_name'])
                folder, name = os.path.split(file)
                folders[folder].append((name, image_id, file))
        for folder, files in folders.items():
            there = set(os.listdir(folder)) if os.path.isdir(folder) else set()
            for name, image_id, file in files:
                if name not in there:
                    used = image_id in self.used_images
                    kind = 'missing_image' if used else 'unused_image_missing'
                    self.add(kind, f'image {image_id}', f'{file} does not exist')


def _is_number(value: Any) -> bool:
    good = isinstance(value, Real) and not isinstance(value, bool)
    return good and bool(np.isfinite(value))
