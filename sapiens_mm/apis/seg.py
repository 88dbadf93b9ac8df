"""Body-part segmentation of images."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from torch import Tensor

from sapiens_mm.apis.dense import DenseInferencer
from sapiens_mm.apis.label_cleanup import CleanUp, follow_labels
from sapiens_mm.apis.person_boxes import (
    Detector,
    PersonBoxes,
    choose_boxes,
    make_detector,
)
from sapiens_mm.apis.person_parts import (
    Crop,
    CropParts,
    crop_of_box,
    merge_crops,
)
from sapiens_mm.apis.resize import (
    Enlarged,
    enlarge_best,
    enlarge_labels,
    enlarge_probabilities,
)
from sapiens_mm.apis.results import SegResult
from sapiens_mm.apis.stages import Loaded, Prepared
from sapiens_mm.vocabulary import parts_of

MODES = ('whole', 'person')
RESIZES = ('twice', 'once')


@dataclasses.dataclass(frozen=True, eq=False)
class PreparedParts(Prepared):
    """An image squeezed as a whole, or the crops of its persons.

    Attributes:
        people: Boxes of mode ``'person'``, else None.
        crops: Of each box; None where the whole image is squeezed.
    """

    people: PersonBoxes | None = None
    crops: list[Crop] | None = None


class SegInferencer(DenseInferencer):
    """Segments people into 28, 20 or 19 parts, or into one's own classes.

    Mode ``'whole'`` squeezes the image to the size of the network, as the official
    demos do. Mode ``'person'`` cuts a crop for each box, as pose does, for images
    where people are small or many; ``merge_crops`` says how the crops become one
    map. Boxes come from the caller (``seg(image, boxes=…)``), else from the
    detector; where there is none, or it finds nobody, the whole image is squeezed.
    Pixels outside all crops are background, and everything is if the caller gives
    no box (an array (0, 4)).

    Args:
        mode: ``'whole'`` or ``'person'``.
        resize: ``'twice'`` enlarges the logits to the network's input and then to
            the image, as the official demos do; ``'once'`` directly to the image,
            as Sapiens-Lite does. Borders of parts differ by fractions of a pixel
            of the network's input.
        detector: For mode ``'person'``, as in ``PoseInferencer``.
        cleanup: None or False; True removes specks and fills holes with the
            defaults of ``CleanUp``; or a dict of its attributes.
        probabilities: Also return the softmax of every class (C x H x W float16).
        batch_size: Images at once, crops in mode ``'person'``; None takes 8 on a GPU,
            else 1.
    """

    result_type = SegResult
    task = 'seg'
    per_image = ('boxes',)

    def __init__(
        self,
        config: str | Path | Config | None = None,
        checkpoint: str | Path | None = None,
        *,
        mode: str = 'whole',
        resize: str = 'twice',
        detector: str | Path | Detector | None = None,
        cleanup: bool | Mapping | CleanUp | None = None,
        probabilities: bool = False,
        **options: Any,
    ) -> None:
        # before the model is built, which takes long
        for name, value, known in (('mode', mode, MODES), ('resize', resize, RESIZES)):
            if value not in known:
                raise ValueError(f'{name} must be one of {known}, got {value!r}')
        if detector is not None and mode != 'person':
            raise ValueError("A detector needs mode='person', got mode='whole'")
        self.cleanup = CleanUp.from_user(cleanup)
        super().__init__(config, checkpoint, **options)
        self.mode = mode
        self.resize = resize
        self.probabilities = probabilities
        self.table = parts_of(self.config, self.model.num_classes, self.dataset_meta)
        self.check_flip(self.table)
        self.small_logits = self.sees_whole and _resizes_plainly(self.model.decode_head)
        if resize == 'once' and not self.small_logits:
            raise ValueError(
                "resize='once' needs a model that sees its input whole and a head "
                'whose logits are resized bilinearly, not this one of '
                f'{type(self.model.decode_head).__name__}'
            )
        if mode == 'person':
            self.input_wh = self.find_input_wh("mode='person'")
        self.detector = make_detector(detector, self.device)

    def __call__(
        self, inputs: object, boxes: object = None
    ) -> SegResult | list[SegResult]:
        """Segment one image, or several.

        Args:
            inputs: See :class:`~sapiens_mm.apis.inferencer.Inferencer`.
            boxes: For mode ``'person'``, as in ``PoseInferencer``.

        Returns:
            One result, or a list.
        """
        return super().__call__(inputs, boxes=boxes)

    def run(
        self, inputs: object, progress: bool = False, boxes: object = None
    ) -> Iterator[SegResult]:
        """Stream results; ``boxes`` is a list with one entry an image, or None."""
        return super().run(inputs, progress, boxes=boxes)

    def prepare(self, loaded: Loaded) -> PreparedParts:
        """Squeeze the image, or find the boxes and cut a crop for each."""
        image, given = loaded.image, loaded.options.get('boxes')
        if self.mode == 'whole':
            if given is not None:
                raise ValueError("boxes need mode='person', got mode='whole'")
            return PreparedParts(loaded, [self.squeeze(loaded)])
        people = choose_boxes(given, self.detector, image)
        if people.boxes_from == 'image':
            return PreparedParts(loaded, [self.squeeze(loaded)], people)
        shape, input_wh = image.shape[:2], self.input_wh
        samples, crops = [], []
        for box in people.boxes:
            crop = crop_of_box(box, input_wh[0] / input_wh[1])
            fields = dict(img_path=str(loaded.source), ori_shape=shape)
            fields |= dict(img=crop.cut(image, input_wh), img_shape=input_wh[::-1])
            sample = self.pipeline(fields)
            # in the metainfo, since predict gets samples alone
            sample['data_samples'].set_metainfo(dict(crop=crop))
            samples.append(sample)
            crops.append(crop)
        return PreparedParts(loaded, samples, people, crops)

    def network(self, inputs: Tensor, metas: list[dict]) -> Tensor:
        """Return logits (B, C, h, w), small where the head gives small ones."""
        if not self.small_logits:
            return super().network(inputs, metas)
        # what encode_decode does before it resizes
        return self.model.decode_head(self.model.extract_feat(inputs))

    def unflip(self, maps: Tensor) -> Tensor:
        """Swap left and right classes of logits (B, C, h, w)."""
        index = torch.tensor(self.table.flip_indices, device=maps.device)
        return maps[:, index]

    def predict(self, samples: list[Any]) -> list[CropParts | None]:
        """Return parts at the image's size, so that no logits pile up."""
        return [
            None if logits is None else self._enlarge(logits, sample)
            for logits, sample in zip(super().predict(samples), samples, strict=True)
        ]

    def _enlarge(self, logits: Tensor, sample: dict[str, Any]) -> CropParts:
        """Take the best class strip by strip."""
        packed = sample['data_samples']
        if self.small_logits and self.resize == 'twice':
            logits = Enlarged(logits, tuple(sample['inputs'].shape[-2:]))
        crop: Crop | None = packed.get('crop')
        if crop is None:
            where = (packed.ori_shape, None)
            labels, probability = enlarge_labels(logits, *where), None
        else:
            where = ((crop.height, crop.width), crop.window(packed.ori_shape))
            labels, probability = enlarge_best(logits, *where)
            probability = probability.cpu().numpy()
        probabilities = None
        if self.probabilities:
            probabilities = enlarge_probabilities(logits, *where).cpu().numpy()
        return CropParts(labels.cpu().numpy(), probability, probabilities)

    def finish(self, prepared: PreparedParts, outputs: list[CropParts]) -> SegResult:
        """Merge the crops and clean up."""
        persons = None
        if prepared.crops is not None:
            classes = self.model.num_classes if self.probabilities else None
            merged = merge_crops(prepared.crops, outputs, prepared.image_hw, classes)
            labels, persons = merged.labels, merged.persons
        else:
            merged = outputs[0]
            labels = merged.labels
            if self.mode == 'person':
                persons = (labels > 0).astype(np.uint16)
        if self.cleanup is not None:
            before = labels
            labels = self.cleanup(before, persons)
            if persons is not None:
                persons = follow_labels(persons, before, labels)
        return SegResult(
            labels=labels,
            probabilities=merged.probabilities,
            classes=self.table.classes,
            table=self.table,
            persons=persons,
            **(prepared.people._asdict() if prepared.people else {}),
            **prepared.fields,
        )


def _resizes_plainly(head: torch.nn.Module) -> bool:
    """Tell whether ``predict`` of a head is its ``forward`` and a bilinear resize."""
    from mmseg.models.decode_heads.decode_head import BaseDecodeHead

    kind = type(head)
    return (
        isinstance(head, BaseDecodeHead)
        and kind.predict is BaseDecodeHead.predict
        and kind.predict_by_feat is BaseDecodeHead.predict_by_feat
        and not head.align_corners
    )
