"""Normalise and batch images with their continuous maps and masks."""

from __future__ import annotations

from typing import Any

from mmengine.structures import PixelData
from mmseg.models import SegDataPreProcessor
from torch.nn import functional as F

from sapiens_mm.registry import MODELS


@MODELS.register_module()
class SapiensMapPreprocessor(SegDataPreProcessor):
    """The host's ``SegDataPreProcessor`` for maps of any channel count, and masks.

    The host pads a map with ``seg_pad_val``, 255 by default: 255 metres to a
    depth loss, a normal to a normal loss. It does not pad masks, and labels of another
    size than their image pass. Here a map is padded with ``map_pad_val``, the
    background of its kind, a mask with 0; what does not fit raises.

    Args:
        map_pad_val: Background of the maps: -1 for depth, -1000 for normals.
        **kwargs: Of the host, ``seg_pad_val`` excepted; unknown ones raise.

    Raises:
        ValueError: When run, if labels have another size than the image, or the
            image is larger than ``size``.
    """

    def __init__(self, *, map_pad_val: float, **kwargs: Any) -> None:
        if 'seg_pad_val' in kwargs:
            raise ValueError(
                'SapiensMapPreprocessor pads maps with map_pad_val and masks with 0; '
                'seg_pad_val has no meaning'
            )
        super().__init__(**kwargs)
        self.map_pad_val = map_pad_val

    def forward(self, data: dict, training: bool = False) -> dict[str, Any]:
        """Normalise, pad (in training) and stack.

        Args:
            data: ``inputs``, images (3, H, W), and ``data_samples``, with
                ``gt_map`` (C, H, W) and ``gt_mask`` (1, H, W) where there are
                labels.
            training: Pad to ``size``; else all images have one size, and labels
                keep theirs.

        Returns:
            ``inputs`` (B, 3, H, W) float32, and ``data_samples``.
        """
        if not training:
            return super().forward(data, training)
        data = self.cast_data(data)  # copies the samples
        labels = [
            self._take_labels(tuple(image.shape[-2:]), sample)
            for image, sample in zip(data['inputs'], data['data_samples'], strict=True)
        ]
        data = super().forward(data, training)
        for sample, taken in zip(data['data_samples'], labels, strict=True):
            for name, values in taken.items():
                fill = self.map_pad_val if name == 'gt_map' else 0
                padded = F.pad(values, tuple(sample.padding_size), value=fill)
                sample.set_data({name: PixelData(data=padded)})
            sample.set_metainfo(dict(pad_shape=tuple(data['inputs'].shape[-2:])))
        return data

    def _take_labels(self, image_hw: tuple[int, int], sample: Any) -> dict[str, Any]:
        """Remove a sample's labels, which the host would pad its way."""
        name = sample.get('img_path', 'an image')
        if self.size is not None and any(
            have > most for have, most in zip(image_hw, self.size, strict=True)
        ):
            raise ValueError(
                f'{name} has {tuple(image_hw)} pixels (H, W) after the pipeline, '
                f'more than size={tuple(self.size)}'
            )
        taken = {}
        for field in ('gt_map', 'gt_mask'):
            if field not in sample:
                continue
            values = sample.get(field).data
            if values.shape[-2:] != image_hw:
                raise ValueError(
                    f'{name}: {field} has {tuple(values.shape[-2:])} pixels (H, W), '
                    f'the image {tuple(image_hw)}'
                )
            taken[field] = values
            sample.pop(field)
        return taken
