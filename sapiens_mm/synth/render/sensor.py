"""From linear light to the image that a camera stores."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from sapiens_mm.synth.core.jit import lean_kernel
from sapiens_mm.synth.scene_settings import SceneSettings

_STEPS = 4096
_BRIGHTEST = 6.0  # light that the tone curve still tells from more
_GREY = 0.18  # reflectance of a photographer's grey card
_REFERENCE_HEIGHT = 1024  # of the image for which lengths in pixels are given
_SHAKE_PX, _MAX_GAIN = (3, 12), 2.0
_CONTRAST, _SATURATION, _VIGNETTE = (0.85, 1.25), (0.75, 1.2), (0, 0.3)

# Automatic exposure: the brightness that the image shall have, how much people count in
# it against all, and what the bright parts may reach. Skin in the sun must keep its
# colour, so people may not come near to white.
_TARGET, _PEOPLE_COUNT = 0.15, 0.6
_BRIGHT_PERCENTILE, _BRIGHT = 88, 1.3
_SKIN_PERCENTILE, _SKIN = 95, 0.6


@dataclass(frozen=True)
class Sensor:
    """How one image was taken.

    Attributes:
        exposure: Stops away from the automatic exposure.
        gains: (3,) white balance of R, G, B.
        contrast: Slope of the tone curve, 1 is plain.
        saturation: 1 is plain, 0 grey.
        vignette: Loss of light in the corners, 0 to 1.
        noise: Standard deviation at middle grey, of full scale.
        blur_px: Standard deviation of the lens blur in pixels.
        motion_px: (2,) path of the camera's shake in pixels; zeros for none.
        jpeg_quality: 0 for none.
        seed: Of the noise.
    """

    exposure: float
    gains: np.ndarray
    contrast: float
    saturation: float
    vignette: float
    noise: float
    blur_px: float
    motion_px: np.ndarray
    jpeg_quality: int
    seed: int


def sample_sensor(
    rng: np.random.Generator, settings: SceneSettings, height: int
) -> Sensor:
    """Draw a camera's settings for images of ``height`` pixels."""
    gains = 1 + settings.white_balance * rng.normal(0, 1, 3)
    angle, length = (
        rng.uniform(0, np.pi),
        rng.uniform(*_SHAKE_PX) * height / _REFERENCE_HEIGHT,
    )
    shake = np.array([np.cos(angle), np.sin(angle)]) * length
    moving = rng.random() < settings.motion_blur
    grey = rng.random() < settings.grayscale
    low, high = settings.noise
    return Sensor(
        # blown-out skin is worse than dark skin
        exposure=float(np.clip(rng.normal(-0.2, 1), -2.2, 1.6) * settings.exposure_ev),
        gains=np.clip(gains, 1 / _MAX_GAIN, _MAX_GAIN),
        contrast=float(rng.uniform(*_CONTRAST)),
        saturation=0.0 if grey else float(rng.uniform(*_SATURATION)),
        vignette=float(rng.uniform(*_VIGNETTE) if rng.random() < 0.5 else 0),
        # mostly little, sometimes a lot
        noise=float(low + (high - low) * rng.random() ** 2),
        blur_px=settings.draw('blur_px', rng) * height / _REFERENCE_HEIGHT,
        motion_px=shake if moving else np.zeros(2),
        jpeg_quality=round(settings.draw('jpeg_quality', rng))
        if rng.random() < settings.jpeg
        else 0,
        seed=int(rng.integers(2**31)),
    )


def tone_curve(contrast: float) -> np.ndarray:
    """Return display values 0 to 255 (4096,) float32 of light from 0 to 6.

    A filmic shoulder over the sRGB gamma; light of 0.18 comes out as middle grey
    whatever the contrast.
    """
    light = np.linspace(0, _BRIGHTEST, _STEPS)
    pushed = _GREY * (light / _GREY) ** contrast
    # Narkowicz' fit of the ACES film curve, then the sRGB standard's curve
    film = pushed * (2.51 * pushed + 0.03) / (pushed * (2.43 * pushed + 0.59) + 0.14)
    film = np.clip(film, 0, 1)
    srgb = np.where(film < 0.0031308, 12.92 * film, 1.055 * film ** (1 / 2.4) - 0.055)
    return (255 * srgb).astype(np.float32)


def expose(light: np.ndarray, people: np.ndarray) -> float:
    """Return the gain of an automatic exposure that looks at people and at all.

    Args:
        light: (H, W, 3) float32 linear RGB.
        people: (H, W) bool.
    """
    grey = light[::4, ::4].mean(-1) + 1e-3
    seen = grey[people[::4, ::4]]
    # geometric: one lamp does not decide
    whole = np.exp(np.log(grey).mean())
    subject = np.exp(np.log(seen).mean()) if len(seen) else whole
    gain = _TARGET / (whole ** (1 - _PEOPLE_COUNT) * subject**_PEOPLE_COUNT)
    limit = _BRIGHT / np.percentile(grey, _BRIGHT_PERCENTILE)
    if len(seen):
        limit = min(limit, _SKIN / np.percentile(seen, _SKIN_PERCENTILE))
    return float(np.clip(min(gain, limit), 0.02, 60))


