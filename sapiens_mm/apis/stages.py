"""An input on its way through an inferencer: read, prepared, or given up."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class Loaded:
    """An image that was read, and what the caller gave with it.

    Attributes:
        source: Path, or None for an array.
        image: Shape (H, W, 3), uint8 BGR.
        options: By the names in ``Inferencer.per_image``: boxes, or a mask, as given.
    """

    source: Path | None
    image: np.ndarray
    options: Mapping[str, Any]


@dataclasses.dataclass(frozen=True, eq=False)
class Prepared:
    """An image that is ready for the model; tasks add what their results need of it.

    Attributes:
        loaded: The image.
        samples: What the model will be fed, one a forward pass of this image.
    """

    loaded: Loaded
    samples: list[Any]

    @property
    def image_hw(self) -> tuple[int, int]:
        """Size of the image, (H, W)."""
        return self.loaded.image.shape[:2]

    @property
    def fields(self) -> dict[str, Any]:
        """The fields that every result shares."""
        return dict(source=self.loaded.source, image_hw=self.image_hw)


@dataclasses.dataclass(frozen=True, eq=False)
class Failed:
    """An input without a result.

    Attributes:
        source: Path, or None for an array.
        image_hw: Size of the image, (H, W), or None if it could not be read.
        error: Why, in one sentence.
        cause: The exception behind it.
        samples: Empty: the model sees nothing of it.
    """

    source: Path | None
    image_hw: tuple[int, int] | None
    error: str
    cause: Exception
    samples: tuple[()] = ()

    @classmethod
    def of(
        cls, source: Path | None, image: np.ndarray | None, cause: Exception
    ) -> Failed:
        """Say in one sentence what went wrong with an image."""
        error = str(cause)
        if not isinstance(cause, (ValueError, OSError, cv2.error)):
            # of a detector or segmenter of the user's own, for one
            error = f'{source or "The image"}: {type(cause).__name__}: {error}'
        error = ' '.join(error.split()) or type(cause).__name__
        hw = None if image is None else image.shape[:2]
        return cls(source, hw, error, cause)

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of a result that stands for it."""
        return dict(source=self.source, image_hw=self.image_hw, error=self.error)
