"""The video demo as a user calls it, on tiny models and small videos."""

import json
import signal
import sys
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

pytest.importorskip('av')
pytest.importorskip('mmpose')
pytest.importorskip('mmseg')

from sapiens_mm.apis.smoothing import KeypointSmoother
from sapiens_mm.apis.video import VideoReader
from sapiens_mm.testing import build_model, tiny_config

DEMO = Path(__file__).resolve().parents[2] / 'demo'
NAMES = {
    'pose': 'pose/sapiens_0.3b_coco17-1024x768',
    'seg': 'seg/sapiens_0.3b_goliath28-1024x768',
    'depth': 'depth/sapiens_0.3b_render_people-1024x768',
    'normal': 'normal/sapiens_0.3b_render_people-1024x768',
}
UNEVEN = [0, 40, 90, 120, 200, 210, 300, 340, 380, 420, 470, 520]  # milliseconds


class Demo:
    """The demo with the models and the detector of a test."""

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


@pytest.fixture(scope='module')
def modules():
    sys.path.insert(0, str(DEMO))
    try:
        import video_demo
        import video_output
        import video_run

        yield video_demo, video_run, video_output
    finally:
        sys.path.remove(str(DEMO))


@pytest.fixture(scope='module')
def jobs(modules, tmp_path_factory):
    from demo_jobs import Job

    folder = tmp_path_factory.mktemp('models')
    made = {}
    for task, name in NAMES.items():
        cfg = tiny_config(name)
        (folder / task).mkdir()
        cfg.dump(folder / task / 'tiny.py')
        torch.save(build_model(cfg).state_dict(), folder / f'{task}.pth')
        config = str(folder / task / 'tiny.py')
        made[task] = Job(task, config, folder / f'{task}.pth')
    return made


@pytest.fixture
def demo(modules, jobs, tmp_path, monkeypatch):
    demo = Demo(modules, jobs, tmp_path)
    monkeypatch.setattr(demo.run, 'plan_jobs', lambda args: demo.plan)
    monkeypatch.setattr(demo.run, 'make_detector', lambda *_: demo.detect)
    return demo


RED = [5 + 0.13 * ms for ms in UNEVEN]
BLUE = [72 - 0.13 * ms for ms in UNEVEN]


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


def files(folder):
    return sorted(p.name for p in folder.rglob('*') if p.is_file())


def test_stamps_sound_and_ids(demo, clip, video_files, monkeypatch, capsys):
    def sees(image):  # nobody at frame 8
        boxes = demo.detect(image)
        return boxes[:0] if demo.looks == 9 else boxes

    monkeypatch.setattr(demo.run, 'make_detector', lambda *_: sees)
    assert demo(clip, '--save-data') == 0
    shown = capsys.readouterr()
    out = demo.out / 'in.mp4'
    assert f'{out}: 12 frames' in shown.out and '12/12' in shown.err
    assert video_files.stamps(out) == [Fraction(ms, 1000) for ms in UNEVEN]
    assert video_files.sound_packets(out) == video_files.sound_packets(clip)
    assert files(demo.out) == ['in.json', 'in.mp4', 'in.pose.jsonl']

    lines = demo.poses()
    assert [line['frame'] for line in lines] == list(range(12))
    assert [line['time_s'] for line in lines] == [ms / 1000 for ms in UNEVEN]
    assert lines[8]['persons'] == []
    for index in (0, 1, 2, 3, 9, 10, 11):  # before and after
        persons = {p['id']: p['bbox'] for p in lines[index]['persons']}
        assert sorted(persons) == [1, 2]
        assert abs(persons[1][0] - RED[index]) <= 2
        assert abs(persons[2][0] - BLUE[index]) <= 2
    assert {p['id'] for line in lines for p in line['persons']} == {1, 2}
    person = lines[0]['persons'][0]
    assert len(person['keypoints']) == 51
    assert person['bbox_score'] == pytest.approx(0.9)
    record = demo.record()
    assert record['complete'] and record['frames'] == 12
    assert len(record['keypoint_names']) == 17


