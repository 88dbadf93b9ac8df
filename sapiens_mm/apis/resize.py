"""Bilinear enlargement of dense outputs to the size of the image, in little memory.

Letters: C channels, h w size of the map, H W size of the image.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

# pixels of a strip, so that one channel of it stays in a cache of a CPU, and that a
# GPU is not kept waiting for thousands of launches
_STRIP_PIXELS = {'cpu': 1 << 18, 'cuda': 1 << 22}

Window = tuple[slice, slice]  # rows, columns; with start and stop


def _taps(
    src: int, dst: int, part: slice, device: torch.device
) -> tuple[Tensor, Tensor, Tensor]:
    """Neighbours and weight of the second one, as ``align_corners=False`` has them."""
    scale = torch.tensor(src / dst, dtype=torch.float32, device=device)
    pixels = torch.arange(part.start, part.stop, device=device)
    position = ((pixels + 0.5) * scale - 0.5).clamp(min=0)
    low = position.floor().long().clamp(max=src - 1)
    return low, (low + 1).clamp(max=src - 1), position - low


class Enlarged:
    """A map seen at another size, whose rows are computed when asked for.

    Values equal ``F.interpolate(..., mode='bilinear')``. A second one on top of a
    first resizes twice, as the official demos do, and the size between is never
    held whole either.

    Args:
        source: Shape (C, h, w), float32; or another ``Enlarged``.
        size_hw: Size to see it at, (H, W).
        window: Rows and columns of that size which are wanted; None: all.
    """

    def __init__(
        self,
        source: Tensor | Enlarged,
        size_hw: tuple[int, int],
        window: Window | None = None,
    ) -> None:
        if isinstance(source, Tensor):
            source = source.contiguous()  # a channels-last map is slow by channels
        self.source = source
        self.device = source.device
        height, width = size_hw
        part_y, part_x = window or (slice(0, height), slice(0, width))
        src_h, src_w = source.shape[-2:]
        self.shape = (
            source.shape[0],
            part_y.stop - part_y.start,
            part_x.stop - part_x.start,
        )
        self._left, self._right, self._weight_x = _taps(
            src_w, width, part_x, self.device
        )
        self._top, self._bottom, self._weight_y = _taps(
            src_h, height, part_y, self.device
        )
        # read back once: asking the device for every strip would stop it each time
        self._first, self._last = self._top.tolist(), self._bottom.tolist()

    def rows(self, part: slice, channel: int | slice = slice(None)) -> Tensor:
        """Return rows of one channel, (rows, W), or of several, (C, rows, W)."""
        first, last = self._first[part.start], self._last[part.stop - 1]
        if isinstance(self.source, Enlarged):
            source = self.source.rows(slice(first, last + 1), channel)
        else:
            source = self.source[channel, first : last + 1]
        wide = torch.lerp(
            source.index_select(-1, self._left),
            source.index_select(-1, self._right),
            self._weight_x,
        )
        return torch.lerp(
            wide.index_select(-2, self._top[part] - first),
            wide.index_select(-2, self._bottom[part] - first),
            self._weight_y[part, None],
        )

    def strips(self, channels: int = 1) -> Iterator[slice]:
        """Yield rows that are worth computing at once, ``channels`` at a time."""
        _, height, width = self.shape
        pixels = _STRIP_PIXELS.get(self.device.type, _STRIP_PIXELS['cpu'])
        rows = max(1, pixels // (width * channels))
        for start in range(0, height, rows):
            yield slice(start, min(start + rows, height))


def enlarge_labels(
    logits: Tensor | Enlarged, size_hw: tuple[int, int], window: Window | None = None
) -> Tensor:
    """Class of each pixel of the image, without the logits of the whole image.

    Args:
        logits: Shape (C, h, w), C at most 256.
        size_hw: Size of the image, (H, W).
        window: Rows and columns of the image that are wanted; None: all.

    Returns:
        Shape (H, W), uint8. The first class wins a tie.
    """
    return _best(Enlarged(logits, size_hw, window), False)[0]


def enlarge_best(
    logits: Tensor | Enlarged, size_hw: tuple[int, int], window: Window | None = None
) -> tuple[Tensor, Tensor]:
    """Class of each pixel, and the softmax of that class.

    Args:
        logits: As for ``enlarge_labels``.
        size_hw: See there.
        window: See there.

    Returns:
        Shape (H, W), uint8, and (H, W), float16.
    """
    return _best(Enlarged(logits, size_hw, window), True)


def enlarge_probabilities(
    logits: Tensor | Enlarged, size_hw: tuple[int, int], window: Window | None = None
) -> Tensor:
    """Softmax of the enlarged logits, in half precision.

    Args:
        logits: Shape (C, h, w).
        size_hw: Size of the image, (H, W).
        window: Rows and columns of the image that are wanted; None: all.

    Returns:
        Shape (C, H, W), float16.
    """
    view = Enlarged(logits, size_hw, window)
    out = torch.empty(view.shape, dtype=torch.float16, device=view.device)
    # all classes at once, so the strips are lower
    for part in view.strips(channels=view.shape[0]):
        out[:, part] = view.rows(part).softmax(0).to(torch.float16)
    return out


def _best(view: Enlarged, with_probability: bool) -> tuple[Tensor, Tensor | None]:
    """Take the best class strip by strip and, in a strip, class by class.

    A strip needs a few maps whatever C is. The softmax of the best class is
    1 / sum(exp(logit - best logit)), for which the logits are computed again.
    """
    count, *size = view.shape
    labels = torch.zeros(size, dtype=torch.uint8, device=view.device)
    probability = None
    if with_probability:
        probability = torch.empty(size, dtype=torch.float16, device=view.device)
    for part in view.strips():
        best = view.rows(part, 0)
        for index in range(1, count):
            value = view.rows(part, index)
            # as classes come in rising order; far quicker than masked_fill_
            better = (value > best).view(torch.uint8).mul_(index)
            torch.maximum(labels[part], better, out=labels[part])
            torch.maximum(best, value, out=best)
        if with_probability:
            total = torch.zeros_like(best)
            for index in range(count):
                total += view.rows(part, index).sub_(best).exp_()
            probability[part] = total.reciprocal_().to(torch.float16)
    return labels, probability
