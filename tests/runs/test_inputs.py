"""Images for the image demo, videos for the video demo: each names the other one."""

import cv2
import numpy as np
import pytest

pytest.importorskip('mmpose')
pytest.importorskip('mmseg')

from sapiens_mm.testing import fake_person_image

MP4 = b'\0\0\0\x20ftypisom\0\0\2\0'  # how such files begin
MKV = b'\x1aE\xdf\xa3\x01\0\0\0\0\0\0\0'
AVI = b'RIFF\0\0\0\0AVI LIST'
HEIC = b'\0\0\0\x18ftypheic\0\0\0\0'
WEBP = b'RIFF\0\0\0\0WEBPVP8 '


@pytest.fixture(scope='module')
def demos():
    from sapiens_mm.cli import image as image_demo
    from sapiens_mm.runs import image_run as demo_run
    from sapiens_mm.runs import inputs as demo_inputs
    from sapiens_mm.runs import media_kinds

    yield image_demo, demo_run, demo_inputs, media_kinds


@pytest.fixture
def loads_nothing(demos, monkeypatch):
    """The sentence comes at once, not after a model was loaded."""

    def load(args):
        raise AssertionError('models are planned already')

    monkeypatch.setattr(demos[1], 'plan_jobs', load)


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / 'a.png'
    cv2.imwrite(str(path), fake_person_image(0, (80, 60)))
    return path


@pytest.mark.parametrize(
    ('name', 'head', 'expected'),
    [
        *[(f'clip.{end}', b'', True) for end in ('mp4', 'MOV', 'mkv', 'webm', 'avi')],
        *[('clip', head, True) for head in (MP4, MKV, AVI)],
        ('clip.dat', MP4, True),
        *[('photo', head, False) for head in (HEIC, WEBP, b'\xff\xd8\xff', b'')],
        *[('photo.heic', HEIC, False), ('photo.jpg', MP4, True)],
    ],
)
def test_what_is_a_video(demos, tmp_path, name, head, expected):
    path = tmp_path / name
    assert not demos[3].is_video(path)  # there is none
    path.write_bytes(head)
    assert demos[3].is_video(path) == expected


def test_videos_go_to_the_video_demo(demos, tmp_path, capsys, loads_nothing):
    clips = [tmp_path / 'my clip.mp4', tmp_path / 'b.mkv']
    for clip in clips:
        clip.write_bytes(MP4)
    out = ['--out-dir', str(tmp_path / 'out')]
    assert demos[0].main([*map(str, clips), *out]) == 2
    names = f"'{clips[0]}' {clips[1]}"
    sentence = f'error: {clips[0]} is a video: run sapiens video {names}\n'
    assert capsys.readouterr().err == sentence
    files = tmp_path / 'list.txt'
    files.write_text('b.mkv\n')
    assert demos[0].main([str(files), *out]) == 2
    assert f'{clips[1]} is a video: run' in capsys.readouterr().err
    files.unlink()
    assert demos[0].main([str(tmp_path), *out]) == 2
    error = capsys.readouterr().err
    assert 'holds no image' in error and error.endswith('sapiens video\n')
    assert not (tmp_path / 'out').exists()


def test_a_video_among_images_is_left_out(demos, models, photo, tmp_path, capsys):
    clip = tmp_path / 'b.mp4'
    clip.write_bytes(MP4)
    config, checkpoint = models['depth']
    argv = [photo, clip, '--config', config, '--checkpoint', checkpoint]
    argv += ['--out-dir', tmp_path / 'out', '--device', 'cpu']
    assert demos[0].main([str(word) for word in argv]) == 1
    shown = capsys.readouterr()
    assert f'failed: {clip}: is a video: run sapiens video {clip}' in shown.err
    assert '1 of 2 images' in shown.out
    assert np.load(tmp_path / 'out/depth/a.npy').shape == (80, 60)


def test_images_go_to_the_image_demo(demos, photo, tmp_path, capsys):
    pytest.importorskip('av')
    from sapiens_mm.cli import video as video_demo

    out = ['--out-dir', str(tmp_path / 'out')]
    for given, sentence in (
        (photo, f'{photo} is an image: run sapiens image {photo}'),
        (tmp_path, f'{tmp_path} is a folder: name its video files, or run '
                   f'sapiens image {tmp_path} for its images'),
        (tmp_path / 'c.png', f'{tmp_path / "c.png"} does not exist'),
    ):  # fmt: skip
        assert video_demo.main([str(given), *out]) == 2
        assert capsys.readouterr().err == f'error: {sentence}\n'
