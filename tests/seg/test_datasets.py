"""Part data sets: official layouts, order, what is left out, what is refused."""

import json
import logging
import os
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

pytest.importorskip('mmseg')

from mmengine.dataset import ConcatDataset
from mmengine.registry import DATASETS, DefaultScope

from sapiens_mm import config_path
from sapiens_mm.data.files import BadFileError
from sapiens_mm.seg import SapiensGoliathPartDataset, SapiensPartDataset
from sapiens_mm.tables import GOLIATH28, part_table

sys.path.insert(0, str(Path(__file__).parent))
from part_layouts import (
    LAYOUTS,
    face,
    lip_labels,
    people,
    write_captures,
    write_goliath,
    write_labels,
    write_lip,
)

LOAD = [
    dict(type='sapiens_mm.SapiensLoadImage'),
    dict(type='sapiens_mm.SapiensLoadLabels'),
]


def shipped(name, root, part='train', pipeline=LOAD):
    """Build the data set of a shipped config with its root and pipeline replaced."""
    from mmengine.config import Config

    cfg = Config.fromfile(config_path(f'seg/sapiens_0.3b_{name}-1024x768'))
    data = cfg[f'{part}_dataloader'].dataset
    data.update(data_root=str(root), pipeline=pipeline)
    with DefaultScope.overwrite_default_scope('mmseg'):
        return DATASETS.build(data)


def plain(root, **changes):
    options = dict(
        parts='goliath28',
        data_root=str(root),
        data_prefix=dict(img_path='train', seg_map_path='train_parts'),
        pipeline=LOAD,
    )
    with DefaultScope.overwrite_default_scope('mmseg'):
        return SapiensPartDataset(**{**options, **changes})


@pytest.mark.parametrize('part', ['train', 'test'])
@pytest.mark.parametrize('name', LAYOUTS)
def test_official_layouts(tmp_path, name, part):
    dataset = shipped(name, LAYOUTS[name](tmp_path), part)
    table = part_table(name)
    assert dataset.metainfo['classes'] == table.classes
    assert dataset.metainfo['palette'] == [list(color) for color in table.palette]
    assert len(dataset) == 3
    assert dataset.matches.num_unmatched == 0
    paths = [dataset.get_data_info(n)['img_path'] for n in range(3)]
    assert paths == sorted(paths)
    for n in range(3):
        loaded = dataset[n]
        if name == 'face19':
            photo, labels = face(n)
        else:
            person = people(3)[n]
            photo, labels = person.image, person.labels
            if name != 'goliath28':
                labels = lip_labels(labels)
        np.testing.assert_array_equal(loaded['gt_seg_map'], labels)
        difference = np.abs(loaded['img'].astype(int) - photo)
        assert difference.mean() < 10  # JPEG


def test_captures_of_34_classes(tmp_path):
    write_captures(tmp_path)
    options = dict(
        data_root=str(tmp_path),
        data_prefix=dict(img_path='images', seg_map_path='labels'),
        pipeline=LOAD,
    )
    with DefaultScope.overwrite_default_scope('mmseg'):
        dataset = SapiensGoliathPartDataset('index.json', **options)
    # frames are '9', '10', '11', sorted as strings
    names = [Path(dataset.get_data_info(n)['img_path']).stem for n in range(3)]
    assert names == ['sample1', 'sample2', 'sample0']
    for n, person in zip((2, 0, 1), people(3), strict=True):
        labels = person.labels.copy()
        labels[:4, -4:] = 255  # a chair is no class of the 28
        np.testing.assert_array_equal(dataset[n]['gt_seg_map'], labels)

    (tmp_path / 'images/sample1.jpg').unlink()
    with DefaultScope.overwrite_default_scope('mmseg'):
        rest = SapiensGoliathPartDataset('index.json', **options)
        assert len(rest) == 2
        assert rest.matches.report() == f'{tmp_path}/images/sample1.jpg: no such file'
        with pytest.raises(ValueError, match=r'none of its 3 samples has both files'):
            SapiensGoliathPartDataset(
                'index.json', label_pattern='{sample_id}.bmp', **options
            )
        with pytest.raises(ValueError, match="asks for 'name', which the index lacks"):
            SapiensGoliathPartDataset('index.json', image_pattern='{name}', **options)


