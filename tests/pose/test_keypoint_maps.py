"""Maps between vocabularies: known pairs, mirror images, means, users' tables."""

import numpy as np
import pytest

pytest.importorskip('mmpose')

from mmpose.datasets.transforms import KeypointConverter  # noqa: E402

from sapiens_mm.pose.keypoint_maps import (  # noqa: E402
    BODY25_FLIP_INDICES,
    BODY25_NAMES,
    CERTAIN_PAIRS,
    FINGER_BASE_PAIRS,
    common_pairs,
    convert_keypoints,
    converter_mapping,
    keypoint_map,
    read_pairs,
)
from sapiens_mm.tables import COCO17, GOLIATH308, WHOLEBODY133  # noqa: E402

TABLES = {17: COCO17, 133: WHOLEBODY133, 308: GOLIATH308}
FLIPS = {k: table.flip_indices for k, table in TABLES.items()}
FLIPS[25] = BODY25_FLIP_INDICES
ROUTES = [(a, b) for a in (17, 133, 308) for b in (17, 25, 133, 308)]


def numbered(num_keypoints):
    """x is the id, y the id plus a half, the score a half or one."""
    ids = np.arange(num_keypoints)
    return np.stack([ids, ids + 0.5, np.where(ids % 2, 1.0, 0.5)], axis=1)


def test_the_pairs():
    # ids and order as in the released mapping, checked by hand
    assert CERTAIN_PAIRS[:13] == (
        *((0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6), (7, 7), (8, 8)),
        *((9, 62), (10, 41), (11, 9), (12, 10)),
    )
    assert CERTAIN_PAIRS[17:29] == (
        *((17, 15), (18, 16), (19, 17), (20, 18), (21, 19), (22, 20)),
        *((93, 44), (94, 43), (95, 42), (97, 48), (98, 47), (99, 46)),
    )
    assert CERTAIN_PAIRS[-1] == (132, 37)
    assert [a for a, _ in FINGER_BASE_PAIRS[:5]] == [92, 96, 100, 104, 108]
    assert [b for _, b in FINGER_BASE_PAIRS] == [45, 49, 53, 57, 61, 24, 28, 32, 36, 40]
    assert len(common_pairs()) == 53
    assert len(common_pairs(include_finger_bases=True)) == 63
    # nothing but the sigmas says that the finger bases are the same points
    for a, b in common_pairs(include_finger_bases=True):
        assert WHOLEBODY133.sigmas[a] == GOLIATH308.sigmas[b]


@pytest.mark.parametrize(
    'source, target, entries',
    [
        (17, 308, {9: 62, 10: 41, 11: 9, 16: 14}),
        (308, 17, {62: 9, 41: 10, 9: 11, 14: 16}),
        (133, 17, {9: 9, 16: 16}),
        (308, 133, {15: 17, 42: 95, 21: 116}),
        (344, 308, {0: 0, 219: 219, 256: 220, 343: 307}),
    ],
)
def test_values_go_where_they_belong(source, target, entries):
    points = numbered(source)
    out = convert_keypoints(points, source, target)
    assert out.shape == (target, 3)
    for a, b in entries.items():
        assert np.array_equal(out[b], points[a])
    filled = keypoint_map(source, target).filled
    empty = sorted(set(range(target)) - set(filled))
    assert not out[empty].any()
    assert len(filled) == {(344, 308): 308, (308, 133): 53}.get((source, target), 17)


@pytest.mark.parametrize('columns', [2, 3])
@pytest.mark.parametrize('source, target', ROUTES)
def test_converting_commutes_with_flipping(source, target, columns):
    points = np.random.RandomState(0).rand(2, source, columns)
    points[..., 0] = 20 * points[..., 0]
    flip = dict(include_finger_bases=True) if {source, target} == {133, 308} else {}

    def mirror(array, num_keypoints):
        array = array[:, list(FLIPS[num_keypoints])].copy()
        array[..., 0] = 19 - array[..., 0]
        return array

    filled = list(keypoint_map(source, target, **flip).filled)
    one = convert_keypoints(mirror(points, source), source, target, **flip)
    other = mirror(convert_keypoints(points, source, target, **flip), target)
    np.testing.assert_allclose(one[:, filled], other[:, filled], atol=1e-12)
    assert sorted(FLIPS[target][k] for k in filled) == filled


