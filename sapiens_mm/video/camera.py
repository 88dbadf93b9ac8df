"""Reading a camera, and reading ahead of a model in another thread."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Generic, TypeVar

import cv2

from sapiens_mm.video.reader import Damage, VideoError, VideoFrame

T = TypeVar('T')


class CameraReader:
    """Yields the frames of a camera, stamped with the time of their arrival.

    It has the attributes of :class:`~sapiens_mm.video.reader.VideoReader`.

    Args:
        number: Of the camera, 0 for the first.
        end_s: Stop after so many seconds.

    Raises:
        VideoError: If there is no such camera.
    """

    time_base = Fraction(1, 90000)
    pixel_aspect = Fraction(1)
    offset = 0
    # a camera has no end
    total = None

    def __init__(self, number: int, end_s: float | None = None) -> None:
        self.end_s = end_s
        self.name = f'camera {number}'
        self.damage = Damage()
        self._camera = cv2.VideoCapture(number)
        if not self._camera.isOpened():
            self._camera.release()
            raise VideoError(f'{self.name} cannot be opened')
        rate = self._camera.get(cv2.CAP_PROP_FPS)
        # a driver that does not know its rate answers 0 or nonsense
        self.rate = Fraction(rate if 1 <= rate <= 240 else 30).limit_denominator(1001)

    def __iter__(self) -> Iterator[VideoFrame]:
        """Yield frames until the camera ends, or the time is over.

        Raises:
            VideoError: If there is none.
        """
        began, count, pts = 0.0, 0, -1
        while True:
            good, image = self._camera.read()
            if not good:
                break
            if not count:  # the camera took its time to wake up
                began = time.monotonic()
            time_s = time.monotonic() - began if count else 0.0
            if self.end_s is not None and time_s >= self.end_s:
                return
            # time stamps must rise, however fast two frames come
            pts = max(pts + 1, round(time_s / self.time_base))
            yield VideoFrame(count, pts, float(pts * self.time_base), image)
            count += 1
        if not count:
            raise VideoError(f'{self.name} gives no frame')

    def close(self) -> None:
        """Give the camera back."""
        self._camera.release()


class ReadAhead(Generic[T]):
    """Runs an iterable in a thread and keeps a few items ready.

    Leave it by ``close``, or as a context manager: the thread ends then.

    Args:
        items: What to read.
        room: How many items wait at most.
        newest: When there is no room, the oldest item is dropped and the reader does
            not wait: for cameras.
    """

    def __init__(self, items: Iterable[T], room: int = 8, newest: bool = False) -> None:
        self._queue: queue.Queue = queue.Queue(room)
        self._newest = newest
        self._stop = threading.Event()
        # daemon: a reader that hangs in a driver must not keep the process alive
        self._thread = threading.Thread(target=self._read, args=(items,), daemon=True)
        self._thread.start()

    def _read(self, items: Iterable[T]) -> None:
        end: BaseException | None = None
        try:
            for item in items:
                self._put((item, None, False), self._newest)
                if self._stop.is_set():
                    return
        except BaseException as error:  # told to whoever asks for the next item
            end = error
        self._put((None, end, True), False)

    def _put(self, entry: tuple, newest: bool) -> None:
        # asked again and again, so that close() is heard while the queue is full
        while not self._stop.is_set():
            try:
                self._queue.put(entry, timeout=0.0 if newest else 0.1)
                return
            except queue.Full:
                # a live camera: the oldest frame makes room, so that the image does not
                # lag
                if newest:
                    with contextlib.suppress(queue.Empty):
                        self._queue.get_nowait()

    def __iter__(self) -> Iterator[T]:
        """Yield the items in order; raise what reading them raised."""
        while not self._stop.is_set():
            item, error, last = self._queue.get()
            if error is not None:
                raise error
            if last:
                return
            yield item

    def close(self) -> None:
        """Stop reading."""
        self._stop.set()
        self._thread.join()

    def __enter__(self) -> ReadAhead[T]:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