def test_unmatched_files_are_named_in_the_log(tmp_path, caplog, monkeypatch):
    write_lip(tmp_path, 6)
    folder = tmp_path / 'images/train_images'
    photos = sorted(folder.iterdir())
    for path in photos[:4]:
        (tmp_path / f'segmentations/train_segmentations/{path.stem}.png').unlink()
    photos[5].unlink()
    lines = []
    monkeypatch.setattr(
        'sapiens_mm.seg.datasets.print_log',
        lambda text, logger, level: lines.append((level, text)),
    )
    dataset = shipped('lip20', tmp_path)
    assert len(dataset) == 1
    ((level, text),) = lines
    assert level == logging.WARNING
    assert '5 files left out: no label (4): ' in text
    assert all(str(path) in text for path in photos[:3])
    assert str(photos[3]) not in text
    assert 'no image (1): ' in text
    report = dataset.matches.report().splitlines()
    assert report[:4] == [f'{path}: no label' for path in photos[:4]]
    assert len(report) == 5


def test_order_does_not_depend_on_the_file_system(tmp_path, monkeypatch):
    write_goliath(tmp_path, 4)
    expected = [plain(tmp_path).get_data_info(n)['img_path'] for n in range(4)]
    scandir = os.scandir

    class Backwards:
        def __init__(self, path):
            self.entries = sorted(scandir(path), key=lambda e: e.name)[::-1]

        def __iter__(self):
            return iter(self.entries)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

    monkeypatch.setattr(os, 'scandir', Backwards)
    dataset = plain(tmp_path)
    assert [dataset.get_data_info(n)['img_path'] for n in range(4)] == expected


@pytest.mark.parametrize('mark', [b'', b'\xef\xbb\xbf'])
def test_a_list_of_names(tmp_path, mark):
    write_goliath(tmp_path, 4)
    (tmp_path / 'some.txt').write_bytes(mark + b's1/0003\ns1/0001\n\n')
    dataset = plain(tmp_path, ann_file='some.txt')
    names = [Path(dataset.get_data_info(n)['img_path']).stem for n in range(2)]
    assert (len(dataset), names) == (2, ['0003', '0001'])


def test_other_classes_become_the_28_while_reading(tmp_path):
    write_lip(tmp_path)
    prefix = dict(
        img_path='images/train_images', seg_map_path='segmentations/train_segmentations'
    )
    dataset = plain(tmp_path, data_prefix=prefix, source='lip20')
    labels, person = dataset[0]['gt_seg_map'], people(1)[0]
    for name in ('Background', 'Hair', 'Face_Neck', 'Upper_Clothing', 'Left_Shoe'):
        here = person.labels == GOLIATH28.classes.index(name)
        assert here.any()
        assert (labels[here] == person.labels[here]).all()
    arms = np.isin(person.labels, [GOLIATH28.classes.index('Left_Hand')])
    assert (labels[arms] == 255).all()
    # they go together with data of the 28 themselves
    write_goliath(tmp_path / 'own')
    both = ConcatDataset([dataset, plain(tmp_path / 'own')])
    assert len(both) == 6


def test_classes_of_your_own(tmp_path):
    person = people(1)[0]
    cv2.imwrite(str(tmp_path / 'a.png'), person.image)
    write_labels(tmp_path / 'parts/a.png', person.labels > 0)
    prefix = dict(img_path='', seg_map_path='parts')
    metainfo = dict(classes=('nobody', 'somebody'), palette=[[0, 0, 0], [9, 9, 9]])
    dataset = plain(
        tmp_path, parts=None, metainfo=metainfo, data_prefix=prefix, ann_file=''
    )
    assert dataset.metainfo['classes'] == ('nobody', 'somebody')
    np.testing.assert_array_equal(dataset[0]['gt_seg_map'], person.labels > 0)


