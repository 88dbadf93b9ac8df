"""Texts that name settings: each name exists, and what a function reads is said."""

import ast
import re
from dataclasses import fields
from pathlib import Path

import pytest

import sapiens_mm.synth
from sapiens_mm.synth.dataset.settings import DatasetSettings
from sapiens_mm.synth.scene_settings import SceneSettings

ROOM = Path(sapiens_mm.synth.__file__).parent
DOCS = Path(__file__).parents[2] / 'docs'
NAMES = {setting.name for setting in fields(SceneSettings)}
DRAWS = {'settings.choose', 'settings.draw', 'settings.weights'}


def functions():
    """Yield (where, function) for the functions of the generator."""
    for path in sorted(ROOM.rglob('*.py')):
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, ast.FunctionDef):
                yield f'{path.relative_to(ROOM)} {node.name}', node


def read_by(function):
    """Return the names of the scene settings that a function itself reads."""
    read = set()
    for node in ast.walk(function):
        if not isinstance(node, ast.Attribute):
            continue
        owner = ast.unparse(node.value)
        if owner in ('settings', 'settings.scene') and node.attr in NAMES:
            read.add(node.attr)
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in DRAWS:
            words = [n for n in ast.walk(node.args[0]) if isinstance(n, ast.Constant)]
            read |= {n.value for n in words if isinstance(n.value, str)}
    return read


def named_for_settings(function):
    """Return the names that a docstring gives for the argument ``settings``."""
    text = ast.get_docstring(function) or ''
    found = re.search(r'^    settings: (.*?)(?=^    \w+: |^\S|\Z)', text, re.M | re.S)
    return set(re.findall(r'``(\w+)``', found.group(1))) if found else set()


def test_docstrings_name_the_settings_that_are_read():
    listing = {
        where: (named_for_settings(f), read_by(f))
        for where, f in functions()
        if named_for_settings(f) and 'settings: SceneSettings' in ast.unparse(f.args)
    }
    assert len(listing) >= 5
    unknown = {w: named - NAMES for w, (named, _) in listing.items() if named - NAMES}
    assert not unknown
    unsaid = {w: read - named for w, (named, read) in listing.items() if read - named}
    assert not unsaid


def test_every_setting_is_read_somewhere():
    assert set().union(*(read_by(function) for _, function in functions())) == NAMES


def test_the_class_names_only_settings_that_exist():
    path = ROOM / 'scene_settings.py'
    (body,) = (
        node.body
        for node in ast.parse(path.read_text(encoding='utf-8')).body
        if isinstance(node, ast.ClassDef)
    )
    texts = [
        node.value.value
        for node in body[1:]
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    ]
    assert len(texts) > 20
    assert set(re.findall(r'``(\w+)``', ' '.join(texts))) <= NAMES


def test_the_page_lists_every_setting_once():
    page = (DOCS / 'synth.md').read_text(encoding='utf-8')
    table = page.partition('| settings | |')[2].partition('\n\n')[0]
    rows = re.findall(r'^\| (`[^|]*) \|', table, re.M)
    listed = [name for row in rows for name in re.findall(r'`(\w+)`', row)]
    assert sorted(listed) == sorted(NAMES)


def test_pages_set_what_exists():
    for page in sorted(DOCS.glob('*.md')):
        words = re.findall(r'--set ([a-z_]+)=', page.read_text(encoding='utf-8'))
        assert set(words) <= NAMES, page.name


@pytest.mark.parametrize(
    ('option', 'default'),
    [
        ('seed', DatasetSettings().seed),
        ('size', 'x'.join(map(str, DatasetSettings().size_hw))),
        ('split', ' '.join(f'{share:g}' for share in DatasetSettings().shares)),
        ('depth-mm', DatasetSettings().depth_mm),
        ('shard-size', DatasetSettings().shard_size),
    ],
)
def test_the_page_states_the_defaults(option, default):
    page = (DOCS / 'synth.md').read_text(encoding='utf-8')
    (stated,) = re.findall(rf'^\| `--{option}` \| `?([^|`]+)`? \|', page, re.M)
    assert stated == str(default)


def test_the_checks_find_what_is_stale():
    code = (
        'def f(settings):\n    """Draw.\n\n    Args:\n'
        '        settings: ``hats`` only.\n            And ``beard``.\n'
        '        other: ``sun``.\n    """\n'
        "    return settings.hat + settings.draw('noise', 1)"
    )
    (function,) = ast.parse(code).body
    assert named_for_settings(function) == {'hats', 'beard'}
    assert read_by(function) == {'hat', 'noise'}
