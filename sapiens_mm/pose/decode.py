"""UDP heatmaps to keypoints, batched, on the tensor's device.

mmpose blurs every map whole, on one CPU core. The Newton step that follows reads nine
blurred pixels around the peak, so here only those are blurred. One more number of the
blurred map counts, its maximum: the map is multiplied by peak / maximum before its
logarithm is taken. That factor leaves differences of logarithms alone unless a pixel
is clipped, so only maps with a clipped pixel near their peak are blurred whole.

Where the step magnifies rounding (white noise, flat tops), mmpose's own order of
operations decides the result. On the CPU such maps are treated as mmpose does; on
other devices they get a result that is as good, but not the same.

B images, K keypoints, h w heatmap pixels, M = B * K maps.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

# mmpose's bounds before the logarithm, and what it adds to the Hessian's diagonal
_LOWEST, _HIGHEST = 1e-3, 50.0
_EPS = torch.finfo(torch.float32).eps
_LOG_ERROR = 5e-7  # of float32 logarithms of blurred maps
_TOLERANCE_PX = 2.5e-3  # of the model's input
_MAPS_AT_ONCE = 64  # of 256 x 192 pixels 12 MB, which stays in a GPU's cache


@torch.no_grad()
def decode_udp_heatmaps(
    heatmaps: Tensor, *, input_wh: tuple[int, int], blur_kernel_size: int = 11
) -> tuple[Tensor, Tensor]:
    """Find the peak of each heatmap to a fraction of a pixel (DARK, UDP).

    The results are those of mmpose's ``UDPHeatmap.decode`` for Gaussian heatmaps,
    except for maps without a positive value. They give -1 heatmap pixels in x and y;
    mmpose's do too unless they are all zero, which gives NaN, or a peak in the map
    before them touches its last pixels. From a GPU nothing is read back but one
    flag: whether some maps must be blurred whole.

    Args:
        heatmaps: Shape (B, K, h, w), any floating type.
        input_wh: (W, H) of the model's input in pixels.
        blur_kernel_size: Odd, at least 3; heatmap pixels.

    Returns:
        Keypoints (B, K, 2), x and y in pixels of the model's input, and scores
        (B, K), the highest value of each map. Both float32.

    Raises:
        ValueError: If the shape or the kernel size is wrong.
    """
    if heatmaps.ndim != 4 or min(heatmaps.shape[2:]) < 2:
        raise ValueError(
            'heatmaps must have the shape (B, K, h, w) with h and w of at least 2, '
            f'got {tuple(heatmaps.shape)}'
        )
    if blur_kernel_size < 3 or blur_kernel_size % 2 == 0:
        raise ValueError(
            f'blur_kernel_size must be odd and at least 3, got {blur_kernel_size}'
        )
    shape, (h, w) = heatmaps.shape[:2], heatmaps.shape[2:]
    # W / (w - 1), although maps are drawn with (W - 1) / (w - 1): mmpose divides by
    # W again on the way to the image, and the released models are measured so
    unit_x, unit_y = input_wh[0] / (w - 1), input_wh[1] / (h - 1)
    maps = heatmaps.detach().reshape(-1, h, w)
    peaks_xy, peaks = _find_peaks(maps)
    blurred = _blur_around(maps, peaks_xy, _taps(blur_kernel_size))
    step_xy, error = _newton_step(blurred.clamp(_LOWEST, _HIGHEST).log_())

    # peak / maximum >= 1, so what lies in the bounds before it is multiplied is not
    # clipped from below afterwards, nor from above unless the peak is
    unsure = (blurred.amin((1, 2)) < _LOWEST) | (peaks > _HIGHEST)
    if maps.is_cpu:
        unsure |= ~(error * max(unit_x, unit_y) <= _TOLERANCE_PX)
    found = ~(peaks <= 0)  # NaN stays NaN
    unsure &= found
    if unsure.any():
        chosen = unsure.nonzero()[:, 0]
        if maps.is_cpu:
            logs = _logs_like_mmpose(maps, peaks_xy, chosen, blur_kernel_size)
        else:
            highest = _blurred_maximum(maps, chosen, _taps(blur_kernel_size))
            scale = (peaks[chosen] / highest)[:, None, None]
            logs = (blurred[chosen] * scale).clamp_(_LOWEST, _HIGHEST).log_()
        step_xy[chosen] = _newton_step(logs)[0]

    x, y = torch.where(found[:, None], peaks_xy - step_xy, -1.0).unbind(1)
    keypoints = torch.stack([x * unit_x, y * unit_y], 1)
    return keypoints.view(*shape, 2), peaks.view(shape)


def _find_peaks(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Return (x, y) and value of the first maximum of each map in row-major order."""
    y = maps.amax(2).argmax(1)  # several times as fast as the argmax of flat maps
    rows = maps.gather(1, y[:, None, None].expand(-1, 1, maps.shape[2]))[:, 0]
    return torch.stack([rows.argmax(1), y], 1), rows.amax(1).float()