@pytest.mark.parametrize(
    ('changes', 'match'),
    [
        (dict(ann_file='none.txt'), 'the list .*/none.txt does not exist'),
        (dict(parts='lip21'), "no part table 'lip21'"),
        (dict(parts=None), 'parts=None needs metainfo with classes'),
        (dict(metainfo=dict(classes=('a',))), 'has its classes; metainfo is for None'),
        (dict(source='lip'), "source must be one of .*, got 'lip'"),
        (dict(parts='lip20', source='lip20'), 'maps to goliath28, not to'),
        (dict(reduce_zero_label=True), 'would drop class 0'),
        (
            dict(data_prefix=dict(img_path='a', seg_map_path='b')),
            'image files does not',
        ),
    ],
)
def test_wrong_arguments(tmp_path, changes, match):
    write_goliath(tmp_path, 1)
    with pytest.raises(ValueError, match=match):
        plain(tmp_path, **changes)
    with pytest.raises(TypeError, match='img_sufix'):
        plain(tmp_path, img_sufix='.jpg')


def spoil(root, fault):
    """Spoil the second sample; return the file that must be named."""
    photo, label = root / 'train/s1/0001.jpg', root / 'train_parts/s1/0001.png'
    if fault == 'ids':
        write_labels(label, np.full((96, 72), 28))
    elif fault == 'size':
        write_labels(label, np.ones((72, 96)))
    elif fault == 'colours':
        Image.new('RGB', (72, 96)).save(label)
    elif fault == 'empty':
        write_labels(label, np.zeros((96, 72)))
    elif fault == 'label':
        label.write_bytes(label.read_bytes()[:60])
    elif fault == 'photo':
        photo.write_bytes(b'')
        return photo
    elif fault == 'no image':
        photo.write_bytes(b'text')
        return photo
    return label


@pytest.mark.parametrize(
    'fault', ['ids', 'size', 'colours', 'empty', 'label', 'photo', 'no image']
)
def test_bad_files_are_named_or_skipped(tmp_path, fault, monkeypatch):
    write_goliath(tmp_path, 2)
    named = spoil(tmp_path, fault)
    dataset = plain(tmp_path)
    assert dataset[0]['gt_seg_map'].any()
    with pytest.raises(BadFileError) as caught:
        dataset[1]
    assert str(caught.value).startswith(str(named))
    assert '\n' not in str(caught.value)

    lines = []
    monkeypatch.setattr(
        'sapiens_mm.data.bad_samples.print_log', lambda text, **_: lines.append(text)
    )
    patient = plain(tmp_path, skip_bad=True)
    for _ in range(3):  # named once
        assert patient[1]['img_path'].endswith('0000.jpg')  # the only other one
    assert lines == [f'skipped: {caught.value}']
    assert (patient.num_bad, patient.num_samples, len(patient)) == (1, 2, 2)
    # each sample of a test counts: the set is read at the start
    lines.clear()
    tested = plain(tmp_path, skip_bad=True, test_mode=True)
    assert lines == [f'skipped: {caught.value}', '1 of 2 samples skipped']
    assert (tested.num_bad, tested.num_samples, len(tested)) == (1, 2, 1)
    with pytest.raises(BadFileError):
        plain(tmp_path, test_mode=True)[1]


def test_errors_of_transforms_stay_as_they_are(tmp_path):
    write_goliath(tmp_path, 1)

    def fail(results):
        raise KeyError('depth')

    with pytest.raises(KeyError, match='depth'):
        plain(tmp_path, pipeline=[*LOAD, fail])[0]


def test_the_index_needs_its_fields(tmp_path):
    write_captures(tmp_path)
    records = json.loads((tmp_path / 'index.json').read_text())
    del records[1]['camera_id']
    (tmp_path / 'index.json').write_text(json.dumps(records))
    with pytest.raises(BadFileError, match='sample 1: camera_id is missing'):
        SapiensGoliathPartDataset('index.json', data_root=str(tmp_path))
    with pytest.raises(BadFileError, match='the index .*/no.json does not exist'):
        SapiensGoliathPartDataset('no.json', data_root=str(tmp_path))
