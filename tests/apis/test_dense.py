import copy

import cv2
import numpy as np
import pytest
import torch
from torch.nn import functional as F

pytest.importorskip('mmseg')

from mmengine.registry import DefaultScope

from sapiens_mm.apis import DepthInferencer, NormalInferencer, SegInferencer
from sapiens_mm.tables import part_table
from sapiens_mm.testing import build_model, fake_person_image

TASKS = {'seg': SegInferencer, 'depth': DepthInferencer, 'normal': NormalInferencer}


@pytest.fixture(scope='module')
def photo():
    return fake_person_image(3, (150, 211))


def host_maps(cfg, photo):
    """Raw maps of the host's own inference, at the image's size: (C, H, W)."""
    from mmseg.apis import inference_model

    host = build_model(cfg).eval()
    host.cfg = copy.deepcopy(cfg)
    with DefaultScope.overwrite_default_scope('mmseg'):
        sample = inference_model(host, photo)
    if hasattr(sample, 'seg_logits'):
        return sample.seg_logits.data
    return sample.pred_map.data


def network_by_hand(cfg, photo, mirror=False):
    """The same by OpenCV and torch alone, with two enlargements."""
    model = build_model(cfg).eval()
    small = cv2.resize(photo, (48, 64), interpolation=cv2.INTER_LINEAR)
    rgb = torch.from_numpy(small[:, :, ::-1].copy()).permute(2, 0, 1)[None].float()
    mean = torch.tensor([123.675, 116.28, 103.53])[:, None, None]
    std = torch.tensor([58.395, 57.12, 57.375])[:, None, None]
    x = (rgb - mean) / std
    x = x.flip(-1) if mirror else x
    with torch.no_grad():
        maps = model.decode_head(model.backbone(x))
    maps = maps.flip(-1) if mirror else maps
    return F.interpolate(maps, (64, 48), mode='bilinear')[0]


def enlarge(maps, photo):
    return F.interpolate(maps[None], photo.shape[:2], mode='bilinear')[0]


def test_segmentation_equals_mmseg(tiny, photo):
    cfg, checkpoint = tiny('seg')
    result = SegInferencer(cfg, checkpoint, device='cpu', probabilities=True)(photo)
    logits = host_maps(cfg, photo)
    assert result.labels.dtype == np.uint8
    assert result.labels.shape == photo.shape[:2]
    assert (result.labels == logits.argmax(0).numpy()).mean() > 0.9995
    np.testing.assert_allclose(
        result.probabilities.astype(np.float32), logits.softmax(0), atol=2e-3
    )
    assert result.classes == part_table('goliath28').classes
    assert SegInferencer(cfg, checkpoint, device='cpu')(photo).probabilities is None


def test_depth_equals_mmseg_and_the_formula(tiny, photo):
    cfg, checkpoint = tiny('depth')
    depth = DepthInferencer(cfg, checkpoint, device='cpu')(photo).depth
    assert depth.dtype == np.float32 and depth.shape == photo.shape[:2]
    np.testing.assert_allclose(depth, host_maps(cfg, photo)[0], atol=1e-5)
    by_hand = enlarge(network_by_hand(cfg, photo), photo)[0]
    np.testing.assert_allclose(depth, by_hand, atol=1e-5)


def test_normals_equal_mmseg_and_the_formula(tiny, photo):
    cfg, checkpoint = tiny('normal')
    normals = NormalInferencer(cfg, checkpoint, device='cpu')(photo).normals
    assert normals.dtype == np.float32 and normals.shape == photo.shape
    for raw in (host_maps(cfg, photo), enlarge(network_by_hand(cfg, photo), photo)):
        expected = raw / (raw.norm(dim=0) + 1e-5)
        np.testing.assert_allclose(normals, expected.permute(1, 2, 0), atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=2), 1, atol=1e-3)


