"""Synthetic people: files read by our and mmpose's data sets, and rendered ones."""

import json

import numpy as np
import pytest

pytest.importorskip('mmpose')
pytest.importorskip('numba')

from mmengine.registry import DATASETS, DefaultScope
from mmpose.datasets import CocoDataset, CocoWholeBodyDataset

from sapiens_mm.pose import (
    SapiensGoliathDataset,
    SapiensSyntheticHumansPose,
    check_annotations,
)
from sapiens_mm.synth.dataset.records import labelled_keypoints
from sapiens_mm.synth.sample import render
from sapiens_mm.tables import COCO17, GOLIATH308
from sapiens_mm.testing import tiny_config

READERS = {
    17: CocoDataset,
    133: CocoWholeBodyDataset,
    308: SapiensGoliathDataset,
}


def expected_people(samples, settings, split):
    """(index, person) of everybody with a visible keypoint, in the files' order."""
    return [
        (index, person)
        for index, sample in samples.items()
        for person in sample.people
        if settings.split_of(index) == split and (person.keypoints[:, 2] == 2).any()
    ]


@pytest.mark.parametrize('split', ['train', 'val', 'test'])
@pytest.mark.parametrize('count', READERS)
def test_files_are_read_as_rendered(
    synth_folder, synth_settings, synth_samples, count, split
):
    with DefaultScope.overwrite_default_scope('mmpose'):
        dataset = READERS[count](
            ann_file=f'annotations/{split}_{count}.json',
            data_root=str(synth_folder),
            data_prefix=dict(img=f'images/{split}/'),
        )
    people = expected_people(synth_samples, synth_settings, split)
    people = [
        (index, person)
        for index, person in people
        if (labelled_keypoints(person.keypoints, count)[:, 2] > 0).any()
    ]
    assert len(dataset) == len(people) > 0
    for position, (index, person) in enumerate(people):
        info = dataset.get_data_info(position)
        assert info['img_path'].endswith(f'images/{split}/{index:08d}.jpg')
        assert info['id'] == index * 10 + person.person
        points = labelled_keypoints(person.keypoints, count)
        labelled = points[:, 2] > 0
        np.testing.assert_array_equal(info['keypoints_visible'][0] > 0, labelled)
        np.testing.assert_allclose(info['keypoints'][0], points[:, :2], atol=1e-3)
        height, width = synth_settings.size_hw
        box = person.box_xyxy.clip(0, [width - 1, height - 1] * 2)
        np.testing.assert_allclose(info['bbox'][0], box, atol=0.01)
        area = (synth_samples[index].instances == person.person).sum()
        assert info['area'] == area


@pytest.mark.parametrize('count', READERS)
def test_the_checker_finds_no_fault(synth_folder, count):
    path = synth_folder / 'annotations' / f'train_{count}.json'
    images = str(synth_folder / 'images' / 'train')
    report = check_annotations(str(path), count, images)
    assert report.error_kinds == (), report.summary()


def test_visible_keypoints_lie_in_the_box_or_at_the_body(synth_samples):
    """Box, keypoints and people are of one image, not mirrored or shifted."""
    inside = []
    for sample in synth_samples.values():
        for person in sample.people:
            x, y, seen = person.keypoints.T
            columns, rows = np.rint(x[seen == 2]), np.rint(y[seen == 2])
            at = sample.instances[rows.astype(int), columns.astype(int)]
            inside.append(np.mean(at == person.person))
    assert np.mean(inside) > 0.9


def test_rendered_people_are_those_of_the_sample(synth_settings):
    dataset = SapiensSyntheticHumansPose(3, num_keypoints=17, seed=3, size_hw=(128, 96))
    for epoch in (0, 2):
        dataset.set_epoch(epoch)
        number = 3 * epoch + 1
        info = dataset.get_data_info(1)
        sample = render(3, number, size_hw=(128, 96))
        np.testing.assert_array_equal(info['img'], sample.image)
        boxes = {tuple(p.box_xyxy.clip(0, [95, 127] * 2)): p for p in sample.people}
        person = boxes[tuple(info['bbox'][0])]
        assert info['id'] == 10 * number + person.person
        ids = [GOLIATH308.names.index(name) for name in COCO17.names]
        points = person.keypoints[ids]
        shown = points[:, 2] > 0
        np.testing.assert_array_equal(info['keypoints_visible'][0] > 0, shown)
        np.testing.assert_allclose(
            info['keypoints'][0][shown], points[shown, :2], atol=1e-3
        )
        assert info['flip_indices'] == list(COCO17.flip_indices)


