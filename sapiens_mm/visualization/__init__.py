"""Pictures of results. Needs: numpy and OpenCV, no host and no torch.

Pictures come and go as uint8 BGR arrays (H, W, 3); colours in tables are RGB.
"""

from .keypoints import draw_keypoints
from .maps import (
    colorize_depth,
    colorize_labels,
    colorize_normals,
    overlay_labels,
    pseudo_normals,
)
from .panels import contact_sheet, side_by_side
from .tracks import draw_tracks, id_color

__all__ = [
    'colorize_depth',
    'colorize_labels',
    'colorize_normals',
    'contact_sheet',
    'draw_keypoints',
    'draw_tracks',
    'id_color',
    'overlay_labels',
    'pseudo_normals',
    'side_by_side',
]
