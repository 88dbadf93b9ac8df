"""Depth and normal configs trained and tested as users do, on drawn scenes."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

pytest.importorskip('mmseg')

from mmengine.runner import Runner

sys.path.insert(0, str(Path(__file__).parent))
from scenes import draw_scene, write_scenes, write_synth_human
from tiny_runs import map_config

TOOLS = Path(__file__).resolve().parents[2] / 'tools'
HW = (64, 48)


def run(tool, config, *argv, cwd, code=0):
    result = subprocess.run(
        [sys.executable, str(TOOLS / tool), str(config), *map(str, argv)],
        cwd=cwd,
        env=os.environ,
        capture_output=True,
        text=True,
    )
    assert result.returncode == code, result.stdout[-3000:] + result.stderr[-3000:]
    return result.stdout + result.stderr


def lay_out(root, kind, data):
    """Write four scenes in the layout that a config expects."""
    scenes = [draw_scene(seed, HW) for seed in range(4)]
    if data == 'synth_human':
        pytest.importorskip('OpenEXR')
        return write_synth_human(root, [98, 99, 100, 200], scenes)
    general = ('images', 'masks', f'{kind}s')
    names = general if data == 'general' else ('rgb', 'mask', kind)
    return write_scenes(root, scenes, kind, names)


@pytest.mark.parametrize('data', ['render_people', 'general', 'synth_human'])
@pytest.mark.parametrize('kind', ['depth', 'normal'])
def test_train_step_and_evaluation(tmp_path, kind, data):
    """Two epochs with all augmentations, then the figures of the shipped metric."""
    root = lay_out(tmp_path / 'data', kind, data)
    cfg = map_config(root, kind, data)
    cfg.work_dir = str(tmp_path / 'work')
    runner = Runner.from_cfg(cfg)
    before = {k: v.clone() for k, v in runner.model.state_dict().items()}
    runner.train()
    losses = runner.message_hub.get_scalar('train/loss').data[0]
    assert len(losses) == (2 if data == 'synth_human' else 4)
    assert np.isfinite(losses).all() and losses[-1] > 0
    after = runner.model.state_dict()
    key = 'backbone.patch_embed.projection.weight'
    assert not np.allclose(before[key], after[key], rtol=0, atol=1e-9)
    figures = runner.val_loop.run()
    assert figures[f'{kind}/num_images'] == (2 if data == 'synth_human' else 4)
    assert figures[f'{kind}/num_left_out'] == 0
    key = {'depth': 'depth/rmse', 'normal': 'normal/mean'}[kind]
    assert runner.cfg.default_hooks.checkpoint.save_best is None
    scores = runner.message_hub.get_scalar(f'val/{key}').data[0]
    assert figures[key] == pytest.approx(scores[-1], rel=1e-5)


@pytest.mark.parametrize('data', ['thuman2', 'hi4d'])
@pytest.mark.parametrize('kind', ['depth', 'normal'])
def test_evaluation_sets_in_lists(tmp_path, kind, data):
    """The true maps, given as predictions, make no error; groups are told apart."""
    scenes = [draw_scene(seed, HW) for seed in range(6)]
    write_scenes(tmp_path, scenes, kind)
    groups = ('face', 'upper_body', 'full_body') if data == 'thuman2' else ('pair00',)
    lines = [
        f'rgb/{i:03d}.png mask/{i:03d}.png {kind}/{i:03d}.npy {groups[i % len(groups)]}'
        for i in range(6)
    ]
    (tmp_path / f'{kind}.txt').write_text('\n'.join(lines))
    cfg = map_config(tmp_path, kind, data, batch_size=4)
    cfg.work_dir = str(tmp_path / 'work')
    if kind == 'depth':
        cfg.test_evaluator.protocol = 'david'
    runner = Runner.from_cfg(cfg)
    truths = [
        torch.from_numpy(
            scene.depth[None] if kind == 'depth' else scene.normals.transpose(2, 0, 1)
        )
        for scene in scenes
    ]

    def inference(inputs, metas):
        names = [int(Path(meta['img_path']).stem) for meta in metas]
        return torch.stack([truths[name] for name in names])

    runner.model.inference = inference
    figures = runner.test()
    error = {'depth': 'depth/rmse', 'normal': 'normal/mean'}[kind]
    assert figures[error] == pytest.approx(0, abs=1e-3)
    assert figures[f'{kind}/num_images'] == 6
    if data == 'thuman2':
        name = error.split('/')[1]
        for group in groups:
            assert figures[f'{kind}/{group}/{name}'] == pytest.approx(0, abs=1e-3)


def test_skip_bad_on_the_command_line(sapiens, tmp_path):
    """Without it a run ends with a sentence; with it, it goes on and counts."""
    root = lay_out(tmp_path / 'data', 'depth', 'render_people')
    bad = root / 'depth' / '002.npy'
    np.save(bad, np.full(HW, np.nan))
    cfg = map_config(root, 'depth', batch_size=4)
    cfg.train_dataloader.num_workers = 1
    config = tmp_path / 'config.py'
    cfg.dump(config)
    options = ('--work-dir', tmp_path / 'work')
    shown = sapiens('train', config, *options, code=2)
    assert f'error: {bad} holds NaN on people' in shown
    shown = sapiens('train', config, *options, '--skip-bad')
    assert '1 of 4 samples skipped so far, as their files are bad' in shown
    assert '1 of 4 samples skipped\n' in shown  # of validation, at the start
    checkpoint = tmp_path / 'work' / 'epoch_2.pth'
    look = ('--show-dir', tmp_path / 'look')
    shown = sapiens('test', config, checkpoint, *options, '--skip-bad', *look)
    assert '1 of 4 samples skipped\n' in shown
    assert '3 images' in shown
    look = [cv2.imread(str(path)) for path in sorted((tmp_path / 'look').iterdir())]
    assert len(look) == 3 and all(image.std() > 20 for image in look)


@pytest.mark.slow
@pytest.mark.parametrize('kind', ['depth', 'normal'])
def test_overfit(tmp_path, kind):
    """A tiny model learns eight scenes by heart, far better than any constant."""
    hw = (96, 64)
    scenes = [draw_scene(seed, hw) for seed in range(8)]
    root = write_scenes(tmp_path, scenes, kind)
    size = dict(input_hw=hw, width=96, depth=2, head_width=32, batch_size=8)
    epochs = 400
    cfg = map_config(root, kind, epochs=epochs, lr=2e-3, augment=False, **size)
    if kind == 'depth':
        cfg.test_evaluator.protocol = cfg.val_evaluator.protocol = 'david'
    config = tmp_path / 'overfit.py'
    cfg.dump(config)
    run('train.py', config, '--work-dir', tmp_path / 'work', cwd=tmp_path)
    out = tmp_path / 'figures.pkl'
    checkpoint = tmp_path / f'work/epoch_{epochs}.pth'
    shown = run('test.py', config, checkpoint, '--out', out, cwd=tmp_path)
    figures = pickle.loads(out.read_bytes())
    assert '8 images' in shown
    if kind == 'depth':
        assert figures['depth/delta1'] > 0.99, figures
        assert np.mean([constant_delta1(scene) for scene in scenes]) < 0.8
    else:
        assert figures['normal/mean'] < 3, figures


def constant_delta1(scene):
    """Return the share within a factor of 1.25 of the mean depth."""
    depth = scene.depth[scene.mask > 0].astype(np.float64)
    return (np.maximum(depth / depth.mean(), depth.mean() / depth) < 1.25).mean()
