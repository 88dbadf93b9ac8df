"""What a vocabulary has where nobody stated it: colours, and one sigma."""

from __future__ import annotations

import colorsys

from .schema import RGB

DEFAULT_SIGMA = 0.05
"""Of the object keypoint similarity, between COCO's eyes (0.025) and hips (0.107)."""

_GOLDEN = 0.6180339887498949  # of the circle of hues: the next is far from all before
# saturation and brightness, in turns: 255 hues alone are too near to each other
_TONES = ((0.85, 1.0), (0.55, 1.0), (0.9, 0.65), (0.45, 0.75), (1.0, 0.85))


def distinct_colors(count: int) -> tuple[RGB, ...]:
    """Return colours that differ, the first ones most.

    Args:
        count: How many.

    Returns:
        RGB, none of them black, white or grey, no two alike up to 255.
    """
    colors = []
    for k in range(count):
        saturation, value = _TONES[k % len(_TONES)]
        rgb = colorsys.hsv_to_rgb(k * _GOLDEN % 1, saturation, value)
        colors.append(tuple(round(255 * channel) for channel in rgb))
    return tuple(colors)
