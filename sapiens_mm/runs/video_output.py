"""What sapiens video draws and writes: frames, panels, data, the record of a run."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from sapiens_mm.apis.results import DepthResult, PoseResult, Result, SegResult
from sapiens_mm.files import (
    errors_name,
    prepare_folder,
    temporary_for,
    write_atomically,
)
from sapiens_mm.runs.jobs import RELIEF_CAPTION, Job
from sapiens_mm.runs.requests import VideoRequest
from sapiens_mm.saving.results import draw_result, pose_to_dict
from sapiens_mm.tables import KeypointTable, PartTable
from sapiens_mm.video.reader import VideoFrame
from sapiens_mm.video.smoothing import OneEuroFilter, OneEuroOptions
from sapiens_mm.video.tracking import Tracks
from sapiens_mm.visualization import (
    PartLegend,
    add_depth_bar,
    colorize_relief,
    draw_keypoints,
    draw_tracks,
    side_by_side,
)

# slow: colours that follow each frame flicker
_DEPTH_RANGE = OneEuroOptions(min_cutoff_hz=0.3, beta=0.0)


class Painter:
    """Draws the frames of one video.

    Several tasks become panels beside the frame. The colours of depth keep their
    meaning from frame to frame: the range follows that of the people slowly.

    Args:
        request: What the command is asked to do.
        jobs: Of this run.
        parts: Classes of the segmentation, if there is one.
    """

    def __init__(
        self, request: VideoRequest, jobs: Sequence[Job], parts: PartTable | None
    ) -> None:
        self.request = request
        self.parts = parts
        self.titles = ['video']
        for job in jobs:
            self.titles.append(job.title)
            if job.task == 'depth' and request.show_relief:
                self.titles.append(RELIEF_CAPTION)
        self._range = OneEuroFilter(_DEPTH_RANGE)
        self._legend: PartLegend | None = None

    def __call__(
        self,
        frame: VideoFrame,
        results: Mapping[str, Result],
        tracks: Tracks | None,
        ids: np.ndarray | None,
    ) -> np.ndarray:
        """Draw a frame; where a task failed, its panel shows the frame alone."""
        images = []
        for task, result in results.items():
            if task == 'pose':
                images.append(self._pose(frame, result, tracks, ids))
            elif task == 'seg':
                images.append(self._parts(frame, result))
            elif task == 'depth':
                images += self._depth(frame, result)
            else:
                images.append(
                    frame.image if result.error else draw_result(result, frame.image)
                )
        if len(images) > 1:
            drawn = side_by_side([frame.image, *images], self.titles)
        else:
            drawn = images[0]
        height, width = drawn.shape[:2]
        if width > self.request.max_width:
            size_wh = (
                self.request.max_width,
                round(height * self.request.max_width / width),
            )
            drawn = cv2.resize(drawn, size_wh, interpolation=cv2.INTER_AREA)
        return drawn

    def _pose(
        self,
        frame: VideoFrame,
        result: PoseResult,
        tracks: Tracks | None,
        ids: np.ndarray | None,
    ) -> np.ndarray:
        if result.error:
            return frame.image
        canvas = frame.image
        if tracks is not None:
            canvas = draw_tracks(canvas, tracks.boxes, ids)
        return draw_keypoints(
            canvas,
            result.keypoints,
            result.scores,
            result.vocabulary,
            boxes=result.boxes,
            draw_boxes=False,
            score_threshold=self.request.kpt_thr,
        )

    def _parts(self, frame: VideoFrame, result: SegResult) -> np.ndarray:
        if self._legend is None:
            self._legend = PartLegend(self.parts, frame.image.shape[:2])
        if result.error:
            return self._legend(frame.image, None)
        drawn = draw_result(
            result,
            frame.image,
            parts=self.parts,
            opacity=self.request.opacity,
            legend=False,
        )
        return self._legend(drawn, result.labels)

    def _depth(self, frame: VideoFrame, result: DepthResult) -> list[np.ndarray]:
        """The heat map with its bar and, if it is asked for, the relief."""
        heat = relief = frame.image
        if not result.error:
            near_far = self._depth_range(result, frame.time_s)
            heat = draw_result(result, frame.image, near_far=near_far, legend=False)
            if self.request.show_relief:
                relief = colorize_relief(result.depth, result.mask, near_far)
        images = [add_depth_bar(heat)]
        return [*images, relief] if self.request.show_relief else images

    def _depth_range(
        self, result: DepthResult, time_s: float
    ) -> tuple[float, float] | None:
        people = slice(None) if result.mask is None else result.mask
        values = result.depth[people]
        values = values[np.isfinite(values)]
        if not values.size:
            return None
        near, far = self._range(np.percentile(values, (1, 99)), time_s)
        # 1 and 99 percent: single wild pixels would make the colours jump
        return float(near), float(far)


class DataFiles:
    """Writes poses as JSON lines and maps as NPZ, as asked for.

    Args:
        request: What the command is asked to do.
        stem: Path of the outputs without suffix.
        tasks: Of this run.
    """

    def __init__(self, request: VideoRequest, stem: Path, tasks: Sequence[str]) -> None:
        self.lines = stem.with_name(f'{stem.name}.pose.jsonl')
        self.maps = stem.with_name(f'{stem.name}.maps')
        self._save_maps = request.save_maps
        self._part = self._file = self.table = None
        prepare_folder(stem.parent)
        # what is there belongs to a video that is about to be replaced
        for old in (self.lines, *self.maps.glob('[0-9]*.npz')):
            old.unlink(missing_ok=True)
        if request.save_data and 'pose' in tasks:
            # under another name until the video is whole
            self._part = temporary_for(self.lines)
            self._file = self._part.open('w', encoding='utf-8')

    def add(
        self,
        frame: VideoFrame,
        results: Mapping[str, Result],
        ids: np.ndarray | None,
    ) -> None:
        """Write what is known of a frame."""
        pose = results.get('pose')
        if self._file is not None and pose is not None:
            line = dict(frame=frame.index, time_s=round(frame.time_s, 6))
            line |= dict(persons=[]) if pose.error else self._persons(pose, ids)
            with errors_name(self.lines, self._part):
                self._file.write(json.dumps(line, allow_nan=False) + '\n')
        if self._save_maps:
            arrays = _maps(results)
            if arrays:
                buffer = io.BytesIO()
                np.savez_compressed(buffer, time_s=frame.time_s, **arrays)
                path = self.maps / f'{frame.index:06d}.npz'
                write_atomically(path, buffer.getvalue())

    def _persons(self, pose: PoseResult, ids: np.ndarray | None) -> dict:
        self.table = pose.vocabulary
        found = pose_to_dict(pose, self.table)
        numbers = [None] * len(found['instances']) if ids is None else ids.tolist()
        persons = [
            dict(id=number, **person)
            for number, person in zip(numbers, found['instances'], strict=True)
        ]
        return dict(boxes_from=found['boxes_from'], persons=persons)

    def finish(self) -> None:
        """Give the file of poses its name."""
        if self._file is not None:
            with errors_name(self.lines, self._part):
                self._file.close()
                os.replace(self._part, self.lines)

    def abort(self) -> None:
        """Leave no file of poses behind."""
        if self._file is not None:
            with contextlib.suppress(OSError):  # what it has not written yet, either
                self._file.close()
            self._part.unlink(missing_ok=True)


def table_metadata(table: KeypointTable | None) -> dict[str, object]:
    """Return what the JSON lines leave out: names and links of the keypoints."""
    if table is None:
        return {}
    links = [list(link) for link in table.links]
    names = list(table.names)
    return dict(dataset=table.name, keypoint_names=names, skeleton=links)


def _maps(results: Mapping[str, Result]) -> dict[str, np.ndarray]:
    """Return labels as uint8, depth and normals as float16, by name."""
    good = {task: r for task, r in results.items() if not r.error}
    arrays = {}
    if 'seg' in good:
        arrays['labels'] = good['seg'].labels
    if 'depth' in good:
        # half the size; relative depth has three digits at most
        arrays['depth'] = good['depth'].depth.astype(np.float16)
    if 'normal' in good:
        arrays['normals'] = good['normal'].normals.astype(np.float16)
    return arrays


class Window:
    """Shows frames as they are made.

    Raises:
        ValueError: If OpenCV has no windows here.
    """

    _NAME = 'sapiens_mm, q stops'

    def __init__(self) -> None:
        lines = cv2.getBuildInformation().splitlines()
        gui = [line.split(':')[1].strip() for line in lines if ' GUI:' in line]
        if not gui or gui[0] in ('NONE', ''):
            raise ValueError(
                '--show needs an OpenCV with windows; the one installed here '
                '(opencv-python-headless) has none: leave --show out'
            )
        screens = ('DISPLAY', 'WAYLAND_DISPLAY')
        if sys.platform == 'linux' and not any(map(os.environ.get, screens)):
            raise ValueError('--show needs a screen, and there is none: leave it out')

    def show(self, drawn: np.ndarray) -> bool:
        """Show a frame; return whether the user wants to stop."""
        cv2.imshow(self._NAME, drawn)
        # 27 is Escape
        return cv2.waitKey(1) & 0xFF in (ord('q'), 27)

    def close(self) -> None:
        """Close the window."""
        cv2.destroyAllWindows()
