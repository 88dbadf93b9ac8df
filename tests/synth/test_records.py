"""What is written of a sample beside its maps, against the sample."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from sapiens_mm.synth.body.wholebody import FACE, HANDS, wholebody_sources
from sapiens_mm.synth.dataset.records import (
    annotation,
    category,
    describe,
    image_entry,
    keypoints_of,
    labelled_keypoints,
)
from sapiens_mm.tables import COCO17, GOLIATH308, WHOLEBODY133

sys.path.insert(0, str(Path(__file__).parent))
from made_samples import HW, draw


def test_a_record_says_what_the_sample_holds():
    sample = draw()
    record = json.loads(json.dumps(describe(sample, 7, 4, 'val')))
    assert (record['seed'], record['index'], record['split']) == (7, 4, 'val')
    assert (record['height'], record['width']) == HW
    assert record['intrinsics'] == [[50, 0, 14.5], [0, 50, 19.5], [0, 0, 1]]
    assert record['facts'] == {'framing': 'face'}
    expected = [0] * 28
    expected[0], expected[2], expected[22] = 40 * 30 - 200, 30, 170
    assert record['class_pixels'] == expected
    (person,) = record['people']
    assert person['bbox'] == [10, 5, 10, 20]
    assert person['amodal_bbox'] == [-2.5, 5, 22.5, 55]
    assert person['area'] == 200
    np.testing.assert_allclose(
        keypoints_of(person), sample.people[0].keypoints, atol=6e-4
    )


def test_a_keypoint_in_the_plane_of_the_lens_is_zero():
    keypoints = np.ones((308, 3))
    keypoints[5, :2] = np.inf, np.nan
    keypoints[6, :2] = 3e9
    found = keypoints_of(describe(draw(keypoints), 0, 0, 'train')['people'][0])
    assert found[4].tolist() == [1, 1, 1]
    assert found[5].tolist() == found[6].tolist() == [0, 0, 0]


def test_labelled_keypoints_of_308_and_17():
    points = np.random.default_rng(1).uniform(1, 9, (308, 3))
    points[:, 2] = np.arange(308) % 3
    whole = labelled_keypoints(points, 308)
    np.testing.assert_array_equal(whole[points[:, 2] == 0], 0)
    np.testing.assert_array_equal(whole[points[:, 2] > 0], points[points[:, 2] > 0])
    body = labelled_keypoints(points, 17)
    for k, name in enumerate(COCO17.names):
        np.testing.assert_array_equal(body[k], whole[GOLIATH308.names.index(name)])


def test_a_person_without_a_visible_keypoint_is_not_labelled():
    points = np.ones((308, 3))
    for count in (17, 133, 308):
        assert not labelled_keypoints(points, count).any()
    points[300, 2] = 2  # the border of a pupil is none of the 17
    assert (labelled_keypoints(points, 17)[:, 2] == 1).all()


def test_133_are_filled_but_for_the_outline_of_the_face():
    sources = wholebody_sources()
    unfilled = [WHOLEBODY133.names[k] for k in np.flatnonzero(sources < 0)]
    assert unfilled == [f'face-{k}' for k in range(17)]
    for k in np.flatnonzero(sources >= 0):  # a mirrored person has the same labels
        mirror = sources[WHOLEBODY133.flip_indices[k]]
        assert mirror == GOLIATH308.flip_indices[sources[k]], WHOLEBODY133.names[k]
    for k, name in enumerate(WHOLEBODY133.names):
        if name in GOLIATH308.names:
            assert GOLIATH308.names[sources[k]] == name
    assert len(FACE) == 30 and len(HANDS) == 6


def test_the_pairs_agree_with_the_map_of_the_pose_room():
    """53 certain pairs and ten finger bases are the same there."""
    pytest.importorskip('mmpose')
    from sapiens_mm.pose import common_pairs

    sources = wholebody_sources()
    for wholebody, goliath in common_pairs(include_finger_bases=True):
        assert sources[wholebody] == goliath


@pytest.mark.parametrize('count', [17, 133, 308])
def test_annotations_agree_with_the_fields_of_the_pose_room(count):
    pytest.importorskip('mmpose')
    from sapiens_mm.pose import keypoint_files

    record = describe(draw(), 7, 4, 'val')
    found = annotation(record, record['people'][0], count)
    points = labelled_keypoints(keypoints_of(record['people'][0]), count)
    for name, value in keypoint_files.annotation_fields(points).items():
        if count == 308 and name in keypoint_files.PART_GROUPS:
            continue  # the parts once more, which readers do not need
        if isinstance(value, list):
            np.testing.assert_allclose(found[name], value, atol=6e-4)
        else:
            assert found[name] == value, name
    assert category(count) == keypoint_files.category(count)


def test_ids_and_boxes_of_annotations():
    record = describe(draw(), 7, 4, 'val')
    found = annotation(record, record['people'][0], 17)
    image = image_entry(record)
    assert image == dict(id=5, file_name='00000004.jpg', width=30, height=40)
    assert (found['id'], found['image_id'], found['category_id']) == (41, 5, 1)
    assert (found['bbox'], found['area'], found['iscrowd']) == ([10, 5, 10, 20], 200, 0)
    assert (found['instance'], found['subject']) == (1, '7-4-1')
