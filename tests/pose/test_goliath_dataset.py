"""SapiensGoliathDataset: what it reads, fills and refuses; redrawing poor samples."""

import json

import numpy as np
import pytest
from mmengine.registry import DefaultScope

pytest.importorskip('mmpose')

from mmpose.datasets import BaseCocoStyleDataset, CocoDataset  # noqa: E402
from mmpose.registry import DATASETS, TRANSFORMS  # noqa: E402

from sapiens_mm.pose import (  # noqa: E402
    SapiensGoliathDataset,
    SapiensMinKeypoints,
    convert_keypoints,
)
from sapiens_mm.pose.goliath_dataset import SHARED  # noqa: E402
from sapiens_mm.tables import GOLIATH308  # noqa: E402
from sapiens_mm.tables.goliath308 import GROUP_IDS, METAINFO  # noqa: E402

CODEC = dict(type='UDPHeatmap', input_size=(48, 64), heatmap_size=(12, 16), sigma=1.0)
PIPELINE = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='TopdownAffine', input_size=(48, 64), use_udp=True),
    dict(type='GenerateTarget', encoder=CODEC),
    dict(type='sapiens_mm.SapiensMinKeypoints', min_keypoints=8),
    dict(type='PackPoseInputs'),
]


@pytest.fixture(autouse=True)
def _in_mmpose():
    with DefaultScope.overwrite_default_scope('mmpose'):
        yield


def build(path, **kwargs):
    root = dict(img=str(path.parent))
    return SapiensGoliathDataset(str(path), data_prefix=root, **kwargs)


def test_a_goliath_file(keypoint_file):
    path = keypoint_file(308)
    record = json.loads(path.read_text())['annotations'][1]
    dataset = DATASETS.build(
        dict(
            type='sapiens_mm.SapiensGoliathDataset',
            data_root=str(path.parent),
            ann_file=path.name,
        )
    )
    assert len(dataset) == 3
    info = dataset.get_data_info(1)
    points = np.reshape(record['goliath_wholebody_kpts'], (308, 3))
    np.testing.assert_array_equal(info['keypoints'][0], np.float32(points[:, :2]))
    assert info['keypoints_visible'].shape == (1, 308)
    assert (info['keypoints_visible'] == 1).all() and info['num_keypoints'] == 308
    x, y, w, h = record['bbox']
    expected = [x, y, min(x + w, 47), min(y + h, 63)]  # clipped as the host does
    np.testing.assert_array_equal(info['bbox'][0], np.float32(expected))
    assert info['id'] == 101 and info['img_id'] == 11
    assert info['img_path'].endswith('photos/1.png')
    assert info['flip_indices'] == list(GOLIATH308.flip_indices)
    assert dataset.metainfo['dataset_name'] == 'goliath'
    assert len(info['upper_body_ids']) == 51 and len(info['lower_body_ids']) == 12
    assert 'raw_ann_info' not in info
    tested = build(path, test_mode=True).get_data_info(1)
    assert tested['raw_ann_info'] == record


def test_samples_have_what_the_hosts_data_sets_put_into_them(keypoint_file):
    dataset = build(keypoint_file(308))
    ours = dataset.get_data_info(0)
    hosts = BaseCocoStyleDataset.get_data_info(dataset, 0)
    assert ours.keys() == hosts.keys() and ours['sample_idx'] == 0
    for key in SHARED:
        np.testing.assert_array_equal(ours[key], hosts[key])


def test_groups_have_weights(keypoint_file):
    path = keypoint_file(308)
    target = dict(
        type='GenerateTarget', encoder=CODEC, use_dataset_keypoint_weights=True
    )
    pipeline = [*PIPELINE[:3], target, PIPELINE[-1]]
    weights = []
    for groups in (None, dict(body=5.0, face=0.5)):
        dataset = build(path, pipeline=pipeline, group_weights=groups)
        sample = dataset[0]['data_samples']
        weights.append(sample.gt_instance_labels.keypoint_weights.numpy()[0])
    plain, weighted = weights
    factor = np.ones(308)
    factor[list(GROUP_IDS['body'])] = 5
    factor[70:] = 0.5
    assert plain.max() == 1
    np.testing.assert_allclose(weighted, plain * factor)


