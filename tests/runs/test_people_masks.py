"""Depth and normals are drawn on the people that the parts of the same run show."""

import json

import cv2
import numpy as np
import pytest

pytest.importorskip('mmpose')
pytest.importorskip('mmseg')

from sapiens_mm.apis.results import SegResult
from sapiens_mm.saving.maps import read_saved_map
from sapiens_mm.tables import part_table
from sapiens_mm.testing import fake_person_image

HW = (80, 60)
# Where the parts of these tests are and where not, apart by more than JPEG's blocks.
TOP, BOTTOM = np.s_[4:28, 4:44], np.s_[52:76, 4:44]


@pytest.fixture(scope='module')
def demo():
    from sapiens_mm.cli import image as image_demo
    from sapiens_mm.runs import image_run as demo_run

    yield image_demo, demo_run


class FakeParts:
    """A model of parts that sees a person in the upper half of some images."""

    table = part_table('goliath28')
    empty: tuple[str, ...] = ()

    def __init__(self, *args, **options):
        pass

    def run(self, photos, **_):
        for photo in photos:
            labels = np.zeros(HW, np.uint8)
            labels[:40] = 0 if photo.name in self.empty else 2
            yield SegResult(source=photo, image_hw=HW, labels=labels)


@pytest.fixture
def call(demo, models, tmp_path, monkeypatch):
    """Return a function that runs the demo on two images, its folder, its parts."""
    names = {task: (config, path) for task, (config, path) in models.items()}

    class Parts(FakeParts):
        pass

    def plan_jobs(args):
        paths = {**names, 'seg': (names['seg'][0], seg_weights[-1])}
        return [demo[1].Job(task, *paths[task]) for task in args.task]

    seg_weights = [names['seg'][1]]
    monkeypatch.setattr(demo[1], 'plan_jobs', plan_jobs)
    monkeypatch.setitem(demo[1].INFERENCERS, 'seg', Parts)
    photos = [tmp_path / 'a.png', tmp_path / 'b.png']
    for index, photo in enumerate(photos):
        cv2.imwrite(str(photo), fake_person_image(index, HW))
    out = tmp_path / 'out'

    def run(*argv, tasks=('seg', 'depth', 'normal'), weights='same'):
        if weights != 'same':
            seg_weights.append(weights)
        words = [*photos, '--out-dir', out, '--device', 'cpu', '--task', *tasks, *argv]
        return demo[0].main([str(word) for word in words])

    return run, out, Parts


def picture(out, task, name='a'):
    return cv2.imread(str(out / f'{task}/pictures/{name}.jpg')).astype(int)


def is_cut_out(out, name='a'):
    """Whether the lower half shows the background, and the upper half a map."""
    depth, normal = (picture(out, task, name) for task in ('depth', 'normal'))
    assert depth[TOP].std() > 10 and normal[TOP].std() > 10
    blank = abs(depth[BOTTOM] - 100).max() <= 3, normal[BOTTOM].max() <= 3
    assert blank in ((True, True), (False, False))
    return blank[0]


def test_by_default_on_people_and_the_files_stay_whole(call, capsys):
    run, out, _ = call
    assert run('--mask', 'none') == 0
    assert not is_cut_out(out)
    assert 'parts show' not in capsys.readouterr().out
    files = [out / 'depth/a.npy', out / 'normal/b.npy']
    whole = [np.load(file) for file in files]
    assert run() == 0  # other images: made anew, from the parts that are there
    shown = capsys.readouterr().out
    assert 'on the people that the parts show' in shown
    assert '2 results were there already' in shown
    assert is_cut_out(out) and is_cut_out(out, 'b')
    for file, values in zip(files, whole, strict=True):
        np.testing.assert_array_equal(np.load(file), values)
    facts = json.loads((out / 'depth/a.npy.json').read_text())
    assert facts['people_pixels'] == 40 * 60


@pytest.mark.parametrize(
    ('words', 'pixels'), [((), 'all'), (('--mask', 'seg'), 'people')]
)
def test_png_loses_pixels_and_clouds_points_as_asked(call, words, pixels):
    run, out, _ = call
    assert run('--map-format', 'png', '--ply', *words, tasks=('seg', 'depth')) == 0
    depth, facts = read_saved_map(out / 'depth/a.png')
    assert facts['pixels'] == pixels
    assert np.isfinite(depth[:40]).all()
    assert np.isfinite(depth[40:]).all() == (pixels == 'all')
    head = (out / 'depth/clouds/a.ply').read_bytes().partition(b'end_header')[0]
    assert b'element vertex 2400\n' in head
    assert abs(picture(out, 'depth')[BOTTOM] - 100).max() <= 3


@pytest.mark.parametrize('words', [(), ('--mask', 'seg')])
def test_nobody_is_said_and_all_is_drawn(call, capsys, words):
    run, out, parts = call
    parts.empty = ('b.png',)
    assert run(*words, '--ply') == 0
    shown = capsys.readouterr().out
    assert f'the parts show nobody in 1 images: {out.parent / "b.png"};' in shown
    assert is_cut_out(out) and not is_cut_out(out, 'b')
    head = (out / 'depth/clouds/b.ply').read_bytes().partition(b'end_header')[0]
    assert b'element vertex 4800\n' in head


def test_random_parts_show_no_people(call, capsys):
    run, out, _ = call
    assert run(weights=None) == 0
    shown = capsys.readouterr().out
    assert 'drawn everywhere: random parts show no people' in shown
    assert not is_cut_out(out)
    assert run('--mask', 'seg') == 0  # but who asks for them gets them
    assert is_cut_out(out)


def test_without_parts_nothing_changes(call, capsys):
    run, out, _ = call
    assert run(tasks=('depth', 'normal')) == 0
    assert not is_cut_out(out)
    assert 'parts show' not in capsys.readouterr().out


def test_other_parts_make_other_images(call, demo, capsys):
    """Results on disk are those of the masks of this run, not of one before."""
    run, out, _ = call
    assert run() == 0
    assert run('--opacity', '0.7') == 0  # of the image of parts alone
    assert '4 results were there already' in capsys.readouterr().out
    assert run('--cleanup', 'keep=0.5') == 0
    assert 'were there already' not in capsys.readouterr().out


def test_masks_of_a_model_go_before_those_of_the_run(call, models):
    run, out, _ = call
    config, checkpoint = models['seg']
    words = ('--seg-checkpoint', checkpoint, '--seg-config', config)
    assert run(*words, tasks=('seg', 'depth')) == 0
    mask = cv2.imread(str(out / 'masks/a.png'), cv2.IMREAD_UNCHANGED)
    facts = json.loads((out / 'depth/a.npy.json').read_text())
    assert facts['people_pixels'] == (mask > 0).sum()
