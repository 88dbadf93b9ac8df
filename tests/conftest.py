"""What every test gets: few threads, fixed seeds, no host scope left behind."""

import random
import sys

import numpy as np
import pytest
import torch

import sapiens_mm  # noqa: F401  before any host: it mends them

torch.set_num_threads(2)


@pytest.fixture(autouse=True)
def _fixed_seeds():
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def _no_scope_left_behind():
    yield
    if 'mmengine.registry' in sys.modules:  # a runner sets one and leaves it
        sys.modules['mmengine.registry'].DefaultScope._instance_dict.clear()
