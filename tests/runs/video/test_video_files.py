"""Videos in and out: times, sound, ids, and files that were cut short."""

import signal
from fractions import Fraction

import numpy as np
import pytest

from sapiens_mm.video.reader import VideoReader


def test_stamps_sound_and_ids(demo, clip, video_files, monkeypatch, capsys):
    def sees(image):  # nobody at frame 8
        boxes = demo.detect(image)
        return boxes[:0] if demo.looks == 9 else boxes

    monkeypatch.setattr(demo.run, 'make_detector', lambda *_: sees)
    assert demo(clip, '--save-data') == 0
    shown = capsys.readouterr()
    out = demo.out / 'in.mp4'
    assert f'{out}: 12 frames' in shown.out and '12/12' in shown.err
    assert video_files.stamps(out) == [Fraction(ms, 1000) for ms in demo.times_ms]
    assert video_files.sound_packets(out) == video_files.sound_packets(clip)
    assert demo.files(demo.out) == ['in.json', 'in.mp4', 'in.pose.jsonl']

    lines = demo.poses()
    assert [line['frame'] for line in lines] == list(range(12))
    assert [line['time_s'] for line in lines] == [ms / 1000 for ms in demo.times_ms]
    assert lines[8]['persons'] == []
    for index in (0, 1, 2, 3, 9, 10, 11):  # before and after
        persons = {p['id']: p['bbox'] for p in lines[index]['persons']}
        assert sorted(persons) == [1, 2]
        assert abs(persons[1][0] - demo.red[index]) <= 2
        assert abs(persons[2][0] - demo.blue[index]) <= 2
    assert {p['id'] for line in lines for p in line['persons']} == {1, 2}
    person = lines[0]['persons'][0]
    assert len(person['keypoints']) == 308 * 3
    assert person['bbox_score'] == pytest.approx(0.9)
    record = demo.record()
    assert record['complete'] and record['frames'] == 12
    assert len(record['keypoint_names']) == 308


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
    assert video_files.stamps(out) == [Fraction(ms, 1000) for ms in demo.times_ms[:4]]
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
    assert 'no file is left' in capsys.readouterr().err
    assert demo.files(demo.out) == []


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


def test_a_part_of_the_video(demo, clip, video_files):
    assert demo(clip, '--save-data', '--start', 0.1, '--end', 0.31) == 0
    assert [line['time_s'] for line in demo.poses()] == [0.12, 0.2, 0.21, 0.3]
    stamps = [float(t) for t in video_files.stamps(demo.out / 'in.mp4')]
    assert stamps == pytest.approx([0.02, 0.1, 0.11, 0.2], abs=1e-3)
    sound = video_files.sound_packets(demo.out / 'in.mp4')
    assert 0 <= sound[0][0] < 0.03 and 0.15 < sound[-1][0] < 0.26


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
