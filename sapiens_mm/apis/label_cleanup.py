"""Remove specks from label maps, and fill holes. Pure geometry, no model.

Parts are connected over the eight neighbours of a pixel, holes over four.
"""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from dataclasses import dataclass, fields

import cv2
import numpy as np

_FOUR = ((-1, 0), (1, 0), (0, -1), (0, 1))
_EIGHT = (*_FOUR, (-1, -1), (-1, 1), (1, -1), (1, 1))


@dataclass(frozen=True)
class CleanUp:
    """What to remove and what to fill.

    Attributes:
        keep: A piece of a part goes if it is smaller than this share of the
            largest piece of the same part, of the same person where persons are
            known. 0 keeps all, 1 keeps the largest alone (and its equals).
        min_area: A piece of fewer pixels goes.
        max_hole: A hole, that is background which borders on one part alone and
            not on the edge of the image, takes that part if its area is at most
            this share of the largest piece of it. 0 fills nothing.

    Raises:
        ValueError: If a value is out of range.
    """

    keep: float = 0.05
    min_area: int = 0
    max_hole: float = 0.05

    def __post_init__(self) -> None:
        for name in ('keep', 'max_hole'):
            value = getattr(self, name)
            if not isinstance(value, numbers.Real) or not 0 <= value <= 1:
                raise ValueError(
                    f'cleanup: {name} must be 0 to 1, got {getattr(self, name)!r}'
                )
        if not isinstance(self.min_area, numbers.Real) or self.min_area < 0:
            raise ValueError(f'cleanup: min_area must be >= 0, got {self.min_area!r}')

    @classmethod
    def from_user(cls, value: bool | Mapping | CleanUp | None) -> CleanUp | None:
        """Read the argument ``cleanup`` of an inferencer.

        Args:
            value: None or False for none, True for the defaults, a mapping of the
                attributes, or a ``CleanUp``.

        Raises:
            ValueError: If it is something else.
        """
        if value is None or value is False:
            return None
        if isinstance(value, cls):
            return value
        if value is True:
            return cls()
        names = [field.name for field in fields(cls)]
        if not isinstance(value, Mapping) or set(value) - set(names):
            raise ValueError(
                f'cleanup must be True, False or a dict of {", ".join(names)}, got '
                f'{value!r}'
            )
        return cls(**value)

    def __call__(
        self, labels: np.ndarray, persons: np.ndarray | None = None
    ) -> np.ndarray:
        """Clean a map: first pieces that are too small, then holes.

        A piece that goes takes the label on the longest part of its border, which
        may be the background.

        Args:
            labels: Shape (H, W), uint8; 0 is the background, 255 no label.
            persons: Shape (H, W), integers; which person a pixel belongs to. A
                piece belongs to the person with most of its pixels.

        Returns:
            Shape (H, W), uint8; ``labels`` is not changed.
        """
        out = labels.copy()
        small, largest = self._small_pieces(labels, persons)
        if small.any():
            _dissolve(out, small)
        if self.max_hole > 0:
            _fill_holes(out, {c: self.max_hole * area for c, area in largest.items()})
        return out

    def _small_pieces(
        self, labels: np.ndarray, persons: np.ndarray | None
    ) -> tuple[np.ndarray, dict[int, int]]:
        """Mark pieces that go, (H, W) bool; area of the largest piece by class."""
        small = np.zeros(labels.shape, bool)
        largest: dict[int, int] = {}
        for label, box in _boxes_of_classes(labels):
            mask = (labels[box] == label).astype(np.uint8)
            count, pieces, stats, _ = cv2.connectedComponentsWithStats(
                mask, connectivity=8
            )
            areas = stats[:, cv2.CC_STAT_AREA].copy()
            areas[0] = 0  # what is not of the class
            largest[label] = int(areas.max())
            limit = np.full(count, self.keep * largest[label])
            if persons is not None:
                owner = _owners(pieces, persons[box], count)
                best = np.zeros(owner.max() + 1)
                np.maximum.at(best, owner, areas)
                # maximum.at, since several pieces are of one person
                limit = self.keep * best[owner]
            goes = (areas < limit - 1e-6) | (areas < self.min_area)  # 0.1 * 30 > 3
            goes[0] = False
            if goes.any():
                small[box] |= goes[pieces]
        return small, largest


def _boxes_of_classes(labels: np.ndarray) -> list[tuple[int, tuple[slice, slice]]]:
    """Return the parts of a map and the rows and columns that hold each."""
    present = np.flatnonzero(np.bincount(labels.ravel(), minlength=256))
    found = []
    for label in present:
        if label not in (0, 255):
            x, y, width, height = cv2.boundingRect((labels == label).view(np.uint8))
            found.append((int(label), np.s_[y : y + height, x : x + width]))
    return found


