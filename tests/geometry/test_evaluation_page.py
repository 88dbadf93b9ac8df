"""The code and the table of figures of docs/evaluation.md."""

import ast
import re
from pathlib import Path

import pytest

pytest.importorskip('mmseg')

PAGE = (Path(__file__).parents[2] / 'docs/evaluation.md').read_text(encoding='utf-8')
EXAMPLE, FUNCTIONS = re.findall(r'^```python\n(.*?)^```', PAGE, re.M | re.S)
ROWS = re.findall(r'^\| (`(?:sapiens|david|raw)`.*?)((?:\| [\d.]+ ){3})\|$', PAGE, re.M)


@pytest.fixture(scope='module')
def score():
    names = {}
    exec(EXAMPLE, names)
    return names['score']


@pytest.mark.parametrize(('choice', 'figures'), ROWS, ids=[row[0] for row in ROWS])
def test_the_table_is_what_the_example_gives(score, choice, figures):
    preset, *changes = re.findall(r'`([^`]+)`', choice)
    values = [change.split('=') for change in changes]
    got = score(protocol=preset, **{name: ast.literal_eval(v) for name, v in values})
    expected = [float(word) for word in figures.split('|') if word.strip()]
    assert [got[name] for name in ('rmse', 'abs_rel', 'silog')] == pytest.approx(
        expected, abs=1e-4
    )


def test_the_table_was_found():
    assert len(ROWS) == 8


def test_the_functions_do_what_the_page_says():
    exec(FUNCTIONS, {})
