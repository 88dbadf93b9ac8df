"""How configs are made: short chains, no leaf below another, no edit by position."""

import ast
import re

import pytest
from mmengine.config import Config
from mmengine.registry import TRANSFORMS, DefaultScope

from sapiens_mm.paths import config_names, config_path, config_root

LONGEST = 4  # files of ours, the named one among them
NAMED = [name for name in config_names() if not name.startswith('examples/')]
# examples are what users write: they stand on a named config, as files of users do
FILES = sorted(config_root().rglob('*.py'), key=str)
SPLITS = ('train', 'val', 'test')
TWINS = ('general', 'synth_human', 'render_people', 'lists')


def bases_of(path):
    """Return the files of ours that a config names as its bases."""
    found = []
    for base in Config._get_base_files(str(path)):  # what mmengine reads
        place, scope = Config._get_cfg_path(base, str(path))
        if scope is None:
            found.append((path.parent / place).resolve())
    return found


def chain(path):
    """Return how many files the longest way from a config to its last base has."""
    return 1 + max(map(chain, bases_of(path)), default=0)


# ---------------------------------------------------------------- chains


@pytest.mark.parametrize('name', NAMED)
def test_chains_are_short(name):
    assert chain(config_path(name)) <= LONGEST


def test_a_chain_is_measured(tmp_path):
    (tmp_path / 'a.py').write_text("_base_ = 'mmseg::_base_/default_runtime.py'")
    (tmp_path / 'b.py').write_text('x = 1')
    (tmp_path / 'c.py').write_text("_base_ = ['./a.py', './b.py']")
    (tmp_path / 'd.py').write_text("_base_ = ['./b.py', './c.py']")
    assert [chain(tmp_path / f'{name}.py') for name in 'abcd'] == [1, 1, 2, 3]


def test_no_named_config_is_a_base_of_another():
    named = {config_path(name).resolve() for name in config_names()}
    for path in FILES:
        if path.parent.name == 'examples':
            continue
        inherited = named & set(bases_of(path))
        assert not inherited, f'{path.name} stands on {sorted(inherited)}'


def test_examples_stand_on_one_named_config():
    for path in (config_root() / 'examples').glob('finetune_*.py'):
        (base,) = bases_of(path)
        assert base in {config_path(name).resolve() for name in NAMED}


def test_every_base_is_used():
    used = {base for path in FILES for base in bases_of(path)}
    assert set((config_root().resolve() / '_base_').glob('*.py')) <= used


# ---------------------------------------------------------------- positions


def is_position(node):
    if isinstance(node, ast.Slice):
        return any(map(is_position, (node.lower, node.upper)))
    if isinstance(node, ast.UnaryOp):
        return is_position(node.operand)
    return isinstance(node, ast.Constant) and type(node.value) is int


def positions(text):
    """Return the lines of a config that count in a list."""
    return sorted(n.lineno for n in ast.walk(ast.parse(text)) if counts(n))


def counts(node):
    if isinstance(node, ast.Subscript):
        return is_position(node.slice)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr in ('insert', 'pop') and any(map(is_position, node.args))
    if isinstance(node, ast.Assign):  # load, *rest = train_pipeline
        unpacks = isinstance(node.targets[0], (ast.Tuple, ast.List))
        return unpacks and not isinstance(node.value, ast.Tuple)
    return False


@pytest.mark.parametrize('path', FILES, ids=lambda path: path.stem)
def test_nothing_is_edited_by_position(path):
    assert positions(path.read_text(encoding='utf-8')) == []


@pytest.mark.parametrize(
    'line',
    [
        'train_pipeline[2].update(scale=(192, 256))',
        '_base_.custom_hooks[-1].momentum = 0.1',
        'del train_pipeline[9], train_pipeline[3]',
        'pipeline = [*_base_.test_pipeline[:-1], pack]',
        "train_pipeline.insert(5, dict(type='RandomFlip'))",
        'train_pipeline.pop(2)',
        'load, *rest = _base_.train_pipeline',
    ],
)
def test_positions_are_seen(line):
    assert set(positions(f'x = 1\n{line}')) == {2}


def test_names_are_no_positions():
    assert not positions(
        "train_steps.insert(train_steps.index('resize'), 'background')\n"
        'train_pipeline = [steps[name] for name in train_steps]\n'
        "steps['crop'].update(crop_size=input_wh[::-1])\n"
        "steps.pop('blur')\n"
    )


# ---------------------------------------------------------------- names of steps


@pytest.mark.parametrize('name', config_names())
def test_pipelines_are_those_of_their_names(name):
    """A config that changes a step and not the pipeline would say what is not so."""
    cfg = Config.fromfile(config_path(name))
    if 'steps' not in cfg:  # hosts' own, and the detector without training
        assert name.startswith(('examples/mm', 'det/rtmdet_m_'))
        return
    for split in SPLITS:
        if f'{split}_steps' not in cfg:
            continue
        named = [cfg.steps[each] for each in cfg[f'{split}_steps']]
        assert cfg[f'{split}_pipeline'] == named, split
        # the metrics of val and test are of one pipeline where there is one
        tests = ('val', 'test') if split == 'val' or 'val_steps' not in cfg else ()
        for loader in ('train',) if split == 'train' else tests:
            loader = cfg.get(f'{loader}_dataloader')
            for part in [] if loader is None else parts(loader.dataset):
                assert part.pipeline == named, split


def parts(dataset):
    return dataset.get('datasets', [dataset])


@pytest.mark.parametrize('data', TWINS)
def test_twins_differ_by_the_word(data):
    """What is data of depth is data of normals: a change is one of both."""
    folder = config_root() / '_base_'
    depth = (folder / f'depth_{data}.py').read_text(encoding='utf-8')
    normal = (folder / f'normal_{data}.py').read_text(encoding='utf-8')
    assert re.sub(r'depth', 'normal', depth) == normal


@pytest.mark.parametrize(
    ('page', 'changes'),
    [
        ('configs', {'SapiensRandomBackground': 0, 'SapiensRandomBlur': 1}),
        ('normal', {'SapiensRandomBackground': 1, 'SapiensRandomMapRotate': 1}),
    ],
)
def test_pages_change_a_pipeline_by_names(page, changes):
    pytest.importorskip('mmseg')
    text = (config_root().parent / f'docs/{page}.md').read_text(encoding='utf-8')
    (block,) = (
        block
        for block in re.findall(r'```python\n(.*?)```', text, re.S)
        if '_base_.steps' in block
    )
    assert positions(block) == []
    cfg = Config.fromstring(block, '.py')
    pipeline = cfg.train_dataloader.dataset.pipeline
    kinds = [step.type.rpartition('.')[2] for step in pipeline]
    assert {kind: kinds.count(kind) for kind in changes} == changes
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        assert len([TRANSFORMS.build(step) for step in pipeline]) == len(kinds)
