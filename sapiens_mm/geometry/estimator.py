"""The model of continuous maps: depth, normals, and what is like them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmengine.logging import print_log
from mmengine.model import PretrainedInit
from mmengine.structures import PixelData
from mmseg.models import DepthEstimator
from mmseg.structures import SegDataSample
from torch import Tensor

from sapiens_mm.data.map_fields import HOST_FIELDS, PRED_MAP
from sapiens_mm.layers.bilinear import resize_maps
from sapiens_mm.layers.mirror import flip_average, turn_signs
from sapiens_mm.registry import MODELS

_TEST_KEYS = {'mode', 'crop_size', 'stride', 'flip'}


@MODELS.register_module()
class SapiensMapEstimator(DepthEstimator):
    """The host's ``DepthEstimator`` for maps of any channel count.

    What the host cannot do, whatever the config: its ``'slide'`` mode computes the
    whole image once more and returns that; its flip test adds mirrored normals
    without turning their x round, and exists with sliding only; a batch of images of
    different sizes warns each time; test settings it does not know pass unread.

    ``init_cfg=dict(type='Pretrained', checkpoint=…)`` takes whatever
    ``sapiens_mm.checkpoints`` reads: a model like this one, or an encoder. The encoder
    must fit and takes the place of its own ``init_cfg``; what does not fit of the head
    keeps its initialisation. The host would log what does not fit, and train.

    ``test_cfg``: ``mode='whole'``, or ``mode='slide'`` with ``crop_size`` and
    ``stride``, (H, W); ``flip=True`` averages with the mirrored image, channels
    mirrored as the head's ``mirror_signs`` say. Other arguments are the host's.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        settings = self.test_cfg or {}
        unknown = sorted(set(settings) - _TEST_KEYS)
        if unknown:
            raise ValueError(
                f'test_cfg has the unknown keys {unknown}; known are '
                f'{sorted(_TEST_KEYS)}'
            )
        if settings.get('mode', 'whole') not in ('whole', 'slide'):
            raise ValueError(
                f"test_cfg.mode must be 'whole' or 'slide', got {settings['mode']!r}"
            )
        if settings.get('mode') == 'slide':
            missing = {'crop_size', 'stride'} - set(settings)
            if missing:
                raise ValueError(
                    f'test_cfg.mode slide needs {sorted(missing)}, (H, W) in pixels'
                )

    def init_weights(self) -> None:
        """Initialise, then take the weights that ``init_cfg`` names.

        Raises:
            CheckpointError: If there is no such file, or its encoder is another one.
        """
        if self.is_init:
            return
        given = self.init_cfg or []
        cfgs = [given] if isinstance(given, Mapping) else list(given)
        pretrained = [c for c in cfgs if c['type'] in ('Pretrained', PretrainedInit)]
        # taken out, or the host's init_weights would load it its own way
        self.init_cfg = [c for c in cfgs if c not in pretrained] or None
        if pretrained:
            self.backbone.init_cfg = None  # its weights come from the file, all of them
        super().init_weights()
        self.init_cfg = given or None
        if pretrained:
            from sapiens_mm.checkpoints import load_weights, resolve

            path = resolve(pretrained[-1]['checkpoint'])
            report = load_weights(self, path, allow_new_head=True)
            print_log(f'weights: {report}', logger='current')

    def inference(self, inputs: Tensor, batch_img_metas: list[dict]) -> Tensor:
        """Predict maps of the size of the input.

        Args:
            inputs: Shape (B, 3, H, W), normalised.
            batch_img_metas: One an image.

        Returns:
            Shape (B, C, H, W), raw.
        """
        settings = self.test_cfg or {}
        network = (
            self.slide_inference
            if settings.get('mode') == 'slide'
            else self.whole_inference
        )
        if settings.get('flip', False):
            return flip_average(
                lambda images: network(images, batch_img_metas), inputs, self._unmirror
            )
        return network(inputs, batch_img_metas)

    def _unmirror(self, maps: Tensor) -> Tensor:
        """Turn values of maps (..., C, H, W) round that point sideways."""
        return turn_signs(maps, self.decode_head.mirror_signs)

    def postprocess_result(
        self, maps: Tensor, data_samples: list[SegDataSample] | None = None
    ) -> list[SegDataSample]:
        """Bring maps back to the images: no padding, not mirrored, their size.

        Args:
            maps: Shape (B, C, H, W), raw.
            data_samples: One an image, with ``ori_shape``; None leaves the maps as
                they are.

        Returns:
            Samples with ``pred_map`` (C, H, W) float32; normals are not made unit
            length. Depth stands under the host's ``pred_depth_map`` too.
        """
        maps = maps.float()
        if data_samples is None:
            data_samples = [SegDataSample() for _ in maps]
            sizes = [None] * len(maps)
        else:
            sizes = [sample.metainfo.get('ori_shape') for sample in data_samples]
        for one, size, sample in zip(maps, sizes, data_samples, strict=True):
            meta = sample.metainfo
            padding = meta.get('img_padding_size', meta.get('padding_size', (0,) * 4))
            left, right, top, bottom = padding
            height, width = one.shape[1:]
            one = one[:, top : height - bottom, left : width - right]
            if meta.get('flip'):
                if meta['flip_direction'] != 'horizontal':
                    raise ValueError(
                        f'{meta.get("img_path")}: only horizontal flips are undone, '
                        f'not {meta["flip_direction"]}'
                    )
                one = self._unmirror(one.flip(-1))
            if size is not None:
                one = resize_maps(one[None], size[:2])[0]
            sample.set_data({PRED_MAP: PixelData(data=one)})
            if len(one) == 1:  # what the host's visualizer, inferencer and metric read
                sample.set_data({HOST_FIELDS[PRED_MAP]: PixelData(data=one)})
        return data_samples
