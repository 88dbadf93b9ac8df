"""Keypoint AP and AR, overall and for each part, within and between vocabularies."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from mmengine.fileio import put_text
from mmengine.logging import MMLogger
from mmpose.evaluation.metrics import CocoMetric
from numpy.typing import NDArray

from sapiens_mm.compat.coco_index import COCO
from sapiens_mm.pose.keypoint_ap import (
    PARTS,
    STAT_NAMES,
    People,
    keypoint_ap,
    read_people,
)
from sapiens_mm.pose.keypoint_choice import Choice, chosen_pairs, describe_choice
from sapiens_mm.pose.keypoint_files import (
    PART_GROUPS,
    fields_of,
    guess_num_keypoints,
)
from sapiens_mm.registry import METRICS
from sapiens_mm.tables import (
    KeypointTable,
    find_keypoint_table,
    guess_keypoints,
    keypoint_table,
    keypoint_table_from_metainfo,
)

PREFIXES = {17: 'coco', 133: 'coco-wholebody', 308: 'goliath'}
_PAIR_COLUMN = {17: 0, 133: 0, 308: 1}  # the 17 are the first of the 133
OWN_PREFIX = 'keypoints'
"""Of the figures of keypoints that are not those of the released models."""

WHOLE = 'whole'


@METRICS.register_module()
class SapiensKeypointMetric(CocoMetric):
    """AP and AR by OKS for any keypoints, overall and for each part.

    mmpose's metrics know no Goliath file, and ``CocoWholeBodyMetric`` prints the
    figures of the parts without returning them; scores, NMS, files and converters are
    the host's. What the ground truth holds is told by its fields:

    - Goliath, ``goliath_wholebody_kpts``: ``goliath/AP`` over all 308 keypoints;
    - COCO-WholeBody: ``coco-wholebody/AP`` over all 133, equal to the host's;
    - COCO: ``coco/AP``, equal to the host's;
    - any others, in ``keypoints``: ``keypoints/AP``, with names and sigmas of the data
      set, and the parts that ``groups`` names.

    Each with AP .5, AP .75, AP (M), AP (L) and the five AR, and with ``body_AP``,
    ``foot_AP``, ``face_AP``, ``left_hand_AP``, ``right_hand_AP``, ``hand_AP`` and the
    same AR. Hand is the mean of both hands, as COCO-WholeBody's authors report it. The
    seven extra keypoints of Goliath (neck, elbow pits…) count in the whole only. A
    figure is -1 where the ground truth has nothing to find.

    **Common keypoints.** Give ``common_keypoints`` to evaluate predictions of one
    vocabulary on ground truth of another, or models of both on the same keypoints.
    Scores, NMS and OKS then see the paired keypoints alone, with the sigmas of the
    ground truth; the prefix says how many, such as ``coco-wholebody-common53/AP``.
    The paper compares on 114 keypoints but its authors never published which: 53 pairs
    have equal names, 10 more are the finger bases under other names, and the 51
    of the face are unknown, so no choice here reproduces the 114 of the paper.

    Args:
        ann_file: COCO-style file; None takes that of the data set.
        common_keypoints: ``'certain'``, the 53 pairs of equal name;
            ``'finger_bases'``, these and the 10 finger bases; a table of your own, as
            pairs (COCO-WholeBody id, Goliath id) or the path of a JSON list of them,
            which is taken as it stands. With COCO's ground truth or predictions, the
            pairs of its 17 apply. None evaluates all.
        groups: Parts of keypoints of one's own, ``{'hand': ('thumb', 'index')}``: by
            name or id.
        **host_args: Of mmpose's ``CocoMetric``. The default ``prefix`` is as above.

    Raises:
        ValueError: For a table that ``keypoint_maps.common_pairs`` refuses, host
            arguments at odds with ``common_keypoints``, or a group of keypoints that
            there are not.
    """

    default_prefix = 'goliath'  # or as the file says

    def __init__(
        self,
        ann_file: str | None = None,
        common_keypoints: Choice | None = None,
        groups: Mapping[str, Sequence[str | int]] | None = None,
        **host_args,
    ):
        if host_args.get('iou_type', 'keypoints') != 'keypoints':
            raise ValueError(
                f"iou_type is {host_args['iou_type']!r}; expected 'keypoints', the "
                "parts are told by the file. For CrowdPose use mmpose's CocoMetric"
            )
        self.pairs = None
        if common_keypoints is not None:
            self.pairs = chosen_pairs(common_keypoints)
            for name in ('pred_converter', 'gt_converter', 'format_only'):
                if host_args.get(name):
                    raise ValueError(f'common_keypoints excludes {name}')
        self.choice = describe_choice(common_keypoints)
        self.groups = dict(groups or {})
        super().__init__(ann_file, **host_args)
        self._named_by_file = host_args.get('prefix') is None
        self._table: KeypointTable | None = None
        self._ids: NDArray = np.arange(0)
        self._detections = People([], np.zeros((0, 0, 3)))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Evaluate the processed results.

        Args:
            results: Pairs of prediction and ground truth from ``process``.

        Returns:
            The figures by name, without prefix; none with ``format_only``.
        """
        if not results:
            raise ValueError('there are no predictions to evaluate')
        if self.coco is None:
            self.coco = COCO(ann_data=_raw_annotations(results))
        predicted_ids = self._choose_keypoints(results)
        if self._named_by_file:
            ours = find_keypoint_table(self._table.names)
            self.prefix = PREFIXES[ours.num_keypoints] if ours else OWN_PREFIX
            if self.pairs is not None:
                self.prefix += f'-common{len(self._ids)}'

        host_meta = self._dataset_meta
        annotations = self.coco.dataset.get('annotations', ())
        unconverted = [dict(ann) for ann in annotations]
        if not (self.pred_converter or self.gt_converter):
            results = [(_take(pred, predicted_ids), gt) for pred, gt in results]
            # the host takes sigmas and number from here, for its NMS and scores
            self._dataset_meta = {
                **host_meta,
                'num_keypoints': len(self._ids),
                'sigmas': self._sigmas()[self._ids],
            }
        try:
            return super().compute_metrics(results)
        finally:
            self._dataset_meta = host_meta
            # The host would convert what it has converted at the next evaluation.
            for ann, original in zip(annotations, unconverted, strict=True):
                ann.update(original)

    def _choose_keypoints(self, results: list) -> NDArray:
        """Set the table and the ids evaluated; return their ids in predictions."""
        sizes = {np.shape(pred['keypoints'])[-2] for pred, _ in results}
        if len(sizes) > 1:
            raise ValueError(f'predictions differ in keypoints: {sorted(sizes)}')
        num_predicted = sizes.pop()
        if self.pred_converter:
            num_predicted = self.pred_converter['num_keypoints']
        if self.gt_converter:
            num_annotated = self.gt_converter['num_keypoints']
        else:
            annotations = self.coco.dataset.get('annotations', ())
            sizes = {guess_num_keypoints(ann) for ann in annotations} - {None}
            num_annotated = max(sizes, default=num_predicted)
        table = self._table = self._vocabulary(num_annotated)
        if self.pairs is None:
            if num_predicted != table.num_keypoints:
                raise ValueError(
                    f'predictions have {num_predicted} keypoints, the ground truth '
                    f'{table.num_keypoints}; choose common_keypoints to compare them'
                )
            self._ids = np.arange(num_predicted)
            return self._ids
        for count in (num_predicted, num_annotated):
            keypoint_table(count)  # raises if there is no such vocabulary
        pairs = self.pairs
        if 17 in (num_predicted, table.num_keypoints):
            pairs = pairs[pairs[:, 0] < 17]
            if not len(pairs):
                raise ValueError('common_keypoints has none of the 17 of COCO')
        self._ids = pairs[:, _PAIR_COLUMN[table.num_keypoints]]
        return pairs[:, _PAIR_COLUMN[num_predicted]]

    def _vocabulary(self, count: int) -> KeypointTable:
        """Return the keypoints of the ground truth: the data set's if it is its own."""
        meta = self._dataset_meta or {}
        table = guess_keypoints(count)
        if not self.gt_converter and 'keypoint_id2name' in meta:
            stated = keypoint_table_from_metainfo(meta)
            if stated.num_keypoints == count:
                table = stated
        ids = {name: k for k, name in enumerate(table.names)}
        groups = {
            name: tuple(ids.get(each, each) for each in members)
            for name, members in self.groups.items()
        }
        for name, members in groups.items():
            wrong = [k for k in members if k not in range(count)]
            if wrong:
                raise ValueError(
                    f'groups: {name} has {wrong[0]!r}, which is none of the {count} '
                    'keypoints'
                )
        return replace(table, groups={**table.groups, **groups})

    def _sigmas(self) -> NDArray:
        """Return the sigmas of the ground truth: the data set's if it is its own."""
        sigmas = np.asarray(self._dataset_meta['sigmas'])
        if len(sigmas) == self._table.num_keypoints:
            return sigmas
        return np.array(self._table.sigmas)

    def results2json(self, keypoints: dict[int, list], outfile_prefix: str) -> None:
        """Collect the scored detections; write a file only if a prefix was given.

        The file has the fields of the ground truth; keypoints not in common are zeros.

        Args:
            keypoints: Detections by image id.
            outfile_prefix: Path and beginning of the name; ``.keypoints.json`` follows.
        """
        instances = [instance for image in keypoints.values() for instance in image]
        num_keypoints = self._table.num_keypoints
        filled = np.zeros((len(instances), num_keypoints, 3))
        values = [instance['keypoints'] for instance in instances]
        filled[:, self._ids] = np.reshape(values, (-1, len(self._ids), 3))
        # As the host: COCO's results have boxes, the others the extent of the body.
        body = self._table.groups.get('body', self._ids)
        extent_ids = np.intersect1d(body, self._ids)
        extents = filled[:, extent_ids if len(extent_ids) else self._ids, :2]
        areas = np.ptp(extents, axis=1).prod(axis=1).tolist()
        records = []
        for i, instance in enumerate(instances):
            record = {
                'id': i + 1,
                'image_id': instance['img_id'],
                'category_id': int(instance['category_id']),
                'score': float(instance['score']),
                'area': areas[i],
            }
            if num_keypoints not in (133, 308) and 'bbox' in instance:
                record['bbox'] = np.asarray(instance['bbox']).tolist()
                record['area'] = record['bbox'][2] * record['bbox'][3]
            records.append(record)
        self._detections = People(records, filled)
        if self.outfile_prefix is not None:
            # Not fileio.dump, which takes a minute for 5,000 times 308 keypoints.
            text = json.dumps(self._file_contents())
            put_text(text, f'{outfile_prefix}.keypoints.json')

    def _file_contents(self) -> list[dict]:
        people, groups = self._detections, self._table.groups
        fields: dict[str, list | slice] = {}
        if self._table.num_keypoints in (133, 308):
            fields = {f: list(groups[g]) for f, g in PART_GROUPS.items() if g in groups}
        if self._table.num_keypoints != 133:  # one field holds them all
            fields[next(iter(fields_of(self._table.num_keypoints)))] = slice(None)
        return [
            {k: v for k, v in record.items() if k not in ('id', 'area')}
            | {field: points[ids].ravel().tolist() for field, ids in fields.items()}
            for record, points in zip(people.records, people.keypoints, strict=True)
        ]

    def _do_python_keypoint_eval(self, outfile_prefix: str) -> list:
        """Return names and figures; the host calls this after ``results2json``."""
        ground_truth = read_people(
            self.coco.dataset.get('annotations', ()),
            self._table.num_keypoints,
            converted=self.gt_converter is not None,
        )
        sigmas = np.asarray(self.dataset_meta['sigmas'])
        sigmas_K = np.ones(self._table.num_keypoints, sigmas.dtype)
        sigmas_K[self._ids] = sigmas
        groups = {WHOLE: self._ids}
        for part in dict.fromkeys([*PARTS, *self.groups]):
            ids = np.intersect1d(self._table.groups.get(part, ()), self._ids)
            if 0 < len(ids) < len(self._ids):
                groups[part] = ids
        stats = keypoint_ap(
            ground_truth,
            self._detections,
            self.coco.dataset['images'],
            sigmas_K,
            groups,
            use_area=self.use_area,
        )
        counts = {name: len(ids) for name, ids in groups.items()}
        if {'left_hand', 'right_hand'} <= stats.keys():
            hands = np.stack([stats['left_hand'], stats['right_hand']])
            stats['hand'] = _mean_found(hands)
            counts['hand'] = counts['left_hand'] + counts['right_hand']
        MMLogger.get_current_instance().info(
            f'{self.choice} on {self._table.name} ({self._table.num_keypoints}): '
            f'{len(self._detections.records)} detections, '
            f'{len(ground_truth.records)} annotations, score_mode={self.score_mode}, '
            f'nms_mode={self.nms_mode}, nms_thr={self.nms_thr}, '
            f'use_area={self.use_area}\n' + _format_table(stats, counts)
        )
        figures = list(zip(STAT_NAMES, stats.pop(WHOLE), strict=True))
        for part, values in stats.items():
            by_name = dict(zip(STAT_NAMES, values, strict=True))
            figures += [(f'{part}_{name}', by_name[name]) for name in ('AP', 'AR')]
        return [(name, float(value)) for name, value in figures]


