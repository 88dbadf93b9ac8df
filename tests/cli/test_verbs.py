"""The command sapiens: verbs, requests, entry points."""

import dataclasses
import importlib
import inspect
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sapiens_mm.__main__ import main as python_m
from sapiens_mm.cli.convert import KINDS
from sapiens_mm.cli.main import VERBS, main
from sapiens_mm.cli.request import RequestParser

ROOT = Path(__file__).resolve().parents[2]
MODULES = [
    *(verb.replace('-', '_') for verb in VERBS if verb != 'convert'),
    *(f'convert_{kind}' for kind in KINDS),
]


class ReadError(Exception):
    """Carries a parser out of the command that made it."""


@pytest.fixture
def parser_of(monkeypatch):
    """A function from the module of a verb to its parser, with all options."""

    def read(parser, argv=None):
        raise ReadError(parser)

    def parser_of(name):
        with monkeypatch.context() as patch:
            patch.setattr(RequestParser, 'read', read)
            with pytest.raises(ReadError) as caught:
                importlib.import_module(f'sapiens_mm.cli.{name}').parse_args([])
        return caught.value.args[0]

    return parser_of


@pytest.mark.parametrize('name', MODULES)
def test_requests_are_frozen_and_have_a_field_an_option(parser_of, name):
    parser = parser_of(name)
    kind = parser._kind
    assert dataclasses.is_dataclass(kind) and kind.__dataclass_params__.frozen
    options = {action.dest for action in parser._actions} - {'help'}
    assert options == {field.name for field in dataclasses.fields(kind)}
    # Python 3.13 takes the indent of docstrings away by itself
    documented = '\n'.join(map(inspect.getdoc, kind.__mro__[:-1]))
    for option in options:
        assert f'    {option}: ' in documented, option


@pytest.mark.parametrize('name', MODULES)
def test_help_names_the_command_and_defaults_once(parser_of, name):
    text = ' '.join(parser_of(name).format_help().split())
    words = name.replace('convert_', 'convert ').replace('eval_maps', 'eval-maps')
    assert text.startswith(f'usage: sapiens {words} ') and 'SUPPRESS' not in text
    for action in parser_of(name)._actions:
        assert (action.help or '').count('default: ') <= 1


@pytest.mark.parametrize('words', [[], ['--help'], ['-h']])
def test_alone_it_lists_the_verbs(words, capsys):
    assert main(words) == 0
    shown = capsys.readouterr().out.splitlines()
    for verb, what in VERBS.items():
        assert sum(line.split() == [verb, *what.split()] for line in shown) == 1


@pytest.mark.parametrize(
    'wrong, near', [('trian', 'train'), ('imgae', 'image'), ('qqq', None)]
)
def test_unknown_verbs_are_one_sentence(wrong, near, capsys):
    assert main([wrong]) == 2
    error = capsys.readouterr().err
    assert error.count('\n') == 1 and repr(wrong) in error
    assert (f'did you mean {near}?' in error) == (near is not None)


def test_convert_lists_its_kinds(capsys):
    assert main(['convert', '--help']) == 0
    shown = capsys.readouterr().out
    assert all(kind in shown for kind in KINDS)
    assert main(['convert']) == 2


def test_python_m_is_the_same(capsys):
    assert main(['config', '--list']) == 0
    shown = capsys.readouterr().out
    assert 'pose/sapiens_0.3b_coco17-1024x768' in shown.splitlines()
    assert python_m(['config', '--list']) == 0
    assert capsys.readouterr().out == shown


def test_python_m_runs_a_users_script(tmp_path, monkeypatch, capsys):
    script = tmp_path / 'mine.py'
    script.write_text('import sys; print(__name__, sys.argv[1:])')
    monkeypatch.setattr(sys, 'argv', list(sys.argv))
    monkeypatch.setattr(sys, 'path', list(sys.path))
    monkeypatch.setitem(sys.modules, '__main__', sys.modules['__main__'])
    assert python_m([str(script), 'a', '--b']) == 0
    assert capsys.readouterr().out == "__main__ ['a', '--b']\n"
    # a file wins over a verb of the same name
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'train').write_text('print("my own train")')
    assert python_m(['train']) == 0
    assert capsys.readouterr().out == 'my own train\n'


def test_the_start_is_light():
    code = (
        'import sys; from sapiens_mm.cli.main import main; main(["--help"]);'
        'print(*sorted({"numpy", "torch", "cv2", "mmengine"} & set(sys.modules)))'
    )
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, '-c', code],
            **dict(cwd=ROOT, capture_output=True, text=True, check=True),
        )
        seconds.append(time.perf_counter() - began)
        assert done.stdout.splitlines()[-1] == ''
    assert min(seconds) < 0.3, seconds


@pytest.mark.parametrize('verb', ['train', 'browse', 'synth', 'check', 'zoo', 'web'])
def test_help_of_a_verb_needs_no_torch(verb):
    code = (
        'import sys; from sapiens_mm.cli.main import main\n'
        f'try: main(["{verb}", "--help"])\n'
        'except SystemExit: pass\n'
        'print(*sorted({"numpy", "torch", "cv2", "mmengine"} & set(sys.modules)))'
    )
    done = subprocess.run(
        [sys.executable, '-c', code],
        **dict(cwd=ROOT, capture_output=True, text=True, check=True),
    )
    assert done.stdout.splitlines()[-1] == ''


def entry_points():
    """Yield the scripts that users of the hosts look for, by their verbs."""
    verbs = dict(image_demo='image', video_demo='video', webui='web', train='train')
    verbs |= dict(test='test', print_config='config', browse_dataset='browse')
    verbs |= dict(convert_checkpoint='convert', synthesize_humans='synth')
    verbs |= dict(eval_maps='eval-maps')
    scripts = [*ROOT.glob('demo/*.py'), *ROOT.glob('tools/*.py')]
    scripts = {path.stem: path for path in scripts if path.stem != 'bootstrap'}
    assert set(scripts) == set(verbs)
    for name, verb in verbs.items():
        yield pytest.param(scripts[name], verb, id=name)


@pytest.mark.skipif(not (ROOT / 'demo').is_dir(), reason='not a checkout')
@pytest.mark.parametrize('path, verb', [*entry_points()])
def test_entry_points_are_short(path, verb):
    lines = path.read_text(encoding='utf-8').splitlines()
    assert len(lines) <= 10
    assert f"main(['{verb}', *sys.argv[1:]])" in lines[-1]


def test_the_word_astronaut(tmp_path, monkeypatch):
    from sapiens_mm.paths import EXAMPLES, example_image

    monkeypatch.chdir(tmp_path)
    assert example_image('astronaut') == EXAMPLES / 'astronaut.jpg'
    assert {p.stem for p in EXAMPLES.glob('*.jpg')} >= {'astronaut', 'synthetic_two'}
    assert example_image('nobody') is None and example_image('a/astronaut') is None
    (tmp_path / 'astronaut').mkdir()  # one's own comes first
    assert example_image('astronaut') is None
