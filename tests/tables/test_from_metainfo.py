"""Vocabularies read from what configs, data sets and checkpoints state."""

import copy
import json

import numpy as np
import pytest

from sapiens_mm.tables import (
    COCO17,
    GOLIATH308,
    LIP20,
    WHOLEBODY133,
    guess_keypoints,
    keypoint_table_from_metainfo,
    numbered_keypoints,
    numbered_parts,
    part_table_from_metainfo,
)
from sapiens_mm.tables.generate import distinct_colors

NAMES = ('nose', 'left_ear', 'right_ear', 'tail')
CLASSES = ('background', 'left glove', 'right glove', 'helmet')


def stated(**changes):
    """A metainfo of four keypoints as a config states it."""
    swap = {'left_ear': 'right_ear', 'right_ear': 'left_ear'}
    meta = dict(
        dataset_name='cats',
        keypoint_info={
            k: dict(name=n, id=k, color=[k, 10, 20], type='upper', swap=swap.get(n, ''))
            for k, n in enumerate(NAMES)
        },
        skeleton_info={0: dict(link=('nose', 'tail'), id=0, color=[1, 2, 3])},
        joint_weights=[1.0, 1.0, 1.0, 2.0],
        sigmas=[0.1, 0.2, 0.2, 0.3],
    )
    return {**copy.deepcopy(meta), **changes}


def test_what_a_config_states_is_read():
    table = keypoint_table_from_metainfo(stated())
    assert table.name == 'cats' and table.names == NAMES
    assert table.flip_indices == (0, 2, 1, 3) and table.mirrors_known
    assert table.links == ((0, 3),) and table.link_colors == ((1, 2, 3),)
    assert table.keypoint_colors[3] == (3, 10, 20)
    assert table.sigmas == (0.1, 0.2, 0.2, 0.3)
    assert table.joint_weights == (1.0, 1.0, 1.0, 2.0)
    assert keypoint_table_from_metainfo(table.metainfo()) == table


@pytest.mark.parametrize('table', [COCO17, WHOLEBODY133, GOLIATH308])
def test_ours_come_back_from_every_form(table):
    utils = pytest.importorskip('mmpose.datasets.datasets.utils')
    parsed = utils.parse_pose_metainfo(table.metainfo())
    through_json = json.loads(json.dumps(parsed, default=lambda array: array.tolist()))
    for meta in (table.metainfo(), parsed, through_json):
        assert keypoint_table_from_metainfo(meta) == table


def test_own_keypoints_come_back_from_a_checkpoint():
    utils = pytest.importorskip('mmpose.datasets.datasets.utils')
    parsed = utils.parse_pose_metainfo(stated())
    assert isinstance(parsed['sigmas'], np.ndarray)
    assert keypoint_table_from_metainfo(parsed) == keypoint_table_from_metainfo(
        stated()
    )


def test_what_is_missing_is_filled_in():
    meta = stated(skeleton_info={}, sigmas=[], joint_weights=None)
    for entry in meta['keypoint_info'].values():
        del entry['color'], entry['type'], entry['swap']
    table = keypoint_table_from_metainfo(meta)
    assert table.links == () and table.flip_indices == (0, 1, 2, 3)
    assert table.sigmas == (0.05,) * 4 and table.joint_weights == (1.0,) * 4
    assert len(set(table.keypoint_colors)) == 4


def test_groups_are_stated_or_those_of_ours():
    meta = stated()
    for k in (1, 2):
        meta['keypoint_info'][k]['group'] = 'ears'
    assert keypoint_table_from_metainfo(meta).groups == {'ears': (1, 2)}
    meta = COCO17.metainfo()
    meta['skeleton_info'] = {}
    table = keypoint_table_from_metainfo(meta)
    assert table.links == () and table.groups == COCO17.groups


def changed(**fields):
    """A metainfo whose second keypoint has other fields."""
    meta = stated()
    meta['keypoint_info'][1].update(fields)
    return meta


