"""Batches of images with maps of any channel count."""

import numpy as np
import pytest
import torch

pytest.importorskip('mmseg')

from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from sapiens_mm.geometry import (
    SapiensMapPreprocessor,
    SapiensNormalL1Loss,
    SapiensSiLogLoss,
)

MEAN, STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]


def build(size=(8, 6), map_pad_val=-1, **kwargs):
    return SapiensMapPreprocessor(
        map_pad_val=map_pad_val,
        mean=MEAN,
        std=STD,
        bgr_to_rgb=True,
        size=size,
        **kwargs,
    )


def sample_of(hw, channels, seed=0):
    generator = torch.Generator().manual_seed(seed)
    picture = torch.randint(0, 256, (3, *hw), generator=generator, dtype=torch.uint8)
    sample = SegDataSample(metainfo=dict(img_path=f'{seed}.png', ori_shape=hw))
    values = torch.rand(channels, *hw, generator=generator) + 0.1
    sample.gt_map = PixelData(data=values)
    sample.gt_mask = PixelData(data=torch.ones(1, *hw, dtype=torch.uint8))
    return picture, sample


def batch(*pairs):
    pictures, samples = zip(*pairs, strict=True)
    return dict(inputs=list(pictures), data_samples=list(samples))


@pytest.mark.parametrize(('channels', 'pad'), [(1, -1), (3, -1000), (5, 0.5)])
def test_images_maps_and_masks_are_padded_each_with_its_own(channels, pad):
    small, whole = sample_of((5, 4), channels, 1), sample_of((8, 6), channels, 2)
    labels = [pair[1].gt_map.data.clone() for pair in (small, whole)]
    data = build(map_pad_val=pad)(batch(small, whole), True)
    assert data['inputs'].shape == (2, 3, 8, 6)
    rgb = small[0].flip(0).double()
    mean, std = (torch.tensor(v).double().view(3, 1, 1) for v in (MEAN, STD))
    torch.testing.assert_close(
        data['inputs'][0, :, :5, :4].double(), (rgb - mean) / std, rtol=0, atol=1e-5
    )
    assert not data['inputs'][0, :, 5:].any() and not data['inputs'][0, :, :, 4:].any()
    for sample, label, (height, width) in zip(
        data['data_samples'], labels, ((5, 4), (8, 6)), strict=True
    ):
        values, mask = sample.gt_map.data, sample.gt_mask.data
        assert values.shape == (channels, 8, 6) and mask.shape == (1, 8, 6)
        inside = torch.zeros(8, 6, dtype=torch.bool)
        inside[:height, :width] = True
        torch.testing.assert_close(values[:, :height, :width], label, rtol=0, atol=0)
        assert (values[:, ~inside] == pad).all()
        assert torch.equal(mask[0] > 0, inside)
        assert sample.padding_size == (0, 6 - width, 0, 8 - height)
        assert sample.pad_shape == (8, 6)


def test_padding_does_not_reach_the_losses():
    """The host's padding, 255, counts as people: as depth and as normals."""
    for channels, pad, loss in (
        (1, -1, SapiensSiLogLoss()),
        (3, -1000, SapiensNormalL1Loss()),
    ):
        picture, sample = sample_of((5, 4), channels)
        bare = sample.gt_map.data[None].clone()
        data = build(map_pad_val=pad)(batch((picture, sample)), True)
        target = data['data_samples'][0].gt_map.data[None]
        pred = torch.rand(1, channels, 8, 6, generator=torch.Generator().manual_seed(1))
        expected = loss(pred[..., :5, :4], bare)
        torch.testing.assert_close(loss(pred, target), expected)
        wrong = torch.nn.functional.pad(bare, (0, 2, 0, 3), value=255)
        assert abs(loss(pred, wrong) - expected) > 0.1


def test_in_testing_labels_keep_their_size():
    pictures = [sample_of((8, 6), 1, seed) for seed in range(2)]
    labels = torch.rand(1, 31, 17)
    for _, sample in pictures:
        del sample.gt_map
        sample.gt_map = PixelData(data=labels)
        del sample.gt_mask
    data = build()(batch(*pictures), False)
    assert data['inputs'].shape == (2, 3, 8, 6)
    assert data['data_samples'][1].gt_map.data.shape == (1, 31, 17)
    bare = build()(dict(inputs=[pictures[0][0]]), False)  # no samples at all
    assert bare['inputs'].shape == (1, 3, 8, 6)


def test_what_does_not_fit_raises():
    picture, sample = sample_of((5, 4), 1, 7)
    sample.gt_mask = PixelData(data=torch.ones(1, 5, 3))
    with pytest.raises(ValueError, match=r'7.png: gt_mask has \(5, 3\).* \(5, 4\)'):
        build()(batch((picture, sample)), True)
    with pytest.raises(ValueError, match=r'9.png has \(9, 6\) pixels.*size=\(8, 6\)'):
        build()(batch(sample_of((9, 6), 1, 9)), True)
    with pytest.raises(ValueError, match='seg_pad_val has no meaning'):
        build(seg_pad_val=255)
    with pytest.raises(TypeError, match='map_pad_val'):
        SapiensMapPreprocessor(mean=MEAN, std=STD)
    with pytest.raises(TypeError, match='pad_value'):
        build(pad_value=3)


def test_numpy_labels_of_a_loader_are_not_changed_in_place():
    picture, sample = sample_of((5, 4), 1)
    values = sample.gt_map.data
    before = values.numpy().copy()
    build()(batch((picture, sample)), True)
    np.testing.assert_array_equal(values.numpy(), before)
