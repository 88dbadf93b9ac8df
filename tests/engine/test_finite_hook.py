"""Predictions that are no numbers end a test, whatever the task."""

import numpy as np
import pytest
import torch
from mmengine.structures import BaseDataElement, InstanceData, PixelData

from sapiens_mm.engine import SapiensFiniteHook
from sapiens_mm.engine.finite_hook import NotFiniteError


def pose(value):
    sample = BaseDataElement()
    sample.pred_instances = InstanceData(
        keypoints=np.full((1, 3, 2), value), keypoint_scores=np.ones((1, 3))
    )
    sample.gt_instances = InstanceData(keypoints=np.full((1, 3, 2), np.nan))
    return sample


def dense(name):
    def make(value):
        sample = BaseDataElement()
        sample.set_data({name: PixelData(data=torch.full((2, 4, 4), value))})
        labels = PixelData(data=torch.zeros((1, 4, 4), dtype=torch.long))
        sample.set_data(dict(pred_sem_seg=labels))
        return sample

    return make


@pytest.mark.parametrize('make', [pose, dense('seg_logits'), dense('pred_map')])
@pytest.mark.parametrize('value', [float('nan'), float('inf')])
def test_nonsense_is_told_and_numbers_are_not(make, value):
    hook = SapiensFiniteHook('best.pth')
    hook.after_test_iter(None, 0, None, [make(1.0)])
    as_dict = {key: dict(field.items()) for key, field in make(value).items()}
    for sample in (make(value), as_dict):
        with pytest.raises(NotFiniteError, match='batch 5: .* holds NaN or Inf'):
            hook.after_test_iter(None, 4, None, [make(1.0), sample])
    hook.after_test_iter(None, 0, None, None)
