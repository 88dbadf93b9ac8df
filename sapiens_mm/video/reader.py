"""Reading videos frame by frame, in constant memory.

Needs: PyAV for files, imported when one is opened; its wheels carry FFmpeg.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from sapiens_mm.hosts import require
from sapiens_mm.images import MAX_PIXELS

# The containers that are read. FFmpeg knows hundreds; some of those are texts that
# name other files or addresses (playlists, concat, sdp), and a live one is waited for
# without end.
_CONTAINERS = (
    *('mov', 'matroska', 'avi', 'mpegts', 'mpeg', 'mpegvideo', 'm4v', 'h263', 'h264'),
    *('hevc', 'obu', 'ivf', 'flv', 'asf', 'ogg', 'mxf', 'nut', 'dv', 'wtv', 'rm'),
    *('gxf', 'gif', 'apng', 'mjpeg', 'yuv4mpegpipe'),
)
# FFmpeg reads these as videos of one frame; its tty reader draws any text
_NO_VIDEO = ('tty', 'image2', 'ico')
_SOUND = ('aac', 'aiff', 'amr', 'flac', 'mp3', 'wav')
_IMAGES = ('bmp', 'gif', 'j2k', 'jpeg', 'pgm', 'png', 'ppm', 'psd', 'tiff', 'webp')
# the others of these are opened to say what they are
_OPENED = (*_CONTAINERS, *_NO_VIDEO, *_SOUND, *(f'{name}_pipe' for name in _IMAGES))
HD_LINES = 720  # from here on videos without a note are in the colours of HD
COLORS_HD, COLORS_SD = 1, 5  # BT.709 and BT.601, as FFmpeg numbers them


class VideoError(ValueError):
    """A video that cannot be used; the message is one sentence with its name."""


@dataclass(frozen=True, eq=False)
class VideoFrame:
    """A frame.

    Attributes:
        index: 0 for the first one read, and so on.
        pts: When to show it, in units of the reader's ``time_base``; grows.
        time_s: The same in seconds from the beginning of the video.
        image: (H, W, 3) uint8 BGR, upright.
    """

    index: int
    pts: int
    time_s: float
    image: np.ndarray


@dataclass
class Damage:
    """What was wrong with a video.

    Attributes:
        damaged_s: Times of frames that were decoded with errors, seconds.
        lost_s: About when packets could not be decoded, seconds.
        cut: How the file ends before its time, one sentence; None if it does not.
    """

    damaged_s: list[float] = field(default_factory=list)
    lost_s: list[float] = field(default_factory=list)
    cut: str | None = None

    def sentences(self) -> list[str]:
        """Return one sentence for each kind of damage."""
        found = []
        for times, what in (
            (self.damaged_s, 'damaged: used as they are'),
            (self.lost_s, 'unreadable: left out'),
        ):
            if times:
                found.append(
                    f'frames {what}, {len(times)}, between {times[0]:.2f} s and '
                    f'{times[-1]:.2f} s'
                )
        return [*found, self.cut] if self.cut else found


class VideoReader:
    """Yields the frames of a video file.

    Time stamps are kept, so a variable frame rate stays one. Frames are turned
    upright as the file says, and colours follow its notes: BT.601, BT.709 or BT.2020,
    narrow or full range (HDR is not brought to the range of a screen). Broken frames
    and a file cut short end up in ``damage``.

    Args:
        path: Of the file.
        start_s: Leave out what is before, seconds from the beginning.
        end_s: Leave out what is from here on.
        max_frames: Stop after so many.

    Attributes:
        time_base: Unit of ``pts``, seconds.
        rate: Frames a second on average; a guess where the file does not say.
        pixel_aspect: Width of a pixel by its height, of the frames yielded.
        total: About how many frames there will be, or None.
        offset: ``pts`` of the beginning, with ``start_s``: subtract it for a video
            that begins there.
        damage: What was wrong so far.

    Raises:
        VideoError: If the file cannot be read or is no video.
        ModuleNotFoundError: If PyAV is not installed.
    """

    def __init__(
        self,
        path: str | Path,
        start_s: float = 0.0,
        end_s: float | None = None,
        max_frames: int | None = None,
    ) -> None:
        self.path = Path(path)
        self.start_s, self.end_s, self.max_frames = start_s, end_s, max_frames
        self.damage = Damage()
        self._container = open_media(self.path)
        self._stream = self._find_stream()
        self._stream.thread_type = 'AUTO'
        self._stream.codec_context.options = {'max_pixels': str(MAX_PIXELS)}
        self.time_base: Fraction = self._stream.time_base
        rate = self._stream.average_rate or self._stream.guessed_rate
        self.rate = Fraction(rate) if rate else Fraction(25)
        # some containers begin at another time than 0
        self._origin_s = max(self._container.start_time or 0, 0) / 1e6
        self.offset = round((self._origin_s + start_s) / self.time_base)
        aspect = self._stream.sample_aspect_ratio
        self._aspect = Fraction(aspect) if aspect else Fraction(1)
        self.pixel_aspect = self._aspect
        self._length_s = self._find_length()
        if self._length_s is not None and start_s >= self._length_s:
            raise self._too_late()
        self.total = self._estimate()

    def _find_stream(self) -> Any:
        container = self._container
        name = container.format.name
        if name.endswith('_pipe') or name in _NO_VIDEO:
            container.close()
            what = 'a text' if name == 'tty' else 'an image'
            raise VideoError(f'{self.path} is {what}, not a video')
        import av

        covers = av.stream.Disposition.attached_pic
        for stream in container.streams.video:
            if not stream.disposition & covers:
                return stream
        container.close()
        raise VideoError(f'{self.path} holds no video (its format is {name})')

    def _find_length(self) -> float | None:
        """Length of the video in seconds, as far as the file says."""
        if self._stream.duration:
            return float(self._stream.duration * self.time_base)
        clock = self._stream.metadata.get('DURATION', '').split(':')  # Matroska
        if len(clock) == 3:
            with contextlib.suppress(ValueError):
                return sum(
                    float(part) * unit
                    for part, unit in zip(clock, (3600, 60, 1), strict=True)
                )
        return None

    def _estimate(self) -> int | None:
        length = self._length_s
        if length is None and self._container.duration:
            length = self._container.duration / 1e6
        if self.end_s is not None:
            length = min(self.end_s, self.end_s if length is None else length)
        if length is None:
            return self.max_frames
        total = max(1, round((length - self.start_s) * self.rate))
        return total if self.max_frames is None else min(total, self.max_frames)

    def _too_late(self) -> VideoError:
        length = '' if self._length_s is None else f' of {self._length_s:.2f} s'
        return VideoError(f'{self.path}{length} has no frame at {self.start_s:g} s')

    def __iter__(self) -> Iterator[VideoFrame]:
        """Yield the frames; once.

        Raises:
            VideoError: If there is none.
        """
        import av

        if self.start_s > 0:
            with contextlib.suppress(av.error.FFmpegError):  # else read all of it
                self._container.seek(self.offset, stream=self._stream)
        count, last_pts, last_s = 0, None, 0.0
        step = max(1, round(1 / self.rate / self.time_base))
        complete = True
        for frame in self._decode():
            pts = frame.pts if frame.pts is not None else frame.dts
            if last_pts is not None and (pts is None or pts <= last_pts):
                pts = last_pts + (step if pts is None else 1)
            pts = self.offset if pts is None else pts
            time_s = float(pts * self.time_base) - self._origin_s
            if self.end_s is not None and time_s >= self.end_s:
                complete = False
                break
            last_pts, last_s = pts, time_s
            if pts < self.offset:
                continue
            if frame.is_corrupt:
                self.damage.damaged_s.append(time_s)
            yield VideoFrame(count, pts, time_s, self._image(frame))
            count += 1
            if count == self.max_frames:
                complete = False
                break
        if not count:
            if last_pts is not None and not self.damage.lost_s:
                raise self._too_late()
            raise VideoError(f'{self.path} holds no frame that can be decoded')
        length, missing = self._length_s, 3 / float(self.rate) + 0.2
        if complete and length is not None and last_s < length - missing:
            self.damage.cut = (
                f'the file is cut short: it ends at {last_s:.2f} s of {length:.2f} s'
            )

    def _decode(self) -> Iterator[Any]:
        """Yield PyAV's frames; note packets that cannot be decoded."""
        import av

        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except av.error.FFmpegError as error:
                self.damage.cut = f'the file cannot be read to its end ({error})'
                return
            if packet is None:
                return
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                pts = packet.pts if packet.pts is not None else packet.dts
                time_s = float((pts or 0) * self.time_base) - self._origin_s
                self.damage.lost_s.append(max(time_s, 0.0))
                continue
            yield from frames

    def _image(self, frame: Any) -> np.ndarray:
        """Return the upright image of a frame, BGR."""
        known = frame.colorspace not in (0, 2, 3)  # RGB, unknown, reserved
        fitting = COLORS_HD if frame.height >= HD_LINES else COLORS_SD
        colors = frame.colorspace if known else fitting
        image = frame.reformat(
            format='bgr24',
            src_colorspace=colors,
            dst_colorspace=colors,
            src_color_range=frame.color_range or 1,
            dst_color_range=2,
        ).to_ndarray()
        turns = round(frame.rotation / 90) % 4
        self.pixel_aspect = 1 / self._aspect if turns % 2 else self._aspect
        return np.ascontiguousarray(np.rot90(image, turns))

    def close(self) -> None:
        """Close the file."""
        self._container.close()


def open_media(path: Path) -> Any:
    """Open a file with PyAV.

    Raises:
        VideoError: If it cannot be opened; one sentence says why.
        ModuleNotFoundError: If PyAV is not installed.
    """
    require('av')
    import av

    av.logging.set_level(av.logging.PANIC)  # damage is told in one sentence instead
    if path.is_dir():
        raise VideoError(f'{path} is a folder, not a video')
    if not path.exists():
        raise VideoError(f'{path} does not exist')
    if not path.stat().st_size:
        raise VideoError(f'{path} is empty')
    try:
        # as an address of a file, so that a colon in its name is no other protocol
        return av.open(
            f'file:{path}',
            metadata_errors='replace',
            container_options={
                'format_whitelist': ','.join(_OPENED),
                'protocol_whitelist': 'file',
            },
        )
    except av.error.ArgumentError:
        raise VideoError(
            f'{path} is in none of the formats of videos that are read (playlists and '
            f'lists of other files are not): {", ".join(_CONTAINERS)}'
        ) from None
    except av.error.InvalidDataError:
        raise VideoError(
            f'{path} is not a video, or the part that describes it is missing'
        ) from None
    except (av.error.FFmpegError, OSError) as error:
        raise VideoError(f'{path} cannot be read ({error})') from None
