"""Who is in a frame: detector, tracks, steady keypoints, masks of sapiens video."""

from __future__ import annotations

import dataclasses

import numpy as np

from sapiens_mm.apis.person_boxes import Detector, call_detector
from sapiens_mm.apis.results import PoseResult, Result, SegResult
from sapiens_mm.runs.requests import VideoRequest
from sapiens_mm.video.reader import VideoFrame
from sapiens_mm.video.smoothing import KeypointSmoother, OneEuroOptions
from sapiens_mm.video.tracking import BoxTracker, Tracks


class People:
    """Follows the persons of one video.

    Args:
        request: What the command is asked to do.
        detector: None: the whole frame is one person.

    Raises:
        ValueError: If an option is out of range.
    """

    def __init__(self, request: VideoRequest, detector: Detector | None) -> None:
        if request.detect_every < 1:
            raise ValueError(
                f'--detect-every must be 1 frame or more, got {request.detect_every}'
            )
        self.detector = detector
        self.every = request.detect_every
        self.tracker = self.smoother = None
        if not request.no_track:
            self.tracker = BoxTracker(
                request.track_iou, request.track_gap, request.track_hits
            )
        if not (request.no_smooth or request.no_track):
            options = OneEuroOptions(
                request.smooth_min_cutoff, request.smooth_beta, request.smooth_d_cutoff
            )
            self.smoother = KeypointSmoother(options, request.kpt_thr)
        self._last_look: int | None = None
        self._found = Tracks(np.zeros((0, 4), np.float32), np.zeros(0), None)

    def find(self, frame: VideoFrame) -> Tracks | None:
        """Find the persons of the next frame; None: there is no detector.

        The detector looks at every so many frames, and at the next one when somebody
        is new: two looks tell how fast one moves.
        """
        if self.detector is None:
            return None
        unsure = self.tracker is not None and self.tracker.is_unsure
        due = self._last_look is None or frame.index - self._last_look >= self.every
        if due or unsure:
            self._last_look = frame.index
            boxes, scores = call_detector(self.detector, frame.image)
            if self.tracker is None:
                self._found = Tracks(boxes, scores, None)
            else:
                self._found = self.tracker.update(boxes, scores, frame.time_s)
        elif self.tracker is not None:
            self._found = self.tracker.predict(frame.time_s)
        return self._found.inside(frame.image.shape[:2])

    def steady(self, result: Result, tracks: Tracks | None, time_s: float) -> Result:
        """Smooth the keypoints of a frame, and note where its boxes are from."""
        if result.error or not isinstance(result, PoseResult):
            return result
        if tracks is not None:
            result = dataclasses.replace(
                result, box_scores=tracks.scores, boxes_from='detector'
            )
        if self.smoother is None:
            return result
        ids = self.ids(tracks)
        keypoints = self.smoother(
            result.keypoints, result.scores, result.boxes, ids, time_s
        )
        return dataclasses.replace(result, keypoints=keypoints)

    def ids(self, tracks: Tracks | None) -> np.ndarray | None:
        """Ids of the persons of a frame; the whole frame is number 1."""
        if self.tracker is None:
            return None
        return np.ones(1, np.int64) if tracks is None else tracks.ids


class PeopleMasks:
    """Turns the parts of one video into masks for depth and normals.

    Until somebody is seen everything is drawn, as on an image without people. From then
    on a frame without people is blank: its images would flicker otherwise.
    """

    def __init__(self) -> None:
        self._seen = False
        self._empty = 0

    def __call__(self, parts: SegResult) -> np.ndarray | None:
        """Return the mask of the next frame, (H, W) bool; None: everything."""
        if parts.error:
            return None
        people = parts.labels > 0
        if people.any():
            self._seen = True
        else:
            self._empty += 1
        return people if self._seen else None

    def notes(self, count: int) -> list[str]:
        """Say how many of ``count`` frames showed nobody, if any did."""
        if not self._empty:
            return []
        how = (
            'depth and normals are blank there; before somebody is seen for the '
            'first time they are drawn everywhere'
            if self._seen
            else 'depth and normals are drawn everywhere'
        )
        empty = min(self._empty, count)  # frames at work when it stopped are not there
        return [f'the parts show nobody in {empty} of {count} frames: {how}']
