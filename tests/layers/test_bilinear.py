"""Bilinear enlargement by matrices against torch's kernel."""

import pytest
import torch
from torch.nn import functional as F

from sapiens_mm.layers.bilinear import enlarge


@pytest.mark.parametrize('align_corners', [False, True])
@pytest.mark.parametrize('size', [(20, 12), (13, 7), (5, 9), (5, 3)])
def test_values_and_gradients_are_torchs(size, align_corners):
    x = torch.randn(2, 4, 5, 3, dtype=torch.float64, requires_grad=True)
    wanted = F.interpolate(x, size, mode='bilinear', align_corners=align_corners)
    found = enlarge(x, size, align_corners)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-12)
    cotangent = torch.randn_like(wanted)
    grads = [torch.autograd.grad(out, x, cotangent)[0] for out in (found, wanted)]
    torch.testing.assert_close(*grads, rtol=0, atol=1e-12)


def test_autocast_does_not_round_the_weights():
    x = torch.randn(1, 2, 6, 6)
    with torch.autocast('cpu', torch.bfloat16):
        found = enlarge(x, (24, 24))
    wanted = F.interpolate(x, (24, 24), mode='bilinear')
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-6)
