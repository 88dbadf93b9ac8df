"""Files that cannot be used: named in one sentence, or skipped and counted."""

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

pytest.importorskip('mmseg')

from mmengine.dataset import ConcatDataset
from mmengine.registry import DefaultScope
from torch.utils.data import DataLoader

sys.path.insert(0, str(Path(__file__).parent))
from scenes import draw_scene, write_scenes

from sapiens_mm.data.bad_samples import SapiensSkippedHook, count_skipped
from sapiens_mm.data.files import BadFileError
from sapiens_mm.geometry import SapiensDepthMetric, SapiensMapDataset
from sapiens_mm.geometry.axes import parse_axes
from sapiens_mm.geometry.map_checks import check_known, known_pixels

HW = (64, 48)
SCENES = [draw_scene(seed, HW) for seed in range(6)]
PIPELINE = [
    dict(type='sapiens_mm.SapiensLoadImage'),
    dict(type='sapiens_mm.SapiensLoadMap'),
    dict(type='sapiens_mm.SapiensPackMap'),
]


def build(root, kind, pipeline=PIPELINE, **kwargs):
    with DefaultScope.overwrite_default_scope('mmseg'):
        return SapiensMapDataset(kind, data_root=str(root), pipeline=pipeline, **kwargs)


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


@pytest.mark.parametrize(
    'loader, words_of',
    [
        (
            'sapiens_mm.SapiensLoadImage',
            {b'no image': 'is not an image', b'': 'is empty'},
        ),
        # the host's does not name it: the data set reads it again
        ('LoadImageFromFile', dict.fromkeys([b'no image', b''], 'cannot be read')),
    ],
)
def test_bad_masks_and_images_are_named(tmp_path, loader, words_of):
    root = write_scenes(tmp_path, SCENES[:1], 'depth')
    photo, mask = root / 'rgb' / '000.png', root / 'mask' / '000.png'
    dataset = build(root, 'depth', pipeline=[dict(type=loader), *PIPELINE[1:]])
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
    for data, words in words_of.items():
        photo.write_bytes(data)
        with pytest.raises(BadFileError, match=f'000.png {words}'):
            dataset[0]
    photo.unlink()
    with pytest.raises(BadFileError, match=r'rgb.000.png does not exist'):
        dataset[0]


@pytest.mark.parametrize(
    ('count', 'max_holes', 'words'),
    [
        (1, 0, '1 of 200000 pixels are unknown, 0.0005%, where max_holes is 0%'),
        (2001, 0.01, '2001 of 200000 pixels are unknown, 1.0005%, .* is 1%'),
        (30000, 0.01, '15.0%, where max_holes is 1%'),
    ],
)
def test_shares_of_holes_have_the_digits_that_tell_them_apart(count, max_holes, words):
    values = np.ones((400, 500), np.float32)
    values.ravel()[:count] = np.nan
    known, mask = known_pixels(values), np.ones((400, 500), np.uint8)
    with pytest.raises(BadFileError, match=words):
        check_known('a.npy', values, known, mask, max_holes)
    check_known('a.npy', values, known, mask, count / 200000)


def relative_scene(scene):
    """Return its depth as our models give it: near 0, far 1 over the people."""
    inside = scene.depth[scene.mask > 0]
    relative = (scene.depth - inside.min()) / np.ptp(inside)
    return np.where(scene.mask > 0, relative, 0).astype(np.float32)


def test_depth_that_is_zero_where_it_is_near(tmp_path):
    root = write_scenes(tmp_path, SCENES[:1], 'depth')
    path, people = root / 'depth' / '000.npy', SCENES[0].mask > 0
    relative = relative_scene(SCENES[0])
    np.save(path, relative)
    with pytest.raises(BadFileError, match=r'\(0 or less\) .* near_is_zero=True'):
        build(root, 'depth')[0]
    sample = build(root, 'depth', near_is_zero=True)[0]['data_samples']
    np.testing.assert_array_equal(sample.gt_mask.data[0], people)
    got = sample.gt_map.data[0].numpy()
    np.testing.assert_allclose(got[people], 1 + relative[people], rtol=1e-6)
    # what the losses see is that of the same scene in metres
    metres = target_of(write_scenes(tmp_path / 'metres', SCENES[:1], 'depth'))
    np.testing.assert_allclose(target_of(root, near_is_zero=True), metres, atol=1e-6)

    # a prediction dips below 0; far below, and NaN, stay faults
    for value, words in ((-0.03, None), (-1, r'\(-1 or less\)'), (np.nan, 'NaN')):
        np.save(path, first_person(value)(relative.copy()))
        if words is None:
            build(root, 'depth', near_is_zero=True)[0]
            continue
        with pytest.raises(BadFileError, match=words):
            build(root, 'depth', near_is_zero=True)[0]


def target_of(root, **options):
    steps = [*PIPELINE[:2], dict(type='sapiens_mm.SapiensMapTarget'), PIPELINE[2]]
    with DefaultScope.overwrite_default_scope('mmseg'):
        dataset = SapiensMapDataset(
            'depth', data_root=str(root), pipeline=steps, **options
        )
    return dataset[0]['data_samples'].gt_map.data[0].numpy()


def test_relative_depth_needs_to_know_where_nobody_is(tmp_path):
    root = write_scenes(tmp_path, SCENES[:1], 'depth')
    path, people = root / 'depth' / '000.npy', SCENES[0].mask > 0
    relative = relative_scene(SCENES[0])
    folders = dict(img_path='rgb', map_path='depth')
    options = dict(data_prefix=folders, near_is_zero=True)
    np.save(path, relative)
    with pytest.raises(BadFileError, match='every pixel would count as a person'):
        build(root, 'depth', **options)[0]
    for nobody, invalid in ((np.nan, None), (-9, -9), (7, 7)):
        np.save(path, np.where(people, relative, np.float32(nobody)))
        sample = build(root, 'depth', invalid_value=invalid, **options)[0]
        np.testing.assert_array_equal(sample['data_samples'].gt_mask.data[0], people)
    with pytest.raises(ValueError, match='near_is_zero is for depth'):
        build(write_scenes(tmp_path, SCENES[:1], 'normal'), 'normal', near_is_zero=True)


def test_relative_depth_is_evaluated(tmp_path):
    """A perfect prediction has no error, where 1 / 0 would leave nothing to fit."""
    root = write_scenes(tmp_path, SCENES[:1], 'depth')
    relative = relative_scene(SCENES[0])
    np.save(root / 'depth' / '000.npy', relative)
    sample = build(root, 'depth', near_is_zero=True)[0]['data_samples']
    for protocol, bound in (('david', 1e-6), ('sapiens', 0.06)):
        metric = SapiensDepthMetric(protocol)
        pred = torch.from_numpy(relative)[None]
        metric.add('a', pred, sample.gt_map.data, sample.gt_mask.data)
        figures, _ = metric.summarise(metric.results)
        assert figures['rmse'] < bound
        assert figures['num_unknown_pixels'] == 0


def test_unknown_pixels_outside_people_do_not_matter(tmp_path):
    root = write_scenes(tmp_path, SCENES[:1], 'depth')
    path = root / 'depth' / '000.npy'
    values = np.load(path)
    outside = np.argwhere(SCENES[0].mask == 0)[:2]
    values[tuple(outside[0])], values[tuple(outside[1])] = np.nan, 65504
    np.save(path, values)
    sample = build(root, 'depth', invalid_value=65504)[0]['data_samples']
    got = sample.gt_map.data[0].numpy()
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
