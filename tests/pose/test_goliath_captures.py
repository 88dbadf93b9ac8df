"""Captures of 344 keypoints: selection, order, what is dropped and what fails."""

import json

import cv2
import numpy as np
import pytest
from sentences import says

pytest.importorskip('mmpose')

from sapiens_mm.data.files import read_capture_index  # noqa: E402
from sapiens_mm.pose import SapiensGoliathDataset, check_annotations  # noqa: E402
from sapiens_mm.pose.goliath_captures import (  # noqa: E402
    convert_captures,
    is_grey,
    select_points,
)

HW = (64, 48)


def keypoints_344(visible=344, seed=0):
    rng = np.random.RandomState(seed)
    array = np.ones((3, 344))
    array[0], array[1] = rng.uniform(1, 47, 344), rng.uniform(1, 63, 344)
    array[2, visible:] = 0
    return array


def write_captures(root, **special):
    """Twelve frames of one camera; ``special`` replaces (image, keypoints) of some."""
    rng = np.random.RandomState(0)
    (root / 'images').mkdir(parents=True)
    (root / 'keypoints').mkdir()
    index = []
    for frame in range(12):
        image = rng.randint(0, 256, (*HW, 3)).astype(np.uint8)
        array = keypoints_344(seed=frame)
        change = special.get(f'f{frame}')
        image, array = change(image, array) if change else (image, array)
        name = f's{frame}'
        if image is not None:
            cv2.imwrite(str(root / f'images/{name}.png'), image)
        np.save(root / f'keypoints/{name}.npy', array)
        index.append(
            dict(sample_id=name, session_id='a', camera_id=401, frame_number=frame)
        )
    path = root / 'index.json'
    path.write_text(json.dumps(index[::-1]))
    return path


def convert(path, **kwargs):
    return convert_captures(path, path.parent, 'images/{sample_id}.png', **kwargs)


def test_teeth_go_and_later_ids_move_down():
    array = keypoints_344()
    array[2, 5] = 0  # not annotated
    array[:2, 6] = -1  # annotated, not visible
    array[0, 7] = 48  # on the border, which is outside
    array[1, 8] = 0
    array[0, 300] = 48.5  # id 264 of the 308
    points = select_points(array, HW)
    assert points.shape == (308, 3)
    hidden = [5, 6, 7, 8, 264]
    assert not points[hidden].any()
    kept = np.delete(np.delete(array, range(220, 256), axis=1).T, hidden, axis=0)
    np.testing.assert_array_equal(np.delete(points, hidden, axis=0)[:, :2], kept[:, :2])
    assert set(np.delete(points, hidden, axis=0)[:, 2]) == {2.0}


@pytest.mark.parametrize('array', [np.ones((344, 3)), np.full((3, 344), 'x')])
def test_other_arrays_are_refused(array):
    with pytest.raises(ValueError, match=r'\(3, 344\), got'):
        select_points(array, HW)


def test_samples_come_in_the_order_of_strings(tmp_path):
    path = write_captures(tmp_path)
    names = [record['sample_id'] for record in read_capture_index(path)]
    assert names == ['s0', 's1', 's10', 's11', *(f's{n}' for n in range(2, 10))]


def test_grey_needs_every_pixel():
    grey = np.repeat(np.arange(64, dtype=np.uint8).reshape(8, 8, 1), 3, axis=2)
    assert is_grey(grey)
    grey[7, 7, 1] += 1  # off the sparse grid
    assert not is_grey(grey)


@pytest.mark.parametrize('workers', [1, 3])
def test_a_file_of_captures(tmp_path, workers):
    path = write_captures(
        tmp_path,
        f1=lambda image, array: (np.repeat(image[..., :1], 3, axis=2), array),
        f3=lambda image, array: (image, keypoints_344(visible=7)),
        f4=lambda image, array: (image, keypoints_344(visible=8)),
        f5=lambda image, array: (None, array),
        f6=lambda image, array: (image, array[:, :17]),
    )
    content, counts = convert(path, workers=workers)
    assert (counts.kept, counts.grey, counts.few_keypoints) == (8, 1, 1)
    assert len(counts.failed) == 2
    assert 's5.png' in counts.failed[0] and 'No such file' in counts.failed[0]
    assert 's6.npy: expected keypoints of the shape (3, 344)' in counts.failed[1]
    facts = ('8 samples', '1 grey', '1 with fewer than 8', '2 could not be read')
    says(counts.summary(), *facts)
    # ids are places in the sorted index, so dropping moves nothing
    files = {image['id']: image['file_name'] for image in content['images']}
    assert files[1] == 'images/s0.png' and files[3] == 'images/s10.png'
    assert list(files) == [1, 3, 4, 5, 7, 10, 11, 12]

    record = content['annotations'][1]
    assert record['id'] == record['image_id'] == 3
    array = keypoints_344(seed=10)
    points = np.delete(array, range(220, 256), axis=1)
    (x1, y1), (x2, y2) = points[:2].min(axis=1), points[:2].max(axis=1)
    np.testing.assert_allclose(record['bbox'], [x1, y1, x2 - x1, y2 - y1], atol=1e-5)
    assert record['area'] == pytest.approx(0.53 * (x2 - x1) * (y2 - y1), abs=1e-4)
    lengths = {k: len(v) // 3 for k, v in record.items() if k.endswith('kpts')}
    assert lengths == dict(
        goliath_wholebody_kpts=308,
        foot_kpts=6,
        face_kpts=238,
        lefthand_kpts=20,
        righthand_kpts=20,
    )
    assert record['keypoints'][27:29] == pytest.approx(points[:2, 62], abs=1e-5)
    few = content['annotations'][4]
    assert few['id'] == 7 and few['num_keypoints'] == 8

    # what comes out is what our other parts read
    out = tmp_path / 'goliath.json'
    out.write_text(json.dumps(content))
    report = check_annotations(out, 308, tmp_path)
    assert report.counts['used'] == 8 and not report.first_errors
    dataset = SapiensGoliathDataset(str(out))
    np.testing.assert_allclose(
        dataset.get_data_info(1)['keypoints'][0], points[:2].T, atol=1e-5
    )


def test_wrong_indices_and_patterns(tmp_path):
    path = write_captures(tmp_path)
    with pytest.raises(ValueError, match="asks for 'camera', which the index lacks"):
        convert_captures(path, tmp_path, 'images/{camera}.png')
    path.write_text('[{"sample_id": 1}]')
    with pytest.raises(ValueError, match='sample 0: session_id is missing'):
        convert(path)
    path.write_text('{}')
    with pytest.raises(ValueError, match='no list of samples'):
        convert(path)
    path.write_text('[3]')
    with pytest.raises(ValueError, match='sample 0'):
        convert(path)
