"""Images of labels, depth and normals: values at known pixels."""

import cv2
import numpy as np
import pytest

from sapiens_mm.tables import FACE19, GOLIATH28, LIP20
from sapiens_mm.visualization import (
    colorize_depth,
    colorize_labels,
    colorize_normals,
    colorize_relief,
    overlay_labels,
    pseudo_normals,
)

INFERNO = cv2.applyColorMap(
    np.arange(256, dtype=np.uint8)[:, None], cv2.COLORMAP_INFERNO
)
GREY = (100, 100, 100)


def bgr(image, x, y):
    """Colour of a pixel."""
    return tuple(int(value) for value in image[y, x])


def sphere(size=121, radius=50):
    """Return depth, normals (x right, y down, z away) and mask of a ball."""
    y, x = (np.mgrid[:size, :size] - size // 2) / radius
    mask = x**2 + y**2 < 1
    z = -np.sqrt(np.where(mask, 1 - x**2 - y**2, 0))
    normals = np.where(mask[..., None], np.stack([x, y, z], -1), 0)
    return (5 + z).astype(np.float32), normals.astype(np.float32), mask


def test_labels_take_the_palette_from_rgb_to_bgr():
    labels = np.array([[0, 14, 255]], np.uint8)
    image = colorize_labels(labels, GOLIATH28.palette)
    assert bgr(image, 0, 0) == (50, 50, 50)
    assert bgr(image, 1, 0) == (0, 0, 255)  # Right_Hand is red
    assert bgr(image, 2, 0) == (220, 220, 220)


@pytest.mark.parametrize('dtype', [np.uint8, np.int32, np.int64])
def test_labels_of_any_integer_type(dtype):
    labels = np.arange(19, dtype=dtype).reshape(1, 19)
    image = colorize_labels(labels, FACE19.palette)
    assert np.array_equal(image[0, :, ::-1], FACE19.palette)


def test_overlay_mixes_and_spares_background_and_unlabelled():
    image = np.full((1, 4, 3), (10, 20, 30), np.uint8)
    labels = np.array([[0, 2, 255, 18]])
    result = overlay_labels(image, labels, LIP20, opacity=0.25)
    assert bgr(result, 0, 0) == (10, 20, 30)
    assert bgr(result, 1, 0) == (8, 15, 86)  # 3/4 image, 1/4 red
    assert bgr(result, 2, 0) == (10, 20, 30)
    assert bgr(result, 3, 0) == (8, 79, 86)
    tinted = overlay_labels(image, labels, LIP20, opacity=1, tint_background=True)
    assert bgr(tinted, 0, 0) == (0, 0, 0)
    assert bgr(tinted, 2, 0) == (10, 20, 30)


def test_near_is_bright_and_far_is_dark():
    depth = np.linspace(2, 7, 11, dtype=np.float32)[None]
    image = colorize_depth(depth)
    assert bgr(image, 0, 0) == tuple(INFERNO[255, 0])
    assert bgr(image, 10, 0) == tuple(INFERNO[0, 0])
    brightness = image.astype(int).sum(-1)[0]
    assert (np.diff(brightness) < 0).all()


def test_depth_range_is_that_of_the_foreground():
    depth = np.array([[1.0, 2.0, 3.0, -50.0, np.nan, np.inf]])
    mask = np.array([[1, 1, 1, 0, 1, 1]])
    image = colorize_depth(depth, mask)
    assert bgr(image, 0, 0) == tuple(INFERNO[255, 0])
    assert bgr(image, 1, 0) == tuple(INFERNO[127, 0])
    assert bgr(image, 2, 0) == tuple(INFERNO[0, 0])
    assert [bgr(image, x, 0) for x in (3, 4, 5)] == [GREY] * 3


def test_depth_of_a_given_range():
    depth = np.array([[-1.0, 0.0, 5.0, 10.0, 20.0]], np.float32)
    picture = colorize_depth(depth, near_far=(0, 10))
    levels = [255, 255, 127, 0, 0]
    np.testing.assert_array_equal(picture[0], INFERNO[levels, 0])
    # clipped depth is flat: it faces the camera
    far = np.full((20, 20), 30, np.float32) + np.arange(20)
    flat = pseudo_normals(far, near_far=(0, 10))
    np.testing.assert_array_equal(flat, np.broadcast_to([0, 0, -1], flat.shape))
    with pytest.raises(ValueError, match=r'near_far is \(3, 2\)'):
        colorize_depth(depth, near_far=(3, 2))


def test_depth_ignores_scale_and_offset():
    depth = np.random.default_rng(0).normal(size=(8, 9))
    assert np.array_equal(colorize_depth(depth), colorize_depth(depth * 8 + 1024))


@pytest.mark.parametrize(
    ('depth', 'mask', 'expected'),
    [
        (np.full((5, 6), 3.0), None, tuple(INFERNO[127, 0])),
        (np.arange(30.0).reshape(5, 6), np.zeros((5, 6), bool), GREY),
        (np.full((5, 6), np.nan), None, GREY),
        (np.full((1, 1), 2, np.int32), None, tuple(INFERNO[127, 0])),
    ],
    ids=['constant', 'empty mask', 'nan', 'one pixel'],
)
def test_degenerate_depth(depth, mask, expected):
    image = colorize_depth(depth, mask)
    assert (image == np.array(expected, np.uint8)).all()
    normals = pseudo_normals(depth, mask)
    facing = (0, 0, -1) if expected != GREY else (0, 0, 0)
    assert (normals == facing).all()


def test_depth_of_any_magnitude():
    depth = np.array([[-1.7e308, 0, 1.7e308]])
    image = colorize_depth(depth)
    assert [bgr(image, x, 0) for x in range(3)] == [
        tuple(INFERNO[level, 0]) for level in (255, 127, 0)
    ]


@pytest.mark.parametrize('masked', [False, True])
def test_pseudo_normals_of_a_plane(masked):
    """The 7-tap Sobel kernel answers 2048 times the slope per pixel."""
    y, x = np.mgrid[:30, :40].astype(np.float64)
    depth = 4 + 0.02 * x - 0.01 * y
    mask = (np.hypot(x - 20, y - 15) < 14) if masked else np.ones((30, 40), bool)
    depth[~mask] = 1e6
    span = np.ptp(depth[mask])
    # Nearness falls by 0.02 / span a pixel to the right and rises downwards.
    expected = np.array([2048 * 0.02 / span, -2048 * 0.01 / span, -1])
    expected /= np.linalg.norm(expected)
    normals = pseudo_normals(depth, mask)
    assert np.abs(normals[mask] - expected).max() < 1e-4
    assert (normals[~mask] == 0).all()


def test_pseudo_normals_point_like_true_ones():
    depth, true, mask = sphere()
    normals = pseudo_normals(depth, mask)
    assert np.allclose(np.linalg.norm(normals[mask], axis=-1), 1, atol=1e-5)
    tilted = mask & (np.hypot(true[..., 0], true[..., 1]) > 0.1)
    unit_xy = [n[tilted][:, :2] for n in (normals, true)]
    unit_xy = [v / np.linalg.norm(v, axis=-1, keepdims=True) for v in unit_xy]
    cosine = (unit_xy[0] * unit_xy[1]).sum(-1)
    assert cosine.min() > 0.97
    assert (normals[mask][:, 2] < 0).all()


def test_pseudo_normals_of_a_thin_strand():
    depth = np.tile(np.linspace(0, 1, 20), (20, 1))
    mask = np.zeros((20, 20), bool)
    mask[8:11] = True
    assert (pseudo_normals(depth, mask)[mask] == (0, 0, -1)).all()


def test_relief_is_the_pseudo_normals_in_colour():
    depth, _, mask = sphere()
    expected = colorize_normals(pseudo_normals(depth, mask, (4.1, 4.9)), mask)
    relief = colorize_relief(depth, mask, (4.1, 4.9))
    assert np.array_equal(relief, expected) and (relief[~mask] == 0).all()
    middle = len(relief) // 2
    assert bgr(relief, middle + 40, middle)[2] > 200  # right is red, as in normals


def test_sphere_normals_have_known_colours():
    _, normals, mask = sphere()
    image = colorize_normals(normals, mask)
    middle = len(image) // 2
    blue, green, red = bgr(image, middle, middle)
    assert (red, green, blue) == (127, 127, 0)  # faces the camera: z = -1
    for (x, y), channel, bright in (
        ((middle + 49, middle), 2, True),  # right: x near 1 is red
        ((middle - 49, middle), 2, False),
        ((middle, middle + 49), 1, True),  # bottom: y near 1 is green
        ((middle, middle - 49), 1, False),
    ):
        value = bgr(image, x, y)[channel]
        assert value > 245 if bright else value < 10
    assert bgr(image, 0, 0) == (0, 0, 0)


def test_normal_colours_are_truncated_like_the_official_ones():
    normals = np.array([[[1, 0, -1], [0.6, -0.8, 0], [0, 0, 1]]], np.float32)
    image = colorize_normals(normals)[..., ::-1]
    assert image[0].tolist() == [[255, 127, 0], [204, 25, 127], [127, 127, 255]]


def test_normals_without_meaning_are_black():
    normals = np.zeros((1, 4, 3))
    normals[0, 1] = np.nan
    normals[0, 2] = (np.inf, 0, 0)
    normals[0, 3] = (0, 0, 1)
    image = colorize_normals(normals, np.array([[1, 1, 1, 0]]))
    assert (image == 0).all()


@pytest.mark.parametrize(
    ('call', 'message'),
    [
        (lambda: colorize_labels(np.zeros((2, 2)), [(0, 0, 0)]), 'expected integers'),
        (lambda: colorize_labels(np.full((2, 2), 7), [(0, 0, 0)]), 'labels hold 7'),
        (lambda: colorize_labels(np.full((2, 2), -1), [(0, 0, 0)]), 'labels hold -1'),
        (lambda: colorize_labels(np.zeros((2, 2), int), [(0, 0, 300)]), '0 to 300'),
        (lambda: colorize_labels(np.zeros((2, 2), int), [0]), r'palette .*\(N, 3\)'),
        (
            lambda: overlay_labels(
                np.zeros((2, 2, 3), np.uint8), np.zeros((3, 2), int), LIP20
            ),
            r'shape \(3, 2\); expected \(2, 2\)',
        ),
        (
            lambda: overlay_labels(
                np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2), int), 'lip20'
            ),
            "str 'lip20'; expected a PartTable",
        ),
        (lambda: colorize_depth(np.zeros((2, 2, 1))), r'depth .*\(2, 2, 1\)'),
        (lambda: colorize_depth(np.zeros((0, 2))), r'depth .*\(0, 2\)'),
        (
            lambda: colorize_depth(np.zeros((2, 2)), np.ones((4, 4))),
            r'mask .*\(4, 4\).*expected shape \(2, 2\)',
        ),
        (lambda: pseudo_normals([[1.0]]), 'depth is list'),
        (lambda: colorize_normals(np.zeros((2, 2))), r'expected numbers \(H, W, 3\)'),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()
