"""Point clouds of scenes whose points are known, and PLY files read by hand."""

import math

import numpy as np
import pytest

from sapiens_mm.apis.results import DepthResult, NormalResult
from sapiens_mm.saving.point_cloud import CloudOptions, point_cloud, write_ply

TYPES = {'float': '<f4', 'uchar': 'u1'}


def read_ply(path):
    """Return comments and the vertices of a binary PLY, by the format's page alone."""
    head, _, body = path.read_bytes().partition(b'end_header\n')
    lines = head.decode('ascii').splitlines()
    assert lines[:2] == ['ply', 'format binary_little_endian 1.0']
    comments = [line[8:] for line in lines if line.startswith('comment ')]
    elements = [line.split() for line in lines if line.startswith('element')]
    assert [name for _, name, _ in elements] == ['vertex']
    properties = [line.split()[1:] for line in lines if line.startswith('property')]
    kind = np.dtype([(name, TYPES[type_]) for type_, name in properties])
    assert len(body) == int(elements[0][2]) * kind.itemsize
    return comments, np.frombuffer(body, kind)


def depth_result(depth, mask=None):
    return DepthResult(image_hw=depth.shape, depth=depth.astype(np.float32), mask=mask)


def xyz(cloud):
    return cloud.points.astype(np.float64)


def test_points_by_hand(tmp_path):
    """Two pixels of an image of 3 x 5, with a given focal length."""
    depth = np.full((3, 5), np.nan)
    depth[1, 2], depth[0, 4] = 0, 0.5
    image = np.zeros((3, 5, 3), np.uint8)
    image[0, 4] = (10, 20, 30)
    cloud = point_cloud(
        depth_result(depth), image, CloudOptions(focal_px=2, near=2, span=4)
    )
    # first in rows: 2 right and 1 above the middle, at distance 2 + 4 / 2
    np.testing.assert_allclose(cloud.points, [[4, 2, -4], [0, 0, -2]])
    np.testing.assert_array_equal(cloud.colors, [[30, 20, 10], [0, 0, 0]])
    write_ply(tmp_path / 'a.ply', cloud)
    comments, read = read_ply(tmp_path / 'a.ply')
    assert read.dtype.names == ('x', 'y', 'z', 'red', 'green', 'blue')
    assert read[0].tolist() == (4, 2, -4, 30, 20, 10)
    assert comments[0].startswith('RELATIVE depth, no metres')
    assert comments[1] == 'distance = 2 + 4 * depth'
    assert comments[2] == 'focal length 2 pixels, given'


def sphere(hw=(240, 320), focal=300.0, centre=(0.2, -0.1, -3.0), radius=0.5):
    """A sphere seen by a pinhole camera: distance along the axis, normals, mask."""
    rows, columns = np.mgrid[: hw[0], : hw[1]].astype(float)
    rays = np.dstack(
        [
            (columns - (hw[1] - 1) / 2) / focal,
            ((hw[0] - 1) / 2 - rows) / focal,
            -np.ones(hw),
        ]
    )
    centre = np.array(centre)
    a, b = (rays**2).sum(2), rays @ centre
    root = b**2 - a * (centre @ centre - radius**2)
    mask = root > 0
    distance = (b - np.sqrt(np.where(mask, root, 0))) / a
    normals = (rays * distance[..., None] - centre) / radius
    return distance, normals, mask


def test_a_sphere_comes_back(tmp_path):
    """Relative depth of it, with the true near, span and focal length."""
    distance, normals, mask = sphere()
    near, far = distance[mask].min(), distance[mask].max()
    relative = np.where(mask, (distance - near) / (far - near), 7)
    result = depth_result(relative, mask)
    options = CloudOptions(focal_px=300, near=near, span=far - near)
    image = np.random.default_rng(0).integers(0, 256, (240, 320, 3)).astype(np.uint8)
    of_normals = NormalResult(normals=normals.astype(np.float32))
    cloud = point_cloud(result, image, options, of_normals)
    assert len(cloud.points) == mask.sum()
    away = xyz(cloud) - (0.2, -0.1, -3.0)
    np.testing.assert_allclose(np.linalg.norm(away, axis=1), 0.5, atol=1e-5)
    np.testing.assert_allclose(cloud.normals, away / 0.5, atol=1e-5)
    assert (cloud.points[:, 2] < 0).all()
    np.testing.assert_array_equal(cloud.colors, image[mask][:, ::-1])
    write_ply(tmp_path / 'a.ply', cloud)
    comments, read = read_ply(tmp_path / 'a.ply')
    assert 'people only' in comments
    np.testing.assert_array_equal(read['nz'], cloud.normals[:, 2])
    np.testing.assert_array_equal(read['green'], cloud.colors[:, 1])


