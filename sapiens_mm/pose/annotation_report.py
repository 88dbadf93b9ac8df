"""What can be wrong with a keypoint annotation file, and the report of a check."""

from __future__ import annotations

from dataclasses import dataclass

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
}
WARNINGS = {
    'crowd': 'crowd annotations are skipped',
    'no_keypoint_fields': 'annotations without box or keypoints are skipped',
    'no_visible_keypoints': 'annotations with zero visible keypoints are skipped',
    'no_body_keypoints': 'annotations with visible keypoints, but none of the body, '
    "are skipped by the host's data set",
    'zero_box': 'annotations with a box of zero size are skipped',
    'box_outside': 'annotations with a box outside the image are skipped',
    'box_clipped': 'annotations have a box that is clipped to the image',
    'keypoints_outside': 'annotations have visible keypoints outside the image',
    'count_disagrees': 'annotations have another number of visible keypoints than '
    'num_keypoints says',
    'nothing_to_learn': 'annotations are used although no keypoint is visible',
    'no_area': 'annotations have no area, which evaluation needs',
    'unused_image_missing': 'images that no used annotation needs are not on disk',
    'empty_image': 'images have no annotation',
}
SKIPPED = (
    *('crowd', 'no_keypoint_fields', 'no_visible_keypoints', 'no_body_keypoints'),
    *('zero_box', 'box_outside'),
)


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