def test_ids_are_drawn_in_their_colours(demo, clip):
    from sapiens_mm.visualization import id_color

    assert demo(clip, '--kpt-thr', 99, '--crf', 1, '--max-frames', 1) == 0
    image = next(iter(VideoReader(demo.out / 'in.mp4'))).image.astype(int)
    # the plates with the numbers: red is 1, blue is 2
    for number, place in ((1, np.s_[3:13, 6:20]), (2, np.s_[1:11, 73:87])):
        middle = np.median(image[place].reshape(-1, 3), 0)
        assert abs(middle - id_color(number)).max() < 25
    assert abs(np.subtract(id_color(1), id_color(2))).max() > 100


def test_finished_output_is_skipped(demo, clip, capsys):
    argv = (clip, '--max-frames', 2)
    assert demo(*argv) == 0
    out = demo.out / 'in.mp4'
    before = out.stat().st_mtime_ns
    assert demo(*argv) == 0 and out.stat().st_mtime_ns == before
    assert f'{out} was there already' in capsys.readouterr().out
    assert demo(*argv, '--overwrite') == 0 and out.stat().st_mtime_ns > before
    before = out.stat().st_mtime_ns
    assert demo(*argv, '--kpt-thr', 0.5) == 0 and out.stat().st_mtime_ns > before
    assert 'was made with other options: it is made anew' in capsys.readouterr().out
    # a file that is not ours stays
    (demo.out / 'in.json').unlink()
    out.write_bytes(b'mine')
    assert demo(*argv) == 0 and out.read_bytes() == b'mine'
    assert 'is left alone: see --overwrite' in capsys.readouterr().out


def test_ctrl_c_keeps_the_frames_so_far(demo, short, video_files, capsys):
    demo.at_look = lambda n: signal.raise_signal(signal.SIGINT) if n == 4 else None
    before = signal.getsignal(signal.SIGINT)
    assert demo(short, '--save-data') == 130
    assert signal.getsignal(signal.SIGINT) is before
    shown = capsys.readouterr().out
    assert 'Stopped by Ctrl-C' in shown and 'holds the 4 frames so far' in shown
    out = demo.out / 'in.mp4'
    assert video_files.stamps(out) == [Fraction(ms, 1000) for ms in UNEVEN[:4]]
    assert len(demo.poses()) == 4 and not demo.record()['complete']
    # its sound ends with it
    assert 0.1 < video_files.sound_packets(out)[-1][0] < 0.2
    assert demo(short, '--save-data') == 0
    assert 'stopped early: it is made anew' in capsys.readouterr().out
    assert len(video_files.stamps(out)) == 6


def test_ctrl_c_twice_leaves_nothing(demo, short, capsys):
    def twice(number):
        if number == 3:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    demo.at_look = twice
    # a runner in the background ignores Ctrl-C
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert demo(short, '--save-data') == 130
    finally:
        signal.signal(signal.SIGINT, before)
    assert 'no file is left' in capsys.readouterr().out
    assert files(demo.out) == []


def test_a_model_that_fails_keeps_the_frames_so_far(demo, short, video_files, capsys):
    def fail(number):
        if number == 4:
            raise RuntimeError('CUDA out of memory.\nTried to')

    demo.at_look = fail
    assert demo(short) == 1
    error = capsys.readouterr().err
    assert 'it stopped: CUDA out of memory. (frame 3)' in error
    assert len(video_files.stamps(demo.out / 'in.mp4')) == 3
    assert not demo.record()['complete']


