"""sapiens zoo: what is listed, and what is fetched."""

import pytest

from sapiens_mm.checkpoints import fetch, locate, released_files
from sapiens_mm.checkpoints.bundled import BUNDLED
from sapiens_mm.checkpoints.catalogue import catalogue
from sapiens_mm.cli.main import main

RELEASED = 'sapiens_0.3b_goliath_best_goliath_AP_573'


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty checkpoint folder, no cache and no network."""
    pytest.importorskip('huggingface_hub')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('SAPIENS_MM_CHECKPOINTS', str(tmp_path / 'weights'))
    monkeypatch.setattr(
        'huggingface_hub.try_to_load_from_cache', lambda repo, path: None
    )

    def refuse(*args, **kwargs):
        raise AssertionError('the network was used')

    monkeypatch.setattr(locate, 'from_hub', refuse)
    monkeypatch.setattr(locate, 'from_url', refuse)
    return tmp_path / 'weights'


def rows(capsys):
    lines = capsys.readouterr().out.split('\n\n')[0].splitlines()
    return {line.split()[0]: line for line in lines[1:]}


def test_everything_is_listed(capsys):
    assert main(['zoo']) == 0
    shown = rows(capsys)
    plain = {entry.name for entry in catalogue() if not entry.is_export}
    assert set(shown) == plain
    assert set(shown) >= {model.name for model in BUNDLED.values()} | {RELEASED}
    assert main(['zoo', '*']) == 0
    assert len(rows(capsys)) == len(released_files()) + len(BUNDLED)
    row = shown[RELEASED].split()
    assert row[1:4] == ['pose', '0.3b', 'goliath308']
    assert row[5:8] == ['AP', '57.3', 'no']
    assert row[8:] == ['CC-BY-NC-4.0', 'pose/sapiens_0.3b_goliath308-1024x768']
    bundled = shown['sapiens_tiny_synth_depth'].split()
    assert bundled[4:8] == ['12', 'δ1', '96.8', 'yes'] and 'Apache-2.0' in bundled


def test_patterns_tasks_and_sizes(capsys):
    assert main(['zoo', 'Goliath', '--task', 'pose', '--size', '1b']) == 0
    shown = rows(capsys)
    assert len(shown) == 4  # as released, two exports, and the one that was replaced
    assert all(' 1b ' in row and ' pose ' in row for row in shown.values())
    assert main(['zoo', 'wholebody*', '--size', '2b']) == 0
    assert all('wholebody133' in row for row in rows(capsys).values())
    assert main(['zoo', 'bfloat16', '--task', 'det']) == 2
    assert 'no model fits' in capsys.readouterr().err


def test_what_is_here_and_what_is_not(folder, capsys):
    assert main(['zoo', '--offline']) == 0
    assert set(rows(capsys)) == {model.name for model in BUNDLED.values()}
    folder.mkdir()
    (folder / f'{RELEASED}.pth').write_bytes(b'weights')
    assert main(['zoo', RELEASED]) == 0
    assert ' yes ' in rows(capsys)[RELEASED]
    assert main(['zoo', '--offline', '--fetch', RELEASED]) == 0
    assert capsys.readouterr().out == f'{folder / RELEASED}.pth\n'
    # where an earlier download over https has put it
    detector = next(f for f in released_files() if f.task == 'det')
    place = folder / fetch.url_place(detector.sources[-1])
    place.parent.mkdir(parents=True)
    place.write_bytes(b'weights')
    assert locate.find_here(detector) == place


def test_fetching(monkeypatch, tmp_path, capsys):
    assert main(['zoo', '--fetch', 'sapiens_tiny_synth28']) == 0
    assert capsys.readouterr().out == f'{BUNDLED["seg"].path}\n'
    for words in (
        ['--fetch', RELEASED, '--offline'],
        [RELEASED, '--fetch', '--offline'],
    ):
        assert main(['zoo', *words]) == 2
        error = capsys.readouterr().err
        assert 'is not on this machine' in error and f'{RELEASED}.pth' in error
    assert main(['zoo', '--fetch', 'sapiens_0.3b_goliath_best_goliath_AP_574']) == 2
    assert f'did you mean {RELEASED}' in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(['zoo', '--fetch'])
    assert 'the name of a model' in capsys.readouterr().err

    got = tmp_path / 'got.pth'
    monkeypatch.setattr(locate, 'from_hub', lambda repo, path, *_: got)
    assert main(['zoo', RELEASED, '--fetch']) == 0
    assert capsys.readouterr().out == f'{got}\n'


def test_figures_of_the_package_are_those_of_the_page(pytestconfig):
    page = pytestconfig.rootpath / 'docs/tiny_models.md'
    if not page.is_file():
        pytest.skip('not a checkout')
    text = page.read_text(encoding='utf-8')
    table = text[text.index('## Figures') :].partition('\n\n')[2]
    for row, shown in dict(
        pose=('| pose |', '0.600'),
        seg=('| parts, 28 |', '0.396'),
        depth=('| depth |', '0.968'),
        normal=('| normals |', '20.6°'),
        det=('| detector |', '0.655'),
    ).items():
        start, figure = shown
        line = next(line for line in table.splitlines() if line.startswith(start))
        assert figure in line
        number = float(figure.rstrip('°')) * (1 if '°' in figure else 100)
        assert f'{number:.1f}' in BUNDLED[row].metric
