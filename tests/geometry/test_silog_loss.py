"""SapiensSiLogLoss against its formula in float64, values and gradients."""

import pytest
import torch

pytest.importorskip('mmseg')

from sapiens_mm.geometry import SapiensSiLogLoss  # noqa: E402


def direct(pred, target, eps=1e-6, form='official'):
    """The mean over images of mean d^2 - 0.5 (mean d)^2, officially of its root."""
    total = 0
    for image, truth in zip(pred, target, strict=True):
        valid = truth > eps
        d = torch.log(truth[valid]) - torch.log(image[valid].clamp(min=eps))
        if d.numel():
            value = d.square().mean() - 0.5 * d.mean().square()
            total = total + (value.sqrt() if form == 'official' else value)
    return total / len(pred)


def maps(batch=3, hw=(33, 29)):
    """Predictions, some negative; targets with background, zeros and ones."""
    pred = torch.rand(batch, 1, *hw) * 1.5 - 0.1
    target = torch.rand(batch, 1, *hw)
    target[torch.rand_like(target) < 0.4] = -1
    target[:, :, 0, :5] = 0  # the nearest pixels are left out
    return pred, target


@pytest.mark.parametrize('form', ['official', 'paper'])
@pytest.mark.parametrize('autocast', [False, True])
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_value_and_gradient(autocast, dtype, form):
    pred, target = maps()
    pred = pred.to(dtype).requires_grad_()
    wide = pred.detach().double().requires_grad_()
    with torch.autocast('cpu', torch.bfloat16, enabled=autocast):
        got = SapiensSiLogLoss(form=form)(pred, target)
    expected = direct(wide, target.double(), form=form)
    got.backward()
    expected.backward()
    assert got.dtype == torch.float32
    assert got.item() == pytest.approx(expected.item(), rel=1e-6)
    if dtype == torch.float32:
        close = dict(rtol=1e-6, atol=1e-6)
    else:
        close = dict(rtol=1e-2, atol=1e-6)  # the gradient itself is rounded
    torch.testing.assert_close(pred.grad.double(), wide.grad, **close)
    assert (pred.grad[pred <= 1e-6] == 0).all()
    assert (pred.grad[target <= 1e-6] == 0).all()


def test_hand_computed():
    target = torch.tensor([1.0, 0.5, -1.0, 0.0]).reshape(1, 1, 2, 2)
    pred = torch.tensor([0.5, 0.5, 9.0, 9.0]).reshape(1, 1, 2, 2)
    # d = (ln 2, 0): mean of squares (ln 2)^2 / 2, mean ln 2 / 2
    expected = 0.6931471805599453 * (1 / 2 - 1 / 8) ** 0.5
    assert SapiensSiLogLoss()(pred, target).item() == pytest.approx(expected, rel=1e-6)
    doubled = SapiensSiLogLoss(loss_weight=2.0)(pred, target)
    assert doubled.item() == pytest.approx(2 * expected, rel=1e-6)
    printed = SapiensSiLogLoss(form='paper')(pred, target)
    assert printed.item() == pytest.approx(expected**2, rel=1e-6)
    with pytest.raises(ValueError, match='form must be one of official, paper'):
        SapiensSiLogLoss(form='root')


def test_eps_is_the_bound_of_targets_and_predictions():
    pred, target = maps()
    got = SapiensSiLogLoss(eps=0.05)(pred, target)
    expected = direct(pred.double(), target.double(), eps=0.05)
    assert got.item() == pytest.approx(expected.item(), rel=1e-6)
    assert abs(got - SapiensSiLogLoss()(pred, target)) > 0.1


def test_scaling_the_prediction_changes_half_of_the_squared_mean():
    _, target = maps(batch=1)
    pred = torch.rand_like(target) + 0.5
    loss = SapiensSiLogLoss()
    valid = target > 1e-6
    mean = (target[valid].double().log() - pred[valid].double().log()).mean()
    shift = torch.tensor(2.0).double().log()
    # with mean d' = mean d - shift the variance stays: L^2 - 0.5 mean^2 is fixed
    before = loss(pred, target).double().square() - 0.5 * mean**2
    after = loss(2 * pred, target).double().square() - 0.5 * (mean - shift) ** 2
    assert before.item() == pytest.approx(after.item(), rel=1e-5)


@pytest.mark.parametrize('form', ['official', 'paper'])
@pytest.mark.parametrize('empty', ['one', 'all'])
def test_images_without_valid_pixels_add_zero(empty, form):
    pred, target = maps(batch=2)
    target[0 if empty == 'one' else slice(None)] = -1
    pred.requires_grad_()
    loss = SapiensSiLogLoss(form=form)(pred, target)
    loss.backward()
    expected = float(direct(pred.detach(), target, form=form))
    assert loss.item() == pytest.approx(expected, rel=1e-6)
    assert (pred.grad[0] == 0).all()
    assert pred.grad.isfinite().all()
    if empty == 'all':
        assert loss.item() == 0


@pytest.mark.parametrize('form', ['official', 'paper'])
def test_what_the_background_holds_reaches_nothing(form):
    pred, target = maps()
    outside = target <= 1e-6
    loss = SapiensSiLogLoss(form=form)
    expected = loss(pred, target)
    spoiled, holes = pred.clone(), target.clone()
    spoiled[outside] = torch.tensor([float('nan'), float('inf')]).repeat(
        int(outside.sum())
    )[: int(outside.sum())]
    holes[:, :, 5:9][outside[:, :, 5:9]] = float('nan')
    spoiled.requires_grad_()
    got = loss(spoiled, holes)
    got.backward()
    assert got.item() == expected.item()
    assert spoiled.grad.isfinite().all() and (spoiled.grad[outside] == 0).all()


def test_without_the_root_far_images_weigh_more():
    pred, target = maps(batch=2)
    pred = pred.abs() + 0.1
    pred[1] = target[1].clamp(min=0.01) * 1.05  # nearly right
    shares = {}
    for form in ('official', 'paper'):
        loss = SapiensSiLogLoss(form=form)
        apart = [loss(pred[i : i + 1], target[i : i + 1]).item() for i in range(2)]
        shares[form] = apart[1] / sum(apart)
    assert shares['paper'] < 0.3 * shares['official']


@pytest.mark.parametrize('form', ['official', 'paper'])
def test_a_perfect_prediction_has_a_zero_loss_and_gradient(form):
    _, target = maps()
    pred = target.clone().requires_grad_()
    loss = SapiensSiLogLoss(form=form)(pred, target)
    loss.backward()
    assert loss.item() == 0
    assert (pred.grad == 0).all()
