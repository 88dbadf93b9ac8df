"""The estimator: whole, sliding and mirrored inference, results in the image's size."""

import pytest
import torch

pytest.importorskip('mmseg')

from mmengine.structures import PixelData
from mmseg.evaluation.metrics import DepthMetric
from mmseg.structures import SegDataSample
from torch.nn import functional as F

from sapiens_mm.checkpoints import CheckpointError
from sapiens_mm.testing import build_model, tiny_config

HW = (64, 48)


def model_of(task, image_hw=HW, **test_cfg):
    cfg = tiny_config(f'{task}/sapiens_0.3b_render_people-1024x768', image_hw)
    cfg.model.test_cfg.update(test_cfg)
    return build_model(cfg).eval()


def pictures(count=2, hw=HW):
    return torch.randn(count, 3, *hw, generator=torch.Generator().manual_seed(0))


def metas(count=2, **facts):
    return [dict(ori_shape=HW, img_shape=HW, **facts) for _ in range(count)]


def resized(maps, hw):
    return F.interpolate(maps, hw, mode='bilinear', align_corners=False)


@pytest.mark.parametrize(('task', 'channels'), [('depth', 1), ('normal', 3)])
@torch.no_grad()
def test_whole_inference_is_the_heads_output_in_the_inputs_size(task, channels):
    model = model_of(task)
    x = pictures()
    raw = model.decode_head(model.backbone(x))
    expected = resized(raw, HW)
    assert expected.shape == (2, channels, *HW)
    got = model.inference(x, metas())
    torch.testing.assert_close(got, expected)
    torch.testing.assert_close(model.encode_decode(x, metas()), expected)