def test_flip_test_averages_what_the_mirror_means(tiny, photo):
    swap = list(part_table('goliath28').flip_indices)
    signs = torch.tensor([-1.0, 1, 1])[:, None, None]
    unflip = dict(seg=lambda m: m[swap], depth=lambda m: m, normal=lambda m: m * signs)
    for task, inferencer in TASKS.items():
        cfg, checkpoint = tiny(task)
        plain = network_by_hand(cfg, photo)
        mirrored = unflip[task](network_by_hand(cfg, photo, mirror=True))
        maps = enlarge((plain + mirrored) / 2, photo)
        result = inferencer(cfg, checkpoint, device='cpu', flip_test=True)(photo)
        if task == 'seg':
            assert (result.labels == maps.argmax(0).numpy()).mean() > 0.999
        elif task == 'depth':
            np.testing.assert_allclose(result.depth, maps[0], atol=1e-5)
        else:
            expected = maps / (maps.norm(dim=0) + 1e-5)
            np.testing.assert_allclose(
                result.normals, expected.permute(1, 2, 0), atol=1e-4
            )


@pytest.mark.parametrize('task', TASKS)
def test_batches_of_different_images(tiny, photo, task):
    cfg, checkpoint = tiny(task)
    photos = [photo, fake_person_image(4, (60, 40)), np.zeros((1, 1, 3), np.uint8)]
    one = TASKS[task](cfg, checkpoint, device='cpu', batch_size=1)(photos)
    all_at_once = TASKS[task](cfg, checkpoint, device='cpu', batch_size=3)(photos)
    field = dict(seg='labels', depth='depth', normal='normals')[task]
    for a, b, image in zip(one, all_at_once, photos, strict=True):
        a, b = getattr(a, field), getattr(b, field)
        assert a.shape[:2] == image.shape[:2]
        assert np.isclose(a, b, atol=1e-4).mean() > 0.999


@pytest.mark.parametrize('task', ['depth', 'normal'])
def test_mask_is_kept_and_changes_nothing(tiny, photo, task):
    inferencer = TASKS[task](*tiny(task), device='cpu')
    mask = np.zeros(photo.shape[:2], np.uint8)
    mask[20:90] = 1
    field = 'depth' if task == 'depth' else 'normals'
    with_mask, without = inferencer(photo, mask=mask), inferencer(photo)
    np.testing.assert_array_equal(with_mask.mask, mask > 0)
    assert without.mask is None
    np.testing.assert_array_equal(getattr(with_mask, field), getattr(without, field))
    with pytest.raises(ValueError, match=r'expected \(150, 211\)'):
        inferencer(photo, mask=mask[:50])


def test_options_of_another_task_are_refused(tiny, photo):
    with pytest.raises(TypeError, match="unexpected keyword argument 'boxes'"):
        DepthInferencer(*tiny('depth'), device='cpu')(photo, boxes=[[0, 0, 1, 1]])
    with pytest.raises(TypeError, match="unexpected keyword argument 'mask'"):
        SegInferencer(*tiny('seg'), device='cpu')(photo, mask=None)


def test_part_table_must_fit_the_model(tiny):
    cfg, checkpoint = tiny('seg')
    cfg = copy.deepcopy(cfg)
    cfg.part_table = 'lip20'
    with pytest.raises(ValueError, match="'lip20' has 20 classes, the model 28"):
        SegInferencer(cfg, checkpoint, device='cpu')


def test_bf16_is_near(tiny, photo):
    for task, inferencer in TASKS.items():
        cfg, checkpoint = tiny(task)
        full = inferencer(cfg, checkpoint, device='cpu')(photo)
        half = inferencer(cfg, checkpoint, device='cpu', dtype='bfloat16')(photo)
        if task == 'seg':
            assert (full.labels == half.labels).mean() > 0.7
        elif task == 'depth':
            assert np.corrcoef(full.depth.ravel(), half.depth.ravel())[0, 1] > 0.95
        else:
            assert (full.normals * half.normals).sum(2).mean() > 0.95
