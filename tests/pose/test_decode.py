"""Decoding on the device against mmpose's codec and against closed forms."""

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate

pytest.importorskip('mmpose')

from mmpose.codecs import UDPHeatmap  # noqa: E402
from mmpose.models.heads import HeatmapHead  # noqa: E402

from sapiens_mm.pose import SapiensHeatmapHead, decode_udp_heatmaps  # noqa: E402

FULL_HW = (256, 192)
SMALL_HW = (64, 48)


def make_codec(hw, kernel=11):
    size = hw[1] * 4, hw[0] * 4
    return UDPHeatmap(size, hw[::-1], sigma=6, blur_kernel_size=kernel)


def decode(maps, **kwargs):
    input_wh = maps.shape[3] * 4, maps.shape[2] * 4
    return decode_udp_heatmaps(maps, input_wh=input_wh, **kwargs)


def mmpose_decode(maps, kernel=11):
    codec = make_codec(tuple(maps.shape[2:]), kernel)
    found = [codec.decode(one.float().numpy()) for one in maps]
    return tuple(np.concatenate(values) for values in zip(*found, strict=True))


def check_equal(maps, share=0.999, kernel=11):
    """Scores to the last bit, keypoints within 0.01 px; return the keypoints."""
    keypoints, scores = decode(maps, blur_kernel_size=kernel)
    expected, expected_scores = mmpose_decode(maps, kernel)
    assert keypoints.shape == expected.shape
    assert keypoints.dtype == scores.dtype == torch.float32
    np.testing.assert_array_equal(scores.numpy(), expected_scores)
    off_px = np.abs(keypoints.numpy() - expected).max(-1)
    assert (off_px <= 0.01).mean() >= share, np.sort(off_px.ravel())[-5:]
    return keypoints


