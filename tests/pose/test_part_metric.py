"""SapiensKeypointMetric against formulas, and its files and other input."""

import contextlib
import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('mmpose')

from mmengine.logging import MessageHub  # noqa: E402
from mmpose.datasets.datasets.utils import parse_pose_metainfo  # noqa: E402
from mmpose.evaluation.metrics import CocoMetric, CocoWholeBodyMetric  # noqa: E402

from sapiens_mm.pose import SapiensKeypointMetric  # noqa: E402
from sapiens_mm.tables import keypoint_table  # noqa: E402

sys.path.insert(0, str(Path(__file__).parent))
from metric_people import (  # noqa: E402
    METAS,
    PARTS,
    PREFIXES,
    QUIET,
    STATS,
    THRESHOLDS,
    annotation,
    contents,
    found,
    ids_of,
    make_crowd,
    near,
    person,
    points_of,
    run,
    sample,
)

pytestmark = QUIET


@pytest.mark.parametrize('num', [17, 133, 308])
def test_perfect_predictions_score_one_under_the_expected_names(num, evaluate):
    people = [person(num, seed, visible=0.8) for seed in range(3)]
    annotations = [annotation(points, i) for i, points in enumerate(people)]
    samples = [sample(found(points), i) for i, points in enumerate(people)]
    figures = evaluate(annotations, samples, num)
    names = list(STATS)
    if num > 17:
        names += [f'{part}_{s}' for part in (*PARTS, 'hand') for s in ('AP', 'AR')]
    assert set(figures) == {f'{PREFIXES[num]}/{name}' for name in names}
    for name, value in figures.items():
        assert value == near(-1 if '(M)' in name else 1), name
    assert all(type(value) is float for value in figures.values())


def test_a_given_prefix_is_kept(evaluate):
    points = person(308)
    figures = evaluate([annotation(points)], [sample(found(points))], prefix='mine')
    assert figures['mine/AP'] == near(1)


@pytest.mark.parametrize('dx', [1.0, 3.0, 8.0, 20.0])
def test_a_known_shift_has_the_similarity_of_the_formula(dx, evaluate):
    points = person(308)
    figures = evaluate([annotation(points)], [sample(found(points, dx))])
    for part in ('whole', *PARTS):
        sigmas = np.array(keypoint_table(308).sigmas)[ids_of(part, 308)]
        # k² = (2 sigma)², e = d² / k² / area / 2
        oks = np.exp(-(dx**2) / (2 * sigmas) ** 2 / 30000 / 2).mean()
        assert np.abs(oks - THRESHOLDS).min() > 1e-3  # float32 coordinates
        expected = (oks >= THRESHOLDS).mean()
        prefix = 'goliath/' + ('' if part == 'whole' else f'{part}_')
        assert figures[prefix + 'AP'] == pytest.approx(expected), part
        assert figures[prefix + 'AR'] == pytest.approx(expected), part


def test_only_annotated_keypoints_count(evaluate):
    points = person(308)
    far = found(points)
    hidden = ids_of('face', 308)[:100] + ids_of('left_hand', 308)
    points[hidden] = 0
    far[hidden, :2] += 500
    figures = evaluate([annotation(points)], [sample(far)])
    assert figures['goliath/AP'] == near(1)
    assert figures['goliath/face_AP'] == near(1)
    assert figures['goliath/left_hand_AP'] == -1  # nothing to find
    assert figures['goliath/hand_AP'] == figures['goliath/right_hand_AP'] == near(1)


def test_missing_people_and_false_positives(evaluate):
    people = [person(308, seed) for seed in range(4)]
    annotations = [annotation(points, i) for i, points in enumerate(people)]
    right = [sample(found(people[i], score=0.6), i) for i in (0, 1, 2)]
    figures = evaluate(annotations, right)
    # Precision 1 up to recall 0.75: 76 of the 101 recall points.
    assert figures['goliath/AR'] == pytest.approx(0.75)
    assert figures['goliath/AP'] == pytest.approx(76 / 101)
    # A better scored ghost in an image without people: precision 1/2, 2/3, 3/4 at
    # best, which the envelope raises to 3/4 everywhere.
    ghost = sample(found(person(308, 9), score=0.9), 7)
    figures = evaluate(annotations, [ghost, *right], num_images=9)
    assert figures['goliath/AR'] == pytest.approx(0.75)
    assert figures['goliath/AP'] == pytest.approx(76 / 101 * 0.75)
    assert figures['goliath/body_AP'] == pytest.approx(76 / 101 * 0.75)


def test_crowds_and_people_without_keypoints_are_not_looked_for(evaluate):
    people = [person(308, seed) for seed in range(3)]
    empty = np.zeros_like(people[2])
    annotations = [
        annotation(people[0], 0),
        annotation(people[1], 1, iscrowd=1),
        annotation(empty, 2),
    ]
    # Detections of the crowd, and inside the grown box of the unlabelled person,
    # count neither for nor against.
    samples = [sample(found(points), i) for i, points in enumerate(people)]
    figures = evaluate(annotations, samples)
    assert figures['goliath/AP'] == near(figures['goliath/AR']) == near(1)
    away = sample(found(people[2], dx=5000), 2)
    assert evaluate(annotations, [*samples[:2], away])['goliath/AP'] == near(
        1
    )  # ranked last
    away = sample(found(people[2], dx=5000, score=1.0), 2)
    assert evaluate(annotations, [*samples[:2], away])['goliath/AP'] == near(0.5)


