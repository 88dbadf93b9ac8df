"""The evaluator served as xtcocotools: its figures, and when it stands aside."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from script_util import load_script

pytest.importorskip('pycocotools')
pytestmark = pytest.mark.filterwarnings("ignore:results have no '[a-z]*_score'")

from sapiens_mm.compat.coco_index import COCO  # noqa: E402
from sapiens_mm.compat.coco_keypoints import COCOeval  # noqa: E402
from sapiens_mm.compat.keypoint_types import (  # noqa: E402
    KEYPOINT_TYPES,
    KeypointType,
)

HERE = Path(__file__).parent
cases = load_script('tests/compat/coco_cases.py')
# Statistics computed by xtcocotools 1.14.3 on numpy 1.26 from the same seeds; see
# make_coco_golden.py.
GOLDEN = json.loads((HERE / 'coco_golden.json').read_text())['rows']
AREA = 5000.0  # square pixels: medium, between 32² and 96²
SIGMA = 0.05


def one_person(num_keypoints=17, fields=('keypoints',), labelled=2, **extra):
    """Return annotations of one person; keypoints on a circle in a 100 px box."""
    angle = np.linspace(0, 6, num_keypoints)
    xy = 50 + 40 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    flat = np.insert(xy, 2, labelled, axis=1).ravel().tolist()
    ann = {'id': 0, 'image_id': 7, 'category_id': 1, 'bbox': [0, 0, 100, 100]}
    ann.update({field: flat for field in fields}, area=AREA, iscrowd=0, **extra)
    return {
        'images': [{'id': 7, 'width': 200, 'height': 200, 'crowdIndex': 0.5}],
        'categories': [{'id': 1, 'name': 'person'}],
        'annotations': [ann],
    }


def shifted(annotations, dx, fields=('keypoints',), score=0.9):
    """Return the annotations as results, ``dx`` pixels to the right."""
    ann = annotations['annotations'][0]
    result = {key: ann[key] for key in ('image_id', 'category_id', 'bbox')}
    for field in fields:
        xyv = np.reshape(ann[field], (-1, 3)) + [dx, 0, 0]
        xyv[:, 2] = 1
        result[field] = xyv.ravel().tolist()
    return {**result, 'score': score}


def evaluate(annotations, results, iou_type='keypoints', num_keypoints=17, **kwargs):
    gt = COCO(ann_data=annotations)
    sigmas = np.full(num_keypoints, SIGMA)
    run = COCOeval(gt, gt.loadRes(results), iou_type, sigmas, **kwargs)
    run.evaluate()
    run.accumulate()
    run.summarize()
    return run


def distance_of(oks):
    """Return the shift, in pixels, of all keypoints that gives this similarity."""
    return 2 * SIGMA * math.sqrt(-2 * AREA * math.log(oks))


@pytest.mark.parametrize(
    ('seed', 'missing_areas', 'iou_type', 'use_area', 'stats'), GOLDEN
)
def test_figures_are_those_of_the_original(
    seed, missing_areas, iou_type, use_area, stats, tmp_path
):
    case = cases.make_case(seed, missing_areas=missing_areas)
    run = cases.evaluate(COCO, COCOeval, tmp_path, case, iou_type, use_area)
    assert np.abs(run.stats - stats).max() <= 1e-6


def test_golden_rows_cover_every_type():
    covered = {(iou_type, use_area) for _, _, iou_type, use_area, _ in GOLDEN}
    assert covered == {(t, u) for t in (*KEYPOINT_TYPES, 'bbox') for u in (True, False)}


@pytest.mark.parametrize(
    'iou_type', [t for t in KEYPOINT_TYPES if t != 'keypoints_crowd']
)
@pytest.mark.parametrize('use_area', [True, False])
def test_perfect_results_have_ap_1(iou_type, use_area):
    fields = KEYPOINT_TYPES[iou_type].fields
    annotations = one_person(fields=fields)
    results = [shifted(annotations, 0, fields)]
    run = evaluate(annotations, results, iou_type, 17 * len(fields), use_area=use_area)
    # The one person is of medium size: no figure for large ones.
    np.testing.assert_allclose(run.stats, [1, 1, 1, 1, -1, 1, 1, 1, 1, -1])


def test_crowdpose_figures_by_hand():
    annotations = one_person(num_keypoints=14)
    annotations['annotations'][0]['num_keypoints'] = 14
    results = [shifted(annotations, distance_of(0.72))]
    run = evaluate(annotations, results, 'keypoints_crowd', 14)
    # Thresholds .50 to .70 of ten are met; the image is of medium crowding (0.5).
    np.testing.assert_allclose(run.stats, [0.5, 1, 0, 0.5, 1, 0, -1, 0.5, -1])
    assert run.params.imgIds == [7]


@pytest.mark.parametrize('oks', [0.31, 0.52, 0.72, 0.97])
def test_similarity_follows_the_formula(oks):
    annotations = one_person()
    run = evaluate(annotations, [shifted(annotations, distance_of(oks))])
    np.testing.assert_allclose(run.ious[7, 1], [[oks]], rtol=1e-12)
    met = np.count_nonzero(np.arange(0.5, 0.96, 0.05) <= oks) / 10
    np.testing.assert_allclose(run.stats[[0, 5]], [met, met])


def test_similarity_counts_labelled_keypoints_only():
    annotations = one_person()
    flat = annotations['annotations'][0]['keypoints']
    results = [shifted(annotations, 0)]
    flat[:3] = [5000, 5000, 0]  # not labelled: does not count
    flat[3] += distance_of(0.4)
    run = evaluate(annotations, results)
    np.testing.assert_allclose(run.ious[7, 1], [[(0.4 + 15) / 16]], rtol=1e-12)


def test_box_area_replaces_the_area():
    annotations = one_person()
    results = [shifted(annotations, distance_of(0.72))]
    run = evaluate(annotations, results, use_area=False)
    expected = 0.72 ** (AREA / (0.53 * 100 * 100))
    np.testing.assert_allclose(run.ious[7, 1], [[expected]], rtol=1e-12)


def test_person_without_labels_is_ignored_and_absorbs_what_is_near():
    annotations = one_person(labelled=0)
    near = shifted(annotations, 100)  # within the box grown to -100 .. 200
    far = shifted(annotations, 1000)
    run = evaluate(annotations, [near, far])
    assert run.ious[7, 1][0] == 1
    assert run.ious[7, 1][1] < 1e-9
    assert run.evalImgs[0]['dtIgnore'][:, 0].all()
    assert not run.evalImgs[0]['dtIgnore'][:, 1].any()
    assert run.stats[0] == -1


def test_results_without_keypoints_are_left_out():
    annotations = one_person()
    empty = shifted(annotations, 500, score=1.0)
    empty['keypoints'][2::3] = [0] * 17
    run = evaluate(annotations, [empty, shifted(annotations, 0)])
    assert run.evalImgs[0]['dtIds'] == [2]
    assert run.stats[0] == pytest.approx(1)


def test_nan_matches_nothing():
    annotations = one_person()
    broken = shifted(annotations, 0, score=1.0)
    broken['keypoints'][0] = float('nan')
    run = evaluate(annotations, [broken, shifted(annotations, 0, score=0.5)])
    # A false positive before the right one halves the precision everywhere.
    np.testing.assert_allclose(run.stats[[0, 5]], [0.5, 1])


def test_no_results_at_all():
    run = evaluate(one_person(), [])
    np.testing.assert_array_equal(run.stats, [0, 0, 0, 0, -1, 0, 0, 0, 0, -1])


def test_a_new_type_is_a_row_of_the_table(monkeypatch):
    kind = KeypointType(('goliath_kpts',), 'goliath_score')
    monkeypatch.setitem(KEYPOINT_TYPES, 'keypoints_wholebody_goliath', kind)
    annotations = one_person(308, kind.fields)
    good = shifted(annotations, distance_of(0.72), kind.fields, score=0.1)
    bad = shifted(annotations, 900, kind.fields, score=0.9)
    results = [{**good, 'goliath_score': 0.8}, {**bad, 'goliath_score': 0.2}]
    run = evaluate(annotations, results, 'keypoints_wholebody_goliath', 308)
    np.testing.assert_allclose(run.stats[:3], [0.5, 1, 0])


def test_masks():
    annotations = one_person(segmentation=[[0, 0, 100, 0, 100, 50, 0, 50]])
    mask = [[0, 0, 80, 0, 80, 50, 0, 50]]
    result = {'image_id': 7, 'category_id': 1, 'bbox': [0, 0, 80, 50], 'score': 1}
    run = evaluate(annotations, [{**result, 'segmentation': mask}], 'segm')
    np.testing.assert_allclose(run.stats[:3], [0.7, 1, 1])  # overlap 0.8


@pytest.mark.parametrize(
    ('change', 'kwargs', 'words'),
    [
        ({}, {'iou_type': 'keypoints_ear'}, "'keypoints_ear'.*keypoints_foot"),
        ({}, {'iou_type': 'keypoints_foot'}, r"needs \['foot_kpts'\].*id 0 of image 7"),
        ({}, {'num_keypoints': 14}, '14 sigmas, 17 keypoints in annotation 0'),
        ({'area': None}, {}, 'annotation 0 has no area; use_area=False'),
    ],
)
def test_mistakes_are_told_in_one_sentence(change, kwargs, words):
    annotations = one_person()
    ann = annotations['annotations'][0]
    results = [shifted(annotations, 0)]
    for key in change:
        del ann[key]
    with pytest.raises(ValueError, match=words):
        evaluate(annotations, results, **kwargs)


@pytest.mark.parametrize('keypoints', [{}, {'keypoints': []}, {'keypoints': None}])
def test_a_box_alone_is_not_looked_for(keypoints):
    """The original ends there, an epoch into a training; mmpose's data sets skip it."""
    annotations = one_person()
    (person,) = annotations['annotations']
    alone = {k: v for k, v in person.items() if k != 'keypoints'} | {'id': 1}
    annotations['annotations'].append({**alone, **keypoints})
    results = [shifted(annotations, distance_of(0.72))]
    run = evaluate(annotations, results)
    assert run.stats[0] == pytest.approx(0.5)  # as without it
    assert annotations['annotations'][1].get('keypoints') == keypoints.get('keypoints')
    # a detection within three times the box is not held against the detector
    annotations['annotations'].pop(0)
    assert evaluate(annotations, results).stats[0] == -1


