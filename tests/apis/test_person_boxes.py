import numpy as np
import pytest
import torch

from sapiens_mm.apis.person_boxes import (
    DETECTOR_CONFIG,
    PersonDetector,
    call_detector,
    check_boxes,
    greedy_nms,
    make_detector,
    whole_image_box,
)
from sapiens_mm.testing import fake_person_image


def brute_force_nms(boxes, scores, threshold):
    kept = []
    for i in sorted(range(len(boxes)), key=lambda k: -scores[k]):
        for j in kept:
            a, b = boxes[i], boxes[j]
            w = max(0, min(a[2], b[2]) - max(a[0], b[0]) + 1)
            h = max(0, min(a[3], b[3]) - max(a[1], b[1]) + 1)
            area = [(c[2] - c[0] + 1) * (c[3] - c[1] + 1) for c in (a, b)]
            if w * h / (sum(area) - w * h) > threshold:
                break
        else:
            kept.append(i)
    return kept


@pytest.mark.parametrize('threshold', [0.1, 0.3, 0.7])
def test_nms_equals_brute_force(threshold):
    rng = np.random.RandomState(1)
    corners = rng.uniform(0, 80, (60, 2))
    boxes = np.hstack([corners, corners + rng.uniform(5, 60, (60, 2))])
    scores = rng.permutation(60) / 60
    assert greedy_nms(boxes, scores, threshold).tolist() == brute_force_nms(
        boxes, scores, threshold
    )
    assert greedy_nms(np.zeros((0, 4)), np.zeros(0), threshold).size == 0


def test_boxes_of_the_caller():
    np.testing.assert_array_equal(check_boxes([1, 2, 3, 4], (9, 9)), [[1, 2, 3, 4]])
    assert check_boxes([], (9, 9)).shape == (0, 4)
    over_the_edge = [[-5, -5, 30, 30]]
    np.testing.assert_array_equal(check_boxes(over_the_edge, (9, 9)), over_the_edge)
    np.testing.assert_array_equal(whole_image_box((3, 5)), [[0, 0, 5, 3]])


@pytest.mark.parametrize(
    ('boxes', 'match'),
    [
        ([[1, 1, 1, 5]], 'no area'),
        ([[5, 1, 2, 5]], 'no area'),
        ([[0, 0, 1, 1], [20, 0, 30, 5]], 'Box 1 .* outside'),
        ([[-9, -9, -1, -1]], 'outside'),
        ([[0, 0, float('nan'), 5]], 'not finite'),
        ([[1, 2, 3]], r'shape \(P, 4\)'),
        ('box', 'numbers'),
    ],
)
def test_bad_boxes_are_refused(boxes, match):
    with pytest.raises(ValueError, match=match):
        check_boxes(boxes, (9, 9))


@pytest.mark.parametrize(
    'answer',
    [
        (np.array([[1, 1, 5, 5]]), np.array([0.7])),
        np.array([[1, 1, 5, 5, 0.7]]),
        [[1, 1, 5, 5, 0.7]],
    ],
)
def test_detectors_may_answer_in_three_ways(answer):
    boxes, scores = call_detector(lambda image: answer, np.zeros((9, 9, 3), np.uint8))
    np.testing.assert_array_equal(boxes, [[1, 1, 5, 5]])
    np.testing.assert_allclose(scores, [0.7], rtol=1e-6)


def test_useless_detections_are_left_out():
    answer = [[1, 1, 5, 5], [3, 3, 3, 9], [20, 20, 30, 30]]
    boxes, scores = call_detector(lambda image: answer, np.zeros((9, 9, 3), np.uint8))
    np.testing.assert_array_equal(boxes, [[1, 1, 5, 5]])
    assert scores.tolist() == [1.0]
    boxes, _ = call_detector(lambda image: [], np.zeros((9, 9, 3), np.uint8))
    assert boxes.shape == (0, 4)


def test_wrong_detector_is_refused():
    with pytest.raises(ValueError, match='callable, got 3'):
        make_detector(3, torch.device('cpu'))


@pytest.fixture(scope='module')
def detector_file(tmp_path_factory):
    """A checkpoint of the real RTMDet-m with weights that see persons anywhere."""
    from mmengine.config import Config
    from mmengine.registry import MODELS, DefaultScope

    import sapiens_mm

    cfg = Config.fromfile(sapiens_mm.config_path(DETECTOR_CONFIG))
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(cfg.model)
    for layer in model.bbox_head.rtm_cls:
        torch.nn.init.normal_(layer.weight, std=0.3)
        torch.nn.init.constant_(layer.bias, -1.0)
    path = tmp_path_factory.mktemp('det') / 'det.pth'
    torch.save({'meta': {}, 'state_dict': model.state_dict()}, path)
    return path


def test_detector_equals_mmdet(detector_file, monkeypatch):
    """Same boxes as mmdet's own inference with the same weights."""
    from mmdet.apis import inference_detector, init_detector

    import sapiens_mm

    image = fake_person_image(0, (300, 420))
    boxes, scores = PersonDetector(
        checkpoint=detector_file, device='cpu', score_threshold=0.05, iou_threshold=1.0
    )(image)
    host = init_detector(
        str(sapiens_mm.config_path(DETECTOR_CONFIG)),
        str(detector_file),
        palette='none',
        device='cpu',
    )
    found = inference_detector(host, image).pred_instances
    order = found.scores.argsort(descending=True, stable=True)
    assert 0 < len(boxes) == len(order) <= 100
    np.testing.assert_allclose(scores, found.scores[order].numpy(), atol=1e-6)
    # the last bit of a score decides the order of two equal ones: compare as sets
    apart = np.abs(boxes[:, None] - found.bboxes.numpy()).max(axis=2)
    assert apart.min(axis=0).max() < 1e-3 and apart.min(axis=1).max() < 1e-3
    assert boxes[:, 2].max() <= 420 and boxes[:, 3].max() <= 300
