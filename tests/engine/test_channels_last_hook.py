"""Channels last: same values, other memory order, also in the EMA's copy."""

import copy
from types import SimpleNamespace

import torch
from mmengine.hooks import EMAHook
from mmengine.runner import get_priority
from torch import nn

from sapiens_mm.engine import SapiensChannelsLastHook


def test_values_stay_and_activations_follow():
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Conv2d(8, 4, 3))
    model = copy.deepcopy(plain)
    SapiensChannelsLastHook().before_run(SimpleNamespace(model=model))
    weight = model[0].weight
    assert weight.is_contiguous(memory_format=torch.channels_last)
    assert not plain[0].weight.is_contiguous(memory_format=torch.channels_last)
    image = torch.rand(2, 3, 16, 12)
    found = model(image)
    assert found.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(found, plain(image))
    torch.testing.assert_close(model.state_dict(), plain.state_dict())


def test_comes_before_the_ema():
    hook = SapiensChannelsLastHook()
    assert get_priority(hook.priority) < get_priority(EMAHook.priority)
    assert get_priority(hook.priority) < 49  # of configs/_base_/det_tiny.py
