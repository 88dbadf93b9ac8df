"""Masks of 0 and 255 given as labels of two classes: told, and read by label_map."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip('mmseg')

from mmengine.config import Config
from mmengine.registry import DefaultScope

sys.path.insert(0, str(Path(__file__).parent))
from part_layouts import people, write_image, write_labels

from sapiens_mm.data.files import BadFileError
from sapiens_mm.seg import SapiensPartDataset, SapiensPartMetric

TWO = dict(classes=('background', 'person'))
PERSON = people(1)[0]
INSIDE = PERSON.labels > 0


def build(root, labels, allow_empty=False, **options):
    write_image(root / 'photos/a.png', PERSON.image)
    write_labels(root / 'labels/a.png', labels)
    load = dict(type='sapiens_mm.SapiensLoadLabels', allow_empty=allow_empty)
    options = dict(parts=None, metainfo=TWO) | options
    with DefaultScope.overwrite_default_scope('mmseg'):
        return SapiensPartDataset(
            data_root=str(root),
            data_prefix=dict(img_path='photos', seg_map_path='labels'),
            pipeline=[dict(type='LoadImageFromFile'), load],
            **options,
        )


@pytest.mark.parametrize('allow_empty', [False, True])  # training, validation
def test_a_mask_is_told(tmp_path, allow_empty):
    dataset = build(tmp_path, INSIDE * 255, allow_empty)
    words = r'a.png holds 0 and 255 only.*label_map=\{0: 0, 255: 1\}'
    with pytest.raises(BadFileError, match=words):
        dataset[0]
    with pytest.raises(BadFileError, match=words):
        dataset.find_fault(0)


def test_label_map_reads_it(tmp_path):
    for label_map in ({0: 0, 255: 1}, {'0': 0, '255': 1}):  # as mmengine dumps it
        dataset = build(tmp_path, INSIDE * 255, label_map=label_map)
        np.testing.assert_array_equal(dataset[0]['gt_seg_map'], INSIDE)
    other = build(tmp_path, np.where(INSIDE, 7, 3), label_map={3: 0, 7: 1})
    np.testing.assert_array_equal(other[0]['gt_seg_map'], INSIDE)
    with pytest.raises(BadFileError, match='ids 4 .* expected 3, 7, or 255'):
        build(tmp_path, np.where(INSIDE, 7, 4), label_map={3: 0, 7: 1})[0]


def test_label_map_of_a_config_that_was_written_and_read(tmp_path):
    config = Config(dict(label_map={0: 0, 255: 1}))
    config.dump(tmp_path / 'config.py')
    label_map = Config.fromfile(tmp_path / 'config.py').label_map
    dataset = build(tmp_path, INSIDE * 255, label_map=label_map)
    np.testing.assert_array_equal(dataset[0]['gt_seg_map'], INSIDE)


def test_255_that_is_no_label_is_taken(tmp_path):
    part = np.where(INSIDE, 1, 0)
    part[:10] = 255
    np.testing.assert_array_equal(build(tmp_path, part)[0]['gt_seg_map'], part)
    nobody = np.where(INSIDE, 255, 0)
    meant = build(tmp_path, nobody, True, label_map={0: 0, 1: 1, 255: 255})
    np.testing.assert_array_equal(meant[0]['gt_seg_map'], nobody)
    three = dict(classes=('background', 'a', 'b'))
    some = build(tmp_path, nobody, True, metainfo=three)
    np.testing.assert_array_equal(some[0]['gt_seg_map'], nobody)


@pytest.mark.parametrize(
    ('options', 'words'),
    [
        (dict(label_map={0: 0, 255: 2}), 'label_map has 255: 2; expected .* 0 to 1 or'),
        (dict(label_map={256: 1}), 'label_map has 256: 1'),
        (dict(label_map={True: 1}), 'label_map has True: 1'),
        (dict(label_map={}), 'must be a dict'),
        (dict(label_map=[0, 1]), 'must be a dict'),
        (
            dict(parts='goliath28', metainfo=None, source='lip20', label_map={0: 0}),
            "source='lip20' maps ids",
        ),
    ],
)
def test_wrong_maps(tmp_path, options, words):
    with pytest.raises(ValueError, match=words):
        build(tmp_path, INSIDE, **options)


def test_lossy_labels_are_told(tmp_path):
    ids = Image.fromarray(INSIDE.astype(np.uint8))
    dataset = build(tmp_path, INSIDE)
    for options in (dict(format='JPEG'), dict(format='WEBP', quality=80)):
        ids.save(tmp_path / 'labels/a.png', **options)
        with pytest.raises(BadFileError, match=f'is a {options["format"]}'):
            dataset[0]
    ids.convert('L').save(tmp_path / 'labels/a.png', format='PNG')
    np.testing.assert_array_equal(dataset[0]['gt_seg_map'], INSIDE)


def sample(pred, target):
    data = {
        key: dict(data=torch.from_numpy(np.asarray(ids).astype(np.int64))[None])
        for key, ids in (('pred_sem_seg', pred), ('gt_sem_seg', target))
    }
    return dict(**data, seg_map_path='a.png')


def test_no_score_of_an_empty_prediction():
    """Labels that mmseg's own data sets loaded come here without a check."""
    empty, mask = np.zeros(INSIDE.shape), INSIDE * 255
    metric = SapiensPartMetric()
    metric.dataset_meta = dict(classes=TWO['classes'])
    metric.process({}, [sample(empty, mask), sample(empty, mask)])
    with pytest.raises(BadFileError, match='all 2 images are 0 or 255.*score 100'):
        metric.evaluate(2)
    metric = SapiensPartMetric()
    metric.dataset_meta = dict(classes=TWO['classes'])
    metric.process({}, [sample(empty, mask), sample(empty, INSIDE)])
    assert metric.evaluate(2)['mIoU_foreground'] == 0
