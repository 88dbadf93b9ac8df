"""A served page with tiny models, and what asks it."""

import os
import sys
from pathlib import Path

import cv2
import pytest
import torch

from sapiens_mm.testing import build_model, fake_person_photo, tiny_config

ROOT = Path(__file__).resolve().parents[3]
NAMES = {
    'pose': 'pose/sapiens_0.3b_goliath308-1024x768',
    'seg': 'seg/sapiens_0.3b_goliath28-1024x768',
    'depth': 'depth/sapiens_0.3b_render_people-1024x768',
    'normal': 'normal/sapiens_0.3b_render_people-1024x768',
}
HW = (80, 60)


@pytest.fixture(scope='module')
def demo():
    folders = [str(ROOT / 'demo'), str(ROOT / 'tools')]
    sys.path[:0] = folders
    environ = dict(os.environ)
    try:
        import webui
        import webui_models
        import webui_run

        yield webui, webui_models, webui_run
    finally:
        os.environ.clear()
        os.environ.update(environ)
        for folder in folders:
            sys.path.remove(folder)


@pytest.fixture(scope='module')
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp('models')
    made = {}
    for task, name in NAMES.items():
        cfg = tiny_config(name)
        (folder / task).mkdir()
        config = folder / task / 'tiny.py'
        cfg.dump(config)
        checkpoint = folder / f'{task}.pth'
        torch.save(build_model(cfg).state_dict(), checkpoint)
        made[task] = str(config), checkpoint
    return made


@pytest.fixture(scope='module')
def page(demo, models, tmp_path_factory):
    """A served page whose own models are tiny: its runner and its address."""
    from demo_jobs import Job

    def plan_jobs(args):
        return [Job(task, *models[task]) for task in args.task]

    folder = tmp_path_factory.mktemp('webui')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo[1], 'plan_jobs', plan_jobs)
        shelf = demo[1].ModelShelf(demo[0].parse_args(['--device', 'cpu']))
        run = demo[2].PageRun(shelf, folder)
        patch.setattr(demo[2], 'PageRun', lambda *args: run)
        served, url = demo[0].start(
            demo[0].parse_args(['--port', '0', '--device', 'cpu']), folder
        )
    yield run, url
    served.close(verbose=False)


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / 'my photo.png'
    cv2.imwrite(str(path), fake_person_photo(0, HW))
    return path


@pytest.fixture(scope='module')
def answer(demo):
    """Ask a runner for a photo; the last state of its answer."""

    def ask(run, photo, **wish):
        *_, last = run(demo[2].Wish(photo=photo, **wish))
        return last

    return ask
