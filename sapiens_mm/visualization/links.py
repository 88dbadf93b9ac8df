"""How thick the lines of a skeleton are: seen in a thumbnail, and hiding no face."""

import numpy as np

from ..tables import KeypointTable
from .strokes import BGR, draw_line

# What the discs at its ends ask for: part of their radius.
_OF_RADIUS = 0.9
# What an image needs that is shown 320 pixels wide, by its longer side; no more than
# suits the person and the length of the link.
_OF_IMAGE, _OF_PERSON, _OF_LENGTH = 0.0065, 0.02, 0.16
# A feature of so many keypoints, a face, is drawn in detail: links across it stay thin.
_CROWD, _AROUND_CROWD = 40, 0.1
# A dark rim tells lines from clothes of their colour, where there is room.
_RIM_COLOR, _RIM_OF_LINE, _RIM_FROM = (25, 25, 25), 0.22, 2.0


def link_widths(
    points: np.ndarray,
    shown: np.ndarray,
    radii: np.ndarray,
    table: KeypointTable,
    grid_hw: tuple[int, ...],
    person_px: float,
) -> np.ndarray:
    """Choose the width of each link of one person.

    Args:
        points: Shape (K, 2), x and y in pixels.
        shown: Shape (K,), which keypoints count.
        radii: Shape (K,), of their discs, pixels.
        table: Links and groups of the K keypoints.
        grid_hw: Size of the image, (H, W).
        person_px: Longer side of the person; 0 where it is not known.

    Returns:
        Shape (L,), pixels; 0 for links that are not shown.
    """
    wanted = _OF_IMAGE * max(grid_hw[:2])
    if person_px > 0:
        wanted = min(wanted, _OF_PERSON * person_px)
    crowds = _crowds(points, shown, table)
    widths = np.zeros(len(table.links))
    for index, (a, b) in enumerate(table.links):
        if not (shown[a] and shown[b]):
            continue
        ends = points[[a, b]]
        least = _OF_RADIUS * (radii[a] + radii[b]) / 2
        # far coordinates have no length that float64 can square
        length = float(np.abs(ends[1] - ends[0]).max())
        crosses = any(
            not {a, b} & members and (low <= ends).all() and (ends <= high).all()
            for members, low, high in crowds
        )
        most = least if crosses else min(wanted, _OF_LENGTH * length)
        widths[index] = max(least, most)
    return widths


def draw_links(
    canvas: np.ndarray,
    points: np.ndarray,
    table: KeypointTable,
    widths: np.ndarray,
    rims: bool,
) -> None:
    """Draw the links of one person in place, all rims under all lines.

    Args:
        canvas: Shape (H, W, 3), uint8, BGR.
        points: Shape (K, 2), x and y in pixels.
        table: Links and their colours.
        widths: Shape (L,), pixels; links of 0 are left out.
        rims: Whether lines that are wide enough have a dark rim.
    """
    drawn = np.flatnonzero(widths > 0)

    def draw(index: int, width: float, color: BGR) -> None:
        start, end = (points[k] for k in table.links[index])
        draw_line(canvas, start, end, width, color)

    for index in drawn[rims & (widths[drawn] >= _RIM_FROM)]:
        draw(index, widths[index] * (1 + 2 * _RIM_OF_LINE), _RIM_COLOR)
    for index in drawn:
        draw(index, widths[index], table.link_colors[index][::-1])


def _crowds(
    points: np.ndarray, shown: np.ndarray, table: KeypointTable
) -> list[tuple[set[int], np.ndarray, np.ndarray]]:
    """Groups of many keypoints: their ids, and the corners of a box around them."""
    crowds = []
    for ids in table.groups.values():
        members = np.array([k for k in ids if shown[k]], int)
        if len(members) >= _CROWD:
            # a few that are far off do not make the face larger
            near = points[members].clip(-1e6, 1e6)
            low, high = np.percentile(near, (5, 95), axis=0)
            around = _AROUND_CROWD * (high - low).max()
            crowds.append((set(ids), low - around, high + around))
    return crowds