def _take(pred: dict, ids: NDArray) -> dict:
    """Return a prediction with the keypoints ``ids`` alone."""
    return {
        **pred,
        'keypoints': np.asarray(pred['keypoints'])[:, ids],
        'keypoint_scores': np.asarray(pred['keypoint_scores'])[:, ids],
    }


def _raw_annotations(results: list) -> dict:
    """Return the annotations that the samples carried as contents of a file."""
    images, annotations = {}, {}
    for _, gt in results:
        images[gt['img_id']] = {
            'id': gt['img_id'],
            'width': gt['width'],
            'height': gt['height'],
        }
        for ann in gt['raw_ann_info']:
            if ann is not None:  # an image without people
                annotations[ann['id']] = ann
    return {'images': [*images.values()], 'annotations': [*annotations.values()]}


def _mean_found(values: NDArray) -> NDArray:
    """Return the mean over the first axis of what is not -1, or -1."""
    found = values > -1
    total = np.where(found, values, 0).sum(axis=0)
    count = found.sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), -1.0)


def _format_table(stats: dict[str, NDArray], counts: dict[str, int]) -> str:
    head = f'{"part":<10} {"points":>6}'
    lines = [head + ''.join(f'{name:>8}' for name in STAT_NAMES)]
    for name, values in stats.items():
        row = f'{name:<10} {counts[name]:>6}'
        lines.append(row + ''.join(f'{value:8.3f}' for value in values))
    return '\n'.join(lines)