def test_files_may_begin_with_a_byte_order_mark(tmp_path, capsys):
    annotations = one_person()
    path, found = tmp_path / 'annotations.json', tmp_path / 'found.json'
    path.write_bytes(b'\xef\xbb\xbf' + json.dumps(annotations).encode())
    results = json.dumps([shifted(annotations, 0)])
    found.write_bytes(b'\xef\xbb\xbf' + results.encode())
    index = COCO(str(path))
    assert index.dataset == annotations and index.anno_file == [str(path)]
    assert capsys.readouterr().out == ''
    assert index.loadRes(str(found)).getAnnIds() == [1]
    path.write_text('[]')
    with pytest.raises(ValueError, match='annotations.json is no annotation file'):
        COCO(path)


def test_index_reads_as_the_original(tmp_path):
    annotations = one_person()
    annotations['annotations'][0].pop('iscrowd')
    path = tmp_path / 'annotations.json'
    path.write_text(json.dumps(annotations))
    index = COCO(str(path), test_index=[2, 0])
    ann = index.loadAnns(index.getAnnIds(imgIds=7))[0]
    original = annotations['annotations'][0]['keypoints']
    assert ann['keypoints'] == original[6:9] + original[:3]
    assert ann['iscrowd'] is False
    assert index.getCatIds(catNms='person') == [1]
    assert index.getCatIds(catNms='a person') == []
    assert index.getAnnIds(areaRng=[AREA, AREA + 1]) == [0]
    assert index.getAnnIds(areaRng=[AREA - 1, AREA]) == []
    assert index.anno_file == [str(path)]


