"""Backgrounds without people, drawn from a seed: rooms, landscapes, walls, clutter.

They are no photographs. They keep a network from learning the few backgrounds of a
studio, with nothing to download.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from sapiens_mm.seg.drawn_surfaces import (
    Array,
    any_surface,
    blend,
    noise,
    random_color,
)

_WORK_HEIGHT = 384  # pixels; drawn at this height at most, then enlarged
_GRAIN_TILE = 256


def draw_background(seed: int, image_hw: tuple[int, int]) -> np.ndarray:
    """Draw an image without people.

    Args:
        seed: The same seed and size give the same image.
        image_hw: H and W, pixels.

    Returns:
        Shape (H, W, 3), uint8, BGR.
    """
    rng = np.random.default_rng(seed)
    height, width = image_hw = tuple(image_hw)
    scale = min(1.0, _WORK_HEIGHT / height)
    work_hw = (max(2, round(height * scale)), max(2, round(width * scale)))
    scene = _SCENES[rng.integers(len(_SCENES))]
    canvas = _light(rng, np.ascontiguousarray(scene(rng, work_hw), np.float32))
    if rng.random() < 0.6:  # out of focus, as behind people
        sigma = rng.uniform(0.3, 0.012 * work_hw[0] + 0.3)
        canvas = cv2.GaussianBlur(canvas, (0, 0), sigma)
    image = np.clip(255 * canvas, 0, 255).astype(np.uint8)
    if work_hw != image_hw:
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC)
    # last, as an enlargement would blur it
    return _add_grain(rng, image)


def _studio(rng: np.random.Generator, hw: tuple[int, int]) -> Array:
    """Paper in two or three shades, lit from somewhere."""
    color = random_color(rng)
    shades = [np.clip(color * rng.uniform(0.5, 1.4), 0, 1) for _ in range(3)]
    canvas = _vertical(hw, shades[0], shades[1])
    y, x = _grid(hw)
    spot = np.hypot(x - rng.uniform(0, 1), y - rng.uniform(0, 1))
    return blend(canvas, shades[2], np.exp(-((spot / rng.uniform(0.2, 0.8)) ** 2)))


def _wall(rng: np.random.Generator, hw: tuple[int, int]) -> Array:
    return any_surface(rng, hw)


def _room(rng: np.random.Generator, hw: tuple[int, int]) -> Array:
    """A wall, a floor in perspective, images or windows, and furniture."""
    height, width = hw
    horizon = int(height * rng.uniform(0.5, 0.85))
    canvas = any_surface(rng, hw, contrast=0.35)
    canvas[horizon:] = _ground(rng, (height - horizon, width), contrast=0.5)
    if rng.random() < 0.5:  # a side wall
        edge = width * rng.uniform(0.1, 0.9)
        lean = width * rng.uniform(-0.3, 0.3)
        side = [(0, 0), (edge, 0), (edge, horizon), (edge - lean, height), (0, height)]
        shade = np.zeros(hw, np.float32)
        cv2.fillPoly(shade, [np.array(side, np.int32)], 1.0)
        canvas *= 1 - rng.uniform(0.15, 0.45) * shade[..., None]
    for _ in range(rng.integers(0, 4)):
        _frame(rng, canvas, horizon)
    for _ in range(rng.integers(0, 5)):
        _box(rng, canvas, horizon)
    return canvas


def _outdoors(rng: np.random.Generator, hw: tuple[int, int]) -> Array:
    """Sky and clouds, hills or houses, and a ground in perspective."""
    height, width = hw
    horizon = int(height * rng.uniform(0.35, 0.75))
    zenith = np.array([rng.uniform(0.6, 1), rng.uniform(0.4, 0.8), rng.uniform(0.2, 1)])
    canvas = _vertical(hw, zenith, np.full(3, rng.uniform(0.7, 1)))
    clouds = noise(rng, hw, cells=3, octaves=5)
    canvas = blend(canvas, np.full(3, 0.95), np.clip(3 * clouds - 1.4, 0, 1))
    for _ in range(rng.integers(1, 4)):
        if rng.random() < 0.5:
            _hills(rng, canvas, horizon)
        else:
            _houses(rng, canvas, horizon)
    canvas[horizon:] = _ground(rng, (height - horizon, width), contrast=0.7)
    return canvas


def _clutter(rng: np.random.Generator, hw: tuple[int, int]) -> Array:
    """Shapes on top of each other."""
    canvas = any_surface(rng, hw)
    size = max(hw)
    for _ in range(rng.integers(8, 60)):
        centre = rng.uniform(0, (hw[1], hw[0]))
        reach = size * rng.uniform(0.02, 0.25)
        color = random_color(rng).tolist()
        kind = rng.integers(3)
        if kind == 0:
            axes = np.maximum(1, reach * rng.uniform(0.3, 1, 2)).astype(int)
            tilt = float(rng.uniform(0, 180))
            middle = tuple(centre.astype(int).tolist())
            cv2.ellipse(canvas, middle, tuple(axes.tolist()), tilt, 0, 360, color, -1)
        elif kind == 1:
            angle = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 8)))
            points = centre + reach * np.stack([np.cos(angle), np.sin(angle)], 1)
            cv2.fillPoly(canvas, [points.astype(np.int32)], color)
        else:
            ends = centre + rng.uniform(-2, 2, (2, 2)) * reach
            start, end = (tuple(point) for point in ends.astype(int).tolist())
            cv2.line(canvas, start, end, color, max(1, int(reach * 0.15)))
    return canvas


_SCENES: tuple[Callable[..., Array], ...] = (_studio, _wall, _room, _outdoors, _clutter)


def _grid(hw: tuple[int, int]) -> tuple[Array, Array]:
    """Return y (H, 1) and x (1, W) in [0, 1]."""
    y = np.linspace(0, 1, hw[0], dtype=np.float32)[:, None]
    return y, np.linspace(0, 1, hw[1], dtype=np.float32)[None]


def _vertical(hw: tuple[int, int], top: Array, bottom: Array) -> Array:
    share = np.broadcast_to(_grid(hw)[0], hw)
    return blend(np.broadcast_to(np.float32(top), (*hw, 3)), bottom, share)


def _ground(rng: np.random.Generator, hw: tuple[int, int], contrast: float) -> Array:
    """A surface that runs away from the camera: its far edge is compressed."""
    height, width = max(2, hw[0]), hw[1]
    flat = any_surface(rng, (height, width), contrast)
    squeeze = width * rng.uniform(0.2, 0.42)
    corners = [(squeeze, 0), (width - squeeze, 0), (width, height), (0, height)]
    whole = [(0, 0), (width, 0), (width, height), (0, height)]
    matrix = cv2.getPerspectiveTransform(np.float32(whole), np.float32(corners))
    warped = cv2.warpPerspective(
        flat, matrix, (width, height), borderMode=cv2.BORDER_REFLECT
    )
    return warped[: hw[0]]


def _frame(rng: np.random.Generator, canvas: Array, horizon: int) -> None:
    """Hang an image, or a bright window, on the wall, in place."""
    width = canvas.shape[1]
    high = int(horizon * rng.uniform(0.1, 0.5))
    wide = int(width * rng.uniform(0.1, 0.4))
    top = int(rng.integers(0, max(1, horizon - high)))
    left = int(rng.integers(-wide // 2, max(1, width - wide // 2)))
    area = canvas[top : top + high, max(0, left) : left + wide]
    if min(area.shape[:2]) < 8:
        return
    border = max(1, min(area.shape[:2]) // 12)
    area[:] = random_color(rng)
    inner = area[border:-border, border:-border]
    if rng.random() < 0.5:
        inner[:] = any_surface(rng, inner.shape[:2])
    else:
        inner[:] = _vertical(inner.shape[:2], [1, 0.95, 0.9], random_color(rng))


def _box(rng: np.random.Generator, canvas: Array, horizon: int) -> None:
    """Stand a piece of furniture on the floor: a front and a top, in place."""
    height, width = canvas.shape[:2]
    foot = int(horizon + rng.uniform(0, 0.6) * (height - horizon)) + 1
    high = int(height * rng.uniform(0.08, 0.45))
    wide = int(width * rng.uniform(0.1, 0.45))
    left = int(rng.uniform(-0.5 * wide, width - 0.5 * wide))
    deep = int(min(high, wide) * rng.uniform(0.05, 0.4))
    color = random_color(rng)
    front = canvas[max(0, foot - high) : foot, max(0, left) : left + wide]
    if front.size == 0:
        return
    front[:] = color * any_surface(rng, front.shape[:2], contrast=0.3).mean(
        2, keepdims=True
    ).clip(0.5, 1)
    top = foot - high
    lid = [
        *((left, top), (left + wide, top)),
        *((left + wide - deep, top - deep), (left + deep, top - deep)),
    ]
    lit = np.clip(1.3 * color, 0, 1).tolist()
    cv2.fillPoly(canvas, [np.array(lid, np.int32)], lit)


def _hills(rng: np.random.Generator, canvas: Array, horizon: int) -> None:
    """Draw a ridge of foliage or rock down to the horizon, in place."""
    height, width = canvas.shape[:2]
    cells = int(rng.integers(2, 8))
    ridge = noise(rng, (2, width), cells=cells, octaves=5)[0]
    crest = horizon - height * rng.uniform(0.05, 0.5) * ridge
    below = np.arange(height, dtype=np.float32)[:, None] >= crest[None]
    speckle = noise(rng, (height, width), cells=24, octaves=3)[..., None]
    color = random_color(rng) * np.float32([0.6, 1.0, 0.8])
    canvas[below] = (color * (0.4 + 0.9 * speckle))[below]


def _houses(rng: np.random.Generator, canvas: Array, horizon: int) -> None:
    """Draw a row of houses with windows, in place."""
    height, width = canvas.shape[:2]
    left = -int(rng.integers(0, max(1, width // 8)))
    while left < width:
        wide = int(width * rng.uniform(0.08, 0.3)) + 2
        top = max(0, horizon - int(height * rng.uniform(0.1, 0.6)))
        front = canvas[top:horizon, max(0, left) : left + wide]
        front[:] = random_color(rng)
        step = max(4, int(width * rng.uniform(0.015, 0.05)))
        glass = random_color(rng)
        for row in range(step // 2, front.shape[0] - step // 2, step):
            for column in range(step // 3, front.shape[1] - step // 2, step):
                front[row : row + step // 2, column : column + step // 2] = glass
        left += wide + int(rng.integers(0, max(1, width // 10)))


def _light(rng: np.random.Generator, canvas: Array) -> Array:
    """Exposure, tint, and light that falls off to one side."""
    y, x = _grid(canvas.shape[:2])
    angle = rng.uniform(0, 2 * np.pi)
    ramp = (x - 0.5) * np.cos(angle) + (y - 0.5) * np.sin(angle)
    field = rng.uniform(0.6, 1.15) + rng.uniform(0, 0.5) * ramp
    return (
        canvas
        * field[..., None].astype(np.float32)
        * np.float32(rng.uniform(0.88, 1.12, 3))
    )


def _add_grain(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Add sensor noise, one tile of it repeated."""
    tile = rng.normal(0, rng.uniform(0.5, 7), (_GRAIN_TILE, _GRAIN_TILE, 1))
    tile = tile + rng.normal(0, 1.5, (_GRAIN_TILE, _GRAIN_TILE, 3))
    height, width = image.shape[:2]
    tile = np.rint(tile).astype(np.int16)
    rows, columns = -(-height // _GRAIN_TILE), -(-width // _GRAIN_TILE)
    grain = np.tile(tile, (rows, columns, 1))[:height, :width]
    # saturates, where numpy would wrap round
    return cv2.add(image, grain, dtype=cv2.CV_8U)
