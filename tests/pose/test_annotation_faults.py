"""Faulty annotation files of a training: told before it, or it validates to the end.

Each fault is put to the check and to mmpose itself: what the check lets pass, mmpose
must read and evaluate; what it refuses, mmpose must fail on, or see nobody in.
"""

import contextlib
import json

import numpy as np
import pytest
from mmengine.registry import DefaultScope

pytest.importorskip('mmpose')

from mmpose.datasets import CocoDataset  # noqa: E402
from mmpose.registry import METRICS  # noqa: E402

from sapiens_mm.pose import SapiensAnnotationCheckHook, check_annotations  # noqa: E402
from sapiens_mm.pose.annotation_needs import Evaluation, Use  # noqa: E402

COCO = 'CocoMetric'
OURS = 'sapiens_mm.SapiensKeypointMetric'


def validate(path, metric, **arguments):
    """Return the AP of a model that finds every person whom the data set gives it."""
    with DefaultScope.overwrite_default_scope('mmpose'):
        dataset = CocoDataset(str(path), test_mode=True)
        metric = METRICS.build(dict(type=metric, ann_file=str(path), **arguments))
    metric.dataset_meta = dataset.metainfo
    for n in range(len(dataset)):
        info = dataset.get_data_info(n)
        found = dict(
            keypoints=info['keypoints'],
            keypoint_scores=np.ones(info['keypoints'].shape[:2]),
            bboxes=info['bbox'],
        )
        facts = {key: info[key] for key in ('id', 'img_id')}
        category = int(info.get('category_id', 1))
        scores = dict(bbox_scores=info['bbox_score'])
        sample = dict(category_id=category, pred_instances=found, gt_instances=scores)
        metric.process(None, [dict(facts, **sample)])
    return metric.evaluate(len(dataset))['coco/AP']


def check(path, metric=COCO, use_area=True, **facts):
    """Check a file that is trained on and validated with; return the report."""
    ours = metric == OURS
    need = Evaluation(metric, use_area=use_area, by_category=not ours)
    use = Use(trained=True, evaluated=need, **facts)
    return check_annotations(path, 17, path.parent, use=use)


def person(content, n=1):
    return content['annotations'][n]


def box_alone(content):
    for field in ('keypoints', 'num_keypoints'):
        del person(content)[field]


def two_categories(content):
    content['categories'].append(dict(id=2, name='face'))
    person(content)['category_id'] = 2


def everybody(**fields):
    def change(content):
        for record in content['annotations']:
            record.update(fields)

    return change


def nobody_has(field):
    def change(content):
        for record in content['annotations']:
            del record[field]

    return change


def crowd_without_keypoints(content):
    person(content).update(iscrowd=1, keypoints=[], num_keypoints=0)


PASS = {
    'a good file': lambda c: None,
    'a box alone': box_alone,
    'no keypoints at all': lambda c: person(c).update(keypoints=[], num_keypoints=0),
    'a crowd without keypoints': crowd_without_keypoints,
    'two categories': two_categories,
    'num_keypoints is missing': nobody_has('num_keypoints'),
    'num_keypoints is wrong': lambda c: person(c).update(num_keypoints=3),
    'iscrowd is missing': nobody_has('iscrowd'),
    'an id of 0': lambda c: person(c).update(id=0),
    'a box half outside': lambda c: person(c).update(bbox=[-20, 5, 60, 60]),
    'an image without people': lambda c: c['images'].append(
        dict(id=99, file_name='photos/none.png', width=48, height=64)
    ),
    'an image listed twice': lambda c: c['images'].append(
        dict(c['images'][0], id=99),
    ),
}


@pytest.mark.parametrize('metric', [COCO, OURS])
@pytest.mark.parametrize('change', PASS.values(), ids=PASS)
def test_what_passes_is_validated_to_the_end(keypoint_file, change, metric):
    path = keypoint_file(17, change=lambda c: change(c) and None)
    check(path, metric)
    assert validate(path, metric) == pytest.approx(1)


