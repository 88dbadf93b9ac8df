"""One sample: a picture of people and every label of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sapiens_mm.synth.asset import PARTS, load_asset
from sapiens_mm.synth.background import (
    light_of_picture,
    list_pictures,
    sample_backdrop,
)
from sapiens_mm.synth.camera import Camera
from sapiens_mm.synth.compose import (
    draw_backdrop,
    draw_people,
    light_stage,
    set_stage,
)
from sapiens_mm.synth.keypoints import place, visibility
from sapiens_mm.synth.knobs import Knobs
from sapiens_mm.synth.labels import label_maps, outward_frame
from sapiens_mm.synth.lighting import sample_environment
from sapiens_mm.synth.scene import Layout, Person, lay_out, stream
from sapiens_mm.synth.sensor import expose, sample_sensor, take

DEFAULT = Knobs()

CLASSES = (
    'Background',
    'Apparel',
    'Face_Neck',
    'Hair',
    'Left_Foot',
    'Left_Hand',
    'Left_Lower_Arm',
    'Left_Lower_Leg',
    'Left_Shoe',
    'Left_Sock',
    'Left_Upper_Arm',
    'Left_Upper_Leg',
    'Lower_Clothing',
    'Right_Foot',
    'Right_Hand',
    'Right_Lower_Arm',
    'Right_Lower_Leg',
    'Right_Shoe',
    'Right_Sock',
    'Right_Upper_Arm',
    'Right_Upper_Leg',
    'Torso',
    'Upper_Clothing',
    'Lower_Lip',
    'Upper_Lip',
    'Lower_Teeth',
    'Upper_Teeth',
    'Tongue',
)
"""Names of the 28 classes in the order of their ids."""


@dataclass(frozen=True)
class PersonLabels:
    """Labels of one person.

    Attributes:
        person: Value in ``Sample.instances``.
        subject: Name of the person, different in every sample.
        keypoints: (308, 3) float32: x, y in pixels, and 2 where visible, 1 where
            something hides it, 0 outside the picture.
        box_xyxy: (4,) float32, the person's visible pixels; right and bottom are
            exclusive.
        amodal_box_xyxy: (4,) float32, all of the person, which may reach outside.
        facts: What was drawn: pose, build, clothes; and, in degrees, how far body and
            head are turned away from the camera, 0 to it, positive to the right.
    """

    person: int
    subject: str
    keypoints: np.ndarray
    box_xyxy: np.ndarray
    amodal_box_xyxy: np.ndarray
    facts: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Sample:
    """A picture with all of its labels; pixel centres are integers.

    Attributes:
        image: (H, W, 3) uint8 BGR.
        labels: (H, W) uint8 of ``CLASSES``.
        instances: (H, W) uint8, the person's number or 0.
        depth: (H, W) float32 metres along the optical axis; 0 where nobody is.
        normals: (H, W, 3) float32 unit normals of the smooth surface: x right, y up,
            z towards the camera; zeros where nobody is.
        normals_bump: The same with wrinkles and pores.
        people: Those of whom at least a pixel is seen.
        intrinsics: (3, 3) float64 K.
        facts: What was drawn: framing, light, background.
    """

    image: np.ndarray
    labels: np.ndarray
    instances: np.ndarray
    depth: np.ndarray
    normals: np.ndarray
    normals_bump: np.ndarray
    people: list[PersonLabels]
    intrinsics: np.ndarray
    facts: dict = field(default_factory=dict)


def render(
    seed: int,
    index: int,
    knobs: Knobs = DEFAULT,
    size_hw: tuple[int, int] = (1024, 768),
) -> Sample:
    """Make one sample; the same arguments give the same bytes in every process.

    Args:
        seed: Of the data set, 0 or more.
        index: Of the sample in it, 0 or more.
        knobs: What is drawn how often.
        size_hw: Height and width of the picture in pixels, 64 or more.

    Raises:
        ValueError: If an argument is out of its range, or the knobs' folder of
            backgrounds is missing, empty or has a broken picture
            (``check_pictures`` finds those beforehand).
    """
    _check(seed, index, size_hw)
    if knobs.backgrounds:
        list_pictures(knobs.backgrounds)
    asset = load_asset()
    layout = lay_out(asset, seed, index, knobs, size_hw)
    rng = stream(seed, index, 2)
    outdoor = bool(rng.random() < knobs.outdoor)
    if knobs.environment:
        outdoor = knobs.environment == 'outdoor'
    environment = sample_environment(rng, knobs, outdoor)
    backdrop = sample_backdrop(
        stream(seed, index, 3),
        knobs,
        layout.camera,
        layout.centre,
        layout.radius,
        outdoor,
    )
    if backdrop.picture is not None:
        environment = light_of_picture(backdrop.picture, environment)
    meshes = [m for p in layout.people for m in p.meshes]
    seats = [m for p in layout.people for m in p.things]
    stage = set_stage(meshes, seats, backdrop)
    lit = light_stage(stage, layout.camera, environment)
    front = draw_people(stage, lit, layout.camera)
    labels, instances, normals = label_maps(
        stage.geometry,
        lit.surfaces.points,
        lit.surfaces.normals,
        asset.part_weights,
        np.array([CLASSES.index(part) for part in PARTS]),
        np.stack([asset.fields['lip'], asset.fields['lower_lip']], 1),
        layout.camera.scaled(1),
        front.ids,
    )
    person = labels > 0
    # seats hide keypoints, too
    solid = np.where(front.ids >= 0, front.depth, 0).astype(np.float32)
    depth = np.where(person, solid, 0)
    bumps = outward_frame(front.normals) * person[..., None]
    light = front.image
    back = draw_backdrop(stage, lit, layout.camera, backdrop, front.cover)
    light += back * (1 - front.cover[..., None])
    sensor = sample_sensor(stream(seed, index, 4), knobs, size_hw[0])
    image = take(light, expose(light, person), sensor)
    people = [
        _label_person(p, number, layout, instances, solid, f'{seed}-{index}-{number}')
        for number, p in enumerate(layout.people, 1)
        if (instances == number).any()
    ]
    return Sample(
        image=image,
        labels=labels,
        instances=instances,
        depth=depth,
        normals=normals,
        normals_bump=bumps,
        people=people,
        intrinsics=layout.camera.intrinsics,
        facts={
            'framing': layout.framing,
            'people': len(layout.people),
            'outdoor': outdoor,
            'picture': backdrop.picture is not None,
            'sun': bool(environment.key_color.max() > 1),
        },
    )


def _check(seed: int, index: int, size_hw: tuple[int, int]) -> None:
    for name, value in (('seed', seed), ('index', index)):
        if int(value) != value or value < 0:
            raise ValueError(f'{name} is {value!r}; it must be an integer, 0 or more')
    if len(size_hw) != 2 or min(size_hw) < 64 or any(int(n) != n for n in size_hw):
        raise ValueError(
            f'size_hw is {size_hw!r}; it must be (height, width), 64 pixels or more'
        )


def _label_person(
    person: Person,
    number: int,
    layout: Layout,
    instances: np.ndarray,
    depth: np.ndarray,
    subject: str,
) -> PersonLabels:
    """Read the labels of one person off the maps."""
    rows, columns = np.nonzero(instances == number)
    box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    points = np.concatenate([m.vertices[m.cut < 1] for m in person.meshes])
    seen = layout.camera.project(points)
    seen = seen[seen[:, 2] > 0.05, :2]
    world = place(person.body)
    keypoints = layout.camera.project(world)
    keypoints[:, 2] = visibility(
        world, layout.camera, depth, instances, number, person.body
    )
    return PersonLabels(
        person=number,
        subject=subject,
        keypoints=keypoints.astype(np.float32),
        box_xyxy=np.array(box, np.float32),
        amodal_box_xyxy=np.concatenate([seen.min(0), seen.max(0) + 1]).astype(
            np.float32
        ),
        facts=person.facts | _yaws(person, layout.camera),
    )


def _yaws(person: Person, camera: Camera) -> dict[str, float]:
    """Return how far body and head are turned from the camera, degrees."""
    yaws = {}
    for name, bone in (('yaw_deg', 'root'), ('head_yaw_deg', 'head')):
        which = person.body.asset.bone_index[bone]
        front = person.body.bone_world[which, :3, :3] @ [0.0, -1.0, 0.0]
        right, _, away = camera.rotation @ front
        yaws[name] = round(float(np.degrees(np.arctan2(right, -away))), 1)
    return yaws
