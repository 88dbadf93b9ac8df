"""Tiny models with formula weights, as configs and checkpoint files."""

import pytest
import torch

from sapiens_mm.testing import build_model, tiny_config

NAMES = {
    'pose': 'pose/sapiens_0.3b_coco17-1024x768',
    'pose308': 'pose/sapiens_0.3b_goliath308-1024x768',
    'seg': 'seg/sapiens_0.3b_goliath28-1024x768',
    'depth': 'depth/sapiens_0.3b_render_people-1024x768',
    'normal': 'normal/sapiens_0.3b_render_people-1024x768',
    'mae': 'mae/sapiens_0.3b_humans-1024x1024',
}


@pytest.fixture(scope='session')
def tiny(tmp_path_factory):
    """Return a function: task to (config, checkpoint path), made once each."""
    made = {}
    folder = tmp_path_factory.mktemp('tiny')

    def make(task):
        if task not in made:
            hw = (64, 64) if task == 'mae' else (64, 48)
            cfg = tiny_config(NAMES[task], hw)
            path = folder / f'{task}.pth'
            torch.save({'meta': {}, 'state_dict': build_model(cfg).state_dict()}, path)
            made[task] = cfg, path
        return made[task]

    return make
