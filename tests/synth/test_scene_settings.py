"""Settings of scenes: what they take and how they complain."""

from dataclasses import fields

import numpy as np
import pytest

from sapiens_mm.paths import config_root
from sapiens_mm.synth.scene_settings import SceneSettings
from sapiens_mm.synth.settings_text import parse_scene_settings


@pytest.mark.parametrize(
    'setting, value, said',
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
def test_impossible_values_are_named(setting, value, said):
    with pytest.raises(ValueError, match=f'setting {setting} .*') as error:
        SceneSettings(**{setting: value})
    assert error.match(said)


def test_unknown_settings_raise():
    with pytest.raises(TypeError, match='colour'):
        SceneSettings(colour=1)


def test_weights_become_probabilities_and_names_left_out_get_none():
    settings = SceneSettings(framing={'full': 3, 'face': 1})
    assert settings.weights('framing') == (('face', 'upper', 'full'), [0.25, 0.0, 0.75])
    rng = np.random.default_rng(0)
    drawn = [settings.choose('framing', rng) for _ in range(2000)]
    assert drawn.count('upper') == 0
    assert abs(drawn.count('full') / 2000 - 0.75) < 0.03


def test_spans_are_drawn_from_evenly():
    rng = np.random.default_rng(0)
    settings = SceneSettings(fov_deg=(20, 40))
    drawn = np.array([settings.draw('fov_deg', rng) for _ in range(2000)])
    assert drawn.min() >= 20 and drawn.max() <= 40
    assert abs(drawn.mean() - 30) < 0.5


def test_defaults_pass_their_own_checks_and_settings_are_hashable():
    assert SceneSettings() == SceneSettings(
        **{f.name: getattr(SceneSettings(), f.name) for f in fields(SceneSettings)}
    )
    assert len({SceneSettings(), SceneSettings(), SceneSettings(outdoor=0.1)}) == 2


@pytest.mark.parametrize('path', sorted(config_root().glob('synth/*.json')))
def test_files_of_settings_in_configs_can_be_drawn_from(path):
    # it raises if one is impossible
    assert parse_scene_settings([], path) != SceneSettings()
