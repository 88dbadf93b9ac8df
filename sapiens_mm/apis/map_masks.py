"""Where the foreground of depth and normals comes from: a caller, a folder, a model."""

from __future__ import annotations

import glob
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from sapiens_mm.apis.choose import Recognised, recognise
from sapiens_mm.apis.images import ImageError, read_mask
from sapiens_mm.apis.results import SegResult
from sapiens_mm.images import LOSSLESS_MASK_SUFFIXES

Segmenter = Callable[[np.ndarray], object]


def find_mask(folder: Path, name: str) -> Path:
    """Return the mask of an image in a folder of masks.

    Args:
        folder: Holds them.
        name: The image's name without suffix; may hold folders.

    Raises:
        ImageError: If there is none.
    """
    for suffix in LOSSLESS_MASK_SUFFIXES:
        path = folder / f'{name}{suffix}'
        if path.is_file():
            return path
    # escaped: a name may hold brackets
    others = sorted(p.name for p in folder.glob(f'{glob.escape(name)}.*'))
    beside = ''
    if others:
        beside = f' (but {", ".join(others[:3])}; masks with losses are not taken)'
    kinds = ' or '.join(LOSSLESS_MASK_SUFFIXES)
    raise ImageError(f'There is no mask {name}{kinds} in {folder}{beside}')


def make_segmenter(
    segmenter: str | Path | Segmenter | None,
    device: torch.device,
    dtype: torch.dtype,
) -> Segmenter | None:
    """Turn what users pass as ``segmenter`` into a callable.

    Args:
        segmenter: None; the checkpoint of a model of body parts, which tells its
            config itself; or a callable that takes a BGR image and returns a
            ``SegResult``, or labels or a mask (H, W). A ``SegInferencer`` is one.
        device: Where a model that is built here goes.
        dtype: Number format of its weights.

    Raises:
        ValueError: If it is none of these, or the checkpoint is of another task.
    """
    if segmenter is None or callable(segmenter):
        return segmenter
    if not isinstance(segmenter, (str, Path)):
        raise ValueError(
            'segmenter must be None, the path of a checkpoint of body parts, a '
            f'SegInferencer or another callable, got {segmenter!r}'
        )
    from sapiens_mm.apis.seg import SegInferencer

    found = recognise_parts(segmenter)
    return SegInferencer(found.config(), found.path, device=device, dtype=dtype)


def recognise_parts(source: str | Path) -> Recognised:
    """Open a checkpoint of body parts.

    Args:
        source: Anything ``sapiens_mm.checkpoints.resolve`` takes.

    Raises:
        ValueError: If it is of another task.
    """
    found = recognise(source)
    found.require('seg', 'masks need a model of body parts')
    return found


def choose_mask(
    given: object,
    segmenter: Segmenter | None,
    image: np.ndarray,
    source: Path | None,
) -> tuple[np.ndarray | None, str]:
    """Take the caller's mask, else the segmenter's, else none.

    Args:
        given: What the caller gave for this image: an array (H, W), the path of a
            file, or of a folder with a mask of the image's name; or None.
        segmenter: As :func:`make_segmenter` returns it.
        image: Shape (H, W, 3), uint8, BGR.
        source: Path of the image, or None.

    Returns:
        The mask, (H, W) bool, or None; and ``'caller'``, ``'segmenter'`` or
        ``'none'``. A mask without a person is a mask like any other.

    Raises:
        ValueError: If the mask cannot be read or has another size than the image.
    """
    image_hw = image.shape[:2]
    if given is not None:
        if not isinstance(given, np.ndarray):
            path = Path(given)
            if path.is_dir():
                if source is None:
                    raise ImageError(f'An array has no name to find in {path}')
                given = find_mask(path, source.stem)
        return read_mask(given, image_hw), 'caller'
    if segmenter is None:
        return None, 'none'
    answer = segmenter(image)
    labels = answer.labels if isinstance(answer, SegResult) else np.asarray(answer)
    if labels.shape != tuple(image_hw):
        raise ImageError(
            f'The segmenter returned shape {labels.shape}, expected {tuple(image_hw)}'
        )
    return labels > 0, 'segmenter'
