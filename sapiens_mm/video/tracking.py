"""Who is who from frame to frame, by the overlap of boxes.

Needs: numpy and scipy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Tracks:
    """The P persons of a frame.

    Attributes:
        boxes: (P, 4) float32, x1 y1 x2 y2 in pixels.
        scores: (P,) float32, of the detector when it saw them last.
        ids: (P,) int64, from 1; None where nobody keeps track.
    """

    boxes: np.ndarray
    scores: np.ndarray
    ids: np.ndarray | None

    def inside(self, image_hw: tuple[int, int]) -> Tracks:
        """Return those whose box reaches into an image of (H, W) pixels."""
        height, width = image_hw
        x1, y1, x2, y2 = self.boxes.T
        keep = (x1 < width) & (y1 < height) & (x2 > 0) & (y2 > 0)
        ids = None if self.ids is None else self.ids[keep]
        return Tracks(self.boxes[keep], self.scores[keep], ids)


@dataclass(eq=False)
class _Track:
    box: np.ndarray  # (4,) float64, when last seen
    score: float
    time_s: float  # when last seen
    velocity: np.ndarray  # (2,), of the centre, pixels a second
    hits: int = 1
    id: int = 0  # from its birth on
    missed: bool = False  # at the last look

    def at(self, time_s: float) -> np.ndarray:
        """The box moved on at constant speed, (4,)."""
        return self.box + np.tile(self.velocity * (time_s - self.time_s), 2)

    def see(self, box: np.ndarray, score: float, time_s: float) -> None:
        """Take over a detection."""
        step = time_s - self.time_s
        moved = (_center(box) - _center(self.box)) / step
        # the first measure counts whole, later ones by half
        self.velocity += (moved - self.velocity) * (1 if self.hits == 1 else 0.5)
        self.box, self.score, self.time_s = box, score, time_s
        self.hits += 1
        self.missed = False


class BoxTracker:
    """Gives the boxes of one person the same id in all frames.

    Each person is expected where it would be at constant speed. Detections are given
    to persons so that the sum of the overlaps (IoU) is largest, pairs below the
    threshold left out. A person is born when seen at ``min_hits`` looks in a row,
    those of the first look that sees anybody at once; it keeps its id through gaps.
    It is reported while the last look saw it. Only boxes count, not what is in them:
    two who turn back where one hides the other may swap ids.

    Args:
        iou_threshold: Above 0, at most 1.
        max_gap_s: How long somebody may be missing, seconds, 0 or more.
        min_hits: At least 1.

    Raises:
        ValueError: If one of them is out of range.
    """

    def __init__(
        self, iou_threshold: float = 0.3, max_gap_s: float = 1.0, min_hits: int = 2
    ) -> None:
        if not 0 < iou_threshold <= 1:
            raise ValueError(
                f'iou_threshold must be above 0 and at most 1, got {iou_threshold!r}'
            )
        if not max_gap_s >= 0:
            raise ValueError(f'max_gap_s must be 0 or more, got {max_gap_s!r}')
        if min_hits < 1 or min_hits != int(min_hits):
            raise ValueError(
                f'min_hits must be a whole number of 1 or more, got {min_hits!r}'
            )
        self.iou_threshold = iou_threshold
        self.max_gap_s = max_gap_s
        self.min_hits = min_hits
        self._tracks: list[_Track] = []
        self._births = 0
        self._time_s = -np.inf

    @property
    def is_unsure(self) -> bool:
        """Whether somebody was seen once only, or is not born: worth a look soon."""
        return any(not track.id or track.hits < 2 for track in self._tracks)

    def update(self, boxes: np.ndarray, scores: np.ndarray, time_s: float) -> Tracks:
        """Take over what the detector saw.

        Args:
            boxes: Shape (P, 4), x1 y1 x2 y2 in pixels, with area; P may be 0.
            scores: Shape (P,).
            time_s: Of the frame; later than the one before.

        Returns:
            Who was seen and is born, by id.

        Raises:
            ValueError: If time does not grow.
        """
        if not time_s > self._time_s:
            raise ValueError(f'time_s must grow: got {time_s} after {self._time_s}')
        self._time_s = time_s
        boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
        self._tracks = [
            track
            for track in self._tracks
            if not track.missed or time_s - track.time_s <= self.max_gap_s
        ]
        expected = [track.at(time_s) for track in self._tracks]
        for track in self._tracks:
            track.missed = True
        rest = set(range(len(boxes)))
        for index, mine in match_boxes(expected, boxes, self.iou_threshold):
            self._tracks[index].see(boxes[mine], float(scores[mine]), time_s)
            rest.remove(mine)
        # who is missed before birth was a mistake
        self._tracks = [t for t in self._tracks if t.id or not t.missed]
        for index in sorted(rest):
            self._tracks.append(
                _Track(boxes[index], float(scores[index]), time_s, np.zeros(2))
            )
        at_once = not self._births
        for track in self._tracks:
            if not track.id and (at_once or track.hits >= self.min_hits):
                self._births += 1
                track.id = self._births
        return self._report(time_s)

    def predict(self, time_s: float) -> Tracks:
        """Tell where everybody is in a frame that the detector does not see."""
        return self._report(time_s)

    def _report(self, time_s: float) -> Tracks:
        shown = [t for t in self._tracks if t.id and not t.missed]
        shown.sort(key=lambda track: track.id)
        boxes = [track.at(time_s) for track in shown]
        return Tracks(
            np.array(boxes, np.float32).reshape(-1, 4),
            np.array([track.score for track in shown], np.float32),
            np.array([track.id for track in shown], np.int64),
        )


def match_boxes(
    first: np.ndarray, second: np.ndarray, iou_threshold: float
) -> list[tuple[int, int]]:
    """Pair boxes so that the sum of the overlaps is largest.

    Args:
        first: Shape (P, 4), x1 y1 x2 y2.
        second: Shape (Q, 4).
        iou_threshold: Pairs that overlap less are none.

    Returns:
        Indices of the pairs.
    """
    from scipy.optimize import linear_sum_assignment

    if not len(first) or not len(second):
        return []
    overlaps = box_iou(first, second)
    gains = np.where(overlaps >= iou_threshold, overlaps, 0)
    pairs = zip(*linear_sum_assignment(gains, maximize=True), strict=True)
    return [(int(i), int(j)) for i, j in pairs if gains[i, j] > 0]


def box_iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Intersection over union of all pairs.

    Args:
        first: Shape (P, 4), x1 y1 x2 y2.
        second: Shape (Q, 4).

    Returns:
        Shape (P, Q), 0 to 1; 0 for boxes without area.
    """
    a = np.asarray(first, np.float64).reshape(-1, 1, 4)
    b = np.asarray(second, np.float64).reshape(1, -1, 4)
    low, high = np.maximum(a[..., :2], b[..., :2]), np.minimum(a[..., 2:], b[..., 2:])
    inter = (high - low).clip(0).prod(-1)
    areas = [(box[..., 2:] - box[..., :2]).clip(0).prod(-1) for box in (a, b)]
    union = sum(areas) - inter
    return np.divide(inter, union, out=np.zeros_like(inter), where=union > 0)


def _center(box: np.ndarray) -> np.ndarray:
    return (box[:2] + box[2:]) / 2
