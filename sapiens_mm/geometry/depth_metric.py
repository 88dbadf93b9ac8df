"""Errors of relative or metric depth under a stated protocol."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from sapiens_mm.geometry.alignment import align_depth, valid_depth
from sapiens_mm.geometry.map_errors import depth_sums, figures_of_depth
from sapiens_mm.geometry.map_metric import MapMetric, listing
from sapiens_mm.geometry.protocols import DEPTH_PROTOCOLS
from sapiens_mm.registry import METRICS


@METRICS.register_module()
class SapiensDepthMetric(MapMetric):
    """RMSE, AbsRel, SqRel, delta 1 to 3, SiLog, RMSE of logs and log10 of depth.

    Each image is aligned by :func:`align_depth` and compared by
    :func:`depth_errors`, in the unit of the ground truth, which must be the measured
    depth and not a target scaled to [0, 1]. mmseg's ``DepthMetric`` knows neither
    alignment nor masks, refuses a list of metrics, gives NaN for an empty image, and
    prints no choice; where no alignment is asked for, the figures are the same.

    A prediction of one value has no scale: it is aligned to the mean (in space
    ``'depth'``), evaluated, counted and named.

    Args:
        protocol: ``'sapiens'``: scale and shift in inverse depth, as the paper's
            MiDaS-style protocol is described by its authors; ``'david'``: scale and
            shift in depth, as that of DAViD; ``'raw'``: no alignment, for metric
            depth. All on human pixels, per image.
        **args: Of ``MapMetric``, and choices that replace those of the preset, by
            the names of ``DepthProtocol``: ``pixels``, ``average``, ``align``,
            ``space``, ``fit``, ``clip``, ``invert``.
    """

    default_prefix = 'depth'
    presets = DEPTH_PROTOCOLS
    channels = 1
    title = 'Depth'

    def __init__(self, protocol: str = 'sapiens', **args: Any) -> None:
        super().__init__(protocol, **args)

    def valid_pixels(self, target: NDArray) -> NDArray:
        """Return where the depth (1, H, W) is finite and above 0, (H, W) bool."""
        return valid_depth(target[0])

    def measure(self, pred_CM: NDArray, target_CM: NDArray) -> dict[str, Any]:
        """Align and compare the pixels of an image, (1, M) each."""
        choices = self.protocol
        aligned = align_depth(
            pred_CM[0],
            target_CM[0],
            align=choices.align,
            space=choices.space,
            fit=choices.fit,
            clip=choices.clip,
            invert=choices.invert,
        )
        sums = depth_sums(aligned.depth, target_CM[0])
        details = {
            'scale': aligned.scale,
            'shift': aligned.shift,
            'clipped': aligned.clipped,
            'constant': aligned.constant,
        }
        return {'sums': sums, 'figures': figures_of_depth(sums), 'details': details}

    def pool(self, records: Sequence[dict]) -> dict[str, float]:
        """Return the figures of the pixels of all images."""
        names = records[0]['sums']
        return figures_of_depth(
            {
                name: math.fsum(record['sums'][name] for record in records)
                for name in names
            }
        )

    def remarks(self, records: Sequence[dict]) -> tuple[dict[str, float], list[str]]:
        """Count predictions of one value and pixels beyond the bounds."""
        constant = [r['name'] for r in records if r['details']['constant']]
        pixels = sum(record['pixels'] for record in records)
        clipped = 100 * sum(r['details']['clipped'] for r in records) / pixels
        floored = 100 * sum(r['sums']['floored'] for r in records) / pixels
        lines = ['rmse and sq_rel in the unit of the ground truth']
        if clipped:
            lines.append(f'{clipped:.4f} % of the pixels were clipped after alignment')
        if floored:
            lines.append(
                f'{floored:.4f} % of the pixels lie below a thousandth of the nearest '
                'depth; ratios and logarithms take them there'
            )
        if constant:
            lines.append(
                f'PREDICTION OF ONE VALUE in {len(constant)} of {len(records)}: '
                f'{listing(constant)}'
            )
        extra = {'num_constant': len(constant), 'clipped_percent': clipped}
        return extra, lines
