"""Sound of a video, copied into another one as it is. Needs: PyAV."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sapiens_mm.video.reader import open_media


class Sound:
    """The audio streams of a file, to be copied into another one.

    Args:
        path: Of a file that can be opened.
        start_s: Leave out what is before, seconds from the beginning; what is copied
            begins at 0 then.

    Attributes:
        notes: What could not be copied, one sentence each.
    """

    def __init__(self, path: str | Path, start_s: float = 0.0) -> None:
        self.path = Path(path)
        self.start_s = start_s
        self.notes: list[str] = []
        self._container = open_media(self.path)
        self._origin_s = max(self._container.start_time or 0, 0) / 1e6
        self._copies: dict[int, Any] = {}  # index of a stream to its copy
        self._packets: Iterator | None = None
        self._waiting: Any = None

    def add_to(self, output: Any) -> list[str]:
        """Add a stream for each of ours to PyAV's output container.

        Returns:
            Which ones the container cannot take, one sentence each.
        """
        notes = []
        for stream in self._container.streams.audio:
            context = stream.codec_context
            name = 'unknown' if context is None else context.codec.canonical_name
            if name in output.supported_codecs:
                copy = output.add_stream_from_template(stream)
                copy.metadata.update(stream.metadata)
                self._copies[stream.index] = copy
            else:
                notes.append(
                    f'{output.format.name} cannot hold sound in {name}: it is left out'
                )
        used = [s for s in self._container.streams.audio if s.index in self._copies]
        if used:
            if self.start_s > 0:
                begin = int((self.start_s + self._origin_s) * 1e6)
                with contextlib.suppress(OSError):  # else read all of it
                    self._container.seek(begin)
            self._packets = self._container.demux(*used)
        return notes

    def copy_until(self, time_s: float | None) -> None:
        """Copy the packets that begin before a time, or all that are left."""
        while (packet := self._next()) is not None:
            base = packet.time_base
            begin_s = float(packet.pts * base) - self._origin_s
            if time_s is not None and begin_s >= time_s:
                self._waiting = packet
                return
            if self.start_s > 0 and begin_s < self.start_s:
                continue
            offset = round((self._origin_s + self.start_s) / base)
            packet.pts -= offset
            packet.dts -= offset
            packet.stream = self._copies[packet.stream_index]
            packet.stream.container.mux(packet)

    def _next(self) -> Any:
        """The next packet with a time, or None at the end."""
        import av

        packet, self._waiting = self._waiting, None
        while self._packets is not None and packet is None:
            try:
                packet = next(self._packets, None)
            except av.error.FFmpegError as error:
                self.notes.append(f'the sound cannot be read to its end ({error})')
                packet = None
            if packet is None:
                self._packets = None
            elif packet.pts is None or packet.dts is None or not packet.size:
                packet = None
        return packet

    def close(self) -> None:
        """Close the file."""
        self._packets = None
        self._container.close()
