"""Maps follow the crop: each pixel against the image's, normals against keypoints."""

import cv2
import numpy as np
import pytest
from mmpose.datasets.transforms import RandomFlip
from mmpose.structures.bbox import get_udp_warp_matrix

from sapiens_mm.data.files import BadFileError
from sapiens_mm.multitask import SapiensLoadAllMaps, SapiensTopdownMaps
from sapiens_mm.tables import part_table

INPUT_WH = (96, 128)


def crop(results, angle_deg=0.0, flip=False, stride=4):
    results = SapiensLoadAllMaps()(results)
    results['bbox_rotation'] = np.array([angle_deg], np.float32)
    if flip:
        results = RandomFlip(prob=1.0, direction='horizontal')(results)
    return SapiensTopdownMaps(INPUT_WH, stride)(results)


@pytest.mark.parametrize('flip', [False, True])
@pytest.mark.parametrize('angle_deg', [0.0, 35.0])
def test_each_pixel_is_the_images(arrow_results, angle_deg, flip):
    stored = arrow_results['stored']
    found = crop(arrow_results, angle_deg, flip)
    matrix = get_udp_warp_matrix(
        found['input_center'], found['input_scale'], angle_deg, output_size=INPUT_WH
    )
    back = cv2.invertAffineTransform(matrix)
    labels, depth = found['maps']['labels'], found['maps']['depth']
    assert labels.shape == depth.shape == (32, 24)
    swap = part_table('goliath28').flip_indices if flip else list(range(28))
    height, width = stored['labels'].shape
    checked, metres = 0, {}
    for row in range(32):
        for column in range(24):
            x, y = back @ (4 * column + 1.5, 4 * row + 1.5, 1)
            if min(abs(v - np.floor(v) - 0.5) for v in (x, y)) < 0.05:
                continue  # which pixel is nearest is a matter of rounding
            x, y = round(x), round(y)
            if not (0 <= x < width and 0 <= y < height):
                assert labels[row, column] == 0 and depth[row, column] == -1
                continue
            x = width - 1 - x if flip else x
            assert labels[row, column] == swap[stored['labels'][y, x]]
            metres[row, column] = stored['depth'][y, x]
            assert (depth[row, column] == -1) == (stored['depth'][y, x] == 0)
            checked += 1
    assert checked > 300
    values = [m for m in metres.values() if m]
    near, far = min(values), max(values)
    for (row, column), value in metres.items():
        if value:
            expected = (value - near) / (far - near)
            assert depth[row, column] == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize('flip', [False, True])
@pytest.mark.parametrize('angle_deg', [0.0, 30.0, -75.0, 160.0])
def test_normals_turn_with_the_keypoints(arrow_results, angle_deg, flip):
    found = crop(arrow_results, angle_deg, flip)
    start, end = found['transformed_keypoints'][0]
    expected = np.array([end[0] - start[0], start[1] - end[1]])
    expected /= np.linalg.norm(expected)
    normal = found['maps']['normal']
    person = normal[..., 0] > -100
    assert person.any() and not person.all()
    np.testing.assert_array_equal(person, found['maps']['depth'] >= 0)
    np.testing.assert_array_equal(normal[~person], -1000)
    np.testing.assert_allclose(np.linalg.norm(normal[person], axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(
        normal[person][:, :2], [expected] * person.sum(), atol=0.02
    )
    np.testing.assert_allclose(normal[person][:, 2], 0, atol=0.01)


def test_wrong_files_are_named(arrow_results, tmp_path):
    cv2.imwrite(str(tmp_path / 'depth.png'), np.zeros((120, 90), np.uint8))
    with pytest.raises(BadFileError, match=r'depth.png holds uint8 of shape'):
        SapiensLoadAllMaps()(arrow_results)
    cv2.imwrite(str(tmp_path / 'depth.png'), np.zeros((60, 90), np.uint16))
    with pytest.raises(BadFileError, match=r'depth.png'):
        SapiensLoadAllMaps()(arrow_results)
    (tmp_path / 'depth.png').unlink()
    with pytest.raises((BadFileError, FileNotFoundError), match=r'depth.png'):
        SapiensLoadAllMaps()(arrow_results)


def test_vertical_mirrors_are_refused(arrow_results):
    results = SapiensLoadAllMaps()(arrow_results)
    results.update(flip=True, flip_direction='vertical')
    with pytest.raises(ValueError, match='mirrored horizontally'):
        SapiensTopdownMaps(INPUT_WH)(results)


@pytest.mark.parametrize(
    ('options', 'message'),
    [(dict(stride=5), 'stride must divide'), (dict(use_udp=False), 'UDP crop')],
)
def test_wrong_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        SapiensTopdownMaps(INPUT_WH, **options)
