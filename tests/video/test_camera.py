"""Cameras, and reading ahead of the models."""

import threading
import time

import numpy as np
import pytest

pytest.importorskip('av')

from sapiens_mm.video import camera
from sapiens_mm.video.camera import CameraReader, ReadAhead
from sapiens_mm.video.reader import VideoError


class FakeCamera:
    """As cv2.VideoCapture."""

    def __init__(self, number):
        self.number, self.left, self.released = number, 5, False

    def isOpened(self):
        return self.number == 0

    def get(self, _):
        return 30.0

    def read(self):
        time.sleep(0.002)
        self.left -= 1
        return self.left >= 0, np.full((8, 9, 3), max(self.left, 0), np.uint8)

    def release(self):
        self.released = True


def test_camera(monkeypatch):
    monkeypatch.setattr(camera.cv2, 'VideoCapture', FakeCamera)
    frames = list(CameraReader(0))
    assert [f.image[0, 0, 0] for f in frames] == [4, 3, 2, 1, 0]
    assert frames[0].time_s == 0
    steps = np.diff([f.time_s for f in frames])
    assert (steps > 0.001).all() and frames[-1].pts > 700
    assert 1 <= len(list(CameraReader(0, end_s=0.004))) < 5
    with pytest.raises(VideoError, match='camera 3 cannot be opened'):
        CameraReader(3)


def test_reading_ahead_is_bounded_and_ends():
    made = []

    def items():
        for index in range(100):
            made.append(index)
            yield index

    with ReadAhead(items(), room=3) as ahead:
        stream = iter(ahead)
        assert [next(stream), next(stream)] == [0, 1]
        time.sleep(0.05)
        assert len(made) <= 6  # 2 taken, 3 waiting, 1 in hand
    assert threading.active_count() < 20 and len(made) <= 7
    with ReadAhead(iter(range(5)), room=2) as ahead:
        assert list(ahead) == [0, 1, 2, 3, 4]


def test_a_camera_drops_old_frames():
    done = threading.Event()

    def items():
        yield from range(50)
        done.set()

    with ReadAhead(items(), room=2, newest=True) as ahead:
        assert done.wait(5)  # nobody takes any, and it does not wait
        assert next(iter(ahead)) >= 48


def test_errors_reach_the_reader():
    def items():
        yield 1
        raise VideoError('broken')

    with ReadAhead(items()) as ahead, pytest.raises(VideoError, match='broken'):
        list(ahead)
