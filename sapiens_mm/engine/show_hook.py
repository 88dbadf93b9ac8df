"""An image of every sample of a test, truth and prediction beside each other."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from sapiens_mm.engine.preview_images import draw_preview
from sapiens_mm.files import write_image
from sapiens_mm.registry import HOOKS


@HOOKS.register_module()
class SapiensShowHook(Hook):
    """Draw each sample of a test into a folder: ``--show-dir`` of ``tools/test.py``.

    Every process draws its own. An image has the name of its image; several samples
    of one image, a person each, are numbered.

    Args:
        out_dir: For the images.
        height: Of each, pixels.

    Raises:
        ValueError: If the height is too small.
    """

    def __init__(self, out_dir: str, height: int = 512) -> None:
        if type(height) is not int or height < 32:
            raise ValueError(
                f'height must be a whole number of 32 or more, got {height!r}'
            )
        self.out_dir = Path(out_dir)
        self.height = height
        self._names: dict[str, itertools.count] = {}

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Sequence[Any] | None = None,
    ) -> None:
        """Draw the samples of a batch.

        Args:
            runner: Of the run.
            batch_idx: Not used.
            data_batch: Not used.
            outputs: Data samples with predictions and, where there is one, truth.

        Raises:
            OSError: If an image cannot be written.
        """
        del batch_idx, data_batch
        metainfo = runner.test_loop.dataloader.dataset.metainfo
        for sample in outputs or ():
            drawn = draw_preview(sample, runner.cfg, metainfo, self.height)
            write_image(self.out_dir / self._name(sample.img_path), drawn.image)

    def _name(self, image: str) -> str:
        """Return a name that no other sample has: ``a.jpg``, ``a_1.jpg``."""
        stem = Path(image).stem
        known = self._names.setdefault(stem, itertools.count())
        number = next(known)
        return f'{stem}_{number}.jpg' if number else f'{stem}.jpg'
