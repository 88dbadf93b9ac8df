"""SapiensDepthMetric against plain loops, mmseg's DepthMetric and hand-made cases."""

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
from mmseg.evaluation.metrics import DepthMetric  # noqa: E402
from mmseg.structures import SegDataSample  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from sapiens_mm.geometry import SapiensDepthMetric, depth_errors  # noqa: E402

NAMES = ['rmse', 'abs_rel', 'sq_rel', 'delta1', 'delta2', 'delta3', 'silog']
NAMES += ['rmse_log', 'log10']


def sample(seed, hw=(14, 11), **fields):
    """A packed sample of metres with background 0 and a noisy relative prediction."""
    generator = torch.Generator().manual_seed(seed)
    truth = 2 + seed % 3 + torch.rand(1, *hw, generator=generator, dtype=torch.float64)
    noise = torch.randn(1, *hw, generator=generator, dtype=torch.float64)
    mask = torch.rand(1, *hw, generator=generator) < 0.5
    data = dict(
        pred_map=(truth - 2) / 3 + 0.1 * noise,
        gt_map=torch.where(mask, truth, 0.0),
        gt_mask=mask.to(torch.uint8),
    )
    packed = SegDataSample(metainfo=dict(img_path=f'photos/{seed}.png'))
    for name, value in {**data, **fields}.items():
        if value is not None:
            packed.set_field(PixelData(data=value), name)
    return packed


def evaluate(samples, **args):
    metric = SapiensDepthMetric(**args)
    for each in samples:
        metric.process({}, [each.to_dict()])
    return metric.evaluate(len(samples))


def figures(results, group=''):
    return [results[f'depth/{group}{name}'] for name in NAMES]


def loop(pairs):
    """Errors of pairs (prediction, truth) one by one, in plain Python."""
    pairs = list(pairs)
    count = len(pairs)
    logs = [math.log(p) - math.log(g) for p, g in pairs]
    ratios = [max(p / g, g / p) for p, g in pairs]
    mean_log, mean_square = sum(logs) / count, sum(d * d for d in logs) / count
    return [
        math.sqrt(sum((p - g) ** 2 for p, g in pairs) / count),
        sum(abs(p - g) / g for p, g in pairs) / count,
        sum((p - g) ** 2 / g for p, g in pairs) / count,
        *(sum(r < 1.25**k for r in ratios) / count for k in (1, 2, 3)),
        math.sqrt(mean_square - 0.5 * mean_log**2),
        math.sqrt(mean_square),
        sum(abs(math.log10(p) - math.log10(g)) for p, g in pairs) / count,
    ]


def pixel_pairs(each, space):
    """Pairs of an image after NumPy's least squares."""
    inside = each.gt_mask.data[0] > 0
    pred = each.pred_map.data[0][inside].numpy()
    truth = each.gt_map.data[0][inside].numpy()
    goal = truth if space == 'depth' else 1 / truth
    matrix = np.stack([pred, np.ones_like(pred)], 1)
    aligned = matrix @ np.linalg.lstsq(matrix, goal, rcond=None)[0]
    if space == 'inverse':
        assert (aligned > 0).all()
        aligned = 1 / aligned
    return list(zip(aligned.tolist(), truth.tolist(), strict=True))


@pytest.mark.parametrize(
    ('protocol', 'space'), [('david', 'depth'), ('sapiens', 'inverse')]
)
@pytest.mark.parametrize('average', ['per_image', 'pooled'])
def test_protocols_against_loops(protocol, space, average):
    samples = [sample(seed, hw=(14, 11 + seed)) for seed in range(4)]
    got = evaluate(samples, protocol=protocol, average=average)
    images = [pixel_pairs(each, space) for each in samples]
    if average == 'pooled':
        expected = loop(pair for pairs in images for pair in pairs)
    else:
        expected = np.mean([loop(pairs) for pairs in images], axis=0)
    assert figures(got) == pytest.approx(list(expected), rel=1e-9)
    assert (got['depth/num_images'], got['depth/num_left_out']) == (4, 0)


def test_the_choices_change_the_figures():
    samples = [sample(seed) for seed in range(4)]
    choices = [
        dict(protocol='sapiens'),
        dict(protocol='sapiens', average='pooled'),
        dict(protocol='sapiens', align='scale'),
        dict(protocol='sapiens', fit='median'),
        dict(protocol='david'),
        dict(protocol='raw'),
    ]
    rmse = [evaluate(samples, **choice)['depth/rmse'] for choice in choices]
    assert len({round(value, 6) for value in rmse}) == len(rmse)


