"""The normal losses against their formulas in float64, values and gradients."""

import pytest
import torch

pytest.importorskip('mmseg')

from sapiens_mm.geometry import (  # noqa: E402
    SapiensNormalCosineLoss,
    SapiensNormalL1Loss,
)
from sapiens_mm.testing import fake_person  # noqa: E402


def direct_cosine(pred, target):
    dot = (pred * target).sum(1)
    cosine = dot / (pred.square().sum(1).sqrt() * target.square().sum(1).sqrt())
    return (1 - cosine)[target[:, 0] > -100].mean()


def direct_l1(pred, target):
    valid = target[:, 0] > -100
    return sum((pred - target)[:, c].abs()[valid].sum() for c in range(3)) / valid.sum()


def direct_l1_mean(pred, target):
    return direct_l1(pred, target) / 3


def l1_mean(*args, **kwargs):
    return SapiensNormalL1Loss(*args, channels='mean', **kwargs)


LOSSES = [
    pytest.param(SapiensNormalCosineLoss, direct_cosine, id='cosine'),
    pytest.param(SapiensNormalL1Loss, direct_l1, id='l1'),
    pytest.param(l1_mean, direct_l1_mean, id='l1_mean'),
]


def maps(batch=3, hw=(33, 29)):
    """Predictions of any length; unit targets with a background of -1000."""
    pred = torch.randn(batch, 3, *hw)
    target = torch.randn(batch, 3, *hw)
    target = target / target.norm(dim=1, keepdim=True)
    background = torch.rand(batch, 1, *hw) < 0.4
    return pred, torch.where(background, -1000.0, target)


@pytest.mark.parametrize('autocast', [False, True])
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(('loss', 'direct'), LOSSES)
def test_value_and_gradient(loss, direct, dtype, autocast):
    pred, target = maps()
    pred = pred.to(dtype).requires_grad_()
    wide = pred.detach().double().requires_grad_()
    with torch.autocast('cpu', torch.bfloat16, enabled=autocast):
        got = loss()(pred, target)
    expected = direct(wide, target.double())
    got.backward()
    expected.backward()
    assert got.dtype == torch.float32
    assert got.item() == pytest.approx(expected.item(), rel=1e-6)
    rtol = 1e-6 if dtype == torch.float32 else 1e-2  # bfloat16 rounds gradients
    close = dict(rtol=rtol, atol=1e-6)
    torch.testing.assert_close(pred.grad.double(), wide.grad, **close)
    background = (target[:, :1] == -1000).expand_as(target)
    assert (pred.grad[background] == 0).all()


def test_hand_computed():
    target = torch.tensor([[0.0, 0.0, -1.0], [1.0, 0.0, 0.0], [-1000.0] * 3])
    pred = torch.tensor([[0.0, 3.0, -3.0], [-2.0, 0.0, 0.0], [5.0, 5.0, 5.0]])
    target, pred = (x.T.reshape(1, 3, 1, 3) for x in (target, pred))
    cosine = ((1 - 0.5**0.5) + 2) / 2
    assert SapiensNormalCosineLoss()(pred, target).item() == pytest.approx(cosine)
    assert SapiensNormalL1Loss()(pred, target).item() == pytest.approx((5 + 3) / 2)
    assert SapiensNormalL1Loss(0.25)(pred, target).item() == pytest.approx(1)
    assert l1_mean()(pred, target).item() == pytest.approx((5 + 3) / 6)
    with pytest.raises(ValueError, match="channels must be 'sum' or 'mean'"):
        SapiensNormalL1Loss(channels='max')


@pytest.mark.parametrize(('loss', 'direct'), LOSSES)
def test_all_valid_pixels_of_the_batch_weigh_the_same(loss, direct):
    pred, target = maps(batch=2)
    target[0, :, 3:] = -1000  # few pixels in the first image
    together = loss()(pred, target).item()
    apart = [loss()(pred[i : i + 1], target[i : i + 1]).item() for i in range(2)]
    counts = (target[:, 0] > -100).sum((1, 2)).tolist()
    weighted = (apart[0] * counts[0] + apart[1] * counts[1]) / sum(counts)
    assert together == pytest.approx(weighted, rel=1e-6)
    assert together != pytest.approx(sum(apart) / 2, rel=1e-4)


@pytest.mark.parametrize(('loss', 'direct'), LOSSES)
def test_no_valid_pixel_gives_zero_and_a_zero_gradient(loss, direct):
    pred = torch.randn(2, 3, 8, 6, requires_grad=True)
    value = loss()(pred, torch.full((2, 3, 8, 6), -1000.0))
    value.backward()
    assert value.item() == 0
    assert (pred.grad == 0).all()


@pytest.mark.parametrize(('loss', 'direct'), LOSSES)
def test_what_the_background_holds_reaches_nothing(loss, direct):
    pred, target = maps(batch=2)
    target[1] = -1000  # one image is all background
    expected = direct(pred[:1].double(), target[:1].double())
    background = (target[:, :1] == -1000).expand_as(target)
    pred[background] = float('nan')
    pred[1, :, ::2] = float('inf')
    pred.requires_grad_()
    got = loss()(pred, target)
    got.backward()
    assert got.item() == pytest.approx(expected.item(), rel=1e-6)
    assert pred.grad.isfinite().all() and (pred.grad[background] == 0).all()


@pytest.mark.parametrize(('loss', 'direct'), LOSSES)
def test_a_perfect_prediction_has_a_zero_loss(loss, direct):
    _, target = maps()
    pred = target.clone().requires_grad_()
    value = loss()(pred, target)
    value.backward()
    assert value.item() == pytest.approx(0, abs=1e-7)
    assert pred.grad.abs().max() < 1e-7


def test_a_zero_vector_has_a_finite_gradient():
    pred = torch.zeros(1, 3, 2, 2, requires_grad=True)
    target = torch.zeros(1, 3, 2, 2)
    target[:, 2] = -1
    value = SapiensNormalCosineLoss()(pred, target)
    value.backward()
    assert value.item() == 1
    assert pred.grad.isfinite().all()


def test_drawn_normals_are_unit_vectors_to_the_camera():
    person = fake_person(0)
    inside = person.labels > 0
    lengths = (person.normals[inside] ** 2).sum(1) ** 0.5
    assert abs(lengths - 1).max() < 1e-6
    assert (person.normals[inside][:, 2] > 0).all()
    assert (person.normals[~inside] == -1000).all()
