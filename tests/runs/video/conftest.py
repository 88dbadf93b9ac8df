"""The video demo as a user calls it, on tiny models and small videos."""

import json
from fractions import Fraction

import numpy as np
import pytest

UNEVEN = [0, 40, 90, 120, 200, 210, 300, 340, 380, 420, 470, 520]  # milliseconds
RED = [5 + 0.13 * ms for ms in UNEVEN]  # left edges of two who walk
BLUE = [72 - 0.13 * ms for ms in UNEVEN]


class Demo:
    """The demo with the models and the detector of a test."""

    times_ms, red, blue = UNEVEN, RED, BLUE

    def __init__(self, modules, jobs, tmp_path):
        self.video_demo, self.run, self.output = modules
        self.jobs, self.out = jobs, tmp_path / 'out'
        self.looks = 0
        self.at_look = lambda number: None

    def detect(self, image):
        """Boxes of what is red and of what is blue."""
        self.looks += 1
        self.at_look(self.looks)
        boxes = []
        for channel in (2, 0):
            rest = image[..., 2 - channel]
            mask = (image[..., channel] > 130) & (rest < 90)
            if mask.sum() > 40:
                y, x = np.nonzero(mask)
                boxes.append([x.min(), y.min(), x.max() + 1, y.max() + 1, 0.9])
        return np.array(boxes).reshape(-1, 5)

    def __call__(self, *argv, tasks=('pose',), detector=True):
        self.plan = [self.jobs[task] for task in tasks]
        words = [*argv, '--out-dir', self.out, '--device', 'cpu']
        words += ['--detector', 'rtmdet'] * detector
        return self.video_demo.main([str(word) for word in words])

    def poses(self, name='in'):
        lines = (self.out / f'{name}.pose.jsonl').read_text().splitlines()
        return [json.loads(line) for line in lines]

    def record(self, name='in'):
        return json.loads((self.out / f'{name}.json').read_text())

    @staticmethod
    def files(folder):
        return sorted(p.name for p in folder.rglob('*') if p.is_file())

    @staticmethod
    def picture():
        return two_people(1)[0]


@pytest.fixture(scope='module')
def modules():
    for package in ('av', 'mmpose', 'mmseg'):
        pytest.importorskip(package)
    from sapiens_mm.cli import video as video_demo
    from sapiens_mm.runs import video_output, video_run

    yield video_demo, video_run, video_output


@pytest.fixture(scope='module')
def jobs(modules, models):
    from sapiens_mm.runs.jobs import Job

    return {task: Job(task, *paths) for task, paths in models.items()}


@pytest.fixture
def demo(modules, jobs, tmp_path, monkeypatch):
    demo = Demo(modules, jobs, tmp_path)
    monkeypatch.setattr(demo.run, 'plan_jobs', lambda args: demo.plan)
    monkeypatch.setattr(demo.run, 'make_detector', lambda *_: demo.detect)
    return demo


def two_people(count):
    """A red and a blue rectangle that walk through each other."""
    pictures = []
    for red, blue in zip(RED[:count], BLUE[:count], strict=True):
        image = np.full((64, 96, 3), 40, np.uint8)
        image[8:48, round(blue) : round(blue) + 18] = (220, 30, 20)
        image[14:56, round(red) : round(red) + 18] = (20, 30, 220)  # in front
        pictures.append(image)
    return pictures


@pytest.fixture
def clip(video_files, tmp_path):
    """Twelve frames at uneven times, with sound."""
    base = Fraction(1, 1000)
    return video_files.make_video(
        tmp_path / 'in.mp4', two_people(12), pts=UNEVEN, tb=base
    )


@pytest.fixture
def short(video_files, tmp_path):
    """The first six of them."""
    base = Fraction(1, 1000)
    return video_files.make_video(
        tmp_path / 'in.mp4', two_people(6), pts=UNEVEN[:6], tb=base
    )