REFUSED = {
    # fault: (change, sentence, who does not mind)
    'area': (nobody_has('area'), 'annotation 100 .*: area is missing, and', ()),
    'one area': (
        lambda c: person(c).pop('area'),
        r'annotation 101 \(record 1\): area is missing.*use_area=False of val_eval',
        (),
    ),
    'categories': (
        lambda c: c.pop('categories'),
        'categories: the list is missing.*add "categories": .."id": 1',
        (OURS,),
    ),
    'unlisted category': (
        everybody(category_id=2),
        r'annotation 100 .*category_id is 2, but categories lists \[1\].*not see it',
        (OURS,),
    ),
    'a crowd of other keypoints': (
        lambda c: person(c).update(iscrowd=1, keypoints=[1, 2, 2], image_id=10),
        'annotation 101 .*keypoints has 3 numbers, expected 51',
        (),
    ),
    'no box': (
        lambda c: person(c).update(image_id=10) or person(c).pop('bbox'),
        'annotation 101 .*bbox is missing, and .*Metric needs it',
        (),
    ),
    'only crowds': (
        everybody(iscrowd=1),
        'nobody to train on: it has 3 annotations, 3 left out: 3 crowds',
        (),
    ),
    'no annotations': (
        lambda c: c['annotations'].clear(),
        'there is nobody to train on: it has 0 annotations',
        (),
    ),
    'nobody labelled': (
        everybody(keypoints=[0] * 51, num_keypoints=0),
        'nobody to train on: .*3 without labelled keypoints',
        (),
    ),
    'categories is null': (lambda c: c.update(categories=None), 'is None, no list', ()),
    'a category without id': (
        lambda c: c['categories'][0].pop('id'),
        'category record 0: id is None, expected an integer',
        (),
    ),
    'an image id of text': (
        lambda c: c['images'][1].update(id='11'),
        "id is '11', expected an integer",
        (),
    ),
    'a box that is NaN': (
        lambda c: person(c).update(bbox=[1, 2, float('nan'), 4]),
        r'bbox is \[1, 2, nan, 4\], expected 4 numbers',
        (COCO, OURS),  # he is dropped without a word
    ),
    'keypoints are null': (
        lambda c: person(c).update(keypoints=None),
        'annotation 101 .*keypoints .* expected 51',
        (),
    ),
}


@pytest.mark.parametrize('metric', [COCO, OURS])
@pytest.mark.parametrize('fault', REFUSED)
def test_what_is_refused_would_end_or_blind_a_validation(keypoint_file, fault, metric):
    change, sentence, unminding = REFUSED[fault]
    path = keypoint_file(17, change=lambda c: change(c) and None)
    if fault in ('categories', 'unlisted category') and metric == OURS:
        check(path, metric)
        assert validate(path, metric) == pytest.approx(1)
        return
    with pytest.raises(ValueError, match=sentence) as error:
        check(path, metric)
    assert str(error.value).startswith(f'{path}: ')
    assert '\n' not in str(error.value)
    if metric not in unminding:
        figure = -1
        with contextlib.suppress(Exception):  # of any sort: that is why it is refused
            figure = validate(path, metric)
        assert figure == -1


def test_without_areas_a_metric_may_take_boxes(keypoint_file):
    path = keypoint_file(17, change=nobody_has('area'))
    check(path, use_area=False)
    assert validate(path, COCO, use_area=False) == pytest.approx(1)
    assert not check_annotations(path, 17, use=Use(trained=True)).error_kinds


def test_the_real_xtcocotools_needs_keypoints(keypoint_file):
    path = keypoint_file(17, change=lambda c: box_alone(c))
    use = Use(evaluated=Evaluation('CocoMetric', fills_blanks=False))
    with pytest.raises(ValueError, match='annotation 101 .*keypoints is missing, and'):
        check_annotations(path, 17, use=use)


def test_detected_people_are_of_category_1(keypoint_file):
    def change(content):
        content['categories'] = [dict(id=3, name='cow')]
        everybody(category_id=3)(content)

    path = keypoint_file(17, change=change)
    check(path)
    use = Use(evaluated=Evaluation('CocoMetric', detected=True))
    with pytest.raises(ValueError, match='category_id is 3; people of bbox_file are'):
        check_annotations(path, 17, use=use)


def test_evaluation_by_crowding(keypoint_file):
    path = keypoint_file(17, change=nobody_has('num_keypoints'))
    use = Use(evaluated=Evaluation('CocoMetric', by_crowding=True))
    report = check_annotations(path, 17, use=use, strict=False)
    assert report.counts['crowding_needed'] == 6  # three images, three people
    with pytest.raises(ValueError, match='image 10 .*crowdIndex is None, and CocoMet'):
        report.raise_for_errors()


def test_a_byte_order_mark_is_read_by_all(keypoint_file):
    path = keypoint_file(17)
    path.write_bytes(b'\xef\xbb\xbf' + path.read_bytes())
    assert check(path).counts['used'] == 3
    assert validate(path, COCO) == validate(path, OURS) == pytest.approx(1)


