"""SapiensKeypointMetric against formulas, a plain evaluator and the host's metrics."""

import contextlib
import io
import json
import logging

import numpy as np
import pytest

pytest.importorskip('mmpose')

from mmengine.evaluator import Evaluator  # noqa: E402
from mmengine.logging import MessageHub, MMLogger  # noqa: E402
from mmengine.structures import InstanceData  # noqa: E402
from mmpose.datasets.datasets import CocoDataset, CocoWholeBodyDataset  # noqa: E402
from mmpose.datasets.datasets.utils import parse_pose_metainfo  # noqa: E402
from mmpose.evaluation.metrics import CocoMetric, CocoWholeBodyMetric  # noqa: E402
from mmpose.structures import PoseDataSample  # noqa: E402

from sapiens_mm.compat.coco_keypoints import COCOeval  # noqa: E402
from sapiens_mm.pose import SapiensKeypointMetric  # noqa: E402
from sapiens_mm.tables import keypoint_table  # noqa: E402
from sapiens_mm.tables.goliath308 import METAINFO  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore:results have no '[a-z]*_score'"),
    pytest.mark.filterwarnings('ignore:The metainfo config file'),
]

STATS = ['AP', 'AP .5', 'AP .75', 'AP (M)', 'AP (L)']
STATS += [name.replace('AP', 'AR') for name in STATS]
FIELDS = {
    'body': 'keypoints',
    'foot': 'foot_kpts',
    'face': 'face_kpts',
    'left_hand': 'lefthand_kpts',
    'right_hand': 'righthand_kpts',
}
PARTS = tuple(FIELDS)
METAS = {17: CocoDataset.METAINFO, 133: CocoWholeBodyDataset.METAINFO, 308: METAINFO}
PREFIXES = {17: 'coco', 133: 'coco-wholebody', 308: 'goliath'}
THRESHOLDS = np.linspace(0.5, 0.95, 10)
# (COCO-WholeBody id, Goliath id) where the names differ only in the finger bases
CERTAIN = [
    (keypoint_table(133).names.index(name), k)
    for k, name in enumerate(keypoint_table(308).names)
    if name in keypoint_table(133).names
]


def near(value):
    return pytest.approx(value, abs=1e-9)


def ids_of(part, num):
    return list(range(num) if part == 'whole' else keypoint_table(num).groups[part])


def annotation(points, ann_id=0, image_id=None, **changes):
    """Return a record of 17, 133 or 308 keypoints, shape (K, 3)."""
    num = len(points)
    record = {
        'id': ann_id,
        'image_id': ann_id if image_id is None else image_id,
        'category_id': 1,
        'bbox': [100.0, 100.0, 200.0, 200.0],
        'area': 30000.0,
        'iscrowd': 0,
        'num_keypoints': int((points[:, 2] > 0).sum()),
    }
    for part in keypoint_table(num).groups:
        if part in FIELDS:
            record[FIELDS[part]] = points[ids_of(part, num)].ravel().tolist()
    if num == 308:
        record['goliath_wholebody_kpts'] = points.ravel().tolist()
    return {**record, **changes}


def points_of(record, num):
    fields = ['goliath_wholebody_kpts'] if num == 308 else FIELDS.values()
    flat = [v for field in fields for v in record.get(field, ())]
    return np.reshape(flat, (-1, 3)).astype(np.float64)[:num]


def contents(annotations, num_images=None):
    image_ids = {ann['image_id'] for ann in annotations} | set(range(num_images or 0))
    return {
        'images': [dict(id=i, width=640, height=480) for i in sorted(image_ids)],
        'categories': [dict(id=1, name='person')],
        'annotations': annotations,
    }


def person(num, seed=0, visible=1.0):
    """Return keypoints in a box of 200 pixels, shape (K, 3)."""
    rng = np.random.RandomState(seed)
    xy = np.round(100 + rng.rand(num, 2) * 200, 1)
    v = 2.0 * (rng.rand(num, 1) < visible)
    return np.hstack([xy * (v > 0), v])