def test_written_results_reproduce_the_figures_and_format_only_needs_no_labels(
    evaluate, tmp_path
):
    annotations, samples = make_crowd(133, seed=8, num_images=3)
    prefix = str(tmp_path / 'ours')
    figures = evaluate(annotations, samples, 133, outfile_prefix=prefix)
    with contextlib.redirect_stdout(io.StringIO()):
        host = CocoWholeBodyMetric(str(tmp_path / 'annotations.json'))
        host.dataset_meta = parse_pose_metainfo(METAS[133])
        again = dict(host._do_python_keypoint_eval(prefix))
    for name in STATS:
        assert figures[f'coco-wholebody/{name}'] == pytest.approx(again[name], abs=1e-6)

    path = tmp_path / 'images.json'
    path.write_text(json.dumps({**contents([], num_images=1), 'annotations': []}))
    points = person(308)
    metric = SapiensKeypointMetric(str(path), format_only=True, outfile_prefix=prefix)
    assert run(metric, [sample(found(points))]) == {}
    (result,) = json.loads((tmp_path / 'ours.keypoints.json').read_text())
    assert result['image_id'] == 0
    assert result['score'] == pytest.approx(0.9, abs=1e-4)  # a float32 sum of 308
    expected = found(points).astype(np.float32)
    assert np.abs(points_of(result, 308) - expected).max() < 1e-5
    flat = expected[ids_of('left_hand', 308)].ravel()
    assert np.abs(result['lefthand_kpts'] - flat).max() < 1e-5


def test_annotations_come_from_the_samples_or_the_data_set(tmp_path):
    people = [person(308, seed) for seed in range(3)]
    annotations = [annotation(points, i) for i, points in enumerate(people)]
    samples = [
        sample(found(points), i, anns=ann)
        for i, (points, ann) in enumerate(zip(people[:2], annotations, strict=False))
    ]
    hub = MessageHub.get_current_instance()
    hub.update_info('goliath_ann_file', None)  # other tests load data sets
    # a last batch filled up by repetition, as distributed samplers do
    assert run(SapiensKeypointMetric(), [*samples, samples[0]])['goliath/AR'] == near(1)

    path = tmp_path / 'annotations.json'
    path.write_text(json.dumps(contents(annotations)))
    hub.update_info('goliath_ann_file', str(path))
    try:
        figures = run(SapiensKeypointMetric(), samples)
    finally:
        hub.update_info('goliath_ann_file', None)
    assert figures['goliath/AR'] == pytest.approx(2 / 3)


def test_converters_stay_the_hosts_and_convert_once(tmp_path):
    annotations, samples = make_crowd(17, seed=9)
    path = tmp_path / 'annotations.json'
    path.write_text(json.dumps(contents(annotations)))
    # Left and right exchanged twice is as before.
    mirror = list(enumerate(keypoint_table(17).flip_indices))
    converters = dict(
        gt_converter=dict(num_keypoints=17, mapping=mirror),
        pred_converter=dict(num_keypoints=17, mapping=mirror),
    )
    expected = run(CocoMetric(str(path), **converters), samples, 17)
    assert 0.05 < expected['coco/AP'] < 0.95
    metric = SapiensKeypointMetric(str(path), **converters)
    for _ in range(3):  # as in training, one validation after another
        assert run(metric, samples, 17) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(face_kpts=None), None),  # 308 are read from their own field
        (dict(goliath_wholebody_kpts=[0] * 9), 'annotation 1 of image 1: goliath_whol'),
        (dict(id=0), 'annotation 0 of image 1: its id occurs twice'),
        (dict(bbox=...), r"annotation 1 of image 1 has no \['bbox'\]"),
        (dict(area=...), 'annotation 1 has no area'),
        (dict(image_id=5), 'detections in 1 images .* first id is 1'),
    ],
)
def test_a_wrong_annotation_is_named(change, message, evaluate):
    points = person(308)
    second = {k: v for k, v in annotation(points, 1, **change).items() if v is not ...}
    samples = [sample(found(points), i) for i in range(2)]
    if message is None:
        assert evaluate([annotation(points), second], samples)['goliath/AP'] == near(1)
        return
    with pytest.raises(ValueError, match=message):
        evaluate([annotation(points), second], samples)


def test_other_mistakes_are_named(evaluate, tmp_path):
    points = person(308)
    data = [sample(found(points[:133]))]
    with pytest.raises(ValueError, match='133 keypoints, the ground truth 308; choose'):
        evaluate([annotation(points)], data)
    with pytest.raises(ValueError, match='no keypoint table for 21'):
        evaluate(
            [annotation(points)],
            [sample(found(points[:21]))],
            common_keypoints='certain',
        )
    with pytest.raises(ValueError, match="iou_type is 'keypoints_crowd'"):
        SapiensKeypointMetric(iou_type='keypoints_crowd')
    with pytest.raises(ValueError, match='excludes gt_converter'):
        SapiensKeypointMetric(common_keypoints='certain', gt_converter=dict(a=1))
    with pytest.raises(ValueError, match='names no pair'):
        SapiensKeypointMetric(common_keypoints=[])
    with pytest.raises(ValueError, match='two partners'):
        SapiensKeypointMetric(common_keypoints=[(0, 1)])
    with pytest.raises(TypeError, match='nms_threshold'):
        SapiensKeypointMetric(nms_threshold=0.9)
    with pytest.raises(ValueError, match='no predictions'):
        SapiensKeypointMetric().compute_metrics([])
