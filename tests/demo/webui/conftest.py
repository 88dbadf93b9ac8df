"""A served page with tiny models, and what asks it."""

import os
import sys
from pathlib import Path

import cv2
import pytest

from sapiens_mm.testing import fake_person_photo

ROOT = Path(__file__).resolve().parents[3]
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
