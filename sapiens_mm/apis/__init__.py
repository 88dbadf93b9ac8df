"""Inference on images. Needs: the host of the task, imported when it is used."""

from sapiens_mm.apis.depth import DepthInferencer
from sapiens_mm.apis.features import FeatureInferencer
from sapiens_mm.apis.normal import NormalInferencer
from sapiens_mm.apis.person_boxes import PersonDetector
from sapiens_mm.apis.pose import PoseInferencer
from sapiens_mm.apis.results import (
    DepthResult,
    FeatureResult,
    NormalResult,
    PoseResult,
    SegResult,
)
from sapiens_mm.apis.seg import SegInferencer

__all__ = [
    'DepthInferencer',
    'DepthResult',
    'FeatureInferencer',
    'FeatureResult',
    'NormalInferencer',
    'NormalResult',
    'PersonDetector',
    'PoseInferencer',
    'PoseResult',
    'SegInferencer',
    'SegResult',
]
