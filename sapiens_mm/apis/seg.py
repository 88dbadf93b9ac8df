"""Body-part segmentation of photos."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from sapiens_mm.apis.dense import DenseInferencer
from sapiens_mm.apis.inferencer import Loaded
from sapiens_mm.apis.resize import enlarge_labels, enlarge_probabilities
from sapiens_mm.apis.results import SegResult
from sapiens_mm.tables import PartTable, part_table


class SegInferencer(DenseInferencer):
    """Segments people into 28, 20 or 19 parts.

    Args:
        *args: Of :class:`~sapiens_mm.apis.inferencer.Inferencer`.
        probabilities: Also return the softmax of every class (C x H x W float16).
        **kwargs: Of :class:`~sapiens_mm.apis.inferencer.Inferencer`.
    """

    result_type = SegResult
    per_image = ()

    def __init__(self, *args: Any, probabilities: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.probabilities = probabilities
        self.table = self._find_table()
        if self.flip_test and self.table is None:
            raise ValueError(
                'flip_test needs to know which classes trade places in a mirror; '
                f'a model of {self.model.num_classes} classes is not among ours'
            )

    def _find_table(self) -> PartTable | None:
        name = self.config.get('part_table')
        if name is None:
            return None
        table = part_table(name)
        classes = self.model.decode_head.num_classes
        if table.num_classes != classes:
            raise ValueError(
                f'part_table {name!r} has {table.num_classes} classes, the model '
                f'{classes}'
            )
        return table

    def unflip(self, maps: Tensor) -> Tensor:
        """Swap left and right classes of logits (B, C, h, w)."""
        index = torch.tensor(self.table.flip_indices, device=maps.device)
        return maps[:, index]

    def finish(self, loaded: Loaded, outputs: list[Tensor]) -> SegResult:
        """Enlarge to the photo and take the best class, strip by strip."""
        size = loaded.image.shape[:2]
        probabilities = None
        if self.probabilities:
            probabilities = enlarge_probabilities(outputs[0], size).cpu().numpy()
        return SegResult(
            labels=enlarge_labels(outputs[0], size).cpu().numpy(),
            probabilities=probabilities,
            classes=self.table.classes if self.table else (),
            **loaded.facts,
        )
