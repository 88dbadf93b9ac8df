"""The depth and normal heads: values, losses at the target's size, released keys."""

import pytest
import torch
from torch.nn import functional as F

pytest.importorskip('mmseg')

from mmseg.registry import MODELS  # noqa: E402

from sapiens_mm.geometry import (  # noqa: E402
    SapiensDepthHead,
    SapiensNormalCosineLoss,
    SapiensNormalHead,
    SapiensNormalL1Loss,
    SapiensSiLogLoss,
)
from sapiens_mm.testing import (  # noqa: E402
    TINY_HW,
    build_model,
    fake_person,
    fill_deterministic,
    map_sample,
    tiny_config,
)

CONFIG = '{}/sapiens_0.3b_render_people-1024x768'


def tiny_model(task):
    return build_model(tiny_config(CONFIG.format(task)))


def formula(head, x):
    """The raw map in float64, layer by layer."""
    x = x.double()
    for conv in head.deconv_layers[::3]:
        x = F.conv_transpose2d(x, conv.weight.double(), stride=2, padding=1)
        x = F.silu(F.instance_norm(x, eps=1e-5))
    for conv in head.conv_layers[::3]:
        x = F.conv2d(x, conv.weight.double(), conv.bias.double())
        x = F.silu(F.instance_norm(x, eps=1e-5))
    return F.conv2d(x, head.conv_seg.weight.double(), head.conv_seg.bias.double())


@pytest.mark.parametrize(
    ('task', 'shape'), [('depth', (1, 64, 48)), ('normal', (3, 32, 24))]
)
def test_raw_maps_are_the_formula(task, shape):
    head = tiny_model(task).eval().decode_head
    x = torch.randn(2, 32, 4, 3)
    got = head((x,))
    assert got.shape == (2, *shape)
    assert got.min() < 0 < got.max()  # no activation
    torch.testing.assert_close(got.double(), formula(head, x), rtol=0, atol=2e-5)
    with torch.autocast('cpu', torch.bfloat16):
        half = head((x,))
    assert half.dtype == torch.float32
    assert 0 < (half - got).abs().mean() < 0.05 * got.std()


@pytest.mark.parametrize('task', ['depth', 'normal'])
def test_losses_are_taken_at_the_targets_size(task):
    model = tiny_model(task).eval()
    batch = [map_sample(fake_person(seed, (96, 72)), task) for seed in (0, 1)]
    image = torch.randn(2, 3, *TINY_HW)
    losses = model.loss(image, batch)
    raw = model.decode_head(model.backbone(image))
    pred = F.interpolate(raw, (96, 72), mode='bilinear', align_corners=False)
    target = torch.stack([sample.gt_map.data for sample in batch])
    if task == 'depth':
        expected = {'decode.loss_silog': SapiensSiLogLoss()(pred, target)}
    else:
        expected = {
            'decode.loss_cosine': SapiensNormalCosineLoss()(pred, target),
            'decode.loss_l1': SapiensNormalL1Loss()(pred, target),
        }
    assert losses == expected
    total, _ = model.parse_losses(losses)
    assert total.item() == pytest.approx(sum(v.item() for v in expected.values()))


def test_losses_of_one_name_are_added():
    cfg = tiny_config(CONFIG.format('normal')).model.decode_head
    cfg.loss_decode = [
        dict(type='sapiens_mm.SapiensNormalL1Loss', loss_weight=2.0),
        dict(type='sapiens_mm.SapiensNormalL1Loss', loss_weight=0.5),
    ]
    head = fill_deterministic(MODELS.build(cfg)).eval()
    sample = map_sample(fake_person(0, TINY_HW), 'normal')
    x = torch.randn(1, 32, 4, 3)
    pred = F.interpolate(head((x,)), TINY_HW, mode='bilinear', align_corners=False)
    single = SapiensNormalL1Loss()(pred, sample.gt_map.data[None])
    losses = head.loss((x,), [sample], {})
    assert losses['loss_l1'].item() == pytest.approx(2.5 * single.item(), rel=1e-6)


