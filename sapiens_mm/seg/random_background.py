"""Images whose background is swapped for another image."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness

from sapiens_mm.images import (
    IMAGE_SUFFIXES,
    BadFileError,
    ImageError,
    decode_color,
    read_file,
)
from sapiens_mm.registry import TRANSFORMS
from sapiens_mm.seg.color_transfer import transfer_colors
from sapiens_mm.seg.drawn_background import draw_background

IGNORED = 255
_REFERENCE_PIXELS = 65536  # of the background, enough for a mean and a spread


@TRANSFORMS.register_module()
class SapiensRandomBackground(BaseTransform):
    """Cut the people out and put them before another background.

    The background is fitted as in the official training: to the height of the image,
    the middle of its width where it is wider, else stretched. People keep their pixels;
    their colours move towards the new background's (:func:`transfer_colors`), where
    the official code calls ``libcom`` and does nothing without it. Labels stay. No host
    swaps backgrounds.

    Foreground is label > 0. Pixels labelled 255 count as neither: they keep the image's
    pixel as it is (a chair somebody sits on, spectacles) and enter no statistics. With
    ``mask_key``, for depth and normals, foreground is mask > 0, 255 as well.

    Args:
        prob: Probability in [0, 1].
        folder: Images without people: png, jpg, jpeg, webp and bmp at any depth below
            it. None draws backgrounds, the same for the same state of ``np.random``.
        mask_key: Key in ``results`` of a mask (H, W); None takes ``gt_seg_map``.
        strength: Range of the share of the colour transfer, 0 (none) to 1 (all of it),
            drawn uniformly for each image.
        max_std_ratio: As in :func:`transfer_colors`.
        max_shift: As in :func:`transfer_colors`.
        soft_edge_px: The rim of the people is mixed with the background over so many
            pixels, inwards; 0 cuts hard.

    Raises:
        ValueError: If the folder is missing, empty or cannot be read, or an argument is
            out of range; when run, if an image cannot be read (with its name) or the
            labels do not fit the image.
    """

    def __init__(
        self,
        prob: float = 0.8,
        folder: str | None = None,
        mask_key: str | None = None,
        strength: tuple[float, float] = (0.2, 0.8),
        max_std_ratio: float | None = 2.0,
        max_shift: tuple[float, float] | None = (25.0, 12.0),
        soft_edge_px: int = 1,
    ) -> None:
        if not 0 <= prob <= 1:
            raise ValueError(f'prob must be in [0, 1], got {prob}')
        if len(strength) != 2 or not 0 <= strength[0] <= strength[1] <= 1:
            raise ValueError(f'strength must hold 0 <= min <= max <= 1, got {strength}')
        if max_std_ratio is not None and max_std_ratio < 1:
            raise ValueError(f'max_std_ratio must be at least 1, got {max_std_ratio}')
        if max_shift is not None and (len(max_shift) != 2 or min(max_shift) < 0):
            raise ValueError(
                f'max_shift must be two lengths in Lab, both >= 0, got {max_shift}'
            )
        if soft_edge_px < 0 or soft_edge_px != int(soft_edge_px):
            raise ValueError(f'soft_edge_px must be 0, 1, 2, …, got {soft_edge_px}')
        self.prob = prob
        self.folder = folder
        self.mask_key = mask_key
        self.strength = tuple(strength)
        self.max_std_ratio = max_std_ratio
        self.max_shift = max_shift
        self.soft_edge_px = int(soft_edge_px)
        self.files = [] if folder is None else list_backgrounds(folder)
        # a folder of broken images is told now, and not by a worker
        if self.files:
            read_background(self.files[0])

    @cache_randomness
    def _draw(self) -> tuple[int, float] | None:
        """Return a number of a file, or seed, and a strength; None leaves the image."""
        if np.random.rand() >= self.prob:
            return None
        number = np.random.randint(len(self.files) or 2**31 - 1)
        return int(number), float(np.random.uniform(*self.strength))

    def transform(self, results: dict) -> dict:
        """Swap the background of ``results['img']``, (H, W, 3) uint8, in a copy."""
        drawn = self._draw()
        if drawn is None:
            return results
        number, strength = drawn
        source = results['img']
        foreground, kept = self._masks(results)
        if kept.all():
            return results
        if self.files:
            background = read_background(self.files[number])
        else:
            background = draw_background(number, source.shape[:2])
        background = fit_background(background, source.shape[:2])
        people = np.flatnonzero(foreground)  # far faster than the mask itself
        recolored = source.copy(order='C')
        recolored.reshape(-1, 3)[people] = transfer_colors(
            recolored.reshape(-1, 3).take(people, 0),
            _sample(background, ~kept),
            strength,
            self.max_std_ratio,
            self.max_shift,
        )
        results['img'] = self._compose(recolored, background, foreground, kept)
        return results

    def _masks(self, results: dict) -> tuple[np.ndarray, np.ndarray]:
        """Return where people are, and where the image is kept, (H, W) bool each."""
        source, key = results['img'], self.mask_key or 'gt_seg_map'
        name = results.get('img_path', 'the image')
        if source.dtype != np.uint8 or source.ndim != 3 or source.shape[2] != 3:
            raise ValueError(
                f'{name}: SapiensRandomBackground takes (H, W, 3) uint8, got '
                f'{source.shape} {source.dtype}'
            )
        if results.get(key) is None:
            raise ValueError(
                f"{name}: SapiensRandomBackground needs '{key}'; load it before"
            )
        labels = results[key]
        if labels.shape != source.shape[:2]:
            raise ValueError(
                f'{name}: {key} has the shape {labels.shape}, the image '
                f'{source.shape[:2]}'
            )
        kept = labels > 0
        return (kept if self.mask_key else kept & (labels != IGNORED)), kept

    def _compose(
        self,
        source: np.ndarray,
        background: np.ndarray,
        foreground: np.ndarray,
        kept: np.ndarray,
    ) -> np.ndarray:
        kept_u8 = kept.astype(np.uint8)
        result = cv2.copyTo(source, kept_u8, background.copy())
        if self.soft_edge_px:
            side = 2 * self.soft_edge_px + 1
            window = dict(normalize=False, borderType=cv2.BORDER_REPLICATE)
            cover = cv2.boxFilter(kept_u8, cv2.CV_32F, (side, side), **window)
            rim = np.flatnonzero(foreground & (cover < side * side))
            # thin parts stay half visible: they are labelled
            share = np.maximum(cover.take(rim) / side**2, 0.5)[:, None]
            near, far = (x.reshape(-1, 3).take(rim, 0) for x in (source, background))
            mixed = share * near + (1 - share) * far
            result.reshape(-1, 3)[rim] = np.rint(mixed).astype(np.uint8)
        return result

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(prob={self.prob}, folder={self.folder!r}, '
            f'mask_key={self.mask_key!r}, strength={self.strength}, '
            f'max_std_ratio={self.max_std_ratio}, max_shift={self.max_shift}, '
            f'soft_edge_px={self.soft_edge_px})'
        )


def list_backgrounds(folder: str) -> list[str]:
    """Return the images below a folder, sorted by path.

    Raises:
        ValueError: If there is no such folder, none of its files is an image, or a
            folder in it cannot be read.
    """
    root = Path(folder)
    if not root.is_dir():
        state = 'is not a folder' if root.exists() else 'does not exist'
        raise ValueError(f'The folder of backgrounds {folder} {state}')

    def stop(error: OSError) -> None:
        raise ValueError(
            f'The folder of backgrounds {error.filename} cannot be read: '
            f'{error.strerror}'
        ) from error

    files = sorted(
        os.path.join(parent, name)
        for parent, _, names in os.walk(root, onerror=stop, followlinks=True)
        for name in names
        if name.lower().endswith(IMAGE_SUFFIXES)
    )
    if not files:
        raise ValueError(
            f'The folder of backgrounds {folder} holds no image; expected '
            f'{", ".join(IMAGE_SUFFIXES)}'
        )
    return files


def read_background(path: str) -> np.ndarray:
    """Return an image, (H, W, 3) uint8 BGR; a broken one raises with its name."""
    try:
        if not os.path.isfile(path):
            raise BadFileError(f'The background {path} cannot be read: no such file')
        return decode_color(read_file(path), path)
    except ImageError as error:
        raise BadFileError(
            f'The background {path} is no whole image: it {error.reason}'
        ) from None


def fit_background(background: np.ndarray, image_hw: tuple[int, int]) -> np.ndarray:
    """Bring a background to the size of an image.

    It is scaled to the height; of what is wider the middle is taken, what is narrower
    is stretched.

    Args:
        background: Shape (h, w, 3), uint8.
        image_hw: H and W, pixels.

    Returns:
        Shape (H, W, 3), uint8.
    """
    height, width = image_hw
    scaled = max(width, round(background.shape[1] * height / background.shape[0]))
    shrinks = height < background.shape[0]
    # the others alias where they shrink
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    fitted = cv2.resize(background, (scaled, height), interpolation=method)
    left = (scaled - width) // 2
    return np.ascontiguousarray(fitted[:, left : left + width])


def _sample(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return pixels of a mask, (M, 3), on a grid that holds about 65,536 of them."""
    step = max(1, int((mask.sum() / _REFERENCE_PIXELS) ** 0.5))
    return image[::step, ::step][mask[::step, ::step]]