@pytest.mark.parametrize('groups', [dict(head=1.0), dict(body=-1.0)])
def test_wrong_weights_are_refused(keypoint_file, groups):
    with pytest.raises(ValueError, match='expected numbers from 0 for body, foot'):
        build(keypoint_file(308), group_weights=groups)


@pytest.mark.parametrize('num_keypoints, filled', [(17, 17), (133, 53)])
def test_other_vocabularies_fill_what_they_share(keypoint_file, num_keypoints, filled):
    def change(content):
        if num_keypoints == 133:
            record = content['annotations'][0]
            record['num_keypoints'] = 0  # the host would skip it: no body
            record['keypoints'] = [0] * 51
            record['lefthand_kpts'][5] = 0.3  # an automatic label, reliable

    path = keypoint_file(num_keypoints, change=change)
    info = build(path, file_keypoints=num_keypoints).get_data_info(1)
    record = json.loads(path.read_text())['annotations'][1]
    if num_keypoints == 17:
        points = np.reshape(record['keypoints'], (17, 3))
    else:
        fields = ('keypoints', 'foot_kpts', 'face_kpts', 'lefthand_kpts')
        flat = [v for f in (*fields, 'righthand_kpts') for v in record[f]]
        points = np.reshape(flat, (133, 3))
    expected = convert_keypoints(points, num_keypoints, 308)
    np.testing.assert_array_equal(info['keypoints'][0], np.float32(expected[:, :2]))
    np.testing.assert_array_equal(info['keypoints_visible'][0], expected[:, 2] > 0)
    assert info['num_keypoints'] == filled
    if num_keypoints == 133:
        first = build(path, file_keypoints=133).get_data_info(0)
        assert first['id'] == 100 and set(np.unique(first['keypoints_visible'])) == {
            *(0, 1),
        }
        bases = build(path, file_keypoints=133, include_finger_bases=True)
        assert bases.get_data_info(1)['num_keypoints'] == 63


def test_files_of_all_kinds_in_one_training(keypoint_file):
    datasets = [
        build(
            keypoint_file(k, people=n, name=f'{k}.json'),
            file_keypoints=k,
            pipeline=PIPELINE,
        )
        for n, k in enumerate((308, 133, 17), start=1)
    ]
    both = DATASETS.build(dict(type='ConcatDataset', datasets=datasets))
    assert len(both) == 6
    sample = both[5]['data_samples']
    weights = sample.gt_instance_labels.keypoint_weights[0].numpy()
    body = list(GOLIATH308.groups['body'])
    assert sample.gt_fields.heatmaps.shape == (308, 16, 12)
    assert set(np.flatnonzero(weights)) <= set(body) and weights.sum() > 8


@pytest.mark.parametrize(
    'alter, message',
    [
        (dict(goliath_wholebody_kpts=[1] * 921), r'annotation 101: goliath.* has 921'),
        (dict(goliath_wholebody_kpts=None), r'annotation 101: goliath.* is missing'),
        (dict(bbox=None), r'annotation 101: bbox is missing'),
    ],
)
def test_wrong_records_are_named(keypoint_file, alter, message):
    def change(content):
        record = content['annotations'][1]
        for field, value in alter.items():
            record[field] = value
            if value is None:
                del record[field]

    path = keypoint_file(308, change=change)
    with pytest.raises(ValueError, match=message) as error:
        build(path)
    assert str(error.value).startswith(str(path))


def test_people_who_cannot_be_learned_from_are_left_out(keypoint_file):
    def change(content):
        records = content['annotations']
        records[0].update(iscrowd=1)
        del records[0]['goliath_wholebody_kpts']
        records[1]['goliath_wholebody_kpts'] = [0] * 924
        records[2]['bbox'] = [60, 10, 5, 5]  # beside the image

    path = keypoint_file(308, people=4, change=change)
    assert [info['id'] for info in build(path)] == [103]
    path = keypoint_file(308, people=3, change=change)
    with pytest.raises(ValueError, match='has no person with visible keypoints'):
        build(path)


