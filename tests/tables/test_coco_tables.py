"""The COCO and COCO-WholeBody tables, against mmpose's own files."""

import importlib.util
import pickle
from pathlib import Path

import numpy as np
import pytest

from sapiens_mm.checkpoints.identify import POSE_DATASETS
from sapiens_mm.tables import COCO17, WHOLEBODY133, keypoint_table
from sapiens_mm.tasks import KEYPOINT_COUNTS


@pytest.mark.parametrize(
    ('table', 'file'), [(COCO17, 'coco.py'), (WHOLEBODY133, 'coco_wholebody.py')]
)
def test_equal_to_mmpose(table, file):
    config = pytest.importorskip('mmengine').Config
    # Found without importing: reading a data file does not need the host to work.
    host = importlib.util.find_spec('mmpose')
    if host is None:
        pytest.skip('mmpose is not installed')
    folder = Path(host.origin).parent / '.mim/configs/_base_/datasets'
    info = config.fromfile(folder / file).dataset_info.to_dict()
    assert table.metainfo(info['paper_info']) == info


@pytest.mark.parametrize('num', [17, 133, 308])
def test_lookup_and_lengths(num):
    table = keypoint_table(num)
    assert table.num_keypoints == num
    for values in (
        table.names,
        table.flip_indices,
        table.keypoint_colors,
        table.sigmas,
        table.types,
        table.joint_weights,
    ):
        assert len(values) == num
    assert len(table.links) == len(table.link_colors)
    flip = np.array(table.flip_indices)
    assert np.array_equal(flip[flip], np.arange(num))


def test_lookup_says_what_exists():
    with pytest.raises(ValueError, match=r'114 keypoints; expected .*17, 133, 308'):
        keypoint_table(114)


def test_wholebody_groups():
    groups = WHOLEBODY133.groups
    assert {group: len(ids) for group, ids in groups.items()} == dict(
        body=17, foot=6, face=68, left_hand=21, right_hand=21
    )
    assert WHOLEBODY133.names[groups['left_hand'][0]] == 'left_hand_root'
    assert WHOLEBODY133.names[groups['face'][8]] == 'face-8'
    assert len(WHOLEBODY133.flip_pairs) == 61


def test_left_and_right_colours():
    """Left limbs are green, right limbs orange, in RGB."""
    for table in (COCO17, WHOLEBODY133, keypoint_table(308)):
        colors = {
            (table.names[a], table.names[b]): color
            for (a, b), color in zip(table.links, table.link_colors, strict=True)
        }
        assert colors['left_shoulder', 'left_elbow'] == (0, 255, 0)
        assert colors['right_shoulder', 'right_elbow'] == (255, 128, 0)


def test_tables_pickle():
    """Saving runs in worker processes."""
    assert pickle.loads(pickle.dumps(WHOLEBODY133)) == WHOLEBODY133
    assert hash(WHOLEBODY133) != hash(COCO17)


def test_the_numbers_that_commands_offer_are_those_of_the_tables():
    for number in KEYPOINT_COUNTS:
        assert keypoint_table(number).num_keypoints == number
        assert POSE_DATASETS[number].endswith(str(number))
    with pytest.raises(ValueError, match=rf'one of \{list(KEYPOINT_COUNTS)}'):
        keypoint_table(18)
