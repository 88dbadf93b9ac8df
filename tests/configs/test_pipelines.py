"""Test pipelines of the shipped configs give the pixels that the models expect."""

import cv2
import numpy as np
import pytest
import torch
from config_util import DETECTOR, RGB_MEAN, RGB_STD, build, load, run_pipeline
from torch.nn import functional as F

from sapiens_mm.testing import fake_person_image, tiny_arch


@pytest.fixture
def photo(tmp_path):
    image = fake_person_image(0, (128, 80))
    cv2.imwrite(str(tmp_path / 'photo.png'), image)
    return str(tmp_path / 'photo.png'), image


def normalised(image):
    """Swap to RGB and normalise, (H, W, 3) BGR to (3, H, W)."""
    rgb = torch.from_numpy(image[..., ::-1].copy()).permute(2, 0, 1).double()
    mean, std = (torch.tensor(v).double().view(3, 1, 1) for v in (RGB_MEAN, RGB_STD))
    return (rgb - mean) / std


def preprocess(cfg, packed):
    cfg.model.backbone.arch = dict(tiny_arch())
    for part, key in (('neck', 'embed_dim'), ('head', 'in_channels')):
        if key in cfg.model.get(part, {}):
            cfg.model[part][key] = 32
    if 'decode_head' in cfg.model:
        cfg.model.decode_head.in_channels = 32
    preprocessor = build(cfg, 'cpu').data_preprocessor
    if cfg.default_scope == 'mmpretrain':  # this host collates before
        batch = dict(inputs=packed['inputs'][None], data_samples=None)
    else:
        batch = dict(inputs=[packed['inputs']], data_samples=[packed['data_samples']])
    return preprocessor(batch, False)['inputs'][0].double()


@pytest.mark.parametrize(
    'key', ['seg/goliath28', 'depth/render_people', 'normal/render_people']
)
def test_dense_pipelines_squeeze_the_image_bilinearly(key, photo):
    path, image = photo
    cfg = load('{}/sapiens_0.3b_{}-1024x768'.format(*key.split('/')))
    packed = run_pipeline(cfg, dict(img_path=path))
    resized = cv2.resize(image, (768, 1024), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_array_equal(packed['inputs'].permute(1, 2, 0), resized)
    assert packed['data_samples'].ori_shape == (128, 80)
    got = preprocess(cfg, packed)
    torch.testing.assert_close(got, normalised(resized), rtol=0, atol=1e-5)


def test_mae_pipeline_squeezes_the_image_to_a_square(photo):
    from PIL import Image

    path, image = photo
    cfg = load('mae/sapiens_0.3b_humans-1024x1024')
    packed = run_pipeline(cfg, dict(img_path=path))
    pil = Image.fromarray(image).resize((1024, 1024), Image.BICUBIC)
    np.testing.assert_array_equal(packed['inputs'].permute(1, 2, 0), np.asarray(pil))
    got = preprocess(cfg, packed)
    torch.testing.assert_close(got, normalised(np.array(pil)), rtol=0, atol=1e-5)


def test_pose_pipeline_crops_the_box_in_the_udp_way(photo):
    path, image = photo
    cfg = load('pose/sapiens_0.3b_coco17-1024x768')
    box = np.array([[10.0, 20.0, 40.0, 100.0]], np.float32)
    packed = run_pipeline(
        cfg, dict(img_path=path, bbox=box, bbox_score=np.ones(1, np.float32))
    )
    sample = packed['data_samples']
    # 30 x 80 pixels, padded by 1.25 and widened to 3:4, about the box's centre
    assert sample.input_center.tolist() == [25, 60]
    assert sample.input_scale.tolist() == pytest.approx([75, 100])
    # UDP: pixel centres of the corners of the input lie on the corners of the crop
    xs = 25 - 37.5 + np.arange(768) * 75 / 767
    ys = 60 - 50 + np.arange(1024) * 100 / 1023
    grid = np.stack(np.meshgrid(xs / 79 * 2 - 1, ys / 127 * 2 - 1), -1)[None]
    source = torch.from_numpy(image.transpose(2, 0, 1).copy())[None].double()
    expected = F.grid_sample(source, torch.from_numpy(grid), align_corners=True)[0]
    error = (packed['inputs'].double() - expected).abs()
    assert error.mean() < 1.5  # OpenCV rounds positions to a 32nd of a pixel
    assert error.quantile(torch.tensor(0.99).double()) < 8
    got = preprocess(cfg, packed)
    crop = packed['inputs'].permute(1, 2, 0).numpy()
    torch.testing.assert_close(got, normalised(crop), rtol=0, atol=1e-5)


def test_detector_pipeline_keeps_the_ratio_and_pads_with_114(photo):
    path, image = photo
    cfg = load(DETECTOR)
    packed = run_pipeline(cfg, dict(img_path=path, img_id=0))
    got = packed['inputs'].permute(1, 2, 0).numpy()
    assert got.shape == (640, 640, 3)
    assert (got[:, 400:] == 114).all()
    resized = cv2.resize(image, (400, 640), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_array_equal(got[:, :400], resized)
