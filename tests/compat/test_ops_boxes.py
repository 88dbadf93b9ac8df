"""mmcv's suppressions and overlaps against plain loops and torchvision."""

import numpy as np
import pytest
import torch
import torchvision

ops = pytest.importorskip('mmcv.ops')


def random_boxes(count, seed=0, size=30.0):
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 30, (count, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(1, size, (count, 2))], 1)
    scores = rng.permutation(np.linspace(0.02, 0.98, count))  # no ties
    return boxes.astype(np.float32), scores.astype(np.float32)


def overlap(a, b, offset=0):
    width = min(a[2], b[2]) - max(a[0], b[0]) + offset
    height = min(a[3], b[3]) - max(a[1], b[1]) + offset
    inter = max(width, 0) * max(height, 0)
    areas = [(c[2] - c[0] + offset) * (c[3] - c[1] + offset) for c in (a, b)]
    return inter / (sum(areas) - inter)


def loop_nms(boxes, scores, threshold, offset):
    kept = []
    for i in np.argsort(-scores):
        if all(overlap(boxes[i], boxes[j], offset) <= threshold for j in kept):
            kept.append(i)
    return kept


def loop_soft_nms(boxes, scores, threshold, sigma, min_score, method, offset):
    """The definition: take the best, lower the rest, forget the hopeless."""
    left = [[i, float(s)] for i, s in enumerate(scores)]
    dets, kept = [], []
    while left:
        best = max(left, key=lambda item: item[1])
        left.remove(best)
        kept.append(best[0])
        dets.append([*boxes[best[0]], best[1]])
        for item in left:
            iou = overlap(boxes[best[0]], boxes[item[0]], offset)
            if method == 'gaussian':
                item[1] *= np.exp(-(iou**2) / sigma)
            elif iou >= threshold:
                item[1] *= 1 - iou if method == 'linear' else 0
        left = [item for item in left if item[1] >= min_score]
    return np.array(dets), kept


@pytest.mark.parametrize('offset', [0, 1])
@pytest.mark.parametrize('threshold', [0.1, 0.5, 0.7])
def test_nms(threshold, offset):
    boxes, scores = random_boxes(150, size=20.0)
    expected = loop_nms(boxes, scores, threshold, offset)
    assert 10 < len(expected) < 150
    dets, kept = ops.nms(boxes, scores, threshold, offset)
    assert isinstance(dets, np.ndarray)
    np.testing.assert_array_equal(kept, expected)
    np.testing.assert_array_equal(dets[:, :4], boxes[expected])
    np.testing.assert_array_equal(dets[:, 4], scores[expected])


def test_nms_offset_matters():
    boxes = torch.tensor([[0.0, 0, 9, 9], [5, 0, 14, 9]])
    scores = torch.tensor([0.9, 0.8])
    # 4 * 9 of 126 without offset, 5 * 10 of 150 with it
    assert ops.nms(boxes, scores, 0.3, offset=0)[1].tolist() == [0, 1]
    assert ops.nms(boxes, scores, 0.3, offset=1)[1].tolist() == [0]


def test_nms_threshold_is_single_precision():
    boxes = torch.tensor([[0.0, 0, 10, 1], [0, 0, 1, 1]])  # overlap 0.1 in float32
    assert ops.nms(boxes, torch.tensor([0.9, 0.8]), 0.1)[1].tolist() == [0, 1]


@pytest.mark.parametrize('dtype', [torch.float64, torch.float16, torch.bfloat16])
def test_nms_other_dtypes(dtype):
    boxes, scores = (torch.from_numpy(x).to(dtype) for x in random_boxes(40))
    dets, kept = ops.nms(boxes, scores, 0.4)
    expected = torchvision.ops.nms(boxes.float(), scores.float(), 0.4)
    assert dets.dtype == dtype
    torch.testing.assert_close(kept, expected)


def test_nms_limits():
    boxes, scores = (torch.from_numpy(x) for x in random_boxes(60))
    everything = ops.nms(boxes, scores, 0.4)[1]
    limited = ops.nms(boxes, scores, 0.4, score_threshold=0.3, max_num=7)[1]
    expected = [i for i in everything.tolist() if scores[i] > 0.3][:7]
    assert limited.tolist() == expected
    dets, kept = ops.nms(boxes[:0], scores[:0], 0.5)
    assert dets.shape == (0, 5)
    assert kept.shape == (0,) and kept.dtype == torch.int64


