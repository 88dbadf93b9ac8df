"""Relative depth and surface normals: models, data, metrics. Needs: mmseg.

EXR files also need OpenEXR.
"""

from sapiens_mm.geometry.alignment import Alignment, align_depth
from sapiens_mm.geometry.david_dataset import SapiensSynthHumanDataset
from sapiens_mm.geometry.depth_head import SapiensDepthHead
from sapiens_mm.geometry.depth_l1_loss import SapiensDepthL1Loss
from sapiens_mm.geometry.depth_metric import SapiensDepthMetric
from sapiens_mm.geometry.estimator import SapiensMapEstimator
from sapiens_mm.geometry.gradient_loss import SapiensGradientLoss
from sapiens_mm.geometry.loading import SapiensLoadMap
from sapiens_mm.geometry.map_dataset import SapiensMapDataset
from sapiens_mm.geometry.map_errors import (
    angles_between,
    depth_errors,
    normal_errors,
)
from sapiens_mm.geometry.map_list_dataset import SapiensMapListDataset
from sapiens_mm.geometry.normal_head import SapiensNormalHead
from sapiens_mm.geometry.normal_loss import (
    SapiensNormalCosineLoss,
    SapiensNormalL1Loss,
)
from sapiens_mm.geometry.normal_metric import SapiensNormalMetric
from sapiens_mm.geometry.packing import SapiensPackMap
from sapiens_mm.geometry.preprocessor import SapiensMapPreprocessor
from sapiens_mm.geometry.silog_loss import SapiensSiLogLoss
from sapiens_mm.geometry.synthetic_humans import SapiensSyntheticHumansMaps
from sapiens_mm.geometry.transforms import (
    SapiensMapResize,
    SapiensMapTarget,
    SapiensRandomMapFlip,
    SapiensRandomMapRotate,
)

__all__ = [
    'Alignment',
    'SapiensDepthHead',
    'SapiensDepthL1Loss',
    'SapiensDepthMetric',
    'SapiensGradientLoss',
    'SapiensLoadMap',
    'SapiensMapDataset',
    'SapiensMapEstimator',
    'SapiensMapListDataset',
    'SapiensMapPreprocessor',
    'SapiensMapResize',
    'SapiensMapTarget',
    'SapiensNormalCosineLoss',
    'SapiensNormalHead',
    'SapiensNormalL1Loss',
    'SapiensNormalMetric',
    'SapiensPackMap',
    'SapiensRandomMapFlip',
    'SapiensRandomMapRotate',
    'SapiensSiLogLoss',
    'SapiensSynthHumanDataset',
    'SapiensSyntheticHumansMaps',
    'align_depth',
    'angles_between',
    'depth_errors',
    'normal_errors',
]
