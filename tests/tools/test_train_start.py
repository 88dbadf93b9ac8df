"""The start of sapiens train: what is told, what is shown, and the dry run."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from tiny_runs import map_config, pose_config, seg_config, write_people

from sapiens_mm.cli import train as train_cli
from sapiens_mm.files import FolderLock
from sapiens_mm.runs import training

pytest.importorskip('mmpose')

# mmengine keeps loggers by the name of the config and the second, visualizers by
# theirs, with the folders that they write to
_NUMBERS = itertools.count()
TINY = dict(input_hw=(64, 48), width=32, depth=1)


@pytest.fixture
def train(monkeypatch, tmp_path, capsys):
    """A function that runs the tool here: status, and what it printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('LOCAL_RANK', '0')

    def run(config, *argv):
        if isinstance(config, Config):
            path = tmp_path / f'run{next(_NUMBERS)}.py'
            config.visualizer.name = path.stem
            config.dump(path)
            config = path
        words = [str(config), '--work-dir', str(tmp_path / 'work'), *argv]
        status = train_cli.main(words)
        return status, capsys.readouterr()

    return run


@pytest.fixture
def people(tmp_path):
    """Path of an annotation file of three drawn people, after a change."""

    def write(change=lambda content: None):
        path = write_people(tmp_path / 'data', 3)
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))
        return path

    return write


def one_epoch(path, **changes):
    cfg = pose_config(path, epochs=1, batch_size=2, **TINY)
    cfg.merge_from_dict(changes)
    return cfg


def test_a_second_training_in_the_folder_is_refused(
    train, people, tmp_path, monkeypatch
):
    monkeypatch.setattr(training, 'LEFT_OVER_LOADERS_S', 0.3)
    with FolderLock(tmp_path / 'work') as other:
        assert other.try_take()
        status, shown = train(one_epoch(people()))
    assert status == 2 and not list((tmp_path / 'work').iterdir())
    assert shown.err.startswith(f'error: {tmp_path / "work"}: another training')
    assert train(one_epoch(people()))[0] == 0  # the lock is given back, twice
    assert train(one_epoch(people()))[0] == 0


def test_the_screen_before_the_first_loss(train, people, tmp_path):
    path = people(lambda c: c['annotations'][2].update(iscrowd=1))
    status, shown = train(one_epoch(path))
    assert status == 0, shown.err
    before, _, after = shown.out.partition('Epoch(train)')
    assert len(before.splitlines()) < 40
    rows = dict(
        line.split(None, 1) for line in before.splitlines() if 'INFO' not in line
    )
    left_out = f'2 people in 3 images of {path}; 1 left out: 1 crowds'
    assert '17 keypoints, 0.1 M parameters' in rows['training']
    assert rows['train'].removeprefix('on').strip() == left_out
    assert rows['validate'] == f'every epoch by CocoMetric: {left_out}'
    assert rows['run'].startswith('1 epoch of 1 iteration, batch 2, on ')
    assert rows['weights'] == 'new, none loaded'
    assert rows['config'].startswith(str(tmp_path / 'run'))
    # the log has all of it
    log = Path(rows['log']).read_text()
    for text in ('System environment', 'Config:', 'Hooks will be executed', left_out):
        assert text in log and (text in before) == (text == left_out)
    assert 'loss_kpt' in after and 'coco/AP: ' in after and 'eta: ' in after


def test_what_is_not_refused_trains_and_validates(train, people):
    """A box alone, two categories and a byte order mark, all in one file."""

    def change(content):
        del content['annotations'][0]['keypoints']
        content['categories'].append(dict(id=2, name='face'))
        content['annotations'][1]['category_id'] = 2

    path = people(change)
    path.write_bytes(b'\xef\xbb\xbf' + path.read_bytes())
    status, shown = train(one_epoch(path))
    assert status == 0, shown.err
    assert 'coco/AP: 0.0000' in shown.out
    assert '2 categories have keypoints: all are trained on as one' in shown.out
    assert (
        '2 people in 3 images' in shown.out and '1 without box or keypoi' in shown.out
    )


def swap_sizes(content):
    for image in content['images']:
        image.update(width=image['height'], height=image['width'])


