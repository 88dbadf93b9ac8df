"""SapiensKeypointMetric on keypoints of one's own: mmpose's figures, names, parts."""

import contextlib
import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('mmpose')
sys.path.insert(0, str(Path(__file__).parent))

from metric_people import QUIET, STATS, contents, found, sample  # noqa: E402
from mmengine.evaluator import Evaluator  # noqa: E402
from mmpose.datasets.datasets.utils import parse_pose_metainfo  # noqa: E402
from mmpose.evaluation.metrics import CocoMetric  # noqa: E402
from own_models import own_keypoints  # noqa: E402

from sapiens_mm.pose import SapiensKeypointMetric  # noqa: E402

pytestmark = QUIET


def names(num):
    return tuple(f'p{k}' for k in range(num))


def meta_of(num):
    meta = own_keypoints(names(num), {}, ())
    meta['sigmas'] = list(np.linspace(0.02, 0.1, num).round(3))
    return meta


def crowd(num, seed=0, num_images=6):
    """Annotations in ``keypoints``, and predictions from exact to far off."""
    rng = np.random.RandomState(seed)
    annotations, samples = [], []
    for image_id in range(num_images):
        for _ in range(rng.randint(1, 4)):
            size = float(rng.choice([40, 80, 250]))
            x, y = rng.uniform(0, 400, 2).round(1)
            xy = np.round((x, y) + rng.rand(num, 2) * size, 1)
            labelled = rng.rand(num, 1) < rng.choice([0, 0.5, 1])
            points = np.hstack([xy, np.full((num, 1), 2.0)]) * labelled
            record = dict(id=len(annotations), image_id=image_id, category_id=1)
            record.update(
                bbox=[x, y, size, size],
                area=round(size * size * rng.uniform(0.4, 0.9), 1),
                iscrowd=int(rng.rand() < 0.15),
                num_keypoints=int(labelled.sum()),
                keypoints=points.ravel().tolist(),
            )
            annotations.append(record)
            for _ in range(rng.choice([0, 1, 1, 2])):
                shifts = rng.randn(num, 2) * size * rng.choice([0.003, 0.02, 0.1])
                points = np.hstack([xy + shifts, rng.rand(num, 1)])
                samples.append(
                    sample(points, len(samples), image_id, box_score=rng.rand())
                )
    return annotations, samples


def evaluate(metric, samples, num):
    evaluator = Evaluator(metric)
    evaluator.dataset_meta = parse_pose_metainfo(meta_of(num))
    evaluator.process(data_samples=samples, data_batch=None)
    with contextlib.redirect_stdout(io.StringIO()):
        return evaluator.evaluate(len(samples))


@pytest.fixture
def write(tmp_path):
    def write(annotations):
        path = tmp_path / 'own.json'
        path.write_text(json.dumps(contents(annotations)))
        return str(path)

    return write


@pytest.mark.parametrize('num', [1, 6, 17, 21])
def test_equals_mmposes_metric(num, write):
    annotations, samples = crowd(num, seed=num)
    path = write(annotations)
    host = evaluate(CocoMetric(path), samples, num)
    ours = evaluate(SapiensKeypointMetric(path), samples, num)
    assert list(ours) == [f'keypoints/{name}' for name in STATS]
    for name in STATS:
        assert ours[f'keypoints/{name}'] == pytest.approx(host[f'coco/{name}'])
    assert 0 < ours['keypoints/AP'] < 1


def test_parts_are_named_by_the_user(write):
    annotations, samples = crowd(6, seed=1)
    path = write(annotations)
    groups = {'ends': ('p0', 'p5'), 'middle': [1, 2, 3, 4]}
    figures = evaluate(SapiensKeypointMetric(path, groups=groups), samples, 6)
    whole = evaluate(SapiensKeypointMetric(path), samples, 6)
    assert figures['keypoints/AP'] == whole['keypoints/AP']
    for part in groups:
        assert 0 < figures[f'keypoints/{part}_AP'] <= 1
    # the parts are those: a prediction that is right at both ends only
    points = np.hstack([np.arange(12.0).reshape(6, 2) * 30 + 100, np.full((6, 1), 2)])
    record = dict(id=1, image_id=1, category_id=1, bbox=[100, 100, 200, 200], area=4e4)
    record.update(iscrowd=0, num_keypoints=6, keypoints=points.ravel().tolist())
    path = write([record])
    away = found(points)
    away[1:5, 0] += 5000
    figures = evaluate(
        SapiensKeypointMetric(path, groups=groups), [sample(away, 0, 1)], 6
    )
    assert figures['keypoints/ends_AP'] == pytest.approx(1)
    assert figures['keypoints/middle_AP'] == 0


def test_who_has_a_box_and_no_keypoints_is_not_looked_for(write):
    annotations, samples = crowd(6, seed=2)
    before = evaluate(SapiensKeypointMetric(write(annotations)), samples, 6)
    bare = dict(image_id=0, category_id=1, iscrowd=0, bbox=[600, 400, 9, 9], area=40.0)
    more = [
        *annotations,
        dict(bare, id=900),
        dict(bare, id=901, keypoints=[], num_keypoints=0),
    ]
    assert evaluate(SapiensKeypointMetric(write(more)), samples, 6) == before


@pytest.mark.parametrize(
    ('change', 'options', 'match'),
    [
        (lambda r: r['keypoints'].pop(), {}, 'keypoints has 17 numbers, expected 18'),
        (lambda r: r.pop('area'), {}, 'has no area; use_area=False takes'),
        (lambda r: None, dict(groups={'x': ('wing',)}), "x has 'wing', which is none"),
        (lambda r: None, dict(groups={'x': [6]}), 'x has 6, which is none of the 6'),
        (lambda r: None, dict(common_keypoints='certain'), 'no keypoint table for 6'),
    ],
)
def test_what_cannot_be_is_one_sentence(change, options, match, write):
    annotations, samples = crowd(6, seed=3)
    change(annotations[0])
    metric = SapiensKeypointMetric(write(annotations), **options)
    with pytest.raises(ValueError, match=match):
        evaluate(metric, samples, 6)


def test_another_number_than_the_file_has_is_told(write):
    annotations, _ = crowd(6, seed=4)
    _, samples = crowd(5, seed=4)
    metric = SapiensKeypointMetric(write(annotations))
    with pytest.raises(ValueError, match='have 5 keypoints, the ground truth 6'):
        evaluate(metric, samples, 5)
