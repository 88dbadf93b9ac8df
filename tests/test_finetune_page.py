"""docs/finetune.md: its configs and commands run as they stand, on drawn people."""

import ast
import glob
import importlib.util
import json
import re
import shlex
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.utils import ManagerMixin

pytest.importorskip('mmpose')
pytest.importorskip('mmseg')

from own_data import write_classes, write_depth, write_keypoints, write_normals
from script_util import ROOT, load_script

from sapiens_mm.checkpoints import read_checkpoint, resolve
from sapiens_mm.cli.main import main as sapiens

PAGE = (ROOT / 'docs/finetune.md').read_text(encoding='utf-8')
TASKS = ('pose', 'seg', 'depth', 'normal')
SIX = ('head', 'left_hand', 'right_hand', 'hip', 'left_foot', 'right_foot')
POINTS = tuple(f'point_{k}' for k in range(21))
PAIRS = [(POINTS[k], POINTS[k + 1]) for k in range(1, 20, 2)]


def blocks(kind, text=PAGE):
    return re.findall(rf'^```{kind}\n(.*?)^```', text, re.M | re.S)


def commands(task):
    """Return the commands of a walk, a list of words each, in their order."""
    (block,) = (block for block in blocks('bash') if f'finetune_{task}' in block)
    return [shlex.split(line, comments=True) for line in block.splitlines()]


def change(path, **facts):
    """Change facts of a config, one line each, as the user of a copy does."""
    text = path.read_text(encoding='utf-8')
    for name, value in facts.items():
        text, count = re.subn(
            rf'^{name} = .*$', f'{name} = {value!r}', text, flags=re.M
        )
        assert count == 1, name
        text = re.sub(rf'^{name} \+= .*\n', '', text, flags=re.M)
    path.write_text(text, encoding='utf-8')


def forget(kind=ManagerMixin):
    """Drop mmengine's global instances: loggers, visualizers, message hubs, scopes."""
    kind._instance_dict.clear()
    for each in kind.__subclasses__():
        forget(each)


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """Type commands of the page in an empty folder; they run in this process."""
    monkeypatch.chdir(tmp_path)

    def run(words):
        if words[0] == 'cp':
            shutil.copy(ROOT / words[1], words[2])
            return
        found = [glob.glob(word) if '*' in word else [word] for word in words]
        assert all(len(each) == 1 for each in found), words
        program, *args = [each[0] for each in found]
        forget()  # each command is a process to its user
        if program == 'sapiens':
            status = sapiens(args)
        else:  # a tool for maintainers
            assert program == 'python', words
            status = load_script(args[0]).main(args[1:])
        assert status == 0, words

    yield run
    forget()


def walk(shell, task, without=(), **facts):
    """Type the commands of a walk; after the copy change facts in it."""
    for words in commands(task):
        if not any(name in ' '.join(words) for name in without):
            shell(words)
        if words[0] == 'cp':
            change(Path(words[2]), epochs=1, **facts)


def trained(task):
    """Return work directory and the best checkpoint of a walk."""
    folder = Path('work_dirs', f'my_{task}')
    (best,) = folder.glob('best_*.pth')
    assert (folder / 'epoch_1.pth').is_file()
    (preview,) = (folder / 'previews').iterdir()
    assert cv2.imread(str(preview)).shape[0] > 256
    return folder, read_checkpoint(best)


LOOKS = ('browse', 'dry-run', 'sapiens check', 'sapiens test')


def slow(value, **options):
    return pytest.param(value, marks=pytest.mark.slow, **options)


@pytest.mark.parametrize('names', [pytest.param(SIX, id='6'), slow(POINTS, id='21')])
def test_own_keypoints(tmp_path, shell, names):
    write_keypoints(tmp_path / 'data/mine', names)
    own = dict(keypoints=list(names), mirror=PAIRS, links=PAIRS[:3])
    walk(shell, 'pose', LOOKS, **(own if names is POINTS else {}))
    _, checkpoint = trained('pose')
    assert checkpoint.state_dict['head.final_layer.weight'].shape[0] == len(names)
    data = json.loads(Path('out/pose/0001.json').read_text(encoding='utf-8'))
    assert data['keypoint_names'] == list(names)
    if names is POINTS:
        assert data['skeleton'] == [[1, 2], [3, 4], [5, 6]]
    else:
        assert data['skeleton'] == [[0, 3], [3, 4], [3, 5], [0, 1], [0, 2]]
    assert len(data['instances'][0]['keypoints']) == 3 * len(names)
    assert len(list(Path('out/pose/pictures').iterdir())) == 6


