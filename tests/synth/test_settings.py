"""Settings of a data set: splits, checks, and going on with a folder."""

import json
from collections import Counter

import numpy as np
import pytest

from sapiens_mm.synth.dataset.settings import SETTINGS_FILE, Settings, claim_folder
from sapiens_mm.synth.knob_text import knobs_from, parse_knobs
from sapiens_mm.synth.knobs import Knobs


def test_splits_keep_their_shares_at_every_length():
    settings = Settings(shares=(0.8, 0.15, 0.05))
    found = [settings.split_of(index) for index in range(4000)]
    for length in (100, 777, 4000):
        counts = Counter(found[:length])
        for split, share in zip(('train', 'val', 'test'), settings.shares, strict=True):
            # multiples of the golden ratio fill an interval evenly
            assert abs(counts[split] - share * length) < 4, (length, split)
    # the first ones by hand: 0.5, 1.5, 2.5 times 0.618034, without the whole part
    assert found[:3] == ['train', 'val', 'train']


def test_a_share_of_nothing_has_no_samples():
    settings = Settings(shares=(1, 0, 0))
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
        Settings(**changes)


def test_a_folder_is_gone_on_with_by_the_same_settings_alone(tmp_path):
    root = tmp_path / 'set'
    settings = Settings(seed=5, knobs=Knobs(hat=0.25, framing={'face': 1, 'full': 2}))
    claim_folder(root, settings)
    written = (root / SETTINGS_FILE).read_bytes()
    assert json.loads(written)['knobs']['hat'] == 0.25
    claim_folder(root, settings)
    assert (root / SETTINGS_FILE).read_bytes() == written
    with pytest.raises(ValueError, match=r'seed was 5 and is now 6.*another folder'):
        claim_folder(root, Settings(seed=6, knobs=settings.knobs))
    with pytest.raises(ValueError, match=r'hat was 0\.25 and is now 0\.14'):
        claim_folder(
            root, Settings(seed=5, knobs=Knobs(framing={'face': 1, 'full': 2}))
        )


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / 'photo.jpg').write_bytes(b'')
    with pytest.raises(ValueError, match='neither empty nor a data set'):
        claim_folder(tmp_path, Settings())
    (tmp_path / SETTINGS_FILE).write_text('{')
    with pytest.raises(ValueError, match=r'dataset\.json is not JSON'):
        claim_folder(tmp_path, Settings())


def test_knobs_of_a_command_line(tmp_path):
    path = tmp_path / 'knobs.json'
    path.write_text('{"hat": 0.9, "glasses": 1, "framing": {"face": 1}}')
    words = ['hat=0.5', 'fov_deg=20, 40', 'people=one:3,two', 'backgrounds=my photos']
    knobs = parse_knobs(words, path)
    assert (knobs.hat, knobs.glasses, knobs.fov_deg) == (0.5, 1.0, (20.0, 40.0))
    assert knobs.backgrounds == 'my photos'
    names, shares = knobs.weights('people')
    np.testing.assert_allclose(dict(zip(names, shares, strict=True))['one'], 0.75)
    assert knobs.weights('framing')[1] == [1.0, 0.0, 0.0]
    assert knobs_from({}) == Knobs()


@pytest.mark.parametrize(
    ('word', 'match'),
    [
        ('hat', 'NAME=VALUE'),
        ('hats=1', 'no knob .hats.; did you mean hat'),
        ('hat=2', 'knob hat is 2.0; it must be a number from 0 to 1'),
        ('hat=often', "knob hat is 'often'"),
        ('fov_deg=40,20', 'two numbers'),
        ('framing=foot:1', 'knob framing'),
        ('framing=face:0', 'knob framing'),
    ],
)
def test_impossible_knobs_are_named(word, match):
    with pytest.raises(ValueError, match=match):
        parse_knobs([word])