def test_a_truncated_file_and_no_video(demo, clip, tmp_path, capsys):
    data = clip.read_bytes()
    short = tmp_path / 'short.mp4'
    short.write_bytes(data[: len(data) * 55 // 100])
    text = tmp_path / 'text.mp4'
    text.write_bytes(bytes(range(256)) * 9)
    assert demo(short) == 1
    failed = [x for x in capsys.readouterr().err.splitlines() if 'failed:' in x]
    assert len(failed) == 1 and 'short.mp4: the file is cut short' in failed[0]
    assert 0 < demo.record('short')['frames'] < 10
    # again: skipped, and listed again
    assert demo(short) == 1
    shown = capsys.readouterr()
    assert 'was there already' in shown.out and 'cut short' in shown.err
    # alone it is a wrong call; among others it is one that failed
    assert demo(text) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith(f'error: {text} is not a video')
    assert len(shown.err.strip().splitlines()) == 1
    assert not (demo.out / 'text.mp4').exists()
    assert demo(text, clip, '--max-frames', 1) == 1
    assert (demo.out / 'in.mp4').is_file()


def test_a_broken_frame(demo, video_files, tmp_path, capsys):
    path = video_files.make_video(tmp_path / 'in.mp4', 12, sound=False)
    video_files.break_packet(path, 5)
    assert demo(path) == 1
    assert 'frames unreadable: left out, 1' in capsys.readouterr().err
    assert len(video_files.stamps(demo.out / 'in.mp4')) == 11


def test_all_tasks_make_a_panel(demo, clip, capsys):
    argv = (clip, '--mask', 'seg', '--save-maps', '--save-data', '--max-frames', 2)
    assert demo(*argv, tasks=tuple(NAMES)) == 0
    image = next(iter(VideoReader(demo.out / 'in.mp4'))).image
    # frame, pose, parts, depth with relief, normals
    assert image.shape[1] > 6 * 96 and image.shape[0] > 64
    assert files(demo.out / 'in.maps') == ['000000.npz', '000001.npz']
    maps = np.load(demo.out / 'in.maps/000001.npz')
    assert {name: (maps[name].shape, maps[name].dtype.name) for name in maps} == {
        'time_s': ((), 'float64'),
        'labels': ((64, 96), 'uint8'),
        'depth': ((64, 96), 'float16'),
        'normals': ((64, 96, 3), 'float16'),
    }
    # narrower, and without data: none of the old is left
    assert demo(clip, '--max-width', 301, '--max-frames', 1, tasks=tuple(NAMES)) == 0
    assert VideoReader(demo.out / 'in.mp4')._stream.width == 302
    assert files(demo.out) == ['in.json', 'in.mp4']


def test_the_range_of_depth_follows_slowly(demo):
    from sapiens_mm.apis.results import DepthResult
    from sapiens_mm.apis.video import VideoFrame

    args = demo.video_demo.parse_args([])
    painter = demo.output.Painter(args, [demo.jobs['depth']], None)
    depth = np.linspace(0, 1, 64 * 96, dtype=np.float32).reshape(64, 96)
    frame = np.zeros((64, 96, 3), np.uint8)

    def paint(index, values):
        result = dict(depth=DepthResult(image_hw=(64, 96), depth=values))
        return painter(VideoFrame(index, index, index / 25, frame), result, None, None)

    first = paint(0, depth)
    speck = depth.copy()
    speck[:10, :10] = -3.0  # nearer than all: its own range would darken the rest
    second = paint(1, speck)
    far = np.s_[30:, :96]
    assert abs(first[far].astype(int) - second[far]).mean() < 12
    fresh = demo.output.Painter(args, [demo.jobs['depth']], None)
    result = dict(depth=DepthResult(image_hw=(64, 96), depth=speck))
    alone = fresh(VideoFrame(0, 0, 0.0, frame), result, None, None)
    assert abs(first[far].astype(int) - alone[far]).mean() > 25


def test_smoothing_is_that_of_the_api(demo, clip):
    assert demo(clip, '--max-frames', 4, '--save-data', '--no-smooth') == 0
    raw = demo.poses()
    assert demo(clip, '--max-frames', 4, '--save-data', '--smooth-beta', 2) == 0
    smooth = demo.poses()
    from sapiens_mm.apis.smoothing import OneEuroOptions

    smoother = KeypointSmoother(OneEuroOptions(beta=2), 0.3)
    moved = 0.0
    for before, after in zip(raw, smooth, strict=True):
        people = before['persons']
        found = np.array([p['keypoints'] for p in people]).reshape(-1, 17, 3)
        box = np.array([p['bbox'] for p in people], np.float32).reshape(-1, 4)
        box[:, 2:] += box[:, :2]
        ids = np.array([p['id'] for p in people], int)
        points, scores = found[..., :2], found[..., 2]
        expected = smoother(points, scores, box, ids, before['time_s'])
        got = np.array([p['keypoints'] for p in after['persons']]).reshape(-1, 17, 3)
        np.testing.assert_allclose(got[..., :2], expected, atol=2e-3)
        moved = max(moved, abs(expected - points).max(initial=0))
    assert moved > 0.5


def test_looking_every_few_frames(demo, clip):
    assert demo(clip, '--save-data', '--detect-every', 3, '--max-frames', 6) == 0
    assert demo.looks == 3  # frames 0 and 1, where everybody is new, and 4
    ids = [[p['id'] for p in line['persons']] for line in demo.poses()]
    assert ids == [[1, 2]] * 6


def test_without_tracking(demo, clip):
    assert demo(clip, '--save-data', '--no-track', '--max-frames', 2) == 0
    persons = [p for line in demo.poses() for p in line['persons']]
    assert [p['id'] for p in persons] == [None] * 4


def test_without_a_detector_the_frame_is_one_person(demo, clip):
    argv = (clip, '--save-data', '--max-frames', 1)
    assert demo(*argv, detector=False) == 0 and demo.looks == 0
    (line,) = demo.poses()
    assert line['boxes_from'] == 'image'
    assert [(p['id'], p['bbox']) for p in line['persons']] == [(1, [0, 0, 96, 64])]


def test_a_part_of_the_video(demo, clip, video_files):
    assert demo(clip, '--save-data', '--start', 0.1, '--end', 0.31) == 0
    assert [line['time_s'] for line in demo.poses()] == [0.12, 0.2, 0.21, 0.3]
    stamps = [float(t) for t in video_files.stamps(demo.out / 'in.mp4')]
    assert stamps == pytest.approx([0.02, 0.1, 0.11, 0.2], abs=1e-3)
    sound = video_files.sound_packets(demo.out / 'in.mp4')
    assert 0 <= sound[0][0] < 0.03 and 0.15 < sound[-1][0] < 0.26


class FakeCamera:
    """As cv2.VideoCapture: it never ends."""

    def __init__(self, number):
        self.number, self.count = number, 0

    def isOpened(self):
        return self.number == 1

    def get(self, _):
        return 0.0

    def read(self):
        self.count += 1
        return True, two_people(1)[0]

    def release(self):
        pass


def test_a_camera(demo, monkeypatch, video_files, capsys):
    from sapiens_mm.apis import camera

    demo.cameras = []

    def open_camera(number):
        demo.cameras.append(FakeCamera(number))
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


@pytest.mark.parametrize(
    ('argv', 'match'),
    [
        ([], 'Give one video or more, or else --webcam NUMBER'),
        (['in.mp4', '--webcam', '0'], 'Give one video or more'),
        (['nowhere.mp4'], 'nowhere.mp4 does not exist'),
        (['in.mp4', '--start', '2', '--end', '1'], '--end must be behind --start (2'),
        (['in.mp4', '--start', '-1'], '--start must be 0 seconds or more, got -1'),
        (['--webcam', '0', '--start', '1'], '--start is for files'),
        (['in.mp4', '--max-frames', '0'], '--max-frames must be 1 or more, got 0'),
        (['in.mp4', '--crf', '99'], '--crf must be 0 to 51, got 99'),
        (['in.mp4', '--max-width', '8'], '--max-width must be 64 pixels or more'),
        (['in.mp4', '--detect-every', '0'], '--detect-every must be 1 frame or more'),
        (['in.mp4', '--track-iou', '2'], 'iou_threshold must be above 0'),
        (['in.mp4', '--smooth-beta', '-2'], 'beta must be a number of 0 or more'),
        (['in.mp4', '--mask', 'seg'], "--mask seg needs the task 'seg'"),
    ],
)
def test_wrong_calls_are_one_sentence(demo, capsys, argv, match):
    assert demo(*argv) == 2
    error = capsys.readouterr().err
    assert match in error and len(error.strip().splitlines()) == 1
    assert not demo.out.exists()


def test_jobs_are_those_of_the_image_demo(modules):
    import demo_run

    assert modules[1].plan_jobs is demo_run.plan_jobs
    args = modules[0].parse_args(['in.mp4', '--task', 'pose'])
    assert [job.task for job in demo_run.plan_jobs(args)] == ['pose']
