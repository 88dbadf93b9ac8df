"""What segmentation, depth and normals share: mmseg's pipeline and network."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from torch import Tensor

from sapiens_mm.apis.build import build_pipeline, test_steps
from sapiens_mm.apis.images import read_mask
from sapiens_mm.apis.inferencer import Inferencer
from sapiens_mm.apis.stages import Loaded, Prepared
from sapiens_mm.layers.bilinear import resize_maps
from sapiens_mm.layers.mirror import flip_average


@dataclasses.dataclass(frozen=True, eq=False)
class PreparedDense(Prepared):
    """An image squeezed for the network.

    Attributes:
        mask: The caller's, (H, W) bool of the image, or None.
    """

    mask: np.ndarray | None = None


class DenseInferencer(Inferencer):
    """Base of the inferencers that give a value to every pixel.

    The image is squeezed to the size of the network, whatever its shape, and the
    output enlarged twice, to the network's input and then to the image, as the
    official demos do.
    """

    per_image = ('mask',)

    def __init__(
        self,
        config: str | Path | Config | None = None,
        checkpoint: str | Path | None = None,
        **options: Any,
    ) -> None:
        super().__init__(config, checkpoint, **options)
        import mmseg.datasets.transforms  # noqa: F401  fills the registry

        self.pipeline = build_pipeline(self.config)

    def prepare(self, loaded: Loaded) -> Prepared:
        """Resize and pack with the config's test pipeline; read the mask."""
        mask = loaded.options.get('mask')
        if mask is not None:
            mask = read_mask(mask, loaded.image.shape[:2])
        return PreparedDense(loaded, [self.squeeze(loaded)], mask)

    def squeeze(self, loaded: Loaded) -> dict[str, Any]:
        """Resize and pack the whole image."""
        shape = loaded.image.shape[:2]
        fields = dict(img_path=str(loaded.source), img_shape=shape, ori_shape=shape)
        return self.pipeline(dict(img=loaded.image, **fields))

    def predict(self, samples: list[Any]) -> list[Tensor | None]:
        """Return maps (C, h, w) at the size of the network's input, float32.

        None in place of one that holds NaN or Inf.
        """
        data = self.model.data_preprocessor(pseudo_collate(samples), False)
        metas = [sample.metainfo for sample in data['data_samples']]

        def network(inputs: Tensor) -> Tensor:
            return self.network(inputs, metas).float()

        if self.flip_test:
            return only_finite(flip_average(network, data['inputs'], self.unflip))
        return only_finite(network(data['inputs']))

    @property
    def sees_whole(self) -> bool:
        """Whether the model sees its input at once, not by a sliding window."""
        return self.model.test_cfg.get('mode', 'whole') == 'whole'

    def network(self, inputs: Tensor, metas: list[dict]) -> Tensor:
        """Run the model on normalised inputs (B, 3, H, W); maps (B, C, H, W)."""
        # not model.inference: it complains about images of different sizes
        run = self.model.encode_decode if self.sees_whole else self.model.inference
        return run(inputs, metas)

    def unflip(self, maps: Tensor) -> Tensor:
        """Turn maps (B, C, h, w) of a mirrored image, mirrored back, into ours."""
        return maps

    @staticmethod
    def enlarge(maps: Tensor, prepared: Prepared) -> np.ndarray:
        """Resize a map (C, h, w) to the image, shape (C, H, W)."""
        return enlarge_map(maps, prepared.image_hw)

    def find_input_wh(self, what: str) -> tuple[int, int]:
        """Read the size of the network's input, (W, H), from the test pipeline.

        Raises:
            ValueError: If the pipeline has none, which ``what`` needs.
        """
        for step in test_steps(self.config):
            scale = step.get('scale')
            if step['type'].endswith('Resize') and isinstance(scale, (list, tuple)):
                return tuple(scale)
        raise ValueError(
            f'{what} needs a Resize with a scale (W, H) in the test_pipeline of the '
            'config'
        )


def only_finite(maps: Tensor) -> list[Tensor | None]:
    """Return the maps (B, C, h, w) one by one, None where one is not finite."""
    finite = torch.isfinite(maps).flatten(1).all(1).tolist()
    return [each if good else None for each, good in zip(maps, finite, strict=True)]


def enlarge_map(maps: Tensor, size_hw: tuple[int, int]) -> np.ndarray:
    """Resize a map (C, h, w) bilinearly, shape (C, H, W)."""
    return resize_maps(maps[None], size_hw)[0].cpu().numpy()
