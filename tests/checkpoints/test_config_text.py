"""The text of a config in a checkpoint is data."""

import math
import os

import pytest

from sapiens_mm.checkpoints.config_text import MAX_CHARACTERS, read_config_text
from sapiens_mm.checkpoints.errors import CheckpointError


def test_what_mmengine_writes_is_read():
    config = pytest.importorskip('mmengine.config')
    content = dict(
        model=dict(type='A', size=(1, 2), rate=-0.5, nothing=None, flag=True),
        table={0: dict(name='nose'), 1: dict(name="it's")},
        mixed={'a-b': 1, '2': [dict(x=1), (3, [4])]},
        far=float('inf'),
        long='x' * 500,
    )
    text = config.Config(content).pretty_text
    assert read_config_text(text) == content
    assert math.isnan(read_config_text('x = nan')['x'])
    assert read_config_text('x = dict({0: 1}, a=-2)') == {'x': {0: 1, 'a': -2}}
    assert read_config_text('') == {}


def test_the_shipped_configs_come_back():
    config = pytest.importorskip('mmengine.config')
    pytest.importorskip('mmpose')
    from sapiens_mm import config_path

    cfg = config.Config.fromfile(config_path('pose/sapiens_0.3b_goliath308-1024x768'))
    assert read_config_text(cfg.pretty_text) == cfg.to_dict()


@pytest.mark.parametrize(
    'text',
    [
        "model = __import__('os').system('touch RAN')",
        "__import__('os').system('touch RAN')",
        'import os',
        'x = os.path',
        'x = lambda: 1',
        'x = (lambda: 1)()',
        'x = [i for i in range(3)]',
        'x = dict(**{})',
        'x = {**{}}',
        'x = dict([(1, 2)])',
        'x = dict(*[1])',
        "x = f'{1}'",
        'x = eval',
        'x = 2 ** 9999999999',
        'x = 1 + 1',
        'x = ...',
        'x = not True',
        'x = -"a"',
        'x = --1',
        'x = -True',
        'x: int = 1',
        'x, y = 1, 2',
        'x.y = 1',
        'x[0] = 1',
        'x += 1',
        'x = (y := 1)',
        'x = {[]: 1}',
        'x = {dict(): 1}',
        'def f(): pass',
        'class A: pass',
        'x = yield',
        '@a\ndef f(): pass',
        'x = dict(',
        'x = "\x00"',
        'x = ' + '9' * 5000,
        'x = ' + '-' * 100000 + '1',
        'x = ' + '(' * 100000,
        'x = ' + '[' * 150 + ']' * 151,
        'x = a' + '.b' * 100000,
        'x = f' + '()' * 100000,
        'x = ' + '+'.join(['1'] * 100000),
        'x = "' + 'y' * 10_000_000 + '"',
        'x = ' * 100000 + '1',
    ],
    ids=lambda text: text[:24],
)
def test_anything_else_is_refused_and_nothing_runs(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError) as caught:
        read_config_text(text)
    assert len(str(caught.value)) < 300
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize('value', [b'x = 1', 3, dict(model=1), ['x = 1']])
def test_no_text_is_no_config(value):
    with pytest.raises(CheckpointError, match='not text'):
        read_config_text(value)


def test_the_limit_is_told():
    with pytest.raises(CheckpointError, match=f'more than the {MAX_CHARACTERS}'):
        read_config_text('x' * (MAX_CHARACTERS + 1))
