"""Shipped configs by name, and what is built of them."""

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, TRANSFORMS, DefaultScope

from sapiens_mm import config_path

DETECTOR = 'det/rtmdet_m_person-640x640'
RGB_MEAN, RGB_STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]


def load(name):
    cfg = Config.fromfile(config_path(name))
    pytest.importorskip(cfg.default_scope)
    return cfg


def build(cfg, device='meta'):
    with DefaultScope.overwrite_default_scope(cfg.default_scope), torch.device(device):
        return MODELS.build(cfg.model)


def run_pipeline(cfg, data):
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        steps = [TRANSFORMS.build(step) for step in cfg.test_pipeline]
    for step in steps:
        data = step(data)
    return data
