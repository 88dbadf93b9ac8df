"""What is asked of each frame: tasks, people, and how they are followed."""

from dataclasses import replace

import numpy as np
import pytest

from sapiens_mm.apis.results import DepthResult, NormalResult, PoseResult, SegResult
from sapiens_mm.tables import part_table
from sapiens_mm.video.reader import VideoFrame, VideoReader
from sapiens_mm.video.smoothing import KeypointSmoother, OneEuroOptions
from sapiens_mm.visualization import PartLegend, add_depth_bar, side_by_side


def test_all_tasks_make_a_panel(demo, clip, capsys):
    argv = (clip, '--save-maps', '--save-data', '--max-frames', 2)
    assert demo(*argv, tasks=tuple(demo.jobs)) == 0
    shown = capsys.readouterr().out
    assert all(f'{job.headline}\n' in shown for job in demo.jobs.values())
    image = next(iter(VideoReader(demo.out / 'in.mp4'))).image
    # frame, pose, parts with a legend, depth with a bar, normals
    frame = np.zeros((64, 96, 3), np.uint8)
    legend = PartLegend(part_table('goliath28'), (64, 96))(frame, None)
    panels = [frame, frame, legend, add_depth_bar(frame), frame]
    titles = ['video', 'pose', 'parts', 'depth', 'normals']
    assert image.shape[:2] == even(side_by_side(panels, titles).shape[:2])
    assert demo.files(demo.out / 'in.maps') == ['000000.npz', '000001.npz']
    maps = np.load(demo.out / 'in.maps/000001.npz')
    assert {name: (maps[name].shape, maps[name].dtype.name) for name in maps} == {
        'time_s': ((), 'float64'),
        'labels': ((64, 96), 'uint8'),
        'depth': ((64, 96), 'float16'),
        'normals': ((64, 96, 3), 'float16'),
    }
    # narrower, and without data: none of the old is left
    assert (
        demo(clip, '--max-width', 301, '--max-frames', 1, tasks=tuple(demo.jobs)) == 0
    )
    assert VideoReader(demo.out / 'in.mp4')._stream.width == 302
    assert demo.files(demo.out) == ['in.json', 'in.mp4']


def even(hw):
    """The size of a video: whole pairs of pixels."""
    return tuple(side + side % 2 for side in hw)


def test_depth_with_its_relief(demo, short):
    assert demo(short, '--max-frames', 1, '--show-relief', tasks=('depth',)) == 0
    image = next(iter(VideoReader(demo.out / 'in.mp4'))).image
    frame = np.zeros((64, 96, 3), np.uint8)
    panels = [frame, add_depth_bar(frame), frame]
    titles = ['video', 'depth', 'relief of depth']
    assert image.shape[:2] == even(side_by_side(panels, titles).shape[:2])


def test_a_frame_that_failed_is_as_large_as_the_others(demo):
    args = demo.video_demo.parse_args(['in.mp4', '--show-relief'])
    jobs = list(demo.jobs.values())
    painter = demo.output.Painter(args, jobs, part_table('goliath28'))
    image = np.full((64, 96, 3), 70, np.uint8)
    facts = dict(image_hw=(64, 96))
    good = dict(
        pose=PoseResult(**facts, keypoints=np.zeros((0, 308, 2)),
                        scores=np.zeros((0, 308)), boxes=np.zeros((0, 4))),
        seg=SegResult(**facts, labels=np.full((64, 96), 3, np.uint8)),
        depth=DepthResult(**facts, depth=np.tile(np.arange(96.0), (64, 1))),
        normal=NormalResult(**facts, normals=np.ones((64, 96, 3), np.float32)),
    )  # fmt: skip
    bad = {task: replace(result, error='no memory') for task, result in good.items()}
    frames = [
        painter(VideoFrame(i, i, i / 25, image), results, None, None)
        for i, results in enumerate((good, bad, good))
    ]
    assert frames[0].shape == frames[1].shape
    assert np.array_equal(frames[0], frames[2])
    # the frame alone in all panels; the legend keeps what was seen
    last = frames[1][:, -96:]
    assert (last[-64:] == 70).all()
    hair = part_table('goliath28').palette[3][::-1]
    assert (frames[1] == hair).all(-1).any()


