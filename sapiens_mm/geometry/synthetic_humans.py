"""Synthetic people with depth or normals, rendered while training."""

from __future__ import annotations

from typing import Any

import numpy as np
from mmengine.dataset import BaseDataset

from sapiens_mm import hosts
from sapiens_mm.geometry.map_kinds import map_kind
from sapiens_mm.registry import DATASETS


class TakeMap:
    """In place of ``SapiensLoadMap``: a map of ``sample`` in ``results``.

    Args:
        field: Of the sample.
    """

    def __init__(self, field: str) -> None:
        self.field = field

    def __call__(self, results: dict) -> dict:
        """Add ``gt_map`` and ``gt_mask``."""
        sample = results['sample']
        results['gt_map'] = np.array(getattr(sample, self.field), np.float32)
        results['gt_mask'] = (sample.labels > 0).astype(np.uint8)
        results['seg_fields'].extend(['gt_map', 'gt_mask'])
        return results


@DATASETS.register_module()
class SapiensSyntheticHumansMaps(BaseDataset):
    """Rendered people with depth in metres, or with normals; no files.

    Takes the pipelines of :class:`SapiensMapDataset`: their steps that load files take
    the sample instead. Images are new in every epoch where ``SapiensEpochSeedHook``
    runs, and the same again when a run resumes; in ``test_mode`` they stay.

    Args:
        kind: ``'depth'`` or ``'normal'``.
        length: Images in an epoch.
        seed: Of the series of images.
        settings: Scene settings by name, see ``docs/synth.md``.
        size_hw: Height and width of images, pixels.
        bump: Normals with wrinkles and pores instead of those of the smooth surface.
        **kwargs: ``pipeline``, ``test_mode`` and others of mmengine's
            ``BaseDataset``; unknown ones raise.

    Raises:
        ValueError: If an argument is impossible.
        ModuleNotFoundError: If numba is missing.
    """

    METAINFO: dict = {}

    def __init__(
        self,
        kind: str,
        length: int,
        *,
        seed: int = 0,
        settings: dict[str, Any] | None = None,
        size_hw: tuple[int, int] = (1024, 768),
        bump: bool = False,
        pipeline: list | tuple = (),
        test_mode: bool = False,
        **kwargs: Any,
    ) -> None:
        hosts.require('numba')
        from sapiens_mm.synth.live import (
            IMAGE_LOADERS,
            SyntheticHumans,
            TakeImage,
            replace_steps,
        )
        from sapiens_mm.synth.settings_text import refuse_renamed_arguments

        refuse_renamed_arguments(kwargs)
        self.kind = map_kind(kind)
        if bump and not self.kind.turns:
            raise ValueError('bump is for normals; depth has none')
        # in test_mode every validation sees the same images
        self.humans = SyntheticHumans(length, seed, settings, size_hw, not test_mode)
        normals = 'normals_bump' if bump else 'normals'
        field = normals if self.kind.turns else 'depth'
        super().__init__(
            pipeline=replace_steps(
                list(pipeline),
                {
                    **dict.fromkeys(IMAGE_LOADERS, TakeImage()),
                    'SapiensLoadMap': TakeMap(field),
                },
            ),
            test_mode=test_mode,
            **kwargs,
        )

    def set_epoch(self, epoch: int) -> None:
        """Go to an epoch, counted from 0."""
        self.humans.set_epoch(epoch)

    def load_data_list(self) -> list[dict[str, Any]]:
        """Return the places of the images in an epoch."""
        return [dict(place=place) for place in range(len(self.humans))]

    def get_data_info(self, idx: int) -> dict[str, Any]:
        """Render an image."""
        info = super().get_data_info(idx)
        place = info.pop('place')
        name = f'synthetic/{self.humans.seed}/{self.humans.number_of(place)}'
        info = dict(
            info,
            # the sample itself goes through the pipeline: there is no file
            sample=self.humans[place],
            img_path=name,
            map_path=name,
            map_kind=self.kind.name,
            map_format=dict(axes='xyz'),
            seg_fields=[],
        )
        return info if self.kind.turns else dict(info, depth_unit='m')
