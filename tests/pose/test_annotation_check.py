"""The check of annotation files: every kind of fault, against what mmpose does."""

import json
import logging

import pytest
from mmengine.registry import DefaultScope

pytest.importorskip('mmpose')

from mmpose.datasets import CocoDataset, CocoWholeBodyDataset  # noqa: E402
from mmpose.registry import DATASETS, HOOKS  # noqa: E402

from sapiens_mm.pose import (  # noqa: E402
    SapiensAnnotationCheckHook,
    SapiensGoliathDataset,
    check_annotations,
)
from sapiens_mm.pose.annotation_report import ERRORS, SKIPPED, WARNINGS  # noqa: E402

READERS = {17: CocoDataset, 133: CocoWholeBodyDataset, 308: SapiensGoliathDataset}
FIELD = {17: 'keypoints', 133: 'lefthand_kpts', 308: 'goliath_wholebody_kpts'}
SIZES = (17, 133, 308)


def used_by_data_set(path, num_keypoints):
    with DefaultScope.overwrite_default_scope('mmpose'):
        dataset = READERS[num_keypoints](str(path), test_mode=True)
    return [dataset.get_data_info(n)['id'] for n in range(len(dataset))]


@pytest.mark.parametrize('num_keypoints', SIZES)
def test_a_good_file(keypoint_file, num_keypoints):
    path = keypoint_file(num_keypoints)
    report = check_annotations(path, num_keypoints, path.parent)
    assert report.first_errors == {} and report.error_kinds == ()
    counts = {name: count for name, count in report.counts.items() if count}
    assert counts == dict(images=3, annotations=3, used=3)
    assert report.counts.keys() == {*counts, *ERRORS, *WARNINGS}
    assert report.summary() == (
        f'{path}: 3 images, 3 annotations with {num_keypoints} keypoints, 3 used for '
        'training'
    )


def first(content):
    return content['annotations'][1]


def spoil_keypoints(record, index, value):
    for field in FIELD.values():
        if field in record:
            record[field][index] = value


# kind, what to do to a good file, what the sentence must say
FAULTS = [
    ('bad_image', lambda c: c['images'][1].pop('width'), 'image 11 .* width is None'),
    (
        'bad_image',
        lambda c: c['images'][1].update(id='11'),
        r"image '11' \(record 1\): id is '11', expected an integer",
    ),
    (
        'duplicate_image_id',
        lambda c: c['images'][1].update(id=10),
        r'image 10 \(record 1\): another image has the same id',
    ),
    (
        'duplicate_annotation_id',
        lambda c: first(c).update(id=100),
        r'annotation 100 \(record 1\): another one has the same id',
    ),
    (
        'unknown_image',
        lambda c: first(c).update(image_id=99),
        r'annotation 101 \(record 1\): image_id 99 is in no image record',
    ),
    (
        'bad_annotation',
        lambda c: first(c).pop('category_id'),
        r'annotation 101 \(record 1\): category_id is missing',
    ),
    (
        'bad_annotation',
        lambda c: first(c).update(area=None) or first(c).update(area='big'),
        "annotation 101 .* area is 'big'",
    ),
    ('bad_annotation', lambda c: c['annotations'].insert(1, 7), 'record 1: is no obj'),
    (
        'wrong_length',
        lambda c: [first(c)[f].pop() for f in FIELD.values() if f in first(c)],
        r'annotation 101 \(record 1\): \w+ has \d+ numbers, expected \d+: x, y, vis',
    ),
    (
        'bad_value',
        lambda c: spoil_keypoints(first(c), 7, float('nan')),
        r'annotation 101 \(record 1\): \w+ holds nan for keypoint 2',
    ),
    (
        'bad_value',
        lambda c: spoil_keypoints(first(c), 7, 'x'),
        r'annotation 101 \(record 1\): \w+ is no list of numbers',
    ),
    (
        'bad_visibility',
        lambda c: spoil_keypoints(first(c), 8, -1),
        r'annotation 101 \(record 1\): \w+ has the visibility -1 for keypoint 2',
    ),
    (
        'bad_box',
        lambda c: first(c).update(bbox=[1, 2, 3]),
        r'bbox is \[1, 2, 3\], expected 4 numbers',
    ),
    (
        'bad_box',
        lambda c: first(c).update(bbox=[1, 2, 3, float('inf')]),
        r'bbox is \[1, 2, 3, inf\], expected 4 numbers',
    ),
    (
        'missing_image',
        lambda c: c['images'][1].update(file_name='photos/none.png'),
        r'image 11: .*photos/none.png does not exist',
    ),
]


