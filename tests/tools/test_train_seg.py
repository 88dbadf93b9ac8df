"""sapiens train and sapiens test on part labels, as users run them."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from sentences import says
from tiny_runs import seg_config

pytest.importorskip('mmseg')

sys.path.insert(0, str(Path(__file__).parents[1] / 'seg'))
from part_layouts import LAYOUTS, write_goliath, write_labels

TOOLS = Path(__file__).resolve().parents[2] / 'tools'
TINY = dict(input_hw=(64, 48), width=32, depth=1)


def run(tool, *argv, cwd, code=0):
    result = subprocess.run(
        [sys.executable, str(TOOLS / tool), *map(str, argv)],
        cwd=cwd,
        env={**os.environ, 'OMP_NUM_THREADS': '1'},
        capture_output=True,
        text=True,
    )
    assert result.returncode == code, result.stdout[-3000:] + result.stderr[-3000:]
    return result.stdout + result.stderr


def write(cfg, path):
    cfg.dump(path)
    return path


def evaluate(config, checkpoint, folder):
    """Return the figures of sapiens test."""
    out = folder / 'figures.pkl'
    run('test.py', config, checkpoint, '--out', out, cwd=folder)
    return pickle.loads(out.read_bytes())


@pytest.mark.slow
@pytest.mark.timeout(1800)  # two minutes of one core, if it has it to itself
def test_overfit(tmp_path):
    """A tiny model learns eight drawn people by heart: mIoU above 0.95."""
    hw = (192, 144)
    root = write_goliath(tmp_path / 'data', 8, hw)
    epochs = 200
    cfg = seg_config(root, input_hw=hw, epochs=epochs, batch_size=4, lr=6e-3)
    # the official weights, 0.1 for the background and up to 10 for parts, draw parts
    # too wide until long after the shapes are learnt
    cfg.model.decode_head.loss_decode.class_weight = None
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    config = write(cfg, tmp_path / 'overfit.py')
    work = tmp_path / 'work'
    run('train.py', config, '--work-dir', work, cwd=tmp_path)
    figures = evaluate(config, work / f'epoch_{epochs}.pth', tmp_path)
    assert figures['mIoU'] > 95, figures
    assert figures['mBIoU'] > 90, figures


@pytest.mark.slow
def test_a_resumed_run_ends_with_the_same_weights(tmp_path):
    """All augmentation and loader processes are seeded by epoch."""
    root = write_goliath(tmp_path / 'data', 6)
    cfg = seg_config(root, epochs=3, batch_size=3, augment=True, workers=2, **TINY)
    cfg.model.backbone.drop_path_rate = 0.2
    cfg.default_hooks.checkpoint.update(interval=1, max_keep_ckpts=3)
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    config = write(cfg, tmp_path / 'run.py')
    work = tmp_path / 'work'
    run('train.py', config, '--work-dir', work, cwd=tmp_path)
    whole = torch.load(work / 'epoch_3.pth', weights_only=True)['state_dict']
    (work / 'epoch_3.pth').unlink()
    (work / 'epoch_2.pth').unlink()
    shown = run(
        'train.py',
        *(config, '--work-dir', work, '--resume', work / 'epoch_1.pth'),
        cwd=tmp_path,
    )
    assert 'Epoch(train) [1]' not in shown
    resumed = torch.load(work / 'epoch_3.pth', weights_only=True)['state_dict']
    assert whole.keys() == resumed.keys()
    for key, value in whole.items():
        assert torch.equal(value, resumed[key]), key


@pytest.mark.parametrize('name', ['goliath28', 'face19'])
def test_shipped_configs_train_and_test(sapiens, tmp_path, name):
    """Shrunk: one epoch with all augmentation, validation, checkpoint, figures."""
    root = LAYOUTS[name](tmp_path / 'data', 2)
    cfg = seg_config(root, name, epochs=1, batch_size=2, augment=True, **TINY)
    if name != 'face19':
        cfg.default_hooks.checkpoint.save_best = 'mIoU'
    config = write(cfg, tmp_path / 'run.py')
    work = tmp_path / 'work'
    shown = sapiens('train', config, '--work-dir', work)
    assert 'decode.loss_ce' in shown
    best = list(work.glob('best_mIoU_epoch_1.pth'))
    assert len(best) == (name != 'face19')  # which has no validation
    sapiens('test', config, work / 'epoch_1.pth', '--out', 'figures.pkl')
    figures = pickle.loads((tmp_path / 'figures.pkl').read_bytes())
    assert 0 <= figures['mIoU'] <= 100
    assert np.isfinite(figures['mIoU'])


def test_bad_labels_stop_a_training_with_one_sentence(sapiens, tmp_path):
    root = write_goliath(tmp_path / 'data', 2)
    labels = root / 'train_parts/s1/0001.png'
    write_labels(labels, np.full((96, 72), 40))
    cfg = seg_config(root, epochs=1, batch_size=2, workers=1, **TINY)
    config = write(cfg, tmp_path / 'run.py')
    shown = sapiens('train', config, '--work-dir', tmp_path, code=2)
    last = shown.strip().splitlines()[-1]
    says(last, f'error: {labels}', '40', '6912 of 6912 pixels', '0 to 27', '255')


def test_bad_files_stop_a_test_with_one_sentence(sapiens, tmp_path):
    root = write_goliath(tmp_path / 'data', 2)
    photo = root / 'val/s1/0000.jpg'
    cv2.imwrite(str(photo), np.zeros((9, 9, 3), np.uint8))
    cfg = seg_config(root, batch_size=2, **TINY)
    config = write(cfg, tmp_path / 'run.py')
    from mmengine.registry import MODELS, DefaultScope

    with DefaultScope.overwrite_default_scope('mmseg'):
        model = MODELS.build(cfg.model)
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'a.pth')
    shown = sapiens('test', config, tmp_path / 'a.pth', code=2)
    last = shown.strip().splitlines()[-1]
    assert last.startswith(f'error: {root}/val_parts/s1/0000.png is 72 x 96 pixels')
    cfg.train_dataloader.dataset.data_root = str(tmp_path / 'nowhere')
    config = write(cfg, tmp_path / 'run.py')
    shown = sapiens('train', config, '--work-dir', tmp_path, code=2)
    last = shown.strip().splitlines()[-1]
    says(last, 'error: ', 'does not exist', f'{tmp_path}/nowhere/train/')
