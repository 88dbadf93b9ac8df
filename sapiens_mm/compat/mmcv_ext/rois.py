"""Region operators of ``mmcv._ext``: RoIAlign and RoIPool.

Regions are (R, 5): index into the batch, then x1, y1, x2, y2 in pixels of the image;
``spatial_scale`` brings them to pixels of the feature map (B, C, h, w).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.ops import roi_align

from sapiens_mm.compat.mmcv_ext.precision import wide


def roi_align_forward(
    input: Tensor,
    rois: Tensor,
    output: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """Fill ``output`` (R, C, aligned_height, aligned_width).

    ``pool_mode`` 1 takes the mean of the samples in a bin; 0 takes their maximum and
    fills ``argmax_y`` and ``argmax_x`` with its place on the feature map.
    """
    input, rois = wide(input), wide(rois)
    bins_hw = (aligned_height, aligned_width)
    if pool_mode == 1:
        output.copy_(
            roi_align(input, rois, bins_hw, spatial_scale, sampling_ratio, aligned)
        )
        return
    # torchvision has no RoIAlign of maxima: they are taken from its samples
    for i, roi in enumerate(rois):
        start, size = _extent(roi, spatial_scale, aligned)
        # As many bins as there were samples, one sample each: the samples themselves.
        per_bin = (size / size.new_tensor(bins_hw)).ceil().clamp(min=1).long().tolist()
        if sampling_ratio > 0:
            per_bin = [sampling_ratio, sampling_ratio]
        grid = [n * bins for n, bins in zip(per_bin, bins_hw, strict=True)]
        samples = roi_align(input, roi[None], grid, spatial_scale, 1, aligned)[0]
        output[i], place = F.max_pool2d(samples, per_bin, return_indices=True)
        step = size / size.new_tensor(grid)
        argmax_y[i] = start[0] + (place // grid[1] + 0.5) * step[0]
        argmax_x[i] = start[1] + (place % grid[1] + 0.5) * step[1]


def roi_align_backward(
    grad_output: Tensor,
    rois: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    grad_input: Tensor,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """Fill ``grad_input`` (B, C, h, w) from ``grad_output`` and the forward maxima."""
    if pool_mode == 0:
        _scatter_bilinear(grad_input, rois[:, 0], argmax_y, argmax_x, grad_output)
        return
    bins_hw = (aligned_height, aligned_width)
    with torch.enable_grad():  # linear in its input: zeros have the same gradient
        zeros = torch.zeros_like(wide(grad_input), requires_grad=True)
        pooled = roi_align(
            zeros, wide(rois), bins_hw, spatial_scale, sampling_ratio, aligned
        )
    grad_input.copy_(torch.autograd.grad(pooled, zeros, wide(grad_output))[0])


def roi_pool_forward(
    input: Tensor,
    rois: Tensor,
    output: Tensor,
    argmax: Tensor,
    pooled_height: int,
    pooled_width: int,
    spatial_scale: float,
) -> None:
    """Fill ``output`` with the maxima of whole pixels in each bin.

    Unlike torchvision's, mmcv's bins are not rounded before they are divided.
    ``argmax`` gets the flat index of the maximum on the map, -1 for an empty bin.
    """
    argmax.fill_(-1)
    height, width = input.shape[-2:]
    for i, (batch, x1, y1, x2, y2) in enumerate(wide(rois).tolist()):
        rows = _pool_bins(y1, y2, spatial_scale, pooled_height, height)
        columns = _pool_bins(x1, x2, spatial_scale, pooled_width, width)
        for row, (top, bottom) in enumerate(rows):
            for column, (left, right) in enumerate(columns):
                if bottom <= top or right <= left:
                    continue
                pixels = input[int(batch), :, top:bottom, left:right].flatten(1)
                output[i, :, row, column], place = pixels.max(dim=1)
                place_y = top + place // (right - left)
                place_x = left + place % (right - left)
                argmax[i, :, row, column] = (place_y * width + place_x).to(argmax)


def roi_pool_backward(
    grad_output: Tensor,
    rois: Tensor,
    argmax: Tensor,
    grad_input: Tensor,
    pooled_height: int,
    pooled_width: int,
    spatial_scale: float,
) -> None:
    """Add ``grad_output`` to ``grad_input`` (B, C, h, w) where the maxima were."""
    width = grad_input.shape[-1]
    y, x = argmax // width, argmax % width
    grad = grad_output.masked_fill(argmax < 0, 0)
    _scatter_bilinear(grad_input, rois[:, 0], y, x, grad)


def _extent(roi: Tensor, scale: float, aligned: bool) -> tuple[Tensor, Tensor]:
    """Return (y, x) of the top left corner and (h, w) of a region, on the map."""
    # half a pixel: centres of pixels are whole numbers if aligned
    corners = roi[1:] * scale - (0.5 if aligned else 0.0)
    size = corners[2:] - corners[:2]
    if not aligned:
        size = size.clamp(min=1)
    return corners[:2].flip(0), size.flip(0)


def _pool_bins(
    start: float, end: float, scale: float, bins: int, limit: int
) -> list[tuple[int, int]]:
    """Return the pixels that each of ``bins`` covers along one axis: [from, to)."""
    # mmcv's corners are pixels, so the last one counts whole
    start, end = start * scale, (end + 1) * scale
    if end <= start:
        return [(0, 0)] * bins
    size = (end - start) / bins
    edges = [
        (math.floor(i * size + start), math.ceil((i + 1) * size + start))
        for i in range(bins)
    ]
    return [(min(max(a, 0), limit), min(max(b, 0), limit)) for a, b in edges]


def _scatter_bilinear(
    grad_input: Tensor, batch: Tensor, y: Tensor, x: Tensor, grad: Tensor
) -> None:
    """Add ``grad`` at the points (y, x), shared among their four neighbours.

    Args:
        grad_input: (B, C, h, w), changed in place.
        batch: (R,), the image of each region.
        y: (R, C, bins, bins), pixels of the map; beyond its rim by more than 1: lost.
        x: As ``y``.
        grad: As ``y``.
    """
    height, width = grad_input.shape[-2:]
    # up to one pixel outside, where RoIAlign still samples the border
    inside = (y >= -1) & (y <= height) & (x >= -1) & (x <= width)
    grad = wide(grad) * inside
    y, x = wide(y).clamp(0, height - 1), wide(x).clamp(0, width - 1)
    y0, x0 = y.floor(), x.floor()
    channel = torch.arange(grad_input.shape[1], device=grad.device)[:, None, None]
    plane = batch.long()[:, None, None, None] * grad_input.shape[1] + channel
    # summed apart in float32: index_add_ of halves rounds at every sum
    total = torch.zeros_like(grad_input, dtype=grad.dtype).flatten()
    for corner_y, weight_y in ((y0, 1 - (y - y0)), (y0 + 1, y - y0)):
        for corner_x, weight_x in ((x0, 1 - (x - x0)), (x0 + 1, x - x0)):
            row = corner_y.clamp(max=height - 1).long()
            column = corner_x.clamp(max=width - 1).long()
            index = (plane * height + row) * width + column
            total.index_add_(0, index.flatten(), (grad * weight_y * weight_x).flatten())
    grad_input.add_(total.view_as(grad_input))
