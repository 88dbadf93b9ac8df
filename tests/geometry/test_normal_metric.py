"""SapiensNormalMetric against brute-force angles and hand-made cases."""

import json
import logging
import math
import random

import numpy as np
import pytest
import torch

pytest.importorskip('mmseg')

from mmengine.evaluator import Evaluator  # noqa: E402
from mmengine.logging import MMLogger  # noqa: E402
from mmengine.structures import PixelData  # noqa: E402
from mmseg.structures import SegDataSample  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from sapiens_mm.geometry import (  # noqa: E402
    SapiensNormalMetric,
    angles_between,
    normal_errors,
)

BOUNDS = (5, 7.5, 11.25, 22.5, 30)
NAMES = ['mean', 'median', 'rmse', *(f'within_{bound}' for bound in BOUNDS)]


def sample(seed, hw=(15, 12), **fields):
    """Unit vectors towards the camera, background -1000, and a prediction near them."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(3, *hw))
    truth[2] = np.abs(truth[2]) + 0.5
    truth /= np.linalg.norm(truth, axis=0)
    mask = rng.uniform(size=(1, *hw)) < 0.6
    spread = rng.uniform(0, 0.6, (1, *hw))
    pred = (truth + spread * rng.normal(size=truth.shape)) * rng.uniform(0.1, 5)
    data = dict(
        pred_map=torch.from_numpy(pred),
        gt_map=torch.from_numpy(np.where(mask, truth, -1000)),
        gt_mask=torch.from_numpy(mask.astype(np.uint8)),
    )
    packed = SegDataSample(metainfo=dict(img_path=f'photos/{seed}.png'))
    for name, value in {**data, **fields}.items():
        if value is not None:
            packed.set_field(PixelData(data=value), name)
    return packed


def evaluate(samples, **args):
    metric = SapiensNormalMetric(**args)
    for each in samples:
        metric.process({}, [each.to_dict()])
    return metric.evaluate(len(samples))


def figures(results):
    return [results[f'normal/{name}'] for name in NAMES]


def brute_angles(each):
    """Degrees of an image's pixels, one by one, by atan2(|a x b|, a . b)."""
    inside = each.gt_mask.data[0].bool()
    found = []
    for a, b in zip(
        each.pred_map.data[:, inside].T.numpy(),
        each.gt_map.data[:, inside].T.numpy(),
        strict=True,
    ):
        cross = math.dist((0, 0, 0), np.cross(a, b))
        found.append(math.degrees(math.atan2(cross, float(a @ b))))
    return found


def summary(angles):
    """Summary of a list of degrees, in plain Python; the median by sorting."""
    angles, count = sorted(angles), len(angles)
    middle = (angles[(count - 1) // 2] + angles[count // 2]) / 2
    return [
        sum(angles) / count,
        middle,
        math.sqrt(sum(a * a for a in angles) / count),
        *(100 * sum(a < bound for a in angles) / count for bound in BOUNDS),
    ]


@pytest.mark.parametrize('protocol', ['sapiens', 'pooled'])
def test_protocols_against_brute_force(protocol):
    samples = [sample(seed, hw=(15, 12 + seed)) for seed in range(4)]
    got = evaluate(samples, protocol=protocol)
    angles = [brute_angles(each) for each in samples]
    if protocol == 'pooled':
        expected = summary([angle for image in angles for angle in image])
    else:
        expected = np.mean([summary(image) for image in angles], axis=0)
    # pooled angles are kept in float32
    near = 1e-6 if protocol == 'pooled' else 1e-9
    assert figures(got) == pytest.approx(list(expected), rel=near)
    assert (got['normal/num_images'], got['normal/num_left_out']) == (4, 0)
    other = evaluate(samples, protocol='sapiens' if protocol == 'pooled' else 'pooled')
    assert abs(got['normal/median'] - other['normal/median']) > 0.01


def test_angles_keep_their_digits_near_0_and_180():
    for true_deg in (0, 1e-7, 1e-4, 1, 45, 90, 179.9999, 180 - 1e-7, 180):
        turn = math.radians(true_deg)
        a = np.array([0.0, 0.0, 2.0])
        b = 7 * np.array([math.sin(turn), 0, math.cos(turn)])
        assert angles_between(a, b) == pytest.approx(true_deg, abs=1e-13, rel=1e-9)
    arc_cosine = math.degrees(math.acos(math.cos(math.radians(1e-7))))
    assert arc_cosine != pytest.approx(1e-7, rel=0.01)  # why it is not used


def test_angles_of_random_vectors():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 500, 3))
    cross = np.linalg.norm(np.cross(a, b), axis=1)
    expected = np.degrees(np.arctan2(cross, (a * b).sum(1)))
    np.testing.assert_allclose(angles_between(a, b), expected, rtol=1e-12)
    assert angles_between(np.zeros(3), a[0]) == 90


