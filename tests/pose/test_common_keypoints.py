"""SapiensKeypointMetric between vocabularies, on the keypoints they share."""

import json
import logging
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('mmpose')

from mmengine.logging import MMLogger  # noqa: E402
from mmpose.evaluation.metrics import CocoMetric  # noqa: E402

from sapiens_mm.pose import SapiensKeypointMetric  # noqa: E402
from sapiens_mm.tables import keypoint_table  # noqa: E402

sys.path.insert(0, str(Path(__file__).parent))
from metric_people import (  # noqa: E402
    CERTAIN,
    PREFIXES,
    QUIET,
    STATS,
    THRESHOLDS,
    annotation,
    as_plain,
    ids_of,
    make_crowd,
    near,
    person,
    plain_stats,
    run,
    sample,
)

pytestmark = QUIET


def spread(points, num, pairs, source):
    """Fill ``num`` keypoints from their partners; the rest is far off, score 0.9."""
    out = np.full((num, 3), 9999.0)
    out[:, 2] = 0.9
    for wholebody_id, goliath_id in pairs:
        ids = (wholebody_id, goliath_id)
        out[ids[source == 133], :2] = points[ids[source == 308], :2]
    return out


def pairs_with_bases():
    wholebody, goliath = keypoint_table(133).names, keypoint_table(308).names
    return CERTAIN + [
        (wholebody.index(name.replace('_third_joint', '1')), k)
        for k, name in enumerate(goliath)
        if name.endswith('_third_joint')
    ]


OWN_TABLE = [(0, 0), (9, 62), (10, 41), (53, 178), (59, 121), (68, 97)]


@pytest.mark.parametrize(('source', 'target'), [(308, 133), (133, 308)])
@pytest.mark.parametrize(
    ('choice', 'pairs'),
    [
        ('certain', CERTAIN),
        ('finger_bases', pairs_with_bases()),
        (OWN_TABLE, OWN_TABLE),
    ],
)
def test_common_keypoints_alone_count(choice, pairs, source, target, evaluate, caplog):
    count = {'certain': 53, 'finger_bases': 63}.get(str(choice), len(OWN_TABLE))
    assert len(pairs) == count
    people = [person(target, seed) for seed in range(2)]
    samples = [
        sample(spread(points, source, pairs, target), i)
        for i, points in enumerate(people)
    ]
    annotations = [annotation(points, i) for i, points in enumerate(people)]
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    # The data set's meta may be of either vocabulary.
    with caplog.at_level(logging.INFO):
        every = [
            evaluate(annotations, samples, num, common_keypoints=choice)
            for num in (source, target)
        ]
    logger.removeHandler(caplog.handler)
    prefix = f'{PREFIXES[target]}-common{count}/'
    for figures in every:
        assert figures[prefix + 'AP'] == figures[prefix + 'body_AP'] == near(1)
        assert (prefix + 'foot_AP' in figures) == (count > 50)
        assert (prefix + 'face_AP' in figures) == (count < 50)
    assert 'Common keypoints ' in caplog.text
    assert (f'{choice!r}' in caplog.text) == (choice is not OWN_TABLE)
    assert f'whole {count:>11}' in caplog.text


def test_common_figures_equal_a_plain_evaluator_on_the_pairs(evaluate):
    annotations, by_133 = make_crowd(133, seed=6)
    samples = []
    for data in by_133:
        pred = data.pred_instances
        points = np.dstack([pred.keypoints, pred.keypoint_scores])[0]
        moved = np.zeros((308, 3))
        for wholebody_id, goliath_id in CERTAIN:
            moved[goliath_id] = points[wholebody_id]
        moved[70:] = np.random.RandomState(0).rand(238, 3)  # the face is not compared
        score = float(pred.bbox_scores[0])
        samples.append(sample(moved, data.id, data.img_id, score))
    mode = dict(score_mode='bbox', nms_mode='none', common_keypoints='certain')
    figures = evaluate(annotations, samples, **mode)
    peer = evaluate(annotations, by_133, 133, **mode)  # 133 on the same keypoints
    ids = sorted(k for k, _ in CERTAIN)
    for part in ('whole', 'body', 'left_hand'):
        chosen = [k for k in ids_of(part, 133) if k in ids]
        sigmas = np.array(keypoint_table(133).sigmas)[chosen]
        expected = plain_stats(
            *as_plain(annotations, by_133, 133, chosen, ids_of('body', 133)), sigmas
        )
        assert 0.05 < expected[0] < 0.95
        name = 'coco-wholebody-common53/' + ('' if part == 'whole' else f'{part}_')
        for result in (figures, peer):
            assert result[name + 'AP'] == pytest.approx(expected[0], abs=1e-6)
            assert result[name + 'AR'] == pytest.approx(expected[5], abs=1e-6)


@pytest.mark.parametrize(('source', 'target'), [(308, 133), (133, 308)])
def test_common_keypoints_take_the_sigmas_of_the_ground_truth(source, target, evaluate):
    # COCO-WholeBody's tip of the nose has another sigma than Goliath's
    pair = (53, 178)
    sigmas = {133: keypoint_table(133).sigmas[53], 308: keypoint_table(308).sigmas[178]}
    points = person(target)
    points[pair[target == 308], :2] -= (4, 0)
    moved = spread(points, source, [pair], target)
    moved[pair[source == 308], 0] += 4
    figures = evaluate([annotation(points)], [sample(moved)], common_keypoints=[pair])
    oks = {k: np.exp(-16 / (2 * sigma) ** 2 / 30000 / 2) for k, sigma in sigmas.items()}
    expected = {k: np.mean(value >= THRESHOLDS) for k, value in oks.items()}
    assert expected[133] != expected[308]
    assert figures[f'{PREFIXES[target]}-common1/AP'] == pytest.approx(expected[target])


def test_308_on_the_17_of_coco_equals_the_host(evaluate, tmp_path):
    annotations, by_17 = make_crowd(17, seed=7)
    body = ids_of('body', 308)
    samples = []
    for data in by_17:
        pred = data.pred_instances
        moved = np.full((308, 3), 0.9)
        moved[body] = np.dstack([pred.keypoints, pred.keypoint_scores])[0]
        score = float(pred.bbox_scores[0])
        samples.append(sample(moved, data.id, data.img_id, score))
    figures = evaluate(annotations, samples, common_keypoints='certain')
    expected = run(CocoMetric(str(tmp_path / 'annotations.json')), by_17, 17)
    for name in STATS:
        value = figures[f'coco-common17/{name}']
        assert value == pytest.approx(expected[f'coco/{name}'], abs=1e-6)


def test_a_table_of_pairs_is_read_from_a_file(tmp_path):
    path = tmp_path / 'pairs.json'
    path.write_text(json.dumps(OWN_TABLE))
    metric = SapiensKeypointMetric(common_keypoints=path)
    assert metric.pairs.tolist() == [list(pair) for pair in OWN_TABLE]
