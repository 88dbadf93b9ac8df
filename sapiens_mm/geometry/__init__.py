"""Relative depth and surface normals: heads for mmseg's estimators. Needs: mmseg."""

from sapiens_mm.geometry.depth_head import SapiensDepthHead
from sapiens_mm.geometry.normal_head import SapiensNormalHead
from sapiens_mm.geometry.normal_loss import (
    SapiensNormalCosineLoss,
    SapiensNormalL1Loss,
)
from sapiens_mm.geometry.silog_loss import SapiensSiLogLoss

__all__ = [
    'SapiensDepthHead',
    'SapiensNormalCosineLoss',
    'SapiensNormalHead',
    'SapiensNormalL1Loss',
    'SapiensSiLogLoss',
]
