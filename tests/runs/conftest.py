"""Small models of every task, with random weights."""

import pytest
import torch

from sapiens_mm.testing import build_model, tiny_config

NAMES = {
    'pose': 'pose/sapiens_0.3b_goliath308-1024x768',
    'seg': 'seg/sapiens_0.3b_goliath28-1024x768',
    'depth': 'depth/sapiens_0.3b_render_people-1024x768',
    'normal': 'normal/sapiens_0.3b_render_people-1024x768',
}


@pytest.fixture(scope='module')
def models(tmp_path_factory):
    """Config and checkpoint, paths, by task."""
    folder = tmp_path_factory.mktemp('models')
    made = {}
    for task, name in NAMES.items():
        cfg = tiny_config(name)
        (folder / task).mkdir()
        config = folder / task / 'tiny.py'
        cfg.dump(config)
        checkpoint = folder / f'{task}.pth'
        torch.save(build_model(cfg).state_dict(), checkpoint)
        made[task] = str(config), str(checkpoint)
    return made