@pytest.mark.parametrize('num_keypoints', SIZES)
@pytest.mark.parametrize('kind, spoil, message', FAULTS)
def test_an_error_is_one_sentence(keypoint_file, num_keypoints, kind, spoil, message):
    path = keypoint_file(num_keypoints, change=spoil)
    with pytest.raises(ValueError, match=message) as error:
        check_annotations(path, num_keypoints, path.parent)
    assert str(error.value).startswith(f'{path}: ')
    report = check_annotations(path, num_keypoints, path.parent, strict=False)
    assert report.error_kinds[0] == kind and report.counts[kind] == 1
    assert f'  1 {ERRORS[kind]}; the first: ' in report.summary()


def test_errors_are_all_counted_and_the_first_is_named(keypoint_file):
    def change(content):
        for record in content['annotations'][1:]:
            record['keypoints'].append(0)

    path = keypoint_file(17, people=5, change=change)
    with pytest.raises(ValueError, match=r'annotation 101 .*\(4 records have errors\)'):
        check_annotations(path, 17)


@pytest.mark.parametrize(
    'text, message',
    [
        ('{', 'is not JSON'),
        ('[]', "no annotation file: it has no list 'images'"),
        ('{"images": []}', "no annotation file: it has no list 'annotations'"),
    ],
)
def test_files_of_another_kind(tmp_path, text, message):
    path = tmp_path / 'a.json'
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        check_annotations(path, 17)
    with pytest.raises(ValueError, match='must be a positive integer, not 0'):
        check_annotations(path, 0)


def test_another_vocabulary_is_told(keypoint_file):
    path = keypoint_file(17)
    with pytest.raises(ValueError, match='goliath_wholebody_kpts is missing'):
        check_annotations(path, 308)
    with pytest.raises(ValueError, match='foot_kpts is missing'):
        check_annotations(path, 133)

    def change(content):
        content['info'] = dict(goliath_info=dict(body_keypoint_ids=list(range(17))))

    path = keypoint_file(308, change=change)
    with pytest.raises(ValueError, match='body_keypoint_ids .* in another order'):
        check_annotations(path, 308)


def blank(record):
    for field, values in record.items():
        if field.endswith(('kpts', 'keypoints')) and isinstance(values, list):
            record[field] = [0] * len(values)
    record['num_keypoints'] = 0


def only_the_face(record):
    record['keypoints'] = [0] * 51
    record['num_keypoints'] = 0


LEFT_OUT = [
    ('crowd', lambda r: r.update(iscrowd=1), SIZES),
    ('no_visible_keypoints', blank, SIZES),
    ('no_body_keypoints', only_the_face, (133,)),
    ('no_keypoint_fields', lambda r: r.pop('keypoints'), (17,)),
    ('no_keypoint_fields', lambda r: r.pop('bbox'), (17,)),
    ('zero_box', lambda r: r.update(bbox=[5, 5, 0, 9]), SIZES),
    ('box_outside', lambda r: r.update(bbox=[48, 5, 9, 9]), SIZES),
    ('box_outside', lambda r: r.update(bbox=[-9, 5, 9, 9]), SIZES),
]


@pytest.mark.parametrize(
    'kind, spoil, num_keypoints', [(k, s, n) for k, s, sizes in LEFT_OUT for n in sizes]
)
def test_who_is_skipped_is_who_the_data_set_skips(
    keypoint_file, kind, spoil, num_keypoints
):
    path = keypoint_file(num_keypoints, change=lambda c: spoil(first(c)) and None)
    report = check_annotations(path, num_keypoints)
    assert kind in SKIPPED and report.counts[kind] == 1
    assert 'annotation 101 (record 1)' in report.first_errors[kind]
    assert f'  1 {WARNINGS[kind]}; the first: annotation 101' in report.summary()
    assert used_by_data_set(path, num_keypoints) == [100, 102]
    assert report.counts['used'] == 2
    assert sum(report.counts[k] for k in SKIPPED) == 1


def not_counted(record):
    record.update(num_keypoints=3)


def nothing_seen(record):
    record['keypoints'] = [
        v if n % 3 < 2 else 0 for n, v in enumerate(record['keypoints'])
    ]


NOTED = [
    ('box_clipped', lambda r: r.update(bbox=[-9, 5, 30, 30])),
    ('keypoints_outside', lambda r: spoil_keypoints(r, 0, 55)),
    ('count_disagrees', not_counted),
    ('no_area', lambda r: r.pop('area')),
    ('nothing_to_learn', nothing_seen),
]


@pytest.mark.parametrize('kind, spoil', NOTED)
def test_what_is_noted_is_used_all_the_same(keypoint_file, kind, spoil):
    path = keypoint_file(17, change=lambda c: spoil(first(c)) and None)
    report = check_annotations(path, 17)
    assert report.counts[kind] == 1 and report.counts['used'] == 3
    assert used_by_data_set(path, 17) == [100, 101, 102]


