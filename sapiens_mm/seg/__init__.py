"""Body-part segmentation: head, data, augmentation, losses, metric. Needs: mmseg."""

from sapiens_mm.seg.boundary_loss import SapiensBoundaryLoss
from sapiens_mm.seg.datasets import SapiensGoliathPartDataset, SapiensPartDataset
from sapiens_mm.seg.dice_loss import SapiensDiceLoss
from sapiens_mm.seg.head import SapiensSegHead
from sapiens_mm.seg.load_labels import SapiensLoadLabels
from sapiens_mm.seg.part_loss import SapiensPartLoss
from sapiens_mm.seg.part_metric import SapiensPartMetric
from sapiens_mm.seg.random_background import SapiensRandomBackground
from sapiens_mm.seg.synthetic_humans import SapiensSyntheticHumansSeg

__all__ = [
    'SapiensBoundaryLoss',
    'SapiensDiceLoss',
    'SapiensGoliathPartDataset',
    'SapiensLoadLabels',
    'SapiensPartDataset',
    'SapiensPartLoss',
    'SapiensPartMetric',
    'SapiensRandomBackground',
    'SapiensSegHead',
    'SapiensSyntheticHumansSeg',
]