REFUSED = {
    'area': (
        lambda c: c['annotations'][1].pop('area'),
        'annotation 2 .*area is missing',
    ),
    'categories': (lambda c: c.pop('categories'), 'categories: the list is missing'),
    'unlisted': (
        lambda c: c['annotations'][1].update(category_id=5),
        r'category_id is 5, but categories lists \[1\]',
    ),
    'crowds': (
        lambda c: [a.update(iscrowd=1) for a in c['annotations']],
        'there is nobody to train on: it has 3 annotations, 3 left out: 3 crowds',
    ),
    'empty': (lambda c: c['annotations'].clear(), 'nobody to train on'),
    'swapped': (swap_sizes, 'image 1: width and height are 160 and 120, .* swapped'),
    'length': (lambda c: c['annotations'][1]['keypoints'].pop(), 'annotation 2 .* 50'),
}


@pytest.mark.parametrize(
    'fault, argv', [*((fault, ()) for fault in REFUSED), ('area', ('--dry-run',))]
)
def test_what_is_refused_is_one_sentence(train, people, tmp_path, fault, argv):
    change, sentence = REFUSED[fault]
    path = people(lambda content: change(content) and None)
    status, shown = train(one_epoch(path), *argv)
    assert (status, shown.out) == (2, '')
    (line,) = shown.err.splitlines()
    assert line.startswith(f'error: {path}: ')
    with pytest.raises(ValueError, match=sentence):
        raise ValueError(line)
    assert not (tmp_path / 'work').exists()


def test_without_checks_it_is_the_host_that_complains(train, people):
    path = people(lambda c: c['annotations'].clear())
    with pytest.raises(ValueError, match='need at least one array'):
        train(one_epoch(path), '--no-checks')


def test_remarks_are_shown_also_where_it_ends(train, people):
    path = people()
    cfg = one_epoch(path, **{'default_hooks.checkpoint.interval': 5})
    assert 'the only checkpoint is saved at the end' in train(cfg)[1].out
    cfg.train_dataloader.dataset.ann_file = 'none.json'
    status, shown = train(cfg)
    note, error = shown.err.splitlines()
    assert status == 2 and note.startswith('note: the only checkpoint')
    assert error == 'error: the annotation file none.json does not exist'


# -- the dry run ----------------------------------------------------------------------


def files_of(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob('*'))


def config_of(task, folder):
    tests = Path(__file__).parents[1]
    if task == 'pose':
        return one_epoch(write_people(folder, 3))
    if task == 'seg':
        sys.path.insert(0, str(tests / 'seg'))
        from part_layouts import LAYOUTS

        cfg = seg_config(LAYOUTS['goliath28'](folder, 3), augment=True, **TINY)
        cfg.default_hooks.checkpoint.save_best = 'mIoU'
        cfg.val_evaluator.report_dir = str(folder / 'report')
        return cfg
    sys.path.insert(0, str(tests / 'geometry'))
    from scenes import draw_scene, write_scenes

    scenes = [draw_scene(seed, (64, 48)) for seed in range(3)]
    cfg = map_config(write_scenes(folder, scenes, task, ('rgb', 'mask', task)), task)
    cfg.val_evaluator.out_file = str(folder / 'figures.json')
    return cfg


@pytest.mark.parametrize(
    'task, figure',
    [
        ('pose', 'coco/AP '),
        ('seg', 'mIoU '),
        ('depth', 'depth/rmse '),
        ('normal', 'normal/mean '),
    ],
)
def test_a_dry_run_saves_nothing(train, tmp_path, task, figure):
    if task != 'pose':
        pytest.importorskip('mmseg')
    config = tmp_path / f'run_{task}.py'
    cfg = config_of(task, tmp_path / 'data')
    cfg.visualizer.name = task
    cfg.dump(config)
    before = files_of(tmp_path)
    status, shown = train(config, '--dry-run')
    assert status == 0, shown.err
    assert files_of(tmp_path) == before
    *_, step, validation, last = shown.out.splitlines()
    assert step.startswith('training step: ') and ' loss ' in step and ' GB ' in step
    assert validation.startswith('validation of one sample: ') and figure in validation
    assert last == 'dry run: nothing was saved'
    assert 'Average Precision' not in shown.out and 'Config:' not in shown.out


