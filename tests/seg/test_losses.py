"""Part, Dice and boundary losses against their formulas in float64, with gradients."""

import pytest
import torch
from torch.nn import functional as F

pytest.importorskip('mmseg')

from mmseg.models.decode_heads import FCNHead  # noqa: E402
from mmseg.registry import MODELS  # noqa: E402

from sapiens_mm.seg import (  # noqa: E402
    SapiensBoundaryLoss,
    SapiensDiceLoss,
    SapiensPartLoss,
)
from sapiens_mm.tables import part_table  # noqa: E402
from sapiens_mm.testing import fake_person, map_sample  # noqa: E402

CLASSES = 6
WEIGHTS = (0.1, 10.0, 3.0, 0.0, 2.0, 1.0)


def part_formula(weights, normalize_by):
    def direct(logits, target):
        total, weight_sum = 0.0, 0.0
        log_sum = logits.exp().sum(1).log()
        for label in range(logits.shape[1]):
            inside = target == label
            weight = 1.0 if weights is None else weights[label]
            total = total + weight * (log_sum - logits[:, label])[inside].sum()
            weight_sum += weight * inside.sum()
        return total / (target.numel() if normalize_by == 'pixels' else weight_sum)

    return direct


def dice_formula(logits, target, smooth=1.0):
    probs = logits.exp() / logits.exp().sum(1, keepdim=True)
    labelled = target != 255
    losses = []
    for label in range(logits.shape[1]):
        inside = target == label
        if inside.any():
            overlap = probs[:, label][inside].sum()
            total = probs[:, label][labelled].sum() + inside.sum()
            losses.append(1 - (2 * overlap + smooth) / (total + smooth))
    return sum(losses) / len(losses)


def window_max(maps, reach):
    """The maximum over a square window, from shifted copies of (B, H, W)."""
    padded = F.pad(maps, [reach] * 4, value=-1e9)
    height, width = maps.shape[1:]
    side = range(2 * reach + 1)
    shifted = [padded[:, y : y + height, x : x + width] for y in side for x in side]
    return torch.stack(shifted).amax(0)


def boundary_formula(logits, target, reach=3, stride=2):
    logits, target = logits[..., ::stride, ::stride], target[..., ::stride, ::stride]
    probs = logits.exp() / logits.exp().sum(1, keepdim=True)
    far = window_max((target == 255).double(), reach) == 0
    losses = []
    for label in range(logits.shape[1]):
        outside = (target != label).double()
        true = (window_max(outside, 1) - outside) * far
        found = probs[:, label] - (1 - window_max(1 - probs[:, label], 1))
        found = found * far
        if true.sum() == 0:
            continue
        precision = (found * window_max(true, reach)).sum() / found.sum()
        recall = (true * window_max(found, reach)).sum() / true.sum()
        losses.append(1 - 2 * precision * recall / (precision + recall))
    return sum(losses) / len(losses)


LOSSES = [
    pytest.param(
        SapiensPartLoss(WEIGHTS), part_formula(WEIGHTS, 'pixels'), id='pixels'
    ),
    pytest.param(
        SapiensPartLoss(WEIGHTS, 'weights'),
        part_formula(WEIGHTS, 'weights'),
        id='weights',
    ),
    pytest.param(
        SapiensPartLoss(), part_formula(None, 'pixels'), id='pixels, unweighted'
    ),
    pytest.param(
        SapiensPartLoss(None, 'weights'),
        part_formula(None, 'weights'),
        id='weights, unweighted',
    ),
    pytest.param(SapiensDiceLoss(), dice_formula, id='dice'),
    pytest.param(SapiensBoundaryLoss(), boundary_formula, id='boundary'),
]


