"""The 308-keypoint table: counts, hand-checked facts, and a digest of the rest."""

import hashlib
import json

import numpy as np
import pytest

from sapiens_mm.tables import GOLIATH308 as TABLE
from sapiens_mm.tables import WHOLEBODY133, goliath308

ID = {name: k for k, name in enumerate(TABLE.names)}


def digest(value):
    """Sha256 of a value written as canonical JSON, first 16 digits."""
    text = json.dumps(value, separators=(',', ':'), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def test_groups_are_disjoint_and_complete():
    counts = {group: len(ids) for group, ids in TABLE.groups.items()}
    assert counts == dict(
        body=17, foot=6, left_hand=20, right_hand=20, extra=7, face=238
    )
    everything = sorted(k for ids in TABLE.groups.values() for k in ids)
    assert everything == list(range(308))
    assert len(set(TABLE.names)) == 308


def test_order_traps():
    assert (ID['left_hip'], ID['right_hip']) == (9, 10)
    assert (ID['left_wrist'], ID['right_wrist']) == (62, 41)
    assert TABLE.groups['right_hand'] == tuple(range(21, 41))
    assert TABLE.groups['left_hand'] == tuple(range(42, 62))
    assert TABLE.names[21] == 'right_thumb4'
    assert TABLE.names[24] == 'right_thumb_third_joint'
    assert TABLE.names[307] == 'r_border_of_pupil_midpoint_2'


def test_body_group_is_in_coco_order():
    names = [TABLE.names[k] for k in TABLE.groups['body']]
    assert names == list(WHOLEBODY133.names[:17])


def test_mirror_is_an_involution_of_146_pairs():
    flip = np.array(TABLE.flip_indices)
    assert np.array_equal(flip[flip], np.arange(308))
    assert len(TABLE.flip_pairs) == 146
    alone = [TABLE.names[k] for k in np.flatnonzero(flip == np.arange(308))]
    assert alone == [
        'nose',
        'neck',
        'center_of_glabella',
        'center_of_nose_root',
        'tip_of_nose_bridge',
        'midpoint_1_of_nose_bridge',
        'midpoint_2_of_nose_bridge',
        'midpoint_3_of_nose_bridge',
        'center_of_labiomental_groove',
        'tip_of_chin',
        'tip_of_nose',
        'bottom_center_of_nose',
        'center_of_cupid_bow',
        'center_of_lower_outer_lip',
        'center_of_upper_inner_lip',
        'center_of_lower_inner_lip',
    ]


@pytest.mark.parametrize(
    ('left', 'right'),
    [
        ('left_wrist', 'right_wrist'),
        ('left_pinky_finger2', 'right_pinky_finger2'),
        # pairs that a renaming of l to r would get wrong
        ('l_point_2_of_inner_helix', 'r_point_8_of_inner_helix'),
        ('l_point_8_of_inner_helix', 'r_point_2_of_inner_helix'),
        ('upper_midpoint_2_of_l_eyebrow', 'upper_midpoint_3_of_r_eyebrow'),
        ('lower_midpoint_3_of_l_eyebrow', 'lower_midpoint_2_of_r_eyebrow'),
        ('l_midpoint_2_of_upper_lash_line', 'r_midpoint_1_of_upper_lash_line'),
        ('l_midpoint_3_of_upper_lash_line', 'r_midpoint_6_of_upper_lash_line'),
        ('l_border_of_iris_3', 'r_border_of_iris_9'),
        ('l_border_of_pupil_midpoint_3', 'r_border_of_pupil_midpoint_2'),
        ('midpoint_1_of_upper_outer_lip', 'midpoint_2_of_upper_outer_lip'),
        ('midpoint_3_of_lower_inner_lip', 'midpoint_6_of_lower_inner_lip'),
        ('inner_corner_of_l_nostril', 'inner_corner_of_r_nostril'),
    ],
)
def test_mirror_pairs(left, right):
    assert TABLE.flip_indices[ID[left]] == ID[right]
    assert TABLE.flip_indices[ID[right]] == ID[left]


def test_mirror_keeps_groups_and_swaps_hands():
    group_of = {k: group for group, ids in TABLE.groups.items() for k in ids}
    swap = {'left_hand': 'right_hand', 'right_hand': 'left_hand'}
    for k, mirror in enumerate(TABLE.flip_indices):
        assert group_of[mirror] == swap.get(group_of[k], group_of[k])


def test_mirrored_skeleton_is_the_same_skeleton():
    links = {frozenset(link) for link in TABLE.links}
    flip = TABLE.flip_indices
    assert len(links) == 65
    assert {frozenset((flip[a], flip[b])) for a, b in TABLE.links} == links


def test_sigmas_agree_with_wholebody_where_names_do():
    other = dict(zip(WHOLEBODY133.names, WHOLEBODY133.sigmas, strict=True))
    same = [k for k, name in enumerate(TABLE.names) if name in other]
    assert len(same) == 53
    assert [TABLE.sigmas[k] for k in same] == [other[TABLE.names[k]] for k in same]
    for finger in ('thumb', 'forefinger', 'ring_finger'):
        base = TABLE.sigmas[ID[f'left_{finger}_third_joint']]
        assert base == other[f'left_{finger}1']
    assert {TABLE.sigmas[k] for k in TABLE.groups['face']} == {0.01}
    assert TABLE.sigmas[ID['neck']] == 0.079


def test_half_body_types():
    upper = [k for k, kind in enumerate(TABLE.types) if kind == 'upper']
    lower = [k for k, kind in enumerate(TABLE.types) if kind == 'lower']
    assert upper == [*range(9), *range(21, 63)]
    assert lower == list(range(9, 21))
    assert set(TABLE.joint_weights) == {1.0}


def test_source_ids_leave_out_the_teeth():
    removed, kept = goliath308.REMOVED_SOURCE_IDS, goliath308.SOURCE_IDS
    assert removed == tuple(range(220, 256))
    assert kept == (*range(220), *range(256, 344))
    assert kept[ID['l_top_end_of_inferior_crus']] == 256


@pytest.mark.parametrize(
    ('value', 'expected'),
    [
        (TABLE.names, 'c46b50f0553bf227'),
        (TABLE.flip_indices, '357766ef27f8ff98'),
        ((TABLE.links, TABLE.link_colors), '43937a80fa47d4bd'),
        (TABLE.keypoint_colors, '97148fca14c055f0'),
        (TABLE.sigmas, '362b27b754fab29a'),
    ],
    ids=['names', 'flip', 'links', 'colors', 'sigmas'],
)
def test_nothing_changed_since_the_table_was_verified(value, expected):
    assert digest(value) == expected


def test_metainfo_spells_the_table_out():
    info = goliath308.METAINFO
    assert info['dataset_name'] == 'goliath'
    assert info['keypoint_info'][41] == dict(
        name='right_wrist',
        id=41,
        color=[51, 153, 255],
        type='upper',
        swap='left_wrist',
    )
    assert info['keypoint_info'][70]['swap'] == ''
    assert info['skeleton_info'][10] == dict(
        link=('left_elbow', 'left_wrist'), id=10, color=[0, 255, 0]
    )


def test_metainfo_is_what_mmpose_parses():
    pytest.importorskip('mmpose')
    from mmpose.datasets.datasets.utils import parse_pose_metainfo

    parsed = parse_pose_metainfo(goliath308.METAINFO)
    assert parsed['num_keypoints'] == 308
    assert tuple(parsed['flip_indices']) == TABLE.flip_indices
    assert tuple(parsed['skeleton_links']) == TABLE.links
    assert parsed['keypoint_colors'].tolist() == [
        list(c) for c in TABLE.keypoint_colors
    ]
    assert np.allclose(parsed['sigmas'], TABLE.sigmas)
    assert len(parsed['upper_body_ids']) == 51
    assert len(parsed['lower_body_ids']) == 12
