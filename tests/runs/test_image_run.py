"""The demo as a user calls it, on tiny models."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from sentences import says

pytest.importorskip('mmpose')
pytest.importorskip('mmseg')

from sapiens_mm.checkpoints.bundled import NOTE
from sapiens_mm.files import write_image
from sapiens_mm.testing import fake_person_image
from sapiens_mm.visualization import colorize_relief, side_by_side


@pytest.fixture(scope='module')
def demo():
    from sapiens_mm.cli import image as image_demo
    from sapiens_mm.runs import image_run as demo_run

    yield image_demo, demo_run


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / 'photos'
    (folder / 'sub').mkdir(parents=True)
    for index, name in enumerate(['a.png', 'b.png', 'sub/c.png']):
        cv2.imwrite(str(folder / name), fake_person_image(index, (80, 60 + index)))
    return folder


def call(demo, *argv):
    return demo[0].main([str(a) for a in (*argv, '--device', 'cpu')])


def files(folder):
    return sorted(
        p.relative_to(folder).as_posix() for p in folder.rglob('*') if p.is_file()
    )


def same(path, picture):
    """Whether a file is this image, as a JPEG."""
    expected = path.with_name('expected.jpg')
    write_image(expected, picture)
    return path.read_bytes() == expected.read_bytes()


@pytest.mark.parametrize(
    ('task', 'suffix'),
    [('pose', 'json'), ('seg', 'png'), ('depth', 'npy'), ('normal', 'npy')],
)
def test_folder_with_a_broken_file(
    demo, models, photos, tmp_path, capsys, task, suffix
):
    (photos / 'broken.jpg').write_bytes(b'\xff\xd8\xff')
    config, checkpoint = models[task]
    out = tmp_path / 'out'
    argv = (photos, '--config', config, '--checkpoint', checkpoint, '--out-dir', out)
    assert call(demo, *argv) == 1
    shown = capsys.readouterr()
    assert '3 of 4 images' in shown.out
    failed = [line for line in shown.err.splitlines() if line.startswith('failed:')]
    assert len(failed) == 1 and 'broken.jpg' in failed[0]
    assert 'Traceback' not in shown.err
    suffixes = [suffix, 'npy.json'] if suffix == 'npy' else [suffix]
    assert files(out / task) == sorted(
        ['.sapiens_mm.json']
        + [f'{n}.{end}' for n in ('a', 'b', 'sub/c') for end in suffixes]
        + [f'pictures/{n}.jpg' for n in ('a', 'b', 'sub/c')]
    )
    data = out / task / f'sub/c.{suffix}'
    if task == 'pose':
        found = json.loads(data.read_text())
        person = found['instances'][0]
        assert (found['height'], found['width']) == (80, 62)
        assert len(person['keypoints']) == 3 * 308 == 3 * len(found['keypoint_names'])
        assert person['bbox'] == [0, 0, 62, 80] and person['bbox_score'] == 1
    elif task == 'seg':
        labels = cv2.imread(str(data), cv2.IMREAD_UNCHANGED)
        assert labels.shape == (80, 62) and labels.max() < 28
    else:
        shape = (80, 62) if task == 'depth' else (80, 62, 3)
        array = np.load(data)
        assert array.shape == shape and array.dtype == np.float32
    # again: what is finished stays untouched, the broken one is tried once more
    results = [p for p in out.rglob('*.*') if p.name != '.sapiens_mm.json']
    before = {p: p.stat().st_mtime_ns for p in results}
    (photos / 'broken.jpg').unlink()
    assert call(demo, *argv) == 0
    assert '3 results were there already' in capsys.readouterr().out
    assert before == {p: p.stat().st_mtime_ns for p in results}
    (out / task / f'a.{suffix}').unlink()
    assert call(demo, *argv) == 0
    assert (out / task / f'a.{suffix}').is_file()


def test_results_of_other_weights_are_redone(demo, models, photos, tmp_path, capsys):
    """Random weights first, a checkpoint later: nothing of the first run stays."""
    config, checkpoint = models['depth']
    out = tmp_path / 'out'
    argv = (photos / 'a.png', '--config', config, '--out-dir', out)
    assert call(demo, *argv) == 0
    random = np.load(out / 'depth/a.npy')
    assert call(demo, *argv, '--checkpoint', checkpoint) == 0
    trained = np.load(out / 'depth/a.npy')
    assert not np.allclose(random, trained)
    assert call(demo, *argv, '--checkpoint', checkpoint) == 0
    assert '1 results were there already' in capsys.readouterr().out


def test_what_runs_without_a_checkpoint_can_run(demo):
    """Weights that are there, or random ones; never a file that is missing."""
    args = demo[0].parse_args(['a.png', '--task', 'all'])
    jobs = demo[1].plan_jobs(args)
    assert [job.task for job in jobs] == ['pose', 'seg', 'depth', 'normal']
    for job in jobs:
        assert job.checkpoint is None or Path(job.checkpoint).is_file()
    args = demo[0].parse_args(['a.png', '--task', 'pose', '--keypoints', '17'])
    assert demo[1].plan_jobs(args) == [
        demo[1].Job('pose', 'pose/sapiens_0.3b_coco17-1024x768', None)
    ]


def test_all_tasks_make_a_panel(demo, models, photos, tmp_path, monkeypatch, capsys):
    jobs = [demo[1].Job(task, *models[task]) for task in models]
    monkeypatch.setattr(demo[1], 'plan_jobs', lambda args: jobs)
    out = tmp_path / 'out'
    argv = (photos / 'a.png', '--out-dir', out)

    def panel(*titles):
        """Whether the panel is these images under these titles."""
        names = {'parts': 'seg', 'normals': 'normal'}
        pictures = [
            out / 'depth/relief/a.jpg'
            if title == 'relief of depth'
            else out / f'{names.get(title, title)}/pictures/a.jpg'
            for title in titles
        ]
        images = [cv2.imread(str(path)) for path in (photos / 'a.png', *pictures)]
        return same(out / 'panels/a.jpg', side_by_side(images, ['photo', *titles]))

    four = ('pose', 'parts', 'depth', 'normals')
    assert call(demo, *argv) == 0
    assert panel(*four)
    assert str(out / 'pose/a.json') in capsys.readouterr().out
    # depth alone, with its bar: no pseudo-normals unless asked for
    height, width = cv2.imread(str(out / 'depth/pictures/a.jpg')).shape[:2]
    assert height == 80 and 60 + 20 < width < 60 + 50
    assert not (out / 'depth/relief').exists()
    assert call(demo, *argv, '--show-relief') == 0
    assert panel('pose', 'parts', 'depth', 'relief of depth', 'normals')
    result = demo[1].INFERENCERS['depth'](*models['depth'], device='cpu')(argv[0])
    labels = cv2.imread(str(out / 'seg/a.png'), cv2.IMREAD_UNCHANGED)
    relief = colorize_relief(result.depth, labels > 0)
    assert same(out / 'depth/relief/a.jpg', relief)
    assert call(demo, *argv) == 0  # panels are those of this run
    assert '4 results were there already' in capsys.readouterr().out
    assert panel(*four)


def test_captions_and_lines_name_the_weights(demo):
    job = demo[1].Job
    random = job('seg', 'seg/sapiens_0.3b_goliath28-1024x768', None)
    own = job('normal', 'normal/own', Path('own.pth'))
    tiny = demo[1].plan_jobs(demo[0].parse_args(['a.png', '--task', 'pose']))[0]
    assert [j.title for j in (random, own, tiny)] == [
        *('parts (random weights)', 'normals', 'pose (tiny weights)')
    ]
    says(random.headline, 'seg/sapiens_0.3b_goliath28-1024x768', 'RANDOM WEIGHTS')
    assert own.headline == 'normal: normal/own (own.pth)' and own.weights_note == ''
    assert tiny.headline == f'pose: {tiny.config} ({NOTE})'


def test_masks_from_a_folder(demo, models, photos, tmp_path, capsys):
    config, checkpoint = models['depth']
    masks = tmp_path / 'masks'
    masks.mkdir()
    mask = np.zeros((80, 60), np.uint8)
    mask[:40] = 255
    cv2.imwrite(str(masks / 'a.png'), mask)
    out = tmp_path / 'out'
    argv = ('--config', config, '--checkpoint', checkpoint, '--mask', masks)
    assert call(demo, photos, *argv, '--out-dir', out) == 1
    assert 'no mask b.png or .npy in' in capsys.readouterr().err
    picture = cv2.imread(str(out / 'depth/pictures/a.jpg'))
    # the background is grey 100, the foreground is not
    assert abs(int(picture[60:78, 5:55].mean()) - 100) <= 2
    assert picture[2:38, 2:58].std() > 10
    assert np.load(out / 'depth/a.npy')[60:].std() > 0


@pytest.mark.parametrize(
    ('argv', 'match'),
    [
        (['nowhere.jpg'], 'nowhere.jpg does not exist'),
        (['--boxes', '[[1, 2, 3]]'], '--boxes must look like'),
        (['--checkpoint', 'no_such_model'], 'no_such_model'),
        (['--mask', 'nowhere'], '--mask: nowhere does not exist'),
        (['--mask', 'seg', '--task', 'depth'], "needs the task 'seg'"),
        (['--device', 'toaster'], 'toaster'),
    ],
)
def test_wrong_calls_are_one_sentence(demo, models, tmp_path, capsys, argv, match):
    config, checkpoint = models['depth']
    if '--checkpoint' not in argv and '--task' not in argv:
        argv = [*argv, '--config', config, '--checkpoint', checkpoint]
    code = demo[0].main([*argv, '--out-dir', str(tmp_path / 'out')])
    shown = capsys.readouterr()
    assert code in (1, 2) and match in shown.err
    assert 'Traceback' not in shown.err


def test_checkpoint_of_another_task(demo, models, photos, tmp_path, capsys):
    config, _ = models['pose']
    _, checkpoint = models['depth']
    argv = (photos, '--config', config, '--checkpoint', checkpoint)
    assert call(demo, *argv, '--out-dir', tmp_path / 'out') == 2
    shown = capsys.readouterr().err
    assert 'depth' in shown and len(shown.strip().splitlines()) < 4
    assert not (tmp_path / 'out').exists()


def test_empty_folder(demo, tmp_path, capsys):
    (tmp_path / 'empty').mkdir()
    assert call(demo, tmp_path / 'empty', '--out-dir', tmp_path / 'out') == 2
    assert 'holds no image' in capsys.readouterr().err


def test_names_of_outputs(demo, tmp_path):
    names = demo[1].output_names
    folder = tmp_path / 'in'
    (folder / 'sub').mkdir(parents=True)
    photos = [folder / 'a.png', folder / 'a.jpg', folder / 'sub/a.png']
    assert list(names(photos, [str(folder)]).values()) == ['a_png', 'a_jpg', 'sub/a']
    elsewhere = [tmp_path / 'x/p.jpg', tmp_path / 'y/p.jpg']
    assert list(names(elsewhere, []).values()) == ['p_jpg', 'p_jpg_2']
