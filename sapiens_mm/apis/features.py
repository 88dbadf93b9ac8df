"""Features of images from the transformer alone."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import mmcv
import numpy as np
import torch
from mmengine.config import Config
from torch import Tensor, nn

from sapiens_mm.apis.build import materialize
from sapiens_mm.apis.choose import recognise
from sapiens_mm.apis.dense import only_finite
from sapiens_mm.apis.inferencer import Inferencer
from sapiens_mm.apis.results import FeatureResult
from sapiens_mm.apis.stages import Loaded, Prepared
from sapiens_mm.layers.mirror import flip_average

_BACKBONE_ONLY = ('type', 'mask_ratio', 'out_type', 'out_indices', 'init_cfg')


class FeatureInferencer(Inferencer):
    """Extracts the last feature map of a pretrained or fine-tuned transformer.

    The image is squeezed to the size the model was trained at, by Pillow's bicubic
    filter, as in the official extraction. Configs of every task serve; for the
    released encoders take ``mae/sapiens_…_humans-1024x1024``. With ``flip_test``
    features are averaged with those of the mirrored image, mirrored back; by default
    they are not, whatever the weights.

    Args:
        flip_test: Average with the mirrored image, at twice the cost.
    """

    result_type = FeatureResult
    task = 'seg'  # the encoder of parts runs by default

    def __init__(
        self,
        config: str | Path | Config | None = None,
        checkpoint: str | Path | None = None,
        *,
        flip_test: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(config, checkpoint, flip_test=flip_test, **options)

    @classmethod
    def choose(
        cls, config: str | Path | Config | None, checkpoint: str | Path | None
    ) -> tuple[str | Path | Config, str | Path | None]:
        """Fill in what the caller left out; a checkpoint may be of any task."""
        if config is None and checkpoint is not None:
            found = recognise(checkpoint)
            return found.config(), found.path
        return super().choose(config, checkpoint)

    def build(self, checkpoint: str | Path | None) -> nn.Module:
        """Build the backbone of the config without masking."""
        from sapiens_mm.backbones import SapiensViT

        cfg = copy.deepcopy(self.config.model.backbone)
        if not str(cfg.get('type', '')).startswith('sapiens_mm.'):
            raise ValueError(
                f'FeatureInferencer needs a backbone of sapiens_mm, got {cfg.type!r}'
            )
        masked = cfg['type'] == 'sapiens_mm.SapiensMaskedViT'
        # the encoder of the pretraining always has a class token
        with_cls_token = masked or cfg.pop('with_cls_token', False)
        kwargs = {k: v for k, v in cfg.items() if k not in _BACKBONE_ONLY}
        norm = self.config.model.data_preprocessor
        self.mean = torch.tensor(norm.mean, device=self.device)[:, None, None]
        self.std = torch.tensor(norm.std, device=self.device)[:, None, None]
        return materialize(
            lambda: SapiensViT(with_cls_token=with_cls_token, **kwargs),
            checkpoint,
            self.device,
            self.dtype,
            'The encoder',
            part='backbone',
        )

    @property
    def backbone(self) -> nn.Module:
        """The transformer, which is the whole model here."""
        return self.model

    def prepare(self, loaded: Loaded) -> Prepared:
        """Squeeze the image to the model's size."""
        height, width = self.model.img_size
        small = mmcv.imresize(
            loaded.image,
            (width, height),  # (W, H)
            interpolation='bicubic',
            backend='pillow',
        )
        return Prepared(loaded, [small])

    def predict(self, samples: list[np.ndarray]) -> list[Tensor | None]:
        """Return features (D, h, w) in float32; None where they are not finite."""
        bgr = torch.from_numpy(np.stack(samples)).to(self.device)
        # flip of the channel axis: the mean and std are of RGB
        rgb = bgr.permute(0, 3, 1, 2).flip(1).float()
        inputs = (rgb - self.mean) / self.std

        def network(inputs: Tensor) -> Tensor:
            return self.model(inputs)[-1].float()

        if self.flip_test:
            return only_finite(flip_average(network, inputs))
        return only_finite(network(inputs))

    def finish(self, prepared: Prepared, outputs: list[Tensor]) -> FeatureResult:
        """Bring the features home."""
        return FeatureResult(features=outputs[0].cpu().numpy(), **prepared.fields)