def test_a_dry_run_names_a_figure_that_nobody_returns(train, people):
    cfg = one_epoch(people(), **{'default_hooks.checkpoint.save_best': 'coco/AP'})
    assert train(cfg, '--dry-run')[0] == 0
    cfg.val_evaluator = [cfg.val_evaluator, dict(type='UnknownMetric', prefix='own')]
    cfg.default_hooks.checkpoint.save_best = 'own/figure'
    cfg.default_hooks.checkpoint.rule = 'greater'
    cfg.custom_imports = dict(imports=['unknown_metric'])
    Path('unknown_metric.py').write_text(
        'from mmengine.evaluator import BaseMetric\n'
        'from mmengine.registry import METRICS\n'
        '@METRICS.register_module(force=True)\n'
        'class UnknownMetric(BaseMetric):\n'
        '    def process(self, data_batch, data_samples):\n'
        '        self.results += data_samples\n'
        '    def compute_metrics(self, results):\n'
        '        return dict(other=len(results))\n'
    )
    sys.path.insert(0, os.getcwd())
    try:
        status, shown = train(cfg, '--dry-run')
    finally:
        sys.path.remove(os.getcwd())
    assert status == 2
    assert "save_best is 'own/figure', which no metric returns" in shown.err


def test_a_dry_run_of_a_resumed_run(train, people, tmp_path):
    cfg = one_epoch(people())
    assert train(cfg)[0] == 0
    (weights,) = (tmp_path / 'work').glob('epoch_1.pth')
    before = files_of(tmp_path / 'work')
    status, shown = train(cfg, '--dry-run', '--resume', str(weights))
    assert status == 0, shown.err
    assert f'weights   {weights}, resumed after 2 iterations' in shown.out
    assert files_of(tmp_path / 'work') == before


# -- errors and interruptions ---------------------------------------------------------


@HOOKS.register_module(force=True)
class RaisingHook(Hook):
    """Raises what it is told to, where it is told to."""

    errors = {
        'RuntimeError': RuntimeError,
        'ValueError': ValueError,
        'KeyboardInterrupt': KeyboardInterrupt,
    }

    def __init__(self, error, place):
        setattr(self, place, lambda *args, **kwargs: self.fail(error))

    def fail(self, error):
        raise self.errors[error]('from a hook')


@pytest.mark.parametrize(
    'error, place',
    [
        ('RuntimeError', 'after_train_iter'),
        ('ValueError', 'before_run'),
        ('KeyboardInterrupt', 'before_train'),
    ],
)
def test_errors_of_hooks_are_not_swallowed(train, people, error, place):
    """The annotations are faulty as well: that explains nothing here."""
    path = people(lambda c: c['annotations'][1].pop('area'))
    cfg = one_epoch(path, **{'val_evaluator.use_area': False})
    hook = dict(type='RaisingHook', _scope_='mmengine', error=error, place=place)
    cfg.custom_hooks.append(hook)
    if error == 'KeyboardInterrupt':
        status, shown = train(cfg)
        assert status == 130 and shown.err == '\nstopped by Ctrl-C; from a hook\n'
    else:
        with pytest.raises(RaisingHook.errors[error], match='from a hook'):
            train(cfg)


def test_ctrl_c_while_it_starts(tmp_path):
    config = tmp_path / 'slow.py'
    config.write_text(
        f"import time\nopen('{tmp_path}/reading', 'w').close()\ntime.sleep(60)\n"
    )
    script = Path(__file__).parents[2] / 'tools/train.py'
    process = subprocess.Popen(
        [sys.executable, str(script), str(config)],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        # what runs in the background of a shell ignores it, and so do its children
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        deadline = time.time() + 60
        while not (tmp_path / 'reading').exists():
            assert time.time() < deadline and process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        errors = process.communicate(timeout=60)[1]
    finally:
        process.kill()
    assert process.returncode == 130
    assert errors == '\nstopped by Ctrl-C\n'