@pytest.mark.parametrize('task', ['depth', 'normal'])
def test_predictions_are_resized_to_the_original_image(task):
    model = tiny_model(task).eval()
    sample = map_sample(fake_person(0, TINY_HW), task)
    sample.set_metainfo(dict(ori_shape=(100, 90)))
    image = torch.randn(1, 3, *TINY_HW)
    with torch.no_grad():
        result = model.predict(image, [sample])[0]
        raw = model.decode_head(model.backbone(image))
    for size in (TINY_HW, (100, 90)):
        raw = F.interpolate(raw, size, mode='bilinear', align_corners=False)
    assert torch.equal(result.pred_map.data, raw[0])


def test_normal_models_pad_the_patches_and_depth_models_do_not():
    depth, normal = tiny_model('depth').backbone, tiny_model('normal').backbone
    image = torch.zeros(1, 3, *TINY_HW)
    image[:, :, 14] = 1  # of the first patch row only without padding
    change = {}
    for name, vit in (('depth', depth), ('normal', normal)):
        tokens, _ = vit.embed(image)
        blank, _ = vit.embed(torch.zeros_like(image))
        change[name] = (tokens - blank).abs().sum(-1).reshape(4, 3).sum(1) > 0
    assert change['depth'].tolist() == [True, False, False, False]
    assert change['normal'].tolist() == [False, True, False, False]


@pytest.mark.parametrize(
    ('dim', 'depth_count', 'normal_count'),
    [
        (1024, 13_665_409, 33_231_363),
        (1280, 15_238_273, 36_377_091),
        (1536, 16_811_137, 39_522_819),
        (1920, 19_170_433, 44_241_411),
    ],
)
def test_released_heads(dim, depth_count, normal_count):
    with torch.device('meta'):
        heads = SapiensDepthHead(dim), SapiensNormalHead(dim)
    sizes = ((384, 1, (0, 3, 6, 9), (0, 3)), (768, 3, (0, 3, 6), (0, 3, 6)))
    counts = (depth_count, normal_count)
    for head, (width, out, deconvs, convs), count in zip(
        heads, sizes, counts, strict=True
    ):
        expected = {'conv_seg.weight': (out, width, 1, 1), 'conv_seg.bias': (out,)}
        for index in deconvs:
            source = width if index else dim
            expected[f'deconv_layers.{index}.weight'] = (source, width, 4, 4)
        for index in convs:
            expected[f'conv_layers.{index}.weight'] = (width, width, 1, 1)
            expected[f'conv_layers.{index}.bias'] = (width,)
        got = {key: tuple(value.shape) for key, value in head.state_dict().items()}
        assert got == expected
        assert sum(parameter.numel() for parameter in head.parameters()) == count
        assert head.dropout.p == 0.1


@pytest.mark.parametrize('head', [SapiensDepthHead, SapiensNormalHead])
def test_bad_arguments_are_refused(head):
    with pytest.raises(TypeError, match='min_depth'):
        head(32, min_depth=0)
    with pytest.raises(ValueError, match='last stage width .*, got 5'):
        head(32, channels=5)


@pytest.mark.parametrize('task', ['depth', 'normal'])
def test_targets_under_the_names_of_the_host(task):
    head = tiny_model(task).decode_head
    ours, theirs = (map_sample(fake_person(0, TINY_HW), task) for _ in range(2))
    theirs.set_field(theirs.pop('gt_map'), 'gt_depth_map')
    logits = head(
        (torch.randn(1, 32, 4, 3, generator=torch.Generator().manual_seed(0)),)
    )
    expected, found = (head.loss_by_feat(logits, [each]) for each in (ours, theirs))
    assert expected and found.keys() == expected.keys()
    for name, value in expected.items():
        assert torch.equal(found[name], value), name