def python(code, *paths, **env):
    """Run ``code`` in a fresh interpreter with ``paths`` first; return its output."""
    search = [*map(str, paths), str(HERE.parents[1])]
    env = {**os.environ, 'PYTHONPATH': os.pathsep.join(search), **env}
    done = subprocess.run(
        [sys.executable, '-c', code], env=env, capture_output=True, text=True
    )
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


ASK = (
    'import sapiens_mm; from xtcocotools.coco import COCO; '
    'import xtcocotools.cocoeval, xtcocotools.mask; '
    "print(COCO.__module__, hasattr(xtcocotools.mask, 'frPyObjects'))"
)


def package(folder, coco):
    (folder / 'xtcocotools').mkdir()
    for name in ('__init__', 'cocoeval', 'mask'):
        (folder / 'xtcocotools' / f'{name}.py').touch()
    (folder / 'xtcocotools' / 'coco.py').write_text(coco)


def test_stands_aside_for_the_real_package(tmp_path):
    package(tmp_path, 'class COCO: pass')
    assert python(ASK, tmp_path) == 'xtcocotools.coco False'


def test_replaces_a_package_that_does_not_import(tmp_path):
    package(tmp_path, "raise ValueError('numpy.dtype size changed')")
    assert python(ASK, tmp_path) == 'sapiens_mm.compat.coco_index True'
    off = python(ASK, tmp_path, SAPIENS_MM_DISABLE_PATCHES='coco_eval')
    assert off == 'ValueError: numpy.dtype size changed'


