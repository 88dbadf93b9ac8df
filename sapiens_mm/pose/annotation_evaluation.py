"""What a metric would stumble over in an annotation file, an epoch into a training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sapiens_mm.pose.annotation_needs import Evaluation
from sapiens_mm.pose.annotation_person import length_of
from sapiens_mm.pose.annotation_report import Findings, is_id, is_number


class EvaluationChecker:
    """Looks at a file as a metric does, which sees those whom training leaves out too.

    Args:
        found: Takes what is found.
        fields: Fields of a record, in order, and how many keypoints each has.
        metric: What compares with the file; None if nothing does.

    Attributes:
        categories: Name by id of the categories listed; None without a list.
        used: Ids of the categories of those who are used.
    """

    def __init__(
        self, found: Findings, fields: Mapping[str, int], metric: Evaluation | None
    ) -> None:
        self.found = found
        self.fields = fields
        self.metric = metric
        self.categories: dict[int, str] | None = None
        self.used: set[int] = set()

    def check_categories(self, content: Mapping[str, Any]) -> None:
        """Read the list of categories, which evaluation goes by."""
        add = self.found.add
        if 'categories' not in content:
            if self.metric is not None and self.metric.by_category:
                what = f'the list is missing, and {self.metric.name} goes by it: add '
                example = '"categories": [{"id": 1, "name": "person"}]'
                add('no_categories', 'categories', what + example)
            return
        listed = content['categories']
        if not isinstance(listed, list):
            add('bad_category', 'categories', f'is {listed!r:.60}, no list')
            return
        self.categories = {}
        for n, record in enumerate(listed):
            category_id = record.get('id') if isinstance(record, dict) else None
            if is_id(category_id):
                self.categories[category_id] = str(record.get('name', category_id))
            else:
                what = f'id is {category_id!r}, expected an integer'
                add('bad_category', f'category record {n}', what)

    def check_image(self, where: str, record: dict) -> None:
        """Look for what evaluation by crowding needs of an image."""
        if self.metric is None or not self.metric.by_crowding:
            return
        crowding = record.get('crowdIndex')
        if not is_number(crowding):
            what = f'crowdIndex is {crowding!r}, and {self.metric.name} needs it'
            self.found.add('crowding_needed', where, what)

    def check_record(self, where: str, record: dict) -> None:
        """Look for what the metric needs of an annotation, used or not.

        Raises:
            RecordDone: If a crowd has the wrong number of keypoints.
        """
        metric = self.metric
        listed = self.categories or {}
        if metric is None or (
            metric.by_category and record['category_id'] not in listed
        ):
            return  # the metric does not see it

        def need(kind: str, name: str, hint: str = '') -> None:
            what = f'{name} is missing, and {metric.name} needs it{hint}'
            self.found.add(kind, where, what)

        if metric.use_area and record.get('area') is None:
            hint = '; use_area=False of val_evaluator takes a share of the box instead'
            need('area_needed', 'area', hint)
        if 'bbox' not in record:
            need('box_needed', 'bbox')
        if metric.by_crowding and not is_id(record.get('num_keypoints')):
            need('crowding_needed', 'num_keypoints')
        lengths = {name: length_of(record, name) for name in self.fields}
        if not any(lengths.values()):
            if not metric.fills_blanks:
                need('keypoints_needed', next(iter(lengths)))
        elif record.get('iscrowd'):  # of others it is checked anyway
            for name, count in self.fields.items():
                if lengths[name] != 3 * count:
                    what = f'{name} has {lengths[name]} numbers, expected {3 * count}'
                    self.found.fail('wrong_length', where, what)

    def check_used(self, where: str, category_id: int) -> None:
        """Look at the category of a person who is used."""
        self.used.add(category_id)
        metric, listed = self.metric, self.categories
        if metric is None:
            return
        if metric.by_category and listed is not None and category_id not in listed:
            what = (
                f'category_id is {category_id}, but categories lists {sorted(listed)}: '
                f'{metric.name} would not see it'
            )
            self.found.add('unlisted_category', where, what)
        elif metric.detected and category_id != 1:
            what = (
                f'category_id is {category_id}; people of bbox_file are of category '
                '1, and compared with that alone'
            )
            self.found.add('not_category_1', where, what)

    def check_whole(self) -> None:
        """Say so if there are people of several categories."""
        if len(self.used) > 1:
            names = self.categories or {}
            listed = sorted(str(names.get(c, c)) for c in self.used)
            self.found.add('several_categories', 'categories', ', '.join(listed)[:200])
            self.found.counts['several_categories'] = len(listed)
