"""The wrapper of a model that is trained by several processes without a GPU."""

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODEL_WRAPPERS
from torch import distributed as dist
from torch import nn

from sapiens_mm.engine.cpu_processes import join_on_cpu

pytestmark = pytest.mark.skipif(
    torch.cuda.is_available() or not dist.is_gloo_available(),
    reason='a GPU is there, or no gloo',
)


@pytest.fixture
def joined(monkeypatch, free_port):
    """What ``join_on_cpu`` makes of a config that torchrun starts."""
    group = dict(RANK=0, WORLD_SIZE=1, MASTER_ADDR='127.0.0.1', MASTER_PORT=free_port)
    for key, value in group.items():
        monkeypatch.setenv(key, str(value))
    cfg = Config(dict(find_unused_parameters=True))
    assert join_on_cpu(cfg, 'pytorch')
    yield cfg.model_wrapper_cfg
    dist.destroy_process_group()


def test_a_detectors_synchronised_norms_become_common_ones(joined):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.SyncBatchNorm(4), nn.Conv2d(4, 2, 1))
    model[1].weight.data.uniform_(0.5, 1.5)
    keys = list(model.state_dict())
    common = nn.Sequential(model[0], nn.BatchNorm2d(4), model[2])
    common[1].load_state_dict(model[1].state_dict())
    image = torch.randn(2, 3, 8, 8)
    expected = common(image)
    wrapper = MODEL_WRAPPERS.build(dict(joined, module=model))
    assert wrapper.find_unused_parameters
    assert list(wrapper.module.state_dict()) == keys
    found = wrapper(image)
    torch.testing.assert_close(found, expected)
    found.square().sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in wrapper.module.parameters())


def test_what_a_config_says_of_its_wrapper_stays(monkeypatch):
    cfg = Config(dict(model_wrapper_cfg=dict(type='Mine', static_graph=True)))
    monkeypatch.setattr(dist, 'init_process_group', lambda backend: None)
    assert join_on_cpu(cfg, 'pytorch')
    assert cfg.model_wrapper_cfg == dict(
        type='Mine', static_graph=True, device_ids=None
    )
    assert not join_on_cpu(cfg, 'none')