def test_nothing_is_imported_before_it_is_needed():
    code = "import sys, sapiens_mm; print({'numpy', 'pycocotools'} & set(sys.modules))"
    assert python(code) == 'set()'


@pytest.mark.parametrize('iou_type', ['keypoints', 'keypoints_crowd'])
def test_mmpose_coco_metric(iou_type, tmp_path):
    pytest.importorskip('mmpose')
    from mmpose.evaluation.metrics import CocoMetric

    annotations = one_person()
    annotations['annotations'][0]['num_keypoints'] = 17
    metrics = run_metric(CocoMetric, annotations, 17, tmp_path, iou_type=iou_type)
    assert metrics['coco/AP'] == pytest.approx(0.5)
    assert metrics['coco/AP .5'] == pytest.approx(1)
    assert metrics['coco/AP .75'] == 0
    medium = 'coco/AP(M)' if iou_type == 'keypoints_crowd' else 'coco/AP (M)'
    assert metrics[medium] == pytest.approx(0.5)


def test_mmpose_wholebody_metric(tmp_path):
    pytest.importorskip('mmpose')
    from mmpose.evaluation.metrics import CocoWholeBodyMetric

    annotations = one_person(133)
    ann = annotations['annotations'][0]
    flat = ann['keypoints']
    for field, count in cases.FIELDS.items():
        ann[field], flat = flat[: 3 * count], flat[3 * count :]
    metrics = run_metric(CocoWholeBodyMetric, annotations, 133, tmp_path)
    assert metrics['coco-wholebody/AP'] == pytest.approx(0.5)
    assert metrics['coco-wholebody/AR .75'] == 0


def run_metric(metric_class, annotations, num_keypoints, folder, **kwargs):
    """Feed a metric of mmpose the annotated person, shifted to an OKS of 0.72."""
    path = folder / 'annotations.json'
    path.write_text(json.dumps(annotations))
    ann = annotations['annotations'][0]
    fields = [field for field in cases.FIELDS if field in ann]
    flat = [value for field in fields for value in ann[field]]
    xy = np.reshape(flat, (1, num_keypoints, 3))[..., :2] + [distance_of(0.72), 0]
    metric = metric_class(ann_file=str(path), **kwargs)
    metric.dataset_meta = {
        'dataset_name': 'one person',
        'num_keypoints': num_keypoints,
        'sigmas': np.full(num_keypoints, SIGMA),
    }
    sample = {
        'id': 0,
        'img_id': 7,
        'pred_instances': {'keypoints': xy, 'keypoint_scores': np.ones(xy.shape[:2])},
        'gt_instances': {
            'bbox_scores': np.ones(1),
            'bbox_scales': np.full((1, 2), 100),
        },
    }
    metric.process([], [sample])
    return metric.evaluate(size=1)
