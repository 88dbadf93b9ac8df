"""One pass of sapiens video over one video: frames in, models, files out."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from sapiens_mm.apis.results import Result
from sapiens_mm.runs.video_output import DataFiles, Painter
from sapiens_mm.runs.video_people import People, PeopleMasks
from sapiens_mm.video.camera import CameraReader, ReadAhead
from sapiens_mm.video.reader import VideoFrame, VideoReader
from sapiens_mm.video.sound import Sound
from sapiens_mm.video.tracking import Tracks
from sapiens_mm.video.writer import VideoWriter


class VideoPass:
    """One pass over one video.

    Args:
        run: What runs.
        reader: Of the video or camera; the caller closes it.
        video: Where its sound is; None: a camera.
        out: The video to write.
        stem: Path of the data files without suffix.

    Attributes:
        count: Frames written.
        complete: Whether nothing stopped it before its end.
        stopped_by: ``'Ctrl-C'``, ``'q'`` or None.
        notes: What the user should know.
    """

    def __init__(
        self,
        run: Any,
        reader: VideoReader | CameraReader,
        video: Path | None,
        out: Path,
        stem: Path,
    ) -> None:
        self.run, self.reader, self.video, self.out = run, reader, video, out
        self.count, self.complete = 0, False
        self.stopped_by: str | None = None
        self.notes: list[str] = []
        self.errors: dict[str, list[int]] = {}  # of frames, by what went wrong
        self.writer: VideoWriter | None = None
        self.last_s = 0.0
        parts = getattr(run.models.get('seg'), 'table', None)
        self.people = People(run.request, run.detector)
        self.masks = PeopleMasks()
        self.painter = Painter(run.request, run.jobs, parts)
        self.data = DataFiles(run.request, stem, list(run.models))

    def __call__(self) -> list[str]:
        """Make the outputs; return what went wrong, one sentence each."""
        from tqdm import tqdm

        camera = self.video is None
        models = self.run.models.values()
        size = 1 if camera else max(model.batch_size for model in models)
        ahead = ReadAhead(self.reader, max(2, 2 * size), newest=camera)
        limit = (
            self.run.request.max_frames if camera else None
        )  # files count themselves
        total = self.reader.total or limit
        bar = tqdm(total=total, unit='frame', desc=self.out.stem)
        try:
            with ahead, bar, StopRequest() as stop:
                for batch in batches(ahead, size):
                    try:
                        self._step(batch)
                    except (RuntimeError, cv2.error) as error:  # memory, for one
                        first = str(error).splitlines()[0]
                        self.errors[f'it stopped: {first}'] = [batch[0].index]
                        break
                    bar.update(len(batch))
                    if stop.asked:
                        self.stopped_by = 'Ctrl-C'
                    if self.stopped_by:
                        break
                    if self.count == limit:
                        self.complete = True
                        break
                else:
                    self.complete = True
                self._finish()
        except BaseException:  # a second Ctrl-C, a full disk, no frame at all
            if self.writer is not None:
                self.writer.abort()
            self.data.abort()
            raise
        self._report()
        frames = [
            f'{error} (frame {indices[0]}'
            + (f' and {len(indices) - 1} more)' if indices[1:] else ')')
            for error, indices in self.errors.items()
        ]
        return frames + self.reader.damage.sentences()

    def _step(self, batch: list[VideoFrame]) -> None:
        """Run the models on a few frames and write them."""
        found = [
            self.people.find(frame) if self.run.needs_people else None
            for frame in batch
        ]
        results = self._infer(batch, found)
        for frame, tracks, mine in zip(batch, found, results, strict=True):
            steady = {
                task: self.people.steady(result, tracks, frame.time_s)
                for task, result in mine.items()
            }
            for error in {result.error for result in mine.values() if result.error}:
                self.errors.setdefault(error, []).append(frame.index)
            ids = self.people.ids(tracks)
            drawn = self.painter(frame, steady, tracks, ids)
            self._write(frame, drawn)
            self.data.add(frame, steady, ids)
            window = self.run.window
            if window is not None and window.show(drawn):
                self.stopped_by = 'q'

    def _infer(
        self, batch: list[VideoFrame], found: list[Tracks | None]
    ) -> list[dict[str, Result]]:
        """Run all models; one result a task for each frame."""
        request = self.run.request
        images = [frame.image for frame in batch]
        boxes = [None if tracks is None else tracks.boxes for tracks in found]
        results: list[dict[str, Result]] = [{} for _ in batch]
        masks: list[np.ndarray | None] | None = None
        for task, model in self.run.models.items():
            given: dict[str, list] = {}
            if task == 'pose' or (task, request.seg_mode) == ('seg', 'person'):
                given['boxes'] = boxes
            elif task != 'seg' and self.run.mask == 'seg':
                if masks is None:
                    masks = [self.masks(mine['seg']) for mine in results]
                given['mask'] = masks
            for mine, result in zip(results, model.run(images, **given), strict=True):
                mine[task] = result
        return results

    def _write(self, frame: VideoFrame, drawn: Any) -> None:
        request, reader = self.run.request, self.reader
        if self.writer is None:
            sound = None if self.video is None else Sound(self.video, request.start)
            self.writer = VideoWriter(
                self.out,
                drawn.shape[:2],
                reader.time_base,
                reader.rate,
                reader.pixel_aspect,
                request.crf,
                sound,
            )
        self.writer.write(drawn, frame.pts - reader.offset, frame.time_s)
        self.count += 1
        self.last_s = frame.time_s

    def _finish(self) -> None:
        """Finish the files with the frames there are."""
        request = self.run.request
        if self.writer is None:
            self.data.abort()
            return
        whole = self.complete and request.end is None and request.max_frames is None
        end_s = self.last_s + 1 / float(self.reader.rate)
        self.writer.finish(None if whole else end_s)
        self.notes += [*self.writer.notes, *self.masks.notes(self.count)]
        self.data.finish()

    def _report(self) -> None:
        if self.run.window is not None:
            self.run.window.close()
        if self.stopped_by:
            kept = f'{self.out} holds the {self.count} frames so far'
            print(f'Stopped by {self.stopped_by}; {kept if self.count else "no file"}.')
        elif self.count:
            print(f'{self.out}: {self.count} frames')
        for note in self.notes:
            print(f'note: {note}')


class StopRequest:
    """Turns the first Ctrl-C into a wish, so that files can be finished.

    The second one interrupts as usual. Outside the main thread it does nothing.
    """

    def __init__(self) -> None:
        self.asked = False
        self._before: Any = None

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._ask)
        return self

    def _ask(self, *_: object) -> None:
        self.asked = True
        signal.signal(signal.SIGINT, self._before)
        print('\nStopping after these frames; Ctrl-C again leaves no file.', flush=True)

    def __exit__(self, *error: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)


def batches(frames: Iterable[VideoFrame], size: int) -> Iterator[list[VideoFrame]]:
    """Yield lists of ``size`` frames; the last may be shorter."""
    batch: list[VideoFrame] = []
    for frame in frames:
        batch.append(frame)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
