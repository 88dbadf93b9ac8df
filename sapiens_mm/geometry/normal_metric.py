"""Angular errors of surface normals under a stated protocol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sapiens_mm.geometry.axes import fitting_axes, parse_axes, to_our_frame
from sapiens_mm.geometry.map_errors import angles_between, normal_errors
from sapiens_mm.geometry.map_metric import MapMetric
from sapiens_mm.geometry.protocols import NORMAL_PROTOCOLS
from sapiens_mm.registry import METRICS

UNIT_RANGE = (0.5, 2.0)  # lengths of ground truth that are taken for unit vectors
BETTER_AXES = 0.2  # gain in mean cosine from which other axes are suggested


@METRICS.register_module()
class SapiensNormalMetric(MapMetric):
    """Mean, median and RMSE of the angle, and the share under 5 to 30 degrees.

    Predictions have any length and are resized before they are normalised. Ground
    truth is valid where its length is between 0.5 and 2, and normalised too. The
    median is that of the angles themselves, no histogram: pooled over images, it takes
    4 bytes a pixel until the end and 8 there, 1.2 and 2.4 GB for 1,000 people of
    300,000 pixels; per image only figures are kept. No host has a metric of normals.

    A prediction of length 0 has no direction: its angle counts as 90 degrees, and
    such pixels are counted. If predictions agree far better with the ground truth
    after exchanging or negating axes, the log says by which ``pred_axes``.

    Args:
        protocol: ``'sapiens'``: human pixels, the mean of each figure over images;
            ``'pooled'``: human pixels of all images together, as is usual for scenes.
        pred_axes: What the channels of predictions mean, see ``parse_axes``; the
            default is our frame: x right, y up, z towards the camera.
        gt_axes: The same of the ground truth. Data sets of ours give our frame.
        **args: Of ``MapMetric``, and choices that replace those of the preset, by
            the names of ``NormalProtocol``: ``pixels``, ``average``.

    Raises:
        ValueError: For wrong axes or choices.
    """

    default_prefix = 'normal'
    presets = NORMAL_PROTOCOLS
    channels = 3
    title = 'Normals'

    def __init__(
        self,
        protocol: str = 'sapiens',
        pred_axes: str = 'xyz',
        gt_axes: str = 'xyz',
        **args: Any,
    ) -> None:
        super().__init__(protocol, **args)
        self.axes = {'pred_axes': pred_axes, 'gt_axes': gt_axes}
        self._matrices = [parse_axes(axes) for axes in self.axes.values()]

    def settings(self) -> dict[str, Any]:
        """Return what else changes the figures, by name."""
        resized = super().settings()
        return {**self.axes, 'resize': resized['resize'] + ', then normalised'}

    def valid_pixels(self, target: NDArray) -> NDArray:
        """Return where the ground truth (3, H, W) has about unit length, (H, W)."""
        low, high = UNIT_RANGE
        with np.errstate(invalid='ignore', over='ignore'):
            length = np.linalg.norm(target, axis=0)
        return (length >= low) & (length <= high)

    def measure(self, pred_CM: NDArray, target_CM: NDArray) -> dict[str, Any]:
        """Compare the pixels of an image, (3, M) each."""
        pred, target = (
            to_our_frame(vectors.T, matrix)
            for vectors, matrix in zip(
                (pred_CM, target_CM), self._matrices, strict=True
            )
        )
        angles = angles_between(pred, target)
        lengths = np.linalg.norm(pred, axis=1, keepdims=True)
        unit_pred = pred / np.where(lengths > 0, lengths, 1)
        unit_target = target / np.linalg.norm(target, axis=1, keepdims=True)
        # only the 3 x 3 sum is kept, enough to find exchanged axes later
        record: dict[str, Any] = {
            'figures': normal_errors(angles),
            'details': {'without_direction': int((lengths == 0).sum())},
            'products': unit_target.T @ unit_pred,
        }
        if self.protocol.average == 'pooled':
            record['angles'] = angles.astype(np.float32)
        return record

    def pool(self, records: Sequence[dict]) -> dict[str, float]:
        """Return the figures of the pixels of all images."""
        return normal_errors([record['angles'] for record in records])

    def remarks(self, records: Sequence[dict]) -> tuple[dict[str, float], list[str]]:
        """Count vectors without direction; look for exchanged axes."""
        count = sum(record['details']['without_direction'] for record in records)
        lines = ['mean, median and rmse in degrees, within_N in percent']
        if count:
            lines.append(f'{count} PREDICTIONS OF LENGTH 0 count as 90 degrees')
        pixels = sum(record['pixels'] for record in records)
        agreement = sum(record['products'] for record in records) / pixels
        better = self._better_axes(agreement)
        if better:
            lines.append(
                f'predictions agree far better as pred_axes={better!r}: are the frames '
                'the same?'
            )
        return {'without_direction': count}, lines

    def _better_axes(self, agreement: NDArray) -> str | None:
        """Find the axes that predictions seem to have, if not those given."""
        found = parse_axes(fitting_axes(agreement)[0])
        gain = (found * agreement).sum() - np.trace(agreement)
        if gain < BETTER_AXES:
            return None
        stored = found @ self._matrices[0]  # from the channels as they were given
        return ' '.join(
            ('-' if column.sum() < 0 else '') + 'xyz'[int(np.abs(column).argmax())]
            for column in stored.T
        )
