"""What is behind people: a room, a street with its sky, or a user's image."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from sapiens_mm.images import IMAGE_SUFFIXES, ImageError, decode_color, read_file
from sapiens_mm.synth.core.camera import Camera
from sapiens_mm.synth.core.jit import lean_kernel
from sapiens_mm.synth.core.mesh import Material, Mesh
from sapiens_mm.synth.places.indoor import fine_coordinates, room
from sapiens_mm.synth.places.outdoor import street
from sapiens_mm.synth.places.props import Builder
from sapiens_mm.synth.render.lighting import Environment
from sapiens_mm.synth.render.textures import fbm, noise_table
from sapiens_mm.synth.scene_settings import SceneSettings

Rng = np.random.Generator


@dataclass(frozen=True)
class Backdrop:
    """What is behind people.

    Attributes:
        shell: Ground, walls and ceiling; they let the light of the surroundings in.
        things: Furniture, houses and trees.
        image: (H, W, 3) float32 linear RGB instead of all that, or None.
        blur: Radius in pixels of what is infinitely far behind the focus; 0 is sharp.
        focus: Metres.
        seed: Of the clouds.
    """

    shell: list[Mesh] = field(default_factory=list)
    things: list[Mesh] = field(default_factory=list)
    image: np.ndarray | None = None
    blur: float = 0.0
    focus: float = 3.0
    seed: int = 0


@lru_cache(4)
def list_images(folder: str) -> tuple[Path, ...]:
    """Return the images of a folder and of those in it, sorted.

    Raises:
        ValueError: If the folder is missing or has no image.
    """
    root = Path(folder)
    if not root.is_dir():
        raise ValueError(f'no folder of backgrounds at {folder}')
    found = [p for p in sorted(root.rglob('*')) if p.suffix.lower() in IMAGE_SUFFIXES]
    if not found:
        raise ValueError(f'{folder} has no images ({", ".join(IMAGE_SUFFIXES)})')
    return tuple(found)


def check_images(folder: str) -> int:
    """Open every image of a folder once, before long work, and count them.

    Raises:
        ValueError: If the folder is missing or has no image, or one is broken.
    """
    found = list_images(folder)
    broken = [path for path in found if _read(path, small=True) is None]
    if broken:
        names = ', '.join(str(path.relative_to(folder)) for path in broken[:5])
        more = f' and {len(broken) - 5} more' if len(broken) > 5 else ''
        raise ValueError(f'{folder} has images that cannot be read: {names}{more}')
    return len(found)


def _read(path: Path, small: bool = False) -> np.ndarray | None:
    """Return an image (H, W, 3) BGR, at an eighth of its size if ``small``."""
    try:
        image = decode_color(read_file(path), path)
    except ImageError:
        return None
    return image[::8, ::8] if small else image


_BLUR_PX, _SHARP_FOCUS_M = (2, 16), 2.5
"""Blur at infinity in pixels of an image 1024 high, of a lens that focuses there."""

_CUT = (0.6, 1.0)
"""Span of the share of a background file that is cut out, where it is large enough."""


def sample_backdrop(
    rng: Rng,
    settings: SceneSettings,
    camera: Camera,
    centre: np.ndarray,
    radius: float,
    outdoor: bool,
) -> Backdrop:
    """Draw what is behind people.

    Args:
        rng: Drawn from.
        settings: ``backgrounds``, ``picture``, ``clutter`` and ``depth_of_field``.
        camera: That looks at them.
        centre: (2,) where they are, metres.
        radius: Of the free space they need.
        outdoor: A street instead of a room.
    """
    height, width = camera.size_hw
    forward = camera.rotation[2]
    azimuth = float(np.arctan2(-forward[0], forward[1]))
    focus = float((np.append(centre, 1.0) - camera.position) @ forward)
    blur = 0.0
    if rng.random() < settings.depth_of_field:
        # a lens blurs the more, the nearer it focuses
        blur = rng.uniform(*_BLUR_PX) * height / 1024
        blur *= np.clip(_SHARP_FOCUS_M / focus, 0.3, 2.0)
    common = {'blur': blur, 'focus': max(focus, 0.3), 'seed': int(rng.integers(1000))}
    if settings.backgrounds and rng.random() < settings.picture:
        paths = list_images(settings.backgrounds)
        image = load_image(paths[rng.integers(len(paths))], (height, width), rng)
        return Backdrop(_ground(centre, radius), image=image, **common)
    clutter = settings.draw('clutter', rng)
    if not outdoor:
        shell, things = room(rng, clutter, centre, radius, azimuth)
        return Backdrop(shell, things, **common)
    half_view = np.arctan(0.5 * width / camera.intrinsics[0, 0])
    shell, things = street(
        rng, clutter, centre, radius, azimuth, half_view, max(focus, 1.0)
    )
    return Backdrop(shell, things, **common)


def _ground(centre: np.ndarray, radius: float) -> list[Mesh]:
    """Return a grey floor that is seen by its shadows only."""
    grey = Material('plaster', (0.5,) * 3, (0.5,) * 3)
    builder, line = Builder(), fine_coordinates(-9, 9, radius + 0.5, 0.07)
    builder.sheet(grey, (0, 0, 0), (1, 0, 0), (0, 1, 0), line, line)
    return builder.meshes(0.0, (*centre, 0.0))


def load_image(path: Path, size_hw: tuple[int, int], rng: Rng) -> np.ndarray:
    """Cut a random piece of the image's shape out of a file.

    Returns:
        (H, W, 3) float32 linear RGB.

    Raises:
        ValueError: If the file has become unreadable.
    """
    image = _read(path)
    if image is None:
        raise ValueError(f'cannot read the background {path}')
    height, width = size_hw
    scale = max(height / image.shape[0], width / image.shape[1])
    share = rng.uniform(*_CUT)
    # the piece may not be larger than the file
    high, wide = (max(1, int(n / scale * share)) for n in (height, width))
    y = rng.integers(image.shape[0] - high + 1)
    x = rng.integers(image.shape[1] - wide + 1)
    piece = image[y : y + high, x : x + wide, ::-1]
    # mirrored: twice as many backgrounds
    if rng.random() < 0.5:
        piece = piece[:, ::-1]
    kind = cv2.INTER_AREA if high > height else cv2.INTER_LINEAR
    piece = cv2.resize(np.ascontiguousarray(piece), (width, height), interpolation=kind)
    # 2.2: image files hold gammas, the renderer linear light
    curve = (np.arange(256, dtype=np.float32) / 255) ** 2.2
    return curve[piece]


def light_of_image(image: np.ndarray, environment: Environment) -> Environment:
    """Give an environment the colours of the image that people stand before."""
    top, bottom = np.array_split(image[::8, ::8], 2)
    # a black image has no mean to divide by
    mean = image[::8, ::8].mean((0, 1)) + 1e-3
    tint = mean / mean.mean()
    up, low = (p.mean((0, 1)) / mean.mean() for p in (top, bottom))
    level = environment.level.mean()
    lobes = environment.lobes.copy()
    lobes[:, 3:6] *= tint**0.6
    return Environment(
        up=level * up,
        level=level * tint,
        down=0.6 * level * low,
        lobes=lobes,
        key_direction=environment.key_direction,
        key_color=environment.key_color * tint**0.6,
        softness=environment.softness,
        outdoor=environment.outdoor,
    )


def draw_sky(
    image: np.ndarray,
    cover: np.ndarray,
    camera: Camera,
    scale: float,
    environment: Environment,
    seed: int,
) -> None:
    """Fill what nothing covers: gradient, clouds, sun and far hills.

    Args:
        image: (h, w, 3) float32 linear RGB times ``cover``, changed in place.
        cover: (h, w) float32, the share of each pixel that something covers.
        camera: Of the full image.
        scale: Of ``image`` to the full image.
        environment: The light.
        seed: Of clouds and hills.
    """
    _sky(
        noise_table(),
        image,
        cover,
        camera.scaled(scale),
        camera.rotation,
        (
            environment.up,
            environment.level,
            environment.key_direction,
            np.asarray(environment.key_color, np.float64),
        ),
        seed,
    )


@lean_kernel
def _sky(table, image, covered, camera, rotation, light, seed):
    """Do what ``draw_sky`` says; ``light`` is its up, level, key and key_color."""
    up, level, key, key_color = light
    height, width = covered.shape
    # clouds from none to overcast, hills from none to high
    cover = 0.25 + 0.45 * ((seed * 37) % 100) / 100
    hills = 0.14 * ((seed * 61) % 100) / 100 - 0.03
    for y in range(height):
        b = (y - camera[3]) / camera[1]
        for x in range(width):
            bare = 1 - covered[y, x]
            if bare <= 0:
                continue
            a = (x - camera[2]) / camera[0]
            dx = rotation[0, 0] * a + rotation[1, 0] * b + rotation[2, 0]
            dy = rotation[0, 1] * a + rotation[1, 1] * b + rotation[2, 1]
            dz = rotation[0, 2] * a + rotation[1, 2] * b + rotation[2, 2]
            length = 1.0 / np.sqrt(dx * dx + dy * dy + dz * dz)
            dx, dy, dz = dx * length, dy * length, dz * length
            flat = 1.0 / np.sqrt(dx * dx + dy * dy + 1e-9)
            ridge = fbm(table, dx * flat * 5, dy * flat * 5, 0.0, seed, 4)
            # hills by the heading alone, so that they do not wave with height
            if dz * flat < hills * ridge * 2:
                k = fbm(table, dx * flat * 60, dy * flat * 60, dz * 90, seed, 3)
                for c in range(3):
                    green = 0.09 if c == 0 else (0.12 if c == 1 else 0.09)
                    far = level[c] * (0.25 + green * (0.5 + k) * 2)
                    image[y, x, c] += bare * far
                continue
            high = max(0.0, dz) ** 0.6
            # clouds lie in a plane: towards the horizon they crowd
            reach = 1.0 / (0.12 + max(0.0, dz))
            cloud = fbm(table, dx * reach * 1.5, dy * reach * 1.5, 0.7, seed + 9, 5)
            share = min(1.0, max(0.0, (cloud - 0.72 + cover) * 3.5))
            cosine = dx * key[0] + dy * key[1] + dz * key[2]
            glow = np.exp(60 * (cosine - 1)) + 0.15 * np.exp(8 * (cosine - 1))
            grey = (level[0] + level[1] + level[2]) / 3
            for c in range(3):
                # the eye's sky is darker than the light of all of it
                clear = 0.62 * (level[c] * (1 - high) + up[c] * high)
                white = grey * (1.0 - 0.45 * share) + 0.1 * key_color[c]
                value = clear * (1 - share) + white * share
                value += glow * key_color[c] * (1 - 0.6 * share)
                image[y, x, c] += bare * value


def defocus(image: np.ndarray, depth: np.ndarray, focus: float, blur: float):
    """Blur a background the more, the farther it is from the focus.

    Args:
        image: (h, w, 3) float32.
        depth: (h, w) float32 metres; infinite is far.
        focus: Metres.
        blur: Radius in pixels of ``image`` at infinity.
    """
    if blur < 0.4:
        return image
    # a sky is infinitely far
    near = np.where(np.isfinite(depth), focus / np.maximum(depth, 0.1), 0)
    share = np.clip(np.abs(1 - near), 0, 1).astype(np.float32)
    # blurred as well, or the edges of near things would stay sharp
    share = cv2.GaussianBlur(share, (0, 0), max(0.3 * blur, 0.5))[..., None]
    half, full = _disc(image, 0.5 * blur), _disc(image, blur)
    low = image + (half - image) * np.minimum(2 * share, 1)
    return low + (full - half) * np.maximum(2 * share - 1, 0)


def _disc(image: np.ndarray, radius: float) -> np.ndarray:
    """Blur with a disc, at a smaller size where it is wide."""
    height, width = image.shape[:2]
    # a wide disc is smooth: a small one enlarged looks the same, at a fraction of it
    shrink = max(1, round(radius / 3.5))
    size = (max(1, width // shrink), max(1, height // shrink))
    small = (
        cv2.resize(image, size, interpolation=cv2.INTER_AREA) if shrink > 1 else image
    )
    radius = radius / shrink
    reach = int(np.ceil(radius))
    across = np.arange(-reach, reach + 1)
    distance = np.hypot(*np.meshgrid(across, across))
    kernel = np.clip(radius + 0.5 - distance, 0, 1).astype(np.float32)
    kernel /= kernel.sum()
    small = cv2.filter2D(small, -1, kernel, borderType=cv2.BORDER_REPLICATE)
    if shrink == 1:
        return small
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