def maps(batch=2, hw=(40, 36)):
    """Logits, and blocks of labels with an ignored patch; class 4 is absent."""
    logits = torch.randn(batch, CLASSES, *hw)
    target = torch.randint(0, CLASSES, (batch, hw[0] // 8, hw[1] // 6))
    target = target.repeat_interleave(8, 1).repeat_interleave(6, 2)
    target[target == 4] = 1
    target[:, 20:26, 3:9] = 255
    return logits, target


@pytest.mark.parametrize('autocast', [False, True])
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(('loss', 'direct'), LOSSES)
def test_value_and_gradient(loss, direct, dtype, autocast):
    logits, target = maps()
    logits = logits.to(dtype).requires_grad_()
    wide = logits.detach().double().requires_grad_()
    with torch.autocast('cpu', torch.bfloat16, enabled=autocast):
        got = loss(logits, target)
    expected = direct(wide, target)
    got.backward()
    expected.backward()
    assert got.shape == ()
    assert got.dtype == torch.float32
    assert got.item() == pytest.approx(expected.item(), rel=1e-6)
    atol = 1e-6 if dtype == torch.float32 else 4e-3  # bfloat16 rounds gradients
    largest = wide.grad.abs().max()
    torch.testing.assert_close(
        logits.grad.double() / largest, wide.grad / largest, rtol=0, atol=atol
    )
    assert largest > 1e-4
    assert (logits.grad[:, :, 21:25, 4:8] == 0).all()  # ignored


def test_the_two_normalisations_by_hand():
    logits = torch.zeros(1, 2, 1, 4)
    target = torch.tensor([[[0, 1, 1, 255]]])
    log2 = torch.tensor(2.0).log().item()
    weights = [0.5, 3.0]
    pixels = SapiensPartLoss(weights)(logits, target).item()
    assert pixels == pytest.approx((0.5 + 3 + 3) * log2 / 4)
    by_weights = SapiensPartLoss(weights, 'weights')(logits, target).item()
    assert by_weights == pytest.approx(log2)
    assert SapiensPartLoss(None)(logits, target).item() == pytest.approx(3 * log2 / 4)
    half = SapiensPartLoss(weights, loss_weight=0.5)(logits, target).item()
    assert half == pytest.approx(pixels / 2)


def test_weights_is_torchs_own_mean():
    logits, target = maps()
    expected = F.cross_entropy(
        logits, target, torch.tensor(WEIGHTS), ignore_index=255, reduction='mean'
    )
    got = SapiensPartLoss(WEIGHTS, 'weights')(logits, target)
    torch.testing.assert_close(got, expected, rtol=1e-6, atol=0)


def test_pixels_is_what_the_host_logs():
    table = part_table('goliath28')
    logits = torch.randn(2, 28, 24, 20)
    target = torch.randint(0, 28, (2, 24, 20))
    target[torch.rand(2, 24, 20) < 0.3] = 255
    host = MODELS.build(
        dict(
            type='CrossEntropyLoss',
            reduction='none',
            class_weight=list(table.class_weights),
        )
    )
    expected = host(logits, target, ignore_index=255).mean()
    got = SapiensPartLoss(table.class_weights)(logits, target)
    torch.testing.assert_close(got, expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize(('loss', 'direct'), LOSSES)
def test_nothing_labelled_gives_zero_and_a_zero_gradient(loss, direct):
    logits = torch.randn(2, CLASSES, 16, 12, requires_grad=True)
    value = loss(logits, torch.full((2, 16, 12), 255))
    value.backward()
    assert value.item() == 0
    assert (logits.grad == 0).all()


@pytest.mark.parametrize(('loss', 'direct'), LOSSES)
def test_large_logits_stay_finite(loss, direct):
    logits, target = maps()
    logits = (1e4 * logits).requires_grad_()
    value = loss(logits, target)
    value.backward()
    assert value.isfinite()
    assert logits.grad.isfinite().all()


def test_sampler_weights_and_the_map():
    logits, target = maps()
    loss = SapiensPartLoss(WEIGHTS)
    map_of_pixels = loss(logits, target, reduction_override='none')
    assert map_of_pixels.shape == target.shape
    torch.testing.assert_close(map_of_pixels.mean(), loss(logits, target))
    chosen = (torch.rand(target.shape) < 0.3).float()
    got = loss(logits, target, weight=chosen)
    torch.testing.assert_close(got, (map_of_pixels * chosen).mean())
    by_weights = SapiensPartLoss(WEIGHTS, 'weights')
    left_out = torch.where(chosen > 0, target, 255)
    torch.testing.assert_close(
        by_weights(logits, target, weight=chosen), by_weights(logits, left_out)
    )
    dice = SapiensDiceLoss()
    torch.testing.assert_close(
        dice(logits, target, weight=chosen), dice(logits, left_out)
    )


def confident(labels):
    return 20 * F.one_hot(labels, CLASSES).permute(0, 3, 1, 2).float()


def test_a_hole_costs_dice_and_boundary_more_than_cross_entropy():
    target = torch.zeros(1, 64, 64, dtype=torch.long)
    target[:, 8:56, 8:56] = 2
    holed = target.clone()
    holed[:, 30:34, 30:34] = 0
    good, bad = confident(target), confident(holed)
    boundary, dice = SapiensBoundaryLoss(), SapiensDiceLoss()
    assert boundary(good, target).item() == pytest.approx(0, abs=1e-4)
    assert dice(good, target).item() == pytest.approx(0, abs=1e-4)
    # 16 of 2304 pixels are missing: 1 - 2 * 2288 / (2288 + 2304) of one of two classes
    assert dice(bad, target).item() == pytest.approx(
        (1 - 4577 / 4593 + 1 - 3585 / 3601) / 2, rel=1e-3
    )
    assert boundary(bad, target).item() > 5 * dice(bad, target).item()


@pytest.mark.parametrize(('shift', 'expected'), [(0, 0), (4, 0), (12, 1)])
def test_boundaries_within_the_tolerance_are_hits(shift, expected):
    columns = torch.arange(64).expand(1, 64, 64)
    target, found = (columns < 32).long(), (columns < 32 + shift).long()
    value = SapiensBoundaryLoss(tolerance_px=6)(confident(found), target).item()
    assert value == pytest.approx(expected, abs=1e-4)


def test_a_list_of_losses_in_a_host_head():
    loss_decode = [
        dict(type='sapiens_mm.SapiensPartLoss', class_weight=[1.0] * 28),
        dict(type='sapiens_mm.SapiensDiceLoss', loss_weight=0.5),
        dict(type='sapiens_mm.SapiensBoundaryLoss', loss_weight=0.25),
    ]
    sizes = dict(in_channels=8, channels=8, num_convs=1, num_classes=28)
    head = FCNHead(**sizes, loss_decode=loss_decode).eval()
    feats = (torch.randn(1, 8, 16, 12),)
    sample = map_sample(fake_person(0, (64, 48)), 'seg')
    losses = head.loss(feats, [sample], {})
    logits = F.interpolate(head(feats), (64, 48), mode='bilinear')
    labels = sample.gt_sem_seg.data
    for key, loss in (
        ('loss_ce', SapiensPartLoss([1.0] * 28)),
        ('loss_dice', SapiensDiceLoss(loss_weight=0.5)),
        ('loss_boundary', SapiensBoundaryLoss(loss_weight=0.25)),
    ):
        torch.testing.assert_close(losses[key], loss(logits, labels))
    assert set(losses) == {'loss_ce', 'loss_dice', 'loss_boundary', 'acc_seg'}


def test_the_weights_are_no_part_of_a_checkpoint():
    assert not SapiensPartLoss(WEIGHTS).state_dict()


def test_bad_arguments():
    logits, target = maps()
    with pytest.raises(ValueError, match="'pixels', 'weights'.* got 'mean'"):
        SapiensPartLoss(normalize_by='mean')
    with pytest.raises(ValueError, match='at least 0'):
        SapiensPartLoss([1.0, -1.0])
    with pytest.raises(ValueError, match='class_weight has 28 entries, the logits 6'):
        SapiensPartLoss([1.0] * 28)(logits, target)
    with pytest.raises(ValueError, match="reduction_override .* got 'sum'"):
        SapiensPartLoss()(logits, target, reduction_override='sum')
    for loss in (SapiensPartLoss(), SapiensDiceLoss(), SapiensBoundaryLoss()):
        with pytest.raises(ValueError, match=r'\(2, 6, 40, 36\) and \(2, 40, 35\)'):
            loss(logits, target[..., 1:])
    with pytest.raises(ValueError, match='smooth must be at least 0'):
        SapiensDiceLoss(smooth=-1)
    with pytest.raises(ValueError, match='stride must be'):
        SapiensBoundaryLoss(stride=0)
    with pytest.raises(ValueError, match='tolerance_px must be at least'):
        SapiensBoundaryLoss(tolerance_px=1)
    with pytest.raises(ValueError, match='sampler'):
        SapiensBoundaryLoss()(logits, target, weight=torch.ones(target.shape))
