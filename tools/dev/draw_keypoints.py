"""Draw the 308 keypoints, numbered, on the template human.

    python tools/dev/draw_keypoints.py
    python tools/dev/draw_keypoints.py --output sheets/ --posed 3

Writes synth_keypoints_body.jpg and synth_keypoints_face.jpg, to docs/images unless told
otherwise: left keypoints green, right ones red, those of the midline yellow; hidden
ones are left out. ``--posed`` draws a random build, face and pose, not the template.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from sapiens_mm.files import write_atomically
from sapiens_mm.synth.body.body import (
    Body,
    BodyShape,
    pose_body,
    sample_expression,
    sample_shape,
    shape_body,
)
from sapiens_mm.synth.body.keypoints import keypoint_points, place, visibility
from sapiens_mm.synth.core.asset import IRIS_RAD, PUPIL_RAD, load_asset
from sapiens_mm.synth.core.camera import Camera
from sapiens_mm.synth.core.mesh import smooth_normals
from sapiens_mm.synth.core.rig import Pose
from sapiens_mm.synth.posing.poses import sample_pose
from sapiens_mm.synth.render.geometry import Triangles
from sapiens_mm.synth.render.raster import empty_buffers, raster
from sapiens_mm.synth.scene_settings import SceneSettings
from sapiens_mm.tables import GOLIATH308

PARTS = ('body', 'eyes', 'upper_teeth', 'lower_teeth', 'tongue')
TONES = (
    (165, 182, 205),
    (235, 235, 235),
    (205, 235, 240),
    (175, 215, 235),
    (120, 120, 190),
)
LEFT, RIGHT, MIDDLE = (60, 190, 60), (60, 60, 230), (0, 200, 230)
DISTANCE_M = 4.0
LIDS, DISCS, EARS = range(96, 178), range(272, 308), (3, 4, *range(220, 272))
MOUTH = range(188, 220)
FACE = [k for k in range(70, 220) if k not in LIDS and not 204 <= k < 220]


@dataclass(frozen=True)
class Panel:
    """One view: yaw and pitch of the camera in degrees, half height in metres.

    ``aim`` is a joint or keypoint, ``shift`` metres from it to the middle of the panel;
    mouth and eyes are ``wide_open`` or as they are.
    """

    title: str
    yaw: float
    pitch: float
    aim: str
    half: float
    size_hw: tuple[int, int]
    ids: Iterable[int]
    shift: tuple[float, float, float] = (0, 0, 0)
    wide_open: bool = False


BODY_ROWS = (
    (
        Panel('front', 0, 0, 'pelvis', 1.02, (1150, 700), range(70), (0, 0, -0.09)),
        Panel('left', 90, 0, 'pelvis', 1.02, (1150, 500), range(70), (0, -0.1, -0.09)),
        Panel('back', 180, 0, 'pelvis', 1.02, (1150, 700), range(70), (0, 0, -0.09)),
    ),
    (
        Panel('hand, back', 60, 45, 'l-finger-3-1', 0.11, (440, 400), range(21, 63)),
        Panel('hand, palm', -60, -20, 'l-finger-3-1', 0.11, (440, 400), range(21, 63)),
        Panel('hand, back', -60, 45, 'r-finger-3-1', 0.11, (440, 400), range(21, 63)),
        Panel('elbow', 0, 0, 'l-elbow', 0.16, (440, 210), range(5, 67)),
        Panel('elbow', 150, 0, 'l-elbow', 0.16, (440, 210), range(5, 67)),
        Panel(
            'foot', 45, 25, 'l-ankle', 0.16, (440, 280), range(13, 21), (0, -0.12, 0)
        ),
    ),
)
EYE = '{}_center_of_iris'
ANTIHELIX = '{}_midpoint_1_of_antihelix'
FACE_ROWS = (
    (
        Panel('face', 0, 0, 'tip_of_nose', 0.105, (1000, 860), FACE),
        Panel('left', 75, 0, 'tip_of_nose', 0.105, (1000, 860), FACE, (0, 0.07, 0)),
    ),
    (
        Panel('lids', -8, 0, EYE.format('r'), 0.013, (520, 860), LIDS),
        Panel('lids', 8, 0, EYE.format('l'), 0.013, (520, 860), LIDS),
    ),
    (
        Panel(
            'ear',
            -80,
            0,
            ANTIHELIX.format('r'),
            0.036,
            (740, 560),
            EARS,
            (0, -0.006, 0),
        ),
        Panel('mouth', 0, 0, 'tongue-4', 0.037, (740, 600), MOUTH, wide_open=True),
        Panel(
            'ear', 80, 0, ANTIHELIX.format('l'), 0.036, (740, 560), EARS, (0, -0.006, 0)
        ),
    ),
    (
        Panel('iris', -8, 0, EYE.format('r'), 0.008, (480, 520), DISCS, wide_open=True),
        Panel('nose', 0, -50, 'bottom_center_of_nose', 0.026, (480, 680), FACE),
        Panel('iris', 8, 0, EYE.format('l'), 0.008, (480, 520), DISCS, wide_open=True),
    ),
)


def look(body: Body, panel: Panel) -> Camera:
    """Return the camera of a panel: far away, through a long lens."""
    points = dict(zip(GOLIATH308.names, place(body), strict=True))
    centre = {**points, **body.joints}[panel.aim] + panel.shift
    yaw, pitch = np.radians([panel.yaw, panel.pitch])
    towards = np.array([np.sin(yaw), -np.cos(yaw), 0]) * np.cos(pitch)
    forward = -towards - [0, 0, np.sin(pitch)]
    right = np.cross(forward, [0, 0, 1.0])
    right /= np.linalg.norm(right)
    turn = np.stack([right, np.cross(forward, right), forward])
    height, width = panel.size_hw
    focal = 0.5 * height / panel.half * DISTANCE_M
    k = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])
    return Camera(k, turn, -turn @ (centre - DISTANCE_M * forward), panel.size_hw)


def shade(body: Body, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Return the image (H, W, 3) uint8 and the depth (H, W), 0 behind the body."""
    asset = body.asset
    faces = np.concatenate([asset.faces[part] for part in PARTS])
    tone = np.repeat(np.arange(len(PARTS)), [len(asset.faces[part]) for part in PARTS])
    points = camera.to_camera(body.vertices.astype(np.float64)).astype(np.float32)
    depth, ids = empty_buffers(*camera.size_hw)
    none = np.zeros(len(points), np.float32)
    mesh = np.zeros(len(faces), np.int32)
    both, all_ = np.zeros(1, bool), np.zeros((0, 0), bool)
    drawn = Triangles(points, faces, none, mesh, both)
    raster(drawn, camera.scaled(1.0), all_, depth, ids)
    row, column = np.nonzero(ids >= 0)
    k = camera.intrinsics
    ray = np.stack([(column - k[0, 2]) / k[0, 0], (row - k[1, 2]) / k[1, 1]], 1)
    spot = np.concatenate([ray, np.ones((len(ray), 1))], 1) * depth[row, column, None]
    corner = points[faces[ids[row, column]]].astype(np.float64)
    weights = np.linalg.solve(corner.transpose(0, 2, 1), spot[..., None])[..., 0]
    normal = smooth_normals(points, faces)[faces[ids[row, column]]]
    normal = np.einsum('nk,nkc->nc', weights, normal)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-12
    light = np.clip(normal @ (np.array([-0.45, -0.65, -0.62])), 0, 1)
    bright = 0.45 + 0.2 * np.abs(normal[:, 2]) + 0.4 * light
    colour = np.array(TONES, np.float64)[tone[ids[row, column]]]
    on_skin = tone[ids[row, column]] == 0
    triangle = faces[ids[row, column]]
    brow, lip = (
        np.einsum('nk,nk->n', weights, asset.fields[n][triangle]) * on_skin
        for n in ('brow', 'lip')
    )
    colour *= 1 - 0.45 * brow[:, None] - 0.28 * lip[:, None] * [1, 1, 0.2]
    _paint_eyes(body, colour, weights, triangle, tone[ids[row, column]] == 1)
    image = np.full((*camera.size_hw, 3), 255, np.uint8)
    image[row, column] = np.clip(colour * bright[:, None], 0, 255)
    return image, np.where(np.isfinite(depth), depth, 0)


