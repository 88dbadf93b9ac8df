"""What --compile compiles: encoder, heads and losses, with equal gradients."""

import copy
import shutil

import pytest
import torch
from torch import nn

from sapiens_mm.engine.compilation import compile_for_training


class Loss(nn.Module):
    compiles = True

    def forward(self, x):
        return x.square().mean()


class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 2)
        self.loss_decode = Loss()
        self.calls = 0

    def forward(self, x):
        self.calls += not torch.compiler.is_compiling()
        return self.layer(x)

    def loss(self, x):
        return self.loss_decode(self.forward(x))


class Model(nn.Module):
    def __init__(self, tasks=()):
        super().__init__()
        self.backbone = nn.Linear(3, 4)
        self.head = nn.Module() if tasks else Head()
        if tasks:
            self.head.heads = nn.ModuleDict({task: Head() for task in tasks})

    def heads(self):
        return list(getattr(self.head, 'heads', {'': self.head}).values())

    def loss(self, x):
        return sum(head.loss(self.backbone(x)) for head in self.heads())


def test_a_model_without_encoder_is_refused():
    with pytest.raises(ValueError, match='Linear has no backbone to compile'):
        compile_for_training(nn.Linear(1, 1))


@pytest.mark.skipif(shutil.which('g++') is None, reason='no C++ compiler')
@pytest.mark.parametrize('tasks', [(), ('pose', 'seg')])
def test_gradients_and_keys_stay(tasks):
    torch.manual_seed(0)
    plain = Model(tasks)
    model = copy.deepcopy(plain)
    compile_for_training(model)
    assert list(model.state_dict()) == list(plain.state_dict())
    x = torch.rand(5, 3)
    for one in (plain, model):
        one.loss(x).backward()
    for eager, compiled in zip(plain.parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(compiled.grad, eager.grad)
    # in training the Python of a head is not run; in evaluation it is
    eager_calls = [head.calls for head in model.heads()]
    model.eval()
    with torch.no_grad():
        model.loss(torch.rand(3, 3))
    assert eager_calls == [0] * len(eager_calls)
    assert all(head.calls == 1 for head in model.heads())


@pytest.mark.skipif(shutil.which('g++') is None, reason='no C++ compiler')
def test_a_copy_made_later_keeps_its_weights():
    """``EMAHook`` copies the model after this."""
    model = Model()
    compile_for_training(model)
    twin = copy.deepcopy(model)
    with torch.no_grad():
        model.head.layer.weight.zero_()
    assert twin.head.layer.weight.any()