def test_the_assumed_field_of_view():
    """The middles of the outer pixels of the longer side see 55 degrees, nearly."""
    depth = np.zeros((11, 1001))
    image = np.zeros((11, 1001, 3), np.uint8)
    points = xyz(point_cloud(depth_result(depth), image))
    angles = np.degrees(np.arctan2(points[:, 0], -points[:, 2]))
    assert angles.max() - angles.min() == pytest.approx(55, abs=0.06)
    assert (points[:, 2] == -1).all()
    focal = 500.5 / math.tan(math.radians(27.5))
    assert CloudOptions().focal_of((11, 1001)) == pytest.approx(focal)
    assert CloudOptions().focal_of((1001, 11)) == pytest.approx(focal)


def test_points_behind_the_camera_are_left_out():
    depth = np.array([[0.0, -4.0, -3.0, 1.0]])
    cloud = point_cloud(depth_result(depth), np.zeros((1, 4, 3), np.uint8))
    np.testing.assert_allclose(cloud.points[:, 2], [-1, -0.1, -1.3], atol=1e-6)
    assert '1 pixels behind the camera were left out' in cloud.comments


def test_steps_and_jumps():
    depth = np.zeros((20, 30))
    depth[:, 15:] = 0.5
    image = np.zeros((20, 30, 3), np.uint8)
    image[..., 0] = np.arange(30)  # says which column a point is from

    def columns(**options):
        return point_cloud(depth_result(depth), image, CloudOptions(**options)).colors

    assert len(columns(step=7)) == 3 * 5
    assert set(columns(step=7)[:, 2]) == {0, 7, 14, 21, 28}
    kept = columns(max_jump=0.4)
    assert set(range(30)) - set(kept[:, 2].tolist()) == {14, 15}
    assert len(columns(max_jump=0.6)) == 600
    # the background is no neighbour
    mask = np.zeros((20, 30), bool)
    mask[:, :15] = True
    cloud = point_cloud(depth_result(depth, mask), image, CloudOptions(max_jump=0.4))
    assert len(cloud.points) == 300


def test_nobody_makes_a_file_without_points(tmp_path):
    nobody = depth_result(np.zeros((4, 5)), np.zeros((4, 5), bool))
    write_ply(tmp_path / 'a.ply', point_cloud(nobody, np.zeros((4, 5, 3), np.uint8)))
    comments, read = read_ply(tmp_path / 'a.ply')
    assert len(read) == 0 and 'people only' in comments


@pytest.mark.parametrize(
    ('options', 'match'),
    [
        (dict(focal_px=0), 'focal_px must be a number above 0, got 0'),
        (dict(span=-1), 'span must be'),
        (dict(near=math.inf), 'near must be'),
        (dict(fov_deg=180), 'fov_deg must be 1 to 170'),
        (dict(step=0), 'step must be a whole number from 1'),
        (dict(step=1.5), 'step must be a whole number from 1'),
    ],
)
def test_wrong_options(options, match):
    with pytest.raises(ValueError, match=match):
        CloudOptions(**options)


def test_wrong_sizes():
    result = depth_result(np.zeros((4, 5)))
    with pytest.raises(ValueError, match=r'image has shape \(5, 4, 3\)'):
        point_cloud(result, np.zeros((5, 4, 3), np.uint8))
    normals = NormalResult(normals=np.zeros((2, 2, 3), np.float32))
    with pytest.raises(ValueError, match=r'normals has shape \(2, 2, 3\)'):
        point_cloud(result, np.zeros((4, 5, 3), np.uint8), normals=normals)