@pytest.mark.parametrize('task', ['depth', 'normal'])
@torch.no_grad()
def test_flip_averages_with_the_mirror(task):
    plain, flipping = model_of(task), model_of(task, flip=True)
    x = pictures()
    signs = torch.tensor([1.0] if task == 'depth' else [-1.0, 1.0, 1.0])
    mirrored = plain.inference(x.flip(3), metas()).flip(3) * signs[:, None, None]
    expected = (plain.inference(x, metas()) + mirrored) / 2
    got = flipping.inference(x, metas())
    torch.testing.assert_close(got, expected)
    # the mirrored image now gives the mirrored result
    again = flipping.inference(x.flip(3), metas()).flip(3) * signs[:, None, None]
    torch.testing.assert_close(again, got, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_slide_averages_the_windows():
    model = model_of('normal', mode='slide', crop_size=HW, stride=(32, 48))
    x = pictures(1, (96, 48))
    top, bottom = (
        model.encode_decode(x[:, :, at : at + 64], metas(1)) for at in (0, 32)
    )
    got = model.inference(x, metas(1))
    expected = torch.cat(
        [top[:, :, :32], (top[:, :, 32:] + bottom[:, :, :32]) / 2, bottom[:, :, 32:]], 2
    )
    torch.testing.assert_close(got, expected)


@torch.no_grad()
def test_results_have_the_size_of_the_image(log):
    model = model_of('normal')
    x = pictures(3)
    samples = [
        SegDataSample(metainfo=dict(ori_shape=(30, 70), img_shape=HW)),
        SegDataSample(
            metainfo=dict(
                ori_shape=(100, 20), img_shape=(48, 40), padding_size=(0, 8, 0, 16)
            )
        ),
        SegDataSample(
            metainfo=dict(
                ori_shape=HW, img_shape=HW, flip=True, flip_direction='horizontal'
            )
        ),
    ]
    maps = model.inference(x, metas(3))
    results = model.predict(x, samples)
    assert [r.pred_map.data.shape for r in results] == [
        *((3, 30, 70), (3, 100, 20), (3, 64, 48))
    ]
    expected = [
        resized(maps[:1], (30, 70))[0],
        resized(maps[1:2, :, :48, :40], (100, 20))[0],
        maps[2].flip(2) * torch.tensor([-1.0, 1.0, 1.0])[:, None, None],
    ]
    for result, wanted in zip(results, expected, strict=True):
        torch.testing.assert_close(result.pred_map.data, wanted)
    assert 'pred_depth_map' not in results[0]  # the host's is of depth
    assert 'shapes are different' not in log.text  # as the host would say
    samples[2].set_metainfo(dict(flip_direction='vertical'))
    with pytest.raises(ValueError, match='only horizontal flips are undone'):
        model.predict(x, samples)


@torch.no_grad()
def test_test_step_goes_through_the_preprocessor():
    model = model_of('depth')
    picture = torch.randint(
        0, 256, (3, *HW), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    sample = SegDataSample(metainfo=dict(ori_shape=HW, img_shape=HW))
    (result,) = model.test_step(dict(inputs=[picture], data_samples=[sample]))
    mean = torch.tensor([123.675, 116.28, 103.53]).view(3, 1, 1)
    std = torch.tensor([58.395, 57.12, 57.375]).view(3, 1, 1)
    x = ((picture.flip(0) - mean) / std)[None]
    torch.testing.assert_close(result.pred_map.data[None], model.inference(x, metas(1)))


@pytest.mark.parametrize(
    ('test_cfg', 'words'),
    [
        (dict(flipp=True), r"unknown keys \['flipp'\]"),
        (dict(mode='slide_flip'), "must be 'whole' or 'slide'"),
        (dict(mode='slide', stride=(8, 8)), r"needs \['crop_size'\]"),
    ],
)
def test_wrong_test_settings_raise(test_cfg, words):
    with pytest.raises(ValueError, match=words):
        model_of('depth', **test_cfg)


def start_of(task, checkpoint):
    """Build a tiny model with a start, initialised but not loaded by anyone else."""
    cfg = tiny_config(f'{task}/sapiens_0.3b_render_people-1024x768', HW)
    cfg.model.init_cfg = dict(type='Pretrained', checkpoint=str(checkpoint))
    model = build_model(cfg)
    model.init_weights()
    return model


def test_init_cfg_starts_from_what_fits_of_a_file(tmp_path):
    path = tmp_path / 'depth.pth'
    source = model_of('depth')
    torch.save(dict(state_dict=source.state_dict()), path)
    again = start_of('depth', path)
    for name, values in source.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], values, msg=name)
    again.decode_head.conv_seg.weight.data.zero_()
    again.init_weights()  # a second call does nothing
    assert not again.decode_head.conv_seg.weight.any()

    # of another head, and of an encoder alone, the head is as without a file
    encoder = tmp_path / 'encoder.pth'
    torch.save(dict(source.backbone.state_dict()), encoder)
    for other in (start_of('normal', path), start_of('depth', encoder)):
        for name, values in source.backbone.state_dict().items():
            torch.testing.assert_close(other.backbone.state_dict()[name], values)
        last = other.decode_head.conv_seg
        assert last.weight.std().item() == pytest.approx(0.01, rel=0.5)  # mmseg's
        assert not last.bias.any()


def test_init_cfg_refuses_another_encoder(tmp_path):
    with pytest.raises(CheckpointError, match='Cannot load'):
        start_of('depth', 'sapiens_tiny_synth_depth')
    with pytest.raises(CheckpointError, match='There is no checkpoint'):
        start_of('depth', tmp_path / 'none.pth')


@torch.no_grad()
def test_depth_is_there_for_the_host_too():
    packed = SegDataSample(metainfo=dict(ori_shape=HW, img_shape=HW))
    (found,) = model_of('depth').predict(pictures(1), [packed])
    assert torch.equal(found.pred_depth_map.data, found.pred_map.data)
    metric = DepthMetric()
    found.set_field(PixelData(data=found.pred_map.data + 1), 'gt_depth_map')
    metric.process({}, [found.to_dict()])
    assert metric.evaluate(1)['rmse'] == pytest.approx(1, abs=1e-5)
