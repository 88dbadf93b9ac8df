"""The box and the keypoints of one annotation, as the data sets take them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sapiens_mm.pose.annotation_needs import COCO, GOLIATH, WHOLEBODY, Use
from sapiens_mm.pose.annotation_report import Findings, is_number
from sapiens_mm.pose.keypoint_files import (
    FIELDS,
    PART_GROUPS,
    WrongFieldError,
    read_flat,
)
from sapiens_mm.tables import GOLIATH308

_TOLERANCE_PX = 1.0  # boxes and points this far outside are not worth a word


class PersonChecker:
    """Finds what is wrong with a person, and who is left out.

    Args:
        found: Takes what is found.
        reader: One of ``annotation_needs.READERS``.
        fields: Fields of a record, in order, and how many keypoints each has.
        use: What a run does with the file; None asks for readable records alone.
    """

    def __init__(
        self, found: Findings, reader: str, fields: Mapping[str, int], use: Use | None
    ) -> None:
        self.found = found
        self.reader = reader
        self.fields = fields
        self.whole_body = fields == FIELDS[133]
        self.asked = use is not None
        self.min_keypoints = (use or Use()).min_keypoints

    def check(self, where: str, record: dict, image: dict) -> None:
        """Check box and keypoints; leave if training does not use them.

        Args:
            where: What to call the record.
            record: The annotation.
            image: Its image record; without size if that is wrong itself.

        Raises:
            RecordDone: If the person is not used, or the record is wrong.
        """
        if self.reader == WHOLEBODY:
            # the host's data set reads these even of a crowd
            others = ('bbox', 'num_keypoints', 'iscrowd', 'segmentation')
            for field in (*self.fields, *others):
                if field not in record:
                    self.found.fail('bad_annotation', where, f'{field} is missing')
        crowd = record.get('iscrowd', 0)
        if crowd not in (0, 1, None):
            self.found.fail(
                'bad_annotation', where, f'iscrowd is {crowd!r}, expected 0 or 1'
            )
        if crowd:
            self.found.fail('crowd', where, 'iscrowd is set')
        missing = [f for f in ('bbox', *self.fields) if f not in record]
        if missing:
            # mmpose skips such records of COCO; in Goliath's they are errors
            skipped = self.reader == COCO
            kind = 'no_keypoint_fields' if skipped else 'bad_annotation'
            self.found.fail(kind, where, f'{missing[0]} is missing')
        blank = not any(length_of(record, field) for field in self.fields)
        if blank and self.reader != GOLIATH and not record.get('num_keypoints'):
            self._read_box(where, record)
            self.found.fail('no_visible_keypoints', where, 'no keypoint is labelled')
        points = self._read_points(where, record)
        box = self._read_box(where, record)
        labelled = self._check_count(where, record, points)
        self._check_box(where, box, points, image)
        area = record.get('area')
        if area is None:
            if not self.asked:
                self.found.add('no_area', where, 'area is missing')
        elif not is_number(area) or area < 0:
            self.found.fail('bad_annotation', where, f'area is {area!r}')
        elif area == 0:
            self.found.add('zero_area', where, 'area is 0')
        if labelled < self.min_keypoints:
            what = f'{labelled} labelled, {self.min_keypoints} asked for'
            self.found.add('few_keypoints', where, what)

    def _read_points(self, where: str, record: dict) -> np.ndarray:
        kinds = {
            'missing': 'bad_annotation',
            'length': 'wrong_length',
            'value': 'bad_value',
        }
        try:
            points = np.concatenate(
                [read_flat(record, *field) for field in self.fields.items()]
            )
            if self.fields == FIELDS[308]:
                for field, group in PART_GROUPS.items():
                    if field in record:
                        read_flat(record, field, len(GOLIATH308.groups[group]))
        except WrongFieldError as error:
            self.found.fail(kinds[error.kind], where, str(error))
        flags = points[:, 2]
        bad = flags < 0
        # COCO-WholeBody: face, hands and feet have fractions, and those above 0 hold
        whole = 17 if self.whole_body else len(flags)
        bad[:whole] |= (flags[:whole] > 2) | (flags[:whole] % 1 != 0)
        if bad.any():
            k = int(np.flatnonzero(bad)[0])
            field, place = self._locate(k)
            what = f'{field} has the visibility {flags[k]:g} for keypoint {place}'
            self.found.fail('bad_visibility', where, what)
        return points

    def _locate(self, k: int) -> tuple[str, int]:
        """Return field and place in it of keypoint ``k``."""
        for field, count in self.fields.items():
            if k < count:
                return field, k
            k -= count
        raise AssertionError('k is out of range')

    def _read_box(self, where: str, record: dict) -> tuple[float, ...]:
        box = record['bbox']
        is_list = isinstance(box, list) and len(box) == 4
        if not is_list or not all(is_number(value) for value in box):
            self.found.fail(
                'bad_box', where, f'bbox is {box!r:.60}, expected 4 numbers'
            )
        return tuple(box)

    def _check_count(self, where: str, record: dict, points: np.ndarray) -> int:
        """Leave out whom the data set leaves out; return how many are labelled."""
        labelled = int((points[:, 2] > 0).sum())
        counted = points[:17] if self.whole_body else points
        found = int((counted[:, 2] > 0).sum())
        said = record.get('num_keypoints', found)
        if said != found:
            what = f'num_keypoints is {said!r}, {found} are labelled'
            self.found.add('count_disagrees', where, what)
        if self.reader == GOLIATH:
            asked = labelled
        elif 'num_keypoints' in record:
            asked = said
        else:
            asked = np.count_nonzero(points[:, :2].max(axis=1))  # as mmpose counts
        if asked == 0 and labelled > 0 and found == 0:
            self.found.fail('no_body_keypoints', where, 'num_keypoints is 0')
        if asked == 0 or points[:, :2].max() <= 0:
            self.found.fail('no_visible_keypoints', where, 'no keypoint is labelled')
        if labelled == 0:
            self.found.add('nothing_to_learn', where, 'no keypoint is labelled')
        return labelled

    def _check_box(
        self, where: str, box: tuple[float, ...], points: np.ndarray, image: dict
    ) -> None:
        x, y, w, h = box
        if w <= 0 or h <= 0:
            self.found.fail('zero_box', where, f'bbox is {list(box)}')
        if not image.keys() >= {'width', 'height'}:
            return  # an error of the image, counted there
        size = np.array([image['width'], image['height']], np.float64)
        corners = np.array([[x, y], [x + w, y + h]], np.float64)
        what = f'bbox is {list(box)}, the image {size[0]:g} by {size[1]:g}'
        # clipped as the data set does, in its float32
        low, high = np.clip(corners, 0, size - 1).astype(np.float32)
        if (high <= low).any():
            self.found.fail('box_outside', where, what)
        over = (corners < -_TOLERANCE_PX) | (corners > size + _TOLERANCE_PX)
        if over.any():
            self.found.add('box_clipped', where, what)
        seen = points[points[:, 2] > 0, :2]
        out = ((seen < -_TOLERANCE_PX) | (seen > size + _TOLERANCE_PX)).any(axis=1)
        inside = (seen >= corners[0] - _TOLERANCE_PX) & (
            seen <= corners[1] + _TOLERANCE_PX
        )
        if len(seen) and not inside.all(axis=1).any():
            what = f'bbox is {list(box)}, a keypoint at {tuple(seen[0].tolist())}'
            self.found.add('keypoints_off_box', where, what)
        if out.any():
            x, y = seen[out][0]
            what = f'{int(out.sum())} of {len(seen)}, one at ({x:g}, {y:g})'
            self.found.add('keypoints_outside', where, what)


def length_of(record: dict, name: str) -> int:
    """Return the length of a list of a record, 0 where there is none."""
    value = record.get(name)
    return len(value) if isinstance(value, list) else 0
