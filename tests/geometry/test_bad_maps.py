"""Files that cannot be used: named in one sentence, or skipped and counted."""

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip('mmseg')

from mmengine.dataset import ConcatDataset
from mmengine.registry import DefaultScope
from torch.utils.data import DataLoader

sys.path.insert(0, str(Path(__file__).parent))
from scenes import draw_scene, write_scenes

from sapiens_mm.data_files import BadFileError
from sapiens_mm.engine.bad_samples import SapiensSkippedHook, count_skipped
from sapiens_mm.geometry import SapiensMapDataset
from sapiens_mm.geometry.axes import parse_axes

HW = (64, 48)
SCENES = [draw_scene(seed, HW) for seed in range(6)]
PIPELINE = [
    dict(type='LoadImageFromFile'),
    dict(type='sapiens_mm.SapiensLoadMap'),
    dict(type='sapiens_mm.SapiensPackMap'),
]


def build(root, kind, **kwargs):
    with DefaultScope.overwrite_default_scope('mmseg'):
        return SapiensMapDataset(kind, data_root=str(root), pipeline=PIPELINE, **kwargs)


def first_person(value):
    """Put a value where the first pixel of the person is."""

    def spoil(values):
        row, column = np.argwhere(values.reshape(*HW, -1).any(2))[0]
        values[row, column] = value
        return values

    return spoil


SPOILT = {
    'nan': ('depth', first_person(np.nan), 'holds NaN on people: 1 of'),
    'inf': ('depth', first_person(np.inf), 'holds inf on people: 1 of'),
    'zero': ('depth', first_person(0), r'no depth \(0 or less\) on people: 1 of'),
    'negative': ('depth', lambda v: -v, r'no depth \(0 or less\) on people: '),
    'nan in normals': ('normal', first_person(np.nan), 'holds NaN on people: 1 of'),
    'zero length': ('normal', first_person(0), r'no direction \(vectors of length 0\)'),
    'constant': ('depth', lambda v: v * 0 + 2, 'depth is 2 on all .* pixels of people'),
    'other size': ('depth', lambda v: v[:-1], r'has 48 x 63 pixels, its image 48 x 64'),
    'one channel': ('normal', lambda v: v[..., 0], r'expected \(H, W, 3\)'),
    'three channels': ('depth', lambda v: np.dstack([v] * 3), r'expected \(H, W\)'),
    'channels first': ('normal', lambda v: v.transpose(2, 0, 1), r'\(3, 64, 48\)'),
    'wrong order': (
        'normal',
        lambda v: v @ parse_axes('y z x'),
        "with axes='xyz'; axes='y z x' fits this file best",
    ),
    'away from the camera': (
        'normal',
        lambda v: v @ parse_axes('x -y -z'),
        "only 0% of the normals face the camera .* axes='x -y -z' fits",
    ),
}


@pytest.mark.parametrize('case', SPOILT)
def test_bad_maps_are_named(tmp_path, case):
    kind, spoil, words = SPOILT[case]
    root = write_scenes(tmp_path, SCENES[:1], kind)
    path = root / kind / '000.npy'
    build(root, kind)[0]
    np.save(path, spoil(np.load(path)))
    with pytest.raises(BadFileError, match=words) as caught:
        build(root, kind)[0]
    assert str(path) in str(caught.value)


def test_bad_masks_and_photos_are_named(tmp_path):
    root = write_scenes(tmp_path, SCENES[:1], 'depth')
    photo, mask = root / 'rgb' / '000.png', root / 'mask' / '000.png'
    dataset = build(root, 'depth')
    good = mask.read_bytes()
    for picture, words in (
        (np.zeros(HW, np.uint8), 'mask is zero everywhere'),
        (SCENES[0].mask.T, 'the mask has 64 x 48 pixels, its image 48 x 64'),
    ):
        cv2.imwrite(str(mask), picture)
        with pytest.raises(BadFileError, match=words) as caught:
            dataset[0]
        assert str(mask) in str(caught.value)
    mask.write_bytes(good)
    for data in (b'no picture', b''):
        photo.write_bytes(data)
        with pytest.raises(BadFileError, match='000.png cannot be read'):
            dataset[0]
    photo.unlink()
    with pytest.raises(BadFileError, match=r'rgb.000.png does not exist'):
        dataset[0]