def _paint_eyes(
    body: Body,
    colour: np.ndarray,
    weights: np.ndarray,
    triangle: np.ndarray,
    on_eye: np.ndarray,
) -> None:
    """Paint irises and pupils by their angle from the gaze, in place."""
    asset = body.asset
    eyes = np.unique(asset.faces['eyes'])
    centre = asset.template[eyes[asset.template[eyes, 0] > 0]].mean(0)
    spot = np.einsum('nk,nkc->nc', weights, asset.template[triangle])
    spot = np.abs(spot * [1, 0, 0]) + spot * [0, 1, 1] - centre
    angle = np.arccos(np.clip(-spot[:, 1] / np.linalg.norm(spot, axis=1), -1, 1))
    colour[on_eye & (angle < IRIS_RAD)] = (175, 150, 95)
    colour[on_eye & (angle < PUPIL_RAD)] = (70, 60, 50)


def draw(body: Body, panel: Panel) -> np.ndarray:
    """Return a panel with its keypoints and their numbers."""
    camera = look(body, panel)
    image, depth = shade(body, camera)
    points = place(body)
    seen = visibility(points, camera, depth, body=body)
    spots = camera.project(points)[:, :2]
    ids = [k for k in panel.ids if seen[k] == 2]
    places = keypoint_points(body.asset)
    across = (places.weights * body.asset.template[places.vertices, 0]).sum(1)
    taken = [np.array([*spots[k] - 3, *spots[k] + 3]) for k in ids]
    middle = spots[ids].mean(0) if ids else np.zeros(2)
    for k in ids:
        colour = MIDDLE if abs(across[k]) < 1e-6 else (RIGHT, LEFT)[int(across[k] > 0)]
        cv2.circle(image, _whole(spots[k]), 3, colour, -1, cv2.LINE_AA)
        _number(image, str(k), spots[k], spots[k] - middle, taken)
    cv2.putText(
        image, panel.title, (8, 22), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (90,) * 3, 1, 16
    )
    return image


