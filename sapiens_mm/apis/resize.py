"""Bilinear enlargement of dense outputs to the size of the photo, in little memory.

Letters: C channels, h w size of the map, H W size of the photo.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor


def _taps(src: int, dst: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Neighbours and weight of the second one, as ``align_corners=False`` has them."""
    scale = torch.tensor(src / dst, dtype=torch.float32, device=device)
    position = ((torch.arange(dst, device=device) + 0.5) * scale - 0.5).clamp(min=0)
    low = position.floor().long().clamp(max=src - 1)
    return low, (low + 1).clamp(max=src - 1), position - low


def bilinear_strips(
    maps: Tensor, size_hw: tuple[int, int], rows: int = 128
) -> Iterator[tuple[slice, Tensor]]:
    """Enlarge a map strip by strip; together equal to ``F.interpolate``.

    Args:
        maps: Shape (C, h, w), float32.
        size_hw: Size to produce, (H, W).
        rows: Height of a strip in pixels.

    Yields:
        Rows of the output, and their values (C, rows, W).
    """
    _, src_h, src_w = maps.shape
    height, width = size_hw
    left, right, weight_x = _taps(src_w, width, maps.device)
    top, bottom, weight_y = _taps(src_h, height, maps.device)
    for start in range(0, height, rows):
        part = slice(start, min(start + rows, height))
        first, last = int(top[part.start]), int(bottom[part.stop - 1])
        source = maps[:, first : last + 1]
        wide = torch.lerp(source[..., left], source[..., right], weight_x)
        yield (
            part,
            torch.lerp(
                wide[:, top[part] - first],
                wide[:, bottom[part] - first],
                weight_y[part, None],
            ),
        )


def enlarge_labels(logits: Tensor, size_hw: tuple[int, int]) -> Tensor:
    """Class of each pixel of the photo, without the logits of the whole photo.

    Args:
        logits: Shape (C, h, w), C at most 256.
        size_hw: Size of the photo, (H, W).

    Returns:
        Shape (H, W), uint8.
    """
    return _assemble(logits, size_hw, (), torch.uint8, lambda x: x.argmax(0))


def enlarge_probabilities(logits: Tensor, size_hw: tuple[int, int]) -> Tensor:
    """Softmax of the enlarged logits, in half precision.

    Args:
        logits: Shape (C, h, w).
        size_hw: Size of the photo, (H, W).

    Returns:
        Shape (C, H, W), float16.
    """
    shape = (len(logits),)
    return _assemble(logits, size_hw, shape, torch.float16, lambda x: x.softmax(0))


def _assemble(
    logits: Tensor,
    size_hw: tuple[int, int],
    leading: tuple[int, ...],
    dtype: torch.dtype,
    reduce: Callable[[Tensor], Tensor],
) -> Tensor:
    out = torch.empty(*leading, *size_hw, dtype=dtype, device=logits.device)
    for rows, strip in bilinear_strips(logits, size_hw):
        out[..., rows, :] = reduce(strip).to(dtype)
    return out
