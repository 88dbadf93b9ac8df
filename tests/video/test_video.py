"""Videos in and out: stamps, sound, sizes, colours, damage."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('av')

import av

from sapiens_mm import hosts
from sapiens_mm.video import reader as video
from sapiens_mm.video import writer as video_writer
from sapiens_mm.video.reader import VideoError, VideoReader
from sapiens_mm.video.sound import Sound
from sapiens_mm.video.writer import VideoWriter

# uneven, in milliseconds
UNEVEN = (0, 40, 90, 120, 200, 210, 300, 340, 380, 420)


def copy(source, path, sound_until_s=None, **options):
    """Read a video and write it again; return reader and writer, finished."""
    reader, writer = VideoReader(source, **options), None
    for frame in reader:
        writer = writer or VideoWriter(
            path,
            frame.image.shape[:2],
            reader.time_base,
            reader.rate,
            reader.pixel_aspect,
            sound=Sound(source, reader.start_s),
        )
        writer.write(frame.image, frame.pts - reader.offset, frame.time_s)
    reader.close()
    assert writer.finish(sound_until_s)
    return reader, writer


@pytest.mark.parametrize('suffix', ['.mp4', '.mkv'])
def test_stamps_and_sound_are_kept(video_files, tmp_path, suffix):
    source = tmp_path / f'in{suffix}'
    video_files.make_video(source, 10, pts=UNEVEN, tb=Fraction(1, 1000))
    out = tmp_path / f'sub/out{suffix}'
    reader, writer = copy(source, out)
    expected = [Fraction(ms, 1000) for ms in UNEVEN]
    assert video_files.stamps(source) == video_files.stamps(out) == expected
    sound = video_files.sound_packets(source)
    assert len(sound) > 15 and video_files.sound_packets(out) == sound
    assert writer.notes == reader.damage.sentences() == []
    assert [p.name for p in out.parent.iterdir()] == [out.name]  # nothing else left


def test_start_end_and_count(video_files, tmp_path):
    source = video_files.make_video(tmp_path / 'in.mp4', 50)
    cut = VideoReader(source, 0.5, 1.0)
    frames = list(cut)
    assert [f.index for f in frames] == list(range(12)) and cut.total == 12
    assert frames[0].time_s == pytest.approx(0.52)  # the first one from 0.5 on
    assert frames[-1].time_s == pytest.approx(0.96)
    # the rectangle of frame 13 begins at 18
    row = frames[0].image[25, :, 2].astype(int)
    assert abs(np.flatnonzero(row > 130)[0] - 18) <= 1
    limited = VideoReader(source, max_frames=7)
    assert len(list(limited)) == limited.total == 7
    assert not limited.damage.sentences() and not cut.damage.sentences()


def test_a_cut_begins_at_zero_with_its_sound(video_files, tmp_path):
    source = video_files.make_video(tmp_path / 'in.mp4', 50)
    out = tmp_path / 'out.mp4'
    copy(source, out, 1.0, start_s=0.5, end_s=1.0)
    assert video_files.stamps(out)[:2] == [Fraction(1, 50), Fraction(3, 50)]
    whole = video_files.sound_packets(source)
    part = [(t, data) for t, data in whole if 0.5 <= t < 1.0]
    found = video_files.sound_packets(out)
    assert [data for _, data in found] == [data for _, data in part]
    shifts = [float(a[0] - b[0]) for a, b in zip(part, found, strict=True)]
    # the clock of an MP4 as a whole counts in milliseconds
    assert shifts == pytest.approx([0.5] * len(part), abs=1e-3)


def test_a_stream_that_does_not_begin_at_zero(video_files, tmp_path):
    """Transport streams begin anywhere; the output begins at 0."""
    pts = range(100, 120)
    source = video_files.make_video(tmp_path / 'in.ts', 20, pts=pts, sound=False)
    out = tmp_path / 'out.mp4'
    reader, _ = copy(source, out)
    assert reader.offset >= 4 * 90000
    first, second = video_files.stamps(out)[:2]
    assert 0 <= first < 0.05 and second - first == pytest.approx(0.04, abs=1e-4)


@pytest.mark.parametrize('clockwise', [90, 180, 270])
def test_rotation(video_files, tmp_path, clockwise):
    source = video_files.make_video(tmp_path / 'in.mp4', 3, sound=False)
    flat = next(iter(VideoReader(source))).image
    video_files.turn(source, clockwise)
    turned = next(iter(VideoReader(source))).image
    np.testing.assert_array_equal(turned, np.rot90(flat, -clockwise // 90))


def test_odd_sizes_get_one_more_line(video_files, tmp_path):
    frames = [video_files.picture(i, (63, 95)) for i in range(4)]
    source = video_files.make_video(tmp_path / 'in.mp4', frames)
    out = tmp_path / 'out.mp4'
    copy(source, out)
    image = next(iter(VideoReader(out))).image
    assert image.shape == (64, 96, 3)
    before = next(iter(VideoReader(source))).image
    assert before.shape == (63, 95, 3)
    assert abs(image[:63, :95].astype(int) - before).mean() < 3
    assert abs(image[63].astype(int) - image[62]).max() < 8


@pytest.mark.parametrize('height', [96, 720])
def test_colors_survive(tmp_path, height):
    """BT.601 below 720 lines, BT.709 from there, and the file says so."""
    image = np.zeros((height, 48, 3), np.uint8)
    bands = [(200, 40, 30), (30, 220, 60), (20, 30, 210)]
    for band, color in enumerate(bands):
        image[band * height // 3 : (band + 1) * height // 3] = color
    out = tmp_path / 'out.mp4'
    writer = VideoWriter(out, (height, 48), Fraction(1, 25), quality=4)
    writer.write(image, 0, 0.0)
    assert writer.finish()
    with av.open(str(out)) as media:
        frame = next(media.decode(video=0))
        assert (frame.colorspace, frame.color_range) == (5 if height == 96 else 1, 1)
    found = next(iter(VideoReader(out))).image
    for band, color in enumerate(bands):
        place = found[(2 * band + 1) * height // 6, 24].astype(int)
        assert abs(place - color).max() <= 5


def test_pixels_that_are_not_square(video_files, tmp_path):
    out = tmp_path / 'out.mp4'
    aspect = Fraction(4, 3)
    writer = VideoWriter(out, (64, 96), Fraction(1, 25), pixel_aspect=aspect)
    writer.write(video_files.picture(0), 0, 0.0)
    writer.finish()
    reader = VideoReader(out)
    list(reader)
    assert reader.pixel_aspect == aspect
    video_files.turn(out, 90)
    reader = VideoReader(out)
    list(reader)
    assert reader.pixel_aspect == 1 / aspect


def test_a_file_cut_short(video_files, tmp_path):
    source = video_files.make_video(tmp_path / 'in.mp4', 60)
    data = source.read_bytes()
    source.write_bytes(data[: len(data) * 6 // 10])
    reader = VideoReader(source)
    count = len(list(reader))
    assert 20 < count < 50
    (sentence,) = reader.damage.sentences()
    assert sentence.startswith('the file is cut short: it ends at')
    assert sentence.endswith('of 2.40 s')
    # whoever stops before that does not notice
    reader = VideoReader(source, max_frames=5)
    list(reader)
    assert reader.damage.sentences() == []


@pytest.mark.parametrize(
    ('noise', 'count', 'match'),
    [
        (False, 39, 'frames unreadable: left out, 1, between 1.00 s'),
        (True, 40, 'frames damaged: used as they are, 1, between 0.'),
    ],
)
def test_a_broken_packet(video_files, tmp_path, noise, count, match):
    pictures = video_files.noisy(40) if noise else 40
    source = video_files.make_video(tmp_path / 'in.mp4', pictures)
    video_files.break_packet(source, 23)
    reader = VideoReader(source)
    frames = list(reader)
    assert len(frames) == count
    assert frames[-1].time_s == pytest.approx(39 / 25)
    (sentence,) = reader.damage.sentences()
    assert sentence.startswith(match)


@pytest.mark.parametrize(
    ('name', 'content', 'match'),
    [
        ('a.mp4', b'', 'a.mp4 is empty'),
        ('a.mp4', bytes(range(256)) * 9, 'a.mp4 is not a video, or the part'),
        ('a.txt', b'hello\n' * 99, 'a.txt is a text, not a video'),
        ('a.png', None, 'a.png is an image, not a video'),
        ('a.wav', None, 'a.wav holds no video'),
        ('missing', None, 'missing does not exist'),
        ('', None, 'is a folder, not a video'),
    ],
)
def test_what_is_no_video(video_files, tmp_path, name, content, match):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    elif name == 'a.png':
        import cv2

        cv2.imwrite(str(path), video_files.picture(0))
    elif name == 'a.wav':
        with av.open(str(path), 'w') as output:
            audio = output.add_stream('pcm_s16le', rate=video_files.SOUND_HZ)
            for frame in video_files.sine(0.1, 's16'):
                output.mux(audio.encode(frame))
    with pytest.raises(VideoError, match=match):
        VideoReader(path)


@pytest.mark.parametrize(
    'text',
    [
        'ffconcat version 1.0\nfile other.ts\n',
        '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nother.ts\n#EXT-X-ENDLIST\n',
        '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nother.ts\n',  # waits for more
    ],
)
def test_a_text_opens_no_other_file(video_files, tmp_path, text):
    video_files.make_video(tmp_path / 'other.ts', 5)
    path = tmp_path / 'a.m3u8'
    path.write_text(text)
    with pytest.raises(VideoError, match='in none of the formats of videos'):
        VideoReader(path)


def test_a_colon_in_a_name_is_no_protocol(video_files, tmp_path):
    source = video_files.make_video(tmp_path / 'in.mp4', 3)
    named = source.rename(tmp_path / 'http:12:30.mp4')
    assert len(list(VideoReader(named))) == 3


def test_frames_have_the_limit_of_images(video_files, tmp_path, monkeypatch):
    source = video_files.make_video(tmp_path / 'in.mp4', 3)
    assert len(list(VideoReader(source))) == 3
    monkeypatch.setattr(video, 'MAX_PIXELS', 99)
    with pytest.raises(VideoError, match='no frame that can be decoded'):
        list(VideoReader(source))


def test_a_start_behind_the_end(video_files, tmp_path):
    source = video_files.make_video(tmp_path / 'in.mp4', 10)
    with pytest.raises(VideoError, match=r'of 0.40 s has no frame at 3 s'):
        VideoReader(source, 3.0)


def test_sound_that_the_container_cannot_hold(video_files, tmp_path):
    """mkv takes what mp4 does not."""
    source = video_files.make_video(tmp_path / 'in.mkv', 10, codec='tta')
    _, writer = copy(source, tmp_path / 'out.mp4')
    assert writer.notes == ['mp4 cannot hold sound in tta: it is left out']
    assert len(video_files.stamps(tmp_path / 'out.mp4')) == 10
    _, writer = copy(source, tmp_path / 'out.mkv')
    assert writer.notes == []
    found = video_files.sound_packets(tmp_path / 'out.mkv')
    assert found == video_files.sound_packets(source)


def test_without_h264(video_files, tmp_path, monkeypatch):
    monkeypatch.setattr(video_writer, 'ENCODERS', ('none', 'mpeg4'))
    source = tmp_path / 'in.mkv'
    video_files.make_video(source, 10, pts=UNEVEN, tb=Fraction(1, 1000))
    _, writer = copy(source, tmp_path / 'out.mp4')
    assert len(writer.notes) == 1 and 'MPEG-4 part 2' in writer.notes[0]
    expected = [Fraction(ms, 1000) for ms in UNEVEN]
    assert video_files.stamps(tmp_path / 'out.mp4') == expected
    writer = VideoWriter(tmp_path / 'b.mp4', (64, 96), Fraction(1, 90000))
    for index in range(3):
        writer.write(video_files.picture(index), 3600 * index, index / 25)
    writer.finish()
    assert video_files.stamps(tmp_path / 'b.mp4')[2] == Fraction(2, 25)


def test_nothing_is_left_of_a_file_given_up(video_files, tmp_path):
    writer = VideoWriter(tmp_path / 'out.mp4', (64, 96), Fraction(1, 25))
    writer.write(video_files.picture(0), 4, 0.16)
    assert [p.suffixes[-2:] for p in tmp_path.iterdir()] == [['.part', '.mp4']]
    with pytest.raises(ValueError, match='pts must grow: got 4 after 4'):
        writer.write(video_files.picture(0), 4, 0.16)
    writer.abort()
    assert list(tmp_path.iterdir()) == []
    empty = VideoWriter(tmp_path / 'out.mp4', (64, 96), Fraction(1, 25))
    assert not empty.finish() and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('suffix', ['.mp4', '.mkv'])
def test_the_same_frames_make_the_same_file(video_files, tmp_path, suffix):
    """Ids of Matroska were random, and x264 read what it had not written."""
    source = video_files.make_video(tmp_path / 'in.mkv', 5)
    random = np.random.default_rng(0)
    frames = random.integers(0, 128, (8, 240, 322, 3), np.uint8)
    written = set()
    for n in range(6):
        path = tmp_path / f'{n}{suffix}'
        writer = VideoWriter(path, (240, 322), Fraction(1, 25), sound=Sound(source))
        for index, frame in enumerate(frames):
            np.full(random.integers(1000, 2_000_000), n, np.uint8)  # other memory
            writer.write(frame, index, index / 25)
        writer.finish()
        written.add(path.read_bytes())
    assert len(written) == 1


def test_a_folder_that_cannot_be(tmp_path):
    (tmp_path / 'file').write_bytes(b'')
    for path in (tmp_path / 'file/out.mp4', Path('/proc/a/out.mp4')):
        with pytest.raises(VideoError, match='out.mp4 cannot be written') as caught:
            VideoWriter(path, (64, 96), Fraction(1, 25))
        assert '.part' not in str(caught.value)


def test_unknown_containers(tmp_path):
    with pytest.raises(VideoError, match='out.xyz cannot be written'):
        VideoWriter(tmp_path / 'out.xyz', (64, 96), Fraction(1, 25))
    assert list(tmp_path.iterdir()) == []


def test_pyav_is_missing(monkeypatch, tmp_path):
    monkeypatch.setattr(hosts, 'is_installed', lambda host: host != 'av')
    with pytest.raises(ModuleNotFoundError, match=r'av is needed.*sapiens_mm\[demo\]'):
        VideoReader(tmp_path / 'in.mp4')
