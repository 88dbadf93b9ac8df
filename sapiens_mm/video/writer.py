"""Writing videos: H.264 with the sound of another file, whole or not at all.

Needs: PyAV, imported when a file is opened.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from sapiens_mm.files import prepare_folder, temporary_for
from sapiens_mm.hosts import require
from sapiens_mm.video.reader import (
    COLORS_HD,
    COLORS_SD,
    HD_LINES,
    VideoError,
)
from sapiens_mm.video.sound import Sound

ENCODERS = ('libx264', 'libopenh264', 'mpeg4')


class VideoWriteError(VideoError):
    """The disk is full, or the like: nothing is wrong with what was to be written."""


class VideoWriter:
    """Writes frames under another name and renames the file when it is finished.

    The codec is H.264, by x264 or OpenH264, whichever PyAV brings; without both it is
    MPEG-4 part 2, and ``notes`` says so. H.264 wants even sizes: an odd image gets
    its last row or column twice. Sound is copied packet by packet as time goes on,
    not encoded again.

    Args:
        path: Of the file; its suffix decides on the container, ``.mp4`` or ``.mkv``.
        image_hw: Size of the images, (H, W); others are resized.
        time_base: Unit of ``pts``, seconds.
        rate: Frames a second, about.
        pixel_aspect: Width of a pixel by its height.
        quality: CRF of x264, 0 (no loss) to 51; other encoders go without.
        sound: What to copy, or None.

    Attributes:
        notes: What a user should know, one sentence each.

    Raises:
        VideoError: If the container or the size is none that can be written.
        ModuleNotFoundError: If PyAV is not installed.
    """

    def __init__(
        self,
        path: str | Path,
        image_hw: tuple[int, int],
        time_base: Fraction,
        rate: Fraction = Fraction(30),
        pixel_aspect: Fraction = Fraction(1),
        quality: int = 20,
        sound: Sound | None = None,
    ) -> None:
        require('av')
        import av

        self.path = Path(path)
        self.image_hw = image_hw
        self.notes: list[str] = []
        self._sound = sound
        self._last_pts: int | None = None
        self._encoder = next(e for e in ENCODERS if e in av.codec.codecs_available)
        if self._encoder == 'mpeg4':
            self.notes.append(
                'this PyAV has no H.264 encoder: the video is MPEG-4 part 2, which '
                'browsers do not play'
            )
        self.time_base = time_base
        self._temporary = temporary_for(self.path)
        self._container: Any = None
        with self._errors(ValueError):
            prepare_folder(self.path.parent)
            self._open(rate, pixel_aspect, quality)

    def _open(self, rate: Fraction, pixel_aspect: Fraction, quality: int) -> None:
        import av

        # Matroska would draw random numbers for its ids
        muxing = {'fflags': '+bitexact'}
        if self.path.suffix != '.mkv':
            muxing['movflags'] = '+faststart'
        self._container = av.open(str(self._temporary), 'w', container_options=muxing)
        options = {'mpeg4': {'qscale': '3'}, 'libopenh264': {}}.get(
            self._encoder,
            {'crf': str(quality), 'preset': 'veryfast', **_same_every_time()},
        )
        stream = self._container.add_stream(self._encoder, rate=rate, options=options)
        height, width = self.image_hw
        stream.width, stream.height = width + width % 2, height + height % 2
        stream.pix_fmt = 'yuv420p'
        if self._encoder == 'libopenh264':  # it knows no CRF
            stream.bit_rate = round(0.15 * height * width * rate)
        context = stream.codec_context
        base = self.time_base
        if self._encoder == 'mpeg4' and base.denominator > 65535:  # its limit
            base = Fraction(1, 60000)  # fits 24, 25, 30 and 60 frames a second
        context.time_base = stream.time_base = base
        context.sample_aspect_ratio = pixel_aspect
        self._colors = COLORS_HD if height >= HD_LINES else COLORS_SD
        context.colorspace = self._colors
        context.color_primaries = context.color_trc = (
            self._colors if self._colors == COLORS_HD else 6
        )
        context.color_range = 1
        self._stream = stream
        if self._sound is not None:
            self.notes += self._sound.add_to(self._container)
        self._container.start_encoding()

    def write(self, image: np.ndarray, pts: int, time_s: float) -> None:
        """Encode a frame, and copy the sound up to it.

        Args:
            image: Shape (H, W, 3), uint8, BGR.
            pts: In units of the time base that was asked for; growing.
            time_s: When the frame is shown in the video that the sound is from.

        Raises:
            ValueError: If ``pts`` does not grow.
            VideoWriteError: If the disk is full, or the like.
        """
        import av

        if self._last_pts is not None and pts <= self._last_pts:
            raise ValueError(f'pts must grow: got {pts} after {self._last_pts}')
        self._last_pts = pts
        height, width = self.image_hw
        if image.shape[:2] != self.image_hw:
            image = cv2.resize(image, (width, height))  # (W, H)
        if height % 2 or width % 2:
            edges = (0, height % 2, 0, width % 2)
            image = cv2.copyMakeBorder(image, *edges, cv2.BORDER_REPLICATE)
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format='bgr24')
        # in one step, FFmpeg's quick way tints greys
        frame = frame.reformat(
            format='yuv444p',
            src_colorspace=self._colors,
            dst_colorspace=self._colors,
            src_color_range=2,
            dst_color_range=1,
        ).reformat(format='yuv420p')
        frame.pts, frame.time_base = pts, self.time_base
        with self._errors():
            self._container.mux(self._stream.encode(frame))
            if self._sound is not None:
                self._sound.copy_until(time_s)

    def finish(self, sound_until_s: float | None = None) -> bool:
        """Write what is left and give the file its name.

        Args:
            sound_until_s: Where the sound shall end, as ``time_s`` of ``write``; None
                copies all of it.

        Returns:
            Whether there is a file: without a frame there is none.

        Raises:
            VideoWriteError: If the disk is full, or the like.
        """
        if self._last_pts is None:
            self.abort()
            return False
        with self._errors():
            self._container.mux(self._stream.encode(None))
            if self._sound is not None:
                self._sound.copy_until(sound_until_s)
                self.notes += self._sound.notes
                self._sound.close()
            self._container.close()
            os.replace(self._temporary, self.path)
        return True

    def abort(self) -> None:
        """Leave no file behind."""
        import av

        if self._container is not None:
            with contextlib.suppress(av.error.FFmpegError, OSError):
                self._container.close()
        if self._sound is not None:
            self._sound.close()
        with contextlib.suppress(OSError):
            self._temporary.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _errors(self, *also: type[Exception]) -> Iterator[None]:
        import av

        try:
            yield
        except (av.error.FFmpegError, OSError, *also) as error:
            self.abort()
            why = getattr(error, 'strerror', None) or error
            kind = VideoWriteError if isinstance(error, OSError) else VideoError
            raise kind(f'{self.path} cannot be written ({why})') from None


def _same_every_time() -> dict[str, str]:
    """Return options of x264 that keep it from reading what it has not written.

    Its AVX-512 code for the macroblock tree reads behind the ends of rows, where memory
    holds something else every time: the same frames gave five files in eight runs.
    Without that code they are the same, and no slower to write.
    """
    from torch.backends.cpu import get_cpu_capability

    return {'x264-params': 'asm=AVX2'} if get_cpu_capability() == 'AVX512' else {}
