"""Options of image_demo.py for body parts, on a tiny model."""

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip('mmseg')

from sapiens_mm.apis import SegInferencer
from sapiens_mm.apis.label_cleanup import CleanUp
from sapiens_mm.saving.results import write_palette
from sapiens_mm.tables import part_table
from sapiens_mm.testing import build_model, fake_person_image, tiny_config

BOXES = [[10, 12, 40, 60], [30, 5, 60, 76]]
TABLE = part_table('goliath28')


@pytest.fixture(scope='module')
def demo():
    from sapiens_mm.cli import image as image_demo
    from sapiens_mm.runs import image_run as demo_run

    yield image_demo, demo_run


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp('seg')
    (folder / 'seg').mkdir()
    cfg = tiny_config('seg/sapiens_0.3b_goliath28-1024x768')
    cfg.dump(folder / 'seg/tiny.py')
    torch.save(build_model(cfg).state_dict(), folder / 'seg.pth')
    return str(folder / 'seg/tiny.py'), str(folder / 'seg.pth')


@pytest.fixture
def call(demo, model, tmp_path):
    """Return a function that runs the demo on one image, and its output folder."""
    photo = tmp_path / 'a.png'
    cv2.imwrite(str(photo), fake_person_image(2, (80, 66)))
    out = tmp_path / 'out'
    words = ['--config', model[0], '--checkpoint', model[1], '--device', 'cpu']

    def run(*argv):
        return demo[0].main([str(photo), *words, '--out-dir', str(out), *argv])

    return run, out


def read(path):
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


def files(out):
    return sorted(p.relative_to(out).as_posix() for p in out.rglob('*.*g'))


def test_palette(call, model):
    run, out = call
    assert run('--palette') == 0
    assert files(out) == ['seg/a.png', 'seg/palette/a.png', 'seg/pictures/a.jpg']
    labels = read(out / 'seg/a.png')
    with Image.open(out / 'seg/palette/a.png') as picture:
        assert picture.mode == 'P'
        np.testing.assert_array_equal(np.asarray(picture), labels)
        np.testing.assert_array_equal(
            np.asarray(picture.convert('RGB')), np.array(TABLE.palette)[labels]
        )


def test_unlabelled_pixels_of_a_palette_are_grey(tmp_path):
    labels = np.array([[0, 3], [255, 40]], np.uint8)
    write_palette(tmp_path / 'l.png', labels, TABLE)
    bgr = read(tmp_path / 'l.png')
    assert bgr[0, 1].tolist() == list(TABLE.palette[3])[::-1]
    assert bgr[1].tolist() == [[220] * 3] * 2


def test_persons_and_clean_up(call, model, tmp_path, capsys):
    run, out = call
    boxes = ('--boxes', str(BOXES))
    assert run('--seg-mode', 'person', *boxes, '--resize', 'once') == 0
    assert files(out) == ['seg/a.png', 'seg/persons/a.png', 'seg/pictures/a.jpg']
    seg = SegInferencer(*model, device='cpu', mode='person', resize='once')
    result = seg(tmp_path / 'a.png', boxes=BOXES)
    np.testing.assert_array_equal(read(out / 'seg/a.png'), result.labels)
    persons = read(out / 'seg/persons/a.png')
    assert persons.dtype == np.uint16 and set(np.unique(persons)) == {0, 1, 2}
    np.testing.assert_array_equal(persons, result.persons)
    # again, nothing to do; with another option everything is done anew
    assert run('--seg-mode', 'person', *boxes, '--resize', 'once') == 0
    assert '1 results were there already' in capsys.readouterr().out
    words = ('--cleanup', 'keep=0.5', 'min_area=3')
    assert run('--seg-mode', 'person', *boxes, '--resize', 'once', *words) == 0
    clean = CleanUp(keep=0.5, min_area=3)(result.labels, result.persons)
    np.testing.assert_array_equal(read(out / 'seg/a.png'), clean)
    assert (clean != result.labels).any()


def test_boxes_are_for_pose_unless_asked(call, model, tmp_path):
    run, out = call
    assert run('--boxes', str(BOXES)) == 0
    whole = SegInferencer(*model, device='cpu')(tmp_path / 'a.png').labels
    np.testing.assert_array_equal(read(out / 'seg/a.png'), whole)


@pytest.mark.parametrize(
    ('words', 'match'),
    [
        (['photo.jpg'], "--cleanup takes KEY=VALUE like keep=0.1, got 'photo.jpg'"),
        (['keep=often'], "got 'keep=often'"),
        (['keep=3'], 'keep must be 0 to 1, got 3.0'),
        (['hole=0.1'], 'dict of keep, min_area, max_hole'),
    ],
)
def test_wrong_clean_ups(call, capsys, words, match):
    run, out = call
    assert run('--cleanup', *words) == 2
    assert match in capsys.readouterr().err
    assert not out.exists()


def test_clean_up_without_values(demo):
    assert demo[1].parse_cleanup(None) is None
    assert demo[1].parse_cleanup([]) == CleanUp()