def test_the_live_config_trains_on_rendered_people():
    cfg = tiny_config('pose/sapiens_0.3b_synth308_live-1024x768')
    spec = cfg.train_dataloader.dataset
    spec.update(length=2, size_hw=(128, 96), settings=dict(framing=dict(face=1)))
    for step in spec.pipeline:
        if step.type == 'TopdownAffine':
            step.input_size = (48, 64)  # (W, H)
        elif step.type == 'GenerateTarget':
            step.encoder = cfg.codec
    with DefaultScope.overwrite_default_scope('mmpose'):
        dataset = DATASETS.build(spec)
    packed = dataset[0]
    assert packed['inputs'].shape == (3, 64, 48)
    heatmaps = packed['data_samples'].gt_fields.heatmaps.numpy()
    assert heatmaps.shape == (308, 16, 12)
    # of a face, most points lie in the crop: peaks of a Gaussian
    assert (heatmaps.max((1, 2)) > 0.8).mean() > 0.3
    assert cfg.val_dataloader is None


def test_wrong_arguments():
    with pytest.raises(ValueError, match='17, 133 or 308, not 21'):
        SapiensSyntheticHumansPose(3, num_keypoints=21)
    with pytest.raises(ValueError, match='evaluate on a data set that'):
        SapiensSyntheticHumansPose(3, test_mode=True)
    with pytest.raises(ValueError, match='length is 0'):
        SapiensSyntheticHumansPose(0)
    with pytest.raises(ValueError, match="no setting 'hats'"):
        SapiensSyntheticHumansPose(3, settings=dict(hats=1))
    with pytest.raises(
        ValueError, match=r"knobs is now settings: write settings={'hat': 1}"
    ):
        SapiensSyntheticHumansPose(3, knobs=dict(hat=1))
    with pytest.raises(TypeError, match='sizes'):
        SapiensSyntheticHumansPose(3, sizes=(3, 4))


def test_detectors_read_the_file_of_17(synth_folder, synth_samples, synth_settings):
    pytest.importorskip('mmdet')
    from mmdet.datasets import CocoDataset as Detection
    from pycocotools.mask import decode

    with DefaultScope.overwrite_default_scope('mmdet'):
        dataset = Detection(
            ann_file='annotations/train_17.json',
            data_root=str(synth_folder),
            data_prefix=dict(img='images/train/'),
            metainfo=dict(classes=('person',)),
            filter_cfg=dict(filter_empty_gt=True, min_size=1),
        )
    content = json.loads((synth_folder / 'annotations/train_17.json').read_text())
    assert len(dataset) == len(content['images'])
    for position, image in enumerate(content['images']):
        people = synth_samples[image['id'] - 1].people
        boxes = [each['bbox'] for each in dataset.get_data_info(position)['instances']]
        np.testing.assert_allclose(boxes, [p.box_xyxy for p in people], atol=0.01)
        instances = synth_samples[image['id'] - 1].instances
        for person, found in zip(
            people, dataset.get_data_info(position)['instances'], strict=True
        ):
            mask = decode(found['mask']) > 0
            np.testing.assert_array_equal(mask, instances == person.person)


@pytest.mark.parametrize('split', ['train', 'val'])
@pytest.mark.parametrize('count', READERS)
def test_shipped_configs_read_the_layout(synth_folder, count, split):
    cfg = tiny_config(f'pose/sapiens_0.3b_synth{count}-1024x768')
    spec = cfg[f'{split}_dataloader'].dataset
    assert spec.data_root == 'data/synth_humans/'
    spec.update(data_root=str(synth_folder), pipeline=[])
    with DefaultScope.overwrite_default_scope('mmpose'):
        dataset = DATASETS.build(spec)
    assert len(dataset) > 0
    for info in (dataset.get_data_info(i) for i in range(len(dataset))):
        assert info['keypoints'].shape == (1, count, 2)
        assert info['img_path'].startswith(str(synth_folder / 'images' / split))
    ann_file = f'data/synth_humans/annotations/val_{count}.json'
    assert cfg.val_evaluator.ann_file == cfg.test_evaluator.ann_file == ann_file
    assert cfg.model.head.out_channels == count
