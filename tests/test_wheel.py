"""A wheel of this checkout: what it holds, and what it does where nothing else is.

Commands run in an environment of its own and in an empty folder, so nothing of the
checkout can stand in for a file that the wheel lacks.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

import sapiens_mm

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ('pyproject.toml', 'setup.py', 'MANIFEST.in', 'README.md', 'LICENSE')
FOLDERS = ('sapiens_mm', 'configs', 'requirements')

pytestmark = pytest.mark.skipif(
    not (ROOT / 'pyproject.toml').is_file(), reason='not a checkout'
)


@pytest.fixture(scope='module')
def wheel(tmp_path_factory):
    """Path of a wheel, made of a copy: setuptools writes beside the sources."""
    folder = tmp_path_factory.mktemp('wheel')
    copy = folder / 'checkout'
    # also what must stay out, for a wheel of it all is what a mistake would make
    unwanted = shutil.ignore_patterns('__pycache__', '.mim', '*.pyc')
    for name in (*FOLDERS, 'tests', 'tools'):
        shutil.copytree(ROOT / name, copy / name, ignore=unwanted)
    for name in SOURCES:
        shutil.copy(ROOT / name, copy / name)
    pip('wheel', '--no-deps', '--no-build-isolation', '-w', folder, copy)
    return next(folder.glob('*.whl'))


@pytest.fixture(scope='module')
def bare(wheel, tmp_path_factory):
    """``bin`` of an environment that holds the wheel, not even its dependencies."""
    return install(wheel, tmp_path_factory.mktemp('bare') / 'venv')


@pytest.fixture(scope='module')
def furnished(wheel, tmp_path_factory):
    """``bin`` of one that also finds the packages that run this test."""
    folder = tmp_path_factory.mktemp('furnished') / 'venv'
    programs = install(wheel, folder)
    ours = Path(sysconfig.get_path('purelib')).relative_to(sys.prefix)
    # behind its own packages; .pth files in there, an editable sapiens_mm's among
    # them, are not read again
    packages = sorted({sysconfig.get_path(kind) for kind in ('purelib', 'platlib')})
    (folder / ours / 'zz_packages.pth').write_text('\n'.join(packages))
    return programs


def pip(*arguments):
    """Run the pip of this environment, without an index."""
    done = subprocess.run(
        [sys.executable, '-m', 'pip', '--quiet', *map(str, arguments)],
        env={**os.environ, 'PIP_NO_INDEX': '1', 'PIP_DISABLE_PIP_VERSION_CHECK': '1'},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def install(wheel, folder):
    subprocess.run([sys.executable, '-m', 'venv', '--without-pip', folder], check=True)
    pip('--python', folder, 'install', '--no-deps', '--no-compile', wheel)
    return folder / ('Scripts' if os.name == 'nt' else 'bin')


def run(programs, *arguments, cwd, code=0):
    """Run ``sapiens`` as a user of the environment; return all that it printed."""
    hidden = ('PYTHON', 'SAPIENS_MM', 'PYTEST')
    environ = {k: v for k, v in os.environ.items() if not k.startswith(hidden)}
    done = subprocess.run(
        [str(programs / 'sapiens'), *map(str, arguments)],
        cwd=cwd,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == code, done.stdout[-3000:]
    return done.stdout


# -- what it holds --------------------------------------------------------------------


def test_files(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    folders = {name.partition('/')[0] for name in names}
    info = f'sapiens_mm-{sapiens_mm.__version__}.dist-info'
    assert folders == {'sapiens_mm', info}
    unwanted = ('.pyc', '.so', '.md~', '.orig')
    assert not [n for n in names if n.endswith(unwanted) or '__pycache__' in n]

    def below(folder, pattern):
        return {p.relative_to(ROOT).as_posix() for p in (ROOT / folder).rglob(pattern)}

    assert names >= {f'sapiens_mm/.mim/{name}' for name in below('configs', '*.*')} - {
        f'sapiens_mm/.mim/{name}' for name in below('configs', '*.pyc')
    }
    assert names >= below('sapiens_mm', '*.py')
    assert 'sapiens_mm/py.typed' in names
    for folder in ('weights', 'examples', 'synth/data'):
        files = below(f'sapiens_mm/{folder}', '*.*')
        assert len(files) >= 4 and names >= files


def test_metadata(wheel):
    """The extras ask for packages of an index; none for an address or a path."""
    with zipfile.ZipFile(wheel) as file:
        info = f'sapiens_mm-{sapiens_mm.__version__}.dist-info'
        lines = file.read(f'{info}/METADATA').decode().split('\n\n')[0].splitlines()
        scripts = file.read(f'{info}/entry_points.txt').decode()
    assert 'sapiens = sapiens_mm.cli.main:main' in scripts
    extras = {line.split()[1] for line in lines if line.startswith('Provides-Extra')}
    assert extras >= {'pose', 'seg', 'det', 'synth', 'demo', 'webui', 'all'}
    wanted = [line for line in lines if line.startswith('Requires-Dist')]
    assert any('torch>=' in line for line in wanted)
    assert not [line for line in wanted if '@' in line or 'file:' in line]


# -- where nothing else is installed ---------------------------------------------------


def test_what_needs_no_package(bare, tmp_path):
    version = f'sapiens_mm {sapiens_mm.__version__}'
    assert run(bare, '--version', cwd=tmp_path).strip() == version
    shown = run(bare, cwd=tmp_path)
    assert shown == run(bare, '--help', cwd=tmp_path) and 'image ' in shown
    for verb in ('image', 'video', 'synth'):
        assert f'usage: sapiens {verb}' in run(bare, verb, '--help', cwd=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_names_of_configs_need_no_package(bare, tmp_path):
    listed = run(bare, 'config', '--list', cwd=tmp_path).split()
    assert listed == sapiens_mm.paths.config_names()


@pytest.mark.parametrize(
    'arguments',
    [
        ('image', 'photo.jpg'),
        ('video', 'video.mp4'),
        ('train', 'pose/sapiens_0.3b_coco17-1024x768', '--dry-run'),
        ('test', 'pose/sapiens_0.3b_coco17-1024x768', 'a.pth'),
        ('browse', 'pose/sapiens_0.3b_coco17-1024x768'),
        ('config', 'pose/sapiens_0.3b_coco17-1024x768'),
        ('convert', 'a.pth', 'b.pth'),
        ('synth', 'out', '--num', '2'),
        ('eval-maps', 'depth', '--pred', 'a', '--gt', 'b'),
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_missing_package_is_one_sentence(bare, tmp_path, arguments):
    """It names the package and the line that brings it."""
    said = run(bare, *arguments, cwd=tmp_path, code=2)
    assert len(said.splitlines()) == 1 and said.startswith('error: ')
    assert 'is not installed; bring it with: pip install' in said
    assert list(tmp_path.iterdir()) == []


# -- beside the packages that run this test --------------------------------------------


@pytest.mark.slow
def test_a_image(furnished, tmp_path):
    pytest.importorskip('mmseg')
    import cv2

    from sapiens_mm.testing import fake_person_image

    cv2.imwrite(str(tmp_path / 'photo.png'), fake_person_image(0, (160, 120)))
    out = tmp_path / 'out'
    words = ('image', 'photo.png', '--task', 'seg', '--out-dir', out)
    run(furnished, *words, '--device', 'cpu', cwd=tmp_path)
    pictures = [p for p in out.rglob('*') if p.suffix in ('.png', '.jpg')]
    assert pictures and all(cv2.imread(str(p)) is not None for p in pictures)


@pytest.mark.slow
@pytest.mark.parametrize('task', ['pose', 'seg'])
def test_people_are_made_and_trained_on(furnished, tmp_path, task):
    """With the configs and the asset of the wheel; the dry run leaves nothing."""
    pytest.importorskip('numba')
    pytest.importorskip(f'mm{task}')
    data = ('data/synth_humans', '--num', '2', '--size', '256x192')
    run(furnished, 'synth', *data, cwd=tmp_path)
    made = sorted(tmp_path.rglob('*'))
    name = {'pose': 'synth308', 'seg': 'synth28'}[task]
    config = f'{task}/sapiens_tiny_{name}-256x192'
    shown = run(furnished, 'train', config, '--dry-run', cwd=tmp_path)
    assert 'dry run' in shown
    assert sorted(tmp_path.rglob('*')) == made