def test_people_with_too_few_keypoints_are_told(keypoint_file):
    def change(content):
        flat = person(content)['keypoints']
        person(content).update(keypoints=[*flat[:9], *[0] * 42], num_keypoints=3)

    path = keypoint_file(17, change=change)
    report = check(path, min_keypoints=4)
    assert report.counts['few_keypoints'] == 1 and report.counts['used'] == 3
    (remark,) = report.remarks()
    assert 'annotation 101 (record 1): 3 labelled, 4 asked for' in remark
    with pytest.raises(ValueError, match='nobody to train on: all 3 have fewer lab'):
        check(path, min_keypoints=18)


def test_several_categories_are_told(keypoint_file):
    report = check(keypoint_file(17, change=two_categories))
    (remark,) = report.remarks()
    assert 'face, person (2 categories have keypoints: all are trained on' in remark


def test_another_unit_or_form_is_told(keypoint_file):
    def shares(content):
        for record in content['annotations']:
            flat = np.reshape(record['keypoints'], (-1, 3)) / (48, 64, 1)
            record['keypoints'] = flat.ravel().tolist()

    def corners(content):
        for record in content['annotations']:
            x, y, w, h = record['bbox']
            record['bbox'] = [x + w / 2, y + h / 2, x + w, y + h]

    (remark,) = check(keypoint_file(17, change=shares)).remarks()
    assert 'no labelled keypoint in their box; are keypoints in pixels, and' in remark
    (remark,) = check(keypoint_file(17, change=corners)).remarks()
    assert '(3 annotations have a box that is clipped to the image; boxes are' in remark
    path = keypoint_file(17, change=lambda c: person(c).update(bbox=[-9, 5, 30, 30]))
    report = check(path)
    assert report.counts['box_clipped'] == 1 and report.remarks() == []


def test_left_out_in_a_word_or_two(keypoint_file):
    def change(content):
        person(content, 0).update(iscrowd=1)
        box_alone(content)

    report = check(keypoint_file(17, change=change))
    assert report.left_out() == '2 left out: 1 crowds, 1 without box or keypoints'
    assert report.counts['used'] == 1


# -- any number of keypoints ----------------------------------------------------------


def own_metainfo(count):
    return dict(
        dataset_name='own',
        keypoint_info={k: dict(name=f'k{k}', swap='') for k in range(count)},
        skeleton_info={},
        joint_weights=[1.0] * count,
        sigmas=[0.05] * count,
    )


def own_file(keypoint_file, count, field='keypoints'):
    def change(content):
        for record in content['annotations']:
            flat = np.full((count, 3), 2.0)
            flat[:, :2] = np.arange(2 * count).reshape(count, 2) % 40 + 4
            record.update({field: flat.ravel().tolist()}, num_keypoints=count)

    return keypoint_file(17, change=change)


@pytest.mark.parametrize('count', [1, 6, 21, 133, 308])
def test_keypoints_of_ones_own_are_checked(keypoint_file, count):
    """133 and 308 of one's own lie in ``keypoints``, too, not in the fields of ours."""
    path = own_file(keypoint_file, count)
    with DefaultScope.overwrite_default_scope('mmpose'):
        dataset = CocoDataset(
            str(path),
            metainfo=own_metainfo(count),
            data_prefix=dict(img=str(path.parent)),
        )
    assert dataset[0]['keypoints'].shape == (1, count, 2)
    (text,) = SapiensAnnotationCheckHook().check([dataset])
    assert text.startswith(f'{path}: 3 images, 3 annotations with {count} keypoints')

    content = json.loads(path.read_text())
    person(content)['keypoints'].pop()
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=f'annotation 101 .*expected {3 * count}: x'):
        list(SapiensAnnotationCheckHook().check([dataset]))


def test_a_reader_of_the_file_decides_not_its_number(keypoint_file):
    path = own_file(keypoint_file, 133)
    assert check_annotations(path, 133, reader='coco').counts['used'] == 3
    with pytest.raises(ValueError, match='foot_kpts is missing'):
        check_annotations(path, 133)
    with pytest.raises(ValueError, match="reader must be one of .*, not 'voc'"):
        check_annotations(path, 133, reader='voc')
    with pytest.raises(ValueError, match='goliath files have .* keypoints, not 21'):
        check_annotations(path, 21, reader='goliath')
