"""The committed page of the model zoo is what the tool writes."""

import re

import pytest
from script_util import load_script

from sapiens_mm.checkpoints import find_released, released_files
from sapiens_mm.checkpoints.bundled import BUNDLED
from sapiens_mm.checkpoints.zoo import APACHE, CC_BY_NC
from sapiens_mm.paths import config_names


@pytest.fixture(scope='module')
def tool():
    return load_script('tools/dev/make_model_zoo.py')


def rows(page):
    """Return the cells of every table row whose first cell is a name."""
    lines = [line for line in page.splitlines() if line.startswith('| `')]
    return [[cell.strip(' `') for cell in line.strip('|').split('|')] for line in lines]


def test_the_committed_page_is_current(tool):
    assert tool.main(['--check']) == 0


def test_check_tells_a_stale_page_and_leaves_it(tool, tmp_path, capsys):
    page = tmp_path / 'zoo.md'
    assert tool.main(['--check', '--page', str(page)]) == 1
    assert not page.exists()
    page.write_text(tool.render().replace('79.6', '99.6'), encoding='utf-8')
    assert tool.main(['--check', '--page', str(page)]) == 1
    assert 'zoo.md is stale: run tools/dev/make_model_zoo.py' in capsys.readouterr().err
    assert '99.6' in page.read_text(encoding='utf-8')
    assert tool.main(['--page', str(page)]) == 0
    assert tool.main(['--check', '--page', str(page)]) == 0


def test_each_original_has_one_row_with_its_config_and_licence(tool):
    found = {row[0]: row for row in rows(tool.render())}
    originals = [f for f in released_files() if f.format == 'pth']
    assert len(found) == len(rows(tool.render()))
    for file in originals:
        row = found[file.name]
        assert file.config in row
        expected = APACHE if file.task == 'det' else CC_BY_NC
        assert expected.partition(' ')[0] in row
        assert not file.metric or file.metric in row
    assert found['sapiens_0.3b_coco_best_coco_AP_796'][3] == 'AP 79.6'


def test_every_released_file_can_be_reached_from_the_page(tool):
    page, reached = rows(tool.render()), set()
    for row in page:
        reached.add(row[0])
        sizes = row[1].split(' · ')
        for form, size in zip(('torchscript', 'bfloat16'), sizes[1:], strict=False):
            name = f'{row[0].removesuffix("_clean")}_{form}'
            assert (find_released(name) is not None) == (size != '–'), name
            if size != '–':
                reached.add(name)
    own = {model.name for model in BUNDLED.values()}
    assert reached == {file.name for file in released_files()} | own


def test_short_names_are_on_the_page(tool):
    names = [file.short_name for file in released_files() if file.short_name]
    assert names and all(f'`{name}`' in tool.render() for name in names)


def test_every_config_is_either_fitted_or_listed_as_without_weights(tool):
    page = tool.render()
    named = set(
        re.findall(r'`((?:pose|seg|depth|normal|mae|det|multitask)/[\w.-]+)`', page)
    )
    wanted = {name for name in config_names() if not name.startswith('examples/')}
    assert named == wanted
