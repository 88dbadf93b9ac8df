"""Settings of a data set: splits, checks, and going on with a folder."""

import json
from collections import Counter

import numpy as np
import pytest

from sapiens_mm.synth.dataset.settings import (
    SETTINGS_FILE,
    DatasetSettings,
    claim_folder,
)
from sapiens_mm.synth.scene_settings import SceneSettings
from sapiens_mm.synth.settings_text import parse_scene_settings, scene_settings_from


def test_splits_keep_their_shares_at_every_length():
    settings = DatasetSettings(shares=(0.8, 0.15, 0.05))
    found = [settings.split_of(index) for index in range(4000)]
    for length in (100, 777, 4000):
        counts = Counter(found[:length])
        for split, share in zip(('train', 'val', 'test'), settings.shares, strict=True):
            # multiples of the golden ratio fill an interval evenly
            assert abs(counts[split] - share * length) < 4, (length, split)
    # the first ones by hand: 0.5, 1.5, 2.5 times 0.618034, without the whole part
    assert found[:3] == ['train', 'val', 'train']


def test_a_share_of_nothing_has_no_samples():
    settings = DatasetSettings(shares=(1, 0, 0))
    assert {settings.split_of(index) for index in range(500)} == {'train'}


@pytest.mark.parametrize(
    ('changes', 'match'),
    [
        (dict(shares=(0.9, 0.2, 0.1)), 'add up to 1'),
        (dict(shares=(1.1, -0.1, 0.0)), '0 or more'),
        (dict(depth_mm=0), 'depth_mm is 0'),
        (dict(shard_size=0), 'shard_size is 0'),
        (dict(seed=-1), 'seed is -1'),
        (dict(size_hw=(32, 100)), '64 pixels'),
    ],
)
def test_impossible_settings_are_named(changes, match):
    with pytest.raises(ValueError, match=match):
        DatasetSettings(**changes)


def test_a_folder_is_gone_on_with_by_the_same_settings_alone(tmp_path):
    root = tmp_path / 'set'
    settings = DatasetSettings(
        seed=5, scene=SceneSettings(hat=0.25, framing={'face': 1, 'full': 2})
    )
    claim_folder(root, settings)
    written = (root / SETTINGS_FILE).read_bytes()
    assert json.loads(written)['scene']['hat'] == 0.25
    claim_folder(root, settings)
    assert (root / SETTINGS_FILE).read_bytes() == written
    with pytest.raises(ValueError, match=r'seed was 5 and is now 6.*another folder'):
        claim_folder(root, DatasetSettings(seed=6, scene=settings.scene))
    with pytest.raises(ValueError, match=r'hat was 0\.25 and is now 0\.14'):
        claim_folder(
            root,
            DatasetSettings(
                seed=5, scene=SceneSettings(framing={'face': 1, 'full': 2})
            ),
        )


def test_a_folder_begun_before_the_settings_had_their_name_is_gone_on_with(tmp_path):
    settings = DatasetSettings(seed=5, scene=SceneSettings(hat=0.25))
    claim_folder(tmp_path, settings)
    path = tmp_path / SETTINGS_FILE
    old = json.loads(path.read_bytes())
    old['knobs'] = old.pop('scene')
    path.write_text(json.dumps(old))
    written = path.read_bytes()
    claim_folder(tmp_path, settings)
    assert path.read_bytes() == written
    with pytest.raises(ValueError, match=r'hat was 0\.25 and is now 0\.14'):
        claim_folder(tmp_path, DatasetSettings(seed=5))


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / 'photo.jpg').write_bytes(b'')
    with pytest.raises(ValueError, match='neither empty nor a data set'):
        claim_folder(tmp_path, DatasetSettings())
    (tmp_path / SETTINGS_FILE).write_text('{')
    with pytest.raises(ValueError, match=r'dataset\.json is not JSON'):
        claim_folder(tmp_path, DatasetSettings())


def test_settings_of_a_command_line(tmp_path):
    path = tmp_path / 'settings.json'
    path.write_text('{"hat": 0.9, "glasses": 1, "framing": {"face": 1}}')
    words = ['hat=0.5', 'fov_deg=20, 40', 'people=one:3,two', 'backgrounds=my images']
    settings = parse_scene_settings(words, path)
    assert (settings.hat, settings.glasses) == (0.5, 1.0)
    assert settings.fov_deg == (20.0, 40.0)
    assert settings.backgrounds == 'my images'
    names, shares = settings.weights('people')
    np.testing.assert_allclose(dict(zip(names, shares, strict=True))['one'], 0.75)
    assert settings.weights('framing')[1] == [1.0, 0.0, 0.0]
    assert scene_settings_from({}) == SceneSettings()


@pytest.mark.parametrize(
    ('word', 'match'),
    [
        ('hat', 'NAME=VALUE'),
        ('hats=1', 'no setting .hats.; did you mean hat'),
        ('hat=2', 'setting hat is 2.0; it must be a number from 0 to 1'),
        ('hat=often', "setting hat is 'often'"),
        ('fov_deg=40,20', 'two numbers'),
        ('framing=foot:1', 'setting framing'),
        ('framing=face:0', 'setting framing'),
    ],
)
def test_impossible_words_are_named(word, match):
    with pytest.raises(ValueError, match=match):
        parse_scene_settings([word])
