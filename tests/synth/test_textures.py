"""Noise and the colours of materials."""

import numpy as np
import pytest

from sapiens_mm.synth.core.mesh import (
    KINDS,
    ROW,
    Material,
    make_mesh,
    pack,
    smooth_normals,
)
from sapiens_mm.synth.render.textures import (
    SIDE,
    albedo,
    fade,
    fbm,
    noise,
    noise_slope,
    noise_table,
)

TABLE = noise_table()


def test_noise_meets_its_lattice_and_repeats():
    # seed 0 shifts nothing, so integers are lattice points
    for i, j, k in ((0, 0, 0), (3, 7, 31), (31, 31, 31)):
        assert noise(TABLE, i, j, k, 0) == pytest.approx(TABLE[i, j, k])
        assert noise(TABLE, i + SIDE, j - SIDE, k, 0) == pytest.approx(TABLE[i, j, k])
    # halfway along an edge the blend is even
    want = 0.5 * (TABLE[4, 5, 6] + TABLE[5, 5, 6])
    assert noise(TABLE, 4.5, 5, 6, 0) == pytest.approx(want, abs=1e-6)


def test_slope_of_noise_is_its_derivative():
    e = 1e-4
    for p in np.random.default_rng(0).random((20, 3)) * 40 - 20:
        value, *slope = noise_slope(TABLE, *p, 3)
        assert value == pytest.approx(noise(TABLE, *p, 3), abs=1e-6)
        for axis in range(3):
            step = e * np.eye(3)[axis]
            rise = noise(TABLE, *(p + step), 3) - noise(TABLE, *(p - step), 3)
            assert slope[axis] == pytest.approx(rise / (2 * e), abs=2e-3)


def test_octaves_stay_within_0_and_1_with_the_mean_of_the_table():
    points = np.random.default_rng(1).random((4000, 3)) * 30
    values = np.array([fbm(TABLE, *p, 1, 4) for p in points])
    assert values.min() >= 0 and values.max() <= 1
    assert abs(values.mean() - TABLE.mean()) < 0.02
    assert 0.05 < values.std() < TABLE.std()


def test_detail_fades_out_before_it_aliases():
    assert fade(100.0, 0.0) == 1
    # two pixels per repeat show half of it, and finer detail nothing
    assert fade(100.0, 0.005) == pytest.approx(0.5)
    assert fade(100.0, 0.01) == 0


@pytest.mark.parametrize('kind', KINDS)
def test_every_material_gives_a_colour_between_black_and_a_little_over_white(kind):
    row = pack([Material(kind, (0.9, 0.5, 0.2), (0.2, 0.4, 0.8), seed=11)])[0]
    assert row.shape == (ROW,)
    out, rng = np.zeros(3), np.random.default_rng(0)
    colors = []
    for x, y, z in rng.uniform(-1, 1, (300, 3)):
        albedo(TABLE, row, x, y, z, 0.0, 0.0005, out)
        colors.append(out.copy())
    colors = np.array(colors)
    assert (colors >= 0).all() and colors.max() < 1.5
    assert np.isfinite(colors).all() and colors.std(0).max() > 1e-3


def test_stripes_have_the_width_that_was_asked_for():
    material = Material('stripes', (1, 0, 0), (0, 0, 1), scale=10.0, duty=0.3)
    row, out = pack([material])[0], np.zeros(3)
    red = []
    for z in np.arange(0, 1, 1e-3) + 5e-4:
        albedo(TABLE, row, 0.0, 0.0, z, 0.0, 1e-6, out)
        red.append(out[0])
    assert np.mean(red) == pytest.approx(0.3, abs=0.005)


def test_skin_reddens_and_takes_the_colour_of_hair():
    material = Material('skin', (0.6,) * 3, (0.6,) * 3, hair_color=(0.0, 0.0, 0.0))
    row, out = pack([material])[0], np.zeros(3)
    albedo(TABLE, row, 0.1, 0.2, 0.3, 0.0, 0.01, out)
    plain = out.copy()
    albedo(TABLE, row, 0.1, 0.2, 0.3, 1.0, 0.01, out)
    assert out[1] / plain[1] < 0.75 < out[0] / plain[0]
    albedo(TABLE, row, 0.1, 0.2, 0.3, -1.0, 0.01, out)
    assert out.max() < 0.05 * plain.min()


def test_unknown_kinds_are_named():
    with pytest.raises(ValueError, match="'velvet'"):
        Material('velvet', (0, 0, 0), (0, 0, 0))


def test_smooth_normals_weigh_by_area():
    points = np.array([[0, 0, 0], [2, 0, 0], [0, 2, 0], [0, 0, 1.0]])
    faces = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    found = smooth_normals(points.astype(np.float32), faces)
    # cross products: (0, 0, 4) and (2, 0, 0)
    np.testing.assert_allclose(found[0], np.array([2, 0, 4]) / np.sqrt(20), atol=1e-6)
    np.testing.assert_allclose(found[1], [0, 0, 1], atol=1e-6)
    mesh = make_mesh(points, faces, Material('cloth', (0, 0, 0), (0, 0, 0)), 22)
    quarter = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1.0]])
    moved = mesh.moved(quarter, np.array([1.0, 2.0, 3.0]))
    np.testing.assert_allclose(moved.vertices[1], [1, 4, 3], atol=1e-6)
    np.testing.assert_allclose(moved.normals[1], [0, 0, 1], atol=1e-6)
