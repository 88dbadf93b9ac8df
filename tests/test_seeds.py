"""What tests draw does not depend on what ran before: the hooks of conftest.py."""

import random

import numpy as np
import pytest
import torch


def draw():
    return random.random(), float(np.random.rand()), float(torch.rand(()))


def fresh():
    """Return the first numbers after the seed that conftest.py sets."""
    states = random.Random(0).random(), float(np.random.RandomState(0).rand())
    return *states, float(torch.rand((), generator=torch.Generator().manual_seed(0)))


IMPORTED = draw()


@pytest.fixture(scope='module', params=range(3))
def shared(request):
    """Set up anew in the middle of the file, when tests have drawn numbers."""
    return draw()


@pytest.fixture(scope='module')
def late():
    return [draw() for _ in range(5)]


def test_of_modules():
    assert fresh() == IMPORTED
    assert draw() == fresh()


@pytest.mark.parametrize('count', [1, 7])
def test_of_tests_and_of_what_they_share(shared, count):
    assert shared == fresh() and draw() == fresh()
    for _ in range(count):  # what the next one must not feel
        draw()


def test_a_fixture_that_a_test_asks_for_late_takes_none_of_its_numbers(request):
    draw()
    before = random.getstate()[1], torch.get_rng_state()
    assert request.getfixturevalue('late')[0] == fresh()
    assert before[0] == random.getstate()[1]
    assert torch.equal(before[1], torch.get_rng_state())