def smooth(batch, count, hw):
    grid = torch.randn(batch, count, hw[0] // 8, hw[1] // 8)
    return interpolate(grid, size=hw, mode='bicubic')


KINDS = {
    'uniform': torch.rand,
    'normal': torch.randn,
    'all pixels below 1e-3': lambda *s: torch.rand(s) * 9e-4,
    'pixels around 1e-3': lambda *s: torch.rand(s) * 3e-3,
    'tiny and signed': lambda *s: torch.randn(s) * 1e-3,
    'above 50': lambda *s: torch.rand(s) * 120,
    'signed above 50': lambda *s: torch.randn(s) * 30,
    'smooth': lambda b, k, h, w: smooth(b, k, (h, w)),
    'smooth and tiny': lambda b, k, h, w: smooth(b, k, (h, w)) * 1e-3,
    'smooth above 50': lambda b, k, h, w: smooth(b, k, (h, w)) * 40,
    'flat': lambda b, k, h, w: smooth(b, k, (h, w)) * 0.01 + 5,
    'plateaus': lambda b, k, h, w: (smooth(b, k, (h, w)) * 4).round(),
}


@pytest.mark.parametrize('kind', KINDS)
def test_random_maps_equal_mmposes(kind):
    check_equal(KINDS[kind](16, 133, *SMALL_HW))


@pytest.mark.parametrize('count', [17, 133, 308])
@pytest.mark.parametrize('kind', ['uniform', 'normal', 'smooth'])
def test_full_size_maps_equal_mmposes(kind, count):
    check_equal(KINDS[kind](2, count, *FULL_HW))


def encoded(codec, points):
    """Heatmaps (B, K, h, w) of points (B, K, 2) in input pixels."""
    maps = [codec.encode(one[None])['heatmaps'] for one in points.astype(np.float32)]
    return torch.from_numpy(np.stack(maps))


@pytest.mark.parametrize('noise', [0, 1e-3, 0.02])
def test_encoded_people_equal_mmposes(noise):
    codec = make_codec(FULL_HW)
    # on the border, beyond it and inside
    points = np.random.uniform(-20, np.array(codec.input_size) + 20, (3, 308, 2))
    maps = encoded(codec, points)
    maps = maps + noise * torch.randn(maps.shape)
    assert (maps.amax((2, 3)) > 0).float().mean() > 0.99
    maps[maps.amax((2, 3)) <= 0] = maps[0, 0].clone()
    check_equal(maps, share=1)


@pytest.mark.parametrize('sigma', [2, 6])
def test_centre_of_a_gaussian_is_recovered(sigma):
    centre = np.random.uniform(25, np.array(FULL_HW[::-1]) - 26, (64, 2))
    x, y = np.arange(FULL_HW[1]), np.arange(FULL_HW[0])[:, None]
    maps = [np.exp(-((x - a) ** 2 + (y - b) ** 2) / 2 / sigma**2) for a, b in centre]
    keypoints, scores = decode(torch.from_numpy(np.stack(maps)[None]))
    unit = np.array([768, 1024]) / (191, 255)  # input pixels of a heatmap pixel
    np.testing.assert_allclose(keypoints[0].numpy(), centre * unit, atol=0.05)
    nearest = np.exp(-((centre - centre.round()) ** 2).sum(1) / 2 / sigma**2)
    np.testing.assert_allclose(scores[0].numpy(), nearest, rtol=1e-5)


def test_peaks_on_borders_and_corners():
    h, w = SMALL_HW
    rows, cols = [0, 1, 2, 30, h - 3, h - 2, h - 1], [0, 1, 2, 20, w - 3, w - 2, w - 1]
    places = [(y, x) for y in rows for x in cols]
    spikes = torch.zeros(1, len(places), h, w)
    for index, place in enumerate(places):
        spikes[0, index][place] = 0.7
    check_equal(spikes, share=1)
    ramp = torch.linspace(1, 2, h)[:, None] * torch.linspace(1, 2, w)
    ramps = torch.stack([ramp, ramp.flip(0), ramp.flip(1), ramp.flip(0, 1)])
    check_equal(ramps[None], share=1)
    check_equal(spikes + 0.1 * torch.rand(spikes.shape), share=1)


def test_first_of_equal_peaks_wins():
    maps = torch.zeros(1, 3, *SMALL_HW)
    maps[0, 0, 40, 10] = maps[0, 0, 40, 30] = maps[0, 0, 50, 5] = 1
    maps[0, 1, 20:35, 10:25] = 1  # wider than the blur's kernel
    maps[0, 2] = 0.5
    keypoints = check_equal(maps, share=1)
    unit = torch.tensor([192 / 47, 256 / 63])
    expected = torch.tensor([10.0, 40.0]) * unit
    torch.testing.assert_close(keypoints[0, 0], expected, rtol=0, atol=1e-3)


def test_maps_without_a_positive_value():
    """One pixel up and left of the map, as mmpose has it; finite for zeros too."""
    maps = -torch.rand(1, 1, *SMALL_HW) - 0.1
    check_equal(maps, share=1)
    maps = torch.cat([torch.rand(1, 2, *SMALL_HW), maps, torch.zeros_like(maps)], 1)
    keypoints, scores = decode(maps)
    outside = torch.tensor([-192 / 47, -256 / 63]).expand(2, 2)
    torch.testing.assert_close(keypoints[0, 2:], outside)
    assert scores[0, 2] < 0 and scores[0, 3] == 0
    with np.errstate(all='ignore'):
        expected = mmpose_decode(maps)[0]
    np.testing.assert_allclose(keypoints[0, :2], expected[0, :2], atol=0.01)


def test_nan_is_not_hidden():
    maps = torch.rand(1, 2, *SMALL_HW)
    maps[0, 1, 3, 4] = torch.nan
    keypoints, scores = decode(maps)
    assert keypoints[0].isnan().all(1).tolist() == [False, True]
    assert scores[0].isnan().tolist() == [False, True]


@pytest.mark.parametrize('kernel', [3, 5, 7, 9, 17])
def test_other_kernels(kernel):
    check_equal(smooth(4, 133, SMALL_HW), kernel=kernel)
    check_equal(torch.randn(4, 133, *SMALL_HW), kernel=kernel)


@pytest.mark.parametrize('hw', [(2, 2), (5, 4), (16, 12), (17, 33)])
def test_small_and_odd_maps(hw):
    check_equal(torch.rand(32, 17, *hw) + 0.01)


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16, torch.float64])
@pytest.mark.parametrize('kind', ['smooth', 'normal'])
def test_other_types_equal_their_float32(dtype, kind):
    maps = KINDS[kind](2, 133, *SMALL_HW).to(dtype)
    got, expected = decode(maps), decode(maps.float())
    assert torch.equal(got[0], expected[0]) and torch.equal(got[1], expected[1])


