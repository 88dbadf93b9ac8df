"""Cameras: frames, projection and framing."""

import numpy as np
import pytest

from sapiens_mm.synth.core.camera import Camera, frame_points, view_axes


@pytest.mark.parametrize('azimuth, elevation, roll', [(0, 0, 0), (0.7, 0.4, -0.2)])
def test_axes_are_a_rotation_with_right_down_forward(azimuth, elevation, roll):
    axes = view_axes(azimuth, elevation, roll)
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(axes) == pytest.approx(1)
    assert -axes[2, 2] == pytest.approx(np.sin(elevation))


def test_the_plain_view_looks_into_the_face():
    right, down, forward = view_axes(0, 0, 0)
    np.testing.assert_allclose(forward, [0, 1, 0], atol=1e-12)
    np.testing.assert_allclose(right, [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(down, [0, 0, -1], atol=1e-12)
    # a positive roll turns the camera clockwise: what was right moves up
    turned = view_axes(0, 0, 0.1)
    assert (turned @ [1, 0, 0])[1] < 0


def test_projection_by_hand():
    k = np.array([[100, 0, 31.5], [0, 100, 23.5], [0, 0, 1.0]])
    axes = view_axes(0, 0, 0)
    camera = Camera(k, axes, -axes @ np.array([0, -4.0, 1.0]), (48, 64))
    np.testing.assert_allclose(camera.position, [0, -4, 1], atol=1e-12)
    found = camera.project(np.array([[0, 0, 1.0], [0.4, 0, 1.2], [0, -5, 0]]))
    np.testing.assert_allclose(found[0], [31.5, 23.5, 4])
    np.testing.assert_allclose(found[1], [41.5, 18.5, 4])
    assert found[2, 2] == pytest.approx(-1)


def test_scaled_buffers_split_pixels_evenly():
    k = np.array([[100, 0, 31.5], [0, 90, 23.5], [0, 0, 1.0]])
    camera = Camera(k, np.eye(3), np.zeros(3), (48, 64))
    for scale in (0.5, 2.0, 3.0):
        fx, fy, cx, cy = camera.scaled(scale)
        # the left edge of the first pixel, -0.5, stays an edge
        assert (-0.5 - cx) / fx == pytest.approx((-0.5 - 31.5) / 100)
        assert (-0.5 - cy) / fy == pytest.approx((-0.5 - 23.5) / 90)


@pytest.mark.parametrize('elevation', [-0.2, 0.0, 0.5])
@pytest.mark.parametrize('fov', [0.3, 1.3])
def test_framed_points_fill_the_image(fov, elevation):
    rng = np.random.default_rng(0)
    points = rng.normal(0, [0.3, 0.3, 0.7], (400, 3)) + [5, -3, 1]
    axes = view_axes(0.4, elevation, 0.1)
    camera = frame_points(points, axes, fov, (400, 300), 0.8)
    seen = camera.project(points)
    low, high = seen[:, :2].min(0), seen[:, :2].max(0)
    share = (high - low) / [300, 400]
    assert share.max() == pytest.approx(0.8, abs=2e-3)
    np.testing.assert_allclose((low + high) / 2, [149.5, 199.5], atol=1.0)
    assert 2 * np.arctan(200 / camera.intrinsics[1, 1]) == pytest.approx(fov)
    moved = frame_points(points, axes, fov, (400, 300), 0.8, (0.05, -0.1)).project(
        points
    )
    middle = (moved[:, :2].min(0) + moved[:, :2].max(0)) / 2
    np.testing.assert_allclose(middle, [149.5 + 15, 199.5 - 40], atol=5)
