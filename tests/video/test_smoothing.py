"""The One-Euro filter against closed formulas, and what it does to keypoints."""

import math

import numpy as np
import pytest

from sapiens_mm.video.smoothing import (
    KeypointSmoother,
    OneEuroFilter,
    OneEuroOptions,
    smoothing_factor,
)

BOX = np.array([[100, 50, 200, 450]], np.float32)  # 400 pixels high


def run(options, samples, rate_hz=30.0, size=1.0):
    """Filter numbers; return as many."""
    one_euro = OneEuroFilter(options)
    return np.array(
        [one_euro([x], i / rate_hz, size)[0] for i, x in enumerate(samples)]
    )


def test_smoothing_factor():
    # tau = 1 / (2 pi 0.5) = 0.3183 s: 1 / (1 + 0.3183 / 0.1) = 0.23905
    assert smoothing_factor(0.5, 0.1) == pytest.approx(0.2390572, abs=1e-7)
    assert smoothing_factor(1.0, 1e9) == pytest.approx(1)


def test_first_sample_and_constant_pass_exactly():
    found = run(OneEuroOptions(0.1, 3.0), [0.1] * 50)
    np.testing.assert_array_equal(found, 0.1)
    first = OneEuroFilter()(np.array([[3.25, -7.5]]), 12.0)
    np.testing.assert_array_equal(first, [[3.25, -7.5]])


@pytest.mark.parametrize('rate_hz', [10, 60])
@pytest.mark.parametrize('cutoff_hz', [0.5, 2.0])
def test_step_response_without_beta(rate_hz, cutoff_hz):
    """1 - (1 - a)^n: exponential smoothing, the weight by rate and cutoff."""
    found = run(OneEuroOptions(cutoff_hz, 0.0), [0.0] + [1.0] * 40, rate_hz)
    a = 1 / (1 + rate_hz / (2 * math.pi * cutoff_hz))
    np.testing.assert_allclose(found, 1 - (1 - a) ** np.arange(41), rtol=1e-12)


def test_second_and_third_sample_with_beta():
    """The paper's algorithm by hand: 0, 1, 1 at 10 Hz, cutoffs 1, beta 0.5."""
    a = 1 / (1 + 10 / (2 * math.pi))
    speed = a * 10.0  # edx after dx = (1 - 0) * 10
    cutoff = 1 + 0.5 * speed
    b = 1 / (1 + 10 / (2 * math.pi * cutoff))
    second = b
    speed += a * ((1 - second) * 10 - speed)  # from the filtered value before
    c = 1 / (1 + 10 / (2 * math.pi * (1 + 0.5 * speed)))
    third = second + c * (1 - second)
    found = run(OneEuroOptions(1.0, 0.5, 1.0), [0, 1, 1], 10)
    np.testing.assert_allclose(found, [0, second, third], rtol=1e-12)


def test_uneven_steps_count():
    """Without beta, a gap of three steps weighs as 1 / (1 + tau / (3 steps))."""
    one_euro = OneEuroFilter(OneEuroOptions(1.0, 0.0))
    one_euro([0.0], 0.0)
    tau = 1 / (2 * math.pi)
    assert one_euro([1.0], 0.3)[0] == pytest.approx(1 / (1 + tau / 0.3))


def test_a_ramp_lags_by_tau_times_speed():
    found = run(OneEuroOptions(2.0, 0.0), np.arange(300) * 5 / 30)
    lag = np.arange(300)[-1] * 5 / 30 - found[-1]
    assert lag == pytest.approx(5 / (2 * math.pi * 2.0), rel=1e-6)


@pytest.mark.parametrize('speed', [0.1, 1.0, 8.0])
@pytest.mark.parametrize('rate_hz', [15, 120])
def test_lag_is_below_what_the_docs_state(speed, rate_hz):
    options = OneEuroOptions()
    samples = np.arange(6 * rate_hz) * speed / rate_hz
    lag = samples[-1] - run(options, samples, rate_hz)[-1]
    assert 0 < lag < 1 / (2 * math.pi * options.beta)


def test_vectors_do_not_depend_on_the_axes():
    samples = np.random.default_rng(0).normal(size=(20, 2)).cumsum(0)
    turn = np.array([[math.cos(1), -math.sin(1)], [math.sin(1), math.cos(1)]])
    plain, turned = OneEuroFilter(), OneEuroFilter()
    for i, sample in enumerate(samples):
        expected = turn @ plain(sample, i / 30)
        np.testing.assert_allclose(turned(turn @ sample, i / 30), expected)