def _owners(pieces: np.ndarray, persons: np.ndarray, count: int) -> np.ndarray:
    """Return the person with most pixels in each piece, the first if equal."""
    inside = pieces > 0
    last = int(persons.max()) + 1
    votes = np.bincount(
        # one number for each pair of piece and person: one count for all
        pieces[inside].astype(np.int64) * last + persons[inside],
        minlength=count * last,
    )
    return votes.reshape(count, last).argmax(1)


def _contacts(
    regions: np.ndarray,
    labels: np.ndarray,
    count: int,
    offsets: tuple[tuple[int, int], ...],
) -> np.ndarray:
    """Count how often each region touches each label.

    Args:
        regions: Shape (H, W), int32; 0 is outside, others are below ``count``.
        labels: Shape (H, W), uint8.
        count: Number of regions, the outside included.
        offsets: Neighbours of a pixel, (row, column).

    Returns:
        Shape (count, n + 1): by label, and last by what has none, that is the edge
        of the map and 255.
    """
    height, width = regions.shape
    # 255 is "ignored" and no label to take
    none = int(np.where(labels == 255, 0, labels).max()) + 1
    inner = cv2.erode(
        (regions > 0).view(np.uint8),
        np.ones((3, 3), np.uint8),
        borderType=cv2.BORDER_CONSTANT,
        borderValue=0,
    )
    # only the rim can touch something; a region's inside is most of it
    rows, columns = np.nonzero((regions > 0) & (inner == 0))
    own = regions[rows, columns].astype(np.int64)
    touched = np.zeros(count * (none + 1), np.int64)
    for step_y, step_x in offsets:
        y, x = rows + step_y, columns + step_x
        within = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        y, x = y.clip(0, height - 1), x.clip(0, width - 1)
        label = np.where(within, np.minimum(labels[y, x], none), none)
        border = ~within | (regions[y, x] == 0)
        keys = (own * (none + 1) + label)[border]
        touched += np.bincount(keys, minlength=len(touched))
    return touched.reshape(count, none + 1)


def _dissolve(labels: np.ndarray, small: np.ndarray) -> None:
    """Give each marked region, in place, the label it touches most, else 0."""
    count, regions = cv2.connectedComponents(small.view(np.uint8), connectivity=8)
    touched = _contacts(regions, labels, count, _EIGHT)[:, :-1]
    labels[small] = touched.argmax(1)[regions[small]]


def _fill_holes(labels: np.ndarray, max_area: dict[int, float]) -> None:
    """Give holes, in place, the one part that surrounds them."""
    empty = (labels == 0).view(np.uint8)
    _, regions, stats, _ = cv2.connectedComponentsWithStats(empty, connectivity=4)
    areas = stats[:, cv2.CC_STAT_AREA]
    candidate = areas <= max(max_area.values(), default=0)
    candidate[0] = False  # what is not background
    # renumbered, so that the table of contacts has rows for candidates alone
    number = np.where(candidate, candidate.cumsum(), 0).astype(np.int32)
    regions, areas = number[regions], np.append(0, areas[candidate])
    touched = _contacts(regions, labels, len(areas), _FOUR) > 0
    around = touched.argmax(1)
    allowed = np.array([max_area.get(int(label), 0) for label in around])
    # one part alone around it: a gap between two parts is no hole
    fill = (touched.sum(1) == 1) & ~touched[:, -1] & (areas <= allowed)
    fill[0] = False
    taken = fill[regions]
    labels[taken] = around[regions[taken]]


def follow_labels(
    persons: np.ndarray, before: np.ndarray, after: np.ndarray
) -> np.ndarray:
    """Bring ids of persons in line with labels that were cleaned.

    Pixels that became a part take the person of the nearest pixel that is a part
    and did not change; those that became background take 0.

    Args:
        persons: Shape (H, W), uint16.
        before: Shape (H, W), uint8; labels that ``persons`` belongs to.
        after: Shape (H, W), uint8.

    Returns:
        Shape (H, W), uint16.
    """
    persons = np.where(after == 0, 0, persons).astype(np.uint16)
    changed = (before != after) & (after > 0)
    known = ~changed & (after > 0)
    if not changed.any() or not known.any():
        return persons
    x, y, width, height = cv2.boundingRect(changed.view(np.uint8))
    # one pixel more: what surrounds a hole is at its border
    box = np.s_[max(y - 1, 0) : y + height + 1, max(x - 1, 0) : x + width + 1]
    inside = known[box]
    if not inside.any():
        box, inside = np.s_[:, :], known
    _, nearest = cv2.distanceTransformWithLabels(
        (~inside).view(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    source = np.zeros(nearest.max() + 1, np.uint16)
    source[nearest[inside]] = persons[box][inside]
    filled = changed[box]
    persons[box][filled] = source[nearest[filled]]
    return persons