@pytest.mark.parametrize(
    ('meta', 'match'),
    [
        (changed(name='nose'), "keypoint 0 and 1 have one name, 'nose'"),
        (changed(name=3), 'the name of keypoint 1 is 3'),
        (changed(swap='wing'), "'left_ear' has the mirror image 'wing'"),
        (changed(swap='tail'), "that of 'tail' is 'tail'"),
        (changed(color=[0, 0, 256]), 'expected 0 to 255'),
        (changed(color='red'), 'expected RGB'),
        (
            stated(skeleton_info={0: dict(link=('nose', 'wing'))}),
            r"link \('nose', 'wing'\) does not name two",
        ),
        (stated(sigmas=[0.1]), 'sigmas has 1 numbers for 4 keypoints'),
        (stated(sigmas=[0.1, 0, 0.1, 0.1]), 'sigmas of keypoint 1 is 0.0'),
        (stated(sigmas=[0.1, float('nan'), 0.1, 0.1]), 'sigmas of keypoint 1 is nan'),
        (stated(joint_weights=[1, 1, 1, -1]), 'joint_weights of keypoint 3 is -1'),
        (stated(keypoint_info={1: dict(name='a')}), 'numbers from 0 to 0'),
        (stated(keypoint_info={}), 'there is no keypoint'),
        (dict(classes=('a', 'b')), 'needs keypoint_info, it has classes'),
        ([1], 'must be a dict, got list'),
    ],
)
def test_keypoints_that_cannot_be_are_named(meta, match):
    with pytest.raises(ValueError, match=match):
        keypoint_table_from_metainfo(meta)


@pytest.mark.parametrize(
    ('change', 'match'),
    [
        (dict(flip_indices=[0, 1, 9, 3]), 'a mirror image is 9, there are 4'),
        (dict(flip_indices=[0, 1]), '2 mirror images of 4'),
        (dict(skeleton_links=[(0, 7)]), 'the end of a link is 7'),
        (dict(keypoint_id2name={0: 'a', 2: 'b'}), 'numbers from 0 to 1'),
        (dict(keypoint_colors=[[0, 0, 0]]), '1 colours for 4 of keypoints'),
    ],
)
def test_a_broken_dataset_meta_is_named(change, match):
    meta = dict(keypoint_id2name=dict(enumerate(NAMES)), dataset_name='cats')
    assert not keypoint_table_from_metainfo(meta).mirrors_known
    with pytest.raises(ValueError, match=match):
        keypoint_table_from_metainfo({**meta, **change})


def test_classes_are_read_and_their_mirrors():
    table = part_table_from_metainfo(dict(classes=CLASSES))
    assert table.classes == CLASSES and not table.mirrors_known
    assert table.palette[0] == (0, 0, 0) and len(set(table.palette)) == 4
    pairs = [('left glove', 'right glove')]
    table = part_table_from_metainfo(dict(classes=CLASSES, mirror_pairs=pairs))
    assert table.mirrors_known and table.flip_indices == (0, 2, 1, 3)
    assert part_table_from_metainfo(
        dict(classes=CLASSES, mirror_pairs=[])
    ).mirrors_known
    ours = part_table_from_metainfo(dict(classes=list(LIP20.classes)))
    assert ours.palette == LIP20.palette and ours.swap_pairs == LIP20.swap_pairs


@pytest.mark.parametrize(
    ('change', 'match'),
    [
        (dict(classes=('a', 'b', 'a', 'c')), "class 0 and 2 have one name, 'a'"),
        (dict(classes=[f'c{k}' for k in range(256)]), 'there are 256 classes'),
        (dict(classes=()), 'needs a list of classes'),
        (dict(classes='abc'), 'needs a list of classes'),
        (dict(palette=[[0, 0, 0]]), '1 colours for 4 of classes'),
        (dict(palette=[[0, 0, 300]] * 4), 'expected 0 to 255'),
        (dict(mirror_pairs=[('left glove', 'hat')]), "'hat', which is no class"),
        (dict(mirror_pairs=[(1, 4)]), 'a mirror pair is 4, there are 4'),
        (dict(mirror_pairs=[(1, 2), (2, 3)]), 'each in one pair only'),
        (dict(mirror_pairs=[(1, 1)]), 'must be two classes'),
    ],
)
def test_classes_that_cannot_be_are_named(change, match):
    with pytest.raises(ValueError, match=match):
        part_table_from_metainfo({**dict(classes=CLASSES), **change})


def test_255_classes_are_allowed():
    assert (
        part_table_from_metainfo(
            dict(classes=[f'c{k}' for k in range(255)])
        ).num_classes
        == 255
    )


def test_numbers_stand_in_for_names():
    table = numbered_keypoints(6)
    assert table.names[5] == 'keypoint_5' and table.links == ()
    assert not table.mirrors_known and len(set(table.keypoint_colors)) == 6
    parts = numbered_parts(3)
    assert parts.classes == ('background', 'class_1', 'class_2')
    assert not parts.mirrors_known
    assert guess_keypoints(17) is COCO17 and guess_keypoints(6) == table


def test_generated_colours_differ():
    colors = distinct_colors(254)
    assert len(set(colors)) == 254
    first = np.array(colors[:20], float)
    distance = np.linalg.norm(first[:, None] - first[None], axis=2)
    assert distance[~np.eye(20, dtype=bool)].min() > 30  # of 441
    assert all(max(color) - min(color) > 60 for color in colors)  # none is grey