def _whole(spot: np.ndarray) -> tuple[int, int]:
    return int(round(float(spot[0]))), int(round(float(spot[1])))


def _number(
    image: np.ndarray,
    text: str,
    spot: np.ndarray,
    outward: np.ndarray,
    taken: list[np.ndarray],
) -> None:
    """Write a number where it covers least, outside of the crowd if it can."""
    width, height = 10 * len(text), 11
    best, cost = None, np.inf
    for step, turn in ((s, t) for s in (1.0, 1.7, 2.6) for t in range(12)):
        way = np.array([np.cos(turn * np.pi / 6), np.sin(turn * np.pi / 6)])
        centre = spot + way * step * [6 + width / 2, 10]
        box = np.array([*centre - [width / 2, height / 2], *centre + [width / 2, 5]])
        overlap = sum(_overlap(box, other) for other in taken)
        lean = 0.5 * (1 - way @ outward / (np.linalg.norm(outward) + 1e-9))
        price = overlap + 6 * lean + 14 * (step - 1)
        if price < cost:
            best, cost = (centre, box, step), price
    centre, box, step = best
    taken.append(box)
    if step > 1.2:
        cv2.line(image, _whole(spot), _whole(centre), (120,) * 3, 1, cv2.LINE_AA)
    at = (int(box[0]), int(box[3]) - 2)
    for tone, thick in (((235,) * 3, 4), ((10,) * 3, 1)):
        cv2.putText(
            image, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.48, tone, thick, cv2.LINE_AA
        )


def _overlap(box: np.ndarray, other: np.ndarray) -> float:
    across = min(box[2], other[2]) - max(box[0], other[0])
    down = min(box[3], other[3]) - max(box[1], other[1])
    return max(across, 0) * max(down, 0)


def bodies(seed: int | None) -> tuple[Body, Body]:
    """Return the body to draw, with mouth and eyes as they are and open."""
    asset = load_asset()
    shape, pose, face = BodyShape(), Pose(), {'lipsSeal': 1.0}
    if seed is not None:
        rng, settings = np.random.default_rng(seed), SceneSettings()
        shape = sample_shape(rng, settings, asset)
        face = sample_expression(rng, settings)
        pose = sample_pose(shape_body(asset, shape, face), rng, settings)
    ajar = {**face, 'lipsSeal': 0.0, 'jawOpen': 0.45}
    for side in ('Left', 'Right'):
        ajar |= {f'eyeWide{side}': 1.0, f'eyeLookUp{side}': 0.1}
    return tuple(pose_body(shape_body(asset, shape, f), pose) for f in (face, ajar))


def main(argv: Sequence[str] | None = None) -> int:
    """Draw and write both sheets."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--output', type=Path, default=ROOT / 'docs' / 'images')
    parser.add_argument('--posed', type=int, metavar='SEED')
    args = parser.parse_args(argv)
    args.output.mkdir(parents=True, exist_ok=True)
    closed, ajar = bodies(args.posed)
    for name, rows in (('body', BODY_ROWS), ('face', FACE_ROWS)):
        drawn = [
            np.hstack([draw(ajar if p.wide_open else closed, p) for p in row])
            for row in rows
        ]
        wide = max(row.shape[1] for row in drawn)
        sheet = np.vstack(
            [
                np.pad(r, ((0, 0), (0, wide - r.shape[1]), (0, 0)), constant_values=255)
                for r in drawn
            ]
        )
        ok, data = cv2.imencode('.jpg', sheet, [cv2.IMWRITE_JPEG_QUALITY, 85])
        path = args.output / f'synth_keypoints_{name}.jpg'
        write_atomically(path, data.tobytes())
        print(f'{path}: {sheet.shape[1]} x {sheet.shape[0]}, {len(data) / 1e6:.2f} MB')
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
