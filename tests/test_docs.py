"""The pages name things that exist, and their code is code."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest

from sapiens_mm.cli.main import VERBS
from sapiens_mm.paths import config_names

ROOT = Path(__file__).parents[1]
PAGES = [*sorted(ROOT.glob('docs/*.md')), *sorted(ROOT.glob('*.md'))]
# the site shows no others, the repository does
MORE_PAGES = [
    *sorted(ROOT.glob('.github/**/*.md')),
    *sorted(ROOT.glob('configs/**/*.md')),
    *sorted(ROOT.glob('sapiens_mm/**/[A-Z]*.md')),
]
SIZES = ('0.3b', '0.6b', '1b', '2b')

FENCE = re.compile(r'^```(\w*)\n(.*?)^```', re.M | re.S)
LINK = re.compile(r'\]\(([^)\s]+)(?: "[^"]*")?\)')
VERB = re.compile(r'(?:^|[`/ ])sapiens ([a-z][a-z-]+)')
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


@pytest.fixture(params=PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def page(request):
    return request.param


@pytest.fixture(scope='module')
def kept():
    """What a page of the repository shows: files that git has or would take."""
    command = ['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard']
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        pytest.skip('not a checkout of git')
    names = os.fsdecode(done.stdout).split('\0')[:-1]
    return {name for name in names if (ROOT / name).is_file()}


def broken_links(page, kept):
    """Return the links of a page to nothing in the repository."""
    folders = {parent.as_posix() for name in kept for parent in Path(name).parents}
    broken = []
    for target in LINK.findall(FENCE.sub('', read(page))):
        if re.match(r'\w+:', target):
            continue
        name, _, anchor = target.partition('#')
        path = (page.parent / name).resolve() if name else page
        there = path.is_relative_to(ROOT) and (
            path.relative_to(ROOT).as_posix() in kept | folders
        )
        if not there or (anchor and anchor not in anchors(path)):
            broken.append(target)
    return broken


def test_links_resolve(page, kept):
    assert broken_links(page, kept) == []


@pytest.mark.parametrize('page', MORE_PAGES, ids=lambda page: page.parent.name)
def test_links_of_other_pages_resolve(page, kept):
    assert broken_links(page, kept) == []


def test_links_that_do_not_resolve(tmp_path, kept):
    page = ROOT / 'docs/none.md'
    here = {'docs/none.md', 'docs/install.md', 'docs/images/outputs.jpg'}

    def broken(text):
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(globals(), 'read', lambda path: text)
            return broken_links(page, here)

    assert broken('[a](install.md) ![b](images/outputs.jpg "c") [d](images/)') == []
    assert broken('[a](https://x.org) [b](#title)\n\n# Title') == []
    for target in ('gone.md', '../README.md', '../../x', '#gone', 'images/a.jpg'):
        assert broken(f'[a]({target})') == [target]


def test_verbs_exist(page):
    """In commands and code, where the word after the program is a verb."""
    text = read(page)
    code = [code for kind, code in FENCE.findall(text) if kind in ('', 'bash', 'shell')]
    code += re.findall(r'`([^`\n]+)`', FENCE.sub('', text))
    named = {verb for part in code for verb in VERB.findall(part)}
    assert named <= set(VERBS)


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


def test_every_page_is_in_the_sidebar_of_the_site_once():
    navigation = runpy.run_path(str(ROOT / 'docs/conf.py'))['NAVIGATION']
    shown = [page for pages in navigation.values() for page in pages]
    names = [page.relative_to(ROOT).with_suffix('').as_posix() for page in PAGES]
    assert sorted([*shown, 'README']) == sorted(names)


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path):
    """And each link in it leads to a file of it, on a machine without a network."""
    python = os.environ.get('SAPIENS_MM_DOCS_PYTHON', sys.executable)
    find = 'import importlib.util as u; [u.find_spec(n).origin for n in {}]'
    needed = ['sphinx', 'myst_parser', 'furo']
    if subprocess.run([python, '-c', find.format(needed)], stderr=-3).returncode:
        pytest.skip("the site needs pip install -e '.[docs]'")
    site = tmp_path / 'site'
    done = subprocess.run(
        [python, '-m', 'sphinx', '-W', '--keep-going', '-q', '-c', 'docs', '.', site],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and not done.stderr, done.stderr
    broken, pages = [], sorted(site.rglob('*.html'))
    assert len(pages) > len(PAGES)
    for page in pages:
        text = page.read_text(encoding='utf-8')
        for target in re.findall(r'(?:href|src)="([^"]+)"', text):
            name, _, anchor = unquote(target).partition('#')
            if re.match(r'\w+:|//', target):
                continue
            path = (page.parent / name.partition('?')[0]).resolve() if name else page
            if not path.is_file() or (
                anchor and f'id="{anchor}"' not in path.read_text(encoding='utf-8')
            ):
                broken.append((page.name, target))
    assert not broken
    assert 'url=README.html' in (site / 'index.html').read_text()
    assert 'Train on your own data' in (site / 'README.html').read_text()


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