def sample(points, sample_id=0, image_id=None, box_score=1.0, boxes=True, anns=None):
    """Return what mmpose's top-down estimator returns for one person.

    ``points`` has x, y and score of K keypoints.
    """
    image_id = sample_id if image_id is None else image_id
    box_xyxy = np.array([[100, 100, 300, 300]], np.float32)
    scores = np.array([box_score], np.float32)
    data = PoseDataSample(
        metainfo=dict(
            id=sample_id, img_id=image_id, category_id=1, ori_shape=(480, 640)
        )
    )
    if anns is not None:
        data.set_metainfo(dict(raw_ann_info=anns))
    data.gt_instances = InstanceData(
        bboxes=box_xyxy,
        bbox_scores=scores,
        bbox_scales=np.array([[250, 250]], np.float32),
    )
    data.pred_instances = InstanceData(
        keypoints=points[None, :, :2].astype(np.float32),
        keypoint_scores=points[None, :, 2].astype(np.float32),
        **(dict(bboxes=box_xyxy, bbox_scores=scores) if boxes else {}),
    )
    return data


def found(points, dx=0.0, score=0.9):
    """Return annotated keypoints as predictions, ``dx`` pixels to the right."""
    xy = points[:, :2] + (dx, 0)
    return np.hstack([xy, np.full((len(points), 1), score)])


def run(metric, samples, num=308):
    """Evaluate in two batches through mmengine, as the test loop does."""
    evaluator = Evaluator(metric)
    evaluator.dataset_meta = parse_pose_metainfo(METAS[num])
    for batch in (samples[:1], samples[1:]):
        if batch:
            evaluator.process(data_samples=batch, data_batch=None)
    with contextlib.redirect_stdout(io.StringIO()):
        return evaluator.evaluate(len(samples))


@pytest.fixture
def evaluate(tmp_path):
    """Write annotations to a file and evaluate samples on it."""

    def _evaluate(annotations, samples, num=308, num_images=None, **kwargs):
        path = tmp_path / 'annotations.json'
        path.write_text(json.dumps(contents(annotations, num_images)))
        metric = dict(type='sapiens_mm.SapiensKeypointMetric', ann_file=str(path))
        return run(metric | kwargs, samples, num)

    return _evaluate


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


# ------------------------------------------------------- a plain evaluator of its own


def plain_oks(gt, points, dt, sigmas, area):
    visible = points[:, 2] > 0
    dx, dy = (dt[:, i] - points[:, i] for i in (0, 1))
    if not visible.any():
        x, y, w, h = gt['bbox']
        dx = np.maximum(0, x - w - dt[:, 0]) + np.maximum(0, dt[:, 0] - x - 2 * w)
        dy = np.maximum(0, y - h - dt[:, 1]) + np.maximum(0, dt[:, 1] - y - 2 * h)
        visible[:] = True
    errors = (dx**2 + dy**2) / (2 * sigmas) ** 2 / area / 2
    return np.exp(-errors)[visible].mean()