def test_memory_layout_and_batch_do_not_matter():
    maps = torch.cat([smooth(3, 20, SMALL_HW), torch.randn(3, 20, *SMALL_HW)], 1)
    expected = decode(maps)
    layouts = [
        maps.to(memory_format=torch.channels_last),
        maps.flip(-1).contiguous().flip(-1),
        maps.transpose(2, 3).contiguous().transpose(2, 3),
        maps.clone().requires_grad_(),
    ]
    for other in layouts:
        assert all(map(torch.equal, decode(other), expected))
    alone = [decode(maps[i : i + 1]) for i in range(3)]
    for index in (0, 1):
        assert torch.equal(torch.cat([a[index] for a in alone]), expected[index])
    copy = maps.clone()
    with torch.autocast('cpu', torch.bfloat16), torch.inference_mode():
        assert all(map(torch.equal, decode(maps), expected))
    assert torch.equal(maps, copy)
    keypoints, scores = decode(maps[:0])
    assert keypoints.shape == (0, 40, 2) and scores.shape == (0, 40)


def test_what_other_devices_do(monkeypatch):
    """Clipped maps are blurred whole on the device, in parts of the batch."""
    maps = torch.cat([smooth(4, 133, SMALL_HW) * f for f in (1e-3, 1, 40)], 1)
    maps[maps.amax((2, 3)) <= 0] = 1e-3
    expected = decode(maps)
    monkeypatch.setattr(torch.Tensor, 'is_cpu', False)
    keypoints, scores = decode(maps)
    assert torch.equal(scores, expected[1])
    assert ((keypoints - expected[0]).abs() <= 0.01).float().mean() >= 0.999


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device')
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
@pytest.mark.parametrize('scale', [1, 1e-3, 40])
def test_gpu_equals_cpu(dtype, scale):
    maps = (smooth(2, 308, FULL_HW) * scale).to(dtype)
    expected = decode(maps)
    keypoints, scores = decode(maps.cuda())
    assert torch.equal(scores.cpu(), expected[1])
    assert ((keypoints.cpu() - expected[0]).abs() <= 0.01).float().mean() >= 0.999


@pytest.mark.parametrize(
    ('shape', 'kernel', 'match'),
    [
        ((17, 64, 48), 11, r'got \(17, 64, 48\)'),
        ((1, 17, 1, 48), 11, r'at least 2, got \(1, 17, 1, 48\)'),
        ((1, 17, 64, 48), 10, 'odd and at least 3, got 10'),
        ((1, 17, 64, 48), 1, 'odd and at least 3, got 1'),
    ],
)
def test_bad_arguments_are_refused(shape, kernel, match):
    with pytest.raises(ValueError, match=match):
        decode_udp_heatmaps(
            torch.zeros(shape), input_wh=(192, 256), blur_kernel_size=kernel
        )


SIZES = dict(input_size=(48, 64), heatmap_size=(12, 16))


@pytest.mark.parametrize(
    ('decoder', 'on_device'),
    [
        (dict(type='UDPHeatmap', **SIZES, sigma=1.0), True),
        (dict(type='UDPHeatmap', **SIZES, sigma=1.0, blur_kernel_size=5), True),
        (dict(type='UDPHeatmap', **SIZES, heatmap_type='combined'), False),
        (dict(type='MSRAHeatmap', **SIZES, sigma=1.0), False),
        (dict(type='MegviiHeatmap', **SIZES, kernel_size=3), False),
    ],
)
def test_head_returns_what_mmposes_returns(decoder, on_device, monkeypatch):
    widths = dict(deconv_out_channels=(8,), deconv_kernel_sizes=(4,))
    widths |= dict(conv_out_channels=(8,), conv_kernel_sizes=(1,))
    ours = SapiensHeatmapHead(8, 6, **widths, decoder=decoder)
    host = HeatmapHead(8, 6, **widths, decoder=decoder)
    maps = torch.rand(3, 6, 16, 12, requires_grad=True)
    expected = host.decode(maps)
    if on_device:
        monkeypatch.setattr(ours.decoder, 'decode', None)
    found = ours.decode(maps)
    assert len(found) == 3
    for got, wanted in zip(found, expected, strict=True):
        assert sorted(got.keys()) == sorted(wanted.keys())
        for key, value in wanted.items():
            assert type(got[key]) is type(value) is np.ndarray
            assert (got[key].dtype, got[key].shape) == (value.dtype, value.shape)
            np.testing.assert_allclose(got[key], value, atol=0.01)
            assert got[key].flags.writeable


def test_head_without_decoder_says_so():
    head = SapiensHeatmapHead(8, 6)
    with pytest.raises(RuntimeError, match='decoder has not been set'):
        head.decode(torch.rand(1, 6, 16, 12))
