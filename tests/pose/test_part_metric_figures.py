"""SapiensKeypointMetric's figures against a plain evaluator and the host's metrics."""

import contextlib
import io
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('mmpose')

from mmengine.structures import InstanceData  # noqa: E402
from mmpose.datasets.datasets.utils import parse_pose_metainfo  # noqa: E402
from mmpose.evaluation.metrics import CocoMetric, CocoWholeBodyMetric  # noqa: E402

from sapiens_mm.compat.coco_keypoints import COCOeval  # noqa: E402
from sapiens_mm.tables import keypoint_table  # noqa: E402

sys.path.insert(0, str(Path(__file__).parent))
from metric_people import (  # noqa: E402
    METAS,
    PARTS,
    QUIET,
    STATS,
    annotation,
    as_plain,
    found,
    ids_of,
    make_crowd,
    near,
    person,
    plain_stats,
    run,
    sample,
)

pytestmark = QUIET


@pytest.mark.parametrize('seed', range(4))
def test_every_figure_equals_a_plain_evaluator(seed, evaluate):
    annotations, samples = make_crowd(308, seed)
    figures = evaluate(annotations, samples, score_mode='bbox', nms_mode='none')
    sigmas = np.float32(keypoint_table(308).sigmas)  # as the data set's meta has them
    parts = {}
    for part in ('whole', *PARTS):
        ids = ids_of(part, 308)
        gts, dts = as_plain(annotations, samples, 308, ids, ids_of('body', 308))
        parts[part] = plain_stats(gts, dts, sigmas[ids])
    assert 0.02 < parts['whole'][0] < 0.95
    for name, value in zip(STATS, parts['whole'], strict=True):
        assert figures[f'goliath/{name}'] == pytest.approx(value, abs=1e-6), name
    parts['hand'] = (parts['left_hand'] + parts['right_hand']) / 2
    for part in (*PARTS, 'hand'):
        for name, i in (('AP', 0), ('AR', 5)):
            value = figures[f'goliath/{part}_{name}']
            assert value == pytest.approx(parts[part][i], abs=1e-6), (part, name)


# ------------------------------------------------------------------- the host's metrics

MODES = [
    dict(),
    dict(score_mode='bbox_rle', nms_mode='soft_oks_nms', use_area=False),
    dict(score_mode='keypoint', nms_mode='none', keypoint_score_thr=0.5),
]


@pytest.mark.parametrize('mode', MODES)
def test_133_equals_the_host_and_its_evaluator_for_each_part(mode, evaluate, tmp_path):
    annotations, samples = make_crowd(133, seed=3)
    figures = evaluate(annotations, samples, 133, **mode)
    prefix = str(tmp_path / 'host')
    ann_file = str(tmp_path / 'annotations.json')
    host = CocoWholeBodyMetric(ann_file, outfile_prefix=prefix, **mode)
    expected = run(host, samples, 133)
    assert 0.05 < expected['coco-wholebody/AP'] < 0.95
    for name, value in expected.items():
        assert figures[name] == pytest.approx(value, abs=1e-6), name
    # The host only prints the parts; evaluate its file again.
    meta_sigmas = parse_pose_metainfo(METAS[133])['sigmas']
    for part in PARTS:
        with contextlib.redirect_stdout(io.StringIO()):
            again = COCOeval(
                host.coco,
                host.coco.loadRes(f'{prefix}.keypoints.json'),
                'keypoints_' + part.replace('_', ''),
                meta_sigmas[ids_of(part, 133)],
                use_area=host.use_area,
            )
            again.evaluate()
            again.accumulate()
            again.summarize()
        for name, i in (('AP', 0), ('AR', 5)):
            value = figures[f'coco-wholebody/{part}_{name}']
            assert value == pytest.approx(again.stats[i], abs=1e-6), part


@pytest.mark.parametrize('mode', MODES)
def test_17_equals_the_host(mode, evaluate, tmp_path):
    annotations, samples = make_crowd(17, seed=4)
    figures = evaluate(annotations, samples, 17, **mode)
    expected = run(CocoMetric(str(tmp_path / 'annotations.json'), **mode), samples, 17)
    assert figures == pytest.approx(expected, abs=1e-6)


def test_the_body_of_308_equals_the_host_on_the_17(evaluate, tmp_path):
    annotations, samples = make_crowd(308, seed=5)
    mode = dict(score_mode='bbox', nms_mode='none')
    figures = evaluate(annotations, samples, **mode)
    body = ids_of('body', 308)
    for data in samples:
        pred = data.pred_instances
        data.pred_instances = InstanceData(
            keypoints=pred.keypoints[:, body],
            keypoint_scores=pred.keypoint_scores[:, body],
        )
    # The file has the 17 of each person in ``keypoints``.
    expected = run(CocoMetric(str(tmp_path / 'annotations.json'), **mode), samples, 17)
    for name in ('AP', 'AR'):
        value = figures[f'goliath/body_{name}']
        assert value == pytest.approx(expected[f'coco/{name}'], abs=1e-6)


def test_oks_nms_removes_a_second_detection_of_a_person(evaluate):
    people = [person(308), person(308, 1)]
    annotations = [annotation(points, i) for i, points in enumerate(people)]
    samples = [
        sample(found(people[0], score=0.9), 0),
        sample(found(people[0], dx=0.1, score=0.8), 1, image_id=0),
        sample(found(people[1], score=0.7), 2, image_id=1),
    ]
    assert evaluate(annotations, samples)['goliath/AP'] == near(1)
    without = evaluate(annotations, samples, nms_mode='none')['goliath/AP']
    assert without == pytest.approx((51 + 50 * 2 / 3) / 101)
