"""Synthetic people with 28 parts, rendered while training."""

from __future__ import annotations

from typing import Any, ClassVar

from mmengine.dataset import BaseDataset

from sapiens_mm import hosts
from sapiens_mm.registry import DATASETS
from sapiens_mm.tables import part_table


class TakeLabels:
    """In place of ``SapiensLoadLabels``: the parts of ``sample`` in ``results``."""

    def __call__(self, results: dict) -> dict:
        """Add ``gt_seg_map``."""
        results['gt_seg_map'] = results['sample'].labels
        results['seg_fields'].append('gt_seg_map')
        return results


@DATASETS.register_module()
class SapiensSyntheticHumansSeg(BaseDataset):
    """Rendered people with the 28 parts of Goliath; no files.

    Takes the pipelines of :class:`SapiensPartDataset`: their steps that load files
    take the sample instead. mmseg's data sets list files. Images are new in every
    epoch where ``SapiensEpochSeedHook`` runs, and the same again when a run resumes;
    in ``test_mode`` they stay.

    Args:
        length: Images in an epoch.
        seed: Of the series of images.
        settings: Scene settings by name, see ``docs/synth.md``.
        size_hw: Height and width of images, pixels.
        **kwargs: ``pipeline``, ``test_mode`` and others of mmengine's
            ``BaseDataset``; unknown ones raise.

    Raises:
        ValueError: If an argument is impossible.
        ModuleNotFoundError: If numba is missing.
    """

    METAINFO: ClassVar[dict] = part_table('goliath28').metainfo()

    def __init__(
        self,
        length: int,
        *,
        seed: int = 0,
        settings: dict[str, Any] | None = None,
        size_hw: tuple[int, int] = (1024, 768),
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
        self.humans = SyntheticHumans(length, seed, settings, size_hw, not test_mode)
        super().__init__(
            metainfo=dict(label_map=None, reduce_zero_label=False),
            pipeline=replace_steps(
                list(pipeline),
                {
                    **dict.fromkeys(IMAGE_LOADERS, TakeImage()),
                    'SapiensLoadLabels': TakeLabels(),
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
        return dict(
            info,
            sample=self.humans[place],
            img_path=f'synthetic/{self.humans.seed}/{self.humans.number_of(place)}',
            seg_fields=[],
        )