def test_size_scales_the_image():
    """Twice the resolution, twice the size of the person: twice the result."""
    samples = np.random.default_rng(1).normal(size=60).cumsum()
    small = run(OneEuroOptions(), samples, size=100)
    np.testing.assert_allclose(run(OneEuroOptions(), 2 * samples, size=200), 2 * small)
    assert not np.allclose(run(OneEuroOptions(), samples, size=200), small)


def test_wrong_values():
    for wrong in (dict(min_cutoff_hz=0), dict(derivative_cutoff_hz=-1), dict(beta=-1)):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            OneEuroOptions(**wrong)
    one_euro = OneEuroFilter()
    one_euro([1.0], 2.0)
    with pytest.raises(ValueError, match='time_s must grow: got 2.0 after 2.0'):
        one_euro([1.0], 2.0)
    with pytest.raises(ValueError, match=r'holds shape \(1,\), got \(2,\)'):
        one_euro([1.0, 2.0], 3.0)


def smooth(points, scores, boxes=None, rate_hz=30, **options):
    """Run one person (T, K, 2) through a smoother."""
    smoother = KeypointSmoother(**options)
    boxes = [BOX] * len(points) if boxes is None else boxes
    return np.array(
        [
            smoother(p[None], s[None], b, np.array([7]), i / rate_hz)[0]
            for i, (p, s, b) in enumerate(zip(points, scores, boxes, strict=True))
        ]
    )


def test_jitter_is_more_than_halved():
    rng = np.random.default_rng(0)
    points = [150, 250] + rng.normal(0, 2, (300, 3, 2))  # 0.5 % of the box
    found = smooth(points, np.ones((300, 3)))[30:]
    assert found.std(0).max() < 0.5 * points[30:].std(0).min()
    assert abs(found.mean((0, 1)) - [150, 250]).max() < 0.3


def test_a_low_score_neither_drags_nor_jumps():
    points = np.tile([150.0, 250.0], (30, 2, 1))
    scores = np.ones((30, 2))
    points[10:15, 0], scores[10:15, 0] = (900, 5), 0.1
    found = smooth(points, scores)
    np.testing.assert_array_equal(found, np.tile([150, 250], (30, 2, 1)))
    # the same outlier with a good score does move it
    found = smooth(points, np.ones((30, 2)))
    assert abs(found[10:20, 0] - [150, 250]).max() > 100
    np.testing.assert_array_equal(found[:, 1], np.tile([150, 250], (30, 1)))


def test_an_unseen_keypoint_moves_with_the_box():
    shift = 10.0 * np.arange(30)[:, None, None]
    points = np.tile([150.0, 250.0], (30, 2, 1)) + shift * [1, 0]
    boxes = BOX + shift * [1, 0, 1, 0]
    scores = np.ones((30, 2))
    points[10:14, 0], scores[10:14, 0] = (900, 5), 0.1
    found = smooth(points, scores, boxes)
    # as if it had been seen, within 1 % of the box; nothing jumps on its return
    assert np.linalg.norm(found[:, 0] - found[:, 1], axis=-1).max() < 4


def test_after_a_long_time_it_starts_anew():
    points = np.tile([150.0, 250.0], (40, 1, 1))
    scores = np.ones((40, 1))
    scores[5:30] = 0.1
    points[30:] = 300, 300
    found = smooth(points, scores)
    np.testing.assert_array_equal(found[30], [[300, 300]])
    held = smooth(points, scores, hold_s=10)
    assert 100 < abs(held[30] - points[29]).sum() < 199


def test_persons_do_not_mix():
    smoother = KeypointSmoother()
    boxes, scores = np.repeat(BOX, 2, 0), np.ones((2, 1))
    points = np.array([[[10.0, 10]], [[500, 500]]])
    smoother(points, scores, boxes, np.array([1, 2]), 0.0)
    found = smoother(points[::-1], scores, boxes, np.array([2, 1]), 0.1)
    np.testing.assert_array_equal(found, points[::-1])
    assert found.dtype == np.float32
    # who was away for longer than hold_s is somebody new
    alone = smoother(points[:1] + 99, scores[:1], BOX, np.array([2]), 0.2)
    assert alone[0, 0, 0] != 109
    smoother(points[1:], scores[1:], BOX, np.array([1]), 0.9)
    back = smoother(points[:1], scores[:1], BOX, np.array([2]), 1.0)
    np.testing.assert_array_equal(back, points[:1])
