"""The pages name things that exist, and their code is code."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sapiens_mm.paths import config_names

ROOT = Path(__file__).parents[1]
PAGES = [*sorted(ROOT.glob('docs/*.md')), *ROOT.glob('README.md')]
SIZES = ('0.3b', '0.6b', '1b', '2b')

FENCE = re.compile(r'^```(\w*)\n(.*?)^```', re.M | re.S)
LINK = re.compile(r'\]\(([^)\s]+)\)')
CONFIG = re.compile(r'(?<![\w/.-])(?:pose|seg|depth|normal|mae|det|multitask)/[\w.-]+')
OUR_PATH = re.compile(
    r'(?<![\w/.-])(?:sapiens_mm|configs|demo|tools|tests|requirements)/[\w./-]+'
)


def read(page):
    return page.read_text(encoding='utf-8')


def python_blocks(page):
    return [code for kind, code in FENCE.findall(read(page)) if kind == 'python']


def anchors(page):
    """Return the anchors of a page's headings, as GitHub makes them."""
    text = FENCE.sub('', read(page))
    titles = re.findall(r'^#+ +(.+)$', text, re.M)
    return {re.sub(r'[^\w -]', '', t.lower()).strip().replace(' ', '-') for t in titles}


def config_mentions(text):
    """Yield the config names in a text, ``{size}`` written out."""
    for size in SIZES:
        whole = text.replace('{size}', size)
        for match in CONFIG.finditer(whole):
            is_folder = whole[match.end() : match.end() + 1] == '/'
            if not is_folder:
                yield match.group().rstrip('.').removesuffix('.py')


@pytest.fixture(params=PAGES, ids=lambda page: page.name)
def page(request):
    return request.param


def test_links_resolve(page):
    broken = []
    for target in LINK.findall(FENCE.sub('', read(page))):
        if re.match(r'\w+:', target):
            continue
        name, _, anchor = target.partition('#')
        path = page.parent / name if name else page
        if not path.exists() or (anchor and anchor not in anchors(path)):
            broken.append(target)
    assert not broken


def test_python_blocks_compile(page):
    for number, code in enumerate(python_blocks(page)):
        compile(code, f'{page.name}[{number}]', 'exec')


def test_configs_exist(page):
    known = set(config_names())
    assert sorted(set(config_mentions(read(page))) - known) == []


def test_paths_of_ours_exist(page):
    names = {name.rstrip('.') for name in OUR_PATH.findall(read(page))}
    assert sorted(name for name in names if not (ROOT / name).exists()) == []


def test_every_page_is_on_the_map():
    linked = set(LINK.findall(read(ROOT / 'docs/README.md')))
    assert {page.name for page in ROOT.glob('docs/*.md')} - linked == {'README.md'}


def test_the_checks_find_mistakes():
    known = set(config_names())
    text = 'take `pose/sapiens_{size}_coco17-1024x768.py`, seg/sapiens_9b, pose/demo/x'
    wrong = {name for name in config_mentions(text) if name not in known}
    assert wrong == {'seg/sapiens_9b'}
    assert OUR_PATH.findall('`tools/none.py` but not path/to/tools/train.py') == [
        'tools/none.py'
    ]


@pytest.mark.slow
def test_the_example_of_extend_runs(tmp_path):
    pytest.importorskip('mmseg')
    for code in python_blocks(ROOT / 'docs/extend.md'):
        name = re.match(r'# (\w+\.py)\n', code).group(1)
        (tmp_path / name).write_text(code, encoding='utf-8')
    folders = os.pathsep.join([str(ROOT), str(tmp_path)])
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', 'albedo_try.py'],
        cwd=tmp_path,
        env={**os.environ, 'PYTHONPATH': folders},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].endswith('albedo (64, 48, 3)')
