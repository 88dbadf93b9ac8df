"""SapiensGradientLoss against plain loops in float64, values and gradients."""

import math

import pytest
import torch

pytest.importorskip('mmseg')

from sapiens_mm.geometry import SapiensGradientLoss  # noqa: E402

EPS = 1e-6


def direct(pred, target, scales, space):
    """The loss of each image, pixel by pixel."""
    total = 0
    for image, truth in zip(pred[:, 0], target[:, 0], strict=True):
        for step in (2**k for k in range(scales)):
            p, g = image[::step, ::step], truth[::step, ::step]
            valid = g > EPS if space == 'log' else g >= 0
            error = {}
            for y, x in valid.nonzero().tolist():
                if space == 'log':
                    error[y, x] = g[y, x].log() - p[y, x].clamp(min=EPS).log()
                else:
                    error[y, x] = g[y, x] - p[y, x]
            for (y, x), value in error.items():
                for neighbour in ((y, x + 1), (y + 1, x)):
                    if neighbour in error:
                        change = (error[neighbour] - value).abs()
                        total = total + change / int(valid.sum())
    return total / len(pred)


def maps(batch=2, hw=(13, 10)):
    """Predictions, some negative; targets with background, zeros and ones."""
    pred = torch.rand(batch, 1, *hw) * 1.5 - 0.1
    target = torch.rand(batch, 1, *hw)
    target[torch.rand_like(target) < 0.3] = -1
    target[:, :, 0, :4] = 0  # the nearest pixels
    return pred, target


@pytest.mark.parametrize('space', ['log', 'depth'])
@pytest.mark.parametrize('scales', [1, 4])
@pytest.mark.parametrize('autocast', [False, True])
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_value_and_gradient(dtype, autocast, scales, space):
    pred, target = maps()
    pred = pred.to(dtype).requires_grad_()
    wide = pred.detach().double().requires_grad_()
    with torch.autocast('cpu', torch.bfloat16, enabled=autocast):
        got = SapiensGradientLoss(num_scales=scales, space=space)(pred, target)
    expected = direct(wide, target.double(), scales, space)
    got.backward()
    expected.backward()
    assert got.dtype == torch.float32
    assert got.item() == pytest.approx(expected.item(), rel=1e-6)
    rtol = 1e-6 if dtype == torch.float32 else 1e-2  # bfloat16 rounds gradients
    torch.testing.assert_close(pred.grad.double(), wide.grad, rtol=rtol, atol=1e-6)


def test_hand_computed():
    target = torch.tensor([[0.2, 0.4, -1.0], [0.2, 0.0, 1.0]]).reshape(1, 1, 2, 3)
    pred = torch.tensor([[0.2, 0.1, 9.0], [0.4, 9.0, 9.0]]).reshape(1, 1, 2, 3)
    # log errors: 0, ln 4 / -ln 2, none, -ln 9; pairs (0,0)-(0,1) and (0,0)-(1,0)
    expected = (math.log(4) + math.log(2)) / 4
    loss = SapiensGradientLoss(num_scales=1)
    assert loss(pred, target).item() == pytest.approx(expected, rel=1e-6)
    # at every 2nd pixel, (0, 0) is left alone
    loss = SapiensGradientLoss(0.5, num_scales=2)
    assert loss(pred, target).item() == pytest.approx(expected / 2, rel=1e-6)


def test_a_scale_of_the_prediction_changes_nothing_in_logarithms():
    pred, target = maps()
    pred = pred.clamp(min=0.05)
    loss = SapiensGradientLoss()
    assert loss(3 * pred, target).item() == pytest.approx(
        loss(pred, target).item(), rel=1e-5
    )
    shifted = SapiensGradientLoss(space='depth')
    assert shifted(pred + 2, target).item() == pytest.approx(
        shifted(pred, target).item(), rel=1e-5
    )


@pytest.mark.parametrize('space', ['log', 'depth'])
@pytest.mark.parametrize('empty', ['one', 'all'])
def test_images_without_valid_pixels_add_zero(empty, space):
    pred, target = maps()
    target[0 if empty == 'one' else slice(None)] = -1
    expected = float(direct(pred.double(), target.double(), 4, space))
    pred[target < 0] = float('nan')  # reaches neither value nor gradient
    pred.requires_grad_()
    loss = SapiensGradientLoss(space=space)(pred, target)
    loss.backward()
    assert loss.item() == pytest.approx(expected, rel=1e-6)
    assert pred.grad.isfinite().all() and (pred.grad[target < 0] == 0).all()
    assert (loss.item() == 0) == (empty == 'all')


@pytest.mark.parametrize('space', ['log', 'depth'])
def test_a_perfect_prediction_has_a_zero_loss_and_gradient(space):
    _, target = maps()
    pred = target.clone().requires_grad_()
    loss = SapiensGradientLoss(space=space)(pred, target)
    loss.backward()
    assert loss.item() == 0
    assert (pred.grad == 0).all()


@pytest.mark.parametrize(
    ('args', 'message'),
    [
        (dict(num_scales=0), 'num_scales must be at least 1'),
        (dict(space='inverse'), 'space must be one of log, depth'),
    ],
)
def test_wrong_arguments_are_refused(args, message):
    with pytest.raises(ValueError, match=message):
        SapiensGradientLoss(**args)
