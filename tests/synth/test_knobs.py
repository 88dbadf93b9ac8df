"""Knobs: what they take and how they complain."""

from dataclasses import fields

import numpy as np
import pytest

from sapiens_mm.paths import config_root
from sapiens_mm.synth.knob_text import parse_knobs
from sapiens_mm.synth.knobs import Knobs


@pytest.mark.parametrize(
    'knob, value, said',
    [
        ('outdoor', 1.2, '0 to 1'),
        ('outdoor', True, 'a number'),
        ('sun', 'often', "'often'"),
        ('sun', float('nan'), 'nan'),
        ('fov_deg', (30, 200), '5 <= a <= b <= 110'),
        ('fov_deg', (60, 30), r'\(60, 30\)'),
        ('fov_deg', 40, 'two numbers'),
        ('framing', {'feet': 1}, 'face, upper, full'),
        ('framing', {'face': 0}, 'not all 0'),
        ('framing', {'face': -1, 'full': 2}, '0 or more'),
        ('framing', {'face': float('inf')}, 'inf'),
        ('framing', 'face', "'face'"),
        ('environment', 'space', "'space'"),
        ('backgrounds', 7, 'folder'),
    ],
)
def test_impossible_values_are_named(knob, value, said):
    with pytest.raises(ValueError, match=f'knob {knob} .*') as error:
        Knobs(**{knob: value})
    assert error.match(said)


def test_unknown_knobs_raise():
    with pytest.raises(TypeError, match='colour'):
        Knobs(colour=1)


def test_weights_become_probabilities_and_names_left_out_get_none():
    knobs = Knobs(framing={'full': 3, 'face': 1})
    assert knobs.weights('framing') == (('face', 'upper', 'full'), [0.25, 0.0, 0.75])
    rng = np.random.default_rng(0)
    drawn = [knobs.choose('framing', rng) for _ in range(2000)]
    assert drawn.count('upper') == 0
    assert abs(drawn.count('full') / 2000 - 0.75) < 0.03


def test_spans_are_drawn_from_evenly():
    rng = np.random.default_rng(0)
    knobs = Knobs(fov_deg=(20, 40))
    drawn = np.array([knobs.draw('fov_deg', rng) for _ in range(2000)])
    assert drawn.min() >= 20 and drawn.max() <= 40
    assert abs(drawn.mean() - 30) < 0.5


def test_defaults_pass_their_own_checks_and_knobs_are_hashable():
    assert Knobs() == Knobs(**{f.name: getattr(Knobs(), f.name) for f in fields(Knobs)})
    assert len({Knobs(), Knobs(), Knobs(outdoor=0.1)}) == 2


@pytest.mark.parametrize('path', sorted(config_root().glob('synth/*.json')))
def test_files_of_knobs_in_configs_can_be_drawn_from(path):
    assert parse_knobs([], path) != Knobs()  # it raises if one is impossible