def take(light: np.ndarray, gain: float, sensor: Sensor) -> np.ndarray:
    """Develop linear light.

    Args:
        light: (H, W, 3) float32 linear RGB; may be changed.
        gain: Of ``expose``.
        sensor: The camera.

    Returns:
        (H, W, 3) uint8 BGR.
    """
    if sensor.motion_px.any():
        light = cv2.filter2D(light, -1, _path(sensor.motion_px))
    # narrower than a quarter of a pixel changes nothing
    if sensor.blur_px > 0.25:
        light = cv2.GaussianBlur(light, (0, 0), sensor.blur_px)
    gains = gain * 2.0**sensor.exposure * sensor.gains
    image = np.empty(light.shape, np.uint8)
    _develop(
        light,
        gains.astype(np.float32),
        tone_curve(sensor.contrast),
        np.float32(sensor.saturation),
        np.float32(sensor.vignette),
        np.float32(255 * sensor.noise),
        np.uint32(sensor.seed),
        image,
    )
    if sensor.jpeg_quality:
        quality = [cv2.IMWRITE_JPEG_QUALITY, sensor.jpeg_quality]
        image = cv2.imdecode(cv2.imencode('.jpg', image, quality)[1], cv2.IMREAD_COLOR)
    return image


def _path(shake: np.ndarray) -> np.ndarray:
    """Kernel of a straight shake (2,) in pixels."""
    half = int(np.ceil(np.abs(shake).max() / 2)) + 1
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    # many steps a pixel, so that no pixel of the path is left out
    for t in np.linspace(-0.5, 0.5, 8 * half):
        x, y = np.round(half + t * shake).astype(int)
        kernel[y, x] += 1
    return kernel / kernel.sum()


@lean_kernel
def _mix(state):
    # Marsaglia's xorshift: three shifts, and the same bits on every machine
    """Next 32 random bits."""
    state = np.uint32(state ^ np.uint32(state << np.uint32(13)))
    state = np.uint32(state ^ np.uint32(state >> np.uint32(17)))
    return np.uint32(state ^ np.uint32(state << np.uint32(5)))


@lean_kernel
def _bell(bits):
    """About normal with variance 1: the sum of four bytes."""
    total = (bits & np.uint32(255)) + ((bits >> np.uint32(8)) & np.uint32(255))
    total += ((bits >> np.uint32(16)) & np.uint32(255)) + (bits >> np.uint32(24))
    # the sum of four bytes has mean 510 and deviation 147.8
    return (np.float32(total) - np.float32(510)) * np.float32(1 / 147.8)


@lean_kernel
def _develop(light, gains, curve, saturation, vignette, noise, seed, image):
    height, width = light.shape[:2]
    step = np.float32((_STEPS - 1) / _BRIGHTEST)
    state = np.uint32(seed * np.uint32(2654435761) + np.uint32(1))
    # xorshift never leaves 0
    if state == 0:
        state = np.uint32(1)
    across, down = np.float32(2 / width), np.float32(2 / height)
    for y in range(height):
        v = (y + np.float32(0.5)) * down - 1
        for x in range(width):
            u = (x + np.float32(0.5)) * across - 1
            dim = 1 - vignette * np.float32(0.5) * (u * u + v * v)
            r = light[y, x, 0] * gains[0] * dim
            g = light[y, x, 1] * gains[1] * dim
            b = light[y, x, 2] * gains[2] * dim
            # weights of the eye: green counts most
            grey = np.float32(0.3) * r + np.float32(0.59) * g + np.float32(0.11) * b
            state = _mix(state)
            # some grain is common to all channels
            common = _bell(state)
            for c in range(3):
                value = b if c == 0 else (g if c == 1 else r)
                value = grey + saturation * (value - grey)
                place = max(np.float32(0), value) * step
                # below the last entry, as its right neighbour is read
                place = min(place, np.float32(_STEPS - 1.001))
                i = int(place)
                tone = curve[i] + (place - i) * (curve[i + 1] - curve[i])
                state = _mix(state)
                grain = np.float32(0.6) * common + np.float32(0.8) * _bell(state)
                # shadows are noisier than lights
                tone += grain * noise * (np.float32(1.3) - tone * np.float32(0.0024))
                image[y, x, c] = np.uint8(
                    min(np.float32(255), max(np.float32(0), tone + np.float32(0.5)))
                )
