"""What the camera makes of light."""

from dataclasses import replace

import numpy as np
import pytest

from sapiens_mm.synth.render.sensor import (
    Sensor,
    expose,
    sample_sensor,
    take,
    tone_curve,
)
from sapiens_mm.synth.scene_settings import SceneSettings

PLAIN = Sensor(
    exposure=0.0,
    gains=np.ones(3),
    contrast=1.0,
    saturation=1.0,
    vignette=0.0,
    noise=0.0,
    blur_px=0.0,
    motion_px=np.zeros(2),
    jpeg_quality=0,
    seed=1,
)


def flat(value, hw=(64, 80)):
    return np.full((*hw, 3), value, np.float32)


@pytest.mark.parametrize('contrast', [0.8, 1.0, 1.3])
def test_the_tone_curve_rises_from_black_to_white_through_a_fixed_grey(contrast):
    curve = tone_curve(contrast)
    light = np.linspace(0, 6, len(curve))
    assert curve[0] == 0 and 245 < curve[-1] <= 255
    assert (np.diff(curve) >= 0).all()
    # 0.18 through the filmic fraction and the sRGB gamma, by hand
    film = 0.18 * (2.51 * 0.18 + 0.03) / (0.18 * (2.43 * 0.18 + 0.59) + 0.14)
    want = 255 * (1.055 * film ** (1 / 2.4) - 0.055)
    assert np.interp(0.18, light, curve) == pytest.approx(want, abs=0.3)


def test_colours_come_out_in_blue_green_red_order():
    light = flat(0.0)
    light[..., 0] = 0.5
    image = take(light, 1.0, PLAIN)
    assert image.dtype == np.uint8
    assert image[..., 2].min() > 150 and image[..., :2].max() == 0


def test_stops_double_the_light_and_grey_has_no_colour():
    brighter = take(flat(0.1), 2.0, PLAIN)
    np.testing.assert_array_equal(
        brighter, take(flat(0.1), 1.0, replace(PLAIN, exposure=1.0))
    )
    light = np.random.default_rng(0).random((32, 32, 3)).astype(np.float32)
    grey = take(light, 1.0, replace(PLAIN, saturation=0.0))
    assert np.ptp(grey.astype(int), axis=2).max() <= 1


def test_noise_has_the_standard_deviation_that_was_asked_for():
    sensor = replace(PLAIN, noise=0.02)
    image = take(flat(0.18, (200, 200)), 1.0, sensor).astype(float)
    level = image.mean()
    want = 255 * 0.02 * (1.3 - 0.0024 * level)
    np.testing.assert_allclose(image.std((0, 1)), want, rtol=0.05)
    # neighbours and channels: little and some correlation
    left, right = image[:, :-1, 0].ravel(), image[:, 1:, 0].ravel()
    assert abs(np.corrcoef(left, right)[0, 1]) < 0.03
    assert 0.2 < np.corrcoef(image[..., 0].ravel(), image[..., 1].ravel())[0, 1] < 0.5
    np.testing.assert_array_equal(image, take(flat(0.18, (200, 200)), 1.0, sensor))
    other = take(flat(0.18, (200, 200)), 1.0, replace(sensor, seed=2))
    assert (other != image).mean() > 0.5


def test_blur_and_shake_keep_the_light_and_spread_it():
    light = flat(0.0)
    light[32, 40] = 4.0
    still = take(light, 1.0, PLAIN)
    assert (still > 0).any(2).sum() == 1
    blurred = take(light.copy(), 1.0, replace(PLAIN, blur_px=1.5))
    assert (blurred > 8).any(2).sum() > 9
    shaken = take(light.copy(), 1.0, replace(PLAIN, motion_px=np.array([9.0, 0])))
    rows, columns = np.nonzero((shaken > 0).any(2))
    assert set(rows) == {32} and 8 <= np.ptp(columns) <= 10


def test_exposure_looks_at_the_people():
    people = np.zeros((64, 80), bool)
    people[16:48, 20:60] = True
    light = flat(0.05)
    light[people] = 0.4
    dark = flat(0.4)
    dark[people] = 0.05
    assert expose(dark, people) > 1.5 * expose(light, people)
    # twice the light, half the gain
    ratio = expose(light, people) / expose(2 * light, people)
    assert ratio == pytest.approx(2, rel=0.03)


def test_jpeg_comes_and_goes_with_its_setting():
    rng = np.random.default_rng(0)
    always = [sample_sensor(rng, SceneSettings(jpeg=1.0), 512) for _ in range(20)]
    assert all(45 <= s.jpeg_quality <= 97 for s in always)
    assert all(
        sample_sensor(rng, SceneSettings(jpeg=0.0), 512).jpeg_quality == 0 for _ in 'ab'
    )
    light = np.random.default_rng(1).random((64, 64, 3)).astype(np.float32)
    poor = take(light.copy(), 1.0, replace(PLAIN, jpeg_quality=20))
    assert poor.shape == (64, 64, 3)
    assert np.abs(poor.astype(int) - take(light, 1.0, PLAIN)).mean() > 5