def test_body25():
    assert [BODY25_NAMES[k] for k in (1, 8, 19, 24)] == [
        *('neck', 'mid_hip', 'left_big_toe', 'right_heel'),
    ]
    points = numbered(308)
    out = convert_keypoints(points, 308, 25)
    assert np.array_equal(out[4], points[41]) and np.array_equal(out[12], points[9])
    assert out[1].tolist() == [5.5, 6.0, 0.5]  # between the shoulders, 5 and 6
    assert out[8].tolist() == [9.5, 10.0, 0.5]
    assert np.array_equal(out[19:25, 0], [15, 16, 17, 18, 19, 20])
    assert keypoint_map(17, 25).filled == tuple(range(19))

    # a mean needs both its points
    points[6] = 0
    out = convert_keypoints(points, 308, 25)
    assert not out[1].any() and out[8].any()


def test_there_and_back_keeps_what_is_shared():
    points = np.random.RandomState(0).rand(4, 17, 3).astype(np.float32)
    there = convert_keypoints(points, 17, 308)
    assert there.dtype == np.float32
    assert np.array_equal(convert_keypoints(there, 308, 17), points)


def test_a_users_table(tmp_path):
    path = tmp_path / 'pairs.json'
    # certain ones may be repeated; corners of the mouth, which mirror each other
    path.write_text('[[0, 0], [71, 188], [77, 189]]')
    pairs = common_pairs(pairs=read_pairs(path))
    assert len(pairs) == 55 and (71, 188) in pairs
    out = convert_keypoints(numbered(308), 308, 133, pairs=read_pairs(path))
    assert out[71, 0] == 188 and out[77, 0] == 189


@pytest.mark.parametrize(
    'pairs, message',
    [
        ([(71, 188)], r'\[71, 188\] \(face-48, r_outer.* mirror image \[77, 189\]'),
        ([(0, 1)], r'COCO-WholeBody keypoint 0 has two partners'),
        ([(133, 5)], r'\[133, 5\] is no pair'),
        ([(30, 70), (31, 70)], r'Goliath keypoint 70 has two partners'),
    ],
)
def test_a_wrong_table_is_refused(pairs, message):
    with pytest.raises(ValueError, match=message):
        common_pairs(pairs=pairs)


@pytest.mark.parametrize(
    'text, message',
    [
        ('[[1, 2], [3]]', r'entry 1 is \[3\]'),
        ('[[1, 2.5]]', r'entry 0'),
        ('{"a": 1}', r'entry 0'),
        ('[[1,', r'is not JSON'),
    ],
)
def test_a_file_that_is_no_table(tmp_path, text, message):
    path = tmp_path / 'pairs.json'
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_pairs(path)


@pytest.mark.parametrize(
    'shape, source, target, message',
    [
        ((133, 3), 17, 308, r'\(\.\.\., 17, 2 or 3\), got \(133, 3\)'),
        ((17, 4), 17, 308, r'got \(17, 4\)'),
        ((17,), 17, 308, r'got \(17,\)'),
        ((25, 3), 25, 17, 'no map from 25 to 17'),
        ((17, 3), 17, 21, 'no map from 17 to 21'),
    ],
)
def test_wrong_arrays_and_routes(shape, source, target, message):
    with pytest.raises(ValueError, match=message):
        convert_keypoints(np.zeros(shape), source, target)


@pytest.mark.parametrize('source', [17, 133])
def test_the_hosts_converter_does_the_same(source):
    mapping = converter_mapping(source, 308)
    points = np.random.RandomState(0).rand(2, source, 2)
    visible = np.random.RandomState(1).randint(0, 2, (2, source))
    results = KeypointConverter(308, mapping)(
        dict(keypoints=points, keypoints_visible=visible)
    )
    ours = convert_keypoints(
        np.concatenate([points, visible[..., None]], axis=-1), source, 308
    )
    assert np.array_equal(results['keypoints'], ours[..., :2])
    assert np.array_equal(results['keypoints_visible'][..., 0], ours[..., 2])
    assert (9, 62) in mapping and (10, 41) in mapping
    assert converter_mapping(17, 25)[1] == ((5, 6), 1)
