"""What users get back: frozen dataclasses with shapes, units and frames.

Frames and signs, for the whole package:

- Pixels: x to the right, y down, the centre of the top left pixel is (0, 0).
- Depth is relative: near 0, far 1 as the models are trained; the output has no
  activation, so values outside [0, 1] occur.
- Normals are unit vectors (x, y, z): x right, y up, z towards the camera, as far as is
  known of the official models (docs/normal.md). Drawn as RGB = (n + 1) / 2.

A bad input in a stream becomes a result whose ``error`` is one sentence and whose
arrays are None.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from sapiens_mm.tables import KeypointTable, PartTable, guess_keypoints


@dataclasses.dataclass(frozen=True, eq=False)
class Result:
    """What all results have.

    Attributes:
        source: Path of the image; None for arrays.
        image_hw: Size of the image, (H, W); None if it could not be read.
        error: Why there is no result, in one sentence; None when all went well.
    """

    source: Path | None = None
    image_hw: tuple[int, int] | None = None
    error: str | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class PoseResult(Result):
    """2-D keypoints of the P persons of an image.

    Attributes:
        keypoints: (P, K, 2) float32, x and y in pixels.
        scores: (P, K) float32, maxima of the heatmaps: about 0 to 1, not clipped.
        boxes: (P, 4) float32, x1 y1 x2 y2 in pixels, as given to the model.
        box_scores: (P,) float32: the detector's; 1 for boxes of the caller and for
            the whole image by choice; 0 where the detector found nobody and the
            whole image was taken instead.
        boxes_from: ``'caller'``, ``'detector'`` or ``'image'``.
        table: Names, links and colours of the K keypoints.
    """

    keypoints: np.ndarray | None = None
    scores: np.ndarray | None = None
    boxes: np.ndarray | None = None
    box_scores: np.ndarray | None = None
    boxes_from: str = 'image'
    table: KeypointTable | None = None

    @property
    def vocabulary(self) -> KeypointTable:
        """``table``; where a result was made without, what K alone tells."""
        return self.table or guess_keypoints(self.keypoints.shape[1])


@dataclasses.dataclass(frozen=True, eq=False)
class SegResult(Result):
    """Body parts of an image.

    Attributes:
        labels: (H, W) uint8, class ids, 0 is the background.
        probabilities: (C, H, W) float16 softmax, where asked for; before any
            clean-up.
        classes: C names.
        persons: (H, W) uint16: 0 on the background, else 1 + index of the box that
            the label is from. This and the next two are None in mode ``'whole'``.
        boxes: (P, 4) float32, as in ``PoseResult``.
        box_scores: (P,) float32, as in ``PoseResult``.
        boxes_from: ``'caller'``, ``'detector'`` or ``'image'``.
        table: Names and colours of the classes.
    """

    labels: np.ndarray | None = None
    probabilities: np.ndarray | None = None
    classes: tuple[str, ...] = ()
    persons: np.ndarray | None = None
    boxes: np.ndarray | None = None
    box_scores: np.ndarray | None = None
    boxes_from: str = 'image'
    table: PartTable | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class MapResult(Result):
    """What depth and normals have in common.

    Attributes:
        mask: (H, W) bool, people; False everywhere where nobody was found. None: there
            is no mask.
        mask_from: ``'caller'``, ``'segmenter'`` or ``'none'``.
        tiles: How many tiles were blended in; 0 without tiling.
    """

    mask: np.ndarray | None = None
    mask_from: str = 'none'
    tiles: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether there is a mask and nobody in it."""
        return self.mask is not None and not self.mask.any()


@dataclasses.dataclass(frozen=True, eq=False)
class DepthResult(MapResult):
    """Relative depth of an image.

    Attributes:
        depth: (H, W) float32, near 0, far 1, on every pixel, whatever the mask;
            meaningful on people.
    """

    depth: np.ndarray | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class NormalResult(MapResult):
    """Surface normals of an image.

    Attributes:
        normals: (H, W, 3) float32 unit vectors (x, y, z), on every pixel, whatever
            the mask; meaningful on people.
    """

    normals: np.ndarray | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class FeatureResult(Result):
    """Features of an image.

    Attributes:
        features: (D, h, w) float32, the last block after the final norm.
    """

    features: np.ndarray | None = None
