"""What runs leave beside their outputs: nothing meets, nothing is taken for another."""

import json
import shutil

import cv2
import numpy as np
import pytest
from leftovers import temporary_of_an_ended_process

pytest.importorskip('mmpose')
pytest.importorskip('mmseg')

from sapiens_mm.apis.images import ImageError, find_images
from sapiens_mm.files import RECORD, FolderLock, write_image
from sapiens_mm.runs import image_run
from sapiens_mm.testing import fake_person_image


@pytest.fixture(scope='module')
def demo():
    from sapiens_mm.cli import image as image_demo
    from sapiens_mm.runs import run_records

    yield image_demo, run_records


@pytest.fixture
def call(demo, models, tmp_path):
    """Return a function that runs one task on images into the folder ``out``."""

    def run(*argv, task='depth'):
        config, checkpoint = models[task]
        argv = (*argv, '--config', config, '--checkpoint', checkpoint)
        argv = (*argv, '--device', 'cpu')
        if '--out-dir' not in argv:
            argv = (*argv, '--out-dir', tmp_path / 'out')
        return demo[0].main([str(word) for word in argv])

    return run


def photo(path, seed=0, hw=(80, 62)):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), fake_person_image(seed, hw))
    return path


def content(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob('*')
        if path.is_file()
    }


def test_a_image_called_settings(call, tmp_path, capsys):
    """Its pose was written over the record, and all was done again each time."""
    photo(tmp_path / 'in/settings.png')
    for _ in range(2):
        assert call(tmp_path / 'in', task='pose') == 0
    assert '1 results were there already' in capsys.readouterr().out
    assert 'instances' in json.loads((tmp_path / 'out/pose/settings.json').read_text())
    facts = json.loads((tmp_path / 'out/pose' / RECORD).read_text())
    assert list(facts['sources']) == ['settings']
    assert facts['settings']['config'].endswith('tiny.py')


def test_folders_called_as_ours(call, tmp_path, capsys):
    """The parts of persons/a.png and the persons of a.png are two files."""
    photo(tmp_path / 'in/a.png', 0, (80, 62))
    photo(tmp_path / 'in/persons/a.png', 1, (96, 70))
    photo(tmp_path / 'in/palette/a.png', 2, (72, 60))
    argv = (tmp_path / 'in', '--seg-mode', 'person', '--palette')
    assert call(*argv, task='seg') == 0
    found = {
        name: cv2.imread(str(tmp_path / 'out/seg' / name), -1).shape[:2]
        for name in content(tmp_path / 'out/seg')
        if name.endswith('.png')
    }
    shapes = {'': (80, 62), 'persons_/': (96, 70), 'palette_/': (72, 60)}
    assert found == {
        f'{kind}{folder}a.png': hw
        for folder, hw in shapes.items()
        for kind in ('', 'persons/', 'palette/')
    }


def test_outputs_in_the_input_folder_are_no_input(call, tmp_path, capsys):
    photo(tmp_path / 'in/a.png')
    out = ('--out-dir', tmp_path / 'in/results')
    for _ in range(2):
        assert call(tmp_path / 'in', *out) == 0
        assert '1 of 1 images' in capsys.readouterr().out
    # a wildcard neither; but what is named is taken
    pictures = tmp_path / 'in/results/depth/pictures'
    assert [*find_images(tmp_path / 'in/**/*.*')] == [tmp_path / 'in/a.png']
    assert [*find_images(pictures)] == [pictures / 'a.jpg']
    assert [*find_images(pictures / '*.jpg')] == [pictures / 'a.jpg']
    with pytest.raises(ImageError, match='left out what sapiens image has written'):
        next(find_images(tmp_path / 'in/results'))
    # the folder of the images itself
    for _ in range(2):
        assert call(tmp_path / 'in', '--out-dir', tmp_path / 'in') == 0
        assert '1 of 1 images' in capsys.readouterr().out
    # as older versions marked their folders
    old = tmp_path / 'in/older/pose'
    photo(old / 'pictures/b.jpg')
    (old / 'settings.json').write_text('{"config": "a", "checkpoint": null}')
    assert [*find_images(tmp_path / 'in')] == [tmp_path / 'in/a.png']
    (old / 'settings.json').write_text('{"config": "a"}')  # somebody else's
    assert len([*find_images(tmp_path / 'in')]) == 2