@pytest.mark.parametrize(
    'kwargs', [dict(file_keypoints=21), dict(include_finger_bases=True)]
)
def test_wrong_arguments(kwargs):
    with pytest.raises(ValueError, match='file_keypoints'):
        SapiensGoliathDataset('', lazy_init=True, **kwargs)


def hide_all_but(content, keep):
    """Leave ``keep`` visible keypoints in every annotation but the last."""
    for record in content['annotations'][:-1]:
        for k in range(keep, 17):
            record['keypoints'][3 * k : 3 * k + 3] = [0, 0, 0]
        record['num_keypoints'] = keep


@pytest.mark.parametrize('combined', [False, True])
def test_poor_samples_are_replaced_by_others(keypoint_file, combined):
    path = keypoint_file(17, people=4, change=lambda c: hide_all_but(c, 7))
    dataset = dict(
        type='CocoDataset', ann_file=str(path), data_prefix=dict(img=str(path.parent))
    )
    if combined:
        dataset = dict(
            type='CombinedDataset',
            metainfo=dict(from_file='configs/_base_/datasets/coco.py'),
            datasets=[dict(dataset, pipeline=[])],
            pipeline=PIPELINE,
        )
    else:
        dataset['pipeline'] = PIPELINE
    dataset = DATASETS.build(dataset)

    def drawn(seed):
        np.random.seed(seed)
        ids = [dataset[n]['data_samples'].id for n in range(4)]
        return ids, np.random.rand()

    ids, state = drawn(0)
    assert ids == [103] * 4  # the only one with eight or more
    assert drawn(0) == (ids, state) and drawn(1)[1] != state


def test_only_the_seed_decides_which(keypoint_file):
    def change(content):
        hide_all_but({'annotations': content['annotations'][:2]}, 3)

    path = keypoint_file(17, people=8, change=change)
    dataset = CocoDataset(
        ann_file=str(path), data_prefix=dict(img=str(path.parent)), pipeline=PIPELINE
    )

    def drawn(seed):
        np.random.seed(seed)
        return [dataset[0]['data_samples'].id for _ in range(20)]

    assert drawn(0) == drawn(0) != drawn(1)
    assert set(drawn(0)) <= set(range(101, 108)) and len(set(drawn(0))) > 3


def test_min_keypoints_counts_what_the_loss_sees():
    transform = TRANSFORMS.build(
        dict(type='sapiens_mm.SapiensMinKeypoints', min_keypoints=2)
    )
    assert type(transform) is SapiensMinKeypoints
    good, poor = np.array([[0, 0.5, 1]]), np.array([[0, 0, 1]])
    assert transform(dict(keypoint_weights=good))['keypoint_weights'] is good
    assert transform(dict(keypoint_weights=poor)) is None
    assert transform(dict(keypoint_weights=[poor, good])) is None
    share = TRANSFORMS.build(dict(type='sapiens_mm.SapiensMinKeypoints'))
    for count, least in ((17, 4), (133, 8), (308, 8), (6, 1)):
        for labelled in (least - 1, least):
            weights = np.arange(count)[None] < labelled
            kept = share(dict(keypoint_weights=weights))
            assert (kept is not None) == (labelled == least)
    with pytest.raises(ValueError, match='after GenerateTarget'):
        transform({})
    for wrong in (0, 2.5, True):
        with pytest.raises(ValueError, match='positive integer'):
            SapiensMinKeypoints(wrong)


def test_training_never_gets_an_all_masked_sample(keypoint_file):
    """Rotation and scale push keypoints out of the crop: those do not count."""
    path = keypoint_file(308)
    augment = dict(type='RandomBBoxTransform', scale_factor=(0.2, 0.3))
    pipeline = [*PIPELINE[:2], augment, *PIPELINE[2:]]
    pipeline[5] = dict(type='sapiens_mm.SapiensMinKeypoints', min_keypoints=100)
    dataset = build(path, pipeline=pipeline)
    assert METAINFO['dataset_name'] == dataset.metainfo['dataset_name']
    for _ in range(5):
        labels = dataset[0]['data_samples'].gt_instance_labels
        assert 100 <= int((labels.keypoint_weights > 0).sum()) < 308
