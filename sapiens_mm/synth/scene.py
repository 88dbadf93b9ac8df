"""Who stands where, what is around them, and the camera that looks at them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np

from sapiens_mm.synth.body.body import Body, pose_body, shape_body
from sapiens_mm.synth.body.flesh import flesh, sample_looks
from sapiens_mm.synth.body.people import sample_expression, sample_shape
from sapiens_mm.synth.body.shape import BodyShape
from sapiens_mm.synth.core.asset import Asset
from sapiens_mm.synth.core.camera import Camera, frame_points, view_axes
from sapiens_mm.synth.core.jit import kernel
from sapiens_mm.synth.core.mesh import Mesh, bounds, lowest_kept, shifted
from sapiens_mm.synth.places.supports import supports
from sapiens_mm.synth.posing.poses import sample_pose
from sapiens_mm.synth.scene_settings import SceneSettings
from sapiens_mm.synth.wardrobe import dress

Rng = np.random.Generator

FARTHEST = 16.0
"""Metres from which a group is still looked at together."""

ALONE_IN_CLOSE_UPS = 0.6
"""Share of close-ups that show one person, however many the settings draw."""

TOGETHER = 0.7
"""Share of groups that the camera frames as a whole instead of the first person."""

# framing -> share of the image's height or width that what must be seen fills; above 1
# parts are cut off, as in most portraits of upper bodies
FILLS = {'face': (0.42, 0.85), 'upper': (0.72, 1.1), 'full': (0.6, 0.97)}
CUT_OFF = 0.15
"""Share of full framings that cut something off."""

MODE_OF_ELEVATION = 0.3
"""Where in the span of elevations the likeliest lies: most cameras are held level."""

LOWEST_CAMERA = 0.12
"""Metres above the ground."""

FACING_RAD = 0.6
"""Deviation of the turn away from the camera of those who face it."""

APART = 0.12
"""Metres that people and seats keep from each other, seen from above."""

COUNTS = {'one': 1, 'two': 2, 'three': 3, 'four': 4, 'five': 5}


@dataclass(frozen=True)
class Person:
    """Somebody in the scene.

    Attributes:
        body: In the world, feet at z = 0.
        meshes: Skin, clothes and hair.
        things: What they sit on.
        shape: Their build.
        metadata: What was drawn, for statistics.
    """

    body: Body
    meshes: list[Mesh]
    things: list[Mesh]
    shape: BodyShape
    metadata: dict = field(default_factory=dict)


def stream(seed: int, index: int, *path: int) -> Rng:
    """Return the generator of one part of one sample, whatever the others draw."""
    return np.random.default_rng([seed, index, *path])


def make_person(
    asset: Asset,
    seed: int,
    index: int,
    number: int,
    settings: SceneSettings,
    close_up: bool,
) -> Person:
    """Draw the ``number``-th person of a sample, at the world's origin.

    Body, pose and clothes have streams of their own: another setting of the wardrobe
    leaves the bodies as they are.
    """
    who, how, wear = (stream(seed, index, 1, number, k) for k in range(3))
    shape = sample_shape(who, settings, asset)
    looks = sample_looks(who, shape)
    rest = shape_body(asset, shape, sample_expression(who, settings, close_up))
    pose = sample_pose(rest, how, settings)
    body = pose_body(rest, pose)
    outfit = dress(asset, body, wear, settings, looks, number, shape.gender, pose.kind)
    meshes = flesh(body, looks, number, outfit.hidden, outfit.aux) + outfit.meshes
    # clothes and soles count: it is not the skin that stands on the ground
    lowest = min(lowest_kept(m.vertices, m.cut) for m in meshes)
    shift = np.array([0, 0, -lowest])
    person = Person(body, meshes, [], shape, {'pose': pose.kind})
    person = moved(person, 0.0, shift)
    things = supports(person.body, pose.kind, stream(seed, index, 1, number, 3))
    return replace(person, things=things)


def moved(person: Person, yaw: float, shift: np.ndarray) -> Person:
    """Turn a person about z, then shift them (3,) metres."""
    c, s = np.cos(yaw), np.sin(yaw)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])
    body = person.body
    rigid = np.eye(4)
    rigid[:3, :3], rigid[:3, 3] = turn, shift
    names, places = list(body.joints), np.array(list(body.joints.values()))
    places = places @ turn.T + shift
    vertices = body.vertices @ turn.T.astype(np.float32) if yaw else body.vertices
    body = replace(
        body,
        vertices=shifted(vertices, shift.astype(np.float32)),
        joints=dict(zip(names, places, strict=True)),
        bone_world=rigid @ body.bone_world,
    )
    rotation = turn if yaw else None
    return replace(
        person,
        body=body,
        meshes=[m.moved(rotation, shift) for m in person.meshes],
        things=[m.moved(rotation, shift) for m in person.things],
    )


@dataclass(frozen=True)
class Layout:
    """People and the camera that looks at them.

    Attributes:
        people: The first is the one that the camera was pointed at.
        camera: The camera.
        framing: 'face', 'upper' or 'full'.
        centre: (2,) middle of all, on the ground, metres.
        radius: Of a circle around all of them, metres.
    """

    people: list[Person]
    camera: Camera
    framing: str
    centre: np.ndarray
    radius: float


def lay_out(
    asset: Asset,
    seed: int,
    index: int,
    settings: SceneSettings,
    size_hw: tuple[int, int],
) -> Layout:
    """Draw people, stand them apart, and point the camera."""
    rng = stream(seed, index, 0)
    framing = settings.choose('framing', rng)
    count = COUNTS[settings.choose('people', rng)]
    if framing == 'face' and rng.random() < ALONE_IN_CLOSE_UPS:
        count = 1
    view = _View.sample(rng, settings, framing, size_hw)
    first = make_person(asset, seed, index, 1, settings, framing == 'face')
    first = _turned(first, _facing(rng, settings, first, framing))
    people = [first]
    camera = view.point(_targets(first, framing))
    for number in range(2, count + 1):
        other = make_person(asset, seed, index, number, settings, False)
        other = _turned(other, _facing(rng, settings, other, 'full'))
        spot = _free_spot(rng, settings, people, other, camera)
        if spot is not None:
            people.append(moved(other, 0.0, spot))
    if len(people) > 1 and framing != 'face' and rng.random() < TOGETHER:
        targets = np.concatenate([_targets(p, framing) for p in people])
        together = view.point(targets)
        # from far away all would be small, and 16 bits of depth have an end
        if float(np.linalg.norm(together.position - targets.mean(0))) < FARTHEST:
            camera = together
    feet = np.concatenate([p.body.vertices[::20] for p in people])
    low, high = bounds(feet)
    centre = 0.5 * (low + high)[:2]
    radius = float(np.linalg.norm(feet[:, :2] - centre, axis=1).max())
    return Layout(people, camera, framing, centre.astype(np.float64), radius)


@dataclass(frozen=True)
class _View:
    """How the camera stands, whatever it looks at."""

    elevation: float
    roll: float
    fov: float
    fill: float
    offset: tuple[float, float]
    size_hw: tuple[int, int]

    @staticmethod
    def sample(
        rng: Rng, settings: SceneSettings, framing: str, size_hw: tuple
    ) -> _View:
        """Draw a view that looks along +y."""
        low, high = np.deg2rad(settings.elevation_deg)
        fill = rng.uniform(*FILLS[framing])
        # faces sit a little high; whole people stay whole, but for some
        free = max(1 - fill, 0.0) / 2
        aside, down = rng.uniform(-1, 1, 2) * free * 0.8
        if framing == 'face':
            down -= 0.03
        elif framing == 'full' and rng.random() < CUT_OFF:
            fill *= rng.uniform(1.1, 1.4)
            down += rng.uniform(-0.15, 0.15)
        mode = (1 - MODE_OF_ELEVATION) * low + MODE_OF_ELEVATION * high
        return _View(
            elevation=float(rng.triangular(low, mode, high) if low < high else low),
            roll=float(np.deg2rad(rng.normal(0, 1) * settings.roll_deg)),
            fov=float(np.deg2rad(settings.draw('fov_deg', rng))),
            fill=float(fill),
            offset=(float(aside), float(down)),
            size_hw=size_hw,
        )

    def point(self, targets: np.ndarray) -> Camera:
        """Frame world points (N, 3), with the camera above the ground."""
        elevation = self.elevation
        for _ in range(6):
            # lens and people are fixed: only a higher view raises the camera
            axes = view_axes(0.0, elevation, self.roll)
            camera = frame_points(
                targets, axes, self.fov, self.size_hw, self.fill, self.offset
            )
            if camera.position[2] > LOWEST_CAMERA:
                break
            elevation = max(elevation, 0.0) + 0.06
        return camera


@lru_cache(maxsize=8)
def _target_ids(asset: Asset, framing: str) -> np.ndarray:
    """Return the vertices of a body that a framing must show, some of them."""
    if framing == 'full':
        return np.arange(0, asset.faces['body'].max(), 7)
    head = (asset.template[:, 2] > 0.785) & (asset.part('Face_Neck') > 0.5)
    head = np.flatnonzero(head)[::4]
    if framing == 'face':
        return head
    trunk = (asset.part('Torso') > 0.5) & (asset.template[:, 2] > 0.15)
    return np.concatenate([head, np.flatnonzero(trunk)[::4]])


def _targets(person: Person, framing: str) -> np.ndarray:
    """World points (N, 3) that a framing must show."""
    return person.body.vertices[_target_ids(person.body.asset, framing)]


def _turned(person: Person, yaw: float) -> Person:
    """Turn a person about the middle of the body, and put that over the origin."""
    low, high = bounds(person.body.vertices)
    # the middle of the body, as a pose may lean far from its root
    x, y = 0.5 * (low + high)[:2].astype(np.float64)
    c, s = np.cos(yaw), np.sin(yaw)
    return moved(person, yaw, np.array([s * y - c * x, -s * x - c * y, 0.0]))


def _facing(rng: Rng, settings: SceneSettings, person: Person, framing: str) -> float:
    """Draw how far a person is turned away from a camera that looks along +y."""
    if rng.random() < settings.behind:
        return float(rng.uniform(-np.pi, np.pi))
    bone = 'head' if framing == 'face' else 'root'
    which = person.body.asset.bone_index[bone]
    front = person.body.bone_world[which, :3, :3] @ [0.0, -1.0, 0.0]
    # a pose may have turned them; lying people face up and have no direction
    own = 0.0
    if np.hypot(front[0], front[1]) > 0.3:
        own = np.arctan2(front[0], -front[1])
    return float(rng.normal(0, FACING_RAD) - own)


def _free_spot(
    rng: Rng,
    settings: SceneSettings,
    people: list[Person],
    other: Person,
    camera: Camera,
) -> np.ndarray | None:
    """Draw where another person stands without running into those who are there.

    Returns:
        (3,) shift in metres, or None if no free spot was found.
    """
    forward = camera.rotation[2].copy()
    forward[2] = 0
    forward /= np.linalg.norm(forward)
    right = np.array([forward[1], -forward[0], 0.0])
    middle = people[0].body.vertices.mean(0)
    distance = float((middle - camera.position) @ forward)
    width = camera.size_hw[1] / camera.intrinsics[0, 0]
    own, there = _outline(other), [_outline(p) for p in people]
    reach = _reach(people[0]) + _reach(other)
    for _ in range(40):
        apart = reach + settings.draw('gap_m', rng)
        angle = rng.uniform(-np.pi, np.pi)
        ahead, aside = apart * np.sin(angle), apart * np.cos(angle)
        # mostly behind the first person, whom the framing is about
        ahead = abs(ahead) if rng.random() < 0.75 else ahead
        depth = distance + ahead
        # not before the lens, and not out of the image
        if depth < max(0.55 * distance, 0.9) or abs(aside) > 0.55 * width * depth:
            continue
        spot = ahead * forward + aside * right
        spot[:2] += middle[:2]
        if all(_clear(own + spot[:2], outline) for outline in there):
            return spot
    return None


def _reach(person: Person) -> float:
    """Half the width of a person on the ground, metres."""
    low, high = bounds(person.body.vertices)
    return 0.25 * float((high - low)[:2].sum())


def _outline(person: Person) -> np.ndarray:
    """Some points (N, 2) of the body and its seat, seen from above."""
    skin = person.body.vertices[: person.body.asset.faces['body'].max() : 89]
    points = [skin] + [m.vertices[::11] for m in person.things]
    return np.concatenate(points)[:, :2].astype(np.float64)


@kernel
def _clear(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether two outlines (N, 2) and (M, 2) stay ``APART``."""
    left, right = second[:, 0].min() - APART, second[:, 0].max() + APART
    near, far = second[:, 1].min() - APART, second[:, 1].max() + APART
    for i in range(len(first)):
        x, y = first[i, 0], first[i, 1]
        if x < left or x > right or y < near or y > far:
            continue
        for j in range(len(second)):
            if (x - second[j, 0]) ** 2 + (y - second[j, 1]) ** 2 <= APART**2:
                return False
    return True
