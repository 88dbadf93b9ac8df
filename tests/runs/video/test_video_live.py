"""A camera, and the window that shows what is written."""

import signal

import cv2


class FakeCamera:
    """As cv2.VideoCapture: it never ends."""

    def __init__(self, number, picture):
        self.number, self.picture, self.count = number, picture, 0

    def isOpened(self):
        return self.number == 1

    def get(self, _):
        return 0.0

    def read(self):
        self.count += 1
        return True, self.picture

    def release(self):
        pass


def test_a_camera(demo, monkeypatch, video_files, capsys):
    from sapiens_mm.video import camera

    demo.cameras = []

    def open_camera(number):
        demo.cameras.append(FakeCamera(number, demo.picture()))
        return demo.cameras[-1]

    monkeypatch.setattr(camera.cv2, 'VideoCapture', open_camera)
    assert demo('--webcam', 1, '--max-frames', 5) == 0
    (out,) = demo.out.glob('camera1_*.mp4')
    stamps = video_files.stamps(out)
    assert len(stamps) == 5 and sorted(set(stamps)) == stamps
    # the camera is faster than the model: frames in between are left out
    assert demo.cameras[0].count > 5
    demo.looks = 0
    demo.at_look = lambda n: signal.raise_signal(signal.SIGINT) if n == 2 else None
    assert demo('--webcam', 1) == 130
    assert demo('--webcam', 0) == 2
    assert 'camera 0 cannot be opened' in capsys.readouterr().err


def test_the_window(demo, clip, monkeypatch, video_files, capsys):
    headless = 'General\n  GUI:                  NONE\n'
    monkeypatch.setattr(cv2, 'getBuildInformation', lambda: headless)
    assert demo(clip, '--show') == 2
    error = capsys.readouterr().err
    assert error.startswith('error: --show needs an OpenCV with windows')
    assert len(error.splitlines()) == 1
    shown = []
    monkeypatch.setattr(
        cv2, 'getBuildInformation', lambda: headless.replace('NONE', 'QT5')
    )
    monkeypatch.setenv('DISPLAY', ':0')
    monkeypatch.setattr(cv2, 'imshow', lambda _, image: shown.append(image))
    monkeypatch.setattr(cv2, 'waitKey', lambda _: ord('q') if len(shown) == 3 else -1)
    monkeypatch.setattr(cv2, 'destroyAllWindows', lambda: None)
    assert demo(clip, '--show') == 0
    assert len(shown) == len(video_files.stamps(demo.out / 'in.mp4')) == 3
    assert 'Stopped by q' in capsys.readouterr().out