def test_nobody_elses_files_are_written_over(call, tmp_path, capsys):
    """Images in a folder that is called as one of the outputs'."""
    photo(tmp_path / 'in/a.png')
    mine = photo(tmp_path / 'in/seg/a.png', 3).read_bytes()
    assert call(tmp_path / 'in', '--out-dir', tmp_path / 'in', task='seg') == 2
    assert 'name another --out-dir' in capsys.readouterr().err
    assert (tmp_path / 'in/seg/a.png').read_bytes() == mine
    out = tmp_path / 'out'
    (out / 'depth').mkdir(parents=True)
    (out / 'depth/notes.txt').write_text('mine')
    assert call(tmp_path / 'in/a.png') == 2
    assert 'depth holds files of somebody else' in capsys.readouterr().err
    assert list(content(out)) == ['depth/notes.txt']


def test_an_output_is_not_drawn_over(call, tmp_path, capsys):
    photo(tmp_path / 'in/a.png')
    assert call(tmp_path / 'in') == 0
    before = content(tmp_path / 'out')
    assert call(tmp_path / 'out/depth/pictures/a.jpg', '--overwrite') == 2
    assert 'lies where this run writes' in capsys.readouterr().err
    assert content(tmp_path / 'out') == before


def test_other_images_of_one_name(call, tmp_path, capsys):
    """x/a.png was taken for done when y/a.png was, and so was a new x/a.png."""
    for seed, folder in enumerate('xy'):
        photo(tmp_path / folder / 'a.png', seed, (80, 62 + 8 * seed))
    depth = tmp_path / 'out/depth/a.npy'
    assert call(tmp_path / 'x/a.png') == 0
    assert np.load(depth).shape == (80, 62)
    assert call(tmp_path / 'y/a.png') == 0
    assert np.load(depth).shape == (80, 70)
    photo(tmp_path / 'y/a.png', 4, (90, 64))
    assert call(tmp_path / 'y/a.png') == 0
    assert np.load(depth).shape == (90, 64)
    assert 'were there already' not in capsys.readouterr().out
    shutil.move(tmp_path / 'y', tmp_path / 'z')  # the same image
    assert call(tmp_path / 'z/a.png') == 0
    assert '1 results were there already' in capsys.readouterr().out


def test_results_of_other_options_are_known_as_such(call, tmp_path):
    """Those of images that the run in between was not about, too."""
    photo(tmp_path / 'in/a.png', 0)
    photo(tmp_path / 'in/b.png', 1)
    assert call(tmp_path / 'in', '--no-flip') == 0
    b = (tmp_path / 'out/depth/b.npy').read_bytes()
    assert call(tmp_path / 'in/a.png', '--flip') == 0
    assert (tmp_path / 'out/depth/b.npy').read_bytes() == b
    assert call(tmp_path / 'in', '--flip') == 0
    assert (tmp_path / 'out/depth/b.npy').read_bytes() != b


def test_records_of_older_versions_are_read_once(call, tmp_path, capsys):
    photo(tmp_path / 'in/a.png')
    assert call(tmp_path / 'in') == 0
    folder = tmp_path / 'out/depth'
    settings = json.loads((folder / RECORD).read_text())['settings']
    (folder / RECORD).unlink()
    (folder / 'settings.json').write_text(json.dumps(settings, indent=1))
    assert call(tmp_path / 'in') == 0
    assert '1 results were there already' in capsys.readouterr().out
    assert (folder / 'settings.json').is_file()
    photo(tmp_path / 'in/b.png')
    assert call(tmp_path / 'in') == 0
    assert '1 results were there already' in capsys.readouterr().out
    assert not (folder / 'settings.json').exists() and (folder / RECORD).is_file()


def test_killed_runs_leave_nothing_for_long(call, tmp_path):
    photo(tmp_path / 'in/a.png')
    assert call(tmp_path / 'in') == 0
    whole = content(tmp_path / 'out')
    shutil.rmtree(tmp_path / 'out')
    for name in ('depth/a.npy', 'depth/pictures/a.jpg'):
        (tmp_path / 'out' / name).parent.mkdir(parents=True, exist_ok=True)
        temporary_of_an_ended_process(tmp_path / 'out' / name)
    assert call(tmp_path / 'in') == 0
    assert content(tmp_path / 'out') == whole


