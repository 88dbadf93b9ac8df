"""Synthetic people with 17, 133 or 308 keypoints, rendered while training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from mmpose.datasets import BaseCocoStyleDataset, CocoDataset, CocoWholeBodyDataset

from sapiens_mm import hosts
from sapiens_mm.registry import DATASETS
from sapiens_mm.tables.goliath308 import METAINFO

_METAINFO = {
    17: CocoDataset.METAINFO,
    133: CocoWholeBodyDataset.METAINFO,
    308: METAINFO,
}
_CHOICE = 5  # stream of the choice among people


@DATASETS.register_module()
class SapiensSyntheticHumansPose(BaseCocoStyleDataset):
    """Rendered people with keypoints, for top-down training; no files.

    The host's class reads annotation files. Here each image is rendered, and one of
    its people drawn, who has a visible keypoint. Images are new in every epoch where
    ``SapiensEpochSeedHook`` runs, and the same again when a run resumes. Evaluation
    wants all people of a list, so it takes a written data set.

    Args:
        length: Images in an epoch.
        num_keypoints: 17, 133 or 308. Of the 133, the 17 of the face's outline are
            not labelled.
        seed: Of the series of images.
        settings: Scene settings by name, see ``docs/synth.md``.
        size_hw: Height and width of images, pixels.
        **kwargs: ``pipeline`` and others of ``BaseCocoStyleDataset``.

    Raises:
        ValueError: If an argument is impossible.
        ModuleNotFoundError: If numba is missing.
    """

    def __init__(
        self,
        length: int,
        *,
        num_keypoints: int = 308,
        seed: int = 0,
        settings: dict[str, Any] | None = None,
        size_hw: tuple[int, int] = (1024, 768),
        data_mode: str = 'topdown',
        test_mode: bool = False,
        **kwargs: Any,
    ) -> None:
        hosts.require('numba')
        from sapiens_mm.synth.live import SyntheticHumans
        from sapiens_mm.synth.settings_text import refuse_renamed_arguments

        refuse_renamed_arguments(kwargs)
        if num_keypoints not in _METAINFO:
            raise ValueError(
                f'num_keypoints must be 17, 133 or 308, not {num_keypoints!r}'
            )
        if data_mode != 'topdown' or test_mode:
            raise ValueError(
                'SapiensSyntheticHumansPose is for top-down training; evaluate on a '
                'data set that sapiens synth wrote'
            )
        self.num_keypoints = num_keypoints
        self.humans = SyntheticHumans(length, seed, settings, size_hw)
        super().__init__(metainfo=_METAINFO[num_keypoints], **kwargs)

    @staticmethod
    def metainfo_for(cfg: Mapping[str, Any]) -> dict:
        """Return the metainfo of a data set by its config."""
        return _METAINFO[cfg.get('num_keypoints', 308)]

    def set_epoch(self, epoch: int) -> None:
        """Go to an epoch, counted from 0."""
        self.humans.set_epoch(epoch)

    def load_data_list(self) -> list[dict[str, Any]]:
        """Return the places of the images in an epoch."""
        return [dict(place=place) for place in range(len(self.humans))]

    def get_data_info(self, idx: int) -> dict[str, Any]:
        """Render an image and draw one of its people.

        Returns:
            What the host's gives of a file, with the image as ``img``; without
            ``keypoints`` if nobody can be used.
        """
        from sapiens_mm.synth.dataset import records

        info = super().get_data_info(idx)
        place = info.pop('place')
        humans, number = self.humans, self.humans.number_of(place)
        sample = humans[place]
        record = records.describe(sample, humans.seed, number, 'train')
        people = []
        for person in record['people']:
            points = records.keypoints_of(person)
            points = records.labelled_keypoints(points, self.num_keypoints)
            if (points[:, 2] == 2).any():
                people.append((person, points))
        if not people:
            return info
        rng = np.random.default_rng([humans.seed, number, _CHOICE])
        person, points = people[rng.integers(len(people))]
        annotation = records.annotation(record, person, 17)
        annotation['keypoints'] = points.ravel().tolist()
        annotation['num_keypoints'] = int((points[:, 2] > 0).sum())
        image = dict(
            records.image_entry(record), img_path=f'synthetic/{humans.seed}/{number}'
        )
        found = self.parse_data_info(dict(raw_ann_info=annotation, raw_img_info=image))
        # only an evaluation reads it
        found.pop('raw_ann_info')
        return dict(info, **found, img=sample.image)

    def prepare_data(self, idx: int) -> dict[str, Any] | None:
        """Run the pipeline; None, for another image, if nobody can be used."""
        info = self.get_data_info(idx)
        return self.pipeline(info) if 'keypoints' in info else None
