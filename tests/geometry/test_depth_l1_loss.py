"""SapiensDepthL1Loss against loops over pixels, and where it has gradients."""

import pytest
import torch

pytest.importorskip('mmseg')

from sapiens_mm.geometry import SapiensDepthL1Loss, SapiensSiLogLoss  # noqa: E402


def maps():
    generator = torch.Generator().manual_seed(0)
    pred = torch.rand(2, 1, 7, 5, generator=generator) * 1.5 - 0.3
    target = torch.rand(2, 1, 7, 5, generator=generator)
    target[torch.rand(target.shape, generator=generator) < 0.3] = -1
    target[:, :, 0, :2] = 0  # the nearest pixels count
    return pred, target


@pytest.mark.parametrize('autocast', [False, True])
def test_value(autocast):
    pred, target = maps()
    expected = 0.0
    for image, truth in zip(pred, target, strict=True):
        errors = [
            abs(p - t)
            for p, t in zip(image.ravel().tolist(), truth.ravel().tolist(), strict=True)
            if t >= 0
        ]
        expected += sum(errors) / len(errors) / 2
    with torch.autocast('cpu', torch.bfloat16, enabled=autocast):
        found = SapiensDepthL1Loss(loss_weight=3.0)(pred, target)
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(3 * expected, rel=1e-6)


def test_negative_depth_has_a_gradient():
    target = torch.full((1, 1, 2, 2), 0.5)
    slopes = []
    for loss in (SapiensSiLogLoss(), SapiensDepthL1Loss()):
        pred = torch.full((1, 1, 2, 2), -0.1, requires_grad=True)
        loss(pred, target).backward()
        slopes.append(pred.grad)
    assert not slopes[0].any()
    torch.testing.assert_close(slopes[1], torch.full((1, 1, 2, 2), -0.25))


def test_background_does_not_count():
    pred, target = maps()
    pred[target < 0] = float('nan')
    target[1] = -1
    pred.requires_grad_()
    value = SapiensDepthL1Loss()(pred, target)
    value.backward()
    assert torch.isfinite(value) and torch.isfinite(pred.grad).all()
    assert not pred.grad[target < 0].any() and pred.grad[0].any()
