"""JSON files that begin with a byte order mark, through mmengine."""

import io

import pytest

mmengine = pytest.importorskip('mmengine')

from sapiens_mm import compat  # noqa: E402

MARKED = b'\xef\xbb\xbf{"a": [1, "\xc3\xa9"]}'
ASK = """
import sapiens_mm, mmengine, sys
print(mmengine.load(sys.argv[1]))
"""


@pytest.fixture
def path(tmp_path):
    file = tmp_path / 'a.json'
    file.write_bytes(MARKED)
    return file


def test_the_mark_is_left_out(path, tmp_path):
    expected = {'a': [1, 'é']}
    assert mmengine.load(path) == mmengine.load(str(path)) == expected
    text = io.StringIO(MARKED.decode('utf-8'))
    assert mmengine.load(text, file_format='json') == expected
    assert mmengine.load(io.BytesIO(MARKED), file_format='json') == expected
    path.write_bytes(MARKED[3:])
    assert mmengine.load(path) == expected
    out = tmp_path / 'b.json'
    mmengine.dump(expected, out, indent=4)
    assert mmengine.load(out) == expected


def test_a_file_that_is_no_json_is_still_refused(path):
    path.write_text('{')
    with pytest.raises(ValueError, match='Expecting property name'):
        mmengine.load(path)


def test_it_can_be_switched_off(run_python, path):
    code = ASK.replace('sys.argv[1]', repr(str(path)))
    assert run_python(code).stdout == "{'a': [1, 'é']}\n"
    assert 'Unexpected UTF-8 BOM' in run_python(code, disable='json_bom').stderr
    assert compat.status()['json_bom'].startswith('active: ')
