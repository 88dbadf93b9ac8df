"""Light of the surroundings and shadows, against integrals and geometry."""

from dataclasses import replace

import numpy as np
import pytest

from sapiens_mm.synth.core.mesh import Material
from sapiens_mm.synth.places.props import Builder
from sapiens_mm.synth.render.ambient import bake, sphere_directions
from sapiens_mm.synth.render.geometry import join
from sapiens_mm.synth.render.lamp_map import look_along
from sapiens_mm.synth.render.lighting import (
    Environment,
    cast_shadows,
    sample_environment,
)
from sapiens_mm.synth.render.radiance import key_visibility
from sapiens_mm.synth.render.shade import lamps_to_camera
from sapiens_mm.synth.scene_settings import SceneSettings

GREY = Material('plaster', (0.5,) * 3, (0.5,) * 3)
WHITE_SKY = Environment(
    up=np.ones(3),
    level=np.ones(3),
    down=np.zeros(3),
    lobes=np.zeros((0, 7)),
    key_direction=np.array([0.0, 0.0, 1.0]),
    key_color=np.ones(3),
    softness=0.01,
    outdoor=True,
)


def stage(*boxes, half=2.0, count=41):
    """A square floor at z = 0 and boxes (centre, size) over it; floor first."""
    floor, things = Builder(), Builder()
    line = np.linspace(-half, half, count)
    floor.sheet(GREY, (0, 0, 0), (1, 0, 0), (0, 1, 0), line, line)
    for centre, size in boxes:
        things.boxes(GREY, centre, size, step=0.1)
    return join(floor.meshes() + things.meshes()), count * count


def baked(geometry, floor, casts=True, **kwargs):
    hides = np.zeros(len(geometry.faces), bool)
    hides[2 * (int(np.sqrt(floor)) - 1) ** 2 :] = casts
    dense = np.zeros(len(geometry.points), bool)
    needed = np.ones(len(geometry.points), bool)
    return bake(
        geometry, hides, dense, needed, WHITE_SKY, np.zeros(3), 1.5, 400, **kwargs
    )


def test_directions_are_unit_and_even():
    directions = sphere_directions(500)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1)
    np.testing.assert_allclose(directions.mean(0), 0, atol=2e-3)
    np.testing.assert_allclose(
        directions.T @ directions / 500, np.eye(3) / 3, atol=2e-3
    )


def test_an_open_floor_under_a_white_sky_gets_1_and_a_wall_half():
    geometry, floor = stage(((0, 0, 10), (0.1, 0.1, 0.1)))
    light, free = baked(geometry, floor, casts=False)
    np.testing.assert_allclose(light[:floor], 1, atol=0.02)
    np.testing.assert_allclose(free[:floor], 1)
    wall = np.abs(geometry.normals[:, 0]) > 0.9
    # the ramp from sky to ground takes up the 20 degrees below the horizon
    np.testing.assert_allclose(light[wall], 0.5, atol=0.11)


def test_a_box_over_the_floor_hides_what_its_solid_angle_says():
    geometry, floor = stage(((0, 0, 0.55), (1.0, 1.0, 0.1)))
    light, free = baked(geometry, floor)
    points = geometry.points[:floor]
    middle = np.abs(points[:, :2]).max(1) < 1e-6
    # a square of edge 1, 0.5 above: the configuration factor of four quarters
    x = 0.5 / 0.5
    quarter = x / np.sqrt(1 + x * x) * np.arctan(x / np.sqrt(1 + x * x)) / np.pi
    hidden = 4 * quarter
    assert free[:floor][middle] == pytest.approx(1 - hidden, abs=0.05)
    corner = np.abs(points[:, :2]).min(1) > 1.9
    assert free[:floor][corner].min() > 0.93
    assert light[:floor][middle].max() < light[:floor][corner].min()


