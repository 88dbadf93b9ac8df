"""Small videos for tests: moving rectangles, a sine, whatever stamps they need."""

import struct
from fractions import Fraction

import av
import numpy as np

SOUND_HZ = 44100


def picture(index, hw=(64, 96)):
    """A dark frame with a red rectangle that moves to the right."""
    image = np.full((*hw, 3), 40, np.uint8)
    image[10:40, 5 + index : 25 + index] = (20, 20, 220)
    return image


def noisy(count):
    """Images whose packets are too large to be mistaken for whole when broken."""
    rng = np.random.default_rng(0)
    grain = rng.integers(0, 60, (count, 64, 96, 3))
    return [(picture(i) + grain[i]).clip(0, 255).astype(np.uint8) for i in range(count)]


def make_video(path, frames=30, rate=25, sound=True, pts=None, tb=None, codec='aac'):
    """Write a video.

    ``frames`` is a number of images or the images; ``pts`` are in units of
    ``tb``, by default one a frame.
    """
    if isinstance(frames, int):
        frames = [picture(i) for i in range(frames)]
    tb = tb or Fraction(1, rate)
    pts = range(len(frames)) if pts is None else pts
    fast = {'movflags': '+faststart'} if path.suffix == '.mp4' else {}
    with av.open(str(path), 'w', container_options=fast) as output:
        options = {'preset': 'ultrafast', 'g': '10', 'crf': '12'}
        video = output.add_stream('libx264', rate=rate, options=options)
        video.height, video.width = frames[0].shape[:2]
        odd = any(side % 2 for side in frames[0].shape[:2])
        video.pix_fmt = 'yuv444p' if odd else 'yuv420p'
        video.codec_context.time_base = tb
        audio = output.add_stream(codec, rate=SOUND_HZ) if sound else None
        if audio is not None:
            audio.bit_rate = 64000
            audio.format = 'fltp' if codec == 'aac' else 's16'
        for when, image in zip(pts, frames, strict=True):
            frame = av.VideoFrame.from_ndarray(image, format='bgr24')
            frame.pts, frame.time_base = when, tb
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
        if audio is not None:
            for frame in sine(float((pts[-1] + 1) * tb), audio.format.name):
                output.mux(audio.encode(frame))
            output.mux(audio.encode(None))
    return path


def sine(seconds, kind):
    """Yield a tone of 440 Hz in stereo."""
    wave = 0.3 * np.sin(2 * np.pi * 440 * np.arange(int(SOUND_HZ * seconds)) / SOUND_HZ)
    for start in range(0, len(wave), 1024):
        part = wave[start : start + 1024]
        if kind == 'fltp':
            data = np.stack([part, part]).astype(np.float32)
        else:
            data = (np.stack([part, part], 1).reshape(1, -1) * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(data, format=kind, layout='stereo')
        frame.sample_rate, frame.pts = SOUND_HZ, start
        frame.time_base = Fraction(1, SOUND_HZ)
        yield frame


def turn(path, clockwise):
    """Note in an MP4 that its frames are to be turned by a right angle or two."""
    data = bytearray(path.read_bytes())
    at = data.index(b'tkhd') + 4 + 40  # version 0: the matrix
    cos, sin = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[clockwise]
    matrix = [cos, sin, 0, -sin, cos, 0, 0, 0, 0]
    fixed = [int(value * 65536) for value in matrix[:8]] + [1 << 30]
    data[at : at + 36] = struct.pack('>9i', *fixed)
    path.write_bytes(data)


def break_packet(path, number):
    """Overwrite the insides of a video packet."""
    with av.open(str(path)) as media:
        packets = [p for p in media.demux(video=0) if p.size]
        place, size = packets[number].pos, packets[number].size
    data = bytearray(path.read_bytes())
    data[place + 8 : place + size] = bytes(size - 8)
    path.write_bytes(data)


def stamps(path):
    """Times of the video frames, as exact fractions of a second."""
    with av.open(str(path)) as media:
        return [f.pts * f.time_base for f in media.decode(video=0)]


def sound_packets(path):
    """Time and bytes of every audio packet."""
    with av.open(str(path)) as media:
        packets = [p for p in media.demux(audio=0) if p.size]
        return [(p.pts * p.time_base, bytes(p)) for p in packets]