def plain_ap(gts, dts, sigmas, low, high):
    """AP and AR for each threshold, shape (2, 10), -1 if there is nothing to find.

    ``gts`` are (record, points), ``dts`` (image id, score, area, points); areas from
    ``low`` to ``high``.
    """
    dts = [dt for dt in dts if (dt[3][:, 2] > 0).any()]
    images = {gt['image_id'] for gt, _ in gts} | {dt[0] for dt in dts}
    wanted, rows = 0, [[] for _ in THRESHOLDS]  # rows: (-score, is right)
    for image_id in sorted(images):
        here = [(g, p) for g, p in gts if g['image_id'] == image_id]
        ignored = [
            bool(g['iscrowd'] or not p[:, 2].any() or not low <= g['area'] <= high)
            for g, p in here
        ]
        wanted += ignored.count(False)
        ranked = sorted((d for d in dts if d[0] == image_id), key=lambda d: -d[1])[:20]
        for t, threshold in enumerate(THRESHOLDS):
            taken = set()
            for _, score, area, points in ranked:
                best, best_rank = None, (False, threshold)
                for i, (gt, labels) in enumerate(here):
                    if i in taken and not gt['iscrowd']:
                        continue
                    oks = plain_oks(gt, labels, points, sigmas, gt['area'])
                    rank = (not ignored[i], oks)
                    if oks >= threshold and rank >= best_rank:
                        best, best_rank = i, rank
                if best is not None:
                    taken.add(best)
                if best is None:
                    if low <= area <= high:
                        rows[t].append((-score, False))
                elif not ignored[best]:
                    rows[t].append((-score, True))
    if not wanted:
        return np.full((2, 10), -1.0)
    out = np.zeros((2, 10))
    for t, ranked in enumerate(rows):
        right = np.array([ok for _, ok in sorted(ranked, key=lambda r: r[0])], bool)
        recall = right.cumsum() / wanted
        precision = right.cumsum() / np.arange(1, len(right) + 1)
        best = [precision[recall >= r - 1e-12].max(initial=0) for r in RECALLS]
        out[:, t] = np.mean(best), recall.max(initial=0)
    return out


RECALLS = np.linspace(0, 1, 101)


def plain_stats(gts, dts, sigmas):
    every, medium, large = (
        plain_ap(gts, dts, sigmas, low, high)
        for low, high in ((0, 1e10), (32**2, 96**2), (96**2, 1e10))
    )
    columns = [every.mean(1), every[:, 0], every[:, 5], medium.mean(1), large.mean(1)]
    return np.stack(columns, axis=1).ravel()


def make_crowd(num, seed=0, num_images=5):
    """Make annotations, and samples from exact to far off, with all special cases."""
    rng = np.random.RandomState(seed)
    annotations, samples = [], []
    for image_id in range(num_images):
        for _ in range(rng.randint(1, 4)):
            size = rng.choice([40, 80, 250])
            x, y = rng.uniform(0, 400, 2).round(1)
            xy = np.round((x, y) + rng.rand(num, 2) * size, 1)
            labelled = rng.rand(num, 1) < rng.choice([0, 0.5, 1])
            points = np.hstack([xy, np.full((num, 1), 2.0)]) * labelled
            annotations.append(
                annotation(
                    points,
                    len(annotations),
                    image_id,
                    bbox=[x, y, float(size), float(size)],
                    area=round(float(size * size * rng.uniform(0.4, 0.9)), 1),
                    iscrowd=int(rng.rand() < 0.15),
                )
            )
            for _ in range(rng.choice([0, 1, 1, 2, 12])):
                shifts = rng.randn(num, 2) * size * rng.choice([0.003, 0.02, 0.1])
                scores = rng.rand(num, 1) * (rng.rand(num, 1) < 0.8)
                for part in PARTS[1:] if num > 17 else ():
                    if rng.rand() < 0.1:  # a part not seen at all
                        scores[ids_of(part, num)] = 0
                points = np.hstack([xy + shifts, scores])
                samples.append(
                    sample(points, len(samples), image_id, box_score=rng.rand())
                )
    return annotations, samples


def as_plain(annotations, samples, num, ids, extent):
    """Return what ``plain_stats`` takes, with scores of the mode ``'bbox'``."""
    gts = [(ann, points_of(ann, num)[ids]) for ann in annotations]
    dts = []
    for data in samples:
        pred = data.pred_instances
        points = np.dstack([pred.keypoints, pred.keypoint_scores])[0].astype(np.float64)
        area = np.ptp(points[extent, :2], axis=0).prod()
        score = float(pred.bbox_scores[0])
        dts.append((data.img_id, score, area, points[ids]))
    return gts, dts


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


# -------------------------------------------------------------------- common keypoints


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
    pair = (
        53,
        178,
    )  # COCO-WholeBody's tip of the nose has another sigma than Goliath's
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


# --------------------------------------------------------------- files and other input


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
