"""The heatmap loss against sums over pixels in float64, and at its minimum."""

import math

import pytest
import torch
from mmpose.models.losses import KeypointMSELoss

from sapiens_mm.pose import SapiensHeatmapLoss


def maps(seed=0):
    generator = torch.Generator().manual_seed(seed)
    output = torch.rand(2, 5, 6, 4, generator=generator)
    target = torch.rand(2, 5, 6, 4, generator=generator)
    target[0, 1] = 0  # beside the map
    weights = torch.ones(2, 5)
    weights[1, 3] = 0
    weights[1, 4] = 0.5
    return output, target, weights


def by_hand(output, target, weights, place_weight, temperature, loss_weight):
    squares = place = total = 0.0
    for b in range(output.shape[0]):
        for k in range(output.shape[1]):
            prediction, truth = output[b, k].tolist(), target[b, k].tolist()
            weight = float(weights[b, k])
            pairs = [
                (p, t)
                for row, other in zip(prediction, truth, strict=True)
                for p, t in zip(row, other, strict=True)
            ]
            squares += weight * sum((p - t) ** 2 for p, t in pairs)
            if max(t for _, t in pairs) == 0:
                continue
            norm = math.log(sum(math.exp(temperature * p) for p, _ in pairs))
            mass = sum(math.exp(temperature * t) for _, t in pairs)
            place -= weight * sum(
                math.exp(temperature * t) / mass * (temperature * p - norm)
                for p, t in pairs
            )
            total += weight
    return loss_weight * squares / output.numel() + place_weight * place / total


@pytest.mark.parametrize(
    ('place_weight', 'temperature', 'loss_weight'), [(1.0, 10.0, 1.0), (0.3, 4.0, 200)]
)
def test_equals_the_formula(place_weight, temperature, loss_weight):
    loss = SapiensHeatmapLoss(place_weight, temperature, loss_weight)
    found = loss(*maps())
    expected = by_hand(*maps(), place_weight, temperature, loss_weight)
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_first_term_is_the_hosts():
    tiny = SapiensHeatmapLoss(place_weight=1e-9)
    host = KeypointMSELoss(use_target_weight=True)
    torch.testing.assert_close(tiny(*maps()), host(*maps()), rtol=1e-6, atol=1e-7)


def test_both_terms_are_least_at_the_target():
    _, target, weights = maps()
    output = target.clone().requires_grad_()
    loss = SapiensHeatmapLoss(place_weight=3.0)
    least = loss(output, target, weights)
    least.backward()
    assert output.grad.abs().max() < 1e-6
    moved = loss(target + 0.01 * maps(1)[0], target, weights)
    assert float(moved) > float(least.detach())


def test_an_empty_map_is_pulled_to_the_place_harder():
    target = torch.zeros(1, 1, 32, 24)
    target[0, 0, 10, 5] = 1.0
    pulls = []
    for loss in (
        KeypointMSELoss(use_target_weight=True),
        SapiensHeatmapLoss(place_weight=1.0),
    ):
        output = torch.zeros_like(target, requires_grad=True)
        loss(output, target, torch.ones(1, 1)).backward()
        grad = output.grad[0, 0]
        assert grad.argmin() == 10 * 24 + 5
        pulls.append(-float(grad.min()))
    assert pulls[1] > 100 * pulls[0]


def test_nobody_visible_gives_zero_with_a_gradient():
    output, target, _ = maps()
    output.requires_grad_()
    value = SapiensHeatmapLoss()(output, target, torch.zeros(2, 5))
    value.backward()
    assert float(value.detach()) == 0 and not output.grad.any()


def test_bfloat16_autocast_is_float32():
    loss = SapiensHeatmapLoss()
    with torch.autocast('cpu', torch.bfloat16):
        found = loss(*maps())
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, loss(*maps()), rtol=0, atol=0)


@pytest.mark.parametrize('name', ['place_weight', 'temperature', 'loss_weight'])
def test_numbers_must_be_positive(name):
    with pytest.raises(ValueError, match=f'{name} must be above 0, got 0'):
        SapiensHeatmapLoss(**{name: 0})
