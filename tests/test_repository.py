"""Files around the package: one version, an image to build, forms and workflows."""

import fnmatch
import re
import shlex
from pathlib import Path

import pytest
import yaml

import sapiens_mm

ROOT = Path(__file__).resolve().parents[1]
GITHUB = sorted((ROOT / '.github').rglob('*.yml'))

pytestmark = pytest.mark.skipif(
    not (ROOT / 'pyproject.toml').is_file(), reason='not a checkout'
)


def text_of(name):
    return (ROOT / name).read_text(encoding='utf-8')


# -- version --------------------------------------------------------------------------


def test_one_version():
    """It stands in the package; what must repeat it is compared here."""
    version = sapiens_mm.__version__
    assert re.fullmatch(r'\d+\.\d+\.\d+((a|b|rc|\.dev)\d+)?', version)
    assert yaml.safe_load(text_of('CITATION.cff'))['version'] == version
    newest = re.search(r'^## \[(\d.*?)\]', text_of('CHANGELOG.md'), re.M).group(1)
    assert newest == version
    project = text_of('pyproject.toml')
    assert "version = { attr = 'sapiens_mm.__version__' }" in project
    assert "dynamic = ['version'" in project


# -- container ------------------------------------------------------------------------


def instructions(text):
    """Return (word, rest) of each instruction of a Dockerfile, lines joined."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith('#')]
    joined = re.sub(r'\\\s*\n', ' ', '\n'.join(lines))
    return [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip()]


def ignored(path, rules):
    """Tell whether .dockerignore leaves a path out; the last rule that fits wins."""
    out = False
    parents = [path, *(p.as_posix() for p in Path(path).parents if p != Path('.'))]
    for rule in rules:
        pattern = rule.removeprefix('!')
        patterns = [pattern, pattern.removeprefix('**/')]
        if any(fnmatch.fnmatchcase(p, q) for p in parents for q in patterns):
            out = not rule.startswith('!')
    return out


def test_dockerfile():
    found = instructions(text_of('Dockerfile'))
    known = {'ARG', 'FROM', 'RUN', 'ENV', 'WORKDIR', 'COPY', 'USER', 'ENTRYPOINT'}
    words = [word for word, _ in found]
    assert set(words) <= known
    assert words[:2] == ['ARG', 'FROM'] and found[1][1] == '${BASE}'
    arguments = dict(rest.split('=', 1) for word, rest in found if word == 'ARG')
    assert arguments['TORCH'] == 'cpu' and 'cuda' not in arguments['BASE']
    for word, rest in found:
        if word in ('RUN', 'COPY', 'ENV'):
            assert shlex.split(rest)
    users = [rest for word, rest in found if word == 'USER']
    assert users and users[-1] not in ('root', '0')
    # what starts is what the user without rights may start
    assert words.index('USER') < words.index('ENTRYPOINT')


def test_what_the_image_copies_exists_and_is_sent():
    rules = [
        line
        for line in text_of('.dockerignore').splitlines()
        if line and not line.startswith('#')
    ]
    sources = []
    for word, rest in instructions(text_of('Dockerfile')):
        if word == 'COPY':
            sources += shlex.split(rest)[:-1]
    assert {'sapiens_mm', 'configs', 'requirements', 'tools'} <= set(sources)
    for source in sources:
        assert (ROOT / source).exists(), source
        assert not ignored(source, rules), source
        # what was taken out again must not be all of it
        files = [p for p in (ROOT / source).rglob('*.*') if p.is_file()]
        kept = [p for p in files if not ignored(p.relative_to(ROOT).as_posix(), rules)]
        assert bool(kept) == bool(files)
    for name in ('.git', '.venv/bin/python', 'data/a.jpg', 'sapiens_mm/a/b.pyc'):
        assert ignored(name, rules), name
    # what the build of the package reads
    for name in ('pyproject.toml', 'setup.py', 'README.md', 'LICENSE'):
        assert name in sources


def test_the_command_of_the_image_is_one_of_bootstrap():
    """The options exist, and the environment is where PATH looks."""
    line = next(
        rest
        for word, rest in instructions(text_of('Dockerfile'))
        if word == 'RUN' and 'bootstrap.py' in rest
    )
    words = shlex.split(line.split('&&')[0])
    venv = words[words.index('--venv') + 1]
    assert words[:3] == ['python3', 'tools/bootstrap.py', 'install']
    source = text_of('tools/_bootstrap/cli.py')
    assert all(f"'{word}'" in source for word in words if word.startswith('--'))
    assert f'PATH={venv}/bin:$PATH' in text_of('Dockerfile')


# -- forms and workflows --------------------------------------------------------------


@pytest.mark.parametrize('path', GITHUB, ids=lambda path: path.stem)
def test_yaml_parses(path):
    content = yaml.safe_load(path.read_text(encoding='utf-8'))
    assert isinstance(content, dict)
    if path.parent.name == 'workflows':
        for job in content['jobs'].values():
            assert job['timeout-minutes'] <= 60
            assert all(('uses' in step) != ('run' in step) for step in job['steps'])
        # yaml takes the word "on" for a boolean
        assert content['permissions'] == {'contents': 'read'} and content[True]
    elif path.name != 'config.yml':
        assert content['name'] and content['description']
        fields = [field for field in content['body'] if field['type'] != 'markdown']
        names = [field['id'] for field in fields]
        assert len(set(names)) == len(names)
        kinds = {'textarea', 'input', 'dropdown', 'checkboxes'}
        assert {field['type'] for field in fields} <= kinds
        assert all(field['attributes']['label'] for field in fields)


def test_ci_is_what_anybody_can_run():
    jobs = yaml.safe_load(text_of('.github/workflows/ci.yml'))['jobs']
    steps = [step for job in jobs.values() for step in job['steps']]
    assert [step['run'].split()[0] for step in steps if 'run' in step] == ['.ci/run']
    oldest, newest = re.search(
        r"requires-python = '>=3\.(\d+),<3\.(\d+)'", text_of('pyproject.toml')
    ).groups()
    tried = jobs['test']['strategy']['matrix']['python']
    assert tried == [f'3.{oldest}', f'3.{int(newest) - 1}']


def test_forms_ask_for_the_versions():
    for name in ('bug', 'wrong_numbers'):
        assert 'python -m sapiens_mm --status' in text_of(
            f'.github/ISSUE_TEMPLATE/{name}.yml'
        )
    assert '[SECURITY.md](../SECURITY.md)' in text_of('docs/trust.md')
