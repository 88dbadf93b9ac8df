"""What can be wrong with a keypoint annotation file, and the report of a check."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite
from typing import NoReturn

# kind -> what the number of such records is followed by
ERRORS = {
    'bad_image': 'image records with a missing or wrong field',
    'duplicate_image_id': 'images with the id of another image',
    'bad_annotation': 'annotations with a missing or wrong field',
    'duplicate_annotation_id': 'annotations with the id of another annotation',
    'unknown_image': 'annotations of an image that is not listed',
    'wrong_length': 'annotations with the wrong number of keypoints',
    'bad_value': 'annotations with a keypoint that is not a finite number',
    'bad_visibility': 'annotations with a visibility other than 0, 1, 2',
    'bad_box': 'annotations whose box is not four finite numbers',
    'missing_image': 'images of used annotations that are not on disk',
    'broken_image': 'images of used annotations that cannot be read',
    'wrong_size': 'images of another size than the file says',
    'nobody': 'files without anybody to train on or to look for',
    'bad_category': 'categories with a missing or wrong field',
    'no_categories': 'files without the list of categories that evaluation needs',
    'unlisted_category': 'annotations of a category that the file does not list, which '
    'evaluation leaves out',
    'not_category_1': 'annotations of another category than 1, that of all people whom '
    'a detector has found',
    'area_needed': 'annotations without the area that evaluation needs',
    'box_needed': 'annotations without the box that evaluation needs',
    'keypoints_needed': 'annotations without the keypoints that evaluation needs',
    'crowding_needed': 'records without what evaluation by crowding needs',
}
WARNINGS = {
    'crowd': 'crowd annotations are skipped',
    'no_keypoint_fields': 'annotations without box or keypoints are skipped',
    'no_visible_keypoints': 'annotations with zero visible keypoints are skipped',
    'no_body_keypoints': 'annotations with visible keypoints, but none of the body, '
    "are skipped by the host's data set",
    'zero_box': 'annotations with a box of zero size are skipped',
    'box_outside': 'annotations with a box outside the image are skipped',
    'box_clipped': 'annotations have a box that is clipped to the image; boxes are x, '
    'y, width, height',
    'keypoints_outside': 'annotations have visible keypoints outside the image',
    'keypoints_off_box': 'annotations have no labelled keypoint in their box; are '
    'keypoints in pixels, and boxes x, y, width, height?',
    'count_disagrees': 'annotations have another number of visible keypoints than '
    'num_keypoints says',
    'nothing_to_learn': 'annotations are used although no keypoint is visible',
    'no_area': 'annotations have no area, which evaluation needs',
    'zero_area': 'annotations have the area 0, and nothing comes near them',
    'few_keypoints': 'annotations have fewer labelled keypoints than '
    'SapiensMinKeypoints asks for, and are not trained on',
    'several_categories': 'categories have keypoints: all are trained on as one, and '
    'AP is the mean over them',
    'shared_file': 'images have the file of another image',
    'unused_image_missing': 'images that no used annotation needs are not on disk',
    'empty_image': 'images have no annotation',
}
# those that a user should see before a training goes on
REMARKABLE = (
    *('several_categories', 'few_keypoints', 'nothing_to_learn', 'zero_area'),
    *('shared_file', 'keypoints_outside'),
)
# and those that are usual now and then, but not of every second person
MOSTLY = ('box_clipped', 'keypoints_off_box')
# who is left out, in a word or two
SKIPPED = {
    'crowd': 'crowds',
    'no_keypoint_fields': 'without box or keypoints',
    'no_visible_keypoints': 'without labelled keypoints',
    'no_body_keypoints': 'without labelled keypoints of the body',
    'zero_box': 'with a box of no size',
    'box_outside': 'with a box outside the image',
}


@dataclass(frozen=True)
class Report:
    """What an annotation file holds.

    Attributes:
        path: The file.
        num_keypoints: Vocabulary it was read as.
        counts: ``images``, ``annotations``, ``used`` (annotations that training uses),
            and how many records there are of each kind in ``ERRORS``, ``WARNINGS``.
        first_errors: For each kind met, a sentence that names its first record.
    """

    path: str
    num_keypoints: int
    counts: dict[str, int]
    first_errors: dict[str, str]

    @property
    def error_kinds(self) -> tuple[str, ...]:
        """Kinds of ``ERRORS`` met, in the order in which they were."""
        return tuple(kind for kind in self.first_errors if kind in ERRORS)

    def raise_for_errors(self) -> None:
        """Raise ValueError, one sentence about the first error, if there is any."""
        kinds = self.error_kinds
        if kinds:
            total = sum(self.counts[kind] for kind in kinds)
            more = f' ({total} records have errors)' if total > 1 else ''
            raise ValueError(f'{self.first_errors[kinds[0]]}{more}')

    def remarks(self) -> list[str]:
        """Return a sentence for each kind met of ``REMARKABLE``, and of ``MOSTLY``."""
        met = [kind for kind in REMARKABLE if self.counts[kind]]
        met += [k for k in MOSTLY if 2 * self.counts[k] > self.counts['used']]
        return [
            f'{self.first_errors[kind]} ({self.counts[kind]} {WARNINGS[kind]})'
            for kind in met
        ]

    def left_out(self) -> str:
        """Say how many annotations training leaves out, and why; '' for none."""
        counts = {kind: self.counts[kind] for kind in SKIPPED if self.counts[kind]}
        total = sum(counts.values())
        reasons = ', '.join(f'{n} {SKIPPED[kind]}' for kind, n in counts.items())
        return f'{total} left out: {reasons}' if total else ''

    def summary(self) -> str:
        """Say what is in the file: a line for the whole and one for each kind met."""
        counts = self.counts
        lines = [
            f'{self.path}: {counts["images"]} images, {counts["annotations"]} '
            f'annotations with {self.num_keypoints} keypoints, {counts["used"]} used '
            'for training'
        ]
        for kind, phrase in {**ERRORS, **WARNINGS}.items():
            if counts[kind]:
                first = self.first_errors[kind].removeprefix(f'{self.path}: ')
                lines.append(f'  {counts[kind]} {phrase}; the first: {first}')
        return '\n'.join(lines)


class RecordDone(Exception):
    """The rest of a record is not worth looking at."""


@dataclass
class Findings:
    """Counts what is found, kind by kind, and keeps the first of each.

    Attributes:
        path: The file.
        counts: As in :class:`Report`.
        first: As ``first_errors`` there.
    """

    path: str
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(
            ('images', 'annotations', 'used', *ERRORS, *WARNINGS), 0
        )
    )
    first: dict[str, str] = field(default_factory=dict)

    def add(self, kind: str, where: str, what: str) -> None:
        """Count one of a kind of ``ERRORS`` or ``WARNINGS``."""
        self.counts[kind] += 1
        self.first.setdefault(kind, f'{self.path}: {where}: {what}')

    def fail(self, kind: str, where: str, what: str) -> NoReturn:
        """Count it, and leave the record by ``RecordDone``."""
        self.add(kind, where, what)
        raise RecordDone

    def require_id(self, kind: str, where: str, record: dict, name: str) -> None:
        """Leave the record unless a field of it is an integer."""
        if name not in record:
            self.fail(kind, where, f'{name} is missing')
        if not is_id(record[name]):
            self.fail(kind, where, f'{name} is {record[name]!r}, expected an integer')

    def report(self, num_keypoints: int) -> Report:
        """Return what was found so far."""
        return Report(self.path, num_keypoints, self.counts, self.first)


def is_id(value: object) -> bool:
    """Tell whether a value of a JSON file is an integer."""
    # True and False are integers to Python
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> bool:
    """Tell whether a value of a JSON file is a finite number."""
    good = isinstance(value, (int, float)) and not isinstance(value, bool)
    return good and isfinite(value)