def test_two_runs_in_one_folder(demo, tmp_path, monkeypatch):
    """Of the same options they go together; others wait, and then say so."""
    RunRecord = demo[1].RunRecord
    monkeypatch.setattr(demo[1], '_PATIENCE_S', 0.2)
    file = tmp_path / 'pose/a.json'
    outputs = dict(a=[file], b=[tmp_path / 'pose/b.json'])
    first = RunRecord(tmp_path, 'pose', dict(flip=True))
    assert first.todo(dict(a=[[1, 1]]), outputs) == ['a']
    first.claim(dict(a=[[1, 1]]), outputs)
    file.write_text('first')
    second = RunRecord(tmp_path, 'pose', dict(flip=True))
    assert second.todo(dict(a=[[1, 1]], b=[[2, 2]]), outputs) == ['b']
    second.claim(dict(b=[[2, 2]]), outputs)
    other = RunRecord(tmp_path, 'pose', dict(flip=False))
    assert other.todo(dict(a=[[1, 1]]), outputs) == ['a']
    with pytest.raises(ValueError, match='another run with other options is at work'):
        other.claim(dict(a=[[1, 1]]), outputs)
    assert file.read_text() == 'first'
    for record in (first, second):
        record.release()
    other.claim(dict(a=[[1, 1]]), outputs)
    assert not file.exists()
    other.release()
    facts = json.loads((tmp_path / 'pose' / RECORD).read_text())
    assert facts == dict(settings=dict(flip=False), sources=dict(a=[[1, 1]]))
    with FolderLock(tmp_path / 'pose') as lock:
        assert lock.try_take()


def test_a_full_disk(call, tmp_path, capsys, monkeypatch):
    """One sentence, exit code 1, whole files only; then the run goes on."""
    for n in range(3):
        photo(tmp_path / f'in/{n}.png', n)
    with monkeypatch.context() as patch:
        patch.setattr(image_run, 'write_image', fill_up_after(1))
        assert call(tmp_path / 'in') == 1
    shown = capsys.readouterr()
    lines = [line for line in shown.err.splitlines() if line.startswith('error')]
    assert len(lines) == 1 and 'No space left on device' in lines[0]
    assert 'pictures/1.jpg' in lines[0] and '.part' not in lines[0]
    assert 'Traceback' not in shown.err
    assert not [*(tmp_path / 'out').rglob('*.part*')]
    assert call(tmp_path / 'in') == 0
    assert '1 results were there already' in capsys.readouterr().out


def fill_up_after(count):
    def write(path, image):
        nonlocal count
        count -= 1
        if count < 0:
            raise OSError(28, 'No space left on device', str(path))
        write_image(path, image)

    return write


@pytest.mark.parametrize('place', ['file/out', '/proc/out'])
def test_folders_that_cannot_be(call, tmp_path, capsys, place):
    photo(tmp_path / 'a.png')
    (tmp_path / 'file').write_bytes(b'')
    assert call(tmp_path / 'a.png', '--out-dir', tmp_path / place) == 2
    shown = capsys.readouterr().err.splitlines()
    assert shown[-1].startswith('error: ') and place.split('/')[1] in shown[-1]
    assert not any('Traceback' in line for line in shown)


def test_names_as_long_as_they_can_be(call, tmp_path):
    name = 'x' * 251 + '.png'
    photo(tmp_path / 'in' / name)
    assert call(tmp_path / 'in') == 0
    (data,) = (tmp_path / 'out/depth').glob('x*.npy')
    assert len(data.name) < 255 and np.load(data).shape == (80, 62)


@pytest.mark.parametrize(
    'text', ['[[1, 2]', '{"a": 1}', 'null', '[[1, 2, 3]]', '"x"', '[[0, 0, NaN, 9]]']
)
def test_boxes_that_are_none(call, tmp_path, capsys, text):
    photo(tmp_path / 'a.png')
    assert call(tmp_path / 'a.png', '--boxes', text, task='pose') == 2
    assert capsys.readouterr().err.startswith('error: --boxes must look like')


@pytest.mark.parametrize('device', ['mps', 'meta', 'cuda', 'xpu', 'toaster'])
def test_devices_that_are_not_there(demo, models, tmp_path, capsys, device):
    config, checkpoint = models['depth']
    argv = ['--config', config, '--checkpoint', checkpoint, '--device', device]
    photo(tmp_path / 'a.png')
    argv += ['--out-dir', str(tmp_path / 'out')]
    assert demo[0].main([str(tmp_path / 'a.png'), *argv]) == 2
    shown = capsys.readouterr().err.strip().splitlines()[-1]
    assert shown.startswith('error: device') and device in shown
