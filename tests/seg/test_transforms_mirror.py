"""The host's RandomFlip swaps left and right labels as the tables say."""

import numpy as np
import pytest

pytest.importorskip('mmseg')

from mmcv.transforms import RandomFlip  # noqa: E402

from sapiens_mm.tables import part_table  # noqa: E402


@pytest.mark.parametrize(
    ('name', 'pairs'),
    [
        ('goliath28', [(left, left + 9) for left in range(4, 12)]),
        ('lip20', [(14, 15), (16, 17), (18, 19)]),
        ('cihp20', [(14, 15), (16, 17), (18, 19)]),
        ('face19', [(3, 4), (5, 6), (7, 8)]),
    ],
)
def test_labels_change_sides(name, pairs):
    table = part_table(name)
    assert list(table.swap_pairs) == pairs
    labels = np.random.randint(0, table.num_classes + 1, (16, 12)).astype(np.uint8)
    labels[labels == table.num_classes] = 255
    image = np.random.randint(0, 256, (16, 12, 3), np.uint8)
    flip = RandomFlip(prob=1.0, swap_seg_labels=pairs)
    got = flip(dict(img=image.copy(), gt_seg_map=labels.copy()))

    swap = dict(pairs) | {b: a for a, b in pairs}
    for row in range(16):
        for column in range(12):
            was = int(labels[row, 11 - column])
            assert got['gt_seg_map'][row, column] == swap.get(was, was)
    assert (got['img'] == image[:, ::-1]).all()
    assert (labels == 255).any()
    for left, right in pairs:
        names = {table.classes[c].lower() for c in (left, right)}
        part = names.pop().replace('left', '*').replace('right', '*')
        assert {table.classes[c].lower() for c in (left, right)} == {
            part.replace('*', 'left'),
            part.replace('*', 'right'),
        }


def test_twice_is_once_around():
    table = part_table('goliath28')
    labels = np.arange(28, dtype=np.uint8).reshape(4, 7)
    flip = RandomFlip(prob=1.0, swap_seg_labels=[list(p) for p in table.swap_pairs])
    results = dict(img=np.zeros((4, 7, 3), np.uint8), gt_seg_map=labels.copy())
    once = flip(results)['gt_seg_map'].copy()
    assert (once == np.array(table.flip_indices)[labels[:, ::-1]]).all()
    assert (flip(results)['gt_seg_map'] == labels).all()
