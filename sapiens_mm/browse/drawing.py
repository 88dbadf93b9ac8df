"""What every kind of sample shares: its drawing and its data set."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

CELL_HEIGHT, GAP = 320, 8  # pixels of the sheet


@dataclass(frozen=True)
class Drawing:
    """One sample.

    Attributes:
        image: Shape (H, W, 3), uint8, BGR.
        caption: For the sheet.
    """

    image: np.ndarray
    caption: str


@dataclass(frozen=True)
class Kind:
    """How samples of one kind are drawn.

    Attributes:
        draw: From the model's input, (H, W, 3) uint8 BGR, the packed sample and the
            data set to a drawing.
        summarize: From all drawings, whose images may be shrunk, and the data set, to
            lines that say what is in them.
    """

    draw: Callable[[np.ndarray, Any, Any], Drawing]
    summarize: Callable[[Sequence[Any], Any], str]


def leaves(dataset: Any) -> Iterator[Any]:
    """Yield the data sets inside wrappers, which have ``datasets`` or ``dataset``."""
    inner = getattr(dataset, 'datasets', None)
    if inner is None:
        inner = [dataset.dataset] if hasattr(dataset, 'dataset') else None
    if inner is None:
        yield dataset
    else:
        for each in inner:
            yield from leaves(each)


def transforms_of(dataset: Any) -> list:
    """Return the transforms of a data set and of those it wraps."""
    found = list(getattr(getattr(dataset, 'pipeline', None), 'transforms', ()))
    inner = getattr(dataset, 'datasets', None) or [getattr(dataset, 'dataset', None)]
    for each in inner:
        if each is not None:
            found += transforms_of(each)
    return found


def shrink(image: np.ndarray) -> np.ndarray:
    """Scale an image to the height of the sheet's cells."""
    return to_height(image, CELL_HEIGHT)


def to_height(image: np.ndarray, height: int) -> np.ndarray:
    """Scale an image (H, W, 3) to a height in pixels."""
    width = max(1, round(image.shape[1] * height / len(image)))
    method = cv2.INTER_AREA if len(image) > height else cv2.INTER_LINEAR
    return cv2.resize(image, (width, height), interpolation=method)  # (W, H)
