"""An image of what the model predicts, beside the truth, at each validation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import IterBasedTrainLoop, Runner
from mmengine.visualization import LocalVisBackend

from sapiens_mm.engine.preview_images import Preview, draw_preview
from sapiens_mm.registry import HOOKS
from sapiens_mm.visualization import contact_sheet
from sapiens_mm.visualization.legends import add_legend

FOLDER = 'previews'
_JPEG_QUALITY = 92


@HOOKS.register_module()
class SapiensPreviewHook(Hook):
    """Draw the first validation samples, truth and prediction beside each other.

    One image a validation goes to ``previews/`` in the work directory and, as
    ``preview``, to the run's visualizer: TensorBoard or W&B, if the config names them.
    The hosts have a hook each, with another name of the switch, for pose and labels;
    they draw predictions alone or one batch in fifty, and know neither depth nor
    normals. What cannot be drawn is a warning, and training goes on.

    Args:
        count: How many samples; 0 draws none.
        height: Of each sample's image, pixels.

    Raises:
        ValueError: If a number is out of range.
    """

    def __init__(self, count: int = 8, height: int = 256) -> None:
        for name, value, least in (('count', count, 0), ('height', height, 32)):
            if type(value) is not int or value < least:
                raise ValueError(
                    f'{name} must be a whole number of {least} or more, got {value!r}'
                )
        self.count = count
        self.height = height
        self._previews: list[Preview] = []
        self._failed = False

    def before_val_epoch(self, runner: Runner) -> None:
        """Begin a new image."""
        del runner
        self._previews = []

    def after_val_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Sequence[Any] | None = None,
    ) -> None:
        """Draw the samples of a batch, if there are not enough yet.

        Args:
            runner: Of the run.
            batch_idx: Not used.
            data_batch: Not used.
            outputs: Data samples with predictions and truth.
        """
        del batch_idx, data_batch
        missing = self.count - len(self._previews)
        if missing <= 0 or self._failed or not is_main_process():
            return
        try:
            metainfo = runner.val_loop.dataloader.dataset.metainfo
            for sample in list(outputs or ())[:missing]:
                drawn = draw_preview(sample, runner.cfg, metainfo, self.height)
                self._previews.append(drawn)
        except Exception as error:
            self._give_up(runner, error)

    def after_val_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Write the image.

        Args:
            runner: Of the run.
            metrics: Not used.
        """
        del metrics
        if not self._previews or self._failed:
            return
        # train_loop would build the training data of a run that only validates
        by_epoch = not isinstance(runner._train_loop, IterBasedTrainLoop)
        step = runner.epoch if by_epoch else runner.iter
        name = f'epoch_{step:04d}.jpg' if by_epoch else f'iter_{step:07d}.jpg'
        try:
            sheet = self._sheet()
            self._save(Path(runner.work_dir, FOLDER, name), sheet)
            self._show(runner, sheet, step)
        except Exception as error:
            self._give_up(runner, error)
        self._previews = []

    def _sheet(self) -> np.ndarray:
        cells = [each.image for each in self._previews]
        classes = {}
        for each in self._previews:
            classes.update(each.classes)
        if classes:
            paper = np.full(cells[0].shape, 255, np.uint8)
            legend = add_legend(paper, [classes[c] for c in sorted(classes)])
            # it may have been enlarged for the names; they alone are wanted
            enlarged = len(legend) / len(paper)
            cells.append(legend[:, int(enlarged * paper.shape[1]) :])
        return contact_sheet(cells)

    def _save(self, path: Path, sheet: np.ndarray) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        options = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
        _, data = cv2.imencode('.jpg', sheet, options)
        path.write_bytes(data.tobytes())

    def _show(self, runner: Runner, sheet: np.ndarray, step: int) -> None:
        rgb = np.ascontiguousarray(sheet[..., ::-1])
        # add_image of the visualizer would write the same image to disk once more
        for backend in runner.visualizer._vis_backends.values():
            if not isinstance(backend, LocalVisBackend):
                backend.add_image('preview', rgb, step)

    def _give_up(self, runner: Runner, error: Exception) -> None:
        self._failed, self._previews = True, []
        runner.logger.warning(
            f'No previews in this run: {type(error).__name__}: {error}'
        )
