"""Images of results. Needs: numpy and OpenCV, no host and no torch.

Images come and go as uint8 BGR arrays (H, W, 3); colours in tables are RGB.
"""

from .depth_bar import add_depth_bar
from .keypoints import draw_keypoints
from .legends import PartLegend
from .maps import (
    colorize_depth,
    colorize_labels,
    colorize_normals,
    colorize_relief,
    overlay_labels,
    pseudo_normals,
)
from .panels import contact_sheet, side_by_side
from .tracks import draw_tracks, id_color

__all__ = [
    'PartLegend',
    'add_depth_bar',
    'colorize_depth',
    'colorize_labels',
    'colorize_normals',
    'colorize_relief',
    'contact_sheet',
    'draw_keypoints',
    'draw_tracks',
    'id_color',
    'overlay_labels',
    'pseudo_normals',
    'side_by_side',
]
