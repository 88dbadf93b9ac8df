"""Backgrounds: shapes, rooms and streets, skies and a user's images."""

import cv2
import numpy as np
import pytest

from sapiens_mm.synth.core.camera import frame_points, view_axes
from sapiens_mm.synth.core.mesh import Material
from sapiens_mm.synth.places.indoor import fine_coordinates, room
from sapiens_mm.synth.places.outdoor import street
from sapiens_mm.synth.places.props import Builder, color, turned
from sapiens_mm.synth.render.background import (
    check_images,
    defocus,
    draw_sky,
    light_of_image,
    list_images,
    load_image,
)
from sapiens_mm.synth.render.lighting import sample_environment
from sapiens_mm.synth.scene_settings import SceneSettings

GREY = Material('plaster', (0.5,) * 3, (0.5,) * 3)


def volume(mesh):
    """Signed volume by the divergence theorem: positive if faces turn outwards."""
    a, b, c = (mesh.vertices[mesh.faces[:, k]].astype(float) for k in range(3))
    return (np.cross(a, b) * c).sum() / 6


def agree(mesh):
    """Cosine between each triangle and the normals stored at its corners."""
    a, b, c = (mesh.vertices[mesh.faces[:, k]].astype(float) for k in range(3))
    own = np.cross(b - a, c - a)
    size = np.linalg.norm(own, axis=1)
    stored = mesh.normals[mesh.faces].mean(1)
    return ((own * stored).sum(1) / np.maximum(size, 1e-12))[size > 1e-9]


def test_boxes_have_their_volume_and_turn_outwards():
    b = Builder()
    b.boxes(
        GREY, [(1, 2, 3), (0, 0, 9)], [(1, 2, 0.5), (2, 2, 2)], [0.3, 1.0], step=0.4
    )
    (mesh,) = b.meshes(0.7, (4, 5, 6))
    assert volume(mesh) == pytest.approx(1 + 8, rel=1e-5)
    assert agree(mesh).min() > 0.999
    low = np.append(turned(np.array([1.0, 2, 0]), 0.7)[:2] + [4, 5], 9)
    near = np.linalg.norm(mesh.vertices - low, axis=1)
    assert near.min() < 1.2


def test_cylinders_and_balls_turn_outwards():
    b = Builder()
    b.cylinder(GREY, np.array([1.0, 0, 0]), 2.0, 0.5, 0.3, 24)
    (mesh,) = b.meshes()
    assert agree(mesh).min() > 0.95
    b = Builder()
    b.ball(GREY, np.array([1.0, 2, 3]), np.array([0.3, 0.4, 0.5]), detail=40)
    (mesh,) = b.meshes()
    assert volume(mesh) == pytest.approx(4 / 3 * np.pi * 0.06, rel=0.01)
    assert agree(mesh).min() > 0.95


def test_leaves_have_holes():
    b, rng = Builder(), np.random.default_rng(0)
    b.ball(GREY, np.zeros(3), np.ones(3), rng, rough=0.1, holes=0.4)
    cut = b.meshes()[0].cut
    assert (cut >= 1).mean() == pytest.approx(0.4, abs=0.06)


def test_colours_are_mostly_muted():
    rng = np.random.default_rng(0)
    drawn = np.array([color(rng) for _ in range(3000)])
    assert drawn.min() >= 0 and drawn.max() <= 1
    saturation = 1 - drawn.min(1) / np.maximum(drawn.max(1), 1e-6)
    assert np.median(saturation) < 0.45 and (saturation > 0.7).mean() > 0.05


def test_fine_coordinates_are_fine_in_the_middle():
    line = fine_coordinates(-10.0, 30.0, 1.0, 0.1)
    assert line[0] == -10 and line[-1] == 30
    assert (np.diff(line) > 0).all()
    inside = line[np.abs(line) < 0.95]
    np.testing.assert_allclose(np.diff(inside), 0.1)


@pytest.mark.parametrize('seed', range(6))
def test_rooms_leave_people_their_space(seed):
    centre, radius = np.array([1.0, -2.0]), 0.8
    shell, things = room(np.random.default_rng(seed), 1.0, centre, radius, 0.0)
    floor = np.concatenate([m.vertices for m in shell])
    assert floor[:, 2].min() == pytest.approx(0) and 2.3 < floor[:, 2].max() < 3.4
    for mesh in things:
        low = mesh.vertices[(mesh.vertices[:, 2] < 2) & (mesh.vertices[:, 2] > 0.3)]
        away = np.linalg.norm(low[:, :2] - centre, axis=1)
        # furniture is at most 0.9 m deep and walls are 0.7 m away or more
        assert len(low) == 0 or away.min() > radius - 0.25
        assert mesh.class_id == 0 and mesh.person == 0