def test_raw_is_the_metric_of_the_host():
    def metres(seed):
        noise = torch.rand(1, 9, 8, dtype=torch.float64)
        truth = 1 + torch.rand(1, 9, 8, dtype=torch.float64)
        truth[:, :2] = 0  # unknown to both
        return sample(
            seed,
            pred_map=1 + noise,
            gt_map=truth,
            gt_mask=None,
        )

    samples = [metres(seed) for seed in range(3)]
    host = DepthMetric()
    for each in samples:  # as the host's own model and pipeline name them
        for name in ('pred', 'gt'):
            each.set_field(each.pop(f'{name}_map'), f'{name}_depth_map')
    host.process({}, [each.to_dict() for each in samples])
    expected = host.evaluate(3)
    got = evaluate(samples, protocol='raw', pixels='all')
    names = {f'delta{k}': f'd{k}' for k in (1, 2, 3)}
    for name in NAMES:
        host_name = names.get(name, name)
        near = 1e-7 if host_name in names.values() else 1e-9  # shares in float32
        assert got[f'depth/{name}'] == pytest.approx(expected[host_name], rel=near)


def test_hand_computed():
    errors = depth_errors(np.array([[2.0, 1.0, 7.0]]), np.array([[1.0, 2.0, np.nan]]))
    log2 = math.log(2)
    expected = [1, 0.75, 0.75, 0, 0, 0, log2, log2, math.log10(2)]
    assert [errors[name] for name in NAMES] == pytest.approx(expected)
    errors = depth_errors(np.array([2.4, 1.3]), np.array([2.0, 1.0]))
    assert (errors['delta1'], errors['delta2']) == (0.5, 1)  # 1.2 and 1.3
    twice = depth_errors(np.array([2.0, 4.0]), np.array([1.0, 2.0]))
    assert twice['silog'] == pytest.approx(math.sqrt(0.5) * log2)


def test_depths_at_or_below_zero_stop_at_a_thousandth_of_the_nearest():
    errors = depth_errors(np.array([-1.0, 2.0]), np.array([2.0, 2.0]))
    assert errors['rmse'] == pytest.approx(math.sqrt(4.5))  # not floored
    assert errors['log10'] == pytest.approx(3 / 2)
    assert errors['delta3'] == 0.5


def test_noise_free_predictions_have_no_error():
    def exact(seed, inverse):
        each = sample(seed)
        truth = each.gt_map.data
        pred = 1 / truth.clamp(min=0.1) if inverse else truth
        each.pred_map.data = pred * 0.2 - 0.05
        return each

    for protocol, inverse in (('david', False), ('sapiens', True)):
        got = evaluate([exact(seed, inverse) for seed in range(3)], protocol=protocol)
        assert got['depth/rmse'] < 1e-12
        assert got['depth/delta1'] == 1


def test_predictions_are_resized_to_the_ground_truth():
    small = torch.rand(1, 7, 5)
    each = sample(0, pred_map=small)
    large = F.interpolate(small[None], (14, 11), mode='bilinear', align_corners=False)
    expected = evaluate([sample(0, pred_map=large[0])])
    assert figures(evaluate([each])) == pytest.approx(figures(expected), rel=1e-12)


def test_only_pixels_of_the_mask_count():
    each, other = sample(1), sample(1)
    outside = other.gt_mask.data == 0
    other.pred_map.data = other.pred_map.data.masked_fill(outside, math.nan)
    other.gt_map.data = other.gt_map.data.masked_fill(outside, 77.0)
    assert figures(evaluate([each])) == figures(evaluate([other]))
    different = evaluate([sample(1, gt_map=torch.rand(1, 14, 11))], pixels='all')
    assert different['depth/rmse'] != evaluate([each])['depth/rmse']


@pytest.mark.parametrize('average', ['per_image', 'pooled'])
def test_the_order_of_collection_changes_no_bit(average):
    metric = SapiensDepthMetric(average=average)
    for seed in range(12):
        metric.process({}, [sample(seed).to_dict()])
    expected = metric.compute_metrics(list(metric.results))
    for shuffle in range(5):
        results = list(metric.results)
        random.Random(shuffle).shuffle(results)
        assert metric.compute_metrics(results) == expected