def test_unknown_pixels_outside_people_do_not_matter(tmp_path):
    root = write_scenes(tmp_path, SCENES[:1], 'depth')
    path = root / 'depth' / '000.npy'
    values = np.load(path)
    outside = np.argwhere(SCENES[0].mask == 0)[:2]
    values[tuple(outside[0])], values[tuple(outside[1])] = np.nan, 65504
    np.save(path, values)
    sample = build(root, 'depth', invalid_value=65504)[0]['data_samples']
    got = sample.gt_depth_map.data[0].numpy()
    np.testing.assert_array_equal(got, SCENES[0].depth)  # unknown is 0


def test_holes_up_to_a_share_leave_the_mask(tmp_path):
    root = write_scenes(tmp_path, SCENES[:1], 'normal')
    path = root / 'normal' / '000.npy'
    values, people = np.load(path), np.argwhere(SCENES[0].mask > 0)
    holes = people[: len(people) // 20]  # 5 %
    values[tuple(holes.T)] = 0
    np.save(path, values)
    with pytest.raises(BadFileError, match=rf'{len(holes)} of {len(people)} pixels'):
        build(root, 'normal', max_holes=0.04)[0]
    sample = build(root, 'normal', max_holes=0.05)[0]['data_samples']
    expected = SCENES[0].mask > 0
    expected[tuple(holes.T)] = False
    np.testing.assert_array_equal(sample.gt_mask.data[0], expected)


def spoil_two(root, kind):
    np.save(root / kind / '001.npy', np.full(HW, 3.0))
    (root / 'mask' / '004.png').write_bytes(b'')


@pytest.mark.parametrize('num_workers', [0, 2])
def test_training_skips_and_counts(tmp_path, num_workers, log):
    root = write_scenes(tmp_path, SCENES, 'depth')
    spoil_two(root, 'depth')
    with pytest.raises(BadFileError, match='001.npy'):
        build(root, 'depth')[1]
    dataset = build(root, 'depth', skip_bad=True)
    loader = DataLoader(dataset, batch_size=1, num_workers=num_workers, collate_fn=list)
    seen = [
        Path(batch[0]['data_samples'].img_path).stem
        for _ in range(2)
        for batch in loader
    ]
    assert len(seen) == 12  # others take the place of the bad
    assert set(seen) <= {'000', '002', '003', '005'}
    assert count_skipped(dataset) == (2, 6)
    assert count_skipped(ConcatDataset([dataset, dataset])) == (4, 12)
    runner = type('Runner', (), dict(train_dataloader=loader))
    log.lines.clear()
    SapiensSkippedHook().after_train_epoch(runner)
    assert '2 of 6 samples skipped so far, as their files are bad' in log.text


def test_testing_skips_at_the_start(tmp_path, log):
    root = write_scenes(tmp_path, SCENES, 'depth')
    spoil_two(root, 'depth')
    dataset = build(root, 'depth', test_mode=True)
    with pytest.raises(BadFileError, match='depth is 3 on all'):
        dataset[1]
    dataset = build(root, 'depth', test_mode=True, skip_bad=True)
    names = [
        Path(dataset[i]['data_samples'].img_path).stem for i in range(len(dataset))
    ]
    assert names == ['000', '002', '003', '005']
    assert count_skipped(dataset) == (2, 6)
    assert '2 of 6 samples skipped' in log.text
    assert 'skipped: ' + str(root / 'depth' / '001.npy') in log.text
    for path in (root / 'mask').glob('*.png'):
        path.write_bytes(b'')
    with pytest.raises(ValueError, match='all 6 samples of'):
        build(root, 'depth', test_mode=True, skip_bad=True)
