"""One sample: an image of people and every label of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from sapiens_mm.synth.body.keypoints import place, visibility
from sapiens_mm.synth.core.asset import PARTS, Asset, load_asset
from sapiens_mm.synth.core.camera import Camera
from sapiens_mm.synth.render.background import (
    Backdrop,
    light_of_image,
    list_images,
    sample_backdrop,
)
from sapiens_mm.synth.render.compose import draw_backdrop, draw_people, light_stage
from sapiens_mm.synth.render.labels import (
    SkinParts,
    label_maps,
    outward_frame,
    visible_boxes,
    whole_boxes,
)
from sapiens_mm.synth.render.lighting import Environment, sample_environment
from sapiens_mm.synth.render.sensor import expose, sample_sensor, take
from sapiens_mm.synth.render.view import Stage, see_backdrop, see_people, set_stage
from sapiens_mm.synth.scene import Layout, Person, lay_out, stream
from sapiens_mm.synth.scene_settings import SceneSettings
from sapiens_mm.tables.body_parts import PART_IDS_28

DEFAULT = SceneSettings()


@dataclass(frozen=True)
class PersonLabels:
    """Labels of one person.

    Attributes:
        person: Value in ``Sample.instances``.
        subject: Name of the person, different in every sample.
        keypoints: (308, 3) float32: x, y in pixels, and 2 where visible, 1 where
            something hides it, 0 outside the image.
        box_xyxy: (4,) float32, the person's visible pixels; right and bottom are
            exclusive.
        amodal_box_xyxy: (4,) float32, all of the person, which may reach outside.
        metadata: What was drawn: pose, build, clothes; and, in degrees, how far body
            and head are turned away from the camera, 0 to it, positive to the right.
    """

    person: int
    subject: str
    keypoints: np.ndarray
    box_xyxy: np.ndarray
    amodal_box_xyxy: np.ndarray
    metadata: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Sample:
    """An image with all of its labels; pixel centres are integers.

    Attributes:
        image: (H, W, 3) uint8 BGR.
        labels: (H, W) uint8 of ``tables.GOLIATH28``.
        instances: (H, W) uint8, the person's number or 0.
        depth: (H, W) float32 metres along the optical axis; 0 where nobody is.
        normals: (H, W, 3) float32 unit normals of the smooth surface: x right, y up,
            z towards the camera; zeros where nobody is.
        normals_bump: The same with wrinkles and pores.
        people: Those of whom at least a pixel is seen.
        intrinsics: (3, 3) float64 K.
        metadata: What was drawn: framing, light, background.
    """

    image: np.ndarray
    labels: np.ndarray
    instances: np.ndarray
    depth: np.ndarray
    normals: np.ndarray
    normals_bump: np.ndarray
    people: list[PersonLabels]
    intrinsics: np.ndarray
    metadata: dict = field(default_factory=dict)


def render(
    seed: int,
    index: int,
    settings: SceneSettings = DEFAULT,
    size_hw: tuple[int, int] = (1024, 768),
) -> Sample:
    """Make one sample; the same arguments give the same bytes in every process.

    Args:
        seed: Of the data set, 0 or more.
        index: Of the sample in it, 0 or more.
        settings: What is drawn how often.
        size_hw: Height and width of the image in pixels, 64 or more.

    Raises:
        ValueError: If an argument is out of its range, or the settings' folder of
            backgrounds is missing, empty or has a broken image
            (``check_images`` finds those beforehand).
    """
    _check(seed, index, size_hw)
    # before anything is drawn: a wrong folder fails at once
    if settings.backgrounds:
        list_images(settings.backgrounds)
    asset = load_asset()
    layout = lay_out(asset, seed, index, settings, size_hw)
    environment, backdrop = _draw_place(seed, index, settings, layout)
    camera, skin = layout.camera, _skin_parts(asset)
    meshes = [m for p in layout.people for m in p.meshes]
    seats = [m for p in layout.people for m in p.things]
    stage = set_stage(meshes, seats, backdrop, camera)
    front = see_people(stage, camera)
    back = see_backdrop(stage, camera, backdrop, front.cover)
    lit = light_stage(stage, camera, environment, (front, back))
    labels, instances, normals = label_maps(
        stage.geometry, stage.points, stage.normals, skin, front.camera, front.ids
    )
    person = labels > 0
    # seats hide keypoints, too
    solid = np.where(front.ids >= 0, front.depth, np.float32(0))
    light, bumps = draw_people(lit, camera, front)
    behind = draw_backdrop(lit, camera, backdrop, back)
    # what people leave of each pixel, at their edges a share
    light += behind * (1 - front.cover[..., None])
    sensor = sample_sensor(stream(seed, index, 4), settings, size_hw[0])
    image = take(light, expose(light, person), sensor)
    return Sample(
        image=image,
        labels=labels,
        instances=instances,
        depth=np.where(person, solid, np.float32(0)),
        normals=normals,
        normals_bump=outward_frame(bumps, person),
        people=_label_people(f'{seed}-{index}', layout, stage, instances, solid),
        intrinsics=camera.intrinsics,
        metadata={
            'framing': layout.framing,
            'people': len(layout.people),
            'outdoor': environment.outdoor,
            'picture': backdrop.image is not None,
            'sun': bool(environment.key_color.max() > 1),
        },
    )


def _draw_place(
    seed: int, index: int, settings: SceneSettings, layout: Layout
) -> tuple[Environment, Backdrop]:
    """Draw the light, and what is behind the people."""
    rng = stream(seed, index, 2)
    # drawn even where it is forced: the light after it stays the same
    outdoor = bool(rng.random() < settings.outdoor)
    if settings.environment:
        outdoor = settings.environment == 'outdoor'
    environment = sample_environment(rng, settings, outdoor)
    backdrop = sample_backdrop(
        stream(seed, index, 3),
        settings,
        layout.camera,
        layout.centre,
        layout.radius,
        outdoor,
    )
    if backdrop.image is not None:
        environment = light_of_image(backdrop.image, environment)
    return environment, backdrop


@lru_cache(maxsize=8)
def _skin_parts(asset: Asset) -> SkinParts:
    return SkinParts(
        asset.part_weights,
        np.array([PART_IDS_28[part] for part in PARTS], np.int32),
        np.stack([asset.fields['lip'], asset.fields['lower_lip']], 1),
    )


def _check(seed: int, index: int, size_hw: tuple[int, int]) -> None:
    for name, value in (('seed', seed), ('index', index)):
        if int(value) != value or value < 0:
            raise ValueError(f'{name} is {value!r}; it must be an integer, 0 or more')
    if len(size_hw) != 2 or min(size_hw) < 64 or any(int(n) != n for n in size_hw):
        raise ValueError(
            f'size_hw is {size_hw!r}; it must be (height, width), 64 pixels or more'
        )


def _label_people(
    name: str,
    layout: Layout,
    stage: Stage,
    instances: np.ndarray,
    depth: np.ndarray,
) -> list[PersonLabels]:
    """Read the labels of all of whom a pixel is seen; see ``_label_person``.

    Args:
        name: Of the sample; subjects' names begin with it.
        layout: Of the scene.
        stage: Of the scene.
        instances: (H, W) uint8.
        depth: (H, W) float32 of people and seats, metres; 0 for none.
    """
    count = len(layout.people)
    seen = visible_boxes(instances, count)
    whole = whole_boxes(stage.geometry, layout.camera, count)
    return [
        _label_person(
            layout,
            k,
            f'{name}-{k + 1}',
            np.stack([seen[k], whole[k]]).astype(np.float32),
            instances,
            depth,
        )
        for k in range(count)
        if seen[k, 0] < seen[k, 2]
    ]


def _label_person(
    layout: Layout,
    which: int,
    subject: str,
    boxes: np.ndarray,
    instances: np.ndarray,
    depth: np.ndarray,
) -> PersonLabels:
    """Read the labels of one person off the maps.

    Args:
        layout: Of the scene.
        which: Of its people.
        subject: Their name.
        boxes: (2, 4) float32 of the visible pixels and of the whole person.
        instances: (H, W) uint8.
        depth: (H, W) float32 of people and seats, metres; 0 for none.
    """
    person, number, camera = layout.people[which], which + 1, layout.camera
    world = place(person.body)
    keypoints = camera.project(world)
    keypoints[:, 2] = visibility(world, camera, depth, instances, number, person.body)
    return PersonLabels(
        person=number,
        subject=subject,
        keypoints=keypoints.astype(np.float32),
        box_xyxy=boxes[0],
        amodal_box_xyxy=boxes[1],
        metadata=person.metadata | _yaws(person, camera),
    )


def _yaws(person: Person, camera: Camera) -> dict[str, float]:
    """Return how far body and head are turned from the camera, degrees."""
    yaws = {}
    for name, bone in (('yaw_deg', 'root'), ('head_yaw_deg', 'head')):
        which = person.body.asset.bone_index[bone]
        front = person.body.bone_world[which, :3, :3] @ [0.0, -1.0, 0.0]
        # y of the camera is down, so only x and z tell the turn
        right, _, away = camera.rotation @ front
        yaws[name] = round(float(np.degrees(np.arctan2(right, -away))), 1)
    return yaws
