"""Scenes of spheres, capsules and planes whose depth and normals are known exactly."""

import dataclasses

import cv2
import numpy as np

FAR = 0.9  # depth of z = 0, in units of the image's height


@dataclasses.dataclass(frozen=True)
class Scene:
    """An orthographic view; x right, y up, z to the camera.

    image (H, W, 3) uint8 BGR; depth (H, W) float32, 0 on the background; normals
    (H, W, 3) float32, 0 on the background; mask (H, W) uint8, 0 or 255.
    """

    photo: np.ndarray
    depth: np.ndarray
    normals: np.ndarray
    mask: np.ndarray


class _Canvas:
    """Keeps, at every pixel, the surface nearest to the camera."""

    def __init__(self, hw):
        height, width = hw
        rows, columns = np.mgrid[:height, :width].astype(np.float64)
        self.x = (columns - (width - 1) / 2) / height
        self.y = ((height - 1) / 2 - rows) / height
        self.z = np.full(hw, -np.inf)
        self.normals = np.zeros((*hw, 3))
        self.ids = np.zeros(hw, int)
        self.count = 0

    def paint(self, z, normals, same_body=False):
        self.count += not same_body
        nearer = np.isfinite(z) & (z > self.z)
        self.z[nearer] = z[nearer]
        self.normals[nearer] = normals[nearer]
        self.ids[nearer] = self.count

    def sphere(self, centre, radius, same_body=False):
        dx, dy = self.x - centre[0], self.y - centre[1]
        height = radius**2 - dx**2 - dy**2
        dz = np.sqrt(np.where(height > 0, height, np.nan))
        self.paint(centre[2] + dz, np.dstack([dx, dy, dz]) / radius, same_body)

    def capsule(self, start, end, radius):
        start, end = np.asarray(start, float), np.asarray(end, float)
        length = np.linalg.norm(end - start)
        u = (end - start) / length
        q = np.dstack([self.x - start[0], self.y - start[1], 0 * self.x - start[2]])
        s = q @ u
        a, b = 1 - u[2] ** 2, q[..., 2] - s * u[2]
        c = (q**2).sum(2) - s**2 - radius**2
        root = b**2 - a * c
        t = (-b + np.sqrt(np.where(root > 0, root, np.nan))) / a
        along = s + t * u[2]
        on_side = (along >= 0) & (along <= length)
        axis = start + np.nan_to_num(along)[..., None] * u
        normals = (np.dstack([self.x, self.y, t]) - axis) / radius
        self.paint(np.where(on_side, t, np.nan), normals)
        self.sphere(start, radius, same_body=True)
        self.sphere(end, radius, same_body=True)

    def plane(self, centre, radius, normal):
        normal = np.asarray(normal, float) / np.linalg.norm(normal)
        dx, dy = self.x - centre[0], self.y - centre[1]
        z = centre[2] - (dx * normal[0] + dy * normal[1]) / normal[2]
        inside = dx**2 + dy**2 < radius**2
        self.paint(
            np.where(inside, z, np.nan), np.broadcast_to(normal, self.normals.shape)
        )

    def finish(self, rng):
        mask = self.ids > 0
        colours = rng.uniform(60, 230, (self.count + 1, 3))
        light = np.array([0.4, 0.5, 0.77])
        shade = 0.35 + 0.65 * (self.normals @ light).clip(0)
        background = rng.uniform(30, 110, 3)
        photo = np.where(
            mask[..., None], colours[self.ids] * shade[..., None], background
        )
        photo = photo + rng.normal(0, 2, photo.shape)
        return Scene(
            photo=photo.clip(0, 255).astype(np.uint8),
            depth=np.where(mask, FAR - np.where(mask, self.z, 0), 0).astype(np.float32),
            normals=self.normals.astype(np.float32),
            mask=mask.astype(np.uint8) * 255,
        )


def draw_scene(seed, hw):
    """Draw a sphere, a capsule and a tilted disc that overlap."""
    rng = np.random.default_rng(seed)
    canvas = _Canvas(hw)
    wide = hw[1] / hw[0] / 2
    a, b, c = rng.uniform(-0.55, 0.55, (3, 3)) * (wide, 0.5, 0.5)
    canvas.sphere(a, rng.uniform(0.14, 0.2))
    canvas.capsule(b, b + rng.uniform(0.1, 0.3, 3) * rng.choice([-1, 1], 3), 0.09)
    canvas.plane(c, 0.18, (*rng.uniform(-0.8, 0.8, 2), 1.0))
    return canvas.finish(rng)


def draw_sphere(hw, centre_px=None, radius_px=None):
    """Draw one sphere; the centre is (x, y) in pixels, from the top left pixel's."""
    height, width = hw
    canvas = _Canvas(hw)
    x, y = centre_px or ((width - 1) / 2, (height - 1) / 2)
    centre = ((x - (width - 1) / 2) / height, ((height - 1) / 2 - y) / height, 0.0)
    canvas.sphere(centre, (radius_px or 0.4 * min(hw)) / height)
    return canvas.finish(np.random.default_rng(0))


def angles_deg(a, b):
    """Return the angle between vectors (…, 3), degrees, in float64."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    cross = np.linalg.norm(np.cross(a, b), axis=-1)
    return np.degrees(np.arctan2(cross, (a * b).sum(-1)))


def write_scenes(folder, scenes, kind, names=('rgb', 'mask', None)):
    """Write scenes as a data set of folders, maps as NumPy files."""
    image, mask, maps = names[0], names[1], names[2] or kind
    for name in (image, mask, maps):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for index, scene in enumerate(scenes):
        values = scene.depth if kind == 'depth' else scene.normals
        cv2.imwrite(str(folder / image / f'{index:03d}.png'), scene.photo)
        cv2.imwrite(str(folder / mask / f'{index:03d}.png'), scene.mask)
        np.save(folder / maps / f'{index:03d}.npy', values)
    return folder


def write_synth_human(folder, numbers, scenes):
    """Write scenes as SynthHuman does; normals are stored z first."""
    import OpenEXR

    for place, number in enumerate(numbers):
        scene = scenes[place % len(scenes)]
        part = folder / f'{number // 5000:04d}'
        part.mkdir(parents=True, exist_ok=True)
        depth = np.where(scene.mask > 0, scene.depth * 100, 65504).astype(np.float16)
        stored = np.ascontiguousarray(scene.normals[..., ::-1], np.float16)
        files = {'depth': {'Y': depth}, 'normal': {'RGB': stored}}
        for kind, channels in files.items():
            with OpenEXR.File({}, channels) as file:
                file.write(str(part / f'{kind}_{number:07d}.exr'))
        cv2.imwrite(str(part / f'rgb_{number:07d}.png'), scene.photo)
        alpha = scene.mask.copy()
        alpha[0, :5] = 100  # a soft edge, below the threshold
        cv2.imwrite(str(part / f'alpha_{number:07d}.png'), alpha)
        np.savetxt(part / f'cam_{number:07d}.txt', np.eye(3))
    return folder
