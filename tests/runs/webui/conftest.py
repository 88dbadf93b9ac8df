"""A served page with tiny models, and what asks it."""

import os
import sys
import tempfile
from pathlib import Path

import cv2
import pytest

from sapiens_mm.cli import web
from sapiens_mm.testing import fake_person_image

ROOT = Path(__file__).resolve().parents[3]
HW = (80, 60)


@pytest.fixture(scope='module')
def demo():
    folders = [str(ROOT / 'tools/dev'), str(Path(__file__).parent)]
    sys.path[:0] = folders
    environ, place = dict(os.environ), tempfile.tempdir
    try:
        from sapiens_mm.webui import models as webui_models
        from sapiens_mm.webui import page_run as webui_run
        from sapiens_mm.webui import server as webui

        yield webui, webui_models, webui_run
    finally:
        os.environ.clear()
        os.environ.update(environ)
        tempfile.tempdir = place
        for folder in folders:
            sys.path.remove(folder)


@pytest.fixture(scope='module')
def page(demo, models, tmp_path_factory):
    """A served page whose models are tiny and in this process: runner and address."""
    from sapiens_mm.runs.jobs import Job
    from sapiens_mm.webui.folder import Folder

    def plan_jobs(args):
        return [Job(task, *models[task]) for task in args.task]

    webui = demo[0]
    args = web.parse_args(['--port', '0', '--device', 'cpu'])
    folder = Folder(tmp_path_factory.mktemp('webui'))
    webui.go_offline(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo[1], 'plan_jobs', plan_jobs)
        run = demo[2].PageRun(demo[1].ModelStore(args), folder.results)
    run.preload()
    served, url = webui.serve(run, args, folder, webui.free_port(args.host, 0))
    run.place = folder
    yield run, url
    served.close(verbose=False)


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / 'my photo.png'
    cv2.imwrite(str(path), fake_person_image(0, HW))
    return path


@pytest.fixture(scope='module')
def answer(demo):
    """Ask a runner for an image; the last state of its answer."""

    def ask(run, photo, **asked):
        *_, last = run(demo[2].PageRequest(image=photo, **asked))
        return last

    return ask
