"""``activate`` and ``status`` as a whole, and ``python -m sapiens_mm``."""

import pytest

from sapiens_mm import compat

HEAVY = (
    'torch',
    'numpy',
    'mmengine',
    'mmcv',
    'mmdet',
    'mmseg',
    'mmpose',
    'pycocotools',
)


def test_activating_is_cheap(run_python):
    code = f"""
import sys
import sapiens_mm
print([name for name in {HEAVY} if name in sys.modules])
before = list(sys.meta_path)
sapiens_mm.compat.activate()
print(before == sys.meta_path, list(sapiens_mm.compat._installed))
"""
    lines = run_python(code).stdout.splitlines()
    assert lines == ['[]', f'True {list(compat.PATCHES)}']


def test_switching_mends_off(run_python):
    code = 'import sapiens_mm.compat as c\nprint(sorted(c._installed))'
    kept = sorted(set(compat.PATCHES) - {'ops', 'coco_eval'})
    assert run_python(code, disable='ops, coco_eval').stdout == f'{kept}\n'
    assert run_python(code, disable='all').stdout == '[]\n'
    wrong = run_python(code, disable='ops,opps').stderr
    assert 'SAPIENS_MM_DISABLE_PATCHES names opps; the patches are ops, ' in wrong


def test_the_variable_of_earlier_versions_is_heard(monkeypatch):
    monkeypatch.delenv(compat.DISABLE_VARIABLE, raising=False)
    monkeypatch.setenv('SAPIENS_MM_DISABLE_MENDS', 'ops')
    assert compat._disabled() == {'ops'}
    monkeypatch.setenv(compat.DISABLE_VARIABLE, 'hue')
    assert compat._disabled() == {'hue'}


def test_status_names_every_patch():
    status = compat.status()
    assert list(status) == list(compat.PATCHES)
    for line in status.values():
        assert line.startswith(('active: ', 'stands aside: ', 'idle: ', 'disabled: '))


def test_status_on_the_command_line(run_python):
    out = run_python(None, '-m', 'sapiens_mm', '--status', disable='all').stdout
    assert [line.split()[0] for line in out.splitlines()] == list(compat.PATCHES)
    named = 'disabled: named in SAPIENS_MM_DISABLE_PATCHES'
    assert out.count(named) == len(compat.PATCHES)


SCRIPT = """
import helper, pickle, sys
class Thing: size: int = 0
print(__name__, __file__, sys.argv, sys.path[0], helper.value)
print(Thing.__annotations__)
print(type(pickle.loads(pickle.dumps(Thing()))) is Thing, '__main__' in sys.modules)
print('sapiens_mm' in sys.modules, file=sys.stderr)
sys.exit(7)
"""


@pytest.mark.parametrize('how', ['tool/run.py', 'link.py'])
def test_scripts_run_as_python_runs_them(run_python, tmp_path, how):
    folder = tmp_path / 'tool'
    folder.mkdir()
    (folder / 'helper.py').write_text('value = 3')
    (folder / 'run.py').write_text(SCRIPT)
    (tmp_path / 'link.py').symlink_to(folder / 'run.py')
    plain = run_python(None, how, 'a', '--b')
    patched = run_python(None, '-m', 'sapiens_mm', how, 'a', '--b')
    assert patched.stdout == plain.stdout
    assert plain.stdout.startswith('__main__ ')
    assert f"['{how}', 'a', '--b'] {folder} 3" in plain.stdout
    assert (plain.returncode, patched.returncode) == (7, 7)
    assert (plain.stderr, patched.stderr) == ('False\n', 'True\n')


def test_modules_run_as_python_runs_them(run_python, tmp_path):
    (tmp_path / 'helper.py').write_text('value = 3')
    (tmp_path / 'made_up.py').write_text(SCRIPT)
    plain = run_python(None, '-m', 'made_up', 'a')
    patched = run_python(None, '-m', 'sapiens_mm', '-m', 'made_up', 'a')
    assert patched.stdout == plain.stdout
    assert str(tmp_path / 'made_up.py') in plain.stdout
    assert (plain.returncode, patched.returncode) == (7, 7)


@pytest.mark.parametrize(
    ('arguments', 'sentence'),
    [
        (['not_there.py'], "there is no script 'not_there.py' in "),
        (['.'], "there is no script '.' in "),
        (['-m', 'not_there'], "there is no module 'not_there'"),
        (['-m', 'not_there.at_all'], "there is no module 'not_there.at_all'"),
        (['-m'], '-m wants the name of a module'),
        (['--statsu'], 'there is no option --statsu'),
    ],
)
def test_command_lines_that_cannot_be_followed(run_python, arguments, sentence):
    run = run_python(None, '-m', 'sapiens_mm', *arguments)
    assert run.returncode == 2
    assert run.stdout == ''
    assert run.stderr.startswith(f'python -m sapiens_mm: {sentence}')
    assert run.stderr.count('\n') == 1


def test_usage(run_python):
    for arguments in ([], ['--help']):
        run = run_python(None, '-m', 'sapiens_mm', *arguments)
        assert run.stdout.startswith('usage: python -m sapiens_mm VERB')
        assert run.returncode == 0
