"""Top-down pose: head, data, augmentation, metrics. Needs: mmpose."""

from sapiens_mm.pose.annotation_check import check_annotations
from sapiens_mm.pose.annotation_check_hook import SapiensAnnotationCheckHook
from sapiens_mm.pose.decode import decode_udp_heatmaps
from sapiens_mm.pose.estimator import SapiensTopdownEstimator
from sapiens_mm.pose.goliath_dataset import SapiensGoliathDataset
from sapiens_mm.pose.heatmap_head import SapiensHeatmapHead
from sapiens_mm.pose.heatmap_loss import SapiensHeatmapLoss
from sapiens_mm.pose.heatmap_target import SapiensHeatmapTarget
from sapiens_mm.pose.keypoint_maps import (
    common_pairs,
    convert_keypoints,
    converter_mapping,
    keypoint_map,
)
from sapiens_mm.pose.keypoint_metric import SapiensKeypointMetric
from sapiens_mm.pose.min_keypoints import SapiensMinKeypoints
from sapiens_mm.pose.synthetic_humans import SapiensSyntheticHumansPose
from sapiens_mm.pose.transforms import (
    SapiensCoarseDropout,
    SapiensRandomBlur,
    SapiensRandomMedianBlur,
)

__all__ = [
    'SapiensAnnotationCheckHook',
    'SapiensCoarseDropout',
    'SapiensGoliathDataset',
    'SapiensHeatmapHead',
    'SapiensHeatmapLoss',
    'SapiensHeatmapTarget',
    'SapiensKeypointMetric',
    'SapiensMinKeypoints',
    'SapiensRandomBlur',
    'SapiensRandomMedianBlur',
    'SapiensTopdownEstimator',
    'SapiensSyntheticHumansPose',
    'check_annotations',
    'common_pairs',
    'convert_keypoints',
    'converter_mapping',
    'decode_udp_heatmaps',
    'keypoint_map',
]
