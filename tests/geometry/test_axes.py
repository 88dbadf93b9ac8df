"""Axes of stored normals: descriptions, handedness, and what a sphere tells."""

import numpy as np
import pytest

pytest.importorskip('mmseg')

from sapiens_mm.geometry.axes import (
    axis_agreement,
    fitting_axes,
    handedness_of,
    parse_axes,
    sphere_normals,
    to_our_frame,
)


@pytest.mark.parametrize(
    ('axes', 'ours', 'hand'),
    [
        ('xyz', (1, 2, 3), 'right'),
        ('opengl', (1, 2, 3), 'right'),
        ('zyx', (3, 2, 1), 'left'),
        ('yzx', (3, 1, 2), 'right'),
        ('x -y -z', (1, -2, -3), 'right'),
        ('opencv', (1, -2, -3), 'right'),
        ('x,-y,z', (1, -2, 3), 'left'),
        ('directx', (1, -2, 3), 'left'),
        ('-z +x y', (2, 3, -1), 'left'),
    ],
)
def test_stored_channels_become_ours(axes, ours, hand):
    matrix = parse_axes(axes)
    stored = np.array([[[1.0, 2.0, 3.0]]], np.float32)
    assert to_our_frame(stored, matrix).tolist() == [[list(ours)]]
    assert (matrix @ stored[0, 0]).tolist() == list(ours)
    assert handedness_of(matrix) == hand
    parse_axes(axes, hand)
    with pytest.raises(ValueError, match=f'is a {hand}-handed frame'):
        parse_axes(axes, {'right': 'left', 'left': 'right'}[hand])


@pytest.mark.parametrize('axes', ['xy', 'xxz', 'x y w', '--x y z', 'xyz!', '', None, 3])
def test_other_descriptions_raise(axes):
    with pytest.raises(ValueError, match='axes must name x, y and z once each'):
        parse_axes(axes)


def test_the_sphere_in_our_frame():
    normals = sphere_normals(101)
    np.testing.assert_allclose(normals[50, 50], (0, 0, 1), atol=1e-6)
    right, top = normals[50, 90], normals[10, 50]
    share = 40 / 50.5
    depth = np.sqrt(1 - share**2)
    np.testing.assert_allclose(right, (share, 0, depth), atol=1e-6)
    np.testing.assert_allclose(top, (0, share, depth), atol=1e-6)
    assert not normals[0, 0].any()
    assert (normals[..., 2] >= 0).all()


def test_a_sphere_gives_the_axes_away():
    normals = sphere_normals(1000)
    mask = normals.any(2)
    agreement = axis_agreement(normals, mask)
    # the mean of z over the disc is 2/3; round a circle, the mean of cos**2 over that
    # of |cos| is pi / 4
    assert agreement[2, 2] == pytest.approx(2 / 3, abs=0.01)
    assert agreement[0, 0] == pytest.approx(np.pi / 4, abs=0.05)
    assert np.abs(agreement - np.diag(np.diag(agreement))).max() < 0.01
    for axes in ('x y z', 'z y x', 'x -y -z', '-y z -x', 'y x z'):
        stored = normals @ parse_axes(axes)  # ours = matrix @ stored
        found, margin = fitting_axes(axis_agreement(stored, mask))
        assert found == axes
        assert margin > 1


def test_what_tells_nothing_has_no_margin():
    flat = np.zeros((32, 32, 3))
    flat[..., 2] = 1  # a wall over the whole image
    _, margin = fitting_axes(axis_agreement(flat, np.ones((32, 32))))
    assert margin < 0.05
    _, margin = fitting_axes(axis_agreement(flat, np.zeros((32, 32))))
    assert margin == 0