@pytest.fixture
def masks(demo, monkeypatch):
    """Parts that see what is red; the masks that depth was drawn with, a frame each."""
    from sapiens_mm.runs import video_pass

    class Parts:
        batch_size, table = 2, part_table('goliath28')

        def __init__(self, *args, **options):
            pass

        def run(self, images, **_):
            for image in images:
                labels = 2 * (image[..., 2] > 130).astype(np.uint8)
                yield SegResult(image_hw=image.shape[:2], labels=labels)

    class Painter(demo.output.Painter):
        def __call__(self, frame, results, *rest):
            seen.append(results['depth'].mask)
            return super().__call__(frame, results, *rest)

    seen = []
    monkeypatch.setitem(demo.run.INFERENCERS, 'seg', Parts)
    monkeypatch.setattr(video_pass, 'Painter', Painter)
    return seen


@pytest.fixture
def enters_late(video_files, tmp_path):
    """Six frames: nobody in two, then somebody, and nobody in the last."""
    images = [video_files.picture(4 * i) for i in range(6)]
    for index in (0, 1, 5):
        images[index][:] = 40
    return video_files.make_video(tmp_path / 'in.mp4', images)


def test_depth_is_on_the_people_of_each_frame(demo, enters_late, masks, capsys):
    assert demo(enters_late, '--save-maps', tasks=('seg', 'depth')) == 0
    assert [mask is None for mask in masks] == [True, True, *[False] * 4]
    for index in (2, 3, 4):
        left = np.flatnonzero(masks[index].any(0))[0]
        assert abs(left - (5 + 4 * index)) <= 1
    assert not masks[5].any()
    shown = capsys.readouterr().out
    assert 'on the people that the parts show' in shown
    assert 'the parts show nobody in 3 of 6 frames' in shown
    assert 'nobody in 3 of 6' in demo.record()['notes'][0]
    assert demo.record()['settings']['mask'] == 'seg'
    whole = np.load(demo.out / 'in.maps/000003.npz')['depth']
    argv = (enters_late, '--save-maps', '--mask', 'none')
    assert demo(*argv, tasks=('seg', 'depth')) == 0
    assert masks[6:] == [None] * 6 and 'nobody' not in capsys.readouterr().out
    depth = np.load(demo.out / 'in.maps/000003.npz')['depth']
    np.testing.assert_array_equal(depth, whole)


def test_a_video_without_people_is_drawn_everywhere(demo, masks, video_files, tmp_path):
    clip = video_files.make_video(
        tmp_path / 'in.mp4', [np.full((64, 96, 3), 40, np.uint8)] * 3
    )
    assert demo(clip, tasks=('seg', 'depth')) == 0
    assert masks == [None] * 3
    assert demo.record()['notes'] == [
        'the parts show nobody in 3 of 3 frames: depth and normals are drawn everywhere'
    ]


def test_parts_of_random_weights_are_no_masks(demo, short, masks, capsys):
    job = demo.jobs['seg']
    demo.jobs = {**demo.jobs, 'seg': type(job)('seg', job.config, None)}
    assert demo(short, '--max-frames', 1, tasks=('seg', 'depth')) == 0
    assert masks == [None]
    assert 'random parts show no people' in capsys.readouterr().out
    assert demo(short, '--mask', 'seg', tasks=('depth',)) == 2
    assert "--mask seg needs the task 'seg'" in capsys.readouterr().err


def test_the_range_of_depth_follows_slowly(demo):
    from sapiens_mm.apis.results import DepthResult
    from sapiens_mm.video.reader import VideoFrame

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
    smoother = KeypointSmoother(OneEuroOptions(beta=2), 0.3)
    moved = 0.0
    for before, after in zip(raw, smooth, strict=True):
        people = before['persons']
        found = np.array([p['keypoints'] for p in people]).reshape(-1, 308, 3)
        box = np.array([p['bbox'] for p in people], np.float32).reshape(-1, 4)
        box[:, 2:] += box[:, :2]
        ids = np.array([p['id'] for p in people], int)
        points, scores = found[..., :2], found[..., 2]
        expected = smoother(points, scores, box, ids, before['time_s'])
        got = np.array([p['keypoints'] for p in after['persons']]).reshape(-1, 308, 3)
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


def test_jobs_are_those_of_the_image_demo(modules):
    from sapiens_mm.runs import image_run as demo_run

    assert modules[1].plan_jobs is demo_run.plan_jobs
    args = modules[0].parse_args(['in.mp4', '--task', 'pose'])
    assert [job.task for job in demo_run.plan_jobs(args)] == ['pose']