@lru_cache
def _taps(kernel_size: int) -> tuple[float, ...]:
    """Return OpenCV's Gaussian kernel from its centre outwards."""
    kernel = cv2.getGaussianKernel(kernel_size, 0, cv2.CV_32F)
    return tuple(kernel.ravel()[kernel_size // 2 :].tolist())


def _blur(maps: Tensor, taps: tuple[float, ...]) -> Tensor:
    """Blur maps; they lose ``len(taps) - 1`` pixels at each border.

    Sums of shifted maps: convolutions and products of matrices would round to TF32 or
    to the type of autocast.
    """
    reach = len(taps) - 1
    for axis in (2, 1):
        size = maps.shape[axis] - 2 * reach
        total = maps.narrow(axis, reach, size) * taps[0]
        for shift, tap in enumerate(taps[1:], 1):
            before = maps.narrow(axis, reach - shift, size)
            total.add_(before + maps.narrow(axis, reach + shift, size), alpha=tap)
        maps = total
    return maps


def _blur_around(maps: Tensor, peaks_xy: Tensor, taps: tuple[float, ...]) -> Tensor:
    """Return the blurred pixels (M, 3, 3) around the peaks, float32.

    Pixels outside the map count as 0 when blurring; a neighbour of the peak outside
    the map is the blurred pixel at the border.
    """
    (h, w), reach = maps.shape[1:], len(taps)
    offsets = torch.arange(-reach, reach + 1, device=maps.device)
    xs, ys = (peaks_xy[:, :, None] + offsets).unbind(1)
    cols, rows = xs.clamp(0, w - 1), ys.clamp(0, h - 1)
    index = rows[:, :, None] * w + cols[:, None, :]
    crops = maps.flatten(1).gather(1, index.flatten(1)).view(index.shape).float()
    outside = (rows != ys)[:, :, None] | (cols != xs)[:, None, :]
    blurred = _blur(crops.masked_fill(outside, 0), taps)

    near = slice(reach - 1, reach + 2)
    rows = rows[:, near] - ys[:, near] + offsets[near] + 1
    cols = cols[:, near] - xs[:, near] + offsets[near] + 1
    blurred = blurred.gather(1, rows[:, :, None].expand(-1, 3, 3))
    return blurred.gather(2, cols[:, None, :].expand(-1, 3, 3))


def _newton_step(logs: Tensor) -> tuple[Tensor, Tensor]:
    """Return the steps to subtract from the peaks and a bound on their rounding.

    Args:
        logs: Shape (M, 3, 3), logarithms around the peaks.

    Returns:
        Steps (M, 2), x and y, and their errors (M,), in heatmap pixels.
    """
    (first, above, _), (left, centre, right), (_, below, last) = (
        row.unbind(1) for row in logs.unbind(1)
    )
    dxx, dyy = right - 2 * centre + left, below - 2 * centre + above
    # of the four corners two, as UDP has it
    dxy = (last - right - below + centre + centre - left - above + first) / 2
    values = torch.stack([(right - left) / 2, (below - above) / 2, dxx, dyy, dxy])
    # MPS has no float64
    dx, dy, dxx, dyy, dxy = values if values.is_mps else values.double()
    dxx, dyy = dxx + _EPS, dyy + _EPS
    det = dxx * dyy - dxy * dxy
    steps = torch.stack([dyy * dx - dxy * dy, dxx * dy - dxy * dx], 1) / det[:, None]
    # mmpose's inverse raises an error where the determinant is 0
    steps = torch.where(det[:, None] != 0, steps, 0.0).float()
    # H step = g: errors of g and H reach the step through the inverse of H
    inverse = (dxx**2 + dyy**2 + 2 * dxy**2).sqrt() / det.abs()
    return steps, inverse * (1 + 4 * steps.abs().amax(1)) * _LOG_ERROR


def _logs_like_mmpose(
    maps: Tensor, peaks_xy: Tensor, chosen: Tensor, kernel_size: int
) -> Tensor:
    """Return logarithms (len(chosen), 3, 3), rounded as mmpose rounds them; CPU."""
    (h, w), border = maps.shape[1:], kernel_size // 2
    canvas = np.zeros((h + 2 * border, w + 2 * border), np.float32)
    inner = slice(border, border + h), slice(border, border + w)
    around = peaks_xy[chosen, :, None].numpy() + (-1, 0, 1)
    cols, rows = around[:, 0].clip(0, w - 1), around[:, 1, :].clip(0, h - 1)
    logs = np.empty((len(chosen), 3, 3), np.float32)
    for i, index in enumerate(chosen.tolist()):
        canvas[inner] = maps[index].float().numpy()
        blurred = cv2.GaussianBlur(canvas, (kernel_size, kernel_size), 0)[inner]
        scale = canvas.max() / blurred.max()
        logs[i] = blurred[rows[i, :, None], cols[i]] * scale
    return torch.from_numpy(np.log(logs.clip(_LOWEST, _HIGHEST)))


def _blurred_maximum(maps: Tensor, chosen: Tensor, taps: tuple[float, ...]) -> Tensor:
    """Return the maximum of each map at the indices ``chosen`` after blurring."""
    border = [len(taps) - 1] * 4
    return torch.cat(
        [
            _blur(pad(maps[some].float(), border), taps).amax((1, 2))
            for some in chosen.split(_MAPS_AT_ONCE)
        ]
    )
