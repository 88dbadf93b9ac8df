"""mmcv's RoIAlign and RoIPool against plain loops, torchvision and differences."""

import math

import pytest
import torch
import torchvision

ops = pytest.importorskip('mmcv.ops')

ROIS = torch.tensor(
    [
        [0, 1.0, 2.0, 13.0, 9.5],
        [1, -3.0, -2.0, 6.0, 30.0],  # hangs over the rim
        [1, 4.2, 3.1, 4.9, 3.3],  # smaller than a pixel of the map
        [0, 20.0, 20.0, 23.0, 39.0],
    ],
    dtype=torch.float64,
)


def feature_map():
    generator = torch.Generator().manual_seed(3)
    return torch.randn(2, 3, 11, 9, dtype=torch.float64, generator=generator)


def gradcheck(function, *inputs):
    return torch.autograd.gradcheck(function, inputs, fast_mode=True)


def bilinear(plane, y, x):
    height, width = plane.shape
    if not (-1 <= y <= height and -1 <= x <= width):
        return 0.0
    y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
    y0, x0 = int(y), int(x)
    y1, x1 = min(y0 + 1, height - 1), min(x0 + 1, width - 1)
    top = plane[y0, x0] * (1 - (x - x0)) + plane[y0, x1] * (x - x0)
    bottom = plane[y1, x0] * (1 - (x - x0)) + plane[y1, x1] * (x - x0)
    return float(top * (1 - (y - y0)) + bottom * (y - y0))


def loop_roi_align(features, rois, bins, scale, ratio, mode, aligned):
    shift = 0.5 if aligned else 0.0
    output = torch.zeros(len(rois), features.shape[1], *bins, dtype=features.dtype)
    for r, (batch, *corners) in enumerate(rois.tolist()):
        x1, y1, x2, y2 = (c * scale - shift for c in corners)
        sizes = [y2 - y1, x2 - x1]
        if not aligned:
            sizes = [max(size, 1.0) for size in sizes]
        steps = [size / count for size, count in zip(sizes, bins, strict=True)]
        grid = [ratio if ratio > 0 else math.ceil(step) for step in steps]
        for channel in range(features.shape[1]):
            for i in range(bins[0]):
                for j in range(bins[1]):
                    samples = [
                        bilinear(
                            features[int(batch), channel],
                            y1 + steps[0] * (i + (a + 0.5) / grid[0]),
                            x1 + steps[1] * (j + (b + 0.5) / grid[1]),
                        )
                        for a in range(grid[0])
                        for b in range(grid[1])
                    ]
                    value = (
                        max(samples) if mode == 'max' else sum(samples) / len(samples)
                    )
                    output[r, channel, i, j] = value
    return output


@pytest.mark.parametrize('aligned', [True, False])
@pytest.mark.parametrize('ratio', [0, 2])
@pytest.mark.parametrize('mode', ['avg', 'max'])
def test_roi_align_forward(mode, ratio, aligned):
    arguments = ((3, 2), 0.4, ratio, mode, aligned)
    output = ops.roi_align(feature_map(), ROIS, *arguments)
    expected = loop_roi_align(feature_map(), ROIS, *arguments)
    torch.testing.assert_close(output, expected)


@pytest.mark.parametrize('aligned', [True, False])
@pytest.mark.parametrize('ratio', [0, 2])
@pytest.mark.parametrize('mode', ['avg', 'max'])
def test_roi_align_gradient(mode, ratio, aligned):
    features = feature_map().requires_grad_()
    assert gradcheck(
        lambda x: ops.roi_align(x, ROIS, (3, 2), 0.4, ratio, mode, aligned), features
    )
    if mode == 'avg':
        weight = torch.randn(4, 3, 3, 2, dtype=torch.float64)
        ours = ops.roi_align(features, ROIS, (3, 2), 0.4, ratio, mode, aligned)
        theirs = torchvision.ops.roi_align(features, ROIS, (3, 2), 0.4, ratio, aligned)
        torch.testing.assert_close(
            torch.autograd.grad(ours, features, weight),
            torch.autograd.grad(theirs, features, weight),
        )


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_roi_align_in_half_precision(dtype):
    layer = ops.RoIAlign(2, spatial_scale=0.5, sampling_ratio=2)
    features, rois = feature_map().to(dtype).requires_grad_(), ROIS.to(dtype)
    output = layer(features, rois)
    assert output.dtype == dtype
    output.sum().backward()
    expected = layer(features.float(), rois.float())
    torch.testing.assert_close(output, expected.to(dtype))
    assert features.grad.dtype == dtype and features.grad.isfinite().all()


def test_no_regions():
    features = feature_map().requires_grad_()
    for output in (
        ops.roi_align(features, ROIS[:0], 2),
        ops.roi_align(features, ROIS[:0], 2, 1.0, 0, 'max'),
        ops.roi_pool(features, ROIS[:0], 2),
    ):
        assert output.shape == (0, 3, 2, 2)
        output.sum().backward()
    assert (features.grad == 0).all()


def loop_roi_pool(features, rois, bins, scale):
    output = torch.zeros(len(rois), features.shape[1], *bins, dtype=features.dtype)
    for r, (batch, x1, y1, x2, y2) in enumerate(rois.tolist()):
        x1, y1, x2, y2 = x1 * scale, y1 * scale, (x2 + 1) * scale, (y2 + 1) * scale
        step_y, step_x = (y2 - y1) / bins[0], (x2 - x1) / bins[1]
        for i in range(bins[0]):
            for j in range(bins[1]):
                pixels = [
                    features[int(batch), :, y, x]
                    for y in range(features.shape[2])
                    for x in range(features.shape[3])
                    if math.floor(y1 + i * step_y)
                    <= y
                    < math.ceil(y1 + (i + 1) * step_y)
                    and math.floor(x1 + j * step_x)
                    <= x
                    < math.ceil(x1 + (j + 1) * step_x)
                ]
                if pixels:
                    output[r, :, i, j] = torch.stack(pixels).max(dim=0).values
    return output


def test_roi_pool():
    features = feature_map().requires_grad_()
    output = ops.roi_pool(features, ROIS, (3, 2), 0.4)
    expected = loop_roi_pool(features.detach(), ROIS, (3, 2), 0.4)
    assert (expected == 0).any()  # an empty bin is among them
    torch.testing.assert_close(output, expected)
    assert gradcheck(lambda x: ops.roi_pool(x, ROIS, (3, 2), 0.4), features)
