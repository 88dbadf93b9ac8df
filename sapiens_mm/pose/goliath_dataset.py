"""People with 308 keypoints, read from COCO-style files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from mmengine.dataset import BaseDataset
from mmpose.datasets import BaseCocoStyleDataset

from sapiens_mm.pose.keypoint_files import (
    FIELDS,
    WrongFieldError,
    category,
    read_points,
)
from sapiens_mm.pose.keypoint_maps import keypoint_map
from sapiens_mm.registry import DATASETS
from sapiens_mm.tables.goliath308 import GOLIATH308, GROUP_IDS, METAINFO

SHARED = (
    'dataset_name',
    'upper_body_ids',
    'lower_body_ids',
    'flip_pairs',
    'dataset_keypoint_weights',
    'flip_indices',
    'skeleton_links',
)
"""Metadata that the host's data sets put into each sample."""


@DATASETS.register_module()
class SapiensGoliathDataset(BaseCocoStyleDataset):
    """Data set with Goliath's 308 keypoints, for training and evaluation.

    Reads files of the form in ``docs/goliath308_format.md``, where the keypoints are
    ``goliath_wholebody_kpts``; the host's class knows ``keypoints`` only. Files of
    COCO-WholeBody and COCO can fill what they share with the 308: the rest has
    visibility 0 and is not trained on. Metadata is our table, so data sets of either
    kind go together in mmengine's ``ConcatDataset``, and a config needs no list of
    pairs for the host's ``KeypointConverter``.

    A person counts if any of the 308 is labelled; ``num_keypoints`` in the file is not
    asked, as COCO-WholeBody's counts the body only. Where the host skips a record
    without box or keypoints, this one names it. In training, ``raw_ann_info``, which
    only evaluation reads, is left out: it is most of the memory.

    Args:
        ann_file: Annotation file.
        file_keypoints: Vocabulary of that file: 308, 133 or 17.
        include_finger_bases: For 133: fill the ten finger bases too, which are
            inferred.
        pairs: For 133: more pairs, [COCO-WholeBody id, Goliath id].
        group_weights: Weights in the loss by group (``body``, ``foot``, ``left_hand``,
            ``right_hand``, ``extra``, ``face``), for a ``GenerateTarget`` with
            ``use_dataset_keypoint_weights=True``; 1 for others. The face has 238 of the
            308, and would decide alone what is learnt.
        **kwargs: Of ``BaseCocoStyleDataset``: ``data_root``, ``data_prefix``,
            ``data_mode``, ``bbox_file``, ``pipeline``, ``test_mode`` and others.

    Raises:
        ValueError: If a record is wrong; it is named with file, id and field.
    """

    METAINFO: dict = METAINFO

    def __init__(
        self,
        ann_file: str = '',
        *,
        file_keypoints: int = 308,
        include_finger_bases: bool = False,
        pairs: tuple | list = (),
        group_weights: Mapping[str, float] | None = None,
        **kwargs,
    ) -> None:
        weights = np.ones(len(GOLIATH308.names), np.float32)
        for group, weight in (group_weights or {}).items():
            if group not in GROUP_IDS or not weight >= 0:
                raise ValueError(
                    f'group_weights: {group!r}: {weight!r}; expected numbers from 0 '
                    f'for {", ".join(GROUP_IDS)}'
                )
            weights[list(GROUP_IDS[group])] = weight
        if file_keypoints not in FIELDS:
            raise ValueError(
                f'file_keypoints must be 308, 133 or 17, not {file_keypoints!r}'
            )
        if file_keypoints != 133 and (include_finger_bases or pairs):
            raise ValueError(
                'include_finger_bases and pairs need file_keypoints=133, not '
                f'{file_keypoints}'
            )
        self.file_keypoints = file_keypoints
        self._to_308 = keypoint_map(
            file_keypoints,
            308,
            include_finger_bases=include_finger_bases,
            pairs=pairs,
        )
        super().__init__(ann_file, **kwargs)
        # after the host's, which reads weights from METAINFO, the same for all
        self._metainfo['dataset_keypoint_weights'] = weights

    def load_data_list(self) -> list[dict[str, Any]]:
        """Read the file; ``CLASSES`` are ours, whatever its categories say.

        Raises:
            ValueError: If it has nobody to learn from or to test on.
        """
        data_list = super().load_data_list()
        if not data_list:
            raise ValueError(f'{self.ann_file} has no person with visible keypoints')
        # ConcatDataset wants the same metadata of all its data sets
        self._metainfo['CLASSES'] = [category(308)]
        return data_list

    def get_data_info(self, idx: int) -> dict[str, Any]:
        """Return what the host's does, with metadata that samples share.

        The host copies all pairs and links for each sample, which takes 2 ms for 308
        keypoints; no transform writes to them.
        """
        info = BaseDataset.get_data_info(self, idx)
        return {**info, **{key: self._metainfo[key] for key in SHARED}}

    def parse_data_info(self, raw_data_info: dict[str, Any]) -> dict[str, Any] | None:
        """Read one annotation.

        Args:
            raw_data_info: ``raw_ann_info`` and ``raw_img_info``, records of the file.

        Returns:
            What the host's returns, with ``keypoints`` (1, 308, 2), pixels, and
            ``keypoints_visible`` (1, 308); None for a crowd without keypoints.

        Raises:
            ValueError: If the record has no box or not the right keypoints.
        """
        record = raw_data_info['raw_ann_info']
        try:
            points = read_points(record, self.file_keypoints)
            if 'bbox' not in record:
                raise WrongFieldError('missing', 'bbox is missing')
        except WrongFieldError as error:
            if record.get('iscrowd') and error.kind in ('missing', 'length'):
                return None
            raise ValueError(
                f'{self.ann_file}: annotation {record.get("id")!r}: {error}'
            ) from None
        points = self._to_308(points)
        # COCO-WholeBody also has fractions, of automatic labels: those above 0 hold
        visible = (points[:, 2] > 0).astype(np.float64)
        flat = np.concatenate([points[:, :2], visible[:, None]], axis=1).ravel()
        info = super().parse_data_info(
            dict(
                raw_data_info,
                raw_ann_info=dict(
                    record, keypoints=flat, num_keypoints=int(visible.sum())
                ),
            )
        )
        info.pop('raw_ann_info')
        if self.test_mode:
            info['raw_ann_info'] = dict(record)
        return info