@pytest.mark.parametrize('split_thr', [10000, 10])
@pytest.mark.parametrize('class_agnostic', [False, True])
def test_batched_nms(class_agnostic, split_thr):
    boxes, scores = random_boxes(80, size=20.0)
    labels = np.random.default_rng(1).integers(0, 3, 80)
    groups = [np.flatnonzero(labels == c) for c in range(3)]
    if class_agnostic and split_thr > 80:  # mmcv splits by class regardless
        groups = [np.arange(80)]
    expected = []
    for group in groups:
        expected += list(group[loop_nms(boxes[group], scores[group], 0.5, 0)])
    expected.sort(key=lambda i: -scores[i])
    dets, kept = ops.batched_nms(
        torch.from_numpy(boxes),
        torch.from_numpy(scores),
        torch.from_numpy(labels),
        {'type': 'nms', 'iou_threshold': 0.5, 'split_thr': split_thr},
        class_agnostic,
    )
    assert kept.tolist() == expected
    np.testing.assert_array_equal(dets[:, :4], boxes[expected])


@pytest.mark.parametrize('offset', [0, 1])
@pytest.mark.parametrize('method', ['naive', 'linear', 'gaussian'])
def test_soft_nms(method, offset):
    boxes, scores = random_boxes(60, size=20.0)
    settings = dict(sigma=0.4, min_score=0.05, method=method, offset=offset)
    dets, kept = ops.soft_nms(boxes, scores, 0.3, **settings)
    expected_dets, expected = loop_soft_nms(boxes, scores, 0.3, **settings)
    assert 5 < len(expected) < 60
    np.testing.assert_array_equal(kept, expected)
    np.testing.assert_allclose(dets, expected_dets, rtol=1e-5)


def test_soft_nms_of_nothing_and_in_batches():
    dets, kept = ops.soft_nms(torch.zeros(0, 4), torch.zeros(0))
    assert dets.shape == (0, 5) and kept.shape == (0,)
    boxes, scores = (torch.from_numpy(x) for x in random_boxes(30))
    config = {'type': 'soft_nms', 'iou_threshold': 0.3, 'min_score': 0.05}
    dets, kept = ops.batched_nms(boxes, scores, torch.zeros(30).long(), config)
    expected = ops.soft_nms(boxes, scores, 0.3, min_score=0.05)
    torch.testing.assert_close(dets[:, 4], expected[0][:, 4])
    torch.testing.assert_close(kept, expected[1])


def test_nms_match():
    boxes, scores = random_boxes(50, size=20.0)
    left, expected = list(np.argsort(-scores)), []
    while left:
        best = left.pop(0)
        near = [i for i in left if overlap(boxes[best], boxes[i]) >= 0.4]
        expected.append([best, *near])
        left = [i for i in left if i not in near]
    groups = ops.nms_match(np.concatenate([boxes, scores[:, None]], 1), 0.4)
    assert [list(group) for group in groups] == expected


@pytest.mark.parametrize('offset', [0, 1])
@pytest.mark.parametrize('mode', ['iou', 'iof'])
def test_bbox_overlaps(mode, offset):
    first, second = random_boxes(7, 1)[0], random_boxes(5, 2)[0]
    tensors = torch.from_numpy(first), torch.from_numpy(second)
    values = ops.bbox_overlaps(*tensors, mode=mode, offset=offset)
    for i, a in enumerate(first):
        for j, b in enumerate(second):
            expected = overlap(a, b, offset)
            if mode == 'iof':  # intersection over the first box
                area = [(c[2] - c[0] + offset) * (c[3] - c[1] + offset) for c in (a, b)]
                expected = expected / (1 + expected) * sum(area) / area[0]
            assert values[i, j] == pytest.approx(expected, rel=1e-5, abs=1e-7)
    paired = ops.bbox_overlaps(
        tensors[0][:5], tensors[1], mode=mode, aligned=True, offset=offset
    )
    torch.testing.assert_close(paired, values[:5].diagonal())