def test_fractions_of_whole_body_are_no_errors(keypoint_file):
    """Its automatic labels of hands have confidences as visibility."""
    path = keypoint_file(133, change=lambda c: spoil_keypoints(first(c), 2, 0.04))
    with pytest.raises(ValueError, match='keypoints has the visibility 0.04'):
        check_annotations(path, 133)  # but not of the body

    def change(content):
        first(content)['lefthand_kpts'][2] = 0.04

    report = check_annotations(keypoint_file(133, change=change), 133)
    assert not report.first_errors


def test_images_nobody_needs(keypoint_file):
    def change(content):
        for n in (90, 91):
            file_name = f'photos/{n}.png'
            image = dict(id=n, file_name=file_name, width=48, height=64)
            content['images'].append(image)

    path = keypoint_file(17, change=change)
    report = check_annotations(path, 17, path.parent)
    assert report.counts['empty_image'] == report.counts['unused_image_missing'] == 2
    assert report.counts['used'] == 3


# -- the hook -------------------------------------------------------------------------


class Loop:
    def __init__(self, dataset):
        self.dataloader = type('Loader', (), dict(dataset=dataset))


class Runner:
    logger = logging.getLogger('annotation_check')

    def __init__(self, train, val=None):
        self.train_loop = Loop(train)
        self.val_loop = None if val is None else Loop(val)


def dataset_of(path, num_keypoints, **kwargs):
    with DefaultScope.overwrite_default_scope('mmpose'):
        return READERS[num_keypoints](
            str(path), data_prefix=dict(img=str(path.parent)), **kwargs
        )


def test_the_hook_logs_every_file_once(keypoint_file, caplog):
    hook = HOOKS.build(dict(type='sapiens_mm.SapiensAnnotationCheckHook'))
    assert type(hook) is SapiensAnnotationCheckHook
    whole = keypoint_file(133, change=lambda c: blank(first(c)), name='133.json')
    goliath = keypoint_file(308, name='308.json')
    datasets = [dataset_of(whole, 133), dataset_of(goliath, 308)]
    datasets.append(
        SapiensGoliathDataset(
            str(whole), file_keypoints=133, data_prefix=dict(img=str(whole.parent))
        )
    )
    with DefaultScope.overwrite_default_scope('mmpose'):
        combined = DATASETS.build(
            dict(
                type='CombinedDataset',
                metainfo=dict(from_file='configs/_base_/datasets/coco.py'),
                datasets=[],
            )
        )
    combined.datasets = datasets
    repeated = type('Repeat', (), dict(dataset=combined))()
    other = type('Other', (), dict(ann_file='x.json'))()
    with caplog.at_level(logging.INFO):
        hook.before_train(Runner(repeated, type('Two', (), dict(datasets=[other]))()))
    assert [record.message.splitlines() for record in caplog.records] == [
        [
            f'{whole}: 3 images, 3 annotations with 133 keypoints, 2 used for training',
            '  1 annotations with zero visible keypoints are skipped; the first: '
            'annotation 101 (record 1): no keypoint is labelled',
        ],
        [f'{goliath}: 3 images, 3 annotations with 308 keypoints, 3 used for training'],
        [
            'The annotations of Other are not checked: only COCO, COCO-WholeBody and '
            'Goliath files are'
        ],
    ]


def test_the_hook_stops_a_training(keypoint_file):
    good = dataset_of(keypoint_file(17, name='good.json'), 17)

    def change(content):
        content['images'][2]['file_name'] = 'photos/none.png'

    bad = dataset_of(keypoint_file(17, change=change, name='bad.json'), 17)
    hook = SapiensAnnotationCheckHook()
    with pytest.raises(ValueError, match='image 12: .*photos/none.png does not exist'):
        hook.before_train(Runner(good, bad))
    SapiensAnnotationCheckHook(check_images=False).before_train(Runner(good, bad))


def test_data_sets_that_read_otherwise_are_left_alone(keypoint_file):
    class Other(CocoDataset):
        def parse_data_info(self, raw_data_info):
            return None

    class Same(CocoDataset):
        pass

    path = keypoint_file(17)
    texts = []
    for kind in (Other, Same):
        with DefaultScope.overwrite_default_scope('mmpose'):
            dataset = kind(str(path), lazy_init=True)
        texts += SapiensAnnotationCheckHook(check_images=False).check([dataset])
    assert 'Other are not checked' in texts[0] and texts[1].startswith(str(path))


def test_counts_are_plain_data(keypoint_file):
    report = check_annotations(keypoint_file(17), 17)
    assert json.loads(json.dumps(report.counts)) == report.counts