@pytest.mark.parametrize('count', [5, slow(2)])
def test_own_classes(tmp_path, shell, count):
    write_classes(tmp_path / 'data/mine', count)
    two = dict(classes=['background', 'person'], mirror=[])
    walk(shell, 'seg', LOOKS, **(two if count == 2 else {}))
    _, checkpoint = trained('seg')
    assert checkpoint.state_dict['decode_head.conv_seg.weight'].shape[0] == count
    labels = cv2.imread('out/seg/0005.png', cv2.IMREAD_UNCHANGED)
    assert labels.shape == (128, 96) and labels.max() < count
    assert len(list(Path('out/seg/pictures').iterdir())) == 2


@pytest.mark.parametrize('kind', ['millimetres', slow('relative')])
def test_own_depth(tmp_path, shell, kind):
    write_depth(tmp_path / 'data/mine', kind)
    relative = dict(map_scale=1.0, near_is_zero=True)
    walk(shell, 'depth', LOOKS, **(dict(stored=relative) if kind == 'relative' else {}))
    trained('depth')
    depth = np.load('out/depth/0005.npy')
    assert depth.shape == (128, 96) and np.isfinite(depth).all()


def test_own_normals(tmp_path, shell):
    write_normals(tmp_path / 'data/mine')
    walk(shell, 'normal', LOOKS)
    trained('normal')
    normals = np.load('out/normal/0005.npy')
    np.testing.assert_allclose(np.linalg.norm(normals, axis=2), 1, atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize('task', TASKS)
def test_every_command_of_a_walk(tmp_path, shell, task):
    """And of what follows it: resuming, the image of losses, the smaller file."""
    write_data(tmp_path / 'data/mine', task)
    walk(shell, task)
    assert (Path('work_dirs') / f'my_{task}' / 'browse_train' / 'sheet.png').is_file()
    change(Path(f'my_{task}.py'), epochs=2)
    plot = 'python tools/dev/plot_losses.py work_dirs/my_pose'
    for line in ('sapiens train my_pose.py --resume', plot):
        (command,) = re.findall(rf'^{re.escape(line)}.*$', PAGE, re.M)
        shell(shlex.split(command.replace('my_pose', f'my_{task}')))
    assert Path('work_dirs', f'my_{task}', 'epoch_2.pth').is_file()
    assert cv2.imread('losses.png') is not None


# what makes the heads of the large models small; the input stays 1024 x 768
SMALL_HEADS = {
    'pose': 'deconv_out_channels=16,16 conv_out_channels=16,16',
    'seg': 'channels=16 deconv_out_channels=16,16,16 conv_out_channels=16,16,16',
    'depth': 'channels=16 deconv_out_channels=16,16,16,16 conv_out_channels=16,16',
    'normal': 'channels=16 deconv_out_channels=16,16,16 conv_out_channels=16,16,16',
}


@pytest.mark.slow
@pytest.mark.parametrize('task', TASKS)
def test_the_configs_for_a_gpu_train(tmp_path, shell, task):
    """At their size, with the small encoder and its weights in them."""
    write_data(tmp_path / 'data/mine', task, POINTS)
    own = dict(keypoints=list(POINTS), mirror=PAIRS, links=PAIRS[:3])
    copy, *_, demo = commands(task)
    shell(copy)
    config = Path(copy[2])
    large_model(config)
    change(config, epochs=1, **(own if task == 'pose' else {}))
    head = 'head' if task == 'pose' else 'decode_head'
    options = [f'{head}.{each}' for each in SMALL_HEADS[task].split()]
    options += [f'{head}.in_channels=192', 'backbone.arch=sapiens_tiny']
    options = [f'model.{each}' for each in options]
    options += [f'{split}_dataloader.batch_size=2' for split in ('train', 'val')]
    shell(['sapiens', 'train', str(config), '--cfg-options', *options])
    trained(task)
    shell(demo)
    photos = 6 if task == 'pose' else 2
    assert len(list(Path(f'out/{task}/pictures').iterdir())) == photos


def write_data(folder, task, names=SIX):
    if task == 'pose':
        write_keypoints(folder, names)
    elif task == 'seg':
        write_classes(folder, 5)
    else:
        dict(depth=write_depth, normal=write_normals)[task](folder)


def large_model(path):
    """Take the model that the comment in a config names; return line and weights."""
    text = path.read_text(encoding='utf-8')
    ((model, start),) = re.findall(r"^# '([\w./-]+)' and '([\w.]+)'", text, re.M)
    line = f"_base_ = str(__import__('sapiens_mm').config_path('{model}'))"
    path.write_text(re.sub(r'^_base_ = .*$', line, text, flags=re.M), encoding='utf-8')
    return line, start


# ---------------------------------------------------------------- the configs


@pytest.mark.parametrize('task', TASKS)
def test_facts_stand_on_top(task):
    """At most 15 lines beside the names; below them nothing is a fact."""
    text = (ROOT / f'configs/examples/finetune_{task}.py').read_text(encoding='utf-8')
    top, rest = re.split(r'^# -{20,}.*\n', text, flags=re.M)
    lines = [line for line in top.splitlines() if line and not line.startswith('#')]
    assert len([line for line in lines if not line.startswith('keypoints')]) <= 15
    assert re.findall(r'^# (\d)\.', top, re.M) == list('12345')
    assert 'data/' not in rest and 'sapiens_tiny' not in rest


@pytest.mark.parametrize('task', TASKS)
@pytest.mark.parametrize('epochs', [1, 20, 300])
def test_schedules_fit_few_epochs_and_many(tmp_path, task, epochs):
    path = tmp_path / 'own.py'
    shutil.copy(ROOT / f'configs/examples/finetune_{task}.py', path)
    change(path, epochs=epochs)
    cfg = Config.fromfile(path)
    train = cfg.train_cfg
    assert train.max_epochs == epochs
    assert 1 <= train.val_interval <= max(1, epochs // 10)
    warm, falling = cfg.param_scheduler
    assert warm.end <= 20 and falling.end == falling.T_max == epochs
    checkpoint = cfg.default_hooks.checkpoint
    assert checkpoint.get('by_epoch', True) and checkpoint.interval == 1
    prefix = cfg.val_evaluator.get('prefix')
    assert prefix is None or checkpoint.save_best.startswith(prefix)


@pytest.mark.parametrize('task', TASKS)
def test_the_start_with_a_gpu(tmp_path, task):
    """The page's two lines, or those of the config's comment: all else fits them."""
    path = tmp_path / 'own.py'
    shutil.copy(ROOT / f'configs/examples/finetune_{task}.py', path)
    line, start = large_model(path)
    if task == 'pose':
        assert [line, f"start = '{start}'"] == blocks('python')[0].splitlines()
    change(path, start=start)
    cfg = Config.fromfile(path)
    assert cfg.model.backbone.arch == 'sapiens_0.3b'
    whole = task in ('depth', 'normal')
    init_cfg = cfg.model.init_cfg if whole else cfg.model.backbone.init_cfg
    assert init_cfg == dict(type='Pretrained', checkpoint=start)
    assert not whole or cfg.model.backbone.init_cfg is None
    head = cfg.model.get('head') or cfg.model.decode_head
    assert head.in_channels == 1024
    assert cfg.optim_wrapper.paramwise_cfg.layer_decay_rate == 0.85
    for split in ('train', 'val'):
        assert cfg[f'{split}_dataloader'].dataset.data_root == 'data/mine/'
    change(path, start=None)
    cfg = Config.fromfile(path)
    assert not cfg.model.backbone.init_cfg and not cfg.model.get('init_cfg')


def test_weights_of_the_package_are_there():
    for task in TASKS:
        text = (ROOT / f'configs/examples/finetune_{task}.py').read_text('utf-8')
        (start,) = re.findall(r"^start = '(\w+)'", text, re.M)
        assert resolve(start).is_file()


# ---------------------------------------------------------------- the page


def test_the_facts_on_the_page_are_those_of_the_config():
    config = (ROOT / 'configs/examples/finetune_pose.py').read_text(encoding='utf-8')
    (shown,) = (b for b in blocks('python') if b.startswith('folder'))
    for line in shown.splitlines():
        assert line in config
    names = re.search(r'^keypoints = (.*)$', config, re.M).group(1)
    (example,) = map(json.loads, blocks('json'))
    assert example['categories'][0]['keypoints'] == ast.literal_eval(names)
    (person,) = example['annotations']
    assert len(person['keypoints']) == 18
    assert person['num_keypoints'] == sum(v > 0 for v in person['keypoints'][2::3])


def test_curves_go_where_the_page_says(tmp_path):
    (block,) = (b for b in blocks('python') if b.startswith('visualizer'))
    path = tmp_path / 'own.py'
    text = (ROOT / 'configs/examples/finetune_seg.py').read_text(encoding='utf-8')
    path.write_text(text + block, encoding='utf-8')
    cfg = Config.fromfile(path)
    from mmengine.registry import VISBACKENDS, VISUALIZERS, DefaultScope

    kinds = [backend.type for backend in cfg.visualizer.vis_backends]
    assert kinds == ['LocalVisBackend', 'TensorboardVisBackend']
    (other,) = re.findall(r'`dict\(type=\'(Wandb\w+)\'', PAGE)
    for kind in (*kinds, other):
        assert VISBACKENDS.get(kind) is not None
    if importlib.util.find_spec('tensorboard'):
        cfg.visualizer.update(save_dir=str(tmp_path), name='curves')
        with DefaultScope.overwrite_default_scope('mmseg'):
            visualizer = VISUALIZERS.build(cfg.visualizer)
        visualizer.add_scalar('loss', 1.0, 3)
        assert list(tmp_path.rglob('events.out.tfevents*'))
