"""Label images are read exactly, and bad ones are named."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image
from sentences import says

pytest.importorskip('mmseg')

from mmseg.datasets.transforms import LoadAnnotations

from sapiens_mm.data.files import BadFileError
from sapiens_mm.seg.label_maps import (
    LABEL_SOURCES,
    check_sample,
    decode_ids,
    lookup_table,
    map_ids,
)
from sapiens_mm.seg.load_labels import SapiensLoadLabels
from sapiens_mm.tables import CIHP20, GOLIATH28, LIP20
from sapiens_mm.tables.body_parts import (
    ATR_CLASSES,
    PASCAL_CLASSES,
    SOURCE_34_CLASSES,
)

IDS = np.array([[0, 1, 5], [27, 255, 5]], np.uint8)
NOISE = np.random.RandomState(0).randint(0, 20, (64, 64), np.uint8)


def encoded(picture, **options):
    buffer = io.BytesIO()
    picture.save(buffer, options.pop('format', 'PNG'), **options)
    return buffer.getvalue()


def with_palette(ids):
    picture = Image.fromarray(ids)
    picture.putpalette(np.random.RandomState(0).randint(0, 256, 768).tolist())
    return picture


def info(tmp_path, labels, image_hw=(2, 3), **facts):
    """Write a sample and return its info; ``labels`` are ids or bytes."""
    paths = dict(img_path=tmp_path / 'photo.png', seg_map_path=tmp_path / 'labels.png')
    assert cv2.imwrite(str(paths['img_path']), np.zeros((*image_hw, 3), np.uint8))
    if isinstance(labels, np.ndarray):
        labels = encoded(Image.fromarray(labels))
    paths['seg_map_path'].write_bytes(labels)
    facts = dict(num_classes=28, label_map=None, reduce_zero_label=False) | facts
    return dict(seg_fields=[], **{k: str(v) for k, v in paths.items()}, **facts)


def test_ids_are_read_from_grey_palette_and_16_bit():
    np.testing.assert_array_equal(decode_ids(encoded(Image.fromarray(IDS)), ''), IDS)
    picture = with_palette(IDS)
    assert picture.mode == 'P'
    np.testing.assert_array_equal(decode_ids(encoded(picture), ''), IDS)
    few = IDS % 2
    packed = encoded(with_palette(few), bits=1)
    np.testing.assert_array_equal(decode_ids(packed, ''), few)
    black_and_white = encoded(Image.fromarray(few.astype(bool)))
    np.testing.assert_array_equal(decode_ids(black_and_white, ''), few)
    deep = encoded(Image.fromarray(IDS.astype(np.uint16)))
    np.testing.assert_array_equal(decode_ids(deep, ''), IDS)


@pytest.mark.parametrize(
    ('data', 'match'),
    [
        (encoded(Image.new('RGB', (3, 2))), r'l.png is an image of colours \(RGB\)'),
        (encoded(Image.new('LA', (3, 2))), r'l.png is an image of colours \(LA\)'),
        (encoded(Image.new('L', (3, 2)), format='JPEG'), 'l.png is a JPEG, which'),
        (b'', 'l.png is no readable label image'),
        (b'no image', 'l.png is no readable label image$'),
        (encoded(Image.fromarray(NOISE))[:900], 'label image: .*truncated'),
        (
            encoded(Image.fromarray(np.array([[7, 256]], np.uint16))),
            'l.png holds uint16 values of 7 to 256; class ids are 0 to 255',
        ),
    ],
)
def test_other_files_are_named(data, match):
    with pytest.raises(BadFileError, match=match) as caught:
        decode_ids(data, 'l.png')
    assert '\n' not in str(caught.value)


def test_ids_outside_the_list_are_named():
    table = lookup_table(20)
    ids = np.array([[0, 19, 255], [20, 254, 20]], np.uint8)
    np.testing.assert_array_equal(map_ids(ids[:1], table, ''), ids[:1])
    with pytest.raises(BadFileError) as caught:
        map_ids(ids, table, 'a.png')
    says(caught.value, 'a.png', '20, 254', '3 of 6 pixels', '0 to 19', '255')


@pytest.mark.parametrize(
    ('source', 'classes', 'expected'),
    [
        ('goliath34', SOURCE_34_CLASSES, {'Chair': None, 'Tongue': 'Tongue'}),
        (
            'lip20',
            LIP20.classes,
            {'Coat': 'Upper_Clothing', 'Skirt': 'Upper_Clothing', 'Left-arm': None},
        ),
        ('cihp20', CIHP20.classes, {'Right-shoe': 'Right_Shoe', 'Glove': None}),
        ('atr18', ATR_CLASSES, {'Skirt': 'Lower_Clothing', 'Bag': None}),
        ('pascal25', PASCAL_CLASSES, {'Nose': 'Face_Neck', 'Left_foot': 'Left_Shoe'}),
    ],
)
def test_sources_become_the_28(source, classes, expected):
    table = lookup_table(0, LABEL_SOURCES[source])
    ids = np.arange(len(classes), dtype=np.uint8)[None]
    labels = dict(zip(classes, map_ids(ids, table, '')[0], strict=True))
    assert labels['Background'] == 0
    for name, target in expected.items():
        wanted = 255 if target is None else GOLIATH28.classes.index(target)
        assert labels[name] == wanted, name
    with pytest.raises(BadFileError, match=f'the ids {len(classes)} at 1 of 1'):
        map_ids(np.array([[len(classes)]], np.uint8), table, '')


@pytest.mark.parametrize('label_map', [None, dict(enumerate(LABEL_SOURCES['lip20']))])
def test_loading_equals_the_host_on_good_labels(tmp_path, label_map):
    rng = np.random.RandomState(0)
    labels = rng.choice([*range(20), 255], (40, 30)).astype(np.uint8)
    facts = dict(label_map=label_map, num_classes=28, image_hw=(40, 30))
    results = [info(tmp_path, labels, **facts) for _ in range(2)]
    ours = SapiensLoadLabels()(dict(results[0], ori_shape=(40, 30)))
    hosts = LoadAnnotations()(dict(results[1]))
    np.testing.assert_array_equal(ours['gt_seg_map'], hosts['gt_seg_map'])
    assert ours['gt_seg_map'].dtype == hosts['gt_seg_map'].dtype == np.uint8
    assert ours['seg_fields'] == hosts['seg_fields'] == ['gt_seg_map']


def test_loading_refuses_other_sizes_and_empty_labels(tmp_path):
    load = SapiensLoadLabels()
    with pytest.raises(BadFileError) as caught:
        load(info(tmp_path, IDS) | dict(ori_shape=(3, 2)))
    assert str(caught.value) == (
        f'{tmp_path}/labels.png is 3 x 2 pixels (W x H), its image '
        f'{tmp_path}/photo.png 2 x 3'
    )
    for value, what in ((0, 'background'), (255, 'without a label')):
        empty = np.full((2, 3), value, np.uint8)
        with pytest.raises(
            BadFileError, match=f'labels.png holds no part: it is {what}'
        ):
            load(info(tmp_path, empty))
        loaded = SapiensLoadLabels(allow_empty=True)(info(tmp_path, empty))
        np.testing.assert_array_equal(loaded['gt_seg_map'], empty)
    with pytest.raises(ValueError, match='needs num_classes of the data set'):
        load({k: v for k, v in info(tmp_path, IDS).items() if k != 'num_classes'})
    with pytest.raises(ValueError, match='reduce_zero_label'):
        SapiensLoadLabels(reduce_zero_label=True)


def test_samples_are_checked_completely(tmp_path):
    np.testing.assert_array_equal(check_sample(info(tmp_path, IDS)), IDS)
    with pytest.raises(BadFileError, match=r'labels.png is 3 x 2 .*photo.png 3 x 9'):
        check_sample(info(tmp_path, IDS, image_hw=(9, 3)))
    photo = tmp_path / 'photo.png'
    noise = np.random.RandomState(0).randint(0, 255, (64, 64, 3), np.uint8)
    jpeg = cv2.imencode('.jpg', noise)[1].tobytes()
    for data, match in [
        (b'', 'photo.png is no image but empty'),
        (b'text', 'photo.png is not an image'),
        (jpeg[:-1000], 'photo.png is a broken or truncated image'),
    ]:
        sample = info(tmp_path, IDS)
        photo.write_bytes(data)
        with pytest.raises(BadFileError, match=match):
            check_sample(sample)
    with pytest.raises(BadFileError, match=r'gone.png cannot be read: No such file'):
        check_sample(info(tmp_path, IDS) | dict(img_path=str(tmp_path / 'gone.png')))
    # bytes after the end are no fault
    small = cv2.imencode('.jpg', noise[:2, :3])[1].tobytes()
    for data, cut in ((jpeg[:-1000], True), (small + bytes(9999), False)):
        sample = info(tmp_path, IDS)
        photo.write_bytes(data)
        if cut:
            with pytest.raises(
                BadFileError, match='photo.png is a broken or truncated image'
            ):
                check_sample(sample)
        else:
            np.testing.assert_array_equal(check_sample(sample), IDS)
