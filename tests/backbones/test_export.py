"""Encoder and heads as graphs whose batch and size stay free (torch.export)."""

import pytest
import torch
from torch import nn
from torch.export import Dim, export

from sapiens_mm.backbones import SapiensViT
from sapiens_mm.testing import build_model, tiny_arch, tiny_config

# a batch of one, others, and grids above, below and beside the model's own
SHAPES = [(1, 64, 48), (3, 64, 48), (2, 96, 32), (5, 128, 96)]
CONFIGS = {
    'pose': ('mmpose', 'pose/sapiens_0.3b_coco17-1024x768'),
    'seg': ('mmseg', 'seg/sapiens_0.3b_goliath28-1024x768'),
    'depth': ('mmseg', 'depth/sapiens_0.3b_render_people-1024x768'),
    'normal': ('mmseg', 'normal/sapiens_0.3b_render_people-1024x768'),
}


class Network(nn.Module):
    """Encoder and head without what the hosts put around them."""

    def __init__(self, model):
        super().__init__()
        self.backbone = model.backbone
        self.head = model.head if hasattr(model, 'head') else model.decode_head

    def forward(self, image):
        return self.head(self.backbone(image))


def assert_free(module, example_hw=(64, 48)):
    """Export with free batch, height and width; run it at sizes it has not seen."""
    image = torch.randn(2, 3, *example_hw)
    size = {0: Dim('batch'), 2: 16 * Dim('rows'), 3: 16 * Dim('columns')}
    program = export(module, (image,), dynamic_shapes=(size,)).module()
    for batch, height, width in SHAPES:
        image = torch.randn(batch, 3, height, width)
        with torch.no_grad():
            expected, found = module(image), program(image)
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('out_type', ['featmap', 'raw'])
@pytest.mark.parametrize('padding', [0, 2])
@pytest.mark.parametrize('cls_token', [False, True])
def test_the_encoder(out_type, padding, cls_token):
    model = SapiensViT(
        arch=tiny_arch(),
        img_size=(64, 48),
        patch_cfg=dict(padding=padding),
        with_cls_token=cls_token,
        out_type=out_type,
    )
    assert_free(model.eval())


@pytest.mark.parametrize('task', CONFIGS)
def test_every_task(task):
    host, name = CONFIGS[task]
    pytest.importorskip(host)
    assert_free(Network(build_model(tiny_config(name))).eval())
