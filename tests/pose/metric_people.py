"""People and predictions for the tests of SapiensKeypointMetric, and plain formulas."""

import contextlib
import io

import numpy as np
import pytest

pytest.importorskip('mmpose')

from mmengine.evaluator import Evaluator  # noqa: E402
from mmengine.structures import InstanceData  # noqa: E402
from mmpose.datasets.datasets import CocoDataset, CocoWholeBodyDataset  # noqa: E402
from mmpose.datasets.datasets.utils import parse_pose_metainfo  # noqa: E402
from mmpose.structures import PoseDataSample  # noqa: E402

from sapiens_mm.tables import keypoint_table  # noqa: E402
from sapiens_mm.tables.goliath308 import METAINFO  # noqa: E402

QUIET = [
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
