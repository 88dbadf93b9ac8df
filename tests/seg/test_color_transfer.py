"""transfer_colors against Reinhard's formula in float64, and its limits."""

import numpy as np
import pytest
from skimage.color import lab2rgb, rgb2lab

pytest.importorskip('mmseg')

from sapiens_mm.seg.color_transfer import from_lab, to_lab, transfer_colors  # noqa: E402


def lab_of(pixels_bgr):
    """The same conversion by another library, in float64."""
    return rgb2lab(pixels_bgr[None, :, ::-1] / 255.0)[0]


def muted(seed, count, low=70, high=170):
    return np.random.RandomState(seed).randint(low, high, (count, 3)).astype(np.uint8)


def skin(count=500):
    noise = np.random.RandomState(3).randint(-12, 13, (count, 3))
    return (np.array([110, 140, 190]) + noise).astype(np.uint8)


def lawn(count=800):
    noise = np.random.RandomState(4).randint(-25, 26, (count, 3))
    return (np.array([40, 150, 50]) + noise).astype(np.uint8)


def test_lab_is_lab():
    pixels = np.random.RandomState(0).randint(0, 256, (4000, 3)).astype(np.uint8)
    assert to_lab(pixels).dtype == np.float32
    assert np.abs(to_lab(pixels) - lab_of(pixels)).max() < 1.0
    assert np.abs(to_lab(pixels) - lab_of(pixels)).mean() < 0.1
    back = from_lab(to_lab(pixels)).astype(int)
    assert np.abs(back - pixels).max() <= 1
    grey = from_lab(np.float32([[50, 0, 0], [100, 0, 0], [0, 0, 0], [150, 0, 0]]))
    assert (grey == np.array([[119] * 3, [255] * 3, [0] * 3, [255] * 3])).all()


@pytest.mark.parametrize('strength', [1.0, 0.35])
def test_the_formula(strength):
    pixels, reference = muted(1, 3000), muted(2, 2000, 90, 150)
    lab, target = lab_of(pixels), lab_of(reference)
    ratio = (target.std(0) / lab.std(0)) ** strength
    mean = lab.mean(0) + strength * (target.mean(0) - lab.mean(0))
    expected = lab2rgb(((lab - lab.mean(0)) * ratio + mean)[None])[0, :, ::-1] * 255
    got = transfer_colors(pixels, reference, strength)
    assert got.dtype == np.uint8
    difference = np.abs(got - expected)
    assert difference.max() < 2
    assert difference.mean() < 0.4  # rounding alone makes 0.25


def test_statistics_become_the_references():
    pixels, reference = skin(4000), muted(2, 5000)
    lab, target = (lab_of(x) for x in (transfer_colors(pixels, reference), reference))
    assert np.abs(lab.mean(0) - target.mean(0)).max() < 0.5
    assert np.abs(lab.std(0) / target.std(0) - 1).max() < 0.03
    assert np.abs(lab_of(pixels).std(0) / target.std(0) - 1).max() > 0.3


def test_limits_keep_a_face_from_turning_green():
    free = lab_of(transfer_colors(skin(), lawn())).mean(0)
    limits = dict(max_std_ratio=2.0, max_shift=(25.0, 12.0))
    held = lab_of(transfer_colors(skin(), lawn(), **limits)).mean(0)
    before = lab_of(skin()).mean(0)
    assert free[1] < -30  # green
    assert held[1] > 0  # still red
    assert np.hypot(*(held - before)[1:]) == pytest.approx(12, abs=0.5)
    direction = (free - before)[1:]
    along = (held - before)[1:] @ direction / np.hypot(*direction)
    assert along == pytest.approx(12, abs=0.5)


def test_each_limit_by_itself():
    dark, light = muted(1, 2000, 40, 60), muted(2, 2000, 60, 220)
    wide = lab_of(transfer_colors(dark, light, max_std_ratio=1.5)).std(0)
    # clipped at black and white, hence a little less
    assert wide[0] / lab_of(dark).std(0)[0] == pytest.approx(1.5, rel=0.03)
    narrow = lab_of(transfer_colors(light, dark, max_std_ratio=1.25)).std(0)
    assert narrow[0] / lab_of(light).std(0)[0] == pytest.approx(0.8, rel=0.03)
    shifted = transfer_colors(dark, light, max_std_ratio=1.0, max_shift=(10.0, 99.0))
    rise = (lab_of(shifted) - lab_of(dark)).mean(0)
    assert rise[0] == pytest.approx(10, abs=0.2)


def test_nothing_to_do():
    pixels, nothing = muted(1, 10), np.zeros((0, 3), np.uint8)
    assert transfer_colors(pixels, lawn(), 0.0) is pixels
    assert transfer_colors(pixels, nothing) is pixels
    assert transfer_colors(nothing, pixels) is nothing


def test_flat_colours_move_and_stay_flat():
    flat = np.full((50, 3), 100, np.uint8)
    moved = transfer_colors(flat, muted(1, 1000))
    assert (moved == moved[0]).all()
    expected = lab_of(muted(1, 1000)).mean(0)
    assert np.abs(lab_of(moved)[0] - expected).max() < 1
