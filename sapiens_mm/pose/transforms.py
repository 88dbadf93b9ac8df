"""Image augmentations of the pose training, on OpenCV alone.

The official pipeline takes them from albumentations, whose 2.x renamed and changed
them, and whose 1.x pins other OpenCV wheels; three small classes with the same
distributions are less than a dependency.
"""

from __future__ import annotations

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness

from sapiens_mm.registry import TRANSFORMS


def _check_prob(prob: float) -> float:
    if not 0 <= prob <= 1:
        raise ValueError(f'prob must be in [0, 1], got {prob}')
    return prob


class _RandomKernel(BaseTransform):
    """Filter the image with an odd kernel drawn from 3 to ``max_kernel``."""

    # albumentations' largest kernel: the official configs state the probability alone
    def __init__(self, prob: float = 0.1, max_kernel: int = 7) -> None:
        if max_kernel < 3 or max_kernel % 2 == 0:
            raise ValueError(f'max_kernel must be odd and at least 3, got {max_kernel}')
        self.prob = _check_prob(prob)
        self.max_kernel = max_kernel

    @cache_randomness
    def _draw(self) -> int | None:
        """Return a kernel size, or None to leave the image as it is."""
        if np.random.rand() >= self.prob:
            return None
        return int(np.random.choice(range(3, self.max_kernel + 1, 2)))

    def transform(self, results: dict) -> dict:
        """Filter ``results['img']``, (H, W, 3) uint8."""
        kernel = self._draw()
        if kernel is not None:
            results['img'] = self._filter(results['img'], kernel)
        return results

    def _filter(self, image: np.ndarray, kernel: int) -> np.ndarray:
        raise AssertionError('set by each filter')

    def __repr__(self) -> str:
        return f'{type(self).__name__}(prob={self.prob}, max_kernel={self.max_kernel})'


@TRANSFORMS.register_module()
class SapiensRandomBlur(_RandomKernel):
    """Box blur with probability ``prob``; mmpose has none without albumentations.

    Args:
        prob: Probability in [0, 1].
        max_kernel: Odd; the kernel is drawn uniformly from 3, 5, … to it, pixels.
    """

    def _filter(self, image: np.ndarray, kernel: int) -> np.ndarray:
        return cv2.blur(image, (kernel, kernel))


@TRANSFORMS.register_module()
class SapiensRandomMedianBlur(_RandomKernel):
    """Median filter with probability ``prob``; see :class:`SapiensRandomBlur`."""

    def _filter(self, image: np.ndarray, kernel: int) -> np.ndarray:
        return cv2.medianBlur(image, kernel)


@TRANSFORMS.register_module()
class SapiensCoarseDropout(BaseTransform):
    """Blacken one rectangle inside the image (DeVries and Taylor 2017).

    Keypoints under it stay labelled, as in the official training.

    Args:
        size: Smallest and largest side as a share of the image's, drawn for height
            and width apart.
        prob: Probability in [0, 1].
    """

    def __init__(
        self, size: tuple[float, float] = (0.2, 0.4), prob: float = 1.0
    ) -> None:
        if not 0 < size[0] <= size[1] <= 1:
            raise ValueError(f'size must hold 0 < min <= max <= 1, got {size}')
        self.size = tuple(size)
        self.prob = _check_prob(prob)

    @cache_randomness
    def _draw(self, image_hw: tuple[int, int]) -> tuple[slice, slice] | None:
        """Return rows and columns to blacken, or None."""
        if np.random.rand() >= self.prob:
            return None
        spans = []
        for length in image_hw:
            hole = int(length * np.random.uniform(*self.size))
            start = np.random.randint(0, length - hole + 1)
            spans.append(slice(start, start + hole))
        return spans[0], spans[1]

    def transform(self, results: dict) -> dict:
        """Blacken a part of ``results['img']``, (H, W, 3) uint8, in a copy."""
        hole = self._draw(results['img'].shape[:2])
        if hole is not None:
            results['img'] = results['img'].copy()
            results['img'][hole] = 0
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(size={self.size}, prob={self.prob})'
