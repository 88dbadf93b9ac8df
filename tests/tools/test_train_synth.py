"""sapiens train on people rendered while training."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

pytest.importorskip('mmseg')
pytest.importorskip('numba')

from sapiens_mm.testing import tiny_config

TOOL = Path(__file__).resolve().parents[2] / 'tools' / 'train.py'


def live_config(folder, epochs):
    """The shipped config of parts, shrunk, with augmentation and loader processes."""
    cfg = tiny_config('seg/sapiens_0.3b_synth28_live-1024x768')
    cfg.model.backbone.init_cfg = None
    cfg.model.decode_head.in_channels = 32
    for split, length in (('train', 4), ('val', 2), ('test', 2)):
        loader = cfg[f'{split}_dataloader']
        loader.update(batch_size=2, num_workers=2)
        loader.dataset.update(length=length, size_hw=(96, 64))
        for step in loader.dataset.pipeline:
            if 'scale' in step:
                step.scale = (48, 64)  # (W, H)
            if 'crop_size' in step:
                step.crop_size = (64, 48)
    cfg.train_cfg.update(max_epochs=epochs, val_interval=epochs)
    cfg.default_hooks.checkpoint.update(interval=1, save_best=None)
    path = folder / f'epochs{epochs}.py'
    Config(dict(cfg)).dump(path)
    return path


def train(config, work_dir, *argv):
    done = subprocess.run(
        [sys.executable, str(TOOL), str(config), '--work-dir', str(work_dir), *argv],
        capture_output=True,
        text=True,
        env={**os.environ, 'OMP_NUM_THREADS': '1'},
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


@pytest.mark.slow
def test_a_run_that_resumes_sees_the_same_people(tmp_path):
    """Two epochs in one go, and one of them, then the other."""
    config = live_config(tmp_path, 2)
    said = train(config, tmp_path / 'whole')
    assert 'mIoU' in said  # of rendered validation images
    train(
        config,
        tmp_path / 'parts',
        *('--cfg-options', 'train_cfg.max_epochs=1', 'train_cfg.val_interval=5'),
    )
    train(config, tmp_path / 'parts', '--resume')
    whole, parts = (
        torch.load(tmp_path / name / 'epoch_2.pth', weights_only=True)['state_dict']
        for name in ('whole', 'parts')
    )
    assert whole.keys() == parts.keys()
    for key in whole:
        assert torch.equal(whole[key], parts[key]), key
