"""An image of what is in a data set, drawn from its figures."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from sapiens_mm.synth.dataset.stats import SCALE_EDGES, YAW_EDGES, Stats
from sapiens_mm.tables import GOLIATH28, GOLIATH308, part_table

SIZE_HW = (1180, 1600)
_PAPER, _INK, _GRID = (255, 255, 255), (40, 40, 40), (215, 215, 215)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
# outside, hidden, visible; BGR
_SEEN = ((225, 225, 225), (120, 170, 240), (150, 120, 40))
_BAR, _SECOND = (150, 120, 40), (90, 160, 240)
_GROUPS = (
    *((0, 'body'), (15, 'feet'), (21, 'hands'), (63, 'arms'), (70, 'brows'), (96, '')),
    *((120, 'lids'), (178, 'nose'), (188, 'lips'), (220, 'ears'), (272, 'iris')),
)


def draw_stats(stats: Stats) -> np.ndarray:
    """Draw classes, keypoints, turns and sizes, (H, W, 3) uint8 BGR."""
    canvas = np.full((*SIZE_HW, 3), _PAPER, np.uint8)
    title = f'{stats.images} images, {stats.people} people'
    cv2.putText(canvas, title, (30, 34), _FONT, 0.8, _INK, 1, cv2.LINE_AA)
    _draw_classes(canvas, (240, 70, 780, 620), stats)
    _draw_keypoints(canvas, (70, 720, 1560, 1090), stats)
    pair = (('body', _BAR, stats.yaw), ('head', _SECOND, stats.head_yaw))
    _draw_histogram(
        canvas,
        (870, 100, 1560, 320),
        'turned from the camera, degrees',
        YAW_EDGES,
        pair,
    )
    _draw_histogram(
        canvas,
        (870, 410, 1560, 620),
        'height of the visible box over the picture',
        SCALE_EDGES,
        (('people', _BAR, stats.scale),),
    )
    return canvas


def _text(
    canvas: np.ndarray, text: str, right_top: tuple[int, int], align: str = 'left'
) -> None:
    """Write small text; ``right`` ends it at the place, ``middle`` centres it."""
    x, y = right_top
    width = cv2.getTextSize(text, _FONT, 0.42, 1)[0][0]
    x -= {'left': 0, 'middle': width // 2, 'right': width}[align]
    cv2.putText(canvas, text, (x, y), _FONT, 0.42, _INK, 1, cv2.LINE_AA)


def _draw_classes(
    canvas: np.ndarray, box: tuple[int, int, int, int], stats: Stats
) -> None:
    """Share of pixels of each class, on a scale of powers of ten."""
    x1, y1, x2, y2 = box
    total = max(int(stats.class_pixels.sum()), 1)
    _text(canvas, 'share of pixels, and of images that have the class', (x1, y1 - 8))
    for power in range(-6, 1):
        x = round(x1 + (power + 6) / 6 * (x2 - x1))
        cv2.line(canvas, (x, y1), (x, y2), _GRID, 1)
        _text(canvas, f'1e{power}' if power else '1', (x, y2 + 16), 'middle')
    step = (y2 - y1) / len(GOLIATH28.classes)
    palette = part_table('goliath28').palette
    for k, name in enumerate(GOLIATH28.classes):
        y = round(y1 + (k + 0.5) * step)
        share = stats.class_pixels[k] / total
        _text(canvas, name, (x1 - 8, y + 5), 'right')
        if share > 0:
            # a little width at least, so that a class that occurs is seen
            end = round(x1 + max(np.log10(share) + 6, 0.02) / 6 * (x2 - x1))
            color = tuple(int(v) for v in palette[k][::-1])
            cv2.rectangle(canvas, (x1, y - 7), (end, y + 7), color, -1)
        images = stats.class_images[k] / max(stats.images, 1)
        _text(canvas, f'{images:.0%}', (x2 + 44, y + 5), 'right')


def _draw_keypoints(
    canvas: np.ndarray, box: tuple[int, int, int, int], stats: Stats
) -> None:
    """Visible, hidden and outside, one column a keypoint."""
    x1, y1, x2, y2 = box
    _text(canvas, 'keypoints of all people:', (x1, y1 - 10))
    for n, word in enumerate(('outside', 'hidden', 'visible')):
        x = x1 + 200 + 110 * n
        cv2.rectangle(canvas, (x, y1 - 20), (x + 12, y1 - 8), _SEEN[n], -1)
        _text(canvas, word, (x + 18, y1 - 10))
    shares = stats.visibility / max(stats.people, 1)
    # summed from the right: the bars are drawn over one another
    tops = np.cumsum(shares[:, ::-1], 1)[:, ::-1]  # outside on top
    for k in range(len(shares)):
        left, right = (round(x1 + (k + i) / 308 * (x2 - x1)) for i in (0, 1))
        for n in range(3):
            top = round(y2 - tops[k, n] * (y2 - y1))
            cv2.rectangle(canvas, (left, top), (right - 1, y2), _SEEN[n], -1)
    for percent in (5, 25, 50, 75, 100):
        y = round(y2 - percent / 100 * (y2 - y1))
        cv2.line(canvas, (x1 - 4, y), (x2, y), _INK if percent == 5 else _GRID, 1)
        _text(canvas, f'{percent}%', (x1 - 8, y + 5), 'right')
    for k, name in _GROUPS:
        x = round(x1 + k / len(GOLIATH308.names) * (x2 - x1))
        cv2.line(canvas, (x, y2), (x, y2 + 8), _INK, 1)
        _text(canvas, name, (x, y2 + 24))


def _draw_histogram(
    canvas: np.ndarray,
    box: tuple[int, int, int, int],
    title: str,
    edges: np.ndarray,
    series: Sequence[tuple[str, tuple[int, int, int], np.ndarray]],
) -> None:
    """Bars of one or two counts, side by side."""
    x1, y1, x2, y2 = box
    _text(canvas, title, (x1, y1 - 10))
    highest = max(max(int(counts.max()) for _, _, counts in series), 1)
    columns = len(edges) - 1
    wide = (x2 - x1) / columns
    for n, (name, color, counts) in enumerate(series):
        if len(series) > 1:
            x = x2 - 160 + 80 * n
            cv2.rectangle(canvas, (x, y1 - 20), (x + 12, y1 - 8), color, -1)
            _text(canvas, name, (x + 18, y1 - 10))
        for k, count in enumerate(counts):
            left = round(x1 + (k + 0.08 + 0.84 * n / len(series)) * wide)
            right = round(x1 + (k + 0.08 + 0.84 * (n + 1) / len(series)) * wide)
            top = round(y2 - int(count) / highest * (y2 - y1))
            if count:
                cv2.rectangle(canvas, (left, top), (right - 1, y2), color, -1)
    cv2.line(canvas, (x1, y2), (x2, y2), _INK, 1)
    _text(canvas, str(highest), (x1 - 8, y1 + 5), 'right')
    for k in range(0, columns + 1, 4 if columns > 20 else 2):
        x = round(x1 + k * wide)
        cv2.line(canvas, (x, y2), (x, y2 + 5), _INK, 1)
        _text(canvas, f'{edges[k]:g}', (x, y2 + 20), 'middle')