def test_degenerate_images_are_counted_and_named(caplog, tmp_path):
    blank = torch.zeros(1, 14, 11, dtype=torch.uint8)
    samples = [
        sample(0),
        sample(1, gt_mask=blank),
        sample(2, pred_map=torch.full((1, 14, 11), math.nan)),
        sample(3, pred_map=torch.ones(1, 14, 11)),
    ]
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    try:
        with caplog.at_level(logging.INFO):
            got = evaluate(samples, protocol='david', out_file=str(tmp_path / 'a.json'))
    finally:
        logger.removeHandler(caplog.handler)
    kept = evaluate([samples[0], samples[3]], protocol='david')
    assert figures(got) == figures(kept)
    assert got['depth/num_left_out'] == 2 and got['depth/num_constant'] == 1
    for words in (
        'protocol david (pixels=human, average=per_image, align=scale_shift, space=',
        'LEFT OUT, 2 of 4: photos/1.png (no valid pixel), photos/2.png (prediction',
        'PREDICTION OF ONE VALUE in 1 of 2: photos/3.png',
    ):
        assert words in caplog.text
    saved = json.loads((tmp_path / 'a.json').read_text())
    assert saved['choices']['space'] == 'depth' and saved['choices']['clip'] is None
    assert saved['results']['rmse'] == got['depth/rmse']
    assert list(saved['left_out']) == ['photos/1.png', 'photos/2.png']
    truth = samples[3].gt_map.data[samples[3].gt_mask.data > 0]
    last = saved['images'][1]
    assert last['details']['shift'] == pytest.approx(truth.mean().item())
    assert last['details']['constant'] and last['pixels'] == len(truth)


def test_people_without_ground_truth_are_counted_and_named():
    """Pixels that the mask has and the truth lacks; background ones are no news."""
    holes = sample(1)
    where = torch.nonzero(holes.gt_mask.data[0])[:4]
    for value, (row, column) in zip((math.nan, math.inf, 0, -1), where, strict=True):
        holes.gt_map.data[0, row, column] = value
    metric = SapiensDepthMetric()
    for each in (sample(0), holes):
        metric.process({}, [each.to_dict()])
    got, report = metric.summarise(metric.results)
    assert got['num_unknown_pixels'] == 4 and got['num_left_out'] == 0
    words = '4 PIXELS OF PEOPLE without ground truth are not compared (in 1 images: '
    assert words + 'photos/1.png' in report
    assert evaluate([sample(0)])['depth/num_unknown_pixels'] == 0


def test_groups_are_summarised_on_their_own():
    samples = [sample(seed) for seed in range(4)]
    for each, group in zip(samples, ('face', 'face', 'full', 'full'), strict=True):
        each.set_metainfo(dict(group=group))
    got = evaluate(samples)
    assert figures(got, 'face/') == figures(evaluate(samples[:2]))
    both = np.mean([figures(got, 'face/'), figures(got, 'full/')], axis=0)
    assert figures(got) == pytest.approx(list(both), rel=1e-12)
    assert not any('face/' in name for name in evaluate(samples[:2]))


def test_the_evaluator_builds_it_by_name():
    evaluator = Evaluator(dict(type='sapiens_mm.SapiensDepthMetric', protocol='david'))
    evaluator.process(data_samples=[sample(5)], data_batch={})
    got = evaluator.evaluate(1)
    assert figures(got) == figures(evaluate([sample(5)], protocol='david'))
    assert got['depth/protocol'].startswith('david (pixels=human')


@pytest.mark.parametrize(
    ('args', 'message'),
    [
        (dict(protocol='midas'), 'protocol must be one of sapiens, david, raw'),
        (dict(alignment='none'), 'alignment: no choice of a protocol'),
        (dict(space='inverse', clip=None), 'needs clip'),
        (dict(protocol='david', space='inverse'), 'needs clip'),
        (dict(pixels='people'), 'pixels must be one of human, all'),
        (dict(average='mean'), 'average must be one of per_image, pooled'),
        (dict(invert=1), 'invert must be True or False'),
        (dict(out_file='scores.txt'), 'must end in .json'),
    ],
)
def test_wrong_choices_are_refused(args, message):
    with pytest.raises(ValueError, match=message):
        SapiensDepthMetric(**args)


@pytest.mark.parametrize(
    ('fields', 'message'),
    [
        (dict(gt_mask=None), '0.png has no gt_mask'),
        (dict(gt_map=None), '0.png has no ground truth'),
        (
            dict(gt_mask=torch.ones(1, 11, 14)),
            r'0.png: the mask has shape \(1, 11, 14\)',
        ),
        (dict(pred_map=torch.ones(3, 14, 11)), r'expected \(1, H, W\)'),
    ],
)
def test_wrong_samples_are_named(fields, message):
    with pytest.raises(ValueError, match=message):
        evaluate([sample(0, **fields)])


def test_nothing_to_evaluate_is_an_error():
    blank = sample(0, gt_mask=torch.zeros(1, 14, 11))
    with pytest.raises(ValueError, match=r'photos/0.png \(no valid pixel\)'):
        evaluate([blank])


def test_a_changed_preset_says_so():
    name = SapiensDepthMetric(protocol='david', align='scale', space='depth')
    assert name.protocol.name == 'david with align=scale'