def test_lamp_map_has_its_axis_and_scale():
    direction = np.array([1.0, 2.0, 2.0]) / 3
    centre = np.array([0.3, -0.2, 1.0])
    m = look_along(direction, centre, 2.0, 104)
    np.testing.assert_allclose(m[:2, :3] @ centre + m[:2, 3], 52)
    # 4 texels of margin: 48 texels for 2 metres
    np.testing.assert_allclose(np.linalg.norm(m[:2, :3], axis=1), 24)
    ahead = m @ np.append(centre + direction, 1) - m @ np.append(centre, 1)
    np.testing.assert_allclose(ahead, [0, 0, -1], atol=1e-12)


def visible(geometry, floor, environment, points, normals, size=512):
    casts = np.ones(len(geometry.faces), bool)
    casts[: 2 * (int(np.sqrt(floor)) - 1) ** 2] = False
    shadows = cast_shadows(geometry, casts, environment, np.zeros(3), 1.5, size)
    lamps = lamps_to_camera(environment, shadows, np.eye(3), np.zeros(3))
    key = environment.key_direction
    return np.array(
        [
            key_visibility(lamps, *p, *n, max(float(n @ key), 0))
            for p, n in zip(points.astype(float), normals.astype(float), strict=True)
        ]
    )


@pytest.mark.parametrize('elevation', [20, 45, 80])
def test_the_shadow_of_a_box_lies_where_geometry_says(elevation):
    slope = np.deg2rad(elevation)
    key = np.array([np.cos(slope), 0, np.sin(slope)])
    environment = replace(WHITE_SKY, key_direction=key)
    geometry, floor = stage(((0, 0, 0.2), (0.2, 0.6, 0.1)))
    y, x = np.mgrid[-60:61, -100:101].reshape(2, -1) * 0.012
    points = np.stack([x, y, 0 * x], 1)
    found = visible(geometry, floor, environment, points, 0 * points + [0, 0, 1])
    # the box from z = 0.15 to 0.25 throws its shadow towards -x
    reach = 1 / np.tan(slope)
    inside = (x < 0.1 - 0.15 * reach) & (x > -0.1 - 0.25 * reach) & (np.abs(y) < 0.3)
    edge = np.minimum.reduce(
        [
            np.abs(x - (0.1 - 0.15 * reach)) + 9 * (np.abs(y) > 0.33),
            np.abs(x - (-0.1 - 0.25 * reach)) + 9 * (np.abs(y) > 0.33),
            np.abs(np.abs(y) - 0.3),
        ]
    )
    near = np.abs(x) + np.abs(y) < 1.2
    clear = (edge > 0.035 + 0.03 * reach) & near
    assert inside[clear].sum() > 60
    np.testing.assert_allclose(found[clear], ~inside[clear], atol=1e-6)
    assert ((found > 0.05) & (found < 0.95)).sum() > 10


@pytest.mark.parametrize('softness', [0.01, 0.1])
def test_lit_sides_show_no_acne(softness):
    slope = np.deg2rad(35)
    key = np.array([np.cos(slope), 0.2, np.sin(slope)])
    key /= np.linalg.norm(key)
    environment = replace(WHITE_SKY, key_direction=key, softness=softness)
    ball = Builder()
    ball.ball(GREY, np.zeros(3), np.full(3, 0.9), detail=60)
    geometry = join(ball.meshes())
    facing = geometry.normals @ key > 0.05
    points, normals = geometry.points[facing], geometry.normals[facing]
    found = visible(geometry, 1, environment, points, normals, 1200)
    assert found.min() > 0.98
    dark = geometry.normals @ key < -0.6
    found = visible(
        geometry, 1, environment, geometry.points[dark], geometry.normals[dark], 1200
    )
    assert found.max() == 0


def test_sampled_light_is_finite_and_differs():
    settings, seen = SceneSettings(), []
    for k in range(40):
        light = sample_environment(np.random.default_rng(k), settings, k % 2 == 0)
        values = light.radiance(sphere_directions(64))
        assert values.shape == (64, 3) and (values > 0).all() and values.max() < 20
        assert np.linalg.norm(light.key_direction) == pytest.approx(1)
        assert light.key_direction[2] > 0.2
        seen.append(values.mean())
    assert np.std(seen) > 0.1
