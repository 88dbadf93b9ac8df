"""Surfaces for drawn backgrounds: plaster, stripes, checks, bricks, planks, marble.

Images are (H, W, 3) float32 BGR, 0 to 1.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

Array = np.ndarray


def random_color(rng: np.random.Generator) -> Array:
    """Return a BGR colour, (3,) float32; dull ones are more frequent than loud ones."""
    hsv = [rng.uniform(0, 360), rng.beta(1.2, 2.5), rng.uniform(0.12, 1.0)]
    return cv2.cvtColor(np.float32([[hsv]]), cv2.COLOR_HSV2BGR)[0, 0]


def blend(canvas: Array, color: Array, share: Array) -> Array:
    """Mix an image (H, W, 3) with another, or a colour, by shares (H, W)."""
    share = np.float32(share)[..., None]
    return canvas * (1 - share) + np.float32(color) * share


def noise(
    rng: np.random.Generator, hw: tuple[int, int], cells: int, octaves: int
) -> Array:
    """Return smooth noise, (H, W) float32 in [0, 1], from octaves of value noise.

    Args:
        rng: Where the numbers come from.
        hw: Size in pixels.
        cells: Bumps of the coarsest octave along the longer side.
        octaves: Each doubles the bumps and halves the height.
    """
    height, width = hw
    total = np.zeros(hw, np.float32)
    for octave in range(octaves):
        count = cells * 2**octave
        rows, columns = (
            max(2, round(count * side / max(hw)) + 1) for side in (height, width)
        )
        values = rng.random((rows, columns), dtype=np.float32)
        if octave and (rows > height or columns > width):
            break
        layer = cv2.resize(values, (width, height), interpolation=cv2.INTER_CUBIC)
        total += layer / 2**octave
    low, high = float(total.min()), float(total.max())
    return (total - low) / max(high - low, 1e-6)


def any_surface(
    rng: np.random.Generator, hw: tuple[int, int], contrast: float = 1.0
) -> Array:
    """Return one of the surfaces in colours of its own.

    Args:
        rng: Where the numbers come from.
        hw: Size in pixels.
        contrast: Distance of its two colours, 1 for any two.
    """
    pattern = _PATTERNS[rng.integers(len(_PATTERNS))](rng, hw)
    first, second = random_color(rng), random_color(rng)
    second = first + contrast * (second - first)
    surface = blend(np.broadcast_to(first, (*hw, 3)), second, pattern)
    dirt = noise(rng, hw, cells=int(rng.integers(2, 12)), octaves=4)
    return surface * (1 - rng.uniform(0, 0.4) * dirt[..., None])


def _plaster(rng: np.random.Generator, hw: tuple[int, int]) -> Array:
    return noise(rng, hw, cells=int(rng.integers(1, 40)), octaves=5)


def _marble(rng: np.random.Generator, hw: tuple[int, int]) -> Array:
    """Veins: contour lines of smooth noise."""
    field = noise(rng, hw, cells=int(rng.integers(2, 6)), octaves=5)
    return np.abs(np.sin(field * rng.uniform(8, 40))) ** rng.uniform(0.5, 4)


def _stripes(rng: np.random.Generator, hw: tuple[int, int]) -> Array:
    u, _ = _turned_grid(rng, hw)
    wave = 0.5 + 0.5 * np.sin(2 * np.pi * rng.uniform(4, 40) * u)
    return _hardened(rng, wave)


def _checks(rng: np.random.Generator, hw: tuple[int, int]) -> Array:
    u, v = _turned_grid(rng, hw)
    count = np.pi * rng.uniform(4, 30)
    return _hardened(rng, 0.5 + 0.5 * np.sin(count * u) * np.sin(count * v))


def _dots(rng: np.random.Generator, hw: tuple[int, int]) -> Array:
    u, v = _turned_grid(rng, hw)
    count = rng.uniform(4, 30)
    x, y = (count * u) % 1 - 0.5, (count * v) % 1 - 0.5
    return _step(rng.uniform(0.15, 0.45) - np.hypot(x, y), 0.05)


def _bricks(rng: np.random.Generator, hw: tuple[int, int]) -> Array:
    """Bricks, tiles or planks: rows of pieces, each in a shade of its own."""
    y, x = np.mgrid[: hw[0], : hw[1]].astype(np.float32) / max(hw)
    rows = rng.uniform(5, 30)
    length = rng.choice([1.0, 2.0, 3.0, 12.0])  # of a piece, in its heights
    row = np.floor(y * rows)
    offset = rng.choice([0.0, 0.5]) * (row % 2) + rng.uniform(0, 1)
    column_at = x * rows / length + offset
    column = np.floor(column_at)
    shades = rng.uniform(0.4, 1, (64, 64)).astype(np.float32)
    tone = shades[row.astype(int) % 64, column.astype(int) % 64]
    down, along = y * rows - row, (column_at - column) * length
    to_joint = np.minimum(np.minimum(down, 1 - down), np.minimum(along, length - along))
    return tone * _step(to_joint - rng.uniform(0.02, 0.1), 0.03)


_PATTERNS: tuple[Callable[..., Array], ...] = (
    *(_plaster, _plaster, _marble, _stripes, _checks, _dots, _bricks, _bricks),
)


def _turned_grid(rng: np.random.Generator, hw: tuple[int, int]) -> tuple[Array, Array]:
    """Return coordinates along turned and bent axes, in units of the longer side."""
    y, x = np.mgrid[: hw[0], : hw[1]].astype(np.float32) / max(hw)
    upright = rng.random() < 0.5
    angle = rng.choice([0, np.pi / 2]) if upright else rng.uniform(0, np.pi)
    u = x * np.cos(angle) + y * np.sin(angle)
    v = y * np.cos(angle) - x * np.sin(angle)
    if rng.random() < 0.4:
        u = u + rng.uniform(0, 0.1) * noise(rng, hw, cells=3, octaves=2)
    return u.astype(np.float32), v.astype(np.float32)


def _hardened(rng: np.random.Generator, wave: Array) -> Array:
    """Leave a wave in [0, 1] smooth, or make it a square one with soft edges."""
    if rng.random() < 0.4:
        return wave
    return _step(wave - rng.uniform(0.2, 0.8), 0.08)


def _step(distance: Array, softness: float) -> Array:
    return np.clip(0.5 + distance / softness, 0, 1)
