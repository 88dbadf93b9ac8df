"""tools/make_images.py: sizes of what it writes; what it draws has other tests."""

import cv2
import numpy as np
import pytest
from script_util import load_script

pytest.importorskip('numba')


@pytest.fixture(scope='module')
def tool():
    return load_script('tools/dev/make_images.py')


def test_images_are_small_enough(tool, tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (500, 600, 3), np.uint8)
    tool.write_small(tmp_path / 'a.jpg', noise)
    assert 0.7 * tool.LARGEST < (tmp_path / 'a.jpg').stat().st_size <= tool.LARGEST
    tool.write_small(tmp_path / 'b.jpg', noise[:50, :60])
    good = cv2.imencode('.jpg', noise[:50, :60], [cv2.IMWRITE_JPEG_QUALITY, 92])[1]
    assert (tmp_path / 'b.jpg').read_bytes() == good.tobytes()
    for name in tool.IMAGES:
        path = tool.ROOT / f'docs/images/{name}.jpg'
        assert path.stat().st_size <= tool.LARGEST


def test_rows_of_any_width_become_a_sheet(tool):
    rows = [np.full((20, 40, 3), 9, np.uint8), np.full((10, 30, 3), 7, np.uint8)]
    sheet = tool.sheet(rows, 80)
    assert sheet.shape == (60, 80, 3)
    assert (sheet[:39] == 9).all() and (sheet[41:, :59] == 7).all()
    assert (sheet[41:, 61:] == 255).all()


def test_an_unknown_image(tool, capsys):
    with pytest.raises(SystemExit, match='2'):
        tool.main(['tiny_cat'])
    assert 'tiny_cat is none of outputs, synth_samples' in capsys.readouterr().err
