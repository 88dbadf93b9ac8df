"""Pack a continuous map and its mask for the model."""

from __future__ import annotations

import numpy as np
import torch
from mmengine.structures import PixelData
from mmseg.datasets.transforms import PackSegInputs

from sapiens_mm.registry import TRANSFORMS


@TRANSFORMS.register_module()
class SapiensPackMap(PackSegInputs):
    """Pack maps of any channel count, and the mask.

    mmseg's ``PackSegInputs`` puts one channel before whatever it gets, which makes
    (1, H, W, 3) of normals, and knows no mask.

    Args:
        meta_keys: Of the host, those of label maps excepted; and ``map_path``,
            ``mask_path``, ``map_kind``, ``map_format``, ``depth_unit``, ``group``.
    """

    def __init__(
        self,
        meta_keys: tuple[str, ...] = (
            *('img_path', 'map_path', 'mask_path', 'map_kind', 'map_format'),
            *('depth_unit', 'group'),
            *('ori_shape', 'img_shape', 'pad_shape', 'scale_factor'),
            *('flip', 'flip_direction'),
        ),
    ) -> None:
        super().__init__(meta_keys)

    def transform(self, results: dict) -> dict:
        """Pack.

        Args:
            results: With ``img`` (H, W, 3), and, where there are labels,
                ``gt_map`` (H, W) or (H, W, C) and ``gt_mask`` (H, W).

        Returns:
            ``inputs`` (3, H, W) uint8 and ``data_samples``, with ``gt_map``
            (C, H, W) float32 and ``gt_mask`` (1, H, W) uint8.
        """
        labels = ('gt_map', 'gt_mask')
        packed = super().transform(
            {k: v for k, v in results.items() if k not in labels}
        )
        sample = packed['data_samples']
        if 'gt_map' in results:
            values = np.asarray(results['gt_map'], np.float32)
            values = values[None] if values.ndim == 2 else values.transpose(2, 0, 1)
            data = torch.from_numpy(np.ascontiguousarray(values))
            sample.gt_map = PixelData(data=data)
        if 'gt_mask' in results:
            data = torch.from_numpy(np.ascontiguousarray(results['gt_mask'])[None])
            sample.gt_mask = PixelData(data=data)
        return packed