@pytest.mark.parametrize('count', [1, 2, 3, 100, 101])
def test_the_median_is_exact(count):
    angles = np.random.default_rng(count).uniform(0, 180, count).astype(np.float32)
    before = angles.copy()
    expected = sorted(angles.tolist())
    middle = (expected[(count - 1) // 2] + expected[count // 2]) / 2
    assert normal_errors(angles)['median'] == middle
    parts = np.array_split(angles, 7)
    assert normal_errors(parts)['median'] == middle
    assert np.array_equal(angles, before)  # selected from a copy


def test_hand_computed():
    errors = normal_errors(np.array([[4.0, 5.0], [12.0, 31.0]]))
    assert errors['mean'] == 13 and errors['median'] == 8.5
    assert errors['rmse'] == pytest.approx(math.sqrt((16 + 25 + 144 + 961) / 4))
    shares = [errors[f'within_{bound}'] for bound in BOUNDS]
    assert shares == [25, 50, 50, 75, 75]  # 5 is not below 5
    for wrong in ([], np.array([1.0, np.nan])):
        with pytest.raises(ValueError, match='angle'):
            normal_errors(wrong)


def test_predictions_are_resized_and_then_normalised():
    small = torch.randn(3, 6, 7)
    small[:, ::2] *= 5  # lengths weigh in the interpolation
    got = evaluate([sample(0, pred_map=small)])
    large = F.interpolate(small[None], (15, 12), mode='bilinear', align_corners=False)
    expected = summary(brute_angles(sample(0, pred_map=large[0].double())))
    assert figures(got) == pytest.approx(expected, rel=1e-6)
    unit = small / small.norm(dim=0)
    assert (
        abs(evaluate([sample(0, pred_map=unit)])['normal/mean'] - got['normal/mean'])
        > 0.1
    )


def test_only_valid_pixels_of_the_mask_count():
    each = sample(1)
    expected = figures(evaluate([each]))
    assert figures(evaluate([each], pixels='all')) == expected  # -1000 is invalid
    everywhere = sample(1, gt_mask=torch.ones(1, 15, 12))
    assert figures(evaluate([everywhere])) == expected
    outside = each.gt_mask.data[0] == 0
    for nothing in (0.0, math.nan, math.inf, 0.1):
        each.gt_map.data[:, outside] = nothing
        assert figures(evaluate([each], pixels='all')) == expected
    each.gt_map.data = each.gt_map.data * 1.05  # not quite of unit length
    assert figures(evaluate([each])) == pytest.approx(expected, rel=1e-9)
    half = each.gt_mask.data.clone()
    half[:, :7] = 0
    assert figures(evaluate([sample(1, gt_mask=half)])) != expected


def flipped(seed, order, signs):
    """A sample whose prediction has exchanged and negated channels."""
    each = sample(seed)
    pred = each.pred_map.data[list(order)]
    each.pred_map.data = pred * torch.tensor(signs).reshape(3, 1, 1)
    return each


@pytest.mark.parametrize(
    ('order', 'signs', 'axes'),
    [
        ((0, 1, 2), (1, -1, -1), 'opencv'),
        ((2, 1, 0), (1, 1, 1), 'zyx'),
        ((1, 2, 0), (-1, 1, 1), '-y z x'),
    ],
)
def test_axes_are_converted_and_missing_ones_suggested(order, signs, axes, caplog):
    expected = figures(evaluate([sample(2)]))
    each = flipped(2, order, signs)
    assert figures(evaluate([each], pred_axes=axes)) == pytest.approx(expected)
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    try:
        with caplog.at_level(logging.INFO):
            assert evaluate([each])['normal/mean'] > 2 * expected[0]
            suggested = caplog.text.split('far better as pred_axes=')[1].split("'")[1]
            caplog.clear()
            same = figures(evaluate([each], pred_axes=suggested))
            assert 'far better' not in caplog.text
            assert f'pred_axes={suggested}, gt_axes=xyz' in caplog.text
            # a wrong description is mended too, not only a missing one
            evaluate([each], pred_axes='-z -x y')
            again = caplog.text.split('far better as pred_axes=')[1].split("'")[1]
    finally:
        logger.removeHandler(caplog.handler)
    assert same == pytest.approx(expected)
    assert again == suggested
    truth = sample(2)
    truth.gt_map.data = truth.gt_map.data[list(order)] * torch.tensor(signs).reshape(
        3, 1, 1
    )
    assert figures(evaluate([truth], gt_axes=axes)) == pytest.approx(expected)


@pytest.mark.parametrize('average', ['per_image', 'pooled'])
def test_the_order_of_collection_changes_no_bit(average):
    metric = SapiensNormalMetric(average=average)
    for seed in range(10):
        metric.process({}, [sample(seed).to_dict()])
    expected = metric.compute_metrics(list(metric.results))
    for shuffle in range(5):
        results = list(metric.results)
        random.Random(shuffle).shuffle(results)
        assert metric.compute_metrics(results) == expected


def test_degenerate_images_are_counted_and_named(tmp_path):
    zeros = sample(3).pred_map.data.clone()
    inside = sample(3).gt_mask.data[0].bool()
    row, column = inside.nonzero()[0].tolist()
    zeros[:, row, column] = 0
    broken = torch.full((3, 15, 12), math.inf)
    samples = [
        sample(0, gt_mask=torch.zeros(1, 15, 12)),
        sample(1, pred_map=broken),
        sample(3, pred_map=zeros),
    ]
    got = evaluate(samples, out_file=str(tmp_path / 'scores.json'))
    angles = brute_angles(sample(3))
    assert figures(got) == pytest.approx(summary([90, *angles[1:]]), rel=1e-9)
    assert got['normal/num_left_out'] == 2 and got['normal/without_direction'] == 1
    saved = json.loads((tmp_path / 'scores.json').read_text())
    count = int(samples[1].gt_mask.data.sum())
    assert saved['left_out'] == {
        'photos/0.png': 'no valid pixel',
        'photos/1.png': f'prediction not finite on {count} of {count} pixels',
    }
    assert saved['choices'] == {
        'name': 'sapiens',
        'pixels': 'human',
        'average': 'per_image',
        'pred_axes': 'xyz',
        'gt_axes': 'xyz',
        'resize': 'bilinear, to the ground truth, then normalised',
    }
    assert [image['name'] for image in saved['images']] == ['photos/3.png']
    with pytest.raises(ValueError, match='no image to evaluate: photos/0.png'):
        evaluate(samples[:2])


def test_the_evaluator_builds_it_by_name():
    evaluator = Evaluator(dict(type='sapiens_mm.SapiensNormalMetric'))
    evaluator.process(data_samples=[sample(5)], data_batch={})
    got = evaluator.evaluate(1)
    assert figures(got) == pytest.approx(summary(brute_angles(sample(5))), rel=1e-9)


@pytest.mark.parametrize(
    ('args', 'message'),
    [
        (dict(protocol='dsine'), 'protocol must be one of sapiens, pooled'),
        (dict(align='scale'), 'align: no choice of a protocol'),
        (dict(pred_axes='xyy'), 'axes must name x, y and z once each'),
    ],
)
def test_wrong_choices_are_refused(args, message):
    with pytest.raises(ValueError, match=message):
        SapiensNormalMetric(**args)
