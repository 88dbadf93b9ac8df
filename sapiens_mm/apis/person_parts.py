"""Parts of each person: which crop the model sees, and how crops become one map.

P persons, H W pixels of the image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

PADDING = 1.25  # of the box, as pose has it


@dataclass(frozen=True)
class Crop:
    """A rectangle of whole pixels, which may reach over the edge of the image.

    Attributes:
        left: First column.
        top: First row.
        width: In pixels.
        height: In pixels.
    """

    left: int
    top: int
    width: int
    height: int

    def inside(self, image_hw: tuple[int, int]) -> tuple[slice, slice]:
        """Rows and columns of the image that the crop covers."""
        height, width = image_hw
        return (
            slice(max(self.top, 0), min(self.top + self.height, height)),
            slice(max(self.left, 0), min(self.left + self.width, width)),
        )

    def window(self, image_hw: tuple[int, int]) -> tuple[slice, slice]:
        """Return the same pixels, counted from the corner of the crop."""
        rows, columns = self.inside(image_hw)
        return (
            slice(rows.start - self.top, rows.stop - self.top),
            slice(columns.start - self.left, columns.stop - self.left),
        )

    def cut(self, image: np.ndarray, size_wh: tuple[int, int]) -> np.ndarray:
        """Show the crop to the model: bilinear, black outside of the image.

        Pixel centres map as in ``cv2.resize``, so that enlarging the output by
        ``align_corners=False`` brings every pixel home.

        Args:
            image: Shape (H, W, 3), uint8.
            size_wh: (W, H) of the model's input.

        Returns:
            Shape (H, W, 3) of the model's input, uint8.
        """
        scale_x, scale_y = self.width / size_wh[0], self.height / size_wh[1]
        to_image = np.array(
            [
                # centres of pixels: half a pixel of each size
                [scale_x, 0, self.left + 0.5 * scale_x - 0.5],
                [0, scale_y, self.top + 0.5 * scale_y - 0.5],
            ]
        )
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(image, to_image, size_wh, flags=flags)


def crop_of_box(box_xyxy: np.ndarray, aspect: float) -> Crop:
    """Pad a box by 1.25 and widen it to the shape of the model's input.

    Args:
        box_xyxy: Shape (4,), pixels.
        aspect: Width / height of the model's input.

    Returns:
        The crop, grown to whole pixels.
    """
    x1, y1, x2, y2 = (float(value) for value in box_xyxy)
    width, height = x2 - x1, y2 - y1
    width, height = max(width, height * aspect), max(height, width / aspect)
    width, height = width * PADDING, height * PADDING
    x, y = (x1 + x2 - width) / 2, (y1 + y2 - height) / 2
    # whole pixels outwards, so that nothing of the padded box is lost
    left, top = math.floor(x), math.floor(y)
    return Crop(left, top, math.ceil(x + width) - left, math.ceil(y + height) - top)


@dataclass(frozen=True, eq=False)
class CropParts:
    """What the model says of the pixels of a crop that lie inside the image.

    Attributes:
        labels: Shape (H, W), uint8.
        probability: Shape (H, W), float16: softmax of that class; None where the
            crop is the whole image.
        probabilities: Shape (C, H, W), float16, where asked for, else None.
    """

    labels: np.ndarray
    probability: np.ndarray | None
    probabilities: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class MergedParts:
    """Parts of the whole image.

    Attributes:
        labels: Shape (H, W), uint8.
        persons: Shape (H, W), uint16: 0 on the background, else 1 + index of the
            crop that the label is from.
        probabilities: Shape (C, H, W), float16, of that crop; where no crop sees a
            part 1 for the background and 0 for the rest. None if not asked for.
    """

    labels: np.ndarray
    persons: np.ndarray
    probabilities: np.ndarray | None


def merge_crops(
    crops: list[Crop],
    found: list[CropParts],
    image_hw: tuple[int, int],
    num_classes: int | None = None,
) -> MergedParts:
    """Put the crops of P persons together.

    Background in a crop only says "not this person", so a part beats it. Where
    several crops see a part, the one with the largest probability times centrality
    wins, and the earlier box if they are equal. Centrality is
    (1 - |u|)(1 - |v|), where u and v run from -1 to 1 across the crop: persons are
    seen whole in the middle of their own crop and cut off at the border of another.

    Args:
        crops: P of them.
        found: What the model says, one for each.
        image_hw: Size of the image.
        num_classes: C, to merge the probabilities too; None: not wanted.

    Returns:
        The merged maps.
    """
    labels = np.zeros(image_hw, np.uint8)
    persons = np.zeros(image_hw, np.uint16)
    strongest = np.zeros(image_hw, np.float32)
    probabilities = None
    if num_classes is not None:
        probabilities = np.zeros((num_classes, *image_hw), np.float16)
        probabilities[0] = 1
    for index, (crop, parts) in enumerate(zip(crops, found, strict=True), 1):
        place = crop.inside(image_hw)
        strength = parts.probability.astype(np.float32)
        for axis, tent in enumerate(_tents(crop, image_hw)):
            strength *= np.expand_dims(tent, 1 - axis)
        # a strict >: the earlier box keeps a tie
        won = (parts.labels > 0) & (strength > strongest[place])
        strongest[place][won] = strength[won]
        labels[place][won] = parts.labels[won]
        persons[place][won] = index
        if probabilities is not None:
            rows, columns = place
            probabilities[:, rows, columns][:, won] = parts.probabilities[:, won]
    return MergedParts(labels, persons, probabilities)


def _tents(crop: Crop, image_hw: tuple[int, int]) -> list[np.ndarray]:
    """Return 1 - |v| of the rows and 1 - |u| of the columns, float32."""
    sizes = crop.height, crop.width
    tents = []
    for part, size in zip(crop.window(image_hw), sizes, strict=True):
        pixels = np.arange(part.start, part.stop)
        tents.append((1 - np.abs((2 * pixels + 1) / size - 1)).astype(np.float32))
    return tents