@pytest.mark.parametrize('seed', range(6))
def test_streets_are_behind_people(seed):
    centre, radius = np.array([0.0, 0.0]), 1.0
    rng = np.random.default_rng(seed)
    _, things = street(rng, 1.0, centre, radius, 0.0, 0.4, 4.0)
    assert things
    tall = np.concatenate([m.vertices for m in things])
    tall = tall[tall[:, 2] > 0.3]
    # trees may lean over, nothing else
    low = tall[tall[:, 2] < 1.6]
    assert low[:, 1].min() > -0.6


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for k in range(3):
        image = np.full((40, 60, 3), 40 + 60 * k, np.uint8)
        image[:, :30, 2] = rng.integers(255)
        cv2.imwrite(str(tmp_path / f'{k}.png'), image)
    return tmp_path


def test_a_folder_is_checked_as_a_whole(folder, tmp_path_factory):
    assert [p.name for p in list_images(str(folder))] == ['0.png', '1.png', '2.png']
    assert check_images(str(folder)) == 3
    empty = tmp_path_factory.mktemp('empty')
    with pytest.raises(ValueError, match='has no images'):
        list_images(str(empty))
    with pytest.raises(ValueError, match='no folder of backgrounds at'):
        check_images(str(empty / 'gone'))
    broken = tmp_path_factory.mktemp('broken')
    (broken / 'good.png').write_bytes((folder / '0.png').read_bytes())
    (broken / 'cut.png').write_bytes((folder / '0.png').read_bytes()[:60])
    (broken / 'void.jpg').write_bytes(b'')
    with pytest.raises(ValueError, match='cannot be read: cut.png, void.jpg'):
        check_images(str(broken))


def test_images_become_linear_light_of_the_asked_size(folder):
    picture = load_image(folder / '1.png', (50, 30), np.random.default_rng(0))
    assert picture.shape == (50, 30, 3) and picture.dtype == np.float32
    # BGR 100, 100, ? in the file: blue is last here
    np.testing.assert_allclose(picture[..., 2], (100 / 255) ** 2.2, rtol=0.02)
    with pytest.raises(ValueError, match='cannot read the background'):
        load_image(folder / 'gone.png', (50, 30), np.random.default_rng(0))


def test_light_takes_the_colours_of_the_image():
    light = sample_environment(np.random.default_rng(0), SceneSettings(), True)
    picture = np.full((64, 48, 3), 0.2, np.float32)
    picture[:32, :, 2] = 0.8
    tinted = light_of_image(picture, light)
    assert tinted.up[2] > 1.8 * tinted.up[0]
    assert tinted.down[2] / tinted.down[0] < 1.1


def test_sky_fills_what_is_empty_and_nothing_else():
    light = sample_environment(np.random.default_rng(2), SceneSettings(sun=1.0), True)
    points = np.random.default_rng(0).normal(0, 1, (50, 3)) + [0, 5, 1]
    camera = frame_points(points, view_axes(0, -0.3, 0), 0.9, (64, 48), 0.8)
    image, cover = np.zeros((64, 48, 3), np.float32), np.zeros((64, 48), np.float32)
    cover[40:] = 1
    half, share = image.copy(), cover.copy()
    share[:10] = 0.5
    draw_sky(image, cover, camera, 1.0, light, 5)
    assert (image[40:] == 0).all() and image[:40].min() > 0
    assert np.isfinite(image).all()
    draw_sky(half, share, camera, 1.0, light, 5)
    np.testing.assert_allclose(half[:10], 0.5 * image[:10], rtol=1e-5)


def test_defocus_spares_the_focus_and_keeps_the_light():
    rng = np.random.default_rng(0)
    image = rng.random((64, 64, 3)).astype(np.float32)
    depth = np.full((64, 64), 2.0, np.float32)
    np.testing.assert_allclose(defocus(image, depth, 2.0, 6.0), image, atol=1e-5)
    far = defocus(image, depth * np.inf, 2.0, 6.0)
    assert far.std() < 0.25 * image.std()
    assert far.mean() == pytest.approx(image.mean(), rel=0.02)
    assert defocus(image, depth, 2.0, 0.0) is image
