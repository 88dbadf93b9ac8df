"""All tasks in one training, for encoders that several small models begin from.

Needs: mmpose; mmseg for the heads of parts, depth and normals.
"""

from sapiens_mm.multitask.dataset import SapiensMultitaskDataset
from sapiens_mm.multitask.head import SapiensMultitaskHead
from sapiens_mm.multitask.transforms import (
    SapiensLoadAllMaps,
    SapiensPackMultitask,
    SapiensTopdownMaps,
)

__all__ = [
    'SapiensLoadAllMaps',
    'SapiensMultitaskDataset',
    'SapiensMultitaskHead',
    'SapiensPackMultitask',
    'SapiensTopdownMaps',
]
